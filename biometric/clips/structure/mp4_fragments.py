"""Follow the fragments of an MP4 file (ISO/IEC 14496-12, 8.8): which samples they hold, and whether one is missing."""

from dataclasses import dataclass

from biometric.clips.structure.mp4_boxes import BrokenTables, boxes, find, integer, needed

_EMPTY = 0x010000
"""The flag of a fragment that holds no samples, "duration-is-empty"."""


@dataclass(slots=True)
class SampleTrack:
    """What the tables say of a track.

    Attributes:
        number: by which fragments name it.
        scale: ticks a second.
        samples: pieces of coded pictures or sound, so far.
        length: of all samples of the index, in ticks.
        shown: seconds for which it is shown, as the headers promise; 0 where they promise nothing.
        end: of the fragments so far, in ticks.
        default_length: of a fragment's samples, in ticks.
    """

    number: int = 0
    scale: int = 0
    samples: int = 0
    length: int = 0
    shown: float = 0.0
    end: int | None = None
    default_length: int = 0


def follow_fragment(fragment: bytes, tracks: list[SampleTrack]) -> None:
    """Count the samples of a fragment (the contents of a moof box). Raises BrokenTables where one before is missing."""
    if find(fragment, b"traf") is None:
        raise BrokenTables
    for box in boxes(fragment):
        if box.kind != b"traf":
            continue
        header = needed(box.data, b"tfhd")
        track = next((track for track in tracks if track.number == integer(header, 4)), None)
        if track is None:
            raise BrokenTables
        length = _default_length(header, track.default_length)
        time = find(box.data, b"tfdt")
        start = None if time is None else integer(time, 4, 8 if time[0] == 1 else 4)
        if start is not None and track.end is not None and abs(start - track.end) > 0.1 * track.scale:
            # A fragment is missing, or came twice.
            raise BrokenTables
        end = track.end or 0 if start is None else start
        runs = [_run(run.data, length) for run in boxes(box.data) if run.kind == b"trun"]
        if not runs and not integer(header, 1, 3) & _EMPTY:
            raise BrokenTables
        track.samples += sum(count for count, _ in runs)
        track.end = end + sum(ticks for _, ticks in runs)


def _default_length(header: bytes, default: int) -> int:
    flags, at = integer(header, 1, 3), 8
    for flag, width in ((0x1, 8), (0x2, 4)):
        at += width if flags & flag else 0
    return integer(header, at) if flags & 0x8 else default


def _run(run: bytes, default: int) -> tuple[int, int]:
    """Return (samples, their length in ticks) of a trun box."""
    flags, count = integer(run, 1, 3), integer(run, 4)
    at = 8 + (4 if flags & 0x1 else 0) + (4 if flags & 0x4 else 0)
    width = 4 * sum(1 for flag in (0x100, 0x200, 0x400, 0x800) if flags & flag)
    if at + width * count > len(run):
        raise BrokenTables
    if not flags & 0x100:
        return count, count * default
    return count, sum(integer(run, place) for place in range(at, at + width * count, width))
