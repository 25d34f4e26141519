"""Crops on disk: what a training reads, and what `train crops` writes. Folders here; one LMDB file in `lmdb_store`.

RUN/crops/<video>/NumFrame_BB.jpg    the pictures (eight digits of frame number, two of box number)
RUN/crops.jsonl                      one line a video: where it lies, its crops and tracks, what was refused

or

RUN/crops.lmdb                       the same in one file: pictures and lines under keys

While a set is being made, the index (the LMDB file) carries `.partial` behind its name: what has its final name is
whole.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from biometric.entities import Image
from biometric.errors import DatasetInvalid

INDEX = "crops.jsonl"
LMDB = "crops.lmdb"
PICTURES = "crops"
PARTIAL = ".partial"

Place = tuple[int, int, int | None]
"""Frame number, box number, track number (None: not followed)."""


class Crops(Protocol):
    """Crops of people, numbered from 0. It may be sent to worker processes, forked or spawned."""

    def __len__(self) -> int:
        """Number of crops."""

    def name(self, index: int) -> str:
        """File name, `NumFrame_BB.jpg` in a set of our own."""

    def video(self, index: int) -> str:
        """The video it was cut from (in a folder of pictures: their folder)."""

    def track(self, index: int) -> int | None:
        """Number of the track within its video, from 1; None where nobody was followed."""

    def load(self, index: int) -> Image:
        """Return the picture, (h, w, 3) uint8 BGR. Raises `DatasetInvalid` where it is missing or damaged."""


@dataclass(frozen=True, slots=True, eq=False)
class Cut:
    """A crop on its way into a store: `image` is (h, w, 3) uint8 BGR."""

    frame: int
    box: int
    track: int | None
    image: Image

    @property
    def name(self) -> str:
        """File name of the crop."""
        return crop_name(self.frame, self.box)


@dataclass(frozen=True, slots=True)
class Record:
    """A finished video: its line of the index.

    Attributes:
        video: its name within the set.
        source: where it lay, as it was given.
        size: of that file in bytes, which tells a changed one.
        boxes: what found the people: a detector, a file, or labels.
        frames: frames that were looked at.
        tracks: people followed who left a crop.
        seconds: of work.
        refused: how many boxes were no good, by reason.
        crops: in order of frame and box.
    """

    video: str
    source: str
    size: int
    boxes: str
    frames: int
    tracks: int
    seconds: float
    refused: Mapping[str, int] = field(default_factory=dict)
    crops: tuple[Place, ...] = ()

    def line(self) -> str:
        """The record as one line of JSON, without its end."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_line(cls, line: str | bytes) -> "Record":
        """Read a line back. Raises `ValueError` where it is none."""
        try:
            values: dict[str, Any] = json.loads(line)
            places = tuple((int(frame), int(box), track) for frame, box, track in values["crops"])
            return cls(**{**values, "crops": places})
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"no record of a video: {error}") from error


class Writer(Protocol):
    """Takes the crops of one video after another. Made by `folders` and `lmdb_store`."""

    records: dict[str, Record]
    """Finished videos, by name; of an earlier run, too."""

    def begin(self, video: str) -> None:
        """Start a video; what an unfinished or former attempt left of it goes."""

    def add(self, cut: Cut) -> None:
        """Store a crop of the video that was begun. Raises `StorageFull`."""

    def finish(self, record: Record) -> None:
        """Enter the video into the index; from now on a restart passes it over. Raises `StorageFull`."""

    def complete(self) -> Path:
        """Give the set its final name and return the path that `open_crops` takes."""

    def discard(self) -> None:
        """Remove an unfinished set."""

    def close(self) -> None:
        """Let go; an unfinished set stays, to be gone on with."""


def crop_name(frame: int, box: int) -> str:
    """Name a crop `NumFrame_BB.jpg`, as `entities.Detection` does."""
    return f"{frame:08d}_{box:02d}.jpg"


class Table:
    """What is known of each crop, in few bytes a crop: sets have millions. Videos are sorted by name."""

    def __init__(self, records: Iterable[Record]) -> None:
        kept = sorted((record for record in records if record.crops), key=lambda record: record.video)
        self._videos = [record.video for record in kept]
        counts = [len(record.crops) for record in kept]
        places = [(frame, box, track or 0) for record in kept for frame, box, track in record.crops]
        self._owner: NDArray[np.int32] = np.repeat(np.arange(len(kept), dtype=np.int32), counts)
        self._places: NDArray[np.int32] = np.array(places, np.int32).reshape(-1, 3)

    def __len__(self) -> int:
        return len(self._owner)

    def name(self, index: int) -> str:
        """File name of a crop."""
        return crop_name(int(self._places[index, 0]), int(self._places[index, 1]))

    def video(self, index: int) -> str:
        """Video of a crop."""
        return self._videos[int(self._owner[index])]

    def track(self, index: int) -> int | None:
        """Track of a crop, from 1, or None."""
        return int(self._places[index, 2]) or None


def open_crops(path: Path) -> Crops:
    """Open crops: a run of `train crops`, an `.lmdb` file, or any folder of pictures (recursive; .jpg, .jpeg, .png).

    Raises:
        DatasetInvalid: missing, unfinished, empty or damaged.
        LibraryMissing: an LMDB file, and the library is not installed.
    """
    if path.suffix == ".lmdb" or (path / LMDB).is_file():
        from biometric.training.crops.lmdb_store import LmdbCrops

        return LmdbCrops(path if path.suffix == ".lmdb" else path / LMDB)
    from biometric.training.crops.folders import FolderCrops, PictureFolder

    if not path.is_dir():
        what = "is no folder and no .lmdb file" if path.exists() else "does not exist"
        raise DatasetInvalid(f"The crops {path} cannot be opened: it {what}. Name a folder or an .lmdb file of crops.")
    if (path / INDEX).is_file():
        return FolderCrops(path)
    if any((path / f"{name}{PARTIAL}").is_file() for name in (INDEX, LMDB)):
        raise DatasetInvalid(
            f"The crops in {path} are not finished. Repeat the command that makes them with --resume: it goes on."
        )
    return PictureFolder(path)
