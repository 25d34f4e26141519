"""When a clip was recorded: given, by the pattern of its name, or by what its file says."""

import re
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from biometric.entities.sightings import ClipTime, TimeSource

_PARTS = {
    "Y": r"(?P<Y>(?:19|20)\d\d)",
    "y": r"(?P<y>\d\d)",
    "m": r"(?P<m>0[1-9]|1[0-2])",
    "d": r"(?P<d>0[1-9]|[12]\d|3[01])",
    "H": r"(?P<H>[01]\d|2[0-3])",
    "M": r"(?P<M>[0-5]\d)",
    "S": r"(?P<S>[0-5]\d)",
    "%": "%",
}
_USUAL = re.compile(
    r"(?<!\d)" + _PARTS["Y"] + "[-_.]?" + _PARTS["m"] + "[-_.]?" + _PARTS["d"] + r"(?: at |[-_ T.]{0,2})"
    r"" + _PARTS["H"] + "[-_.:h]?" + _PARTS["M"] + "[-_.:m]?" + _PARTS["S"] + r"(?:[.]?\d{3})?(?P<utc>Z)?(?!\d)"
)
"""20260412_153012, 2026-04-12 15.30.12, 20260412153012, 2026-04-12T15-30-12Z, with milliseconds or without."""
_UTC_NAMES = "PXL_"
"""Names of phones that write UTC begin so."""


def clip_time(
    name: str, recorded_at: str | None, *, given: datetime | None = None, pattern: str = "", zone: str = ""
) -> ClipTime:
    """Return when the first frame of a clip was recorded.

    What was given counts, else the name where somebody said its pattern, else what the file says, else a name of a
    usual form. A time without a zone is of `zone`.

    Args:
        recorded_at: ISO 8601, what the file says.
        pattern: as of `read_pattern`; "": usual forms.
        zone: as of `read_zone`.

    Raises:
        ValueError: pattern or zone cannot be used.
    """
    own = read_pattern(pattern)
    named = None if own is None else _of_name(own, name)
    stated = None
    if recorded_at is not None:
        try:
            stated = datetime.fromisoformat(recorded_at)
        except ValueError:
            stated = None
    usual = _of_name(_USUAL, name) if own is None else None
    for moment, source in (
        (given, TimeSource.GIVEN),
        (named, TimeSource.NAME),
        (stated, TimeSource.FILE),
        (usual, TimeSource.NAME),
    ):
        if moment is not None:
            assumed = moment.utcoffset() is None
            return ClipTime(with_zone(moment, zone), source, assumed)
    return ClipTime()


def with_zone(moment: datetime, zone: str) -> datetime:
    """Return a time with its zone; without one it is of `zone`. Raises `ValueError`."""
    if moment.utcoffset() is not None:
        return moment
    named = read_zone(zone)
    return moment.astimezone() if named is None else moment.replace(tzinfo=named)


def read_pattern(text: str) -> re.Pattern[str] | None:
    """Return what finds a time in a name; None for "".

    Args:
        text: %Y (or %y), %m, %d, %H, %M, perhaps %S, and what stands between them.

    Raises:
        ValueError: another letter follows a %, one is missing, or it stands there twice.
    """
    if not text:
        return None
    letters = re.findall("%(.)", text)
    wanted = [letter for letter in letters if letter != "%"]
    complete = {*"mdHM"} <= {*wanted} and len({*wanted} & {*"Yy"}) == 1
    if not complete or len({*wanted}) != len(wanted) or not {*letters} <= {*_PARTS} or text.endswith("%"):
        raise ValueError(f"expected %Y or %y, %m, %d, %H, %M and perhaps %S, each once, got {text!r:.60}")
    parts = re.split("(%.)", text)
    return re.compile("".join(_PARTS[part[1]] if part.startswith("%") else re.escape(part) for part in parts))


def read_zone(text: str) -> tzinfo | None:
    """Return the zone of a name such as "Europe/Berlin" or "UTC"; None for "". Raises `ValueError`: there is none."""
    if not text:
        return None
    try:
        return UTC if text.upper() in ("UTC", "Z") else ZoneInfo(text)
    except (KeyError, OSError, ValueError) as error:  # an unknown name, and one that is a folder of the data base
        raise ValueError(f"expected a zone such as Europe/Berlin, got {text!r:.60}") from error


def _of_name(pattern: re.Pattern[str], name: str) -> datetime | None:
    for match in pattern.finditer(name):
        found = match.groupdict()
        year = int(found["Y"]) if found.get("Y") else 2000 + int(found["y"])
        numbers = [int(found.get(part) or 0) for part in "mdHMS"]
        try:
            moment = datetime(year, *numbers)  # type: ignore[arg-type]
        except ValueError:  # such as 30 February
            continue
        return moment.replace(tzinfo=UTC) if found.get("utc") or name.startswith(_UTC_NAMES) else moment
    return None
