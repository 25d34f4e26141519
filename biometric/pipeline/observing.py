"""From frames to observations: detect, track, select, embed, pool. Streams in bounded memory.

This is the slow half of Sightline; everything after it is arithmetic on its result. It is written as a generator of
`Progress`: whoever closes the generator stops the work at once, and the crops written so far are removed.
"""

import itertools
import time
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from biometric.domain import comparison, continuity, selection
from biometric.entities import (
    Detection,
    Frame,
    FrameRange,
    Image,
    Observation,
    Progress,
    Sample,
    Tracklet,
    Vector,
    VideoInfo,
)
from biometric.ports import CropStore, Detector, Embedder, Tracker, TrackerFactory, VideoReader

FRAMES_AT_ONCE = 8
"""Frames decoded before the detector runs, so that a GPU gets batches; 200 MB at 4K."""

CROPS_AT_ONCE = 32
"""Crops that wait before the embedder runs."""

NOISE_DETECTIONS = 3
"""A track seen in fewer analysed frames, none of them usable, is a flicker of the detector and not a person."""


@dataclass(frozen=True, slots=True)
class Tools:
    """The adapters that one observation works with."""

    reader: VideoReader
    detector: Detector
    new_tracker: TrackerFactory
    embedder: Embedder
    crops: CropStore
    sharpness: Callable[[Image], float]


@dataclass(frozen=True, slots=True)
class Job:
    """What to observe.

    `min_track_similarity` is the comparison score that two parts of one person's track at least have.
    """

    clip: Path
    video: VideoInfo
    frames: FrameRange
    folder: Path
    rules: selection.Rules
    min_track_similarity: float


@dataclass(frozen=True, slots=True)
class Observed:
    """Result of `observe`: people in order of appearance, frames that the detector saw, seconds by stage."""

    observations: tuple[Observation, ...]
    analysed_frames: int
    timings: dict[str, float]


@dataclass(slots=True, eq=False)
class _OpenSegment:
    """A part of a track without a jump, while it is followed."""

    candidates: selection.Candidates
    detections: list[Detection] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class _Track:
    """A track while it is followed, then while its picks wait for the embedder."""

    track_id: int
    segments: list[_OpenSegment] = field(default_factory=list)

    @property
    def crops(self) -> int:
        """At most so many crops will be embedded."""
        return sum(len(segment.candidates.best) for segment in self.segments)


@dataclass(slots=True, eq=False)
class _Person:
    """A person of a finished track: what is left once the pictures are on disk."""

    track_id: int
    detections: list[Detection]
    samples: list[Sample]


def observe(job: Job, tools: Tools) -> Generator[Progress, None, Observed]:
    """Observe a frame range; the generator's return value is the result.

    Raises:
        ClipError: the clip cannot be read over the whole range.
        StorageFull: crops cannot be written.
    """
    run = _Run(job, tools)
    try:
        yield from run.watch()
        yield from run.finish()
    except BaseException:
        run.discard()
        raise
    return Observed(run.observations(), run.analysed, dict(run.timings))


