"""From frames to a set: which boxes become crops, what is counted, and going on after a stop."""

import dataclasses
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import lmdb
import pytest

from biometric.domain.selection import Rules
from biometric.entities import Frame, NoticeCode
from biometric.entities.progress import finish
from biometric.errors import ClipNotFound, DamagedClip, NobodyFound, NoUsableSample
from biometric.training.crops import cutting, making
from biometric.training.crops.crop_records import NewCrop
from biometric.training.crops.crop_sets import open_crops
from biometric.training.crops.crop_sources import CropSource
from biometric.training.crops.cutting import Counts, CropTools, Wanted
from tests.builders import DAMAGED
from tests.fakes import FakeDetector, FakeReader, video_info
from tests.training.made_sets import FRAMES, LEFT, RIGHT, WANTED, clips, fill, listing, tools, writer

Script = dict[int, list[tuple[tuple[float, float, float, float], float]]]


def cut(using: CropTools, wanted: Wanted = WANTED) -> tuple[list[NewCrop], Counts]:
    kept: list[NewCrop] = []
    counts = finish(cutting.cut_clip(Path(__file__), using.detector(), wanted, using, kept.append))
    return kept, counts


def test_each_nth_frame_gives_a_crop_of_each_person_followed() -> None:
    kept, counts = cut(tools())
    assert {each.frame for each in kept} == {0, 5, 10, 15, 20, 25}
    assert sorted(each.name for each in kept)[:3] == ["00000000_00.jpg", "00000000_01.jpg", "00000005_00.jpg"]
    assert {(each.box, each.track) for each in kept} == {(0, 1), (1, 2)}
    assert {each.image.shape for each in kept} == {(200, 80, 3)}
    assert all(int(each.image[0, 0, 0]) == each.frame for each in kept)
    assert (counts.frames, counts.tracks, dict(counts.refused)) == (6, 2, {})


def test_boxes_are_refused_by_reason_without_their_numbers() -> None:
    script: Script = {
        index: [
            ((10, 100, 20, 130), 0.9),
            ((110, 100, 190, 300), 0.3),
            ((550, 100, 640, 300), 0.9),
            ((210, 100, 290, 300), 0.9),
            ((230, 120, 290, 310), 0.9),
            ((310, 100, 390, 180), 0.9),
        ]
        for index in range(FRAMES)
    }
    kept, counts = cut(tools(script), dataclasses.replace(WANTED, follow=False))
    assert {each.box for each in kept} == {4}
    assert counts.refused == {
        NoticeCode.TOO_SMALL: 6,
        NoticeCode.LOW_CONFIDENCE: 6,
        NoticeCode.CUT_OFF: 6,
        NoticeCode.COVERED: 6,
        NoticeCode.ODD_SHAPE: 6,
    }
    assert all(type(code) is NoticeCode and code in making.LOOSEN for code in counts.refused)


def test_blurred_crops_are_refused() -> None:
    kept, counts = cut(tools(), dataclasses.replace(WANTED, min_sharpness=12.0))  # the fake measures the grey level
    assert {each.frame for each in kept} == {15, 20, 25}
    assert counts.refused == {NoticeCode.BLURRED: 6}


def test_a_flicker_leaves_no_crop_and_a_track_keeps_its_first_ones() -> None:
    script: Script = {index: [(LEFT, 0.9)] + ([(RIGHT, 0.9)] if index in (5, 10) else []) for index in range(FRAMES)}
    kept, counts = cut(tools(script))
    assert [each.frame for each in kept] == [0, 5, 10, 15, 20, 25]
    assert counts.refused == {NoticeCode.FOLLOWED_TOO_BRIEFLY: 2}
    assert counts.tracks == 1


