"""Reads damaged clips in a process of its own, so that a crash or a hang ends this one only.

Takes paths on standard input, one a line, and answers each with one line of JSON.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from biometric.clips.footage_reading import FootageReader
from biometric.entities import FrameRange
from biometric.errors import BiometricError
from tests.made_clips import number_of


def read_all(path: Path) -> dict[str, Any]:
    """What the application makes of a clip: refused with an error, or read, with what it says of damage."""
    reader = FootageReader()
    try:
        info = reader.probe(path)
    except BiometricError as error:
        return {"refused": type(error).__name__, "says": str(error)}
    numbers: list[int] = []
    ends = ""
    try:
        for frame in reader.read(path, FrameRange(0, info.frame_count)):
            numbers.append(number_of(frame.image))
    except BiometricError as error:
        ends = type(error).__name__
    return {
        "photograph": info.photograph,
        "frames": info.frame_count,
        "source": info.frame_count_source,
        "damage": None if info.damage is None else info.damage.code.name,
        "numbers": numbers,
        "ends": ends,
    }


def main() -> None:
    for line in sys.stdin:
        began = time.monotonic()
        before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208  # no other way to count them
        try:
            answer = read_all(Path(line.rstrip("\n")))
        except Exception as error:  # noqa: BLE001  # what no caller expects is the finding
            answer = {"crashed": repr(error)}
        answer["open"] = len(os.listdir("/proc/self/fd")) - before  # noqa: PTH208
        answer["seconds"] = time.monotonic() - began
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
