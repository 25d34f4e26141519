"""Draws when each stage of observing a clip is at work: how well they overlap.

    python -m benchmarks.stage_overlap docs/stages.png              street.mp4, after one round to warm up
    python -m benchmarks.stage_overlap out.png --clip my-clip.mp4

Needs SIGHTLINE_SHARED (or ../shared) for clips and weights.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from benchmarks.pipeline import SHARED, make_service, observe
from biometric.pipeline.streaming import Stopwatch

Span = tuple[str, float, float]
"""A stage, and from when to when it worked, in seconds of `time.perf_counter`."""

STAGES = ("decode", "detect", "track", "select", "embed")
COLOURS = ("#4477aa", "#ee6677", "#ccbb44", "#228833", "#aa3377")
WIDTH, ROW, LEFT, TOP = 1200, 36, 90, 44


@contextmanager
def recorded() -> Iterator[list[Span]]:
    """Give a list that takes the spans of all stages while the block runs."""
    spans: list[Span] = []
    original = Stopwatch.timed

    @contextmanager
    def timed(stopwatch: Stopwatch, stage: str) -> Iterator[None]:
        started = time.perf_counter()
        try:
            with original(stopwatch, stage):
                yield
        finally:
            spans.append((stage, started, time.perf_counter()))

    Stopwatch.timed = timed  # type: ignore[method-assign]
    try:
        yield spans
    finally:
        Stopwatch.timed = original  # type: ignore[method-assign]


def draw(spans: list[Span], title: str) -> Image.Image:
    """Return a picture with a row for each stage."""
    start, stop = min(span[1] for span in spans), max(span[2] for span in spans)
    scale = (WIDTH - LEFT - 20) / (stop - start)
    height = TOP + ROW * len(STAGES) + 34
    picture = Image.new("RGB", (WIDTH, height), "white")
    pen, font = ImageDraw.Draw(picture), ImageFont.load_default(15)
    pen.text((LEFT, 12), title, "black", font)
    for row, (stage, colour) in enumerate(zip(STAGES, COLOURS, strict=True)):
        y = TOP + row * ROW
        busy = sum(end - begin for name, begin, end in spans if name == stage)
        pen.text((8, y + 2), stage, "black", font)
        pen.text((8, y + 17), f"{busy:.2f} s", "#555555", ImageFont.load_default(12))
        pen.line((LEFT, y + ROW - 2, WIDTH - 20, y + ROW - 2), "#dddddd")
        for name, begin, end in spans:
            if name == stage:
                x = LEFT + (begin - start) * scale
                pen.rectangle((x, y + 4, max(x + 1, LEFT + (end - start) * scale), y + ROW - 8), colour)
    for tenth in range(int((stop - start) * 2) + 1):
        x = LEFT + tenth / 2 * scale
        pen.line((x, height - 34, x, height - 28), "#555555")
        pen.text((x - 10, height - 24), f"{tenth / 2:.1f} s", "#555555", ImageFont.load_default(12))
    return picture


def main() -> None:
    """Observe a clip twice and draw the second time."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("picture", type=Path)
    options.add_argument("--clip", type=Path, default=SHARED / "clips" / "street.mp4")
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        service = make_service(Path(folder))
        observe(service, chosen.clip)
        service.forget_observations()
        with recorded() as spans:
            observed = observe(service, chosen.clip)
        service.close()
    seconds = max(span[2] for span in spans) - min(span[1] for span in spans)
    busy = sum(end - begin for _, begin, end in spans)
    count = observed.video.frame_count
    title = f"{count} frames in {seconds:.2f} s ({count / seconds:.0f} frames/s); stages busy for {busy:.2f} s in all"
    draw(spans, title).save(chosen.picture)
    print(title)


if __name__ == "__main__":
    main()
