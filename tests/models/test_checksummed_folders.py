"""Derived folders are complete or not there, and a damaged one is made again."""

from pathlib import Path

import pytest

from biometric.errors import StorageFull, UnsupportedModel
from biometric.models.checksummed_folders import checksummed_folder, is_checksummed


class Maker:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, folder: Path) -> None:
        self.calls += 1
        (folder / "model.bin").write_bytes(b"weights")


def test_a_folder_is_made_once(tmp_path: Path) -> None:
    make = Maker()
    folder = checksummed_folder(tmp_path / "cache" / "x", make)
    assert checksummed_folder(folder, make) == folder
    assert make.calls == 1
    assert [path.name for path in folder.parent.iterdir()] == ["x"]


@pytest.mark.parametrize("damage", ["changed", "removed", "added", "no checksums"])
def test_promise_16_a_damaged_folder_is_made_again(tmp_path: Path, damage: str) -> None:
    make = Maker()
    folder = checksummed_folder(tmp_path / "x", make)
    if damage == "changed":
        (folder / "model.bin").write_bytes(b"weightz")
    elif damage == "removed":
        (folder / "model.bin").unlink()
    elif damage == "added":
        (folder / "more.bin").write_bytes(b"")
    else:
        (folder / "checksums.json").write_text("{")
    assert not is_checksummed(folder)
    assert (checksummed_folder(folder, make) / "model.bin").read_bytes() == b"weights"
    assert make.calls == 2
    assert is_checksummed(folder)


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").write_text("")
        raise UnsupportedModel("no")

    with pytest.raises(UnsupportedModel):
        checksummed_folder(tmp_path / "x", fail)
    assert list(tmp_path.iterdir()) == []


def test_a_cache_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageFull):
        checksummed_folder(tmp_path / "file" / "x", Maker())


def test_an_absent_folder_is_not_checksummed(tmp_path: Path) -> None:
    assert not is_checksummed(tmp_path / "absent")


def test_of_two_processes_that_make_the_same_folder_the_first_one_stays(tmp_path: Path) -> None:
    def make_slowly(folder: Path) -> None:
        (folder / "model.bin").write_bytes(b"slower")
        checksummed_folder(tmp_path / "x", Maker())

    assert checksummed_folder(tmp_path / "x", make_slowly) == tmp_path / "x"
    assert (tmp_path / "x" / "model.bin").read_bytes() == b"weights"
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
