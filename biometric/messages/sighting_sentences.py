"""Sightings in sentences: who, where, when, and how sure that is."""

from collections.abc import Mapping
from datetime import datetime

from biometric.entities import Threshold
from biometric.entities.sightings import Naming, Sighting, TimeSource
from biometric.messages import clock, decimal, describe_rate
from biometric.messages.translation import N_
from biometric.messages.translation import gettext as _

TIME_SOURCES = {
    TimeSource.GIVEN: N_("as given"),
    TimeSource.FILE: N_("as the file says"),
    TimeSource.NAME: N_("as the file's name says"),
    TimeSource.UNKNOWN: N_("unknown"),
}
"""Where a time is from."""


def describe_who(sighting: Sighting, names: Mapping[str, str]) -> str:
    """Return who it is and by what: "Ada (identified, not confirmed)", "unknown"."""
    name = names.get(sighting.identity_id or "")
    if name is None:
        return _("unknown")
    if sighting.naming is Naming.IDENTIFIED:
        return _("{name} (identified, not confirmed)").format(name=name)
    if sighting.naming is Naming.CONFIRMED:
        return _("{name} (confirmed)").format(name=name)
    return _("{name} (enrolled from this)").format(name=name)


def describe_when(sighting: Sighting) -> str:
    """Return from when to when: "2026-04-12 15:30:12–15:30:20 +02:00"; without a date, seconds of the clip."""
    begins, ends = sighting.begins_at, sighting.ends_at
    if begins is None or ends is None:
        return _("{first}–{last} of the clip, date unknown").format(
            first=clock(sighting.first_seconds), last=clock(sighting.last_seconds)
        )
    last = f"{ends:%H:%M:%S}" if begins.date() == ends.date() else f"{ends:%Y-%m-%d %H:%M:%S}"
    return f"{begins:%Y-%m-%d %H:%M:%S}–{last} {_zone(begins)}"


def describe_camera(camera: str) -> str:
    """Return the name of a camera, in words where it is not known."""
    return camera or _("unknown camera")


def describe_time_source(sighting: Sighting) -> str:
    """Return where the time is from: "as the file's name says; time zone assumed"."""
    text = _(TIME_SOURCES[sighting.time.source])
    return _("{source}; time zone assumed").format(source=text) if sighting.time.zone_assumed else text


def describe_certainty(sighting: Sighting) -> str:
    """Return how sure the machine was: score, threshold, and the error rate of that; "" where it said nothing."""
    decision = sighting.decision
    if decision is None or decision.score is None:
        return ""
    return _("score {score}, threshold {threshold} ({meaning})").format(
        score=decimal(decision.score),
        threshold=decimal(decision.threshold.value),
        meaning=describe_threshold_rate(decision.threshold),
    )


def describe_threshold_rate(threshold: Threshold) -> str:
    """Return the error rate that a threshold keeps, in words."""
    if threshold.rate is None:
        return _("its error rate is not known")
    return describe_rate(threshold.rate, threshold.rate_kind)


def describe_comparing(threshold: Threshold, compared: int) -> str:
    """Return from which score on sightings count as one person, and how many were compared."""
    text = _("From {threshold} on it is taken for the same person ({meaning}). Compared: {compared:,}.")
    meaning = describe_threshold_rate(threshold)
    return text.format(threshold=decimal(threshold.value), meaning=meaning, compared=compared)


def describe_by_chance(expected: float | None, compared: int) -> str:
    """Return how many sightings of others would reach a threshold by chance."""
    if expected is None:
        return _("How many of {compared:,} compared sightings reach it by chance is not known.").format(
            compared=compared
        )
    return _("By chance up to about {expected} of {compared:,} compared sightings reach it.").format(
        expected=f"{expected:.2g}", compared=compared
    )


def _zone(moment: datetime) -> str:
    return moment.isoformat()[-6:] if moment.utcoffset() else "UTC"
