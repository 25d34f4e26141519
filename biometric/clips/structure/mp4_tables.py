"""Compare the tables of an MP4 or MOV file with each other (ISO/IEC 14496-12): counts, durations, edit lists."""

from typing import BinaryIO

import numpy as np

from biometric.clips.structure.mp4_boxes import BrokenTables, boxes, find, integer, needed, payload, top_boxes
from biometric.clips.structure.mp4_fragments import SampleTrack, follow_fragment
from biometric.clips.structure.report import BROKEN, StructureReport

_UNSET = {0, 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF}

_LATEST_BEGINNING = 0.25
"""Seconds at which the first frame of a whole track may stand, because frames are stored in another order."""

_Ticks = np.ndarray[tuple[int], np.dtype[np.int64]]


def walk_mp4(file: BinaryIO, size: int) -> StructureReport:
    """Read the index and the fragments' headers of a file of `size` bytes."""
    tracks: list[SampleTrack] = []
    try:
        for kind, start, end in top_boxes(file, size):
            if kind == b"moov" and not tracks:
                tracks = _movie(payload(file, start, end))
            elif kind == b"moof":
                follow_fragment(payload(file, start, end), tracks)
    except (BrokenTables, IndexError, ValueError):
        return BROKEN
    return StructureReport(
        packets={place: track.samples for place, track in enumerate(tracks)},
        seconds={place: track.shown for place, track in enumerate(tracks) if track.shown > 0},
    )


def _durations(data: bytes, before: int) -> tuple[int, int]:
    """Return (time scale, duration) of an mvhd or mdhd box."""
    wide = data[0] == 1
    at = before + (8 if wide else 0)
    return integer(data, at), integer(data, at + 4, 8 if wide else 4)


def _movie(movie: bytes) -> list[SampleTrack]:
    if find(movie, b"cmov") is not None:
        return []  # compressed, as QuickTime once did
    scale, _ = _durations(needed(movie, b"mvhd"), 12)
    defaults = {}
    extends = find(movie, b"mvex")
    for box in boxes(extends or b""):
        if box.kind == b"trex":
            defaults[integer(box.data, 4)] = integer(box.data, 12)
    tracks = []
    for box in boxes(movie):
        if box.kind == b"trak":
            track = _track(box.data, scale, fragmented=extends is not None)
            track.default_length = defaults.get(track.number, 0)
            tracks.append(track)
    return tracks


def _track(data: bytes, movie_scale: int, fragmented: bool) -> SampleTrack:
    header = needed(data, b"tkhd")
    wide = header[0] == 1
    track = SampleTrack(number=integer(header, 20 if wide else 12))
    claimed = integer(header, 28, 8) if wide else integer(header, 20)
    track.scale, media = _durations(needed(data, b"mdia", b"mdhd"), 12)
    if track.scale == 0 or movie_scale == 0:
        raise BrokenTables
    table = needed(data, b"mdia", b"minf", b"stbl")
    track.samples = integer(find(table, b"stsz") or needed(table, b"stz2"), 8)
    counts, track.length = _run_lengths(needed(table, b"stts"))
    if counts != track.samples or _chunked(table) != track.samples:
        raise BrokenTables
    offsets = find(table, b"ctts")
    if offsets is not None and _run_lengths(offsets)[0] != track.samples:
        raise BrokenTables
    times = _shown_at(needed(table, b"stts"), offsets, track.samples)
    if fragmented or track.samples == 0:
        return track
    # Times are rounded, by each of two clocks.
    tolerance = 0.1 + 2 * track.length / track.samples / track.scale
    length, claimed_length = track.length / track.scale, media / track.scale
    if media not in _UNSET and (claimed_length > length + tolerance or length > 1.5 * claimed_length + tolerance):
        raise BrokenTables
    edits = _edits(find(data, b"edts", b"elst"))
    track.shown = sum(length for length, time in edits if time >= 0) / movie_scale or track.length / track.scale
    whole = sum(length for length, _ in edits) / movie_scale
    if edits and not length / track.samples / 2 <= track.shown <= 2 * length + tolerance:
        raise BrokenTables
    if len(edits) == 1 and _leaves_out(edits[0], times, track, movie_scale):
        raise BrokenTables
    # An edit list that hides frames at the beginning was made by somebody. One that only ends too early, against what
    # the track's header says, was not.
    hides = max((time for _, time in edits), default=0) / track.scale > _LATEST_BEGINNING
    if whole > 0 and not hides and claimed not in _UNSET and claimed / movie_scale > whole + tolerance:
        raise BrokenTables
    return track


def _run_lengths(data: bytes) -> tuple[int, int]:
    """Return (how many samples, their sum) of an stts or ctts box."""
    count, total = 0, 0
    for at in range(8, 8 + 8 * integer(data, 4), 8):
        number = integer(data, at)
        count += number
        total += number * integer(data, at + 4)
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
    runs = np.frombuffer(data, ">u4", 2 * integer(data, 4), 8).reshape(-1, 2).astype(np.int64)
    counts = np.minimum(runs[:, 0], np.maximum(0, samples - (np.cumsum(runs[:, 0]) - runs[:, 0])))
    return np.repeat(runs[:, 1], counts)


def _leaves_out(edit: tuple[int, int], times: _Ticks, track: SampleTrack, movie_scale: int) -> bool:
    """Whether an edit is as long as all samples together and still leaves some out, so that it does not belong to them.

    An edit that begins before the first sample is taken to begin with it.
    """
    length, start = edit[0] * track.scale / movie_scale, max(edit[1], int(times.min()))
    usual = track.length / track.samples
    outside = (times < start) | (times >= start + length + usual / 2)
    return length >= track.length - usual / 2 and bool(outside.any())


def _chunked(table: bytes) -> int:
    """Return how many samples the chunks hold together, by stsc and stco or co64."""
    chunks = integer(find(table, b"stco") or needed(table, b"co64"), 4)
    runs = needed(table, b"stsc")
    entries = [(integer(runs, at), integer(runs, at + 4)) for at in range(8, 8 + 12 * integer(runs, 4), 12)]
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
    for at in range(8, 8 + (2 * width + 4) * integer(data, 4), 2 * width + 4):
        time = integer(data, at + width, width)
        found.append((integer(data, at, width), -1 if time >> (8 * width - 1) else time))
    return found
