"""Calibrations, their history and what is in force, in lines for people."""

from biometric.cli.gallery_trash import local_time
from biometric.domain.verdict_counts import strangers_needed
from biometric.entities import Calibration, FittedThreshold, GenuineScores
from biometric.entities.calibration_footage import StoredCalibration
from biometric.entities.verdict_evidence import CalibrationStatus
from biometric.messages import describe, describe_all, describe_basis, describe_origin
from biometric.messages.adaptation_sentences import adaptation_sentence, cohort_sentence
from biometric.messages.calibration_sentences import GENUINE_KINDS, one_in, sources_words
from biometric.messages.counted import counted
from biometric.messages.translation import gettext as _
from biometric.messages.verdict_sentences import describe_below, describe_confirmed, describe_wrong


def history_line(item: StoredCalibration) -> str:
    """Return one calibration of the history."""
    words = {"number": item.number, "when": local_time(item.created_at), "mark": _("not in force")}
    if item.since is not None:
        words["mark"] = _("in force since {when}").format(when=local_time(item.since))
    if item.calibration is None:
        return _("{number}  {when}  cannot be read any more, {mark}").format(**words)
    return _("{number}  {when}  {rates}, {people}, {clips}, model {model}, {mark}").format(
        rates=", ".join(_rates(item.calibration)),
        people=counted(item.calibration.people, "person"),
        clips=counted(item.calibration.clips, "clip"),
        model=item.model_id,
        **words,
    )


def _rates(calibration: Calibration) -> list[str]:
    verification, identification = calibration.verification, calibration.identification
    parts = [
        _("verification {threshold:.3f} ({rate})").format(
            threshold=verification.value, rate=one_in(verification.target)
        )
    ]
    if identification is not None:
        text = _("identification {threshold:.3f} ({rate})")
        parts.append(text.format(threshold=identification.value, rate=one_in(identification.target)))
    return parts


def status_lines(status: CalibrationStatus) -> list[str]:
    """Return what is in force, and what verdicts say about it."""
    if status.stored is None:
        text_lines = [_("In force: the model card's thresholds.")]
    else:
        text = _("In force: calibration {number} of {when}.")
        text_lines = [text.format(number=status.stored.number, when=local_time(status.stored.created_at))]
    for purpose, threshold, evidence in (
        (_("Verification"), status.verification, status.verification_verdicts),
        (_("Identification"), status.identification, status.identification_verdicts),
    ):
        text = _("{purpose}: threshold {threshold:.3f} ({origin}).")
        text_lines.append(text.format(purpose=purpose, threshold=threshold.value, origin=describe_origin(threshold)))
        told = (
            describe_wrong(evidence, strangers_needed(evidence.counts)),
            describe_confirmed(evidence),
            describe_below(evidence),
        )
        text_lines += [f"  {sentence}" for sentence in told if sentence]
    return [*text_lines, *(cohort_sentence(cohort) for cohort in status.cohorts)]


def proposal_line(calibration: Calibration) -> str:
    """Return which thresholds a calibration would put in force."""
    return _("It would use: {rates}.").format(rates=", ".join(_rates(calibration)))


def lines(calibration: Calibration) -> list[str]:
    """Return a calibration in lines for people."""
    text = _("Calibrated for {model} from {sources}: {pairs} of {people}, {clips}, {minutes:.1f} minutes.")
    text_lines = [
        text.format(
            model=calibration.model_id,
            sources=sources_words(calibration.sources),
            pairs=counted(calibration.pairs, "pair"),
            people=counted(calibration.people, "person"),
            clips=counted(calibration.clips, "clip"),
            minutes=calibration.seconds / 60,
        ),
        _fitted(calibration, _("Verification"), "FMR", calibration.verification),
    ]
    if calibration.identification is not None:
        purpose = _("Identification among {n:,}").format(n=calibration.gallery_size)
        text_lines.append(_fitted(calibration, purpose, "FPIR", calibration.identification))
    text_lines += [sentence for sentence in [adaptation_sentence(calibration.report)] if sentence]
    text_lines += [_genuine(item) for item in calibration.genuine]
    if calibration.likelihood is not None and calibration.likelihood.basis is not None:
        text_lines.append(_("Likelihood ratios: {basis}").format(basis=describe(calibration.likelihood.basis)))
    return [*text_lines, *describe_all(calibration.notes)]


def _fitted(calibration: Calibration, purpose: str, rate: str, fitted: FittedThreshold) -> str:
    text = _(
        "{purpose}: threshold {threshold:.3f} (95 % interval {low:.3f}–{high:.3f}); {errors:,} of {trials:,} {basis} "
        "reach it, {rate} at most {upper:.2g}, target {target:g}."
    )
    return text.format(
        purpose=purpose,
        threshold=fitted.value,
        low=fitted.low,
        high=fitted.high,
        errors=fitted.errors,
        trials=fitted.trials,
        basis=describe_basis(fitted.basis, calibration.gallery_size),
        rate=rate,
        upper=fitted.upper,
        target=fitted.target,
    )


def _genuine(item: GenuineScores) -> str:
    text = _(
        "One person with themselves, {kind}: {missed:,} of {comparisons:,} scores below the verification threshold "
        "({people}, 95 % interval of the rate {low:.3f}–{high:.3f})."
    )
    told = text.format(
        kind=_(GENUINE_KINDS.get(item.kind, item.kind)),
        missed=item.missed,
        comparisons=item.comparisons,
        people=counted(item.people, "person"),
        low=item.low,
        high=item.high,
    )
    return told if item.lowest is None else f"{told} {_('Lowest score: {score:.3f}.').format(score=item.lowest)}"
