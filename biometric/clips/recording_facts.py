"""When and with what a file says that it was recorded."""

import datetime
import re
import unicodedata
from collections.abc import Mapping

from biometric.entities import clean_label
from biometric.entities.names import CAMERA_LIMIT

_EARLIEST = datetime.datetime(1980, 1, 1, tzinfo=datetime.UTC)
"""Writers without a clock put the zero of their calendar: 1904 in MP4, 1970 elsewhere."""

_DATES = ("com.apple.quicktime.creationdate", "creation_time", "date", "date_recorded", "modification_date")
_MAKERS = ("com.apple.quicktime.make", "make", "com.android.manufacturer")
_MODELS = ("com.apple.quicktime.model", "model", "com.android.model")
_EXIF_DATE = re.compile(r"(\d{4}):(\d\d):(\d\d)[ T](\d\d:\d\d:\d\d)")


def recorded_at(metadata: Mapping[str, str]) -> str | None:
    """Return when a clip was recorded, ISO 8601 (without a zone where the file names none); None where it is unsaid.

    Args:
        metadata: of the container, as FFmpeg names it.
    """
    lower = {name.lower(): value for name, value in metadata.items()}
    return next((stamp for name in _DATES if (stamp := _stamp(lower.get(name, ""))) is not None), None)


def exif_recorded_at(text: object, zone: object) -> str | None:
    """Return when a photograph was taken, from EXIF's DateTimeOriginal and OffsetTimeOriginal."""
    match = _EXIF_DATE.fullmatch(text.strip(" \0")) if isinstance(text, str) else None
    if match is None:
        return None
    offset = zone.strip(" \0") if isinstance(zone, str) else ""
    written = f"{match[1]}-{match[2]}-{match[3]}T{match[4]}"
    return _stamp(written + offset) or _stamp(written)


def camera(maker: object, model: object) -> str:
    """Return maker and model as one name, the maker once; "" where the file names none."""
    words = [" ".join(word.strip(" \0").split()) if isinstance(word, str) else "" for word in (maker, model)]
    if words[1].lower().startswith(words[0].lower()):
        words[0] = ""
    return unicodedata.normalize("NFC", clean_label(" ".join(filter(None, words))))[:CAMERA_LIMIT].strip()


def clip_camera(metadata: Mapping[str, str]) -> str:
    """Return the camera that a container names."""
    lower = {name.lower(): value for name, value in metadata.items()}
    first = [next((lower[name] for name in names if name in lower), "") for names in (_MAKERS, _MODELS)]
    return camera(*first)


def _stamp(text: str) -> str | None:
    """Return a stamp in one form; None for no date and for one that no camera has."""
    try:
        moment = datetime.datetime.fromisoformat(text.strip().replace(" UTC", "+00:00"))
        with_zone = moment if moment.tzinfo is not None else moment.replace(tzinfo=datetime.UTC)
        tomorrow = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)
        if len(text.strip()) < len("2026-05-01") or not _EARLIEST < with_zone < tomorrow:
            return None
        return moment.isoformat(timespec="seconds")
    except (ValueError, OverflowError):
        return None
