"""Check a clip and read exactly the frames asked for (PyAV; its objects stay in here).

Every read starts at the first frame and counts: a seek lands beside the frame asked for in MPEG-TS, variable
frame rate and files without index, counting never does. Only wanted frames are converted to pictures.

Frame 0 is the first frame that the decoder delivers; frames follow in order of presentation. Numbers end at the
first packet in the middle that cannot be decoded, because behind it frame numbers are unknown.
"""

import contextlib
import hashlib
import logging
import math
import time
from collections.abc import Collection, Generator, Iterator, Sequence
from pathlib import Path
from typing import Literal

from biometric.clips.containers import Container, recognise_container
from biometric.clips.decoding import Pass
from biometric.clips.group_reading import KINDS, ROUNDING, GroupPass, NotInGroupsError, next_due
from biometric.clips.hardware_decoding import HardwareDecoding, LeftToProcessor
from biometric.clips.recording_facts import clip_camera, recorded_at
from biometric.clips.structure.report import StructureReport
from biometric.clips.structure.walking import walk_structure
from biometric.clips.video_limits import VideoLimits
from biometric.entities import Frame, FrameRange, FrameTimes, Notice, NoticeCode, VideoInfo
from biometric.errors import DamagedClip, InvalidFrameRange
from biometric.ports import GroupChoice

logger = logging.getLogger(__name__)

__all__ = ["PyAVReader", "VideoLimits", "browser_playable"]

_TIME_TOLERANCE = 0.5
"""Seconds by which a header's duration may exceed the last timestamp before the clip counts as cut short."""

_PLAYED = {
    "mov": {"h264", "vp9", "av1"},
    "webm": {"vp8", "vp9", "av1"},
}
"""Codecs that current Chromium and Firefox play, by container; 8 bit 4:2:0 only."""


def browser_playable(container: Container, codec: str, pixel_format: str | None) -> bool:
    """Return whether browsers play such a clip as it is (FFmpeg's names of codec and pixel format)."""
    played = _PLAYED.get("webm" if container.webm else container.kind, set())
    return codec in played and pixel_format in {"yuv420p", "yuvj420p"}


