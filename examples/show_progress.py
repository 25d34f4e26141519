"""Observe part of a clip with a progress line, and list the people in it.

python examples/show_progress.py demo/visit-2-everybody.mp4 0 59
"""

import sys

import biometric


def show(progress: biometric.Progress) -> None:
    """Write one step over the last one."""
    print(f"\r\033[K{progress}", end="", file=sys.stderr, flush=True)


def main(clip: str, first: str, last: str) -> None:
    """Observe the frames `first` to `last`, both included."""
    frames = biometric.FrameRange.inclusive(int(first), int(last))
    try:
        with biometric.open_service() as service:
            observed = service.observe(clip, frames, progress=show)
    except biometric.BiometricError as error:
        sys.exit(f"\n{error}")
    print(file=sys.stderr)
    for person in observed.observations:
        print(f"person {person.person}: {len(person.kept)} samples kept, {len(person.refused)} refused")


if __name__ == "__main__":
    if len(sys.argv) != 4 or not (sys.argv[2].isdecimal() and sys.argv[3].isdecimal()):
        print("usage: python examples/show_progress.py CLIP FIRST LAST", file=sys.stderr)
        sys.exit(2)
    main(*sys.argv[1:])