def test_a_track_that_jumps_is_two_people() -> None:
    far = (110.0, 350.0, 150.0, 450.0)
    script: Script = {index: [(LEFT if index < 15 else far, 0.9)] for index in range(FRAMES)}
    kept, counts = cut(tools(script))
    assert [(each.frame, each.track) for each in kept] == [(0, 1), (5, 1), (10, 1), (15, 2), (20, 2), (25, 2)]
    assert counts.tracks == 2


def test_without_tracks_each_box_stands_for_itself() -> None:
    kept, counts = cut(tools({10: [(LEFT, 0.9)]}), dataclasses.replace(WANTED, follow=False))
    assert [(each.frame, each.track) for each in kept] == [(10, None)]
    assert counts.tracks == 0


def test_boxes_that_the_tracker_leaves_out_are_counted() -> None:
    class Forgetful:
        def __init__(self, frame_rate: float) -> None:
            assert frame_rate == 2.0  # 10 frames a second, each fifth

        def update(self, frame: Frame, detections: Sequence[object]) -> list[object]:
            return []

        def ended(self) -> list[int]:
            return []

    script: Script = {0: [(LEFT, 0.9), (RIGHT, 0.1)]}
    _, counts = cut(dataclasses.replace(tools(script), new_tracker=Forgetful))  # type: ignore[arg-type]
    assert counts.refused == {NoticeCode.NOT_FOLLOWED: 1, NoticeCode.LOW_CONFIDENCE: 1}


def test_a_damaged_clip_is_used_only_where_that_is_accepted() -> None:
    using = dataclasses.replace(tools(), reader=FakeReader(video_info(frame_count=FRAMES, damage=DAMAGED), 12))
    with pytest.raises(DamagedClip, match="--accept-damaged"):
        cut(using)
    kept, counts = cut(using, dataclasses.replace(WANTED, accept_damaged=True))
    assert counts.frames == 3
    assert {each.frame for each in kept} == {0, 5, 10}


def test_a_set_counts_over_all_its_videos(tmp_path: Path) -> None:
    summary = fill("folders", tmp_path / "run", clips(tmp_path / "in"))
    assert (summary.videos, summary.frames, summary.tracks, summary.crops) == (3, 18, 6, 36)
    assert summary.crops_per_video == (12, 12, 12)
    assert summary.boxes == ("fake-detector",)
    assert "36 crops from 18 frames of 3 sources" in making.summary_lines(summary, tmp_path)[0]
    json.dumps(summary.as_dict())


@pytest.mark.parametrize("store", ["folders", "lmdb"])
def test_a_stopped_run_goes_on_to_the_same_set(tmp_path: Path, store: str) -> None:
    sources = clips(tmp_path / "in")
    whole = fill(store, tmp_path / "whole", sources)

    class Failing(FakeDetector):
        left = 3

        def detect(self, frames: Sequence[Frame]) -> list[list[object]]:  # type: ignore[override]
            if self.left == 0:
                raise KeyboardInterrupt
            self.left -= 1
            return super().detect(frames)  # type: ignore[return-value]

    failing = Failing(tools().detector().script)  # type: ignore[attr-defined]
    few = Wanted(Rules(), min_sharpness=0.0, every=2)  # two batches a clip: the stop lies within the second one
    broken, unbroken = tmp_path / "broken", tmp_path / "unbroken"
    fill(store, unbroken, sources, wanted=few)
    with pytest.raises(KeyboardInterrupt):
        fill(store, broken, sources, dataclasses.replace(tools(), detector=lambda: failing), few)
    summary = fill(store, broken, sources, wanted=few)
    assert (summary.present, summary.videos, summary.crops) == (1, 3, 90)
    assert listing(open_crops(broken)) == listing(open_crops(unbroken))
    assert whole.present == 0
    if store == "folders":
        assert _files(broken) == _files(unbroken)


def _files(run: Path) -> list[str]:
    return sorted(file.relative_to(run).as_posix() for file in run.rglob("*"))


