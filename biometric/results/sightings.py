"""Who was seen in several clips, as one table: how often, when first and when last."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from biometric.entities import AnsweredPerson
from biometric.messages import clock
from biometric.messages.translation import gettext as _
from biometric.results.answer_csv import escape_csv_formula

CSV_COLUMNS = (
    "identity",
    "clips",
    "times_seen",
    "first_seen",
    "first_clip",
    "first_seconds",
    "last_seen",
    "last_clip",
    "last_seconds",
)


@dataclass(frozen=True, slots=True)
class AnsweredClip:
    """A clip of several with who was identified in it.

    Attributes:
        key: tells it from the others.
        label: its name for people.
        recorded_at: ISO 8601, when its first frame was recorded, without a zone on the clock of this machine; None
            where that is unknown.
    """

    key: str
    label: str
    recorded_at: str | None
    people: tuple[AnsweredPerson, ...]


@dataclass(frozen=True, slots=True)
class Sighting:
    """One person in one clip."""

    clip: AnsweredClip
    person: AnsweredPerson

    @property
    def start(self) -> datetime | None:
        """When the person is first seen, on the clock of this machine; None where the clip has no date."""
        return self._at(self.person.first_seconds)

    @property
    def end(self) -> datetime | None:
        """When the person is last seen."""
        return self._at(self.person.last_seconds)

    def _at(self, seconds: float) -> datetime | None:
        if self.clip.recorded_at is None:
            return None
        try:
            return datetime.fromisoformat(self.clip.recorded_at).astimezone() + timedelta(seconds=seconds)
        except (ValueError, OverflowError, OSError):  # no date, or none that this machine's clock can show
            return None


@dataclass(frozen=True, slots=True)
class PersonSightings:
    """A row of the table: one identity, or all people whom nobody was found for.

    Attributes:
        identity_id: None for people who are unknown or undecided; whether some of them are one person is not known.
        name: "" where there is none: unknown, or erased since.
        sightings: in order of time; of clips without a date, in the order of the clips.
    """

    identity_id: str | None
    name: str
    sightings: tuple[Sighting, ...]

    @property
    def clip_count(self) -> int:
        """In how many clips they are seen."""
        return len({sighting.clip.key for sighting in self.sightings})

    @property
    def first(self) -> Sighting:
        """The first sighting."""
        return self.sightings[0]

    @property
    def last(self) -> Sighting:
        """The sighting that ends last."""
        return max(self.sightings, key=_end) if self.is_dated else self.sightings[-1]

    @property
    def is_dated(self) -> bool:
        """Whether the date of each sighting is known."""
        return all(sighting.start is not None for sighting in self.sightings)

    def first_words(self) -> str:
        """Return when they are first seen: "09:12", "2026-12-04 09:12" over several days, "hall.mp4, 0:03.1"."""
        return self._words(self.first, self.first.start, self.first.person.first_seconds)

    def last_words(self) -> str:
        """Return when they are last seen, in the same form."""
        return self._words(self.last, self.last.end, self.last.person.last_seconds)

    def _words(self, sighting: Sighting, moment: datetime | None, seconds: float) -> str:
        if not self.is_dated or moment is None:
            return _("{clip}, {time}").format(clip=sighting.clip.label, time=clock(seconds))
        start, end = self.first.start, self.last.end
        one_day = start is not None and end is not None and start.date() == end.date()
        return f"{moment:%H:%M}" if one_day else f"{moment:%Y-%m-%d %H:%M}"


def sightings_table(clips: Sequence[AnsweredClip], names: Mapping[str, str]) -> list[PersonSightings]:
    """Return a row for each identity found in the clips, by name, and one for all who are unknown, last.

    Args:
        names: names that people have now, by identity id.
    """
    found: dict[str | None, list[Sighting]] = {}
    for clip in clips:
        for person in clip.people:
            key = person.identity_id if person.found else None
            found.setdefault(key, []).append(Sighting(clip, person))
    rows = [PersonSightings(key, names.get(key or "", ""), _in_order(seen)) for key, seen in found.items()]
    return sorted(rows, key=lambda row: (row.identity_id is None, not row.name, row.name.casefold()))


def sightings_csv(rows: Sequence[PersonSightings]) -> str:
    """Return the table as CSV; text cells cannot start a spreadsheet formula. Who is unknown has no identity."""
    stream = io.StringIO()
    table = csv.DictWriter(stream, CSV_COLUMNS)
    table.writeheader()
    for row in rows:
        data = sightings_json(row)
        table.writerow(
            {
                "identity": escape_csv_formula(row.name),
                "clips": row.clip_count,
                "times_seen": sum(len(sighting.person.times) for sighting in row.sightings),
                "first_seen": data["first_seen"] or "",
                "first_clip": escape_csv_formula(row.first.clip.label),
                "first_seconds": f"{row.first.person.first_seconds:.3f}",
                "last_seen": data["last_seen"] or "",
                "last_clip": escape_csv_formula(row.last.clip.label),
                "last_seconds": f"{row.last.person.last_seconds:.3f}",
            }
        )
    return stream.getvalue()


def sightings_json(row: PersonSightings) -> dict[str, Any]:
    """Return a row for JSON; times are ISO 8601, None where the date of a clip is unknown."""
    return {
        "identity": row.name or None,
        "clips": row.clip_count,
        "first_seen": _iso(row.first.start if row.is_dated else None),
        "last_seen": _iso(row.last.end if row.is_dated else None),
        "sightings": [
            {
                "clip": sighting.clip.label,
                "person": sighting.person.person,
                "from_seconds": round(sighting.person.first_seconds, 3),
                "to_seconds": round(sighting.person.last_seconds, 3),
                "stretches": times_json(sighting.person.times),
                "seen_from": _iso(sighting.start),
                "seen_to": _iso(sighting.end),
            }
            for sighting in row.sightings
        ],
    }


def times_json(times: Sequence[tuple[float, float]]) -> list[dict[str, float]]:
    """Return times, (first, last) seconds, for JSON."""
    return [{"from_seconds": round(first, 3), "to_seconds": round(last, 3)} for first, last in times]


def _in_order(sightings: Sequence[Sighting]) -> tuple[Sighting, ...]:
    starts = [sighting.start for sighting in sightings]
    if any(start is None for start in starts):
        return tuple(sightings)
    return tuple(sighting for _start, sighting in sorted(zip(starts, sightings, strict=True), key=_start_of))


def _start_of(pair: tuple[datetime | None, Sighting]) -> float:
    return 0.0 if pair[0] is None else pair[0].timestamp()


def _end(sighting: Sighting) -> float:
    return 0.0 if sighting.end is None else sighting.end.timestamp()


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")
