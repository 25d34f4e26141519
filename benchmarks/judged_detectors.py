"""One row of the table of detectors."""

import dataclasses
from dataclasses import dataclass

from benchmarks.judging import EMPTY, OCCUPIED, ONE_BY_ONE, PHOTOGRAPHS, Bench, Remembering, observe, quickest
from biometric.cli.evaluate_detector import confidences, photographs
from biometric.clips.video import PyAVReader
from biometric.domain.selection import Rules
from biometric.entities.progress import finish
from biometric.evaluation.detector_accuracy import measure_detector
from biometric.evaluation.protocols import Estimate
from biometric.models.detection import STARTS_TRACK
from biometric.models.loading import load_detector, load_measured_detector
from biometric.models.store import ModelStore
from biometric.ports import Embedder

SURE = Rules().min_confidence
"""From here on a crop can be embedded: without one such box a person is in no answer by name."""
TIMED = range(100, 124)
"""Frames of the clip, with a person, on which speed is measured."""


@dataclass(frozen=True, slots=True)
class Found:
    """In `ONE_BY_ONE`, of frames in which somebody stands the share with a box, of empty frames the share without."""

    occupied: float
    empty: float


@dataclass(frozen=True, slots=True)
class DetectorRow:
    """What was measured.

    Attributes:
        ap50: on the validation photographs, None where they are not there.
        starting, sure: boxes that start a track, and that can be embedded.
        kept: frames that the app's answer covers with a track.
        people: in the app's answer; three are right.
        milliseconds: a frame of 768×432.
    """

    ap50: Estimate | None
    recall: Estimate | None
    starting: Found
    sure: Found
    kept: Found
    people: int
    milliseconds: float


def judge(bench: Bench, detector: str, embedder: Embedder, embedder_name: str, limit: int | None) -> DetectorRow:
    """Measure a detector, by card or path, with the embedder of the pipeline.

    Args:
        limit: most photographs, None for all.

    Raises:
        ModelError, InvalidSetting: the detector cannot be used.
    """
    settings = bench.settings(detector=detector)
    everything = ModelStore(settings, load_detector=load_measured_detector).detector()
    ap50 = recall = None
    if PHOTOGRAPHS.is_dir():
        wanted = photographs(PHOTOGRAPHS, "val")
        wanted = dataclasses.replace(wanted, files=wanted.files[:limit])
        measured = finish(measure_detector(wanted, everything, confidences()))
        ap50, recall = measured.ap50, measured.points["starts a track"].recall
    remembering = Remembering(everything)
    service = bench.service(remembering, embedder, embedder_name)
    try:
        observed = observe(service, ONE_BY_ONE)
    finally:
        service.close()
    covered = {each.frame_index for person in observed.observations for each in person.tracklet.detections}
    return DetectorRow(
        ap50,
        recall,
        shares_of_frames({index for index in remembering.seen if _surest(remembering, index) >= STARTS_TRACK}),
        shares_of_frames({index for index in remembering.seen if _surest(remembering, index) >= SURE}),
        shares_of_frames(covered),
        len(observed.observations),
        _speed(bench, detector),
    )


def _surest(remembering: Remembering, index: int) -> float:
    return max((each.confidence for each in remembering.seen[index]), default=0.0)


def shares_of_frames(frames: set[int]) -> Found:
    """Return the shares of occupied frames with, and of empty frames without, a detection."""
    occupied, empty = (sum(frame in frames for frame in among) / len(among) for among in (OCCUPIED, EMPTY))
    return Found(occupied, 1.0 - empty)


def _speed(bench: Bench, detector: str) -> float:
    """As the app runs it: weak detections are left out, frames come by eight."""
    loaded = ModelStore(bench.settings(detector=detector), load_detector=load_detector).detector()
    frames = list(PyAVReader().grab(ONE_BY_ONE, TIMED).values())
    return quickest(
        lambda: [loaded.detect(frames[start : start + 8]) for start in range(0, len(frames), 8)], len(frames)
    )
