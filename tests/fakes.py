"""Stand-ins for adapters, for tests of everything above them. Numbers decide; no picture, model or file is needed."""

from collections.abc import Collection, Generator, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from biometric.entities import (
    Detection,
    Frame,
    FrameRange,
    FrameTimes,
    Image,
    LinkScores,
    Notice,
    NoticeCode,
    Progress,
    Purpose,
    Threshold,
    ThresholdSource,
    VideoInfo,
)
from biometric.entities.model_reports import ModelStatus
from biometric.entities.robustness import RobustnessTable
from biometric.errors import ClipNotFound, DamagedClip
from biometric.ports import Detector, Embedder

MODEL_ID = "fake-8"


def video_info(**changes: object) -> VideoInfo:
    """A healthy clip of 100 frames, 640×480, 10 fps; the duration follows from the rate."""
    values: dict[str, Any] = {
        "width": 640,
        "height": 480,
        "fps": 10.0,
        "frame_count": 100,
        "frame_count_source": "decoded",
        "duration": 10.0,
        "rotation": 0,
        "codec": "h264",
        "container": "mov,mp4,m4a,3gp,3g2,mj2",
        "digest": "ab" * 32,
    }
    values |= changes
    if "duration" not in changes:
        values["duration"] = values["frame_count"] / values["fps"]  # type: ignore[operator]
    count = cast(int, values["frame_count"])
    values.setdefault(
        "times", FrameTimes(FrameTimes.evenly(count, values["duration"]).seconds, values["duration"], count)
    )
    return VideoInfo(**values)  # type: ignore[arg-type]


class FakeReader:
    """A clip whose frames are flat pictures of grey level `index % 256`, with a blue corner unless they are `grey`.

    `blue` are the corner's x1, y1, x2, y2.
    """

    def __init__(self, info: VideoInfo | None = None, ends_at: int | None = None, grey: bool = False) -> None:
        self.info = info or video_info()
        self.grey = grey
        self.blue = (self.info.width - 80, self.info.height - 40, self.info.width, self.info.height)
        self.ends_at = ends_at
        self.reads = 0
        self.closed = 0
        self.indices: list[int] = []

    def probe(self, clip: Path) -> VideoInfo:
        if not clip.exists():
            raise ClipNotFound(f"There is no file {clip.name}.")
        return self.info

    def read(self, clip: Path, frames: FrameRange) -> Iterator[Frame]:
        self.reads += 1
        try:
            for index in range(frames.start, frames.stop, frames.step):
                if self.ends_at is not None and index >= self.ends_at:
                    raise DamagedClip("The clip ends early.", self.ends_at, frames.stop)
                self.indices.append(index)
                yield self._frame(index)
        finally:
            self.closed += 1

    def read_chosen(self, clip: Path, frames: FrameRange, choice: object) -> Iterator[Frame]:
        return self.read(clip, frames)

    def grab(self, clip: Path, indices: Collection[int]) -> dict[int, Frame]:
        return {index: self._frame(index) for index in indices if index < self.info.frame_count}

    def _frame(self, index: int) -> Frame:
        image = np.full((self.info.height, self.info.width, 3), index % 256, np.uint8)
        if not self.grey:
            x1, y1, x2, y2 = self.blue
            image[y1:y2, x1:x2] = (200, 60, 40)
        return Frame(index, image, self.info.time_of(index))


class FakeWriter:
    """Counts frames instead of encoding them."""

    def write(self, destination: Path, frames: Iterator[Frame], longest_gap: float = 0.0) -> None:
        for _ in self.writing(destination, frames):
            pass

    def writing(
        self, destination: Path, frames: Iterator[Frame], longest_gap: float = 0.0
    ) -> Generator[int, None, None]:
        count = 0
        for count, _ in enumerate(frames, start=1):
            yield count
        destination.write_bytes(f"{count} frames".encode())

    def proxy(self, clip: Path, destination: Path) -> Generator[Progress, None, None]:
        yield Progress("Preparing preview: frame", 1, 1)
        destination.write_bytes(b"proxy")


