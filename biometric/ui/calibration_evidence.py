"""What a calibration rests on, as rows of the Calibration tab."""

from biometric.entities import Calibration, FittedThreshold, GenuineScores, Threshold, ThresholdSource
from biometric.messages.adaptation_sentences import adaptation_sentence
from biometric.messages.calibration_sentences import GENUINE_KINDS, one_in, sources_words
from biometric.messages.translation import gettext as _
from biometric.messages.translation import local_number, ngettext
from biometric.ui.text_format import count, people, threshold_text


def source_words(threshold: Threshold, calibration: Calibration | None) -> str:
    """Return where a threshold in force comes from."""
    if threshold.source is ThresholdSource.CALIBRATION:
        return _("from this calibration")
    if threshold.source is ThresholdSource.MODEL_CARD:
        if calibration is None:
            return _("from the model card")
        return _("from the model card, not from this calibration")
    return _("from a setting, which goes before any calibration")


def evidence_rows(calibration: Calibration, gallery_size: int) -> list[tuple[str, str]]:
    """Return what a calibration rests on, as terms and values; a value may be empty."""
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
