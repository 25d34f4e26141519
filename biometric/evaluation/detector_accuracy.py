"""Measures a detector on labelled photographs: average precision, recall and precision, speed. Numpy only."""

import statistics
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from biometric.entities import Detection, Frame, Image, Progress
from biometric.errors import DatasetInvalid
from biometric.evaluation import average_precision as ap
from biometric.evaluation.average_precision import AtConfidence, Judged, Matches
from biometric.evaluation.protocols import Estimate
from biometric.ports import Detector


@dataclass(frozen=True, slots=True)
class Photographs:
    """Labelled photographs.

    Attributes:
        files: the photographs.
        load: gives one as (H, W, 3) uint8 BGR; raises `DatasetInvalid`.
        people: gives the labelled people of a file of that width and height; raises `DatasetInvalid`.
    """

    files: Sequence[Path]
    load: Callable[[Path], Image]
    people: Callable[[Path, int, int], list[Detection]]


@dataclass(frozen=True, slots=True, eq=False)
class DetectorMeasured:
    """The measurements of one detector.

    Attributes:
        pictures, people, empty: photographs, labelled people, photographs in which nobody is labelled.
        ap50, ap50_95: average precision at IoU 0.5, and averaged over 0.5 to 0.95.
        points: recall and precision at IoU 0.5, by name of what the app does from that confidence on.
        milliseconds: median time of one photograph, without reading it.
        matches: for curves.
    """

    pictures: int
    people: int
    empty: int
    ap50: Estimate
    ap50_95: Estimate
    points: dict[str, AtConfidence]
    milliseconds: float
    matches: Matches


def measure_detector(
    photographs: Photographs, detector: Detector, confidences: dict[str, float], seed: int = 0
) -> Generator[Progress, None, DetectorMeasured]:
    """Run a detector over photographs, one at a time, and compare its boxes with the labels.

    Photographs differ in size, and a detector may treat a batch of different sizes otherwise than each alone.

    Args:
        detector: one that reports weak detections, too: those that it leaves out count as never found.
        confidences: name → confidence of the operating points.

    Raises:
        DatasetInvalid: a photograph or label cannot be read, or nobody is labelled.
        ModelError: the detector cannot be run.
    """
    judged, seconds = [], []
    for number, file in enumerate(photographs.files, start=1):
        image = photographs.load(file)
        labelled = photographs.people(file, image.shape[1], image.shape[0])
        started = time.perf_counter()
        (detections,) = detector.detect([Frame(0, image, 0.0)])
        seconds.append(time.perf_counter() - started)
        judged.append(
            Judged(
                _boxes(detections),
                np.array([detection.confidence for detection in detections], np.float64),
                _boxes(labelled),
            )
        )
        yield Progress("Photograph", number, len(photographs.files))
    people = sum(len(picture.labelled) for picture in judged)
    if people == 0:
        raise DatasetInvalid("Nobody is labelled in these photographs, so nothing can be measured. Check the labels.")
    matches = ap.match(judged)
    return DetectorMeasured(
        pictures=len(judged),
        people=people,
        empty=sum(not len(picture.labelled) for picture in judged),
        ap50=ap.average_precision(matches, [0.5], seed),
        ap50_95=ap.average_precision(matches, seed=seed),
        points={name: ap.at_confidence(matches, least, seed=seed) for name, least in confidences.items()},
        milliseconds=statistics.median(seconds) * 1000,
        matches=matches,
    )


def _boxes(detections: Sequence[Detection]) -> NDArray[np.float64]:
    return np.array([detection.box for detection in detections], np.float64).reshape(-1, 4)
