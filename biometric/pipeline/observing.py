"""From frames to observations: decode, detect, track, select, embed, pool. Streams in bounded memory.

This is the slow half of Sightline; everything after it is arithmetic on its result. It is a generator of `Progress`:
closing it stops the work at once, and the crops written so far are removed.
"""

import dataclasses
import time
from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from biometric.domain import comparison, selection
from biometric.domain.colour import ColourMeter
from biometric.domain.moment_choice import MomentStretch
from biometric.entities import (
    Detection,
    DetectionList,
    Image,
    LookCounts,
    Notice,
    NoticeCode,
    Observation,
    Progress,
    Sample,
    Tracklet,
    Vector,
)
from biometric.pipeline.embedding_rounds import Waiting, embed_stretches
from biometric.pipeline.following import FollowedTrack, TrackedPerson
from biometric.pipeline.quiet_groups import LEAST_SECONDS, QuietGroups
from biometric.pipeline.small_pictures import SmallPictures
from biometric.pipeline.sparse_detection import LookIntervals, SparseDetector
from biometric.pipeline.stages import BackgroundStage
from biometric.pipeline.streaming import FrameSource, Stopwatch, TrackedFrame, in_each_frame, tracked_frames
from biometric.ports import CropStore, Detector, Embedder, SharpnessOf, SmallGreyOf, TrackerFactory

CROPS_AT_ONCE = 32
"""Most crops of one run of the embedder."""

MOMENTS_AT_ONCE = 64
"""Moments that wait before the embedder runs; about a third of them are embedded."""

NOISE_DETECTIONS = 3
"""A track that the detector saw in fewer frames, none of them usable, is a false detection and not a person."""


@dataclass(frozen=True, slots=True)
class Tools:
    """The adapters that one observation works with, beside the footage's reader.

    Attributes:
        small_grey: lets the detector look only at frames that may show something new; None: at all.
        intervals: how long it may then look at none.
    """

    detector: Detector
    new_tracker: TrackerFactory
    embedder: Embedder
    crops: CropStore
    sharpness: SharpnessOf
    small_grey: SmallGreyOf | None = None
    intervals: LookIntervals = field(default_factory=LookIntervals)


@dataclass(frozen=True, slots=True)
class Sampling:
    """How samples are chosen and where their crops go.

    Attributes:
        folder: of the crops; it exists.
        min_track_similarity: comparison score that two segments of one person's track at least have.
    """

    folder: Path
    rules: selection.Rules
    min_track_similarity: float


@dataclass(frozen=True, slots=True)
class Observed:
    """Result of `observe`: people in order of appearance, analysed frames, seconds by stage, warnings.

    `looks` counts which of the frames the detector saw; None: each.
    """

    observations: tuple[Observation, ...]
    analysed_frames: int
    timings: dict[str, float]
    warnings: tuple[Notice, ...] = ()
    looks: LookCounts | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Person:
    """A person of an ended track, whose crops are on disk."""

    track_id: int
    detections: DetectionList
    looks: int
    samples: list[Sample]
    refusals: Counter[NoticeCode]


def observe(footage: FrameSource, tools: Tools, sampling: Sampling) -> Generator[Progress, None, Observed]:
    """Observe a frame range; the generator's return value is the result.

    Raises:
        ClipError: the clip cannot be read over the whole range.
        StorageFull: crops cannot be written.
    """
    run = _Run(footage, tools, sampling)
    try:
        yield from run.watch()
        yield from run.finish()
    except BaseException:
        run.discard()
        raise
    looks = None if run.sparse is None else run.sparse.counts
    if looks is not None and run.groups is not None:
        looks = dataclasses.replace(looks, undecoded=run.groups.passed_over, all_decoded=run.groups.reason)
    return Observed(run.observations(), run.analysed, dict(run.stopwatch.seconds), tuple(_warnings(run)), looks)


def _warnings(run: "_Run") -> Generator[Notice, None, None]:
    if run.colour.is_grey:
        yield Notice(NoticeCode.GREY_FOOTAGE)
    if run.analysed == 1:
        yield Notice(NoticeCode.SINGLE_PICTURE)


