"""Observing a clip in which hardly anything happens: the people of the thorough way, and nothing left where it ends."""

import threading
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from biometric.clips.crops import small_grey
from biometric.clips.video import PyAVReader
from biometric.domain.selection import Rules
from biometric.entities import Box, Detection, Frame, FrameRange
from biometric.errors import UnsupportedModel
from biometric.pipeline import observing
from biometric.pipeline.streaming import FrameSource
from tests.fakes import ColumnTracker, FakeCrops, FakeEmbedder

WIDTH, HEIGHT, FPS, SECONDS = 320, 180, 10, 150
VISITS = {0: (40.3, 44.3), 1: (90.0, 91.5), 2: (118.7, 140.2)}
"""Who is there when; the last one stands still in between."""


def place(visitor: int, seconds: float) -> Box | None:
    begin, end = VISITS[visitor]
    if not begin <= seconds < end:
        return None
    walked = 16 * min(seconds - begin, 3.0)
    left = 104.0 + walked if visitor < 2 else 204.0 + walked
    return left, 60.0, left + 40, 160.0


class Oracle:
    """A detector that knows who is where; it fails at a frame, if asked to."""

    name, device = "oracle", "test"

    def __init__(self, fails_from: float = SECONDS) -> None:
        self.fails_from = fails_from
        self.seen = 0

    def detect(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        self.seen += len(frames)
        if frames[-1].seconds >= self.fails_from:
            raise UnsupportedModel("It fails.")
        found = [[box for visitor in VISITS if (box := place(visitor, frame.seconds))] for frame in frames]
        return [
            [Detection(frame.index, box, 0.9, number, frame.seconds) for number, box in enumerate(boxes)]
            for frame, boxes in zip(frames, found, strict=True)
        ]


class OneFace(FakeEmbedder):
    def embed(self, crops: Sequence[np.ndarray]) -> np.ndarray:
        return np.eye(self.dimension, dtype=np.float32)[np.zeros(len(crops), int)]


@pytest.fixture(scope="module", params=["a.mp4", "a.avi"])
def clip(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The clip, with times for its packets or, as an AVI, without."""
    random, path = np.random.default_rng(4), tmp_path_factory.mktemp("quiet") / request.param
    wall = np.kron(random.integers(60, 190, (9, 16, 1)), np.ones((20, 20, 3))).astype(np.uint8)
    coat = random.integers(0, 256, (102, 42, 3)).astype(np.uint8)
    codec = "mpeg4" if path.suffix == ".avi" else "libx264"
    options = {"g": "20", "bf": "0", "preset": "ultrafast", "sc_threshold": "0"}
    with av.open(str(path), "w") as file:
        stream = file.add_stream(codec, rate=FPS, options={"g": "20"} if codec == "mpeg4" else options)
        stream.width, stream.height, stream.pix_fmt, stream.time_base = WIDTH, HEIGHT, "yuv420p", Fraction(1, FPS)
        for number in range(SECONDS * FPS):
            picture = wall.copy()
            for visitor in VISITS:
                if (box := place(visitor, number / FPS)) is not None:
                    x1, y1, x2, y2 = (round(edge) for edge in box)
                    picture[y1:y2, x1:x2] = coat[: y2 - y1, : x2 - x1]
            noise = random.integers(-2, 3, (HEIGHT, WIDTH, 1))
            picture = np.clip(picture.astype(np.int16) + noise, 0, 255).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts = number
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


def work_on(clip: Path, folder: Path, detector: Oracle, thorough: bool = False):
    reader = PyAVReader()
    video = reader.probe(clip)
    footage = FrameSource(reader, clip, video, FrameRange(0, video.frame_count))
    tools = observing.Tools(
        detector, ColumnTracker, OneFace(), FakeCrops(), lambda image: 100.0, None if thorough else small_grey
    )
    return observing.observe(footage, tools, observing.Sampling(folder, Rules(), min_track_similarity=0.5))


def finished(work) -> observing.Observed:
    while True:
        try:
            next(work)
        except StopIteration as done:
            return done.value


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("sightline-")}


def test_the_same_people_are_seen_at_the_same_time(clip: Path, tmp_path: Path) -> None:
    exact, sparse = (finished(work_on(clip, tmp_path, Oracle(), thorough)) for thorough in (True, False))
    assert sparse.analysed_frames == exact.analysed_frames == SECONDS * FPS
    assert len(sparse.observations) == len(exact.observations) == len(VISITS)
    for person, other in zip(exact.observations, sparse.observations, strict=True):
        assert abs(person.tracklet.first_frame - other.tracklet.first_frame) <= 1
        assert abs(person.tracklet.last_frame - other.tracklet.last_frame) <= 1
        assert [sample.refusal for sample in person.samples if sample.kept][:1] == [None]
    looks = sparse.looks
    assert looks is not None
    assert looks.analysed == sparse.analysed_frames
    assert looks.looked < 0.2 * looks.analysed
    if clip.suffix == ".mp4":
        assert (looks.undecoded > 0.5 * looks.analysed, looks.all_decoded) == (True, "")
    else:
        assert (looks.undecoded, looks.all_decoded) == (0, "container")


@pytest.mark.parametrize("reached", [30, 60, 100])
def test_cancel_in_a_quiet_part_leaves_nothing(clip: Path, tmp_path: Path, reached: int) -> None:
    work = work_on(clip, tmp_path, Oracle())
    for progress in work:
        if progress.done >= reached * FPS:
            break
    work.close()
    assert list(tmp_path.iterdir()) == []
    assert threads() == set()


@pytest.mark.parametrize("fails_from", [0.0, 42.0, 70.0])
def test_a_detector_that_fails_in_the_middle_is_told_and_leaves_nothing(
    clip: Path, tmp_path: Path, fails_from: float
) -> None:
    with pytest.raises(UnsupportedModel, match="It fails"):
        finished(work_on(clip, tmp_path, Oracle(fails_from)))
    assert list(tmp_path.iterdir()) == []
    assert threads() == set()
