"""Which adaptation to cameras a calibration chose, what it gains, and which cohort is kept, as sentences."""

from collections.abc import Sequence
from typing import Final

from biometric.entities import UNADAPTED, AdaptationGain, AdaptationKind, AdaptationReport, KeptCohort
from biometric.messages.calibration_sentences import one_in
from biometric.messages.counted import counted
from biometric.messages.local_dates import day_of
from biometric.messages.translation import N_, local_number, ngettext
from biometric.messages.translation import gettext as _

METHODS: Final = {
    AdaptationKind.CENTRING: N_("centring"),
    AdaptationKind.NORMALISATION: N_("normalisation"),
}


def adaptation_sentence(report: AdaptationReport | None) -> str:
    """Return which adaptation to cameras a calibration chose, and why; "" for one that tried none."""
    if report is None:
        return ""
    if not report.tried and report.chosen == UNADAPTED:
        return _("Scores are not adapted to cameras: too few people were compared with themselves to tell a gain.")
    chosen = report.chosen.kind
    if chosen is AdaptationKind.NONE:
        if len(report.tried) == 1 and report.tried[0].kind is AdaptationKind.CENTRING:
            kept = _(
                "Scores are not adapted to cameras, because the gain of centring by camera is not certain: {measured}"
            )
        else:
            kept = _("Scores are not adapted to cameras, because no gain is certain: {measured}")
        return kept.format(measured=_measured(report.tried))
    cameras = ngettext("{number} camera", "{number} cameras", report.cameras).format(
        number=local_number(f"{report.cameras:,}")
    )
    words = {"people": counted(report.people, "person"), "cameras": cameras}
    if chosen is AdaptationKind.CENTRING:
        text = _("Scores are centred by camera, as learnt from {people} and {cameras}: {measured}")
        return text.format(measured=_measured(report.tried), **words)
    text = _(
        "Scores are normalised with a cohort of {people} who are not enrolled, from {cameras}, kept until {day}: "
        "{measured}"
    )
    return text.format(measured=_measured(report.tried), day=day_of((report.expires or "")[:10]), **words)


def _measured(gains: Sequence[AdaptationGain]) -> str:
    return " ".join(_gain(item) for item in gains)


def _gain(gain: AdaptationGain) -> str:
    text = _(
        "FNMR at a false match rate of {rate} {before:.1%}, with {method} {after:.1%}; 95 % interval of the gain "
        "{low:.1%} to {high:.1%} ({people}, cross-validated)."
    )
    if gain.over is not AdaptationKind.NONE:
        text = _(
            "FNMR at a false match rate of {rate} with {former} {before:.1%}, with {method} {after:.1%}; 95 % interval "
            "of the gain {low:.1%} to {high:.1%} ({people}, cross-validated)."
        )
    return text.format(
        rate=one_in(gain.fmr),
        former=_(METHODS.get(gain.over, "")) if gain.over in METHODS else "",
        method=_(METHODS[gain.kind]),
        before=gain.before,
        after=gain.after,
        low=gain.low,
        high=gain.high,
        people=counted(gain.people, "person"),
    )


def cohort_sentence(cohort: KeptCohort) -> str:
    """Return which templates a gallery keeps, and until when."""
    seen = ", ".join(
        _("{people} by the camera {camera}").format(people=counted(number, "person"), camera=camera)
        if camera
        else _("{people} by a camera that is not known").format(people=counted(number, "person"))
        for camera, number in cohort.people.items()
    )
    return _("A cohort of strangers is kept until {day}: nameless templates of {seen}.").format(
        day=day_of(cohort.expires[:10]), seen=seen
    )
