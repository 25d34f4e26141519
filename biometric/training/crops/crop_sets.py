"""Opens sets of crops, joins them, and draws one picture that shows what is in a set."""

import io
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path

import numpy as np

from biometric.entities import Image
from biometric.errors import DatasetInvalid
from biometric.training.crops.crop_folders import FolderCrops, FolderWriter, PictureFolder
from biometric.training.crops.crop_records import INDEX, LMDB, PARTIAL, Crops, CropWriter
from biometric.training.runs import write_file

SHEET_COLUMNS, SHEET_ROWS = 20, 5
SHEET_CELL = (64, 128)
"""Width and height of a crop on the contact sheet, in pixels."""

_SHEET_GAP = 4
_SHEET_BACKGROUND = (32, 32, 32)


def open_crops(path: Path) -> Crops:
    """Open crops: a run of `train crops`, an `.lmdb` file, or any folder of pictures (recursive; .jpg, .jpeg, .png).

    Raises:
        DatasetInvalid: missing, unfinished, empty or damaged.
        LibraryMissing: an LMDB file, and the library is not installed.
    """
    if path.suffix == ".lmdb" or (path / LMDB).is_file():
        from biometric.training.crops.crop_lmdb import LmdbCrops

        return LmdbCrops(path if path.suffix == ".lmdb" else path / LMDB)
    if not path.is_dir():
        what = "is neither a folder nor an .lmdb file" if path.exists() else "does not exist"
        raise DatasetInvalid(f"The crops {path} cannot be opened: it {what}. Name a folder or an .lmdb file of crops.")
    if (path / INDEX).is_file():
        return FolderCrops(path)
    if any((path / f"{name}{PARTIAL}").is_file() for name in (INDEX, LMDB)):
        raise DatasetInvalid(
            f"The crops in {path} are not finished. Repeat the command that makes them with --resume to continue."
        )
    return PictureFolder(path)


def open_writer(store: str, run: Path) -> CropWriter:
    """Return a writer of crops into a run's folder; `store` is "folders" or "lmdb".

    Raises:
        StorageFull: the folder cannot be written.
        DatasetInvalid: an unfinished set is there and damaged.
        LibraryMissing: LMDB is requested, and the library is not installed.
    """
    if store == "lmdb":
        from biometric.training.crops.crop_lmdb import LmdbWriter

        return LmdbWriter(run)
    return FolderWriter(run)


class JoinedCrops:
    """crop_records.Crops of several sets, one after the other; a video's name begins with the number of its set."""

    def __init__(self, sets: Sequence[Crops]) -> None:
        self._sets = tuple(sets)
        self._ends = list(accumulate(len(crops) for crops in self._sets))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def _locate(self, index: int) -> tuple[int, int]:
        number = bisect_right(self._ends, index)
        return number, index - (self._ends[number - 1] if number else 0)

    def name(self, index: int) -> str:
        """File name."""
        number, inner = self._locate(index)
        return self._sets[number].name(inner)

    def video(self, index: int) -> str:
        """The number of the set and the video in it."""
        number, inner = self._locate(index)
        return f"{number}/{self._sets[number].video(inner)}"

    def track(self, index: int) -> int | None:
        """Number of the track within its video."""
        number, inner = self._locate(index)
        return self._sets[number].track(inner)

    def load(self, index: int) -> Image:
        """The picture, (h, w, 3) uint8 BGR."""
        number, inner = self._locate(index)
        return self._sets[number].load(inner)


def write_contact_sheet(crops: Crops, destination: Path) -> Path:
    """Write a PNG of up to `SHEET_COLUMNS` × `SHEET_ROWS` crops, spread evenly over the set in its order.

    Raises:
        DatasetInvalid: a crop is damaged.
        StorageFull: the file cannot be written.
    """
    from PIL import Image as Picture
    from PIL import ImageOps

    count = min(len(crops), SHEET_COLUMNS * SHEET_ROWS)
    chosen = np.linspace(0, len(crops) - 1, count).round().astype(int)
    columns = min(count, SHEET_COLUMNS)
    rows = -(-count // SHEET_COLUMNS)
    size = (columns * (SHEET_CELL[0] + _SHEET_GAP) + _SHEET_GAP, rows * (SHEET_CELL[1] + _SHEET_GAP) + _SHEET_GAP)
    contact_sheet = Picture.new("RGB", size, _SHEET_BACKGROUND)
    for number, index in enumerate(chosen):
        cell = Picture.fromarray(np.ascontiguousarray(crops.load(int(index))[:, :, ::-1]))
        cell = ImageOps.pad(cell, SHEET_CELL, Picture.Resampling.LANCZOS, color=_SHEET_BACKGROUND)
        x, y = number % SHEET_COLUMNS, number // SHEET_COLUMNS
        contact_sheet.paste(
            cell, (_SHEET_GAP + x * (SHEET_CELL[0] + _SHEET_GAP), _SHEET_GAP + y * (SHEET_CELL[1] + _SHEET_GAP))
        )
    content = io.BytesIO()
    contact_sheet.quantize(256).save(content, "PNG", optimize=True)  # a third of the bytes
    return write_file(destination, content.getvalue(), 0o600)  # it shows people