class PyAVReader:
    """Reads clips (`ports.VideoReader`). It keeps nothing between calls and may be shared by threads.

    Args:
        limits: refused beyond these, before the first frame is decoded where the file admits it.
        count_seconds: how long `probe` may decode to count frames; past it packets are counted instead.
        hardware: what reads clips where it can; None: the processor. `probe` always decodes by the processor.
    """

    def __init__(
        self,
        limits: VideoLimits | None = None,
        count_seconds: float = 15.0,
        hardware: HardwareDecoding | None = None,
    ) -> None:
        self._hardware = hardware
        self._limits = VideoLimits() if limits is None else limits
        self._count_seconds = count_seconds

    def probe(self, clip: Path) -> VideoInfo:
        """Check and describe a clip by decoding it once, within the time allowed.

        Raises:
            ClipNotFound, EmptyClip, NotAVideo, NoVideoTrack: it is no clip.
            ClipTooLarge: a limit is exceeded.
            DamagedClip: no frame can be read, or an MP4's index is missing. A clip that can be read in part is
                described, with the damage said in `VideoInfo.damage`.
        """
        container = recognise_container(clip)
        with contextlib.ExitStack() as opened:
            counted = opened.enter_context(Pass(clip, container, self._limits))
            counted.run(time.monotonic() + self._count_seconds)
            if not counted.certain and not counted.cut:
                second = opened.enter_context(Pass(clip, container, self._limits, exact=True))
                second.run(time.monotonic() + self._count_seconds)
                # Ended by the deadline, the exact pass has read less than the first one.
                counted = counted if second.cut else second
            if counted.frames == 0:
                raise _nothing_readable(counted)
            return _describe(counted, container, walk_structure(clip, container.kind), _digest(clip))

    def read(self, clip: Path, frames: FrameRange) -> Iterator[Frame]:
        """Yield exactly the frames of the range in order, streaming; closing the iterator releases the clip.

        `Frame.seconds` counts from the first frame's presentation. Where the picture size changes within the clip,
        frames are scaled to the first one's. Pixels that are not square are made so, by scaling the width.

        Raises:
            InvalidFrameRange: the range ends outside the clip (after yielding what lies inside).
            DamagedClip: the clip ended before the range did (after yielding what could be read).
            ClipNotFound, EmptyClip, NotAVideo, NoVideoTrack, ClipTooLarge: as for `probe`.
        """
        return self._select(clip, range(frames.start, frames.stop, frames.step), frames.spacing)

    def read_chosen(self, clip: Path, frames: FrameRange, choice: GroupChoice) -> Iterator[Frame]:
        """Yield exactly the frames of the range in order, without decoding all of them. Raises as `read` does.

        Of a group of frames that is not needed, the frames share the picture of the first of them.
        """
        container, latest = recognise_container(clip), -1
        try:
            if container.kind not in KINDS:
                raise NotInGroupsError("container")
            with GroupPass(clip, container, self._limits) as clip_pass:
                for frame in clip_pass.read(frames, choice):
                    latest = frame.index
                    yield frame
                return
        except NotInGroupsError as error:
            choice.give_up(str(error))
        for frame in self.read(clip, frames):
            if frame.index > latest:
                yield frame

    def grab(self, clip: Path, indices: Collection[int]) -> dict[int, Frame]:
        """Return the frames of the given numbers, in one pass. Raises as `read` does."""
        wanted = sorted(set(indices))
        if wanted and wanted[0] < 0:
            raise InvalidFrameRange("Frames are numbered from 0, got {frame}.", frame=wanted[0])
        return {frame.index: frame for frame in self._select(clip, wanted)}

    def _select(self, clip: Path, wanted: Sequence[int], spacing: float = 0.0) -> Generator[Frame, None, None]:
        """Yield the wanted frames, given in rising order; one in `spacing` seconds, 0 for all."""
        if len(wanted) == 0:
            return
        container = recognise_container(clip)
        done, due = 0, -math.inf
        for last, opened in self._passes(clip, container):
            with opened as clip_pass:
                try:
                    for index, frame in enumerate(clip_pass.decode()):
                        if index == wanted[done]:
                            done += 1
                            if clip_pass.seconds >= due - ROUNDING:
                                due = next_due(due, clip_pass.seconds, spacing)
                                yield Frame(index, clip_pass.picture(frame), clip_pass.seconds)
                            if done == len(wanted):
                                return
                except LeftToProcessor as reason:
                    logger.warning("%s: the processor decodes from frame %d on, because %s", clip, wanted[done], reason)
                if last:
                    raise _ends_early(clip_pass, container, walk_structure(clip, container.kind), wanted[-1])

    def _passes(self, clip: Path, container: Container) -> Iterator[tuple[bool, Pass]]:
        """Yield passes until one reaches the last frame that is wanted, and whether it is the last one to try.

        PyAV swallows an error that comes behind frames of the same call, which happens when frame threads are drained
        at the end. So an early end is reported only when a pass without them ends there, too.
        """
        if self._hardware is not None and (on_card := self._hardware.open(clip, container, self._limits)) is not None:
            yield False, on_card
        yield False, Pass(clip, container, self._limits)
        yield True, Pass(clip, container, self._limits, exact=True)


def _describe(counted: Pass, container: Container, structure: StructureReport, digest: str) -> VideoInfo:
    width, height, rotation = counted.displayed()
    source: Literal["decoded", "claimed"] = "claimed" if counted.cut else "decoded"
    count, times = counted.estimate, counted.times()
    context = counted.stream.codec_context
    codec = context.codec.canonical_name
    return VideoInfo(
        width=width,
        height=height,
        fps=_average_fps(counted.claimed_fps, times),
        frame_count=count,
        frame_count_source=source,
        duration=times.end,
        rotation=rotation,
        codec=codec,
        container=container.kind,
        digest=digest,
        claimed_frames=counted.claimed,
        damage=_damage(counted, container, structure, count),
        browser_playable=counted.only_track and browser_playable(container, codec, context.pix_fmt),
        times=times,
        recorded_at=recorded_at(counted.metadata),
        camera=clip_camera(counted.metadata),
    )


