"""Decodes on a graphics card (NVDEC) what comes out there as the processor decodes it, and leaves all else to that.

A frame is taken from the card only while frames come in the order of their packets, one for each: then its number is
the one that the processor gives. The first picture is decoded by both and compared. Where anything differs, fails or is
not available, the processor goes on from the same frame, and the log says so.
"""

import heapq
import logging
import threading
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.codec.hwaccel import HWAccel

from biometric.clips.clip_opening import HEADERLESS
from biometric.clips.containers import Container
from biometric.clips.decoding import Pass
from biometric.clips.video_limits import VideoLimits
from biometric.entities import Image
from biometric.errors import ClipError

logger = logging.getLogger(__name__)

MOST_DIFFERENCE = 1.0
"""Most grey levels, on average, by which the first picture may differ from the processor's."""


class LeftToProcessor(Exception):
    """The card's frames are not certain to be the processor's; says why."""


def cuda_accelerator() -> HWAccel:
    """Return what decodes on the first NVIDIA card. Raises what PyAV raises where there is none."""
    accelerator = HWAccel("cuda", allow_software_fallback=True)
    accelerator.create(av.Codec("h264", "r"))  # fails here, and not in the middle, where there is no driver
    return accelerator


class HardwarePass(Pass):
    """A pass over a clip whose frames come from a card.

    Args:
        accelerator: what decodes; None: the processor, in tests.
        first: the clip's first picture as the processor decodes it.

    `decode` raises `LeftToProcessor` where a frame is not certain to be the one of its number.
    """

    def __init__(
        self, clip: Path, container: Container, limits: VideoLimits, accelerator: HWAccel | None, first: Image
    ) -> None:
        super().__init__(clip, container, limits, hwaccel=accelerator)
        self._first: Image | None = first
        self._expected: list[int] = []

    def _decode(self, deadline: float) -> Generator[av.VideoFrame, None, None]:
        yield from super()._decode(deadline)
        if self.broken:
            raise LeftToProcessor("the card could not decode on")

    def _counts(self, packet: "av.Packet[Any]") -> bool:
        counts = super()._counts(packet)
        if counts and not packet.is_discard:
            if packet.pts is None:
                raise LeftToProcessor("a packet has no time")
            heapq.heappush(self._expected, packet.pts)
        return counts

    def _note(self, frame: av.VideoFrame) -> None:
        super()._note(frame)
        if frame.is_corrupt:
            raise LeftToProcessor("a frame has lost data")
        if not self._expected or heapq.heappop(self._expected) != frame.pts:
            raise LeftToProcessor("frames do not come one for each packet")
        if self._first is not None:
            picture, first, self._first = self.picture(frame), self._first, None
            if picture.shape != first.shape or np.abs(picture.astype(np.int16) - first).mean() > MOST_DIFFERENCE:
                raise LeftToProcessor("the first picture is another one")


class HardwareDecoding:
    """Opens clips for decoding on a card, as long as that works here; may be shared by threads.

    Args:
        make_accelerator: makes what decodes, once; raises where there is none.
    """

    def __init__(self, make_accelerator: Callable[[], HWAccel | None] = cuda_accelerator) -> None:
        self._make_accelerator = make_accelerator
        self._lock = threading.Lock()
        self._accelerator: HWAccel | None = None
        self._available: bool | None = None

    @property
    def available(self) -> bool:
        """Whether this machine has a decoder; says so in the log where it has none, once."""
        with self._lock:
            if self._available is None:
                try:
                    self._accelerator = self._make_accelerator()
                    self._available = True
                except (av.FFmpegError, OSError, RuntimeError, NotImplementedError, ValueError) as error:
                    logger.warning("Clips are decoded by the processor: no hardware decoder was found (%s)", error)
                    self._available = False
            return self._available

    def open(self, clip: Path, container: Container, limits: VideoLimits) -> HardwarePass | None:
        """Open a clip; None where its kind or codec is left to the processor."""
        if container.kind in HEADERLESS or not self.available:
            return None
        try:
            with Pass(clip, container, limits) as software:
                frame = next(iter(software.decode()), None)
                if frame is None:
                    return None
                first = software.picture(frame)
            opened = HardwarePass(clip, container, limits, self._accelerator, first)
        except (ClipError, av.FFmpegError, RuntimeError, NotImplementedError):
            return None  # the processor tells what is wrong with the clip
        if self._accelerator is not None and not opened.stream.codec_context.is_hwaccel:
            logger.info("%s is decoded by the processor: the card has no decoder for it", clip.name)
            opened.__exit__(None, None, None)
            return None
        return opened
