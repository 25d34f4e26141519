"""Crops on disk: what a training reads, and what `train crops` writes (in `crop_folders` or `crop_lmdb`).

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

from biometric.entities import Image, NoticeCode
from biometric.errors import DatasetInvalid

INDEX = "crops.jsonl"
LMDB = "crops.lmdb"
PICTURES = "crops"
PARTIAL = ".partial"

CropPosition = tuple[int, int, int | None]
"""Frame number, box number, track number (None: not followed)."""


class Crops(Protocol):
    """Crops of people, numbered from 0. It may be sent to worker processes, forked or spawned."""

    def __len__(self) -> int:
        """Number of crops."""

    def name(self, index: int) -> str:
        """File name, `NumFrame_BB.jpg` in a set made by `train crops`."""

    def video(self, index: int) -> str:
        """The video it was cut from (in a folder of pictures: their folder)."""

    def track(self, index: int) -> int | None:
        """Number of the track within its video, from 1; None where people were not tracked."""

    def load(self, index: int) -> Image:
        """Return the picture, (h, w, 3) uint8 BGR. Raises `DatasetInvalid` where it is missing or damaged."""


@dataclass(frozen=True, slots=True, eq=False)
class NewCrop:
    """A crop that is to be stored: `image` is (h, w, 3) uint8 BGR."""

    frame: int
    box: int
    track: int | None
    image: Image

    @property
    def name(self) -> str:
        """File name of the crop."""
        return crop_name(self.frame, self.box)


@dataclass(frozen=True, slots=True)
class VideoRecord:
    """A finished video: its line of the index.

    Attributes:
        video: its name within the set.
        source: where it lay, as it was given.
        size: of that file in bytes, by which a changed file is recognised.
        boxes: where the boxes came from: a detector's name, a file's name, or "labels".
        frames: number of analysed frames.
        tracks: number of tracks with at least one crop.
        seconds: processing time.
        refused: number of refused boxes, by the code of the reason.
        crops: in order of frame and box.
    """

    video: str
    source: str
    size: int
    boxes: str
    frames: int
    tracks: int
    seconds: float
    refused: Mapping[NoticeCode, int] = field(default_factory=dict)
    crops: tuple[CropPosition, ...] = ()

    def line(self) -> str:
        """The record as one line of JSON, without its end."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_line(cls, line: str | bytes) -> "VideoRecord":
        """Read a line back. Raises `ValueError` where it is none."""
        try:
            values: dict[str, Any] = json.loads(line)
            positions = tuple((int(frame), int(box), track) for frame, box, track in values["crops"])
            refused = {_reason(text): int(count) for text, count in values.get("refused", {}).items()}
            return cls(**{**values, "crops": positions, "refused": refused})
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"no record of a video: {error}") from error


_REASONS_IN_WORDS = {
    "too small": NoticeCode.TOO_SMALL,
    "the detector is not sure that this is a person": NoticeCode.LOW_CONFIDENCE,
    "cut off by the edge of the picture": NoticeCode.CUT_OFF,
    "shows only a part of a person, or more than one": NoticeCode.ODD_SHAPE,
    "hidden behind somebody else": NoticeCode.COVERED,
    "blurred": NoticeCode.BLURRED,
    "not followed by the tracker": NoticeCode.NOT_FOLLOWED,
    "followed for too few frames": NoticeCode.FOLLOWED_TOO_BRIEFLY,
}
"""What sets of version 0.1 hold instead of codes."""


def _reason(text: str) -> NoticeCode:
    """Return the code of a reason in an index. Raises `ValueError`: there is none."""
    return _REASONS_IN_WORDS.get(text) or NoticeCode(text)


class CropWriter(Protocol):
    """Takes the crops of one video after another. Made by `crop_folders` and `crop_lmdb`."""

    records: dict[str, VideoRecord]
    """Finished videos, by name; of an earlier run, too."""

    def begin(self, video: str) -> None:
        """Start a video; what an unfinished or former attempt left of it goes."""

    def add(self, crop: NewCrop) -> None:
        """Store a crop of the video that was started. Raises `StorageFull`."""

    def finish(self, record: VideoRecord) -> None:
        """Enter the video into the index; from now on a restart passes it over. Raises `StorageFull`."""

    def complete(self) -> Path:
        """Give the set its final name and return the path that `open_crops` takes."""

    def discard(self) -> None:
        """Remove an unfinished set."""

    def close(self) -> None:
        """Close the files; an unfinished set stays, so that the next run can continue it."""


def crop_name(frame: int, box: int) -> str:
    """Name a crop `NumFrame_BB.jpg`, as `entities.Detection` does."""
    return f"{frame:08d}_{box:02d}.jpg"


class CropTable:
    """What is known of each crop, in few bytes a crop: sets have millions. Videos are sorted by name."""

    def __init__(self, records: Iterable[VideoRecord]) -> None:
        sorted_records = sorted((record for record in records if record.crops), key=lambda record: record.video)
        self._videos = [record.video for record in sorted_records]
        counts = [len(record.crops) for record in sorted_records]
        positions = [(frame, box, track or 0) for record in sorted_records for frame, box, track in record.crops]
        self._owner: NDArray[np.int32] = np.repeat(np.arange(len(sorted_records), dtype=np.int32), counts)
        self._positions: NDArray[np.int32] = np.array(positions, np.int32).reshape(-1, 3)

    def __len__(self) -> int:
        return len(self._owner)

    def name(self, index: int) -> str:
        """File name of a crop."""
        return crop_name(int(self._positions[index, 0]), int(self._positions[index, 1]))

    def video(self, index: int) -> str:
        """Video of a crop."""
        return self._videos[int(self._owner[index])]

    def track(self, index: int) -> int | None:
        """Track of a crop, from 1, or None."""
        return int(self._positions[index, 2]) or None


def decode_picture(data: bytes, what: str) -> Image:
    """Return an encoded picture as (h, w, 3) uint8 BGR.

    Args:
        what: names it in the message.

    Raises:
        DatasetInvalid: it is no picture.
    """
    from biometric.clips.crops import decode_image

    image = decode_image(data)
    if image is None:
        raise DatasetInvalid(f"{what} is damaged or not a picture. Take it out of the data set, or make it again.")
    return image


def read_picture(path: Path) -> Image:
    """Read a picture file as (h, w, 3) uint8 BGR.

    Raises:
        DatasetInvalid: it is missing or no picture.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DatasetInvalid(f"{path} cannot be read: {error.strerror}. Restore the data set.") from error
    return decode_picture(data, str(path))