class _Run:
    """State of one observation."""

    def __init__(self, job: Job, tools: Tools) -> None:
        self.job = job
        self.tools = tools
        self.tracker: Tracker = tools.new_tracker(job.video.fps / job.frames.step)
        self.tracks: dict[int, _Track] = {}
        self.waiting: list[_Track] = []
        self.people: list[_Person] = []
        self.analysed = 0
        self.timings: dict[str, float] = defaultdict(float)
        self.written: list[Path] = []
        self.started = time.perf_counter()

    def watch(self) -> Generator[Progress, None, None]:
        """Detect and track over the range, embedding tracks as they end so that memory does not grow."""
        frames = self._decoded()
        try:
            while chunk := list(itertools.islice(frames, FRAMES_AT_ONCE)):
                with self._timed("detect"):
                    detected = self.tools.detector.detect(chunk)
                for frame, detections in zip(chunk, detected, strict=True):
                    self._follow(frame, detections)
                if sum(track.crops for track in self.waiting) >= CROPS_AT_ONCE:
                    tracks, self.waiting = self.waiting, []
                    self._embed(tracks)
                yield self._progress("Reading frame", chunk[-1].index - self.job.frames.start + 1)
        finally:
            frames.close()

    def finish(self) -> Generator[Progress, None, None]:
        """End the tracks that are still open and embed what waits."""
        self._end(list(self.tracks))
        total = len(self.people) + len(self.waiting)
        while self.waiting:
            sizes = itertools.accumulate(track.crops for track in self.waiting)
            batch = 1 + sum(size < CROPS_AT_ONCE for size in sizes)
            tracks, self.waiting = self.waiting[:batch], self.waiting[batch:]
            self._embed(tracks)
            yield Progress("Describing person", total - len(self.waiting), total)

    def observations(self) -> tuple[Observation, ...]:
        """People in order of first appearance, numbered from 1."""
        people = [
            person
            for person in self.people
            if len(person.detections) >= NOISE_DETECTIONS or any(sample.kept for sample in person.samples)
        ]
        people.sort(key=lambda person: (person.detections[0].frame_index, person.track_id))
        return tuple(self._observation(number, person) for number, person in enumerate(people, start=1))

    def discard(self) -> None:
        """Remove the crops written so far: an abandoned observation leaves nothing behind."""
        for path in self.written:
            path.unlink(missing_ok=True)

    def _decoded(self) -> Generator[Frame, None, None]:
        frames: Iterator[Frame] = self.tools.reader.read(self.job.clip, self.job.frames)
        try:
            while True:
                with self._timed("decode"):
                    frame = next(frames, None)
                if frame is None:
                    return
                yield frame
        finally:
            close = getattr(frames, "close", None)
            if close is not None:
                close()

    def _follow(self, frame: Frame, detections: list[Detection]) -> None:
        with self._timed("track"):
            tracked = self.tracker.update(frame, detections)
            ended = self.tracker.ended()
        with self._timed("select"):
            self.analysed += 1
            for track_id, detection in tracked:
                self._offer(track_id, detection, frame.image, detections)
            self._end(ended)

    def _offer(self, track_id: int, detection: Detection, image: Image, detections: Sequence[Detection]) -> None:
        candidates = self._segment(track_id, detection).candidates
        height, width = image.shape[:2]
        others = [other for other in detections if other is not detection]
        rating = selection.quality(detection, others, height)
        reason = selection.refusal(detection, others, width, height, self.job.rules)
        if reason is not None:
            cut = selection.crop(image, detection.box) if candidates.shows_refused else None
            candidates.refuse(detection, cut, rating, reason)
        elif candidates.wants(detection, rating):
            cut = selection.crop(image, detection.box)
            candidates.offer(detection, cut, rating, self.tools.sharpness(cut))

    def _segment(self, track_id: int, detection: Detection) -> _OpenSegment:
        """The part of the track that a detection continues; a new part where the track jumps."""
        track = self.tracks.setdefault(track_id, _Track(track_id))
        if not track.segments or continuity.jumps(track.segments[-1].detections[-1], detection):
            track.segments.append(_OpenSegment(selection.Candidates(self.job.rules)))
        track.segments[-1].detections.append(detection)
        return track.segments[-1]

    def _end(self, track_ids: list[int]) -> None:
        self.waiting += [track for track_id in track_ids if (track := self.tracks.pop(track_id, None)) is not None]

    def _embed(self, tracks: list[_Track]) -> None:
        """Embed finished tracks together, put their crops on disk and let go of the pictures."""
        chosen = [[segment.candidates.chosen() for segment in track.segments] for track in tracks]
        images = [pick.image for segments in chosen for picks, _ in segments for pick in picks]
        with self._timed("embed"):
            rows = self.tools.embedder.embed(images)
        with self._timed("select"):
            done = 0
            for track, segments in zip(tracks, chosen, strict=True):
                parts = []
                for segment, (picks, refused) in zip(track.segments, segments, strict=True):
                    own = rows[done : done + len(picks)]
                    parts.append(continuity.TrackSegment(segment.detections, picks, own, refused))
                    done += len(picks)
                for part in continuity.people(parts, self.job.min_track_similarity):
                    self.people.append(self._person(track.track_id, part))

    def _person(self, track_id: int, part: continuity.TrackSegment) -> _Person:
        strangers = set(comparison.outliers(part.rows, self.job.min_track_similarity)) if part.picks else set()
        samples = [
            self._sample(pick.detection, pick.quality, pick.image, embedding=part.rows[index])
            if index not in strangers
            else self._sample(pick.detection, pick.quality, pick.image, "does not look like the other samples")
            for index, pick in enumerate(part.picks)
        ]
        samples += [self._sample(item.detection, item.quality, item.image, item.reason) for item in part.refused]
        samples.sort(key=lambda sample: sample.detection.frame_index)
        return _Person(track_id, part.detections, samples)

    def _sample(
        self,
        detection: Detection,
        quality: float,
        image: Image | None,
        refusal: str | None = None,
        embedding: Vector | None = None,
    ) -> Sample:
        path = None
        if image is not None:
            path = self.job.folder / detection.crop_name
            self.written.append(path)
            self.tools.crops.save(image, path)
        return Sample(detection, quality, refusal, path, embedding)

    def _observation(self, number: int, person: _Person) -> Observation:
        vectors = [sample.embedding for sample in person.samples if sample.embedding is not None]
        template = comparison.pool(vectors, self.tools.embedder.model_id) if vectors else None
        tracklet = Tracklet(person.track_id, tuple(person.detections))
        return Observation(number, tracklet, tuple(person.samples), template)

    def _progress(self, stage: str, done: int) -> Progress:
        total = len(self.job.frames)
        elapsed = time.perf_counter() - self.started
        left = elapsed / done * (total - done) if elapsed > 1.0 else None
        return Progress(stage, min(done, total), total, len(self.people) + len(self.waiting) + len(self.tracks), left)

    @contextmanager
    def _timed(self, stage: str) -> Generator[None, None, None]:
        start = time.perf_counter()
        try:
            yield
        finally:
            self.timings[stage] += time.perf_counter() - start
