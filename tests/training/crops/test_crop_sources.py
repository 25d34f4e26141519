"""What is cut: videos in folders, by name, photographs with labels; and what each is called."""

from pathlib import Path

import pytest

from biometric.errors import ClipNotFound, DatasetInvalid, InvalidInput, InvalidName
from biometric.training.crops import crop_sources
from biometric.training.labelled_photographs import read_people


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    return root


def test_folders_are_searched_and_the_way_is_the_name(tmp_path: Path) -> None:
    touch(tmp_path, "fr/paris/b.MP4", "fr/paris/a.mkv", "top.avi", "fr/notes.txt", ".hidden/c.mp4", "fr/.d.mp4")
    found = crop_sources.find_videos([tmp_path])
    assert [(source.video, source.path.name) for source in found] == [
        ("fr+paris+a", "a.mkv"),
        ("fr+paris+b", "b.MP4"),
        ("top", "top.avi"),
    ]


def test_files_that_share_a_name_keep_their_suffix(tmp_path: Path) -> None:
    touch(tmp_path, "a.mp4", "a.avi", "b.mp4")
    assert [source.video for source in crop_sources.find_videos([tmp_path])] == ["a.avi", "a.mp4", "b"]


def test_two_videos_of_one_name_are_refused(tmp_path: Path) -> None:
    touch(tmp_path, "x/a.mp4", "y/a.mp4")
    with pytest.raises(InvalidInput, match="both have the name a"):
        crop_sources.find_videos([tmp_path / "x" / "a.mp4", tmp_path / "y" / "a.mp4"])


def test_a_file_need_not_be_there_a_folder_needs_videos(tmp_path: Path) -> None:
    assert crop_sources.find_videos([tmp_path / "gone.mp4"])[0].video == "gone"
    with pytest.raises(ClipNotFound, match="no video"):
        crop_sources.find_videos([tmp_path])


def test_names_are_safe_for_folders_and_keys(tmp_path: Path) -> None:
    names = [".x.mp4", "line\nbreak.mp4", "ä" * 120 + ".mp4"]
    found = [crop_sources.find_videos([tmp_path / name])[0].video for name in names]
    assert found[:2] == ["_x", "line_break"]
    assert len(found[2].encode()) <= crop_sources.MAX_NAME_BYTES
    assert found[2] != crop_sources.find_videos([tmp_path / ("ä" * 121 + ".mp4")])[0].video


def test_names_of_country_city_and_video(tmp_path: Path) -> None:
    touch(tmp_path, "fr/paris/Ab-_c+1.webm", "jp/tokyo/x.mp4", "jp/tokyo/x.txt")
    names = ["fr+paris+Ab-_c+1", "jp+tokyo+x", "jp+tokyo+gone"]
    found = crop_sources.find_named_videos(names, tmp_path)
    assert [source.video for source in found] == names
    assert [source.path.relative_to(tmp_path).as_posix() for source in found] == [
        "fr/paris/Ab-_c+1.webm",
        "jp/tokyo/x.mp4",
        "jp/tokyo/gone.mp4",
    ]


@pytest.mark.parametrize("name", ["a+b", "a", "a++c", "..+..+c", "a+b/c+d", "a+b+../c"])
def test_other_names_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidName, match="country"):
        crop_sources.find_named_videos([name], tmp_path)


def test_names_may_stand_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "names.txt"
    file.write_text("# all of them\na+b+c\n\n  d+e+f  # good\n")
    assert crop_sources.read_names([str(file), "g+h+i"]) == ["a+b+c", "d+e+f", "g+h+i"]


def test_photographs_of_splits(tmp_path: Path) -> None:
    touch(tmp_path, "images/train/1.jpg", "images/train/2.png", "images/val/1.jpg", "labels/train/1.txt")
    touch(tmp_path, "labels/val/1.txt", "images/empty/x.txt", "labels/empty/x.txt")
    found = crop_sources.find_photographs(tmp_path, ["train", "val"])
    assert [source.video for source in found] == ["train+1", "2", "val+1"]
    assert found[2].labels == tmp_path / "labels" / "val" / "1.txt"
    touch(tmp_path, "images/deep/a/1.jpg", "images/deep/b/1.jpg", "images/deep/b/._1.jpg", "labels/deep/a/1.txt")
    found = crop_sources.find_photographs(tmp_path, ["deep"])
    assert [source.video for source in found] == ["deep+a+1", "deep+b+1"]
    assert found[1].labels == tmp_path / "labels" / "deep" / "b" / "1.txt"
    for split, words in (("gone", "is not a folder"), ("empty", "no photograph")):
        with pytest.raises(DatasetInvalid, match=words):
            crop_sources.find_photographs(tmp_path, [split])


def test_labels_become_boxes_in_pixels(tmp_path: Path) -> None:
    labels = tmp_path / "1.txt"
    labels.write_text("0 0.5 0.5 0.5 1.0\n2 0.5 0.5 0.2 0.2\n\n0 0.1 0.9 0.4 0.4\n")
    found = read_people(labels, 200, 100)
    assert [detection.box for detection in found] == [
        (50.0, 0.0, 150.0, 100.0),
        pytest.approx((0.0, 70.0, 60.0, 100.0)),
    ]
    assert [(each.confidence, each.box_index) for each in found] == [(1.0, 0), (1.0, 1)]
    assert read_people(tmp_path / "gone.txt", 10, 10) == []


@pytest.mark.parametrize(
    "line", ["0 0.5 0.5 0.5", "0 0.5 0.5 0.5 1.5", "x 0 0 1 1", "0 0.1 0.1 nan 0.1", "0 1 2 3 4 5"]
)
def test_other_labels_are_refused_with_their_line(tmp_path: Path, line: str) -> None:
    labels = tmp_path / "1.txt"
    labels.write_text(f"0 0.5 0.5 0.5 0.5\n{line}\n")
    with pytest.raises(DatasetInvalid, match="line 2"):
        read_people(labels, 10, 10)
