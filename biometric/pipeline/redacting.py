"""Writes footage in which people are hidden, and looks at the result again."""

import dataclasses
import itertools
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from biometric.domain.hidden_regions import BoxTable, regions_of
from biometric.domain.remaining_people import remaining_people
from biometric.entities import Box, Detection, Frame, FrameRange, Image, Progress, VideoInfo
from biometric.entities.redaction import HiddenRegion, Hiding, RemainingPerson
from biometric.errors import PeopleRemain
from biometric.pipeline.stages import ahead
from biometric.pipeline.streaming import FRAMES_AHEAD, FRAMES_AT_ONCE
from biometric.ports import Detector, PixelHider, VideoReader, VideoWriter
from biometric.storage import atomic_path

MOST_ROUNDS = 4
"""How often the clip is written at most: whom the second pass sees is hidden, and the pass repeated."""

SEEN_CONFIDENCE = 0.25
"""Least confidence of somebody whom the second pass sees. The first one hides also what is less certain."""

_HELD_FRAMES = 3
"""Frames before and behind that hide somebody whom only the second pass saw, too."""


@dataclass(frozen=True, slots=True)
class RedactingTools:
    """The adapters that write and look again.

    Attributes:
        save_picture: writes a photograph, (h, w, 3) uint8 BGR, without metadata.
    """

    reader: VideoReader
    writer: VideoWriter
    save_picture: Callable[[Image, Path], None]
    hide_pixels: PixelHider
    detector: Detector


@dataclass(frozen=True, slots=True)
class RedactionPlan:
    """What is hidden in which frames.

    Attributes:
        frames: all frames that are written; each was looked at.
        hidden: boxes of those who are hidden, without margin.
        shown: boxes of those who are not.
        keep_sound: the clip's sound is copied.
        allow_remaining: the result is kept also where somebody is still seen.
    """

    clip: Path
    video: VideoInfo
    frames: FrameRange
    hidden: BoxTable
    shown: BoxTable
    hiding: Hiding
    margin: float
    keep_sound: bool
    allow_remaining: bool

    def regions(self, frame: int) -> list[HiddenRegion]:
        """The pixels that are hidden in a frame."""
        return regions_of(self.hidden.at(frame), self.margin, self.video.width, self.video.height)


@dataclass(frozen=True, slots=True)
class Written:
    """What was written: the plan as it was at last, regions that the second pass added, and who is still seen."""

    plan: RedactionPlan
    added: int
    remaining: tuple[RemainingPerson, ...]


def write_redacted(
    tools: RedactingTools,
    plan: RedactionPlan,
    destination: Path,
    tell: Callable[[Path, Written], object] = lambda path, written: None,
) -> Generator[Progress, None, Written]:
    """Write the footage and look at the result again; it appears under its name only when nobody is left to be seen.

    Whom the second pass sees beside those who are hidden and those who are shown is hidden, too, and the footage
    written again, up to `MOST_ROUNDS` times. Closing the generator leaves no file.

    Args:
        tell: called with the complete file before it gets its name; where it raises, there is none.

    Raises:
        PeopleRemain: somebody is seen all the same, and that was not allowed.
        ClipError: the clip cannot be read over the range, or the result not to its end.
        SoundNotKept: its sound cannot be copied.
        OSError: the destination cannot be written.
    """
    added = 0
    with atomic_path(destination) as partial:
        for number in itertools.count(1):
            yield from _write(tools, plan, partial)
            remaining = yield from _look_again(tools, plan, partial)
            if not remaining or number == MOST_ROUNDS:
                break
            added += len(remaining)
            plan = dataclasses.replace(plan, hidden=plan.hidden.with_boxes(_held(plan.frames, remaining)))
        if remaining and not plan.allow_remaining:
            raise PeopleRemain(
                "Somebody who should be hidden is still seen in {n} frames, first in {frame}, after {rounds} rounds. "
                "The clip was removed. Choose a larger margin or another method, or say that it is to be kept all "
                "the same.",
                remaining,
                rounds=MOST_ROUNDS,
                n=len({person.frame_index for person in remaining}),
                frame=remaining[0].frame_index,
            )
        written = Written(plan, added, tuple(remaining))
        tell(partial, written)
    return written


def _write(tools: RedactingTools, plan: RedactionPlan, path: Path) -> Generator[Progress, None, None]:
    hidden = _hidden_frames(tools, plan)
    if plan.video.photograph:
        (frame,) = hidden
        tools.save_picture(frame.image, path)
        return
    sound = plan.clip if plan.keep_sound else None
    frames = ahead(hidden, FRAMES_AHEAD, "hide")
    try:
        for done in tools.writer.writing(path, frames, plan.video.times.longest_gap, sound):
            yield Progress("Writing hidden frame", done, len(plan.frames))
    finally:
        frames.close()


def _hidden_frames(tools: RedactingTools, plan: RedactionPlan) -> Generator[Frame, None, None]:
    for frame in tools.reader.read(plan.clip, plan.frames):
        regions = plan.regions(frame.index)
        image = tools.hide_pixels(frame.image, regions, plan.hiding) if regions else frame.image
        yield dataclasses.replace(frame, image=image)


def _look_again(
    tools: RedactingTools, plan: RedactionPlan, path: Path
) -> Generator[Progress, None, list[RemainingPerson]]:
    """Detect people in what was written, in each frame as it is and mirrored, which is another look."""
    found: list[RemainingPerson] = []
    frames = ahead(_frames_of(tools.reader, path, len(plan.frames)), FRAMES_AHEAD, "decode")
    try:
        while chunk := list(itertools.islice(frames, FRAMES_AT_ONCE)):
            for frame, people in zip(chunk, _seen(tools.detector, chunk), strict=True):
                index = plan.frames.start + frame.index
                regions, shown = plan.regions(index), map(tuple, plan.shown.at(index).tolist())
                found += [
                    RemainingPerson(index, plan.video.time_of(index), person.box, person.confidence)
                    for person in remaining_people(people, regions, shown)
                ]
            yield Progress("Looking again at frame", chunk[-1].index + 1, len(plan.frames), len(found))
    finally:
        frames.close()
    return found


def _frames_of(reader: VideoReader, path: Path, count: int) -> Generator[Frame, None, None]:
    yield from reader.read(path, FrameRange(0, count))


def _seen(detector: Detector, frames: Sequence[Frame]) -> Iterator[list[Detection]]:
    mirrored = [dataclasses.replace(frame, image=np.ascontiguousarray(frame.image[:, ::-1])) for frame in frames]
    for frame, first, second in zip(frames, detector.detect(frames), detector.detect(mirrored), strict=True):
        width = frame.image.shape[1]
        turned = [dataclasses.replace(person, box=_mirrored(person.box, width)) for person in second]
        yield [person for person in [*first, *turned] if person.confidence >= SEEN_CONFIDENCE]


def _mirrored(box: Box, width: int) -> Box:
    return (width - box[2], box[1], width - box[0], box[3])


def _held(frames: FrameRange, remaining: Sequence[RemainingPerson]) -> Iterator[tuple[int, Box]]:
    for person in remaining:
        first, last = person.frame_index - _HELD_FRAMES, person.frame_index + _HELD_FRAMES
        for frame in range(max(first, frames.first), min(last, frames.last) + 1):
            yield frame, person.box
