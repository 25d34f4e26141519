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
class Occurrence:
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
class PersonOccurrences:
    """A row of the table: one identity, or all people whom nobody was found for.

    Attributes:
        identity_id: None for people who are unknown or undecided; whether some of them are one person is not known.
        name: "" where there is none: unknown, or erased since.
        occurrences: in order of time; of clips without a date, in the order of the clips.
    """

    identity_id: str | None
    name: str
    occurrences: tuple[Occurrence, ...]

    @property
    def clip_count(self) -> int:
        """In how many clips they are seen."""
        return len({occurrence.clip.key for occurrence in self.occurrences})

    @property
    def first(self) -> Occurrence:
        """The first occurrence."""
        return self.occurrences[0]

    @property
    def last(self) -> Occurrence:
        """The occurrence that ends last."""
        return max(self.occurrences, key=_end) if self.is_dated else self.occurrences[-1]

    @property
    def is_dated(self) -> bool:
        """Whether the date of each occurrence is known."""
        return all(occurrence.start is not None for occurrence in self.occurrences)

    def first_words(self) -> str:
        """Return when they are first seen: "09:12", "2026-12-04 09:12" over several days, "hall.mp4, 0:03.1"."""
        return self._words(self.first, self.first.start, self.first.person.first_seconds)

    def last_words(self) -> str:
        """Return when they are last seen, in the same form."""
        return self._words(self.last, self.last.end, self.last.person.last_seconds)

    def _words(self, occurrence: Occurrence, moment: datetime | None, seconds: float) -> str:
        if not self.is_dated or moment is None:
            return _("{clip}, {time}").format(clip=occurrence.clip.label, time=clock(seconds))
        start, end = self.first.start, self.last.end
        one_day = start is not None and end is not None and start.date() == end.date()
        return f"{moment:%H:%M}" if one_day else f"{moment:%Y-%m-%d %H:%M}"


def occurrences_table(clips: Sequence[AnsweredClip], names: Mapping[str, str]) -> list[PersonOccurrences]:
    """Return a row for each identity found in the clips, by name, and one for all who are unknown, last.

    Args:
        names: names that people have now, by identity id.
    """
    found: dict[str | None, list[Occurrence]] = {}
    for clip in clips:
        for person in clip.people:
            key = person.identity_id if person.found else None
            found.setdefault(key, []).append(Occurrence(clip, person))
    rows = [PersonOccurrences(key, names.get(key or "", ""), _in_order(seen)) for key, seen in found.items()]
    return sorted(rows, key=lambda row: (row.identity_id is None, not row.name, row.name.casefold()))


def occurrences_csv(rows: Sequence[PersonOccurrences]) -> str:
    """Return the table as CSV; text cells cannot start a spreadsheet formula. Who is unknown has no identity."""
    stream = io.StringIO()
    table = csv.DictWriter(stream, CSV_COLUMNS)
    table.writeheader()
    for row in rows:
        data = occurrences_json(row)
        table.writerow(
            {
                "identity": escape_csv_formula(row.name),
                "clips": row.clip_count,
                "times_seen": sum(len(occurrence.person.times) for occurrence in row.occurrences),
                "first_seen": data["first_seen"] or "",
                "first_clip": escape_csv_formula(row.first.clip.label),
                "first_seconds": f"{row.first.person.first_seconds:.3f}",
                "last_seen": data["last_seen"] or "",
                "last_clip": escape_csv_formula(row.last.clip.label),
                "last_seconds": f"{row.last.person.last_seconds:.3f}",
            }
        )
    return stream.getvalue()


def occurrences_json(row: PersonOccurrences) -> dict[str, Any]:
    """Return a row for JSON; times are ISO 8601, None where the date of a clip is unknown."""
    return {
        "identity": row.name or None,
        "clips": row.clip_count,
        "first_seen": _iso(row.first.start if row.is_dated else None),
        "last_seen": _iso(row.last.end if row.is_dated else None),
        "occurrences": [
            {
                "clip": occurrence.clip.label,
                "person": occurrence.person.person,
                "from_seconds": round(occurrence.person.first_seconds, 3),
                "to_seconds": round(occurrence.person.last_seconds, 3),
                "stretches": times_json(occurrence.person.times),
                "seen_from": _iso(occurrence.start),
                "seen_to": _iso(occurrence.end),
            }
            for occurrence in row.occurrences
        ],
    }


def times_json(times: Sequence[tuple[float, float]]) -> list[dict[str, float]]:
    """Return times, (first, last) seconds, for JSON."""
    return [{"from_seconds": round(first, 3), "to_seconds": round(last, 3)} for first, last in times]


def _in_order(occurrences: Sequence[Occurrence]) -> tuple[Occurrence, ...]:
    starts = [occurrence.start for occurrence in occurrences]
    if any(start is None for start in starts):
        return tuple(occurrences)
    return tuple(occurrence for _start, occurrence in sorted(zip(starts, occurrences, strict=True), key=_start_of))


def _start_of(pair: tuple[datetime | None, Occurrence]) -> float:
    return 0.0 if pair[0] is None else pair[0].timestamp()


def _end(occurrence: Occurrence) -> float:
    return 0.0 if occurrence.end is None else occurrence.end.timestamp()


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")