@pytest.mark.parametrize("store", ["folders", "lmdb"])
def test_a_set_grows_and_a_changed_video_is_cut_again(tmp_path: Path, store: str) -> None:
    sources = clips(tmp_path / "in", 2)
    fill(store, tmp_path / "run", sources[:1])
    summary = fill(store, tmp_path / "run", sources)
    assert (summary.present, summary.videos, summary.crops) == (1, 2, 24)
    sources[0].path.write_bytes(b"another clip")
    alone: Script = {index: [(LEFT, 0.9)] for index in range(FRAMES)}
    summary = fill(store, tmp_path / "run", sources, tools(alone))
    assert (summary.present, summary.videos, summary.crops) == (1, 2, 18)
    assert len(open_crops(tmp_path / "run")) == 18
    if store == "folders":
        assert len(list((tmp_path / "run" / "crops" / "clip0").iterdir())) == 6


def test_a_set_in_use_is_not_touched_while_it_grows(tmp_path: Path) -> None:
    sources = clips(tmp_path / "in")
    fill("lmdb", tmp_path / "run", sources[:1])
    before = open_crops(tmp_path / "run")
    said = listing(before)
    held = tmp_path / "held"
    held.hardlink_to(tmp_path / "run" / "crops.lmdb")
    content = held.read_bytes()
    fill("lmdb", tmp_path / "run", sources)
    assert held.read_bytes() == content
    assert len(open_crops(tmp_path / "run")) == 36
    again = fill("lmdb", tmp_path / "run", sources)
    assert again.present == 3
    assert listing(before)[:1] == said[:1]


def test_what_cannot_be_read_is_told_and_the_others_go_on(tmp_path: Path) -> None:
    sources = [CropSource("gone", tmp_path / "gone.mp4"), *clips(tmp_path / "in", 1)]
    summary = fill("folders", tmp_path / "run", sources)
    assert summary.crops == 12
    assert [source for source, _ in summary.failed] == [str(tmp_path / "gone.mp4")]
    assert any("gone.mp4" in line for line in making.summary_lines(summary, tmp_path))


def test_where_nothing_can_be_read_it_ends_in_an_error(tmp_path: Path) -> None:
    gone = [CropSource(name, tmp_path / f"{name}.mp4") for name in ("a", "b")]
    with pytest.raises(ClipNotFound, match=r"^There is no file .*a\.mp4"):
        fill("folders", tmp_path / "one", gone[:1])
    with pytest.raises(ClipNotFound, match="None of 2 sources"):
        fill("folders", tmp_path / "two", gone)


def test_an_empty_set_is_an_error_that_says_what_to_loosen(tmp_path: Path) -> None:
    sources = clips(tmp_path / "in", 1)
    with pytest.raises(NobodyFound, match="6 frames"):
        fill("folders", tmp_path / "nobody", sources, tools({}))
    unsure: Script = {index: [(LEFT, 0.2)] for index in range(FRAMES)}
    with pytest.raises(NoUsableSample, match="--min-confidence"):
        fill("folders", tmp_path / "unsure", sources, tools(unsure))


def test_an_unfinished_video_leaves_nothing_in_a_completed_set(tmp_path: Path) -> None:
    for store in ("folders", "lmdb"):
        run = tmp_path / store
        made = writer(store, run)
        made.begin("torn")
        for frame in range(300):
            made.add(NewCrop(frame, 0, 1, tools().reader.grab(Path(), [1])[1].image[:64, :32]))
        made.close()
        summary = fill(store, run, clips(tmp_path / "in", 1))
        assert summary.videos == 1
        assert {open_crops(run).video(index) for index in range(12)} == {"clip0"}
    assert not list((tmp_path / "folders" / "crops").glob("*torn*"))
    copy = shutil.copy(tmp_path / "lmdb" / "crops.lmdb", tmp_path / "copy.lmdb")
    with lmdb.open(str(copy), subdir=False, readonly=True, lock=False) as env:
        assert env.stat()["entries"] == 13  # 12 crops and a record
