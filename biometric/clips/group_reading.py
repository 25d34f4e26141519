"""Reads the analysed frames of a clip without decoding the groups of frames in which nothing happens.

A group is a key frame and the frames up to the next one. Its packets say how many frames it has and when they are
shown, so that frames keep their numbers and times whether they are decoded or not. That holds where each packet makes
one frame and has a time, and no frame refers to another group; every other clip is read from its first frame on.
"""

import itertools
import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any

import av
import numpy as np

from biometric.clips.decoding import Pass
from biometric.clips.picture_packets import PictureCounter
from biometric.entities import Frame, FrameRange
from biometric.entities.frame_groups import FrameGroup
from biometric.ports import GroupChoice

KINDS = frozenset({"mov", "matroska"})
"""FFmpeg's names of the containers whose packets have times that a decoder does not correct."""

MOST_PACKETS, MOST_BYTES = 1500, 64_000_000
"""A group that is longer is not held in memory."""

LEAST_ANALYSED = 5
"""Analysed frames of the first group, below which hardly anything could be passed over."""

ROUNDING = 0.001
"""Seconds to which containers round times."""


class NotInGroupsError(Exception):
    """The clip cannot be read in groups; it never leaves this room."""


@dataclass(frozen=True, slots=True)
class _Group:
    """A group with its packets in order of decoding, and times in ticks in order of presentation."""

    known: FrameGroup
    packets: "list[av.Packet[Any]]"
    ticks: list[int]


class Grid:
    """Tells which frames of a range are analysed; asked about each frame once, in order."""

    def __init__(self, frames: FrameRange) -> None:
        self._frames, self._due = frames, -math.inf

    def takes(self, index: int, seconds: float) -> bool:
        """Return whether a frame is analysed."""
        wanted = self._frames
        if index < wanted.start or index >= wanted.stop or (index - wanted.start) % wanted.step:
            return False
        if seconds < self._due - ROUNDING:
            return False
        self._due = next_due(self._due, seconds, wanted.spacing)
        return True


def next_due(due: float, seconds: float, spacing: float) -> float:
    """Return when the next frame is due: on a grid of `spacing` seconds, so that delays do not add up."""
    if spacing == 0 or due == -math.inf:
        return seconds + spacing
    return due + spacing * (1 + max(0, math.floor((seconds + ROUNDING - due) / spacing)))


class GroupPass(Pass):
    """One pass over a clip that decodes the groups that are needed."""

    def read(self, frames: FrameRange, choice: GroupChoice) -> Generator[Frame, None, None]:
        """Yield the analysed frames; those of a group that is passed over share one picture.

        Raises:
            NotInGroupsError: frames would lose their numbers; those that were yielded are right.
        """
        try:
            yield from self._read(frames, choice)
        except av.FFmpegError as error:
            raise NotInGroupsError("damage") from error

    def _read(self, frames: FrameRange, choice: GroupChoice) -> Generator[Frame, None, None]:
        grid, held, first, reached = Grid(frames), None, None, False
        for group in self._groups():
            if group.known.first == 0 and len(group.packets) < LEAST_ANALYSED * frames.step:
                raise NotInGroupsError("short groups")
            wanted = [
                position
                for position, seconds in enumerate(group.known.seconds.tolist())
                if grid.takes(group.known.first + position, seconds)
            ]
            if not wanted:
                continue
            following = self._one(group, wanted[0])
            if held is not None and first is not None:
                yield from self._group(*held, first, following, choice)
            held, first = (group, wanted), following
            reached = group.known.first + len(group.packets) >= frames.stop
            if reached:
                break
        if held is not None and first is not None:
            yield from self._group(*held, first, None, choice)
        if not reached:
            raise NotInGroupsError("end")

    def _group(
        self, group: _Group, wanted: list[int], first: Frame, following: Frame | None, choice: GroupChoice
    ) -> Iterator[Frame]:
        if choice.needs(group.known, first, following):
            taken = set(wanted)
            for position, picture in enumerate(self._all(group)):
                if position in taken:
                    frame = self._frame(group, position, picture)
                    choice.take(frame)
                    yield frame
            return
        choice.skip(len(wanted) - 1)
        for position in wanted:
            yield Frame(group.known.first + position, first.image, float(group.known.seconds[position]), quiet=True)

    def _groups(self) -> Iterator[_Group]:
        counter = PictureCounter(
            self.stream.codec_context.codec.canonical_name, self.stream.codec_context.extradata or b""
        )
        packets: list[av.Packet[Any]] = []
        number, begin, size = 0, None, 0
        for packet in self._demux():
            if not self._counts(packet):
                continue
            if (
                packet.pts is None
                or packet.is_corrupt
                or packet.is_discard
                or counter.frames_of(memoryview(packet)) != 1
            ):
                raise NotInGroupsError("packets")
            if packet.is_keyframe and packets:
                begin = packets[0].pts if begin is None else begin
                yield self._made(packets, number, begin, packet.pts)
                number, packets, size = number + len(packets), [], 0
            if not packets and not packet.is_keyframe:
                raise NotInGroupsError("no key frame")
            packets.append(packet)
            size += packet.size
            if len(packets) > MOST_PACKETS or size > MOST_BYTES:
                raise NotInGroupsError("long groups")
        if packets:
            yield self._made(packets, number, packets[0].pts if begin is None else begin, None)

    def _made(self, packets: "list[av.Packet[Any]]", number: int, begin: int | None, end: int | None) -> _Group:
        order = sorted(packets, key=lambda packet: packet.pts or 0)
        ticks = [packet.pts or 0 for packet in order]
        rises = all(later > earlier for earlier, later in itertools.pairwise(ticks))
        if order[0] is not packets[0] or not rises or (end is not None and ticks[-1] >= end):
            raise NotInGroupsError("open groups")
        tick = float(self.stream.time_base or 0)
        seconds = (np.array(ticks, np.float64) - (begin or 0)) * tick
        sizes = np.array([packet.size for packet in order], np.int64)
        return _Group(FrameGroup(number, sizes, seconds), list(packets), ticks)

    def _one(self, group: _Group, position: int) -> Frame:
        """Decode a group as far as one of its frames needs it."""
        tick = group.ticks[position]
        last = max(place for place, packet in enumerate(group.packets) if (packet.pts or 0) <= tick)
        for frame in self._decoded(group.packets[: last + 1]):
            if frame.pts == tick:
                return self._frame(group, position, frame)
        raise NotInGroupsError("lost frames")

    def _all(self, group: _Group) -> Iterator[av.VideoFrame]:
        count = 0
        for frame in self._decoded(group.packets):
            if count == len(group.ticks) or frame.pts != group.ticks[count]:
                raise NotInGroupsError("lost frames")
            count += 1
            yield frame
        if count < len(group.ticks):
            raise NotInGroupsError("lost frames")

    def _decoded(self, packets: "list[av.Packet[Any]]") -> Iterator[av.VideoFrame]:
        try:
            for packet in [*packets, None]:
                for frame in self.stream.decode(packet):
                    if self._size is None:
                        self._note(frame)
                    yield frame
        finally:
            self.stream.codec_context.flush_buffers()

    def _frame(self, group: _Group, position: int, frame: av.VideoFrame) -> Frame:
        if frame.is_corrupt:
            raise NotInGroupsError("damage")
        return Frame(group.known.first + position, self.picture(frame), float(group.known.seconds[position]))
