"""Measures on a clip what each way of hiding leaves: who is detected, and who is recognised."""

from collections import Counter, defaultdict
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from biometric.domain import comparison, selection
from biometric.domain.hidden_regions import BoxTable, SeenPeople, regions_of
from biometric.domain.hiding_rates import detected_again, hiding_rates
from biometric.entities import Box, Detection, Frame, FrameRange, Observation, Progress, Vector
from biometric.entities.redaction import ALL_HIDINGS, Hiding
from biometric.entities.redaction_measure import RedactionMeasure
from biometric.errors import TooFewPeople
from biometric.pipeline.redacting import SEEN_CONFIDENCE
from biometric.pipeline.streaming import FrameSource
from biometric.ports import Detector, Embedder, PixelHider

DETECTION_FRAMES = 40
"""Frames, spread over the footage, in which people are detected again."""

SURE_CONFIDENCE = 0.4
"""Least confidence of a person of the original who is counted."""

LEAST_SAMPLES = 4
"""Samples of somebody who is compared: the first half in time are the reference, the others the probe."""

_SETTINGS: tuple[Hiding | None, ...] = (None, *ALL_HIDINGS)


@dataclass(frozen=True, slots=True)
class MeasuringTools:
    """The adapters that measuring works with."""

    detector: Detector
    embedder: Embedder
    hide_pixels: PixelHider


@dataclass(frozen=True, slots=True)
class MeasuredFootage:
    """Footage with its people.

    Attributes:
        observations: everybody, described in each frame.
        hidden: boxes of everybody who is to be hidden.
    """

    source: FrameSource
    seen: SeenPeople
    observations: Sequence[Observation]
    hidden: BoxTable
    margin: float


def measure_hiding(
    tools: MeasuringTools, footage: MeasuredFootage, threshold: float
) -> Generator[Progress, None, RedactionMeasure]:
    """Measure all ways of hiding; the return value is the result.

    Args:
        threshold: comparison threshold of "recognised".

    Raises:
        TooFewPeople: fewer than two people have enough samples.
        ClipError: the clip cannot be read again.
    """
    people = [_Samples.of(person) for person in footage.observations if len(person.kept) >= LEAST_SAMPLES]
    if len(people) < 2:
        raise TooFewPeople(
            "{n} of the people in this footage can be compared; measuring needs two at least. Choose footage with more "
            "people who are seen well.",
            n=len(people),
        )
    run = _Measuring(tools, footage, people)
    first, last = footage.seen.first_frame, max(run.wanted)
    for frame in footage.source.reader.read(footage.source.clip, FrameRange(first, last + 1)):
        if frame.index in run.wanted:
            run.take(frame)
            yield Progress("Measuring frame", frame.index - first + 1, last - first + 1)
    return run.result(threshold)


@dataclass(frozen=True, slots=True)
class _Samples:
    """Where somebody's samples are."""

    references: tuple[Detection, ...]
    probes: tuple[Detection, ...]

    @classmethod
    def of(cls, person: Observation) -> "_Samples":
        places = [sample.detection for sample in person.kept]
        half = len(places) // 2
        return cls(tuple(places[:half]), tuple(places[half:]))


class _Measuring:
    """Collects detections and embeddings, frame by frame.

    Attributes:
        wanted: numbers of the frames that are needed.
    """

    def __init__(self, tools: MeasuringTools, footage: MeasuredFootage, people: Sequence[_Samples]) -> None:
        self._tools, self._footage, self._people = tools, footage, people
        seen = footage.seen
        spread = np.linspace(seen.first_frame, seen.last_frame, min(DETECTION_FRAMES, len(seen.seconds)))
        self._detected_in = {int(frame) for frame in spread}
        self._samples: dict[int, list[Detection]] = defaultdict(list)
        for person in people:
            for detection in (*person.references, *person.probes):
                self._samples[detection.frame_index].append(detection)
        self.wanted = self._detected_in | self._samples.keys()
        self._originals = 0
        self._again: Counter[Hiding | None] = Counter()
        self._vectors: dict[tuple[Hiding | None, Detection], Vector] = {}

    def take(self, frame: Frame) -> None:
        """Hide everybody in a frame in each way, and look at it."""
        height, width = frame.image.shape[:2]
        regions = regions_of(self._footage.hidden.at(frame.index), self._footage.margin, width, height)
        detections, samples = self._sure_people(frame.index), self._samples[frame.index]
        self._originals += len(detections)
        for hiding in _SETTINGS:
            image = frame.image if hiding is None else self._tools.hide_pixels(frame.image, regions, hiding)
            if detections:
                [found] = self._tools.detector.detect([Frame(frame.index, image, frame.seconds)])
                boxes = [person.box for person in found if person.confidence >= SEEN_CONFIDENCE]
                self._again[hiding] += detected_again(detections, boxes)
            if samples:
                vectors = self._tools.embedder.embed([selection.crop(image, sample.box) for sample in samples])
                for sample, vector in zip(samples, vectors, strict=True):
                    self._vectors[hiding, sample] = vector

    def result(self, threshold: float) -> RedactionMeasure:
        """Return the table."""
        plain = self._pooled(None, [person.references for person in self._people])
        rows = tuple(
            hiding_rates(
                hiding,
                self._again[hiding] / max(1, self._originals),
                self._pooled(hiding, [person.probes for person in self._people]),
                plain,
                self._pooled(hiding, [person.references for person in self._people]),
                threshold,
            )
            for hiding in _SETTINGS
        )
        embedder, detector = self._tools.embedder.model_id, self._tools.detector.name
        day = datetime.now(UTC).date().isoformat()
        return RedactionMeasure(rows, len(self._people), self._originals, threshold, embedder, detector, day)

    def _sure_people(self, frame: int) -> list[Box]:
        if frame not in self._detected_in:
            return []
        frames = self._footage.seen.detections.frames
        start, stop = np.searchsorted(np.array(frames), [frame, frame + 1])
        people = [self._footage.seen.detections[row] for row in range(start, stop)]
        return [person.box for person in people if person.confidence >= SURE_CONFIDENCE]

    def _pooled(self, hiding: Hiding | None, samples: Sequence[Sequence[Detection]]) -> NDArray[np.float32]:
        model_id = self._tools.embedder.model_id
        pooled = [comparison.pool([self._vectors[hiding, place] for place in places], model_id) for places in samples]
        return np.stack([template.vector for template in pooled])
