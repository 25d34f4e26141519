"""Crops in one LMDB file: pictures under `<video>/NumFrame_BB.jpg`, records under reserved keys."""

import os
import shutil
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from biometric.clips.crops import JPEG_QUALITY, encoded
from biometric.entities import Image
from biometric.errors import DatasetInvalid, LibraryMissing, StorageFull
from biometric.storage import atomic_path
from biometric.training.crops.crop_records import LMDB, PARTIAL, CropTable, NewCrop, VideoRecord, decode_picture

try:
    import lmdb
except ImportError as error:
    raise LibraryMissing("LMDB files need the library lmdb: python -m pip install -r requirements-train.txt") from error

RECORD = b"\x00video/"
"""Begins the keys of records; the names of videos hold no such byte."""

CROPS_PER_TRANSACTION = 256
"""Crops that wait for one transaction."""

FIRST_SIZE = 1 << 26
"""Bytes that the file may take at first; doubled whenever it is full. Only what is written takes room on the disk."""


class LmdbWriter:
    """crop_records.CropWriter: crops in transactions of many, a video's record in one with its last crops.

    The run's folder is held by one process (`runs.RunFolder`), so LMDB's own lock file is not used. A finished file
    may be in use by another process, so it is never written to: a set that grows is copied first.
    """

    def __init__(self, run: Path) -> None:
        self._final, self._partial = run / LMDB, run / f"{LMDB}{PARTIAL}"
        self._waiting: list[tuple[bytes, bytes]] = []
        self._video = ""
        self._env: Any = None
        self.records: dict[str, VideoRecord] = {}
        if self._partial.is_file():
            with _translated_errors(self._partial), _read_only(self._partial) as env:
                self.records = _records(env, self._partial)
        elif self._final.is_file():
            with _translated_errors(self._final):
                self.records = _records(_shared(self._final), self._final)

    def begin(self, video: str) -> None:
        """Start a video; what an unfinished or former attempt left of it goes."""
        if self._env is None:
            self._open()
        self._video, self._waiting = video, []
        prefix = f"{video}/".encode()
        with _translated_errors(self._partial):
            while self._delete_some(prefix):
                pass

    def add(self, crop: NewCrop) -> None:
        """Store a crop of the video that was started. Raises `StorageFull`."""
        self._waiting.append((f"{self._video}/{crop.name}".encode(), encoded(crop.image, JPEG_QUALITY)))
        if len(self._waiting) >= CROPS_PER_TRANSACTION:
            self._store(self._waiting)
            self._waiting = []

    def finish(self, record: VideoRecord) -> None:
        """Enter the video into the index; from now on a restart passes it over. Raises `StorageFull`."""
        self._store([*self._waiting, (RECORD + record.video.encode(), record.line().encode())])
        self._waiting = []
        self.records[record.video] = record

    def complete(self) -> Path:
        """Give the file its final name and return it."""
        if self._env is None and not self._partial.is_file():
            return self._final  # there was nothing to add
        if self._env is None:
            self._open()
        with _translated_errors(self._partial):
            for video in self._unfinished():
                self.begin(video)
            self._env.sync(True)
            needed = _bytes_used(self._env)
        self._env.close()
        if self._partial.stat().st_size < needed:
            os.truncate(
                self._partial, needed
            )  # the last pages may never have been written; a reader would take the file for a truncated one
        self._partial.replace(self._final)
        return self._final

    def discard(self) -> None:
        """Remove an unfinished set."""
        self.close()
        self._partial.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file."""
        if self._env is not None:
            self._env.close()

    def _open(self) -> None:
        """Open the unfinished file for writing: a new one, or a copy of the finished one."""
        with _translated_errors(self._partial):
            if self._final.is_file() and not self._partial.is_file():
                with atomic_path(self._partial) as copy:
                    shutil.copyfile(self._final, copy)
            size = max(FIRST_SIZE, 2 * self._partial.stat().st_size if self._partial.is_file() else 0)
            self._env = lmdb.open(str(self._partial), subdir=False, lock=False, map_size=size, mode=0o600)

    def _store(self, items: list[tuple[bytes, bytes]]) -> None:
        with _translated_errors(self._partial):
            while True:
                try:
                    with self._env.begin(write=True) as transaction:
                        for key, value in items:
                            transaction.put(key, value)
                    return
                except lmdb.MapFullError:
                    self._env.set_mapsize(2 * self._env.info()["map_size"])

    def _delete_some(self, prefix: bytes) -> bool:
        """Delete a few keys of a video; small transactions need little room even in a full file."""
        with self._env.begin(write=True) as transaction, transaction.cursor() as cursor:
            for _ in range(CROPS_PER_TRANSACTION):
                if not cursor.set_range(prefix) or not cursor.key().startswith(prefix):
                    return False
                cursor.delete()
        return True

    def _unfinished(self) -> list[str]:
        """Videos that have crops and no record: their files could not be read again."""
        videos: list[str] = []
        with self._env.begin() as transaction, transaction.cursor() as cursor:
            positioned = cursor.set_range(b"\x01")
            while positioned:
                video = cursor.key().rpartition(b"/")[0]
                if video.decode() not in self.records:
                    videos.append(video.decode())
                positioned = cursor.set_range(video + b"0")  # the byte after "/": the next video
        return videos


class LmdbCrops(CropTable):
    """crop_records.Crops of an LMDB file, read-only and without lock. Each process opens the file for itself."""

    def __init__(self, path: Path) -> None:
        self._path = path
        if not path.is_file():
            raise DatasetInvalid(f"There is no file {path}. Name an .lmdb file of crops.")
        with _translated_errors(path):
            super().__init__(_records(_shared(path), path).values())
        if not len(self):
            raise DatasetInvalid(f"There are no crops in {path}. Make them with `train crops --store lmdb`.")

    def load(self, index: int) -> Image:
        """Return a crop, (h, w, 3) uint8 BGR. Raises `DatasetInvalid`."""
        key = f"{self.video(index)}/{self.name(index)}"
        with _translated_errors(self._path), _shared(self._path).begin() as transaction:
            data = transaction.get(key.encode())
        if data is None:
            raise DatasetInvalid(f"{self._path} lacks the crop {key}. Make the crops again.")
        return decode_picture(data, f"The crop {key} in {self._path}")


open_files: dict[tuple[int, int], Any] = {}
"""Files that this process has open, by device and inode: LMDB forbids to open one twice."""

_opening = threading.Lock()


def _shared(path: Path) -> Any:
    """Return the one environment of this process for a file."""
    status = path.stat()
    key = (status.st_dev, status.st_ino)
    with _opening:
        if key not in open_files:
            open_files[key] = _opened(path)
        return open_files[key]


def _after_fork() -> None:
    """An open file that came over a fork is not to be used: close this process's view of it."""
    global _opening
    _opening = threading.Lock()
    for env in open_files.values():
        env.close()
    open_files.clear()


