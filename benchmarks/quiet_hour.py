"""A made hour in which people are 3 % of the time: who is found, and how long that takes.

    python -m benchmarks.quiet_hour                  the hour; composing it takes ten minutes and more
    python -m benchmarks.quiet_hour --minutes 6      a rehearsal
    python -m benchmarks.quiet_hour --keep FOLDER    keep what was composed there, or use what is

An appearance counts as found where somebody is followed at the person's place in at least three analysed frames. Those
that are not are read again, and looked at in each analysed frame: who is found then was lost by skipping, which is an
error; who is not, such as somebody far away for a second, is too little for the detector.

Needs SIGHTLINE_SHARED (or ../shared) for clips and weights.
"""

import argparse
import pickle
import sys
import tempfile
import time
from dataclasses import dataclass
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

LEAD_SECONDS = 2.0
"""Read before an appearance: a tracker follows at once whom it sees in its first frame, and later nobody so soon."""


@dataclass(frozen=True)
class Recall:
    """How many appearances of a second and more there are, and what becomes of them.

    Attributes:
        lost: found where every frame is looked at, and only there.
        beyond: those not found there, either.
    """

    found: int
    lost: tuple[Visit, ...]
    beyond: tuple[Visit, ...]

    def __str__(self) -> str:
        count = self.found + len(self.lost) + len(self.beyond)
        lines = [f"appearances of a second and more: {self.found} of {count} found"]
        for text, visits in (
            ("lost by skipping", self.lost),
            ("not found with every frame looked at, either", self.beyond),
        ):
            lines.append(f"{text}: {len(visits)}")
            lines += [
                f"    at {visit.begin:.0f} s for {visit.end - visit.begin:g} s, {visit.height:g} pixels high"
                for visit in visits
            ]
        return "\n".join(lines)


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
    first, last = boxes[0][0], min(boxes[-1][0], boxes[0][0] + 10 * FPS)
    frames = FrameRange.inclusive(max(0, first - round(LEAD_SECONDS * FPS)), last)
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


def measure(folder: Path, minutes: float) -> Recall:
    """Print and return what is found; print how long it takes, and how much was read and looked at for that."""
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
        long = [(visit, boxes) for visit, boxes in appearances if visit.end - visit.begin >= 1 and boxes]
        missed = [(visit, boxes) for visit, boxes in long if not is_found(observed, boxes)]
        lost = tuple(visit for visit, boxes in missed if is_visible(service, clip, boxes))
        service.close()
    recall = Recall(len(long) - len(missed), lost, tuple(visit for visit, _ in missed if visit not in lost))
    looks = observed.looks
    print(
        f"{minutes:g} minutes in {seconds:.1f} s ({60 * minutes / seconds:.0f} × real time); {probed:.1f} s: checking"
    )
    print(f"stages: {', '.join(f'{stage} {value:.1f} s' for stage, value in observed.timings.items())}")
    if looks is not None:
        print(f"{looks.analysed} analysed frames: {looks.analysed - looks.undecoded} decoded, {looks.looked} looked at")
    print(recall)
    return recall


def main() -> None:
    """Run the benchmark; the exit status says whether skipping lost somebody."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--minutes", type=float, default=60.0, help="length of the footage (60)")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="folder for what is composed, also from before")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) if options.keep is None else options.keep
        folder.mkdir(parents=True, exist_ok=True)
        recall = measure(folder, options.minutes)
    sys.exit(1 if recall.lost else 0)


if __name__ == "__main__":
    main()
