"""Both stores say the same of the same crops, in any process; what is missing, unfinished or damaged is refused."""

import os
import pickle
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
import pytest

from biometric.entities import NoticeCode
from biometric.errors import DatasetInvalid
from biometric.training.crops import crop_lmdb
from biometric.training.crops.crop_records import Crops, NewCrop, VideoRecord
from biometric.training.crops.crop_sets import open_crops
from tests.training.made_sets import clips, fill, listing, picture, writer

STORES = ("folders", "lmdb")


def small_set(store: str, run: Path, count: int = 4) -> Path:
    """A set of `count` pictures of noise from one video."""
    made = writer(store, run)
    made.begin("noise")
    for index in range(count):
        made.add(NewCrop(index, 0, None, picture(index)))
    made.finish(
        VideoRecord("noise", "noise.mp4", 1, "test", count, 0, 0.0, {}, tuple((n, 0, None) for n in range(count)))
    )
    where = made.complete()
    made.close()
    return where


def test_both_stores_say_the_same(tmp_path: Path) -> None:
    sources = clips(tmp_path / "in")
    for store in STORES:
        fill(store, tmp_path / store, sources)
    folders, packed = (listing(open_crops(tmp_path / store)) for store in STORES)
    assert folders == packed
    assert len(folders) == 36
    assert folders[0] == ("clip0", "00000000_00.jpg", 1, (200, 80, 3), 0)
    assert folders[1][:3] == ("clip0", "00000000_01.jpg", 2)


@pytest.mark.parametrize("store", STORES)
def test_pictures_come_back_as_they_were(tmp_path: Path, store: str) -> None:
    crops = open_crops(small_set(store, tmp_path / "run"))
    assert len(crops) == 4
    for index in range(4):
        assert crops.load(index).dtype == np.uint8
        assert np.abs(crops.load(index).astype(int) - picture(index)).mean() < 6
    assert crops.track(0) is None


def count_open_files(_: int) -> int:
    return len(crop_lmdb.open_files)


def load_sum(crops: Crops) -> tuple[int, int]:
    return os.getpid(), sum(int(crops.load(index).sum()) for index in range(len(crops)))


@pytest.mark.parametrize(("store", "method"), [("folders", "fork"), ("lmdb", "fork"), ("lmdb", "spawn")])
@pytest.mark.filterwarnings("ignore:.*use of fork:DeprecationWarning")
def test_workers_read_what_this_process_reads(tmp_path: Path, store: str, method: str) -> None:
    crops = open_crops(small_set(store, tmp_path / "run"))
    own = load_sum(crops)  # opened here first: a fork must not use this process's file
    with ProcessPoolExecutor(2, mp_context=get_context(method)) as pool:
        assert list(pool.map(count_open_files, range(1))) == [0]
        for process, total in pool.map(load_sum, [crops, crops]):
            assert process != own[0]
            assert total == own[1]
    assert load_sum(crops) == own


def test_an_lmdb_set_can_be_sent_and_opened_twice(tmp_path: Path) -> None:
    path = small_set("lmdb", tmp_path / "run")
    crops = open_crops(path)
    crops.load(0)
    other = pickle.loads(pickle.dumps(crops))
    assert len(pickle.dumps(crops)) < 2000
    assert np.array_equal(other.load(1), crops.load(1))
    assert np.array_equal(open_crops(path).load(1), crops.load(1))
    assert [file.name for file in path.parent.iterdir()] == ["crops.lmdb"]  # no lock file beside it


def test_the_lmdb_file_grows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crop_lmdb, "FIRST_SIZE", 1 << 16)
    crops = open_crops(small_set("lmdb", tmp_path / "run", 300))
    assert len(crops) == 300
    assert crops.load(299).shape == (128, 64, 3)


def test_any_folder_of_pictures_is_a_set(tmp_path: Path) -> None:
    for name in ("b/2.png", "a/deep/1.jpg", "top.JPG", "._a.jpg", "notes.txt"):
        file = tmp_path / "set" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(cv2.imencode(".png", picture(len(name)))[1].tobytes())
    crops = open_crops(tmp_path / "set")
    assert [(crops.video(index), crops.name(index), crops.track(index)) for index in range(len(crops))] == [
        ("a/deep", "1.jpg", None),
        ("b", "2.png", None),
        ("set", "top.JPG", None),
    ]
    assert np.array_equal(crops.load(1), picture(len("b/2.png")))


