"""Folders of clips inside the configured roots."""

import os
from pathlib import Path

import pytest

from biometric.errors import InvalidInput, PathRefused
from biometric.storage.footage_folders import check_footage_file, footage_folder, list_clips


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "cameras"
    for name in ("door/b.mp4", "door/a.AVI", "door/notes.txt", "hall/c.jpg", ".hidden/d.mp4", "door/.e.mp4"):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/f.mp4").write_bytes(b"x")
    return root


def test_clips_of_a_folder_and_of_those_in_it_are_listed_in_order(root: Path) -> None:
    listing = list_clips(root, 10)
    assert [str(path.relative_to(root)) for path in listing.clips] == ["door/a.AVI", "door/b.mp4", "hall/c.jpg"]
    assert listing.others == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no pipes")
def test_links_pipes_and_devices_are_left_out(root: Path, tmp_path: Path) -> None:
    (root / "door/link.mp4").symlink_to(tmp_path / "secret/f.mp4")
    (root / "linked").symlink_to(tmp_path / "secret")
    os.mkfifo(root / "door/pipe.mp4")
    listing = list_clips(root, 10)
    assert [path.name for path in listing.clips] == ["a.AVI", "b.mp4", "c.jpg"]
    assert listing.others == 3


@pytest.mark.parametrize("text", ["../secret", "/etc", "~", "http://host/x", "door\x00", "link"])
def test_what_leads_outside_is_refused(root: Path, tmp_path: Path, text: str) -> None:
    (root / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(PathRefused):
        footage_folder([root], text)
    with pytest.raises(PathRefused):
        footage_folder([root, root / "hall"], text)


def test_a_folder_is_found_below_any_root(root: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    (other / "night").mkdir(parents=True)
    assert footage_folder([root, other], "night") == other / "night"
    assert footage_folder([root, other], str(root / "door")) == root / "door"
    assert footage_folder([root, other], "") == root
    with pytest.raises(PathRefused, match="SIGHTLINE_FOOTAGE"):
        footage_folder([], "night")


def test_no_clip_and_too_many_are_told(root: Path) -> None:
    (root / "empty").mkdir()
    for folder, words in ((root / "empty", "no video"), (root / "none", "not a folder"), (root, "more than 2")):
        with pytest.raises(InvalidInput, match=words):
            list_clips(folder, 2)


def test_a_file_that_is_no_longer_what_was_listed_is_refused(root: Path, tmp_path: Path) -> None:
    path = root / "door/b.mp4"
    check_footage_file([root], path)
    path.unlink()
    with pytest.raises(PathRefused, match="no longer there"):
        check_footage_file([root], path)
    path.symlink_to(tmp_path / "secret/f.mp4")
    with pytest.raises(PathRefused, match="no plain file"):
        check_footage_file([root], path)
    with pytest.raises(PathRefused):
        check_footage_file([root], tmp_path / "secret/f.mp4")
