"""The pipeline with fakes: exactly the range, bounded memory, clean stops."""

import dataclasses
import pickle
from pathlib import Path

import numpy as np
import pytest

from biometric.clips.video import PyAVReader
from biometric.domain.selection import Rules
from biometric.entities import FrameRange, Notice, NoticeCode, Observation, Progress
from biometric.errors import DamagedClip, InvalidFrameRange
from biometric.pipeline import observing
from biometric.pipeline.streaming import FrameSource
from tests.fakes import ColumnTracker, FakeCrops, FakeDetector, FakeEmbedder, FakeReader, video_info
from tests.made_clips import write_clip

LEFT = (100.0, 100.0, 200.0, 350.0)
RIGHT = (400.0, 100.0, 500.0, 350.0)
SMALL = (300.0, 100.0, 312.0, 130.0)


DISTANT = (10.0, 10.0, 22.0, 40.0)


def observe(folder: Path, script, embedder=None, reader=None, start: int = 0, stop: int = 100, step: int = 1):
    """The work of observing made-up people."""
    reader = reader or FakeReader()
    footage = FrameSource(reader, Path("clip.mp4"), reader.info, FrameRange(start, stop, step))
    tools = observing.Tools(
        FakeDetector(script), ColumnTracker, embedder or FakeEmbedder(), FakeCrops(), lambda image: 100.0
    )
    return observing.observe(footage, tools, observing.Sampling(folder, Rules(), min_track_similarity=0.5))


def run(work) -> tuple[observing.Observed, list[Progress]]:
    steps = []
    while True:
        try:
            steps.append(next(work))
        except StopIteration as finished:
            return finished.value, steps


def people(observed: observing.Observed) -> list[Observation]:
    return list(observed.observations)


def test_people_are_numbered_by_appearance_with_kept_and_refused_samples(tmp_path: Path) -> None:
    script = {frame: [(RIGHT, 0.9)] for frame in range(10, 40)}
    for frame in range(20, 30):
        script[frame] = [(RIGHT, 0.9), (LEFT, 0.9), (SMALL, 0.8)]
    observed, steps = run(observe(tmp_path, script))
    first, second, third = people(observed)
    assert (first.person, first.tracklet.first_frame, first.tracklet.last_frame) == (1, 10, 39)
    assert (second.tracklet.first_frame, second.tracklet.last_frame) == (20, 29)
    assert first.template is not None
    assert first.template.sample_count == len(first.kept) == 4
    assert third.template is None
    assert third.refusals == {NoticeCode.TOO_SMALL: 10}
    assert len(third.refused) == 10
    assert observed.analysed_frames == 100
    assert (steps[0].done, steps[0].total) == (8, 100)
    assert all(sample.crop is not None and sample.crop.is_file() for sample in first.kept)
    assert first.kept[0].crop.name == f"{first.kept[0].detection.frame_index:08d}_00.jpg"


def test_promise_11_exactly_the_frames_of_the_range_are_read(tmp_path: Path) -> None:
    reader = FakeReader()
    script = {frame: [(LEFT, 0.9)] for frame in range(100)}
    observed, _ = run(observe(tmp_path, script, reader=reader, start=30, stop=61, step=3))
    assert reader.indices == list(range(30, 61, 3))
    (person,) = people(observed)
    assert (person.tracklet.first_frame, person.tracklet.last_frame) == (30, 60)


def test_an_empty_scene_has_no_people(tmp_path: Path) -> None:
    observed, _ = run(observe(tmp_path, {}))
    assert observed.observations == ()


def test_a_flicker_is_not_a_person(tmp_path: Path) -> None:
    observed, _ = run(observe(tmp_path, {5: [(LEFT, 0.3)], 6: [(LEFT, 0.3)]}))
    assert observed.observations == ()


def test_promise_6_closing_the_work_stops_it_and_leaves_no_crops(tmp_path: Path) -> None:
    reader = FakeReader(video_info(frame_count=1000))
    script = {frame: [(LEFT, 0.9)] for frame in [*range(10), *range(60, 100)]}
    work = observe(tmp_path, script, reader=reader, stop=1000)
    for _ in range(5):
        next(work)
    work.close()
    assert reader.closed == 1
    assert max(reader.indices) < 100
    assert list(tmp_path.iterdir()) == []


def test_a_clip_that_breaks_off_leaves_no_crops(tmp_path: Path) -> None:
    script = {frame: [(LEFT, 0.9)] for frame in range(10)}
    with pytest.raises(DamagedClip):
        run(observe(tmp_path, script, reader=FakeReader(ends_at=50)))
    assert list(tmp_path.iterdir()) == []


def test_tracks_are_embedded_as_they_end_so_that_memory_does_not_grow(tmp_path: Path) -> None:
    script = {frame: [(LEFT, 0.9)] for frame in range(1000) if frame % 20 < 10}
    embedder = FakeEmbedder()
    reader = FakeReader(video_info(frame_count=1000))
    observed, _ = run(observe(tmp_path, script, embedder, reader, stop=1000))
    assert len(observed.observations) == 50
    assert max(embedder.batches) <= observing.CROPS_AT_ONCE
    assert len(embedder.batches) > 5


def test_a_track_that_swaps_people_becomes_two_people(tmp_path: Path) -> None:
    script = {frame: [(LEFT, 0.9)] for frame in range(40)}
    embedder = FakeEmbedder(axis_of=lambda grey: 0 if grey < 20 else 1)
    observed, _ = run(observe(tmp_path, script, embedder))
    first, second = people(observed)
    assert first.tracklet.last_frame < second.tracklet.first_frame
    assert abs(first.tracklet.last_frame - 19) <= 3
    assert float(first.template.vector @ second.template.vector) == pytest.approx(0.0)