os.register_at_fork(after_in_child=_after_fork)


def _opened(path: Path) -> Any:
    env = _read_only(path)
    if _bytes_used(env) > path.stat().st_size:
        env.close()
        # To read behind the end of a mapped file ends the process.
        raise DatasetInvalid(f"{path} is cut short. Copy it again, or make the crops again.")
    return env


def _read_only(path: Path) -> Any:
    return lmdb.open(str(path), subdir=False, readonly=True, lock=False, readahead=False, max_spare_txns=1)


def _bytes_used(env: Any) -> int:
    return int((env.info()["last_pgno"] + 1) * env.stat()["psize"])


def _records(env: Any, path: Path) -> dict[str, VideoRecord]:
    records: dict[str, VideoRecord] = {}
    with env.begin() as transaction, transaction.cursor() as cursor:
        positioned = cursor.set_range(RECORD)
        while positioned and cursor.key().startswith(RECORD):
            try:
                record = VideoRecord.from_line(cursor.value())
            except ValueError as error:
                raise DatasetInvalid(f"The index in {path} is damaged: {error}. Make the crops again.") from error
            records[record.video] = record
            positioned = cursor.next()
    return records


@contextmanager
def _translated_errors(path: Path) -> Generator[None, None, None]:
    """Translate LMDB's errors."""
    try:
        yield
    except (lmdb.DiskError, lmdb.MapFullError, OSError) as error:
        raise StorageFull(f"{path} cannot be written: {error}. Make room or choose another folder.") from error
    except lmdb.Error as error:
        raise DatasetInvalid(f"{path} is damaged or not an LMDB file: {error}. Make the crops again.") from error