def test_missing_and_empty_sets_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("x")
    for path, words in (
        (tmp_path / "gone", "does not exist"),
        (tmp_path / "gone.lmdb", "There is no file"),
        (tmp_path / "text", "neither a folder"),
        (tmp_path / "empty", "no picture"),
    ):
        with pytest.raises(DatasetInvalid, match=words):
            open_crops(path)


@pytest.mark.parametrize("store", STORES)
def test_an_unfinished_set_is_refused(tmp_path: Path, store: str) -> None:
    made = writer(store, tmp_path / "run")
    made.begin("noise")
    made.add(NewCrop(0, 0, None, picture(0)))
    made.close()
    with pytest.raises(DatasetInvalid, match="--resume"):
        open_crops(tmp_path / "run")
    made = writer(store, tmp_path / "run")
    made.discard()
    with pytest.raises(DatasetInvalid, match="no picture"):
        open_crops(tmp_path / "run")


def test_a_torn_line_of_the_index_is_cut_off(tmp_path: Path) -> None:
    made = writer("folders", tmp_path / "run")
    for video in ("one", "two"):
        made.begin(video)
        made.add(NewCrop(0, 0, None, picture(0)))
        made.finish(VideoRecord(video, video, 1, "test", 1, 0, 0.0, {}, ((0, 0, None),)))
    made.close()
    index = tmp_path / "run" / "crops.jsonl.partial"
    index.write_bytes(index.read_bytes()[:-20])
    again = writer("folders", tmp_path / "run")
    assert list(again.records) == ["one"]
    again.begin("two")
    again.add(NewCrop(7, 0, None, picture(0)))
    again.finish(VideoRecord("two", "two", 1, "test", 1, 0, 0.0, {}, ((7, 0, None),)))
    again.complete()
    assert [(video, name) for video, name, *_ in listing(open_crops(tmp_path / "run"))] == [
        ("one", "00000000_00.jpg"),
        ("two", "00000007_00.jpg"),
    ]


def test_damaged_sets_are_refused(tmp_path: Path) -> None:
    path = small_set("lmdb", tmp_path / "packed", 40)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DatasetInvalid, match="cut short"):
        open_crops(path)
    path.write_bytes(b"no lmdb file" * 1000)
    with pytest.raises(DatasetInvalid, match="damaged or not an LMDB file"):
        open_crops(path)
    path.write_bytes(b"")
    with pytest.raises(DatasetInvalid):
        open_crops(path)

    run = small_set("folders", tmp_path / "files")
    crops = open_crops(run)
    (run / "crops" / "noise" / "00000001_00.jpg").write_bytes(b"\xff\xd8 no picture")
    (run / "crops" / "noise" / "00000002_00.jpg").unlink()
    with pytest.raises(DatasetInvalid, match="damaged or not a picture"):
        crops.load(1)
    with pytest.raises(DatasetInvalid, match="cannot be read"):
        crops.load(2)
    (run / "crops.jsonl").write_text('{"video": 1}\n')
    with pytest.raises(DatasetInvalid, match="index"):
        open_crops(run)


def test_reasons_are_codes_and_those_of_former_sets_are_read() -> None:
    record = VideoRecord("a", "a.mp4", 1, "test", 1, 0, 0.0, {NoticeCode.COVERED: 2, NoticeCode.NOT_FOLLOWED: 1})
    assert '"covered": 2' in record.line()
    former = record.line().replace("covered", "hidden behind somebody else").replace("not_followed", "blurred")
    assert VideoRecord.from_line(record.line()) == record
    assert VideoRecord.from_line(former).refused == {NoticeCode.COVERED: 2, NoticeCode.BLURRED: 1}
    with pytest.raises(ValueError, match="not a valid NoticeCode"):
        VideoRecord.from_line(record.line().replace("covered", "ugly"))
