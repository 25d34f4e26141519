"""A made hour in which people are 3 % of the time: who is found, and how long that takes.

    python -m benchmarks.quiet_hour                  the hour; composing it takes ten minutes and more
    python -m benchmarks.quiet_hour --minutes 6      a rehearsal
    python -m benchmarks.quiet_hour --keep FOLDER    keep what was composed there, or use what is

An appearance counts as found where somebody is followed at the person's place in at least three analysed frames. What
the detector itself sees of it is counted, too, by looking at each analysed frame of the appearance.

Needs SIGHTLINE_SHARED (or ../shared) for clips and weights.
"""

import argparse
import pickle
import tempfile
import time
from pathlib import Path

from benchmarks.made_hour import FPS, Visit, compose
from benchmarks.pipeline import SHARED, make_service
from biometric.entities import Box, FrameRange, ObservedClip
from biometric.entities.boxes import iou
from biometric.entities.progress import finish
from biometric.service import Sightline

Appearance = tuple[Visit, list[tuple[int, Box]]]

SEEN_FRAMES = 3
"""Analysed frames in which a person is followed at the right place."""


def is_found(observed: ObservedClip, boxes: list[tuple[int, Box]]) -> bool:
    """Whether somebody is followed where a visitor is."""
    places = dict(boxes)
    for person in observed.observations:
        followed = [item for item in person.tracklet.detections if item.frame_index in places]
        if sum(iou(item.box, places[item.frame_index]) > 0.3 for item in followed) >= SEEN_FRAMES:
            return True
    return False


def is_visible(service: Sightline, clip: Path, boxes: list[tuple[int, Box]]) -> bool:
    """Whether the visitor is found by looking at each analysed frame of the appearance."""
    frames = FrameRange.inclusive(boxes[0][0], min(boxes[-1][0], boxes[0][0] + 10 * FPS))
    return is_found(finish(service.observe(clip, frames, thorough=True)), boxes)


def prepared(folder: Path, minutes: float) -> tuple[Path, list[Appearance]]:
    """Return the footage and who is in it when, composed unless the folder has it."""
    clip, truth = folder / f"quiet-{minutes:g}.mp4", folder / f"quiet-{minutes:g}.pickle"
    if not (clip.is_file() and truth.is_file()):
        begun = time.perf_counter()
        appearances = compose(SHARED / "clips" / "one-by-one.mp4", clip, 60 * minutes)
        truth.write_bytes(pickle.dumps(appearances))
        print(f"composed in {time.perf_counter() - begun:.0f} s")
    return clip, pickle.loads(truth.read_bytes())


def measure(folder: Path, minutes: float) -> tuple[int, int]:
    """Print what is found and how long it takes; return how many visible appearances were found, and how many are."""
    clip, appearances = prepared(folder, minutes)
    with tempfile.TemporaryDirectory() as data:
        service = make_service(Path(data))
        service.models.detector()
        service.models.embedder()
        begun = time.perf_counter()
        service.probe(clip)
        probed = time.perf_counter() - begun
        observed = finish(service.observe(clip))
        seconds = time.perf_counter() - begun
        long = [boxes for visit, boxes in appearances if visit.end - visit.begin >= 1 and boxes]
        found = [is_found(observed, boxes) for boxes in long]
        visible = [is_found or is_visible(service, clip, boxes) for is_found, boxes in zip(found, long, strict=True)]
        service.close()
    looks = observed.looks
    print(
        f"{minutes:g} minutes in {seconds:.1f} s ({60 * minutes / seconds:.0f} × real time); {probed:.1f} s: checking"
    )
    print(f"stages: {', '.join(f'{stage} {value:.1f} s' for stage, value in observed.timings.items())}")
    if looks is not None:
        print(f"{looks.analysed} analysed frames: {looks.analysed - looks.undecoded} decoded, {looks.looked} looked at")
    print(f"appearances of a second and more: {sum(found)} of {len(long)}; the detector sees {sum(visible)}")
    return sum(found), sum(visible)


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--minutes", type=float, default=60.0, help="length of the footage (60)")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="folder for what is composed, also from before")
    options = parser.parse_args()
    if options.keep is not None:
        options.keep.mkdir(parents=True, exist_ok=True)
        measure(options.keep, options.minutes)
        return
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), options.minutes)


if __name__ == "__main__":
    main()
