"""Compare the tables of an MP4 or MOV file with each other (ISO/IEC 14496-12): counts, durations, fragments."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from biometric.clips.structure.report import BROKEN, StructureReport

_MOST_IN_MEMORY = 256_000_000
_UNSET = {0, 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF}

_LATEST_BEGINNING = 0.25
"""Seconds at which the first frame of a whole track may stand, because frames are stored in another order."""

_Ticks = np.ndarray[tuple[int], np.dtype[np.int64]]


class _Broken(Exception):  # never leaves this module
    """The structure does not hold."""


@dataclass(slots=True)
class _Box:
    kind: bytes
    data: bytes


@dataclass(slots=True)
class _Track:
    number: int = 0
    scale: int = 0
    samples: int = 0
    length: int = 0  # of all samples, in ticks
    shown: float = 0.0  # seconds that the headers promise
    end: int | None = None  # of the fragments so far, in ticks
    default_length: int = 0


def walk_mp4(file: BinaryIO, size: int) -> StructureReport:
    """Read the index and the fragments' headers of a file of `size` bytes."""
    tracks: list[_Track] = []
    try:
        for kind, start, end in _top(file, size):
            if kind == b"moov" and not tracks:
                tracks = _movie(_payload(file, start, end))
            elif kind == b"moof":
                _fragment(_payload(file, start, end), tracks)
    except (_Broken, IndexError, ValueError):
        return BROKEN
    return StructureReport(
        packets={place: track.samples for place, track in enumerate(tracks)},
        seconds={place: track.shown for place, track in enumerate(tracks) if track.shown > 0},
    )


def _top(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int, int]]:
    position = 0
    while position + 8 <= size:
        file.seek(position)
        header = file.read(16)
        length, kind, used = int.from_bytes(header[:4], "big"), header[4:8], 8
        if length == 1:
            length, used = int.from_bytes(header[8:16], "big"), 16
        elif length == 0:
            length = size - position
        if length < used or not _is_name(kind):
            file.seek(position)
            rest = file.read(_MOST_IN_MEMORY)
            # Padding may follow the last box, but no further index and no further fragment.
            if b"moof" in rest or b"moov" in rest:
                raise _Broken
            return
        yield kind, position + used, min(size, position + length)
        position += length


def _is_name(kind: bytes) -> bool:
    return len(kind) == 4 and all(0x20 <= byte < 0x7F or byte == 0xA9 for byte in kind)


def _payload(file: BinaryIO, start: int, end: int) -> bytes:
    if end - start > _MOST_IN_MEMORY:
        raise _Broken
    file.seek(start)
    return file.read(end - start)


def _boxes(data: bytes) -> Iterator[_Box]:
    position = 0
    while position + 8 <= len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        kind, used = data[position + 4 : position + 8], 8
        if length == 1:
            length, used = int.from_bytes(data[position + 8 : position + 16], "big"), 16
        elif length == 0:
            length = len(data) - position
        if length < used or position + length > len(data):
            # QuickTime ends some lists with four zero bytes.
            raise _Broken
        yield _Box(kind, data[position + used : position + length])
        position += length


def _find(data: bytes, *path: bytes) -> bytes | None:
    for box in _boxes(data):
        if box.kind == path[0]:
            return box.data if len(path) == 1 else _find(box.data, *path[1:])
    return None


def _needed(data: bytes, *path: bytes) -> bytes:
    found = _find(data, *path)
    if found is None:
        raise _Broken
    return found


def _int(data: bytes, at: int, width: int = 4) -> int:
    if at + width > len(data):
        raise _Broken
    return int.from_bytes(data[at : at + width], "big")


def _durations(data: bytes, before: int) -> tuple[int, int]:
    """Return (time scale, duration) of an mvhd or mdhd box."""
    wide = data[0] == 1
    at = before + (8 if wide else 0)
    return _int(data, at), _int(data, at + 4, 8 if wide else 4)


def _movie(movie: bytes) -> list[_Track]:
    if _find(movie, b"cmov") is not None:
        return []  # compressed, as QuickTime once did
    scale, _ = _durations(_needed(movie, b"mvhd"), 12)
    defaults = {}
    extends = _find(movie, b"mvex")
    for box in _boxes(extends or b""):
        if box.kind == b"trex":
            defaults[_int(box.data, 4)] = _int(box.data, 12)
    tracks = []
    for box in _boxes(movie):
        if box.kind == b"trak":
            track = _track(box.data, scale, fragmented=extends is not None)
            track.default_length = defaults.get(track.number, 0)
            tracks.append(track)
    return tracks


