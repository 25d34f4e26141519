"""A clip of a hundred drawn people, and models that see exactly these: told apart by coat and trousers.

python -m tests.ui.crowd FOLDER      # serves the page on SIGHTLINE_PORT, to look at it
"""

import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from biometric.adapters import Adapters
from biometric.cli.command_support import EndedBySignal, signals_unwind
from biometric.clips.crops import JpegCropStore, sharpness
from biometric.clips.decoding import VideoLimits
from biometric.clips.footage_reading import FootageReader
from biometric.clips.video_writing import H264Writer
from biometric.entities import Box, Detection, Frame, Image
from biometric.footage_store.footage_library import SQLiteFootageLibrary
from biometric.gallery.repository import SQLiteGallery
from biometric.results.annotation import PillowAnnotator
from biometric.results.answer_files import OutputWriter
from biometric.service import Sightline
from biometric.settings import Settings
from tests.lawful import give_galleries_a_default
from tests.ui.scenery import FPS, CoatModels

WIDTH, HEIGHT, FRAMES = 1280, 720, 40
PEOPLE, COLUMNS, SHORT = 100, 25, 12
"""People in all, people a row, and how many of them, the last ones, are seen in three frames only."""
COLOURS = 10


def box_of(person: int, frame: int) -> Box | None:
    """Return where a person (0-based) stands in a frame, None where they are not seen."""
    seen_from = FRAMES - 3 if person >= PEOPLE - SHORT else person // 10
    if frame < seen_from:
        return None
    left = 8.0 + person % COLUMNS * 51 + frame % 3
    top = 8.0 + person // COLUMNS * 178
    tall = 100 + 6 * (person % 9)
    return (left, top, left + 38, top + tall)


def _colour(number: int) -> tuple[int, ...]:
    bgr = cv2.cvtColor(np.uint8([[[number * 180 // COLOURS, 230, 210]]]), cv2.COLOR_HSV2BGR)[0, 0]
    return tuple(int(value) for value in bgr)


def draw_crowd(frame: int) -> Image:
    """Return a frame, (HEIGHT, WIDTH, 3) uint8 BGR."""
    image = np.full((HEIGHT, WIDTH, 3), (205, 200, 190), np.uint8)
    for person in range(PEOPLE):
        box = box_of(person, frame)
        if box is None:
            continue
        left, top, right, bottom = map(int, box)
        waist, neck = (top + bottom) // 2 + 6, top + 22
        cv2.circle(image, ((left + right) // 2, top + 12), 10, (150, 180, 215), -1)
        cv2.rectangle(image, (left + 4, neck), (right - 4, waist), _colour(person % COLOURS), -1)
        cv2.rectangle(image, (left + 8, waist), (right - 8, bottom), _colour(person // COLOURS), -1)
    return image


def write_crowd(path: Path) -> Path:
    """Write the clip."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for frame in range(FRAMES):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(draw_crowd(frame), format="bgr24")))
        output.mux(stream.encode())
    return path


class CrowdDetector:
    """Knows where everybody stands."""

    name = "crowd"
    device = "CPU · test"

    def detect(self, batch: Sequence[Frame]) -> list[list[Detection]]:
        return [self._detections(frame) for frame in batch]

    def _detections(self, frame: Frame) -> list[Detection]:
        boxes = [box for person in range(PEOPLE) if (box := box_of(person, frame.index)) is not None]
        return [Detection(frame.index, box, 0.9, number, frame.seconds) for number, box in enumerate(boxes)]


class StandingTracker:
    """Follows people who stay where they are."""

    def __init__(self, frame_rate: float) -> None:
        self._places: dict[tuple[int, int], int] = {}

    def update(self, frame: Frame, detections: Sequence[Detection]) -> list[tuple[int, Detection]]:
        places = [(int(item.box[0]) // 51, int(item.box[1]) // 178) for item in detections]
        numbers = [self._places.setdefault(place, len(self._places) + 1) for place in places]
        return list(zip(numbers, detections, strict=True))

    def ended(self) -> list[int]:
        return []


class ClothesEmbedder:
    """Gives each crop a direction of its coat and one of its trousers; two people share at most one of them.

    The coat weighs more, so that people of one coat are near misses."""

    model_id = "clothes-20"
    dimension = 2 * COLOURS
    device = "CPU · test"

    def embed(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        vectors = np.full((len(crops), self.dimension), 0.02, np.float32)
        for row, crop in enumerate(crops):
            height, width = crop.shape[:2]
            for part, (top, bottom, weight) in enumerate(((0.3, 0.48, 1.08), (0.65, 0.95, 1.0))):
                patch = crop[int(height * top) : int(height * bottom), int(width * 0.35) : int(width * 0.65)]
                hue = float(np.median(cv2.cvtColor(np.ascontiguousarray(patch), cv2.COLOR_BGR2HSV)[..., 0]))
                vectors[row, part * COLOURS + round(hue / (180 / COLOURS)) % COLOURS] = weight
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class CrowdModels(CoatModels):
    """Serves these two."""

    def detector(self) -> CrowdDetector:  # type: ignore[override]
        return CrowdDetector()

    def embedder(self) -> ClothesEmbedder:  # type: ignore[override]
        return ClothesEmbedder()

    def embedder_id(self) -> str:
        return ClothesEmbedder.model_id


def make_crowd_service(root: Path, port: int = 7860) -> Sightline:
    """Return a real service below `root` that sees the hundred people."""
    folders = {name: root / name for name in ("gallery", "query", "library", "temp", "cache")}
    settings = Settings(**folders, port=port)  # type: ignore[arg-type]
    reader = FootageReader(VideoLimits())
    writer = H264Writer(reader)
    adapters = Adapters(
        reader=reader,
        writer=writer,
        crops=JpegCropStore(),
        models=CrowdModels(),
        new_tracker=StandingTracker,
        sharpness=sharpness,
        outputs=OutputWriter(reader, writer, PillowAnnotator()),
        open_gallery=SQLiteGallery,
        open_library=partial(SQLiteFootageLibrary, settings.library, 7, 10**9),
    )
    return Sightline(settings, adapters, root / "observations")


if __name__ == "__main__":
    from biometric.ui import serve

    give_galleries_a_default()
    try:
        with signals_unwind():
            serve(make_crowd_service(Path(sys.argv[1]), int(os.environ["SIGHTLINE_PORT"])))
    except EndedBySignal as error:
        sys.exit(error.status)
