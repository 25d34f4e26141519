"""Stages run ahead by a bounded number of results, in order; errors and Cancel reach each of them."""

import threading
import time
from collections.abc import Generator
from pathlib import Path

import numpy as np
import pytest

from biometric.entities import FrameRange
from biometric.errors import StorageFull, UnsupportedModel
from biometric.pipeline.stages import BackgroundStage, StageAbandoned, ahead
from tests.fakes import FakeEmbedder, FakeReader, video_info
from tests.pipeline.test_observing import LEFT, observe, run


class Source:
    """Makes numbers, and notes how far it came and in which thread it was closed."""

    def __init__(self, count: int, fails_at: int | None = None) -> None:
        self.made, self.closed_in = 0, ""
        self._count, self._fails_at = count, fails_at

    def items(self) -> Generator[int, None, None]:
        try:
            for number in range(self._count):
                if number == self._fails_at:
                    raise UnsupportedModel("It fails.")
                self.made += 1
                yield number
        finally:
            self.closed_in = threading.current_thread().name


def settled(source: Source) -> int:
    """How far the source comes while nobody takes anything."""
    before = -1
    while before != source.made:
        before = source.made
        time.sleep(0.05)
    return before


def test_items_come_in_order_and_the_source_is_never_far_ahead() -> None:
    source = Source(100)
    items = ahead(source.items(), 3, "test")
    for number in range(20):
        assert next(items) == number
        assert source.made <= number + 1 + 3 + 1
    assert settled(source) == 20 + 3 + 1, "a queue that is full holds the stage"
    assert list(items) == list(range(20, 100))
    assert source.closed_in == "sightline-test"


def test_an_error_is_raised_at_its_place() -> None:
    items, taken = ahead(Source(10, fails_at=4).items(), 2, "test"), []
    with pytest.raises(UnsupportedModel, match="It fails"):
        taken.extend(items)
    assert taken == [0, 1, 2, 3]


@pytest.mark.parametrize("taken", [1, 5])
def test_closing_ends_the_thread_also_where_its_queue_is_full(taken: int) -> None:
    source = Source(10**9)
    items = ahead(source.items(), 2, "closing")
    for _ in range(taken):
        next(items)
    settled(source)
    items.close()
    assert source.closed_in == "sightline-closing"
    assert "sightline-closing" not in {thread.name for thread in threading.enumerate()}


def test_jobs_are_done_in_order_and_wait_for_each_other() -> None:
    stage, done, gate = BackgroundStage("test", most=2), [], threading.Event()
    stage.do(lambda: (gate.wait(5), done.append(0))[1])
    stage.do(lambda: done.append(1))
    waiting = threading.Thread(target=stage.do, args=(lambda: done.append(2),))
    waiting.start()
    waiting.join(0.05)
    assert waiting.is_alive(), "two jobs are not done yet"
    gate.set()
    waiting.join(5)
    stage.finish()
    assert done == [0, 1, 2]


def test_a_job_that_fails_is_told_and_a_stopped_stage_drops_its_jobs() -> None:
    stage = BackgroundStage("test")

    def fail() -> None:
        raise UnsupportedModel("It fails.")

    stage.do(fail)
    with pytest.raises(UnsupportedModel):
        stage.finish()
    stage, started, done = BackgroundStage("test"), threading.Event(), []

    def long() -> None:
        started.set()
        try:
            while True:
                stage.check()
                time.sleep(0.001)
        except StageAbandoned:
            done.append("abandoned")
            raise

    stage.do(long)
    stage.do(lambda: done.append("second"))
    started.wait(5)
    stage.stop()
    assert done == ["abandoned"]


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("sightline-")}


CROWD = {frame: [(LEFT, 0.9)] for frame in range(1000) if frame % 20 < 10}


@pytest.mark.parametrize("stage", ["decode", "detect", "embed", "store"])
def test_a_stage_that_fails_ends_all_and_leaves_no_crops(
    stage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class FailingReader(FakeReader):
        def read(self, clip: Path, frames: FrameRange):
            for frame in super().read(clip, frames):
                if stage == "decode" and frame.index == 500:
                    raise UnsupportedModel("It fails.")
                yield frame

    class FailingEmbedder(FakeEmbedder):
        def embed(self, crops):
            if stage == "embed" and len(self.batches) == 4:
                raise UnsupportedModel("It fails.")
            return super().embed(crops)

    def fail(*_: object) -> None:
        raise StorageFull("It fails.")

    if stage == "detect":
        monkeypatch.setattr("tests.fakes.FakeDetector.detect", fail)
    if stage == "store":
        monkeypatch.setattr("tests.fakes.FakeCrops.save", fail)
    reader = FailingReader(video_info(frame_count=1000))
    with pytest.raises((UnsupportedModel, StorageFull), match="It fails"):
        run(observe(tmp_path, CROWD, FailingEmbedder(), reader, stop=1000))
    assert list(tmp_path.iterdir()) == []
    assert threads() == set()
    assert reader.closed == 1


def test_cancel_while_crops_are_embedded_leaves_nothing(tmp_path: Path) -> None:
    entered = threading.Event()

    class SlowEmbedder(FakeEmbedder):
        def embed(self, crops):
            entered.set()
            time.sleep(0.05)
            return super().embed(crops)

    reader = FakeReader(video_info(frame_count=1000))
    work = observe(tmp_path, CROWD, SlowEmbedder(), reader, stop=1000)
    while not entered.is_set():
        next(work)
    work.close()
    assert list(tmp_path.iterdir()) == []
    assert threads() == set()
    assert reader.closed == 1


def test_the_answer_does_not_depend_on_how_fast_stages_are(tmp_path: Path) -> None:
    class Uneven(FakeEmbedder):
        def embed(self, crops):
            time.sleep(0.02 * (len(self.batches) % 3))
            return super().embed(crops)

    answers, batches = [], []
    for number, kind in enumerate((FakeEmbedder, Uneven)):
        folder = tmp_path / str(number)
        folder.mkdir()
        embedder = kind(axis_of=lambda grey: grey // 40 % 3)
        observed, _ = run(observe(folder, CROWD, embedder, FakeReader(video_info(frame_count=1000)), stop=1000))
        batches.append(embedder.batches)
        answers.append(
            [
                (
                    person.person,
                    len(person.tracklet.detections),
                    [sample.detection.frame_index for sample in person.kept],
                )
                for person in observed.observations
            ]
        )
        assert all(np.isfinite(person.template.vector).all() for person in observed.observations if person.template)
    assert answers[0] == answers[1]
    assert batches[0] == batches[1]