def _track(data: bytes, movie_scale: int, fragmented: bool) -> _Track:
    header = _needed(data, b"tkhd")
    wide = header[0] == 1
    track = _Track(number=_int(header, 20 if wide else 12))
    claimed = _int(header, 28, 8) if wide else _int(header, 20)
    track.scale, media = _durations(_needed(data, b"mdia", b"mdhd"), 12)
    if track.scale == 0 or movie_scale == 0:
        raise _Broken
    table = _needed(data, b"mdia", b"minf", b"stbl")
    track.samples = _int(_find(table, b"stsz") or _needed(table, b"stz2"), 8)
    counts, track.length = _run_lengths(_needed(table, b"stts"))
    if counts != track.samples or _chunked(table) != track.samples:
        raise _Broken
    offsets = _find(table, b"ctts")
    if offsets is not None and _run_lengths(offsets)[0] < track.samples:
        raise _Broken
    times = _shown_at(_needed(table, b"stts"), offsets, track.samples)
    if fragmented or track.samples == 0:
        return track
    # Times are rounded, by each of two clocks.
    tolerance = 0.1 + 2 * track.length / track.samples / track.scale
    if media not in _UNSET and media / track.scale > track.length / track.scale + tolerance:
        raise _Broken
    edits = _edits(_find(data, b"edts", b"elst"))
    track.shown = sum(length for length, time in edits if time >= 0) / movie_scale or track.length / track.scale
    whole = sum(length for length, _ in edits) / movie_scale
    if len(edits) == 1 and _leaves_out(edits[0], times, track, movie_scale):
        raise _Broken
    # An edit list that hides frames at the beginning was made by somebody. One that only ends too early, against what
    # the track's header says, was not.
    hides = max((time for _, time in edits), default=0) / track.scale > _LATEST_BEGINNING
    if whole > 0 and not hides and claimed not in _UNSET and claimed / movie_scale > whole + tolerance:
        raise _Broken
    return track


def _run_lengths(data: bytes) -> tuple[int, int]:
    """Return (how many samples, their sum) of an stts or ctts box."""
    count, total = 0, 0
    for at in range(8, 8 + 8 * _int(data, 4), 8):
        number = _int(data, at)
        count += number
        total += number * _int(data, at + 4)
    return count, total


def _shown_at(lengths: bytes, offsets: bytes | None, samples: int) -> _Ticks:
    """Return when each sample is shown, in ticks."""
    gaps = _expanded(lengths, samples)
    times = np.concatenate([[0], np.cumsum(gaps[:-1])])
    if offsets is not None:
        late = _expanded(offsets, samples)
        times = times + np.where(late >= 1 << 31, late - (1 << 32), late)
    return times


def _expanded(data: bytes, samples: int) -> _Ticks:
    """Return the values of an stts or ctts box, one a sample."""
    runs = np.frombuffer(data, ">u4", 2 * _int(data, 4), 8).reshape(-1, 2).astype(np.int64)
    counts = np.minimum(runs[:, 0], np.maximum(0, samples - (np.cumsum(runs[:, 0]) - runs[:, 0])))
    return np.repeat(runs[:, 1], counts)


def _leaves_out(edit: tuple[int, int], times: _Ticks, track: _Track, movie_scale: int) -> bool:
    """Whether an edit is as long as all samples together and still leaves some out, so that it does not belong to them.

    An edit that begins before the first sample is taken to begin with it.
    """
    length, start = edit[0] * track.scale / movie_scale, max(edit[1], int(times.min()))
    usual = track.length / track.samples
    outside = (times < start) | (times >= start + length + usual / 2)
    return length >= track.length - usual / 2 and bool(outside.any())


def _chunked(table: bytes) -> int:
    """Return how many samples the chunks hold together, by stsc and stco or co64."""
    chunks = _int(_find(table, b"stco") or _needed(table, b"co64"), 4)
    runs = _needed(table, b"stsc")
    entries = [(_int(runs, at), _int(runs, at + 4)) for at in range(8, 8 + 12 * _int(runs, 4), 12)]
    total = 0
    ends = [first for first, _ in entries[1:]] + [chunks + 1]
    for (first, samples), end in zip(entries, ends, strict=False):
        total += max(0, end - first) * samples
    return total


def _edits(data: bytes | None) -> list[tuple[int, int]]:
    """Return (length, media time or -1) of the entries of an edit list."""
    if data is None:
        return []
    width = 8 if data[0] == 1 else 4
    found = []
    for at in range(8, 8 + (2 * width + 4) * _int(data, 4), 2 * width + 4):
        time = _int(data, at + width, width)
        found.append((_int(data, at, width), -1 if time >> (8 * width - 1) else time))
    return found


def _fragment(fragment: bytes, tracks: list[_Track]) -> None:
    for box in _boxes(fragment):
        if box.kind != b"traf":
            continue
        header = _needed(box.data, b"tfhd")
        track = next((track for track in tracks if track.number == _int(header, 4)), None)
        if track is None:
            raise _Broken
        length = _default_length(header, track.default_length)
        time = _find(box.data, b"tfdt")
        start = None if time is None else _int(time, 4, 8 if time[0] == 1 else 4)
        if start is not None and track.end is not None and abs(start - track.end) > 0.1 * track.scale:
            # A fragment is missing, or came twice.
            raise _Broken
        end = track.end or 0 if start is None else start
        for run in _boxes(box.data):
            if run.kind == b"trun":
                count, ticks = _run(run.data, length)
                track.samples += count
                end += ticks
        track.end = end


def _default_length(header: bytes, default: int) -> int:
    flags, at = _int(header, 1, 3), 8
    for flag, width in ((0x1, 8), (0x2, 4)):
        at += width if flags & flag else 0
    return _int(header, at) if flags & 0x8 else default


def _run(run: bytes, default: int) -> tuple[int, int]:
    """Return (samples, their length in ticks) of a trun box."""
    flags, count = _int(run, 1, 3), _int(run, 4)
    at = 8 + (4 if flags & 0x1 else 0) + (4 if flags & 0x4 else 0)
    width = 4 * sum(1 for flag in (0x100, 0x200, 0x400, 0x800) if flags & flag)
    if at + width * count > len(run):
        raise _Broken
    if not flags & 0x100:
        return count, count * default
    return count, sum(_int(run, place) for place in range(at, at + width * count, width))
