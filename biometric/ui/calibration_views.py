"""The Calibration tab as HTML: what is in force, what the listed clips support, and the history."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from biometric.entities import Calibration, FittedThreshold, GenuineScores, Threshold, ThresholdSource
from biometric.entities.calibration_footage import DEFAULT_FPIR, FootageEvidence, StoredCalibration
from biometric.messages import describe_all
from biometric.messages.calibration_sentences import (
    GENUINE_KINDS,
    adaptation_sentence,
    needed_sentence,
    not_compared_sentence,
    one_in,
    sources_words,
)
from biometric.messages.translation import gettext as _
from biometric.messages.translation import local_number, ngettext
from biometric.ui import elements
from biometric.ui.calibration_cautions import asked
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
) -> str:
    """Return what decides now, and what it rests on.

    Args:
        since: since when the calibration is in force.
        thresholds: (purpose in words, threshold in force).
    """
    rows = [] if calibration is None else _evidence_rows(calibration, gallery_size)
    scores = ""
    if calibration is not None:
        scores = histogram(calibration.histogram, calibration.verification.value)
    return render(
        "calibration.html",
        calibrated=calibration is not None,
        since="" if since is None else day_and_time(since),
        now=[
            (purpose, threshold_text(threshold.value), _source(threshold, calibration))
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


def _source(threshold: Threshold, calibration: Calibration | None) -> str:
    if threshold.source is ThresholdSource.CALIBRATION:
        return _("from this calibration")
    if threshold.source is ThresholdSource.MODEL_CARD:
        if calibration is None:
            return _("from the model card")
        return _("from the model card, not from this calibration")
    return _("from a setting, which goes before any calibration")


def _evidence_rows(calibration: Calibration, gallery_size: int) -> list[tuple[str, str]]:
    rows = [(_("Verification"), _fitted(calibration.verification, "FMR"))]
    if calibration.identification is None:
        rows.append((_("Identification"), _("not calibrated: see what this assumes")))
    else:
        text = _("{evidence}, for a gallery of {people}").format(
            evidence=_fitted(calibration.identification, "FPIR"), people=people(calibration.gallery_size)
        )
        if gallery_size > calibration.gallery_size:
            text += "; " + _(
                "it has {number} now, so a higher threshold of the model card may decide: calibrate again"
            ).format(number=local_number(f"{gallery_size:,}"))
        rows.append((_("Identification"), text))
    rows += [(_missed_term(item), _missed(item)) for item in calibration.genuine]
    rows.append((_("Footage"), _footage_used(calibration)))
    rows.append((_("Comparisons"), sources_words(calibration.sources)))
    rows.append((_("Cameras"), adaptation_sentence(calibration.report)))
    if calibration.doubtful:
        text = _("{number} comparisons, counted as errors").format(number=local_number(f"{calibration.doubtful:,}"))
        rows.append((_("In doubt"), text))
    return rows


def _footage_used(calibration: Calibration) -> str:
    minutes, seconds = divmod(round(calibration.seconds), 60)
    return _("{clips} ({time}), {people}, {pairs}").format(
        clips=count(calibration.clips, "clip"),
        time=f"{minutes}:{seconds:02d}",
        people=people(calibration.people),
        pairs=ngettext("{number} pair", "{number} pairs", calibration.pairs).format(
            number=local_number(f"{calibration.pairs:,}")
        ),
    )


def _fitted(fitted: FittedThreshold, rate: str) -> str:
    return _(
        "{threshold} (95 % interval {low}–{high}) for {one_in}: {errors} of {trials} reach it, {rate} at most {upper}"
    ).format(
        threshold=threshold_text(fitted.value),
        low=local_number(f"{fitted.low:.2f}"),
        high=local_number(f"{fitted.high:.2f}"),
        one_in=one_in(fitted.target),
        errors=local_number(f"{fitted.errors:,}"),
        trials=local_number(f"{fitted.trials:,}"),
        rate=rate,
        upper=local_number(f"{fitted.upper:.2%}"),
    )


def _missed_term(item: GenuineScores) -> str:
    return _("Same person, {kind}").format(kind=_(GENUINE_KINDS.get(item.kind, item.kind)))


def _missed(item: GenuineScores) -> str:
    text = _("{missed} of {comparisons} missed: FNMR {low}–{high} (95 % interval)").format(
        missed=local_number(f"{item.missed:,}"),
        comparisons=local_number(f"{item.comparisons:,}"),
        low=local_number(f"{item.low:.1%}"),
        high=local_number(f"{item.high:.1%}"),
    )
    if item.lowest is not None:
        text += " · " + _("lowest score {score}").format(score=threshold_text(item.lowest))
    return text
