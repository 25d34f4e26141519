"""Clips in which drawn people come and go."""

from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np

from tests.ui.scenery import FPS, HEIGHT, WIDTH, draw

TWICE = ((0, 40, 0, 15), (0, 420, 20, 40), (120, 230, 22, 37))
"""A red coat comes twice, the second time beside a blue one: people 1 and 2 are one, 3 is somebody else."""


def write_visits(path: Path, visits: Sequence[tuple[int, int, int, int]], count: int = 40) -> Path:
    """Write a clip of people with (hue of the coat, left edge in pixels, first frame, frame after the last)."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(count):
            frame = np.full((HEIGHT, WIDTH, 3), (205, 200, 190), np.uint8)
            for hue, left, first, end in visits:
                if first <= number < end:
                    draw(frame, left, hue, number)
            output.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="bgr24")))
        output.mux(stream.encode())
    return path
