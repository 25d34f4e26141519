"""How long something still takes, in words: one rounding for the page's status lines, its job bar and the terminal."""

from typing import Final

from biometric.entities import Progress
from biometric.entities.progress import rounded_duration
from biometric.errors.phrases import Phrase
from biometric.messages.translation import N_, ngettext, tell
from biometric.messages.translation import gettext as _

_PLACES: Final = {1: N_("{number}st in line"), 2: N_("{number}nd in line"), 3: N_("{number}rd in line")}
_OTHER_PLACE: Final = N_("{number}th in line")
_UNITS: Final = {"s": N_("{number} s"), "min": N_("{number} min"), "h": N_("{number} h")}


def describe_time_left(seconds: float) -> str:
    """Return "about 3 s left", "about 19 min left" or "about 5 h left"; never less than one second."""
    return _("about {duration} left").format(duration=describe_duration(seconds))


def describe_duration(seconds: float) -> str:
    """Return a duration in the largest unit that tells enough: seconds below one minute, minutes below 100, hours.

    Args:
        seconds: at least 0; below one second counts as one.
    """
    number, unit = rounded_duration(seconds)
    return _(_UNITS[unit]).format(number=number)


def short_time_left(seconds: float) -> str:
    """Return a time left where there is little room: "0:21 left", "19 min left"; never "0:00 left"."""
    number, unit = rounded_duration(seconds)
    return _("{time} left").format(time=f"0:{number:02d}" if unit == "s" else describe_duration(seconds))


def describe_place(number: int, seconds: float | None = None) -> str:
    """Return "2nd in line, about 3 min", without the time where it is None; the first is "next in line".

    Args:
        number: from 1, among those that wait.
        seconds: until its turn.
    """
    place = _("next in line") if number == 1 else _ordinal(number)
    if seconds is None:
        return place
    return _("{place}, about {duration}").format(place=place, duration=describe_duration(seconds))


def describe_progress(progress: Progress) -> str:
    """Return "Reading frame 120 of 314 · 5 people so far · about 3 s left" with as much of it as is known."""
    parts = [tell(progress.stage) if isinstance(progress.stage, Phrase) else _(progress.stage)]
    if progress.total:
        text = _("{stage} {done:,} of {total:,}")
        parts = [text.format(stage=parts[0], done=progress.done, total=progress.total)]
    if progress.people:
        people = ngettext("{count} person so far", "{count} people so far", progress.people)
        parts.append(people.format(count=progress.people))
    if progress.seconds_left is not None:
        parts.append(describe_time_left(progress.seconds_left))
    return " · ".join(parts)


def _ordinal(number: int) -> str:
    """Return "2nd in line"; in other languages the catalogue decides what follows the number."""
    teen = number % 100 in (11, 12, 13)
    text = _OTHER_PLACE if teen else _PLACES.get(number % 10, _OTHER_PLACE)
    return _(text).format(number=number)
