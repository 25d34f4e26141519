"""One reader for all footage: clips go to PyAV's reader, photographs to Pillow's, told apart by their contents."""

from collections.abc import Collection, Iterator
from pathlib import Path

from biometric.clips.containers import READABLE
from biometric.clips.hardware_decoding import HardwareDecoding
from biometric.clips.photograph_kinds import READABLE_PHOTOGRAPHS
from biometric.clips.photograph_reading import PhotographReader, is_photograph
from biometric.clips.video import PyAVReader
from biometric.clips.video_limits import VideoLimits
from biometric.entities import Frame, FrameRange, VideoInfo
from biometric.errors import NotAVideo
from biometric.ports import GroupChoice, VideoReader


class FootageReader:
    """Reads clips and photographs (`ports.VideoReader`); a photograph is a clip of one frame.

    Args:
        limits: of clips and of photographs.
        hardware: what decodes clips where it can; None: the processor.
    """

    def __init__(self, limits: VideoLimits | None = None, hardware: HardwareDecoding | None = None) -> None:
        self._clips = PyAVReader(limits, hardware=hardware)
        self._photographs = PhotographReader(limits)

    def probe(self, clip: Path) -> VideoInfo:
        """Check and describe a clip or photograph. Raises the `ClipError` family."""
        if is_photograph(clip):
            return self._photographs.probe(clip)
        try:
            return self._clips.probe(clip)
        except NotAVideo as error:
            if READABLE not in str(error):
                raise
            raise NotAVideo(
                "This file is not a video that can be read here, nor a photograph. Choose a clip in "
                "{kinds}, or a photograph in {photographs}.",
                kinds=READABLE,
                photographs=READABLE_PHOTOGRAPHS,
            ) from error

    def read(self, clip: Path, frames: FrameRange) -> Iterator[Frame]:
        """Yield exactly the frames of the range in order; see the two readers."""
        return self._reader(clip).read(clip, frames)

    def read_chosen(self, clip: Path, frames: FrameRange, choice: GroupChoice) -> Iterator[Frame]:
        """Yield the frames of the range without decoding all of them; see the two readers."""
        return self._reader(clip).read_chosen(clip, frames, choice)

    def grab(self, clip: Path, indices: Collection[int]) -> dict[int, Frame]:
        """Return single frames by number; numbers beyond the end are left out."""
        return self._reader(clip).grab(clip, indices)

    def _reader(self, clip: Path) -> VideoReader:
        return self._photographs if is_photograph(clip) else self._clips
