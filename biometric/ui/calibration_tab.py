"""The Calibration tab: what the thresholds rest on, and a new one from clips of one's own."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from biometric.entities import Calibration, FittedThreshold, Histogram, Purpose
from biometric.errors import InvalidInput
from biometric.messages import describe_all
from biometric.storage import remove_quietly
from biometric.ui import elements, presenters
from biometric.ui.components import area
from biometric.ui.page import FOLLOWS_JOB, QUIET, Page, Steps, Updates, guarded, stream_progress
from biometric.ui.session import Session
from biometric.ui.text_format import count, escape, people, threshold_text
from biometric.ui.turns import Place

TARGETS = [("1 in 100", 0.01), ("1 in 1,000", 0.001), ("1 in 10,000", 0.0001)]
MOST_CLIPS = 50
JOB = "calibration"
NONE_YET = elements.empty(
    "Not calibrated yet", "Thresholds come from the model card, which never saw your cameras. Calibrate below."
)
INTRO = (
    '<p class="sl-quiet sl-padded">Clips in which several people are seen at the same time help most, because two '
    "people side by side are certainly not one. Nobody needs a name, and the clips are not kept. Without a clip, the "
    "people of the gallery are compared with each other.</p>"
)


class CalibrationPanel:
    """Components and handlers. Build inside the Calibration tab."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.current = area(elem_id="calibration", css="sl-narrow")
        self.evidence = area(elem_id="thresholds", css="sl-narrow")
        with gr.Accordion("Calibrate on your footage", open=False, elem_id="calibration-new"):
            gr.HTML(INTRO, apply_default_css=False)
            self.clips = gr.File(
                label="Clips",
                file_count="multiple",
                type="filepath",
                height=110,
                elem_id="calibration-clips",
                elem_classes=["sl-drop", "sl-import", "sl-clips"],
            )
            self.target = gr.Radio(TARGETS, value=0.001, label="Strangers who may pass", elem_id="calibration-target")
            with gr.Row(elem_classes=["sl-go"]):
                self.start = gr.Button("Calibrate", variant="primary", min_width=90, elem_id="calibration-start")
                self.cancel = gr.Button("Cancel", interactive=False, min_width=80, elem_id="calibration-cancel")
            self.status = gr.HTML("", apply_default_css=False, elem_classes=["sl-live"], elem_id="calibration-status")
            self.message = area(elem_id="calibration-message")

    def connect(self) -> Any:
        """Attach events; returns the job, after which thresholds have changed."""
        outputs = [*self.components, self.clips, self.status, self.message, self.start, self.cancel]
        run = self.page.as_job(JOB, self.run, self._waiting, self._stopped)
        job = self.start.click(run, [self.clips, self.target], outputs, **FOLLOWS_JOB)
        self.cancel.click(self.on_cancel, None, outputs, cancels=[job], **QUIET)
        return job

    @property
    def components(self) -> list[Any]:
        """Components that `render` changes."""
        return [self.current, self.evidence]

    def render(self) -> Updates:
        """Return the current calibration, and what the thresholds in force rest on."""
        calibration = self.page.service.calibration()
        return {
            self.current: NONE_YET if calibration is None else shown(calibration, len(self.page.identities())),
            self.evidence: self._evidence(),
        }

    def _evidence(self) -> str:
        purposes: tuple[Purpose, ...] = ("verification", "identification")
        notes = "".join(
            f"<h4>{purpose.capitalize()}</h4>{elements.threshold_evidence(self.page.threshold(purpose))}"
            for purpose in purposes
        )
        return f'<details class="sl-quiet"><summary>Thresholds and their evidence</summary>{notes}</details>'

    def _waiting(self, place: Place) -> Updates:
        return {
            self.status: presenters.waiting(place),
            self.start: gr.update(interactive=False),
            self.cancel: gr.update(interactive=True),
        }

    def _stopped(self, sentence: str) -> Updates:
        return {**self._idle(), self.status: presenters.status_message(sentence)}

    def run(self, clips: Any, target: Any, request: gr.Request) -> Steps:
        """Calibrate on the uploaded clips; they go when the work ends, however it ends."""
        session = self.page.session(request)
        yield from guarded(self._run(session, clips, target), self.message, self._idle)

    def _run(self, session: Session, clips: Any, target: Any) -> Steps:
        rate, sources = target_rate(target), clip_paths(clips)
        folder = session.new_folder("calibration")
        try:
            yield {
                self.message: "",
                self.status: presenters.working("Starting"),
                self.start: gr.update(interactive=False),
                self.cancel: gr.update(interactive=True),
            }
            clips = [self._take(source, folder / str(number)) for number, source in enumerate(sources)]
            work = self.page.service.calibrate(clips, target_fmr=rate)
            calibration = yield from stream_progress(work, lambda progress: {self.status: presenters.working(progress)})
        finally:
            remove_quietly(folder)
        text = "The thresholds of Verification and Identification are the calibrated ones from now on."
        if calibration.identification is None:
            text = "Verification uses the calibrated threshold from now on; Identification keeps its own."
        yield {self.message: elements.banner("good", "Calibrated", text), **self.render()}

    def _take(self, source: Path, folder: Path) -> Path:
        folder.mkdir(mode=0o700)
        return self.page.uploads.take(source, folder)

    def _idle(self) -> Updates:
        return {
            self.clips: gr.update(value=None),
            self.status: "",
            self.start: gr.update(interactive=True),
            self.cancel: gr.update(interactive=False),
        }

    def on_cancel(self, request: gr.Request) -> Updates:
        """Cancel was pressed; the job stops at its next step."""
        updates = self._stopped("Cancelled. The former thresholds stay.")
        self.page.session(request).jobs.cancel(JOB, updates=updates)
        return updates


