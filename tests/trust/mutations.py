"""Damage sound clips in a thousand ways and see that nothing is shortened in silence, crashes, hangs or stays behind.

    python -m tests.trust.mutations --count 1000 [--seed 1] [--start 0] [--keep FOLDER]

Each mutation is made from its number and the seed alone, so a failure can be made again.
"""

import argparse
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.conftest import PROJECT
from tests.trust.damage_oracle import JOINED, begun, evidence
from tests.trust.sound_clips import NAMES, SoundClip, write_sound_clip

Mutated = tuple[bytes, str]

_FIELDS: dict[str, tuple[bytes, ...]] = {
    "mov": tuple(
        b"moov mvhd trak tkhd edts elst mdia mdhd hdlr stbl stsd stts ctts stsc stsz stco stss mdat avcC moof mfhd tfhd"
        b" tfdt trun traf mvex trex".split()
    ),
    "matroska": tuple(
        bytes.fromhex(code)
        for code in (
            *("1f43b675", "e7", "a3", "a0", "a1", "1c53bb6b", "114d9b74", "1654ae6b", "1549a966", "4489", "2ad7b1"),
            *("18538067", "ae", "23e383", "9b", "bb"),
        )
    ),
    "avi": tuple(b"RIFF hdrl avih strl strh strf movi idx1 00dc indx JUNK".split()),
    "flv": (b"FLV", b"onMetaData", b"duration", b"\x09", b"\x08"),
    "asf": tuple(bytes.fromhex(code) for code in ["a1dcab8c", "9107dcb7", "3626b275", "82000000"]),
    "start codes": (b"\x00\x00\x01",),
    "ivf": (b"DKIF", b"VP90"),
    "mxf": (bytes.fromhex("060e2b34"),),
}
_STRUCTURE = {
    "mp4": "mov", "mov": "mov", "mkv": "matroska", "webm": "matroska", "avi": "avi", "flv": "flv", "wmv": "asf",
    "ivf": "ivf", "mxf": "mxf",
}  # fmt: skip


@dataclass(frozen=True)
class Mutation:
    """One damaged file: its number, the sound clip that it was made of, what was done, and its bytes."""

    number: int
    name: str
    how: str
    data: bytes


def mutate(number: int, seed: int, read: Callable[[str], bytes]) -> Mutation:
    """Make the mutation of that number; `read` gives the bytes of a sound clip by name."""
    rng = np.random.default_rng([seed, number])
    name = NAMES[number % len(NAMES)]
    data = read(name)
    suffix = name.rpartition(".")[2]
    ways = [_flip, _flip_head, _blank, _scramble, _remove, _double, _cut_end, _cut_beginning, _move, _insert]
    ways += [_rewrite_field] * 4 + [_break_marker] * 2
    if suffix == "ts":
        ways += [_lose_packets] * 4 + [_repeat_packet, _count_packets] * 2
    while True:
        changed, how = ways[rng.integers(len(ways))](data, rng, suffix)
        if changed != data:
            return Mutation(number, name, how, changed)


def _range(data: bytes, rng: np.random.Generator) -> tuple[int, int]:
    """A range of 1 byte to 40 % of the file, short ones as likely as long ones."""
    length = max(1, int(len(data) * 0.4 * 10 ** -rng.uniform(0, 3)))
    start = int(rng.integers(0, max(1, len(data) - length)))
    return start, start + length


def _flip(data: bytes, rng: np.random.Generator, _: str) -> Mutated:
    changed = bytearray(data)
    places = rng.integers(0, len(data), int(2 ** rng.uniform(0, 6)))
    for place in places:
        changed[place] ^= int(rng.integers(1, 256))
    return bytes(changed), f"{len(places)} bytes flipped"


def _flip_head(data: bytes, rng: np.random.Generator, _: str) -> Mutated:
    changed = bytearray(data)
    place = int(rng.integers(0, min(len(data), 1500)))
    changed[place] ^= 1 << int(rng.integers(8))
    return bytes(changed), f"bit of byte {place} flipped"


def _blank(data: bytes, rng: np.random.Generator, _: str) -> Mutated:
    start, end = _range(data, rng)
    return data[:start] + bytes(end - start) + data[end:], f"{start}–{end} zeroed"


def _scramble(data: bytes, rng: np.random.Generator, _: str) -> Mutated:
    start, end = _range(data, rng)
    return data[:start] + rng.bytes(end - start) + data[end:], f"{start}–{end} random"


def _remove(data: bytes, rng: np.random.Generator, _: str) -> Mutated:
    start, end = _range(data, rng)
    return data[:start] + data[end:], f"{start}–{end} removed"


