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


def evidence(sound: Path, damaged: Path) -> Evidence:
    """Weigh a damaged file."""
    data = damaged.read_bytes()
    held = sum(any(part in data for part in parts) for parts in pieces(sound))
    return Evidence(held, _claimed(data, damaged.suffix), ffprobe_packets(damaged))


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