class _Run:
    """State of one observation."""

    def __init__(self, footage: FrameSource, tools: Tools, sampling: Sampling) -> None:
        self.tools, self.sampling = tools, sampling
        self.tracks: dict[int, FollowedTrack] = {}
        self.to_embed: list[Waiting] = []
        self.ended: list[FollowedTrack] = []
        self.people: list[_Person] = []
        self.handed_over = self.analysed = 0
        self.describing = BackgroundStage("describe")
        small = None if tools.small_grey is None else SmallPictures(tools.small_grey)
        self.sparse = None if small is None else SparseDetector(tools.detector, small, tools.intervals)
        worth_it = small is not None and len(footage.frames) / footage.video.fps >= LEAST_SECONDS
        self.groups = QuietGroups(small, tools.intervals.quiet) if small is not None and worth_it else None
        self.footage = dataclasses.replace(footage, choice=self.groups)
        self.colour = ColourMeter()
        self.stopwatch = Stopwatch()
        self.written: list[Path] = []
        self.started = time.perf_counter()

    def watch(self) -> Generator[Progress, None, None]:
        """Detect and track over the range, embedding on the way so that memory does not grow."""
        tracker = self.tools.new_tracker(self.footage.analysed_fps)
        find = in_each_frame(self.tools.detector) if self.sparse is None else self.sparse.find
        chunks = tracked_frames(self.footage, find, tracker, self.stopwatch)
        try:
            for chunk in chunks:
                with self.stopwatch.timed("select"):
                    self.colour.add(chunk[0].frame.image)
                for tracked in chunk:
                    with self.stopwatch.timed("select"):
                        self._take(tracked)
                    moments = sum(len(stretch) for _, stretch in self.to_embed)
                    if max(moments, len(self.ended)) >= MOMENTS_AT_ONCE:
                        self._describe()
                yield self._progress(chunk[-1].frame.index - self.footage.frames.start + 1)
        finally:
            chunks.close()

    def finish(self) -> Generator[Progress, None, None]:
        """End the tracks that are still open and describe the people that are still waiting."""
        with self.stopwatch.timed("select"):
            for track_id in list(self.tracks):
                self._end(track_id)
        self._describe()
        self.describing.finish()
        if total := len(self.people):
            yield Progress("Describing person", total, total)

    @property
    def _looked(self) -> int:
        return self.analysed if self.sparse is None else self.sparse.counts.looked

    def observations(self) -> tuple[Observation, ...]:
        """People in order of first appearance, numbered from 1."""
        enough = min(NOISE_DETECTIONS, self._looked)  # of a photograph, one detection is all that there can be
        people = [
            person for person in self.people if person.looks >= enough or any(sample.kept for sample in person.samples)
        ]
        people.sort(key=lambda person: (person.detections[0].frame_index, person.track_id))
        return tuple(self._observation(number, person) for number, person in enumerate(people, start=1))

    def discard(self) -> None:
        """Stop, and remove the crops written so far: an abandoned observation leaves nothing behind."""
        self.describing.stop()
        for path in self.written:
            path.unlink(missing_ok=True)

    def _take(self, tracked: TrackedFrame) -> None:
        self.analysed += 1
        for track_id, detection in tracked.tracked:
            track = self.tracks.get(track_id)
            if track is None:
                track = self.tracks[track_id] = FollowedTrack(
                    track_id, self.sampling.rules, self.sampling.min_track_similarity, self.tools.sharpness
                )
            others = [other for other in tracked.detections if other is not detection]
            self._queue(track, track.take(tracked.frame, detection, others, tracked.looked))
        for track_id in tracked.ended:
            self._end(track_id)

    def _end(self, track_id: int) -> None:
        track = self.tracks.pop(track_id, None)
        if track is not None:
            self._queue(track, track.end())
            self.ended.append(track)

    def _queue(self, track: FollowedTrack, stretch: MomentStretch | None) -> None:
        if stretch is not None:
            self.to_embed.append((track, stretch))

    def _describe(self) -> None:
        """Have what waits embedded, and the people of ended tracks described, while reading goes on."""
        waiting, self.to_embed = self.to_embed, []
        ended, self.ended = self.ended, []
        self.handed_over += len(ended)

        def job() -> None:
            embed_stretches(waiting, self._embed_crops, CROPS_AT_ONCE)
            with self.stopwatch.timed("select"):
                self.people += [self._person(person) for track in ended for person in track.people()]

        self.describing.do(job)

    def _embed_crops(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        self.describing.check()
        with self.stopwatch.timed("embed"):
            return self.tools.embedder.embed(crops)

    def _person(self, person: TrackedPerson) -> _Person:
        samples = [
            *(self._sample(pick.detection, pick.quality, pick.image, embedding=pick.row) for pick in person.kept),
            *(self._sample(item.detection, item.quality, item.image, item.reason) for item in person.refused),
        ]
        samples.sort(key=lambda sample: sample.detection.frame_index)
        return _Person(person.track_id, person.detections, person.looks, samples, person.refusals)

    def _sample(
        self,
        detection: Detection,
        quality: float,
        image: Image | None,
        refusal: Notice | None = None,
        embedding: Vector | None = None,
    ) -> Sample:
        path = None
        if image is not None:
            path = self.sampling.folder / detection.crop_name
            self.written.append(path)
            self.tools.crops.save(image, path)
        return Sample(detection, quality, refusal, path, embedding)

    def _observation(self, number: int, person: _Person) -> Observation:
        vectors = [sample.embedding for sample in person.samples if sample.embedding is not None]
        template = comparison.pool(vectors, self.tools.embedder.model_id) if vectors else None
        tracklet = Tracklet(person.track_id, person.detections)
        return Observation(number, tracklet, tuple(person.samples), template, person.refusals)

    def _progress(self, done: int) -> Progress:
        total = len(self.footage.frames)
        elapsed = time.perf_counter() - self.started
        left = elapsed / done * (total - done) if elapsed > 1.0 else None
        people = self.handed_over + len(self.ended) + len(self.tracks)
        return Progress("Reading frame", min(done, total), total, people, left)