def _double(data: bytes, rng: np.random.Generator, _: str) -> Mutated:
    start, end = _range(data, rng)
    return data[:end] + data[start:], f"{start}–{end} doubled"


def _cut_end(data: bytes, rng: np.random.Generator, _: str) -> Mutated:
    end = int(rng.integers(1, len(data)))
    return data[:end], f"cut at {end}"


def _cut_beginning(data: bytes, rng: np.random.Generator, _: str) -> Mutated:
    start = int(rng.integers(1, len(data) // 2))
    return data[start:], f"first {start} removed"


def _move(data: bytes, rng: np.random.Generator, _: str) -> Mutated:
    start, end = _range(data, rng)
    rest = data[:start] + data[end:]
    place = int(rng.integers(0, len(rest)))
    return rest[:place] + data[start:end] + rest[place:], f"{start}–{end} moved to {place}"


def _insert(data: bytes, rng: np.random.Generator, _: str) -> Mutated:
    place, length = int(rng.integers(0, len(data))), int(2 ** rng.uniform(0, 12))
    return data[:place] + rng.bytes(length) + data[place:], f"{length} bytes inserted at {place}"


def _marker(data: bytes, rng: np.random.Generator, suffix: str) -> int | None:
    """The position of a marker of the container's structure."""
    present = [marker for marker in _FIELDS[_STRUCTURE.get(suffix, "start codes")] if marker in data]
    if not present:
        return None
    marker = present[rng.integers(len(present))]
    places, place = [], data.find(marker)
    while place >= 0 and len(places) < 400:
        places.append(place)
        place = data.find(marker, place + 1)
    return places[rng.integers(len(places))]


def _rewrite_field(data: bytes, rng: np.random.Generator, suffix: str) -> Mutated:
    """Write another number into a header field."""
    marker = _marker(data, rng, suffix)
    if marker is None:
        return data, ""
    place = marker + 4 * int(rng.integers(-1, 12)) + int(rng.integers(0, 2)) * int(rng.integers(0, 4))
    width = int(rng.choice([1, 2, 4]))
    if place < 0 or place + width > len(data):
        return data, ""
    order = "little" if suffix in {"avi", "ivf", "wmv"} else "big"
    old = int.from_bytes(data[place : place + width], order)  # type: ignore[arg-type]
    top = 1 << 8 * width
    choices = (0, 1, old // 2, old * 2, old - 1, old + 1, old + 4, top - 1, int(rng.integers(top)), old * 3 // 4)
    new = choices[rng.integers(len(choices))] % top
    changed = data[:place] + new.to_bytes(width, order) + data[place + width :]  # type: ignore[arg-type]
    return changed, f"{data[marker : marker + 4]!r} at {marker}: field at {place} {old} → {new}"


def _break_marker(data: bytes, rng: np.random.Generator, suffix: str) -> Mutated:
    """Destroy a marker of the structure, sometimes with some bytes around it."""
    marker = _marker(data, rng, suffix)
    if marker is None:
        return data, ""
    length = int(rng.choice([1, 4, 12, 64]))
    return data[:marker] + rng.bytes(length) + data[marker + length :], f"{length} bytes at marker {marker} broken"


def _packets(data: bytes) -> list[bytes]:
    return [data[at : at + 188] for at in range(0, len(data), 188)]


def _lose_packets(data: bytes, rng: np.random.Generator, _: str) -> Mutated:
    packets = _packets(data)
    start, run = int(rng.integers(len(packets))), int(rng.integers(1, 30))
    return b"".join(packets[:start] + packets[start + run :]), f"packets {start}–{start + run} lost"


def _repeat_packet(data: bytes, rng: np.random.Generator, _: str) -> Mutated:
    packets = _packets(data)
    place = int(rng.integers(len(packets)))
    return b"".join(packets[: place + 1] + packets[place:]), f"packet {place} repeated"


def _count_packets(data: bytes, rng: np.random.Generator, _: str) -> Mutated:
    packets = _packets(data)
    place = int(rng.integers(len(packets)))
    head = bytearray(packets[place])
    head[3 if rng.integers(2) else 1] ^= int(rng.integers(1, 256))
    packets[place] = bytes(head)
    return b"".join(packets), f"header of packet {place} changed"


class Reader:
    """A process that reads clips; a new one takes its place when it dies or takes longer than `limit` seconds."""

    def __init__(self, temporary: Path, limit: float = 20.0) -> None:
        self._limit = limit
        self._environment = {**os.environ, "TMPDIR": str(temporary), "PYTHONPATH": str(PROJECT)}
        self._process: subprocess.Popen[str] | None = None

    def read(self, path: Path) -> dict[str, Any]:
        """What the application makes of a clip; `{"died": …}` or `{"hung": …}` where it did not answer."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-W", "error", "-m", "tests.trust.reading_worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env=self._environment,
                cwd=PROJECT,
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{path}\n")
        self._process.stdin.flush()
        ready, _, _ = select.select([self._process.stdout], [], [], self._limit)
        line = self._process.stdout.readline() if ready else ""
        if line:
            return dict(json.loads(line))
        answer = {"died": self._process.poll()} if ready else {"hung": self._limit}
        self.close()
        return answer

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


@dataclass(frozen=True)
class Verdict:
    """What came of one damaged clip: a word for the tally, and whether it is a failure."""

    word: str
    failed: bool = False
    detail: str = ""


def judge(sound: SoundClip, damaged: Path, answer: dict[str, Any]) -> Verdict:
    """Judge what the application made of a damaged clip.

    Failures are: a crash, a death, a hang, a file left open, frames that were counted and not read, and fewer frames
    than the file still holds, or claims to, without a word.
    """
    if bad := sorted({"crashed", "died", "hung"} & answer.keys()):
        return Verdict(bad[0], True, str(answer[bad[0]]))
    if answer["open"]:
        return Verdict("left open", True, str(answer["open"]))
    if "refused" in answer:
        return Verdict("refused")
    frames = answer["frames"]
    if answer["damage"] is not None:
        return Verdict("damage told")
    if answer["photograph"]:
        return Verdict("only a photograph is left")
    if answer["ends"] or len(answer["numbers"]) != frames:
        return Verdict("counted, not read", True, f"{len(answer['numbers'])} of {frames}: {answer['ends']}")
    if frames < sound.frames:
        seen = evidence(sound.path, damaged)
        share = sound.packets / sound.frames
        if sound.path.suffix in JOINED and begun(sound.path, damaged.read_bytes()) <= frames * share:
            return Verdict("beginning of a picture gone from a stream")
        if min(seen.frames, sound.packets) > frames * share:
            return Verdict("SHORTENED IN SILENCE", True, f"{frames} of {sound.frames}: {seen}")
        return Verdict("rest gone without a trace")
    if frames > sound.frames:
        return Verdict("more frames than before")
    if sound.numbered and answer["numbers"] != list(range(frames)):
        return Verdict("all frames, some look different")
    return Verdict("whole")


def attack(count: int, seed: int, start: int = 0, folder: Path | None = None) -> tuple[Counter[str], list[str]]:
    """Damage `count` clips and read each; return how often each verdict fell, and the failures in words."""
    tally: Counter[str] = Counter()
    failures: list[str] = []
    with tempfile.TemporaryDirectory() as made:
        sound_folder, temporary, damaged_folder = (Path(made) / name for name in ("sound", "tmp", "damaged"))
        for path in (sound_folder, temporary, damaged_folder):
            path.mkdir()
        clips: dict[str, SoundClip] = {}

        def clip(name: str) -> SoundClip:
            if name not in clips:
                clips[name] = write_sound_clip(sound_folder, name)
            return clips[name]

        reader = Reader(temporary)
        try:
            for number in range(start, start + count):
                mutation = mutate(number, seed, lambda name: clip(name).path.read_bytes())
                path = damaged_folder / f"{number:05}.{mutation.name.rpartition('.')[2]}"
                path.write_bytes(mutation.data)
                verdict = judge(clip(mutation.name), path, reader.read(path))
                tally[verdict.word] += 1
                if verdict.failed:
                    failures.append(f"{number} {mutation.name}: {mutation.how}: {verdict.word} {verdict.detail}")
                    if folder is not None:
                        shutil.copy(path, folder)
                if left := [str(left) for left in (*temporary.iterdir(), *damaged_folder.iterdir()) if left != path]:
                    failures.append(f"{number} {mutation.name}: left files {left}")
                path.unlink()
        finally:
            reader.close()
    return tally, failures


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description="Damage sound clips and see that nothing is shortened in silence.")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start", type=int, default=0, help="number of the first mutation")
    parser.add_argument("--keep", type=Path, help="existing folder for the damaged clips of failures")
    options = parser.parse_args()
    tally, failures = attack(options.count, options.seed, options.start, options.keep)
    for word, times in tally.most_common():
        print(f"{times:6}  {word}")
    print(f"{len(failures):6}  failures")
    print("\n".join(failures))
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
