from pathlib import Path

import pytest

from biometric.errors import StorageFull
from biometric.private_folder import PrivateFolder, remove_quietly, wipe_leftovers


def test_promise_3_folders_of_dead_processes_go_and_those_in_use_stay(tmp_path: Path) -> None:
    root = tmp_path / "temp"
    running = PrivateFolder(root)
    dead = root / "run-dead"
    (dead / "files").mkdir(parents=True)
    (dead / "files" / "clip.mp4").write_bytes(b"footage")
    (dead / "in-use").write_text("")
    other = root / "notes"
    other.mkdir()
    second = PrivateFolder(root)
    assert not dead.exists()
    assert running.files.is_dir()
    assert second.path != running.path
    assert other.is_dir()
    assert running.path.stat().st_mode & 0o777 == 0o700
    running.close()
    running.close()
    assert not running.path.exists()
    second.close()


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / "temp").mkdir()
    (tmp_path / "temp" / "run-link").symlink_to(elsewhere)
    assert wipe_leftovers(tmp_path / "temp") == []
    assert elsewhere.is_dir()


def test_a_folder_that_cannot_be_made_is_told_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageFull, match="SIGHTLINE_TEMP"):
        PrivateFolder(tmp_path / "file" / "temp")


def test_removing_what_is_gone_is_fine(tmp_path: Path) -> None:
    remove_quietly(None)
    remove_quietly(tmp_path / "nothing")
    (tmp_path / "folder").mkdir()
    remove_quietly(tmp_path / "folder")
    assert not (tmp_path / "folder").exists()
