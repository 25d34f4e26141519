"""Crops as JPEG files in one folder a video, and any folder of pictures."""

import shutil
from pathlib import Path

from biometric.clips.crops import JPEG_QUALITY, encoded
from biometric.entities import Image
from biometric.errors import DatasetInvalid, StorageFull
from biometric.evaluation.datasets.dataset import is_picture
from biometric.storage import atomic_path, describe_os_error
from biometric.training.crops.crop_records import (
    INDEX,
    PARTIAL,
    PICTURES,
    CropTable,
    NewCrop,
    VideoRecord,
    read_picture,
)


class FolderWriter:
    """crop_records.CropWriter: a video's crops are written to a temporary folder, which is renamed when the video is
    finished."""

    def __init__(self, run: Path) -> None:
        self._index, self._partial = run / INDEX, run / f"{INDEX}{PARTIAL}"
        self._pictures = run / PICTURES
        self._folder = self._pictures
        try:
            self._pictures.mkdir(mode=0o700, exist_ok=True)
            if self._index.is_file() and not self._partial.is_file():
                with atomic_path(self._partial) as copy:
                    shutil.copyfile(self._index, copy)  # until more videos are in, the former set stays
            self.records = _whole_lines(self._partial)
            self._lines = self._partial.open("a", encoding="utf-8")
        except OSError as error:
            raise _storage_full(run, error) from error

    def begin(self, video: str) -> None:
        """Start a video; what an unfinished or former attempt left of it goes."""
        # No video's own folder starts with a dot: `crop_sources` names them.
        self._folder = self._pictures / f".{video}{PARTIAL}"
        for leftover in (self._folder, self._pictures / video):
            shutil.rmtree(leftover, ignore_errors=True)
        try:
            self._folder.mkdir()
        except OSError as error:
            raise _storage_full(self._folder, error) from error

    def add(self, crop: NewCrop) -> None:
        """Store a crop of the video that was started. Raises `StorageFull`."""
        try:
            (self._folder / crop.name).write_bytes(encoded(crop.image, JPEG_QUALITY))
        except OSError as error:
            raise _storage_full(self._folder, error) from error

    def finish(self, record: VideoRecord) -> None:
        """Move the video's folder to its name and enter it into the index. Raises `StorageFull`."""
        try:
            if record.crops:
                self._folder.replace(self._pictures / record.video)
            else:
                self._folder.rmdir()
            self._lines.write(f"{record.line()}\n")
            self._lines.flush()
        except OSError as error:
            raise _storage_full(self._pictures, error) from error
        self.records[record.video] = record

    def complete(self) -> Path:
        """Remove what unfinished videos left, and give the index its final name; returns the run's folder."""
        for folder in self._pictures.iterdir():
            if folder.name not in self.records:
                shutil.rmtree(folder, ignore_errors=True)
        self._lines.close()
        self._partial.replace(self._index)
        return self._index.parent

    def discard(self) -> None:
        """Remove an unfinished set."""
        self._lines.close()
        shutil.rmtree(self._pictures, ignore_errors=True)
        self._partial.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the index."""
        self._lines.close()


class FolderCrops(CropTable):
    """crop_records.Crops of a finished run in folders."""

    def __init__(self, run: Path) -> None:
        self._pictures = run / PICTURES
        index = run / INDEX
        try:
            lines = index.read_text("utf-8").splitlines()
            super().__init__({record.video: record for record in map(VideoRecord.from_line, lines)}.values())
        except (OSError, ValueError) as error:
            raise DatasetInvalid(f"The index {index} is damaged: {error}. Make the crops again.") from error
        if not len(self):
            raise DatasetInvalid(f"There are no crops in {run}. Make them again from other footage.")

    def load(self, index: int) -> Image:
        """Return a crop, (h, w, 3) uint8 BGR. Raises `DatasetInvalid`."""
        return read_picture(self._pictures / self.video(index) / self.name(index))


class PictureFolder:
    """crop_records.Crops of any folder of pictures; hidden files are passed over."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if is_picture(file))
        if not self._files:
            raise DatasetInvalid(f"There is no picture (.jpg, .png, …) in {folder}. Name a folder of crops.")

    def __len__(self) -> int:
        return len(self._files)

    def name(self, index: int) -> str:
        """File name of a picture."""
        return self._files[index].rpartition("/")[2]

    def video(self, index: int) -> str:
        """Folder of a picture, relative to the one opened; that one's name where it lies directly in it."""
        return self._files[index].rpartition("/")[0] or self._folder.resolve().name

    def track(self, index: int) -> int | None:
        """None: a folder of pictures has no tracks."""
        return None

    def load(self, index: int) -> Image:
        """Return a picture, (h, w, 3) uint8 BGR. Raises `DatasetInvalid`."""
        return read_picture(self._folder / self._files[index])


def _whole_lines(index: Path) -> dict[str, VideoRecord]:
    """Records of an unfinished index. An incomplete last line (the process was killed) is removed, so that its video
    is processed again."""
    if not index.is_file():
        return {}
    lines = index.read_bytes().splitlines(keepends=True)
    if lines and not lines[-1].endswith(b"\n"):
        lines.pop()
        with index.open("r+b") as file:
            file.truncate(sum(map(len, lines)))
    try:
        return {record.video: record for record in map(VideoRecord.from_line, lines)}
    except ValueError as error:
        raise DatasetInvalid(f"The index {index} is damaged: {error}. Make the crops again.") from error


def _storage_full(path: Path, error: OSError) -> StorageFull:
    return StorageFull(
        f"Crops cannot be stored in {path}: {describe_os_error(error)}. Free some space or choose another folder."
    )
