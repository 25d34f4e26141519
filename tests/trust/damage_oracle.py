"""What a damaged file still holds, found without the application and without a demuxer's word.

The truth is known: a damaged file was made of a sound one. A frame is still *held* where a piece of its coded bytes is
still in the file; a frame of which nothing is left is gone, and no reader can miss it. Beside that stand the numbers
that the file itself claims, read by searching for its tables, and FFmpeg's own count where `ffprobe` is installed.
"""

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import av

RAW = frozenset({".h264", ".h265", ".m4v", ".m2v"})
"""Endings of streams without container, in which only its beginning tells that there is a picture."""

JOINED = frozenset({*RAW, ".ts", ".mpg"})
"""Endings of streams that may begin anywhere, in the rest of a picture as well."""

PIECE = 24
"""Bytes of a frame that have to be found again to call it held."""


@dataclass(frozen=True)
class Evidence:
    """What speaks for a number of frames in a damaged file.

    Attributes:
        held: frames of which a piece is still there.
        claimed: frames that the file's own tables count; 0 where they count none.
        witnessed: packets of the video track by ffprobe's count; None where it is not installed.
    """

    held: int
    claimed: int
    witnessed: int | None

    @property
    def frames(self) -> int:
        """The most that anything speaks for."""
        return max(self.held, self.claimed, self.witnessed or 0)


@cache
def pieces(sound: Path) -> tuple[tuple[bytes, ...], ...]:
    """Pieces of the coded bytes of each frame of a sound clip, as they stand in its file, that no other frame has."""
    data = sound.read_bytes()
    with av.open(str(sound)) as opened:
        stream = opened.streams.video[0]
        payloads = [bytes(packet) for packet in opened.demux(stream) if packet.size]
    found = []
    for payload in payloads:
        parts = [payload[at : at + PIECE] for at in range(0, max(1, len(payload) - PIECE + 1), PIECE // 2)]
        found.append(tuple(part for part in parts if len(part) >= 8 and data.count(part) == 1))
    return tuple(found)


def held(sound: Path, data: bytes) -> int:
    """Frames of which a piece is still there."""
    return sum(any(part in data for part in parts) for parts in pieces(sound))


@cache
def beginnings(sound: Path) -> tuple[bytes, ...]:
    """How each frame of a sound clip begins, up to where it differs from all others: behind its parameters."""
    data = sound.read_bytes()
    with av.open(str(sound)) as opened:
        stream = opened.streams.video[0]
        packets = [(packet.pos or 0, bytes(packet)) for packet in opened.demux(stream) if packet.size]
    found = []
    for place, payload in packets:
        # The pictures of H.264 and H.265 stand behind everything else.
        length = payload.rindex(b"\x00\x00\x01") + PIECE if sound.suffix in {".h264", ".h265"} else PIECE
        while data.count(data[place : place + length]) > 1:
            length += PIECE
        found.append(data[place : place + length])
    return tuple(found)


def begun(sound: Path, data: bytes) -> int:
    """Frames whose beginning is still there; in a transport stream, those behind the first such one are all counted."""
    present = [beginning in data for beginning in beginnings(sound)]
    if sound.suffix in RAW:
        return sum(present)
    return len(present) - present.index(True) if any(present) else 0


def evidence(sound: Path, damaged: Path) -> Evidence:
    """Weigh a damaged file."""
    data = damaged.read_bytes()
    return Evidence(held(sound, data), _claimed(data, damaged.suffix), ffprobe_packets(damaged))


def _claimed(data: bytes, suffix: str) -> int:
    """Frames by the tables that count them, found by their names."""
    if suffix in {".mp4", ".mov"}:
        tables = [int.from_bytes(data[at + 12 : at + 16], "big") for at in _places(data, b"stsz")]
        runs = [int.from_bytes(data[at + 8 : at + 12], "big") for at in _places(data, b"trun")]
        return max(tables[:1], default=0) if max(tables, default=0) else sum(run for run in runs if run < 1000)
    if suffix == ".avi":
        return len(re.findall(rb"00d[cb]", data)) // 2
    return 0


def _places(data: bytes, name: bytes) -> list[int]:
    return [match.start() for match in re.finditer(re.escape(name), data)]


def ffprobe_packets(path: Path) -> int | None:
    """Packets of the first video track by ffprobe; None where it is not installed or does not answer."""
    program = shutil.which("ffprobe")
    if program is None:
        return None
    asked = [program, "-v", "quiet", "-select_streams", "v:0", "-count_packets", "-of", "json"]
    done = subprocess.run(
        [*asked, "-show_entries", "stream=nb_read_packets", str(path)], capture_output=True, text=True, timeout=30
    )
    try:
        return int(json.loads(done.stdout)["streams"][0]["nb_read_packets"])
    except (ValueError, LookupError):
        return 0