def _average_fps(claimed: float, times: FrameTimes) -> float:
    measured = len(times) / times.end
    # Times are rounded to the container's clock: where both agree, the header's fraction is the exact one.
    return claimed if abs(measured - claimed) <= 0.02 * claimed else measured


def _damage(counted: Pass, container: Container, structure: StructureReport, count: int) -> Notice | None:
    """Say what is wrong with a clip, or None. A wrong frame rate or frame count alone is no damage."""
    fps = len(counted.times()) / counted.times().end
    if _is_short(counted, container, structure):
        code, claimed = NoticeCode.CLIP_CUT_SHORT, counted.claimed
        if claimed is None and counted.account.lost:
            claimed = count + counted.account.lost
        if claimed is None and counted.header_seconds > 0 and container.kind in _TIMED:
            code, claimed = NoticeCode.CLIP_CUT_SHORT_ESTIMATED, round(counted.header_seconds * fps)
        if claimed is not None and claimed > count:
            return Notice(code, readable=count, claimed=claimed)
        return Notice(NoticeCode.CLIP_UNREADABLE_DATA, readable=count)
    # In a transport stream, a packet is marked where a counter jumps. The walk knows better when that is damage.
    incomplete = counted.incomplete_frames + (0 if container.kind == "mpegts" else counted.incomplete_packets)
    if incomplete:
        return Notice(NoticeCode.CLIP_LOST_DATA, incomplete=incomplete, frames=count)
    return None


_TIMED = frozenset({"matroska", "avi", "flv", "asf", "mxf"})
"""Kinds whose header says how long the clip is."""


def _is_short(counted: Pass, container: Container, structure: StructureReport) -> bool:
    """Whether the file holds, held or claims frames that cannot be read."""
    if counted.broken or counted.account.lost or counted.missing or structure.broken:
        return True
    track = counted.stream.index
    if container.kind != "mov" and counted.packets < structure.packets.get(track, 0):
        return True
    if counted.pictures < structure.pictures.get(counted.stream.id, 0):
        return True
    if container.kind == "mov":
        if container.missing > 0 and counted.fragmented:
            return True
        # The table of samples is exact (an edit list has shortened it).
        shown = structure.seconds.get(track, 0.0)
        return counted.packets < counted.indexed or (not counted.cut and _shown_less(counted.times(), shown))
    if container.kind not in _TIMED or counted.header_seconds == 0:
        return container.missing > 0
    if container.missing > 0:
        fps = len(counted.times()) / counted.times().end
        # The file is cut, but may have lost no more than an index behind its last frame.
        return round(counted.header_seconds * fps) > counted.frames
    return counted.header_seconds - counted.end > _TIME_TOLERANCE


def _shown_less(times: FrameTimes, seconds: float) -> bool:
    """Whether frames last less than the header says, by more than two frames' length."""
    return seconds - times.end > 0.1 + 2 * times.end / len(times)


def _ends_early(
    counted: Pass, container: Container, structure: StructureReport, wanted: int
) -> DamagedClip | InvalidFrameRange:
    if counted.frames == 0:
        return _nothing_readable(counted)
    last = counted.frames - 1
    if _is_short(counted, container, structure):
        return DamagedClip(
            "The clip is damaged: frame {wanted} was asked for, but only frames 0 to {last} can be read. "
            "Choose a To frame of at most {last}, or copy the clip again.",
            counted.frames,
            counted.claimed,
            wanted=wanted,
            last=last,
        )
    return InvalidFrameRange(
        "Frame {wanted} is outside the clip, whose last frame is {last}. Choose another To frame.",
        wanted=wanted,
        last=last,
    )


def _nothing_readable(counted: Pass) -> DamagedClip:
    return DamagedClip(
        "The clip is damaged: not a single frame can be read. Copy it again or choose another one.",
        0,
        counted.claimed,
    )


def _digest(clip: Path) -> str:
    with clip.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
