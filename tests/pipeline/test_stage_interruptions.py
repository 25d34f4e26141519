"""Cancel in every stage, a stage that cannot go on, and a device that fails in the middle of a clip."""

import threading
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from biometric.domain.selection import Rules
from biometric.entities import Detection, Frame, FrameRange, Image
from biometric.errors import DeviceFailed, UnsupportedModel
from biometric.models.device_fallback import FallbackDetector, FallbackEmbedder
from biometric.pipeline import observing
from biometric.pipeline.streaming import FrameSource
from tests.fakes import ColumnTracker, FakeCrops, FakeDetector, FakeEmbedder, FakeReader, video_info
from tests.pipeline.test_observing import LEFT, run
from tests.pipeline.test_stages import threads

FRAMES = 2000
CROWD = {frame: [(LEFT, 0.9)] for frame in range(FRAMES) if frame % 20 < 10}
STAGES = ["decode", "detect", "track", "embed", "store"]


class Hook:
    """Called by a stage each time it works; does something from a chosen time on."""

    def __init__(self, stage: str) -> None:
        self.stage, self.calls, self.entered = stage, 0, threading.Event()

    def reach(self, stage: str) -> None:
        if stage == self.stage:
            self.calls += 1
            if self.calls > 3:
                self.entered.set()
                self.act()

    def act(self) -> None:
        time.sleep(0.02)


class FailingHook(Hook):
    def act(self) -> None:
        raise UnsupportedModel("It fails.")


class GateHook(Hook):
    def __init__(self, stage: str) -> None:
        super().__init__(stage)
        self.gate = threading.Event()

    def act(self) -> None:
        self.gate.wait(20)


def observe(folder: Path, reader: FakeReader, hook: Hook, detector=None, embedder=None):
    class Reader(FakeReader):
        def read(self, clip: Path, frames: FrameRange):
            for frame in reader.read(clip, frames):
                hook.reach("decode")
                yield frame

    class Finding(FakeDetector):
        def detect(self, frames: Sequence[Frame]) -> list[list[Detection]]:
            hook.reach("detect")
            return super().detect(frames)

    class Tracking(ColumnTracker):
        def update(self, frame: Frame, detections: Sequence[Detection]) -> list[tuple[int, Detection]]:
            hook.reach("track")
            return super().update(frame, detections)

    class Embedding(FakeEmbedder):
        def embed(self, crops: Sequence[Image]) -> np.ndarray:
            hook.reach("embed")
            return super().embed(crops)

    class Storing(FakeCrops):
        def save(self, crop: Image, destination: Path) -> None:
            hook.reach("store")
            super().save(crop, destination)

    source = Reader(reader.info)
    footage = FrameSource(source, Path("clip.mp4"), source.info, FrameRange(0, FRAMES, 1))
    tools = observing.Tools(
        detector or Finding(CROWD), Tracking, embedder or Embedding(), Storing(), lambda image: 100.0
    )
    return observing.observe(footage, tools, observing.Sampling(folder, Rules(), min_track_similarity=0.5))


def reading() -> FakeReader:
    return FakeReader(video_info(frame_count=FRAMES))


@pytest.mark.parametrize("stage", STAGES)
def test_cancel_while_a_stage_works_ends_all_and_leaves_no_crops(stage: str, tmp_path: Path) -> None:
    reader, hook = reading(), Hook(stage)
    work = observe(tmp_path, reader, hook)
    while not hook.entered.is_set():
        next(work)
    work.close()
    assert list(tmp_path.iterdir()) == []
    assert threads() == set()
    assert (reader.closed, len(reader.indices) < FRAMES) == (1, True)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_that_fails_in_the_middle_ends_all_and_leaves_no_crops(stage: str, tmp_path: Path) -> None:
    reader = reading()
    with pytest.raises(UnsupportedModel, match="It fails"):
        run(observe(tmp_path, reader, FailingHook(stage)))
    assert list(tmp_path.iterdir()) == []
    assert threads() == set()
    assert (reader.closed, len(reader.indices) < FRAMES) == (1, True)


@pytest.mark.parametrize("stage", ["detect", "track", "embed", "store"])
def test_where_a_stage_cannot_go_on_those_before_it_wait(stage: str, tmp_path: Path) -> None:
    reader, hook, answers = reading(), GateHook(stage), []
    worker = threading.Thread(target=lambda: answers.append(run(observe(tmp_path, reader, hook))[0]), daemon=True)
    worker.start()
    assert hook.entered.wait(20)
    before = -1
    while before != len(reader.indices):
        before = len(reader.indices)
        time.sleep(0.15)
    assert before < FRAMES / 2, "queues that are full hold the reader"
    hook.gate.set()
    worker.join(30)
    assert [len(observed.observations) for observed in answers] == [FRAMES // 20]


@pytest.mark.parametrize("stage", ["detect", "embed"])
def test_a_device_that_fails_in_the_middle_of_a_clip_leaves_the_rest_to_the_processor(
    stage: str, tmp_path: Path
) -> None:
    class Card(FakeDetector):
        calls = 0

        def detect(self, frames: Sequence[Frame]) -> list[list[Detection]]:
            self.calls += 1
            if self.calls > 20:
                raise DeviceFailed("The card stopped working.")
            return super().detect(frames)

    class EmbeddingCard(FakeEmbedder):
        def embed(self, crops: Sequence[Image]) -> np.ndarray:
            if len(self.batches) == 3:
                raise DeviceFailed("The card stopped working.")
            return super().embed(crops)

    answers = []
    for failing in (False, True):
        folder = tmp_path / str(failing)
        folder.mkdir()
        detector, embedder = FakeDetector(CROWD), FakeEmbedder(lambda grey: grey // 40 % 3)
        if failing and stage == "detect":
            detector = FallbackDetector(lambda: Card(CROWD), lambda: FakeDetector(CROWD))
        elif failing:
            card = EmbeddingCard(lambda grey: grey // 40 % 3)
            embedder = FallbackEmbedder(lambda card=card: card, lambda: FakeEmbedder(lambda grey: grey // 40 % 3))
        observed, _ = run(observe(folder, reading(), Hook("none"), detector, embedder))
        if failing:
            assert isinstance((detector if stage == "detect" else embedder).failure, DeviceFailed)
        answers.append(
            [
                (len(person.tracklet.detections), [sample.detection.frame_index for sample in person.kept])
                for person in observed.observations
            ]
        )
    assert answers[0] == answers[1]
    assert len(answers[0]) >= FRAMES // 20
