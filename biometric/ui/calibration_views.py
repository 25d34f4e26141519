"""The Calibration tab as HTML: what is in force, what the listed clips support, and the history."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from biometric.entities import (
    Calibration,
    KeptCohort,
    NoticeCode,
    Threshold,
)
from biometric.entities.calibration_footage import DEFAULT_FPIR, FootageEvidence, StoredCalibration
from biometric.messages import describe, describe_all
from biometric.messages.adaptation_sentences import adaptation_sentence, cohort_sentence
from biometric.messages.calibration_sentences import (
    needed_sentence,
    not_compared_sentence,
    one_in,
)
from biometric.messages.translation import gettext as _
from biometric.messages.translation import local_number, ngettext
from biometric.ui import elements
from biometric.ui.calibration_cautions import asked
from biometric.ui.calibration_evidence import evidence_rows, source_words
from biometric.ui.calibration_histogram import histogram
from biometric.ui.calibration_state import CalibrationState, ListedClip
from biometric.ui.templating import render
from biometric.ui.text_format import count, day_and_time, people, threshold_text

HISTORY_SHOWN = 5
"""Calibrations of the history that are shown before the rest is asked for."""


@dataclass(frozen=True, slots=True)
class ClipLine:
    """One listed clip: its number, name, what was found, and whether that is a problem."""

    number: int
    label: str
    text: str
    problem: bool


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One calibration of the history: what it says, whether it is in force, and why it cannot be used again."""

    number: int
    when: str
    rates: str
    footage: str
    in_force: bool
    reason: str


def in_force(
    calibration: Calibration | None,
    since: str | None,
    thresholds: Sequence[tuple[str, Threshold]],
    gallery_size: int,
    question: str,
    cohorts: Sequence[KeptCohort] = (),
) -> str:
    """Return what decides now, and what it rests on.

    Args:
        since: since when the calibration is in force.
        thresholds: (purpose in words, threshold in force).
        cohorts: of strangers that are kept.
    """
    rows = [] if calibration is None else evidence_rows(calibration, gallery_size)
    scores, told = "", [notice for _purpose, threshold in thresholds for notice in threshold.evidence]
    if calibration is not None:
        scores = histogram(calibration.histogram, calibration.verification.value)
    return render(
        "calibration.html",
        calibrated=calibration is not None,
        since="" if since is None else day_and_time(since),
        now=[
            (purpose, threshold_text(threshold.value), source_words(threshold, calibration))
            for purpose, threshold in thresholds
        ],
        rows=[(term, value) for term, value in rows if value],
        histogram=Markup(scores),  # noqa: S704 - made of numbers
        notes=[] if calibration is None else describe_all(calibration.notes),
        evidence=[
            (purpose, Markup(elements.threshold_evidence(threshold)))  # noqa: S704 - escaped there
            for purpose, threshold in thresholds
        ],
        question=question,
        cohorts=[cohort_sentence(cohort) for cohort in cohorts],
        not_kept=next((describe(notice) for notice in told if notice.code is NoticeCode.COHORT_NOT_KEPT), ""),
    )


def footage(state: CalibrationState) -> str:
    """Return the listed clips, each with what was found in it."""
    digests: set[str] = set()
    lines = []
    for number, clip in state.clips.items():
        again = clip.summary is not None and clip.summary.digest in digests
        if clip.summary is not None:
            digests.add(clip.summary.digest)
        text = _("the same clip as one above: it counts once") if again else _found(clip)
        camera = _("camera {name}").format(name=clip.camera) if clip.camera else ""
        lines.append(ClipLine(number, clip.label, " · ".join(filter(None, (camera, text))), bool(clip.problem)))
    return render("calibration_footage.html", clips=lines)


