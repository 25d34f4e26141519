"""Where kept clips lie, and how they and the rows that name them stay together across a crash.

    <library>/<clip id>/clip.mp4                             the file, with its ending
    <library>/<clip id>/thumbnail.jpg
    <library>/<clip id>/<observation id>/observation.npz     what was seen, see `observation_files`
    <library>/<clip id>/<observation id>/NumFrame_BB.jpg     crops

A folder is filled under a temporary name that a killed process cannot leave for good (see `storage`), and renamed while
the database's write lock is held, before its row is committed; files are deleted after their row is gone. So a folder
without a row is what a killed process left, and whoever holds the lock deletes it. Only files and folders of the names
above are ever deleted.
"""

import os
import re
import shutil
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from biometric.entities import NewFootage
from biometric.entities.enrolled import CROP_NAME
from biometric.footage_store import observation_files
from biometric.storage import remove_quietly, sync_tree

OPAQUE_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)
THUMBNAIL = "thumbnail.jpg"
_CLIP_NAME = re.compile(r"clip(\.[a-z0-9]{1,6})?", re.ASCII)
_SUFFIX = re.compile(r"\.[a-z0-9]{1,6}", re.ASCII)
_TEMPORARY = re.compile(r"\..*[0-9a-f]{16}\.(partial|lock)", re.ASCII | re.DOTALL)


def clip_name(clip: Path) -> str:
    """Return the name under which a clip's file is kept: of the original only a plain ending."""
    suffix = clip.suffix.lower()
    return f"clip{suffix if _SUFFIX.fullmatch(suffix) else ''}"


class StagedFootage:
    """A clip and an observation under temporary names, each made when it is first asked for.

    Args:
        folder: an empty folder on the library's disk.
    """

    def __init__(self, folder: Path, footage: NewFootage) -> None:
        self._folder = folder
        self._footage = footage
        self._arrays = observation_files.pack(footage.observed)
        self.fingerprint = observation_files.fingerprint(self._arrays)

    def clip(self) -> Path:
        """Return a folder with the clip's file and thumbnail, all on the disk. Raises `OSError`."""
        folder = self._folder / "clip"
        if not folder.exists():
            folder.mkdir(mode=0o700)
            source = self._footage.observed.path
            _put(source, folder / clip_name(source), self._footage.own_file)
            if self._footage.thumbnail is not None:
                picture = folder / THUMBNAIL
                picture.write_bytes(self._footage.thumbnail)
                picture.chmod(0o600)
            sync_tree(folder)
        return folder

    def observation(self) -> Path:
        """Return a folder with the observation and its crops, all on the disk. Raises `OSError`."""
        folder = self._folder / "observation"
        if not folder.exists():
            folder.mkdir(mode=0o700)
            for name, crop in observation_files.crop_sources(self._footage.observed).items():
                _put(crop, folder / name, link=True)
            observation_files.write(self._arrays, folder / observation_files.OBSERVATION_NAME)
            sync_tree(folder)
        return folder


def size_of(folder: Path) -> int:
    """Return the bytes of all files in a folder, at any depth."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


class ClipFiles:
    """The files of one library folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def clip_folder(self, clip_id: str) -> Path:
        """Return the folder of a clip."""
        return self._folder / clip_id

    def thumbnail(self, clip_id: str) -> Path | None:
        """Return a clip's thumbnail while it is on disk."""
        path = self._folder / clip_id / THUMBNAIL
        return path if path.is_file() else None

    def place(self, staged: Path, clip_id: str, observation_id: str | None = None) -> None:
        """Move a filled folder to its name. Only with the write lock held."""
        target = self._folder / clip_id
        staged.rename(target if observation_id is None else target / observation_id)

    def discard_clip(self, clip_id: str, kept: Collection[str] = ()) -> None:
        """Delete a clip's files, without a row; `kept` are observations that stay, and then the clip stays, too."""
        folder = self._folder / clip_id
        if folder.is_symlink():
            return
        for observation in _opaque_folders(folder):
            if observation.name not in kept:
                _delete_observation(observation)
        if not kept:
            for path in _listing(folder):
                if _CLIP_NAME.fullmatch(path.name) or path.name == THUMBNAIL or _TEMPORARY.fullmatch(path.name):
                    remove_quietly(path)
            _remove_if_empty(folder)

    def sweep(self, rows: Mapping[str, Collection[str]]) -> None:
        """Delete what interrupted writes left: folders without a row. Only with the write lock held.

        Args:
            rows: the observation ids of each clip id.
        """
        for clip in _opaque_folders(self._folder):
            observations = rows.get(clip.name)
            if observations is None:
                self.discard_clip(clip.name)
            elif any(folder.name not in observations for folder in _opaque_folders(clip)):
                self.discard_clip(clip.name, observations)


def _put(source: Path, target: Path, link: bool) -> None:
    if not (link and _linked(source, target)):
        shutil.copyfile(source, target)
    target.chmod(0o600)


def _linked(source: Path, target: Path) -> bool:
    try:
        os.link(source, target, follow_symlinks=False)
    except FileNotFoundError:
        raise
    except (OSError, NotImplementedError):
        return False
    return True


def _delete_observation(folder: Path) -> None:
    for path in _listing(folder):
        if path.name == observation_files.OBSERVATION_NAME or CROP_NAME.fullmatch(path.name):
            remove_quietly(path)
    _remove_if_empty(folder)


def _opaque_folders(parent: Path) -> Iterator[Path]:
    for path in _listing(parent):
        if OPAQUE_ID.fullmatch(path.name) is not None and path.is_dir() and not path.is_symlink():
            yield path


def _listing(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _remove_if_empty(folder: Path) -> None:
    if not _listing(folder):
        try:
            folder.rmdir()
        except OSError:
            return  # a file of another program is in it