def shown(calibration: Calibration, gallery_size: int) -> str:
    """Return a calibration: histogram with the threshold, then targets, intervals, counts and notes in words."""
    rows = [
        ("Date", calibration.day),
        ("Verification", _fitted(calibration.verification)),
        ("Identification", _identification(calibration, gallery_size)),
        (
            "Based on",
            f"{count(calibration.pairs, 'pair')} of {people(calibration.people)}, {count(calibration.clips, 'clip')}",
        ),
        ("Comparisons", ", ".join(f"{number:,} {source}" for source, number in calibration.sources.items())),
        ("In doubt", f"{calibration.doubtful:,} comparisons, counted as errors" if calibration.doubtful else ""),
        *((f"Same person, {item.kind}", f"{item.missed} of {item.comparisons} missed") for item in calibration.genuine),
    ]
    notes = "".join(f"<p>{escape(note)}</p>" for note in describe_all(calibration.notes))
    more = f'<details class="sl-quiet"><summary>What this assumes</summary>{notes}</details>' if notes else ""
    scores = histogram(calibration.histogram, calibration.verification.value)
    return f"<h4>Calibration</h4>{scores}{elements.pairs(rows)}{more}"


def _identification(calibration: Calibration, gallery_size: int) -> str:
    if calibration.identification is None:
        return "not calibrated, see below why"
    text = f"{_fitted(calibration.identification)}, for a gallery of {people(calibration.gallery_size)}"
    if gallery_size > calibration.gallery_size:
        text += f"; it has {gallery_size:,} now, so a higher threshold of the model card may decide: calibrate again"
    return text


def _fitted(fitted: FittedThreshold) -> str:
    return (
        f"{threshold_text(fitted.value)} (95 % interval {fitted.low:.2f}–{fitted.high:.2f}) for 1 in "
        f"{round(1 / fitted.target):,}"
    )


WIDTH, HEIGHT, BASE = 300, 96, 78


def histogram(counts: Histogram, threshold: float) -> str:
    """Return both distributions as an inline SVG, each scaled to its own highest bin, with the threshold as a line."""
    bins = len(counts.different)
    used = [number for number in range(bins) if counts.different[number] or counts.same[number]]
    first = min([*used, bins // 2])
    step = WIDTH / (bins - first)

    def place(score: float) -> float:
        return max(0.0, ((score + 1) / 2 * bins - first) * step)

    bars = _bars(counts.different[first:], step, "sl-different") + _bars(counts.same[first:], step, "sl-same")
    at = place(threshold)
    words = (
        f"Histogram of scores: {sum(counts.different):,} pairs of different people, {sum(counts.same):,} scores of one "
        f"person with themselves, threshold {threshold_text(threshold)}"
    )
    ticks = "".join(
        f'<text x="{place(score):.1f}" y="{HEIGHT - 4}" text-anchor="middle">{score:g}</text>'
        for score in (0.0, 0.25, 0.5, 0.75)
    )
    return (
        f'<svg class="sl-histogram" role="img" aria-label="{escape(words)}" viewBox="0 0 {WIDTH} {HEIGHT}">{bars}'
        f'<line class="sl-axis-line" x1="0" x2="{WIDTH}" y1="{BASE}" y2="{BASE}"/>'
        f'<line class="sl-threshold" x1="{at:.1f}" x2="{at:.1f}" y1="2" y2="{BASE}"/>{ticks}</svg>'
        '<p class="sl-quiet sl-legend"><span class="sl-key sl-different"></span>different people '
        f'<span class="sl-key sl-same"></span>the same person · line: threshold {threshold_text(threshold)}</p>'
    )


def _bars(counts: Sequence[int], step: float, css: str) -> str:
    most = max(counts, default=0)
    shapes = []
    for number, bin_count in enumerate(counts):
        if bin_count:
            # the root lets a bin of one be seen beside a bin of hundreds, and the tail is what matters here
            height = max(1.5, math.sqrt(bin_count / most) * (BASE - 6))
            shapes.append(
                f'<rect class="{css}" x="{number * step + 0.4:.1f}" y="{BASE - height:.1f}" '
                f'width="{max(0.5, step - 0.8):.1f}" height="{height:.1f}"/>'
            )
    return "".join(shapes)


def clip_paths(value: object) -> list[Path]:
    """Check the clips that the page sent. Raises `InvalidInput`."""
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise InvalidInput("These clips could not be understood. Upload them again.")
    if len(value) > MOST_CLIPS:
        raise InvalidInput("At most {most} clips can be used at once; use the command line for more.", most=MOST_CLIPS)
    return [Path(item) for item in value]


def target_rate(value: object) -> float:
    """Check the target rate that the page sent. Raises `InvalidInput`."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidInput("Choose how many strangers may pass.")
    return float(value)