class FakeDetector:
    """Finds the people that a script puts into frames: frame index → boxes with confidences."""

    name = "fake-detector"
    device = "test"

    def __init__(self, script: dict[int, list[tuple[tuple[float, float, float, float], float]]]) -> None:
        self.script = script

    def detect(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        return [
            [
                Detection(frame.index, box, confidence, number, frame.seconds)
                for number, (box, confidence) in enumerate(self.script.get(frame.index, []))
            ]
            for frame in frames
        ]


class ColumnTracker:
    """Follows people by the column (hundreds of pixels) that their box starts in; a gap of `patience` ends a track."""

    def __init__(self, frame_rate: float, patience: int = 5) -> None:
        self.frame_rate = frame_rate
        self.patience = patience
        self.ids: dict[int, int] = {}
        self.seen: dict[int, int] = {}
        self.step = 0
        self.next_id = 1
        self.done: list[int] = []

    def update(self, frame: Frame, detections: Sequence[Detection]) -> list[tuple[int, Detection]]:
        self.step += 1
        for column, last in list(self.seen.items()):
            if self.step - last > self.patience:
                self.done.append(self.ids.pop(column))
                del self.seen[column]
        result = []
        for detection in detections:
            column = int(detection.box[0] // 100)
            if column not in self.ids:
                self.ids[column], self.next_id = self.next_id, self.next_id + 1
            self.seen[column] = self.step
            result.append((self.ids[column], detection))
        return result

    def ended(self) -> list[int]:
        done, self.done = self.done, []
        return done


class FakeEmbedder:
    """Gives each crop the axis of its mean grey level modulo the dimension, so frames decide who is who."""

    model_id = MODEL_ID
    dimension = 8
    device = "test"

    def __init__(self, axis_of: object = None) -> None:
        self.axis_of = axis_of
        self.batches: list[int] = []

    def embed(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        self.batches.append(len(crops))
        vectors = np.zeros((len(crops), self.dimension), np.float32)
        for row, crop in enumerate(crops):
            grey = int(crop.mean())
            axis = self.axis_of(grey) if callable(self.axis_of) else 0
            vectors[row, axis] = 1.0
        return vectors


class FakeCrops:
    """Writes a few bytes instead of a JPEG."""

    def __init__(self) -> None:
        self.saved: list[Path] = []

    def save(self, crop: Image, destination: Path) -> None:
        destination.parent.mkdir(parents=True, exist_ok=True)
        destination.write_bytes(b"\xff\xd8\xff" + bytes(crop.shape[:1]) + b"\xff\xd9" if crop.shape[0] < 256 else b"j")
        self.saved.append(destination)

    def load(self, path: Path) -> Image:
        return np.zeros((8, 4, 3), np.uint8)

    def thumbnail(self, path: Path, height: int) -> bytes:
        return path.read_bytes()

    def shrunken(self, image: Image, height: int) -> bytes:
        return b"\xff\xd8\xff small \xff\xd9"


MADE_UP = (Notice(NoticeCode.CARD_EVIDENCE, text="made up for tests"),)


class FakeModels:
    """Serves given models and fixed thresholds."""

    def __init__(self, detector: Detector, embedder: Embedder) -> None:
        self._detector = detector
        self._embedder = embedder
        self.values = {"verification": 0.5, "identification": 0.6}
        self.sources = dict.fromkeys(self.values, ThresholdSource.MODEL_CARD)
        self.card = {"verification": 0.5, "identification": 0.6}
        self.table: RobustnessTable | None = None

    def detector(self) -> Detector:
        return self._detector

    def embedder(self) -> Embedder:
        return self._embedder

    def resolve_embedder(self) -> None:
        pass

    def embedder_id(self) -> str:
        return self._embedder.model_id

    def robustness(self) -> RobustnessTable | None:
        return self.table

    def notices(self) -> tuple[Notice, ...]:
        return ()

    def status(self) -> list[ModelStatus]:
        return []

    def min_track_similarity(self) -> float:
        return 0.5

    def link_scores(self) -> LinkScores:
        return LinkScores(0.6, 0.55)

    def card_threshold(self, purpose: Purpose) -> Threshold:
        return Threshold(self.card[purpose], ThresholdSource.MODEL_CARD, MADE_UP)

    def threshold(self, purpose: Purpose) -> Threshold:
        return Threshold(self.values[purpose], self.sources[purpose], MADE_UP)
