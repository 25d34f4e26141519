"""Clips of people who are rectangles of one colour each, and models that find and tell them by their colours.

The detector looks at the pixels of decoded frames, so that it also sees whom a redaction left in the clip.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from biometric.adapters import Adapters
from biometric.clips.crops import JpegCropStore
from biometric.clips.footage_reading import FootageReader
from biometric.clips.pixel_hiding import hide_pixels
from biometric.clips.video_writing import H264Writer
from biometric.entities import Box, Detection, Frame, FrameRange, Image
from biometric.entities.progress import finish
from biometric.entities.redaction import Redaction
from biometric.footage_store.footage_library import SQLiteFootageLibrary
from biometric.gallery.repository import SQLiteGallery
from biometric.models.byte_tracking import ByteTracker
from biometric.results.annotation import PillowAnnotator
from biometric.results.answer_files import OutputWriter
from biometric.service import Sightline
from biometric.settings import Settings
from tests.fakes import FakeModels

COLOURS: dict[str, tuple[int, int, int]] = {"Ruby": (30, 30, 220), "Jade": (30, 200, 30), "Azur": (220, 40, 30)}
"""BGR of each person."""
SIZE = (320, 240)
TALL, WIDE = 110, 44
GREY = 150

Places = Mapping[str, Sequence[tuple[int, int] | None]]
"""Where the upper left corner of each person is in each frame, by name; None: not in sight."""


def walking(count: int, start: int = 40, step: int = 2, top: int = 60) -> list[tuple[int, int] | None]:
    """Somebody who walks to the right (or, with a negative step, to the left)."""
    return [(start + step * number, top) for number in range(count)]


def painted(places: Places, index: int, size: tuple[int, int] = SIZE) -> Image:
    """One frame: later people stand before earlier ones."""
    image = np.full((size[1], size[0], 3), GREY, np.uint8)
    for name, corners in places.items():
        corner = corners[index]
        if corner is not None:
            x, y = corner
            image[max(0, y) : y + TALL, max(0, x) : x + WIDE] = COLOURS[name]
    return image


def frames_of(places: Places, times: Sequence[float] | None = None, size: tuple[int, int] = SIZE) -> Iterator[Frame]:
    """All frames, 25 a second or at `times` in seconds."""
    for index in range(len(next(iter(places.values())))):
        yield Frame(index, painted(places, index, size), index / 25 if times is None else times[index])


def write_people(
    path: Path, places: Places, times: Sequence[float] | None = None, size: tuple[int, int] = SIZE
) -> Path:
    """Write a clip of painted people."""
    H264Writer(FootageReader()).write(path, frames_of(places, times, size))
    return path


def box_of(image: Image, name: str) -> Box | None:
    """Where a picture shows somebody's colour; None: fewer than 40 pixels."""
    near = np.abs(image.astype(int) - np.array(COLOURS[name])).max(axis=2) < 60
    if near.sum() < 40:
        return None
    rows, columns = np.flatnonzero(near.any(axis=1)), np.flatnonzero(near.any(axis=0))
    return (float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))


class ColourDetector:
    """Finds painted people.

    Attributes:
        blind: (frame, name) of whom it never sees, in no pass.
        blind_at_first: the same, but only the first time that it looks at the frame.
    """

    name, device = "colour-detector", "test"

    def __init__(self) -> None:
        self.blind: set[tuple[int, str]] = set()
        self.blind_at_first: set[tuple[int, str]] = set()
        self.looked: set[int] = set()

    def detect(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        return [self._people(frame) for frame in frames]

    def _people(self, frame: Frame) -> list[Detection]:
        blind = self.blind if frame.index in self.looked else self.blind | self.blind_at_first
        self.looked.add(frame.index)
        boxes = [box_of(frame.image, name) for name in COLOURS if (frame.index, name) not in blind]
        return [
            Detection(frame.index, box, 0.9, number, frame.seconds)
            for number, box in enumerate(box for box in boxes if box is not None)
        ]


class ColourEmbedder:
    """Tells people by the mean colour of a crop."""

    model_id, dimension, device = "fake-8", 8, "test"

    def embed(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        vectors = np.full((len(crops), 8), 0.01, np.float32)
        for row, crop in enumerate(crops):
            vectors[row, :3] = np.clip(crop.reshape(-1, 3).mean(axis=0) - 100, 0, None) + 0.5
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class PaintedService:
    """A service over real clips and a real gallery that sees painted people."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.folder, self.detector = folder, ColourDetector()
        reader = FootageReader()
        writer, annotator = H264Writer(reader), PillowAnnotator()
        values = {"gallery": folder / "gallery", "query": folder / "query", "data": folder / "data", **settings}
        adapters = Adapters(
            reader,
            writer,
            JpegCropStore(),
            FakeModels(self.detector, ColourEmbedder()),
            ByteTracker,
            lambda image: 1.0,
            OutputWriter(reader, writer, annotator),
            SQLiteGallery,
            lambda: SQLiteFootageLibrary(folder / "library", 7, 10**9),
            hide_pixels=hide_pixels,
            save_picture=annotator.save,
        )
        self.reader = reader
        self.service = Sightline(Settings(**values), adapters, folder / "work")  # type: ignore[arg-type]

    def enroll(self, *names: str) -> None:
        """Enroll people from clips of their own."""
        for name in names:
            clip = write_people(self.folder / f"{name}.mp4", {name: walking(30)})
            self.service.enroll(finish(self.service.observe(clip)), name)
        self.detector.looked.clear()

    def redact(self, *arguments: object, **options: object) -> Redaction:
        return finish(self.service.redactor.redact(*arguments, **options))  # type: ignore[arg-type]

    def frames(self, clip: Path) -> list[Frame]:
        """All frames of a clip."""
        return list(self.reader.read(clip, FrameRange(0, self.reader.probe(clip).frame_count)))

    def seen(self, clip: Path, name: str) -> list[int]:
        """Numbers of the frames in which somebody's colour shows, by pixels alone."""
        return [frame.index for frame in self.frames(clip) if box_of(frame.image, name) is not None]
