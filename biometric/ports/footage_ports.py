"""Reading and writing clips, crops and drawn pictures."""

from collections.abc import Callable, Collection, Generator, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from biometric.entities import (
    Frame,
    FrameRange,
    GreyPicture,
    Image,
    Progress,
    VideoInfo,
)
from biometric.entities.drawing import Bar, Mark
from biometric.entities.frame_groups import FrameGroup
from biometric.entities.redaction import HiddenRegion, Hiding


class GroupChoice(Protocol):
    """Chooses which groups of a clip's frames are decoded."""

    def needs(self, group: FrameGroup, first: Frame, following: Frame | None) -> bool:
        """Return whether a group has to be decoded.

        Args:
            first: the group's first analysed frame.
            following: that of the next group; None: there is none.
        """

    def take(self, frame: Frame) -> None:
        """Take an analysed frame of a group that had to be decoded."""

    def skip(self, count: int) -> None:
        """Take note that so many analysed frames were not decoded."""

    def give_up(self, reason: str) -> None:
        """Take note that the clip cannot be read in groups; the rest of it is decoded."""


class VideoReader(Protocol):
    """Reads clips (adapter: `video.py`)."""

    def probe(self, clip: Path) -> VideoInfo:
        """Check and describe a clip. Raises the `ClipError` family."""

    def read(self, clip: Path, frames: FrameRange) -> Iterator[Frame]:
        """Yield exactly the frames of the range in order, streaming; closing the iterator releases the clip.

        Raises:
            DamagedClip: the clip ended before the range did (after yielding what could be read).
        """

    def read_chosen(self, clip: Path, frames: FrameRange, choice: GroupChoice) -> Iterator[Frame]:
        """Yield exactly the frames of the range in order, as `read` does, without decoding all of them.

        Of a group that is not needed, the frames share the picture (the same array) of the first of them. Clips that
        cannot be read in groups of frames are decoded.
        """

    def grab(self, clip: Path, indices: Collection[int]) -> dict[int, Frame]:
        """Return single frames by number, in one pass; numbers beyond the end are left out."""


class VideoWriter(Protocol):
    """Writes browser-playable H.264 MP4 (adapter: `video_writing.py`)."""

    def write(self, destination: Path, frames: Iterator[Frame], longest_gap: float = 0.0) -> None:
        """Encode `frames` (images of one size), each at its own time since the first one; atomic.

        `longest_gap` is the most seconds between two frames; others may be shortened.
        """

    def writing(
        self, destination: Path, frames: Iterator[Frame], longest_gap: float = 0.0, sound: Path | None = None
    ) -> Generator[int, None, None]:
        """Do what `write` does, yielding the number of frames written so far; closing it removes the partial file.

        Args:
            sound: the clip that the frames are from, whose sound is copied, if it has any. Raises `SoundNotKept` where
                it cannot be.
        """

    def has_sound(self, clip: Path) -> bool:
        """Whether a clip has sound that `writing` would copy. Raises `SoundNotKept`, `ClipError`."""

    def proxy(self, clip: Path, destination: Path) -> Generator[Progress, None, None]:
        """Transcode a clip that browsers cannot play into a small one, frame for frame."""


class CropStore(Protocol):
    """Keeps crops as files (adapter: `crops.py`)."""

    def save(self, crop: Image, destination: Path) -> None:
        """Write a crop as JPEG, atomically, owner-readable only. Raises `StorageFull`."""

    def load(self, path: Path) -> Image:
        """Read a crop back as (h, w, 3) uint8 BGR."""

    def thumbnail(self, path: Path, height: int) -> bytes:
        """Return a small JPEG of a stored picture, for display."""

    def shrunken(self, image: Image, height: int) -> bytes:
        """Return a small JPEG of a picture, (h, w, 3) uint8 BGR, for display."""


class Annotator(Protocol):
    """Draws results (adapter: `annotation.py`)."""

    def draw(self, image: Image, marks: Sequence[Mark]) -> Image:
        """Return a copy of a frame with the marks on it, at most `answer_files.ANNOTATED_WIDTH` pixels wide."""

    def save(self, image: Image, destination: Path) -> None:
        """Write an annotated photograph as JPEG, atomically, without metadata. Raises `StorageFull`."""

    def timeline(self, bars: Sequence[Bar], start: float, stop: float, destination: Path) -> None:
        """Write a PNG of the times at which each person was seen, atomically."""


SmallGreyOf = Callable[[Image], GreyPicture]
"""Shrinks a frame, (h, w, 3) uint8 BGR, to a grey (h, w) uint8 whose longer side has 320 pixels or fewer."""

SharpnessOf = Callable[[Image], float]
"""Measures sharpness of a crop (variance of the Laplacian at a fixed size); higher is sharper."""

PixelHider = Callable[[Image, Sequence[HiddenRegion], Hiding], Image]
"""Returns a copy of a frame, (h, w, 3) uint8 BGR, in which the regions are hidden."""
