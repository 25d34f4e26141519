"""A real service on drawn people: real clips, galleries and pictures, and models that tell people by their colour.

python -m tests.ui.scenery 7860 FOLDER      # serves the page, to look at it
"""

import sys
import time
from collections.abc import Collection, Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from biometric.adapters import Adapters
from biometric.cli.command_support import EndedBySignal, signals_unwind
from biometric.clips.crops import JpegCropStore, sharpness, small_grey
from biometric.clips.decoding import VideoLimits
from biometric.clips.footage_reading import FootageReader
from biometric.clips.pixel_hiding import hide_pixels
from biometric.clips.video_writing import H264Writer
from biometric.entities import (
    Detection,
    Frame,
    FrameRange,
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
from biometric.errors import DamagedClip, WeightsMissing
from biometric.footage_store.footage_library import SQLiteFootageLibrary
from biometric.gallery.repository import SQLiteGallery
from biometric.messages.translation import activate
from biometric.ports import VideoReader
from biometric.results.annotation import PillowAnnotator
from biometric.results.answer_files import OutputWriter
from biometric.service import Sightline
from biometric.settings import Settings
from tests.lawful import give_galleries_a_default

WIDTH, HEIGHT, FPS = 640, 360, 10
HUES = (0, 30, 60, 90, 120, 150)
"""OpenCV hues (of 180) of the coats; a person is their coat."""


def draw(frame: Image, left: int, hue: int, number: int) -> None:
    """Draw a person of 70×200 pixels with a coat of that hue, its feet at the bottom."""
    coat = tuple(int(c) for c in cv2.cvtColor(np.uint8([[[hue, 220, 200]]]), cv2.COLOR_HSV2BGR)[0, 0])
    top = HEIGHT - 230
    cv2.circle(frame, (left + 35, top + 28), 24, (150, 180, 215), -1)
    cv2.ellipse(frame, (left + 35, top + 20), (25, 18), 0, 180, 360, (40, 45, 60), -1)
    cv2.rectangle(frame, (left + 3, top + 52), (left + 67, top + 140), coat, -1)
    cv2.line(frame, (left + 35, top + 54), (left + 35, top + 138), tuple(c // 2 for c in coat), 2)
    swing = 6 if number % 4 < 2 else -6
    cv2.rectangle(frame, (left + 12 + swing, top + 140), (left + 30 + swing, top + 200), (70, 60, 55), -1)
    cv2.rectangle(frame, (left + 40 - swing, top + 140), (left + 58 - swing, top + 200), (85, 70, 60), -1)


def frames(count: int, hues: Sequence[int]) -> Iterator[Image]:
    """Yield frames in which people of those hues walk slowly, each in an own lane; the last one comes in late."""
    ground = np.full((HEIGHT, WIDTH, 3), (205, 200, 190), np.uint8)
    ground[HEIGHT - 60 :] = (150, 150, 145)
    for number in range(count):
        frame = ground.copy()
        for lane, hue in enumerate(hues):
            if lane == 2 and number < count // 3:
                continue
            draw(frame, 40 + lane * 190 + number, hue, number)
        yield frame


def write_people(path: Path, hues: Sequence[int], count: int = 40, codec: str = "libx264") -> Path:
    """Write a clip of people with those coats."""
    with av.open(str(path), "w") as output:
        stream = output.add_stream(codec, rate=FPS)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for image in frames(count, hues):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        output.mux(stream.encode())
    return path


class SlowWriter(H264Writer):
    """Takes `delay` seconds for each frame of an annotated clip."""

    def __init__(self, reader: VideoReader, delay: float) -> None:
        super().__init__(reader)
        self.delay = delay

    def writing(self, *arguments: Any) -> Generator[int, None, None]:
        for done in super().writing(*arguments):
            time.sleep(self.delay)
            yield done


ROLES = ("detector", "embedder")
MADE_UP = Notice(NoticeCode.CARD_EVIDENCE, text="made up for tests, 100 drawn people")


class CoatDetector:
    """Finds saturated coats, one box a person; `delay` seconds a frame make it slow."""

    name = "coats"
    device = "CPU · test"

    def __init__(self, delay: float = 0.0) -> None:
        self.delay = delay
        self.frames = 0

    def detect(self, batch: Sequence[Frame]) -> list[list[Detection]]:
        time.sleep(self.delay * len(batch))
        self.frames += len(batch)
        return [self._one(frame) for frame in batch]

    def _one(self, frame: Frame) -> list[Detection]:
        hsv = cv2.cvtColor(frame.image, cv2.COLOR_BGR2HSV)
        mask = ((hsv[..., 1] > 150) & (hsv[..., 2] > 120)).astype(np.uint8)
        mask = cv2.morphologyEx(mask, cv2.MORPH_CLOSE, np.ones((9, 9), np.uint8))
        _, _, stats, _ = cv2.connectedComponentsWithStats(mask)
        found = [
            (float(max(0, x - 3)), float(max(0, y - 52)), float(min(WIDTH, x + w + 3)), float(min(HEIGHT, y + 150)))
            for x, y, w, _, area in stats[1:].tolist()
            if area > 2500
        ]
        return [Detection(frame.index, box, 0.9, number, frame.seconds) for number, box in enumerate(sorted(found))]


class LaneTracker:
    """Follows people by nearness."""

    def __init__(self, frame_rate: float) -> None:
        self.last: dict[int, float] = {}

    def update(self, frame: Frame, detections: Sequence[Detection]) -> list[tuple[int, Detection]]:
        result = []
        for detection in detections:
            near = [track for track, x in self.last.items() if abs(x - detection.box[0]) < 40]
            track = near[0] if near else len(self.last) + 1
            self.last[track] = detection.box[0]
            result.append((track, detection))
        return result

    def ended(self) -> list[int]:
        return []


class CoatEmbedder:
    """Gives each crop a direction that follows the hue of its coat; neighbouring hues lie near each other."""

    model_id = "coats-16"
    dimension = 16
    device = "CPU · test"

    def embed(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        vectors = np.zeros((len(crops), self.dimension), np.float32)
        for row, crop in enumerate(crops):
            hsv = cv2.cvtColor(crop, cv2.COLOR_BGR2HSV).reshape(-1, 3)
            coat = hsv[(hsv[:, 1] > 150) & (hsv[:, 2] > 120)]
            hue = float(np.median(coat[:, 0])) if len(coat) else 0.0
            where = np.arange(self.dimension) * 180 / self.dimension
            distance = np.minimum(np.abs(where - hue), 180 - np.abs(where - hue))
            vector = np.exp(-((distance / 14) ** 2))
            vectors[row] = vector / np.linalg.norm(vector)
        return vectors


class CoatModels:
    """Serves the two; `missing` makes them fail as absent weights do; they load once no file `hold` is there.

    With `starter` they turn out to be starters when they are loaded, with another id and other thresholds.
    """

    def __init__(
        self, delay: float = 0.0, missing: bool = False, hold: Path | None = None, starter: bool = False
    ) -> None:
        self.starter = starter
        self.fetched = False
        self.resolved = False
        self.coats = CoatDetector(delay)
        self.missing = missing
        self.hold = hold

    def detector(self) -> CoatDetector:
        while self.hold is not None and self.hold.exists():
            time.sleep(0.1)
        if self.missing:
            raise WeightsMissing("The file coats.pt is missing and could not be fetched. Put it into models/.")
        self.resolve_embedder()
        return self.coats

    def embedder(self) -> CoatEmbedder:
        return CoatEmbedder()

    def min_track_similarity(self) -> float:
        return 0.5

    def link_scores(self) -> LinkScores:
        return LinkScores(0.572, 0.522)

    def robustness(self) -> RobustnessTable | None:
        return None

    def resolve_embedder(self) -> None:
        self.resolved = True

    def embedder_id(self) -> str:
        return "better-coats" if self.starter and not self.resolved else CoatEmbedder.model_id

    def notices(self) -> tuple[Notice, ...]:
        return (Notice(NoticeCode.ALL_STARTER_WEIGHTS),) if self.starter and self.resolved else ()

    def status(self) -> list[ModelStatus]:
        starters = self.starter and self.resolved
        notices = [Notice(NoticeCode.STARTER_WEIGHTS, role=role) if starters else None for role in ROLES]
        return [
            ModelStatus("detector", "coats", "ready", "CPU · test", None, "AGPL-3.0", notices[0]),
            ModelStatus("embedder", "coats-16", "ready", "CPU · test", None, "Apache-2.0", notices[1]),
        ]

    def fetch(self, role: str | None = None) -> Generator[Progress, None, None]:
        """Get better models than the starters, where no file `offline` says otherwise."""
        if self.hold is not None and self.hold.with_name("offline").exists():
            raise WeightsMissing("The weights of coats are not here: downloading is switched off (SIGHTLINE_OFFLINE).")
        yield Progress("Fetching coats.pt: kilobyte", 500, 1000, seconds_left=1.0)
        self.fetched = True

    def close(self) -> None:
        self.starter = self.starter and not self.fetched

    def threshold(self, purpose: Purpose) -> Threshold:
        return self.card_threshold(purpose)

    def card_threshold(self, purpose: Purpose) -> Threshold:
        values = {"verification": 0.514, "identification": 0.572}
        if self.starter and self.resolved:
            values = {"verification": 0.714, "identification": 0.772}
        value = values[purpose]
        return Threshold(value, ThresholdSource.MODEL_CARD, (MADE_UP,), 1e-4)


@dataclass(frozen=True)
class Shown:
    """An example clip."""

    path: Path
    title: str = "One person in a yellow coat"
    suggestion: str = "Type the name “Yellow coat” and press Enroll."


class BlindReader:
    """Cannot decode anything; single frames, of which pictures of a range's ends are made, are not noted."""

    def __init__(self, notes: Path) -> None:
        self._notes = notes

    def probe(self, clip: Path) -> VideoInfo:
        raise self._noted("probe")

    def read(self, clip: Path, frames: FrameRange) -> Iterator[Frame]:
        raise self._noted("read")

    def grab(self, clip: Path, indices: Collection[int]) -> dict[int, Frame]:
        raise DamagedClip("Nothing can be decoded here.")

    def _noted(self, what: str) -> DamagedClip:
        self._notes.write_text(what)
        return DamagedClip("Nothing can be decoded here.")


def make_service(
    root: Path,
    *,
    delay: float = 0.0,
    missing: bool = False,
    starter: bool = False,
    writing: float = 0.0,
    blind: bool = False,
    skips: bool = False,
    **changes: object,
) -> Sightline:
    """Return a real service below `root` that sees drawn people.

    Analysing a frame takes `delay` seconds more, writing one `writing`. A `blind` one cannot decode, and notes in
    `decoded` what it was to decode. One that `skips` frames looks for people only where something may be new.
    """
    values: dict[str, object] = {
        "data": root,
        "gallery": root / "gallery",
        "query": root / "query",
        "library": root / "library",
        "temp": root / "temp",
        "cache": root / "cache",
        "max_upload_mb": 20,
        "linking": False,  # who comes twice is two people, to be joined by hand
    }
    settings = Settings(**{**values, **changes})  # type: ignore[arg-type]
    reader: VideoReader = BlindReader(root / "decoded") if blind else FootageReader(VideoLimits())
    writer = SlowWriter(reader, writing)
    adapters = Adapters(
        reader=reader,
        writer=writer,
        crops=JpegCropStore(),
        models=CoatModels(delay, missing, root / "hold", starter),
        new_tracker=LaneTracker,
        sharpness=sharpness,
        outputs=OutputWriter(reader, writer, PillowAnnotator()),
        open_gallery=SQLiteGallery,
        open_library=partial(SQLiteFootageLibrary, settings.library, settings.library_days, 10**9),
        small_grey=small_grey if skips else None,
        hide_pixels=hide_pixels,
        save_picture=PillowAnnotator().save,
    )
    return Sightline(settings, adapters, root / "observations")


def main(arguments: Sequence[str]) -> None:
    """Serve the page on a port: PORT FOLDER [name=value …]."""
    port, root = int(arguments[0]), Path(arguments[1])
    options = dict(one.split("=", 1) for one in arguments[2:])
    root.mkdir(parents=True, exist_ok=True)
    if options.get("basis") != "0":
        give_galleries_a_default()
    service = make_service(
        root,
        delay=float(options.get("delay", 0)),
        missing=options.get("missing") == "1",
        starter=options.get("starter") == "1",
        writing=float(options.get("writing", 0)),
        blind=options.get("blind") == "1",
        skips=options.get("skips") == "1",
        port=port,
        login=options.get("login"),
        mcp=options.get("mcp") == "1",
        max_upload_mb=int(options.get("max_upload_mb", 20)),
        away_seconds=int(options.get("away_seconds", 90)),
        footage=options.get("footage", ""),
        language=options.get("language", "en"),
        linking=options.get("linking") == "1",
        public_address=options.get("public_address"),
        trusted_proxy=options.get("trusted_proxy", ""),
        tls_certificate=options.get("tls_certificate"),
        tls_key=options.get("tls_key"),
    )
    from biometric.ui import serve
    from biometric.ui.connections import BoundedConnection

    activate(service.settings.language)
    BoundedConnection.patience = float(options.get("patience", 1))

    try:
        with signals_unwind():  # as app.py does
            serve(service, lambda: [Shown(path) for path in sorted(root.glob("example-*.mp4"))])
    except EndedBySignal as error:
        sys.exit(error.status)


if __name__ == "__main__":
    main(sys.argv[1:])
