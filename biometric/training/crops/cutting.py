"""From frames to crops: detect, follow, and keep what shows a person well. No embedder: these crops train one."""

import dataclasses
import itertools
from collections import Counter
from collections.abc import Callable, Generator, Sequence, Set
from dataclasses import dataclass, field
from pathlib import Path

from biometric.domain import continuity, selection
from biometric.entities import Detection, Frame, FrameRange, Image, Notice, NoticeCode, Progress
from biometric.errors import DamagedClip
from biometric.pipeline.streaming import FrameSource, Stopwatch, TrackedFrame, in_each_frame, tracked_frames
from biometric.ports import Detector, SharpnessOf, TrackerFactory, VideoReader
from biometric.training.crops.crop_records import NewCrop

Keep = Callable[[NewCrop], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which crops are kept.

    Attributes:
        rules: what a box must fulfil.
        min_sharpness: variance of the Laplacian, measured as in `clips.crops.sharpness`, below which it is blurred.
        every: each so many-th frame is looked at; 1 for all.
        min_track: a track seen in fewer of them is a false detection; its crops are not kept.
        follow: link boxes over time. Without, every box is a crop of its own.
        accept_damaged: use a damaged clip up to where it can be read.
    """

    rules: selection.Rules
    min_sharpness: float = 20.0
    every: int = 5
    min_track: int = 3
    follow: bool = True
    accept_damaged: bool = False


@dataclass(frozen=True, slots=True)
class CropTools:
    """The adapters that cutting works with. The detector is loaded when first needed."""

    reader: VideoReader
    detector: Callable[[], Detector]
    new_tracker: TrackerFactory
    sharpness: SharpnessOf
    picture: Callable[[Path], Image]


@dataclass(slots=True)
class Counts:
    """What a video gave: frames looked at, tracks that left a crop, boxes refused by reason."""

    frames: int = 0
    tracks: int = 0
    refused: Counter[NoticeCode] = field(default_factory=Counter)


def cut_clip(
    clip: Path, detector: Detector, wanted: Wanted, tools: CropTools, keep: Keep
) -> Generator[Progress, None, Counts]:
    """Hand a clip's crops to `keep`; the generator's return value is what was counted.

    Raises:
        ClipError: the clip cannot be read, or is damaged and that was not accepted.
    """
    video = tools.reader.probe(clip)
    if video.damage is not None and not wanted.accept_damaged:
        raise DamagedClip(
            "Use what can be read with --accept-damaged, or copy it again.",
            video.frame_count,
            video.claimed_frames,
            video.damage,
        )
    frames = FrameRange(0, video.frame_count, wanted.every)
    footage = FrameSource(tools.reader, clip, video, frames, wanted.accept_damaged)
    tracker = tools.new_tracker(footage.analysed_fps) if wanted.follow else None
    cutter = _Cutter(wanted, tools, keep)
    chunks = tracked_frames(footage, in_each_frame(detector), tracker, Stopwatch())
    try:
        for chunk in chunks:
            for tracked in chunk:
                cutter.take(tracked)
            yield Progress("Reading frame", min(chunk[-1].frame.index + 1, video.frame_count), video.frame_count)
    finally:
        chunks.close()
    return cutter.end()


def cut_photograph(image: Image, boxes: Sequence[Detection], wanted: Wanted, tools: CropTools, keep: Keep) -> Counts:
    """Hand the crops of a labelled photograph, (H, W, 3) uint8 BGR, to `keep`. Its edges may cut people off."""
    rules = dataclasses.replace(wanted.rules, border=selection.NO_BORDER)
    cutter = _Cutter(dataclasses.replace(wanted, rules=rules, follow=False), tools, keep)
    cutter.take(TrackedFrame(Frame(0, image, 0.0), list(boxes)))
    return cutter.end()


@dataclass(slots=True)
class _Track:
    """A track while it is followed: `number` counts within the video; crops wait until it has lasted."""

    number: int
    last: Detection
    seen: int = 0
    waiting: list[NewCrop] = field(default_factory=list)
    counted: bool = False


class _Cutter:
    """Looks at one video's frames in order."""

    def __init__(self, wanted: Wanted, tools: CropTools, keep: Keep) -> None:
        self._wanted, self._sharpness, self._keep = wanted, tools.sharpness, keep
        self._tracks: dict[int, _Track] = {}
        self._numbers = itertools.count(1)
        self._counts = Counts()

    def take(self, tracked: TrackedFrame) -> None:
        """Take the next frame's people."""
        frame, detections = tracked.frame, tracked.detections
        self._counts.frames += 1
        if not self._wanted.follow:
            for detection in detections:
                cut = self._cut(frame, detection, detections, None)
                if cut is not None:
                    self._keep(cut)
            return
        self._leave(frame, detections, {detection.box_index for _, detection in tracked.tracked})
        for track_id, detection in tracked.tracked:
            self._follow(track_id, detection, frame, detections)
        for track_id in tracked.ended:
            self._drop(self._tracks.pop(track_id, None))

    def end(self) -> Counts:
        """End the tracks that are still open."""
        for track in self._tracks.values():
            self._drop(track)
        self._tracks.clear()
        return self._counts

    def _follow(self, track_id: int, detection: Detection, frame: Frame, detections: Sequence[Detection]) -> None:
        track = self._tracks.get(track_id)
        if track is None or continuity.jumps(track.last, detection):
            self._drop(track)
            track = self._tracks[track_id] = _Track(next(self._numbers), detection)
        track.last, track.seen = detection, track.seen + 1
        cut = self._cut(frame, detection, detections, track.number)
        if cut is not None:
            track.waiting.append(cut)
        if track.seen >= self._wanted.min_track and track.waiting:
            self._counts.tracks += not track.counted
            track.counted = True
            for crop in track.waiting:
                self._keep(crop)
            track.waiting.clear()

    def _leave(self, frame: Frame, detections: Sequence[Detection], followed: Set[int]) -> None:
        """Count the boxes that belong to no track: by what is wrong with them, where something is."""
        for detection in detections:
            if detection.box_index not in followed:
                reason = self._refusal(frame, detection, detections)
                self._refuse(NoticeCode.NOT_FOLLOWED if reason is None else reason.code)

    def _refusal(self, frame: Frame, detection: Detection, all_there: Sequence[Detection]) -> Notice | None:
        height, width = frame.image.shape[:2]
        others = [other for other in all_there if other is not detection]
        return selection.refusal(detection, others, width, height, self._wanted.rules)

    def _drop(self, track: _Track | None) -> None:
        if track is not None:
            self._refuse(NoticeCode.FOLLOWED_TOO_BRIEFLY, len(track.waiting))

    def _cut(
        self, frame: Frame, detection: Detection, all_there: Sequence[Detection], track: int | None
    ) -> NewCrop | None:
        reason = self._refusal(frame, detection, all_there)
        if reason is not None:
            self._refuse(reason.code)
            return None
        image = selection.crop(frame.image, detection.box)
        if self._sharpness(image) < self._wanted.min_sharpness:
            self._refuse(NoticeCode.BLURRED)
            return None
        return NewCrop(frame.index, detection.box_index, track, image)

    def _refuse(self, reason: NoticeCode, count: int = 1) -> None:
        if count:
            self._counts.refused[reason] += count