def promise(state: CalibrationState, in_force: int | None = None) -> str:
    """Return what the listed clips and the gallery support, with the buttons that use it.

    Args:
        in_force: number of the calibration in force; what it came from is not offered again.
    """
    evidence = state.evidence
    if evidence is None:
        return render("calibration_promise.html", evidence=None, waiting=state.waiting, clips=len(state.clips))
    searches = evidence.identification
    needed_searches = evidence.needed_for_identification(DEFAULT_FPIR)
    needed = evidence.needed_for_verification(state.target)
    return render(
        "calibration_promise.html",
        evidence=evidence,
        below=asked(state.below, "use-anyway"),
        rate=None if evidence.verification is None else one_in(evidence.verification.rate),
        stranger=None if evidence.verification is None else local_number(f"{evidence.verification.one_in:,}"),
        searches=None if searches is None else one_in(searches.rate),
        gallery=people(evidence.gallery_size),
        target=one_in(state.target),
        target_value=round(1 / state.target),
        used_now=evidence.verification is not None and state.is_used(evidence.verification.one_in, in_force),
        target_used=state.is_used(round(1 / state.target), in_force),
        needed="" if needed is None else needed_sentence(state.target, needed),
        needed_searches=""
        if needed_searches is None
        else _("For identification: {sentence}").format(sentence=needed_sentence(DEFAULT_FPIR, needed_searches)),
        used=used_words(state, evidence),
        left_out=not_compared_sentence(evidence.not_compared) if evidence.not_compared else "",
    )


def used_words(state: CalibrationState, evidence: FootageEvidence) -> str:
    """Return what a calibration of now rests on: exactly what is listed."""
    clips = len({summary.digest for summary in state.summaries})
    if not clips:
        return _("{people} of the gallery, without a clip").format(people=people(evidence.gallery_size))
    text = ngettext("the clip listed: {people}, {pairs}", "the {number} clips listed: {people}, {pairs}", clips)
    words = text.format(
        number=local_number(f"{clips:,}"),
        people=people(evidence.people),
        pairs=ngettext("{number} pair", "{number} pairs", evidence.pairs).format(
            number=local_number(f"{evidence.pairs:,}")
        ),
    )
    if evidence.gallery_size:
        words += " " + _("(with {people} of the gallery)").format(people=people(evidence.gallery_size))
    return words


def history(stored: Sequence[StoredCalibration], model_id: str, state: CalibrationState) -> str:
    """Return all calibrations of the gallery, newest first."""
    lines = [_history_line(item, model_id) for item in stored]
    shown = (
        lines
        if state.all_shown
        else [line for place, line in enumerate(lines) if place < HISTORY_SHOWN or line.in_force]
    )
    return render(
        "calibration_history.html",
        lines=shown,
        total=len(lines),
        more=len(lines) - len(shown),
        below=asked(state.below, "use-again-anyway"),
    )


def outcome(calibration: Calibration, used: str) -> str:
    """Return what a calibration that was put in force rests on, and its thresholds."""
    text = _("Fitted to exactly {what}: {rates}.").format(what=used, rates=rates_words(calibration))
    if calibration.identification is None:
        text += " " + _("Identification keeps its own threshold.")
    return f"{text} {adaptation_sentence(calibration.report)}".rstrip()


def rates_words(calibration: Calibration) -> str:
    """Return the thresholds of a calibration with their rates, in a line."""
    words = _("verification {threshold} for {rate}").format(
        threshold=threshold_text(calibration.verification.value), rate=one_in(calibration.verification.target)
    )
    if calibration.identification is not None:
        words += " · " + _("identification {threshold} for {rate}").format(
            threshold=threshold_text(calibration.identification.value), rate=one_in(calibration.identification.target)
        )
    return words


def _history_line(item: StoredCalibration, model_id: str) -> HistoryLine:
    made = item.calibration
    rates, text, reason = "", "", ""
    if made is None:
        reason = _("It cannot be read any more.")
    else:
        rates = rates_words(made)
        text = f"{count(made.clips, 'clip')}, {people(made.people)}"
        if item.model_id != model_id:
            reason = _("Made with another model ({model}): calibrate again.").format(model=item.model_id)
    return HistoryLine(item.number, day_and_time(item.created_at), rates, text, item.in_force, reason)


def _found(clip: ListedClip) -> str:
    if clip.problem:
        return clip.problem
    if clip.summary is None:
        return _("not analysed yet")
    seen = len(clip.summary.tracks)
    if not seen:
        if clip.summary.unusable:
            return _("nobody can be seen well enough")
        return _("nobody was found")
    words = f"{people(seen)} · " + ngettext(
        "{number} comparison side by side", "{number} comparisons side by side", clip.summary.comparisons
    ).format(number=local_number(f"{clip.summary.comparisons:,}"))
    if not clip.summary.comparisons:
        words = f"{people(seen)} · " + _("nobody side by side with somebody else")
    return words + (" · " + _("read in part, because it is damaged") if clip.summary.damaged else "")