def test_a_single_sample_of_somebody_else_is_refused_and_its_frame_leaves_the_track(tmp_path: Path) -> None:
    class OtherColoursReader(FakeReader):
        def read(self, clip, frames):
            for frame in super().read(clip, frames):
                yield dataclasses.replace(frame, image=frame.image + 100) if frame.index == 3 else frame

    script = {frame: [(LEFT, 0.9)] for frame in range(8)}
    embedder = FakeEmbedder(axis_of=lambda grey: 1 if grey == 103 else 0)
    observed, _ = run(observe(tmp_path, script, embedder, OtherColoursReader()))
    (person,) = people(observed)
    assert [(item.detection.frame_index, item.refusal) for item in person.refused] == [
        (3, Notice(NoticeCode.UNLIKE_OTHER_SAMPLES))
    ]
    assert [item.frame_index for item in person.tracklet.detections] == [0, 1, 2, 4, 5, 6, 7]
    assert np.flatnonzero(person.template.vector).tolist() == [0]


def test_the_end_of_a_clip_whose_length_is_an_estimate_is_where_it_ends(tmp_path: Path) -> None:
    class ShortReader(FakeReader):
        def read(self, clip, frames):
            yield from super().read(clip, FrameRange(frames.start, 50, frames.step))
            raise InvalidFrameRange("The clip has 50 frames.")

    script = {frame: [(LEFT, 0.9)] for frame in range(100)}
    estimated = ShortReader(video_info(frame_count_source="claimed"))
    observed, _ = run(observe(tmp_path, script, reader=estimated))
    assert observed.analysed_frames == 50
    with pytest.raises(InvalidFrameRange):
        run(observe(tmp_path, script, reader=estimated, stop=90))
    with pytest.raises(InvalidFrameRange):
        run(observe(tmp_path, script, reader=ShortReader(video_info())))


def test_somebody_cut_off_by_the_edge_who_takes_a_place_is_not_the_one_who_had_it(tmp_path: Path) -> None:
    cut_off = (0.0, 100.0, 90.0, 350.0)
    whole = (2.0 + 640 * Rules().border, 100.0, 92.0, 350.0)
    script = {frame: [(cut_off if frame < 8 else whole, 0.9)] for frame in range(40)}
    embedder = FakeEmbedder(axis_of=lambda grey: 0 if grey < 8 else 1)
    observed, _ = run(observe(tmp_path, script, embedder))
    first, second = people(observed)
    assert first.template is None
    assert first.tracklet.last_frame in (6, 7), "flat pictures do not say in which of two frames the other came"
    assert (second.template.sample_count, second.tracklet.last_frame) == (5, 39)


def test_hours_of_somebody_distant_are_counted_and_little_is_kept(tmp_path: Path) -> None:
    count = 20_000
    reader = FakeReader(video_info(frame_count=count, width=64, height=48))
    script = {frame: [(DISTANT, 0.9)] for frame in range(count)}
    observed, _ = run(observe(tmp_path, script, reader=reader, stop=count))
    (person,) = people(observed)
    assert person.refusals == {NoticeCode.TOO_SMALL: count}
    assert person.refused_count == count == len(person.tracklet.detections)
    assert len(person.samples) <= 140
    assert person.samples[-1].detection.frame_index > count * 0.98
    assert len(list(tmp_path.iterdir())) == 6
    assert len(pickle.dumps(observed)) / count < 80, "bytes per analysed frame"


def test_refused_samples_are_counted_for_the_person_they_belong_to(tmp_path: Path) -> None:
    script = {frame: [(LEFT, 0.9)] for frame in range(40)}
    script |= {frame: [(LEFT, 0.3)] for frame in (5, 6, 7, 30, 31)}
    script[33] = [((100.0, 100.0, 300.0, 300.0), 0.9)]
    observed, _ = run(observe(tmp_path, script, embedder=FakeEmbedder(lambda grey: 0 if grey < 20 else 1)))
    first, second = people(observed)
    assert first.refusals == {NoticeCode.LOW_CONFIDENCE: 3}
    assert second.refusals == {NoticeCode.LOW_CONFIDENCE: 2, NoticeCode.ODD_SHAPE: 1}
    assert [item.detection.frame_index for item in second.refused] == [30, 31, 33]


@pytest.mark.parametrize("grey", [True, False])
def test_grey_footage_is_said_to_be_grey(tmp_path: Path, grey: bool) -> None:
    observed, _ = run(observe(tmp_path, {3: [(LEFT, 0.9)]}, reader=FakeReader(grey=grey)))
    assert observed.warnings == ((Notice(NoticeCode.GREY_FOOTAGE),) if grey else ())


@pytest.mark.parametrize(("colour", "grey"), [((110, 110, 110), True), ((70, 110, 150), False), ((4, 10, 18), False)])
def test_an_encoded_clip_is_grey_but_not_a_dim_coloured_one(tmp_path: Path, colour: tuple, grey: bool) -> None:
    clip = write_clip(tmp_path / "clip.mp4", 12, first_number=0b010110100101, white=colour)
    reader = PyAVReader()
    info = reader.probe(clip)
    footage = FrameSource(reader, clip, info, FrameRange(0, info.frame_count))
    tools = observing.Tools(FakeDetector({}), ColumnTracker, FakeEmbedder(), FakeCrops(), lambda image: 100.0)
    observed, _ = run(observing.observe(footage, tools, observing.Sampling(tmp_path, Rules(), 0.5)))
    assert [warning.code for warning in observed.warnings] == ([NoticeCode.GREY_FOOTAGE] if grey else [])
