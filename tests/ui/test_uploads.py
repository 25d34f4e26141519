"""Uploads: counted, shared, and gone with their last use."""

from pathlib import Path

import pytest

from biometric.errors import InvalidInput
from biometric.ui.uploads import UNUSED_FOR, Uploads


def arrive(uploads: Uploads, digest: str = "digest") -> Path:
    path = uploads.root / digest / "clip.MP4"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"frames")
    uploads.arrived(path)
    return path


def test_an_upload_becomes_a_file_of_our_own_name_and_is_gone(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path)
    path = arrive(uploads)
    assert uploads.is_upload(path)
    (tmp_path / "session").mkdir()
    clip = uploads.take(path, tmp_path / "session")
    assert clip == tmp_path / "session" / "clip.mp4"
    assert clip.read_bytes() == b"frames"
    assert clip.stat().st_mode & 0o777 == 0o600
    assert not path.parent.exists()
    assert not uploads.is_upload(path)
    with pytest.raises(InvalidInput, match="no longer there"):
        uploads.take(path, tmp_path / "session")


def test_nothing_goes_while_the_same_file_may_be_arriving(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path)
    path = arrive(uploads)
    with uploads.arriving():
        uploads.release(path)
        assert path.is_file()
        uploads.arrived(path)  # it was the same
    assert path.is_file()
    with uploads.arriving():
        uploads.release(path)
    assert not path.exists()


def test_a_call_gives_its_upload_back_when_it_fails(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path)
    path = arrive(uploads)

    def call() -> None:
        with uploads.borrowed(path) as own:
            assert own.read_bytes() == b"frames"
            raise RuntimeError

    with pytest.raises(RuntimeError):
        call()
    assert list(tmp_path.iterdir()) == []


def test_what_nobody_takes_gives_way(tmp_path: Path) -> None:
    now = 0.0
    uploads = Uploads(tmp_path, lambda: now)
    old = arrive(uploads, "old")
    now = UNUSED_FOR
    new = arrive(uploads, "new")
    uploads.make_room()
    assert not old.exists()
    assert new.is_file()


def test_only_uploads_are_removed(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    uploads = Uploads(tmp_path / "root")
    for path in (tmp_path / "root" / "page-x" / "clip-y" / "clip.mp4", tmp_path / "elsewhere" / "clip.mp4"):
        path.parent.mkdir(parents=True)
        path.write_bytes(b"frames")
        assert not uploads.is_upload(path)
        uploads.release(path)
        assert path.is_file()
