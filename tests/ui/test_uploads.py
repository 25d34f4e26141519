"""Uploads: room is reserved, each has a folder of its own, and goes with its use."""

from pathlib import Path

import pytest

from biometric.errors import InvalidInput, StorageFull
from biometric.ui.uploads import UNUSED_FOR, Uploads, folder_size


def arrive(uploads: Uploads, sender: str = "", data: bytes = b"frames") -> Path:
    with uploads.arriving(len(data), sender) as folder:
        (folder / "0").mkdir()
        (folder / "0" / "clip.MP4").write_bytes(data)
        [path] = uploads.arrived(folder, sender)
    return path


def left(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.name != "arriving"]


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


def test_the_same_clip_of_two_people_is_two_files(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path)
    mine, yours = arrive(uploads, "me"), arrive(uploads, "you")
    assert uploads.may_use(mine, "me")
    assert not uploads.may_use(mine, "you")
    assert uploads.may_use(tmp_path / "example.mp4", "you")  # no upload
    uploads.release(mine)
    assert not mine.exists()
    assert yours.is_file()


def test_room_is_reserved_before_anything_arrives(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path, quota=100_000)
    with uploads.arriving(50_000, "a") as folder:
        (folder / "0").mkdir()
        (folder / "0" / "clip").write_bytes(b"x" * 40_000)  # counts once
        with pytest.raises(StorageFull), uploads.arriving(20_000, "a"):
            pass  # a client's share
        with uploads.arriving(50_000, "b"):
            pass
        with pytest.raises(StorageFull), uploads.arriving(50_001, "b"):
            pass
    with uploads.arriving(90_000, "c"):
        pass


def test_what_does_not_arrive_in_full_goes(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path, quota=100_000)

    def cut_off() -> None:
        with uploads.arriving(90_000) as folder:
            (folder / "part").write_bytes(b"x" * 80_000)
            raise ValueError("cut off")

    with pytest.raises(ValueError, match="cut off"):
        cut_off()
    assert not left(tmp_path)
    with uploads.arriving(90_000):
        pass


def test_a_call_gives_its_upload_back_when_it_fails(tmp_path: Path) -> None:
    uploads = Uploads(tmp_path)
    path = arrive(uploads)

    def call() -> None:
        with uploads.borrowed(path) as own:
            assert own.read_bytes() == b"frames"
            raise RuntimeError

    with pytest.raises(RuntimeError):
        call()
    assert not left(tmp_path)


def test_what_nobody_takes_goes(tmp_path: Path) -> None:
    now = 0.0
    uploads = Uploads(tmp_path, lambda: now)
    old = arrive(uploads)
    now = UNUSED_FOR - 1
    new = arrive(uploads)
    now = UNUSED_FOR
    with uploads.arriving(1):
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


def test_size_of_a_folder(tmp_path: Path) -> None:
    assert folder_size(tmp_path / "nothing") == 0
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").write_bytes(b"12345")
    assert folder_size(tmp_path) >= 5
    before = folder_size(tmp_path)
    (tmp_path / "link").hardlink_to(tmp_path / "a" / "b")
    assert folder_size(tmp_path) - before < 5  # one file under two names is one file
