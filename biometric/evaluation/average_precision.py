"""How well boxes of a detector agree with labelled boxes: average precision, recall and precision. Numpy only.

Detections are matched to labels as COCO's evaluation does (Lin and others, "Microsoft COCO: Common Objects in
Context", ECCV 2014; pycocotools): within a picture, the surest detection first, each takes the label of highest IoU
that is still free and reaches the wanted IoU. A label is taken once, so a second box of one person is an error.

Average precision is the area under the precision-recall curve at all points, after precision at each recall was
raised to the highest precision at that recall or a higher one (the monotone envelope of PASCAL VOC since 2010:
Everingham and others, "The PASCAL Visual Object Classes (VOC) Challenge", IJCV 88 (2010)). COCO's own tools sample
that envelope at 101 recalls instead; both differ by less than 0.01. AP50-95 is the mean over COCO's ten IoUs.

Detections that a detector never reports, because they are below its least confidence, are missed: its AP is then a
lower one than that of the same detector without that limit.

Intervals draw whole pictures with replacement: people and errors of one picture are not independent.
The envelope is optimistic for small sets: of simulated 95 % intervals, 90 % held the truth with 60 pictures, 95 % with
200.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from biometric.entities.boxes import iou_matrix
from biometric.evaluation.protocols import Estimate
from biometric.statistics.intervals import ROUNDS, Interval, draws, percentile_interval, ratios

IOUS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
"""COCO's: 0.5, 0.55, … 0.95."""

Boxes = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """One picture.

    Attributes:
        detected: (D, 4) float64 x1, y1, x2, y2 in pixels, the detector's boxes in any order.
        confidences: (D,) float64 in [0, 1].
        labelled: (L, 4) float64, as `detected`, the people who are there.

    Raises:
        ValueError: shapes that do not fit.
    """

    detected: Boxes
    confidences: NDArray[np.float64]
    labelled: Boxes

    def __post_init__(self) -> None:
        count = len(self.confidences)
        if self.detected.shape != (count, 4) or self.labelled.ndim != 2 or self.labelled.shape[1] != 4:
            raise ValueError(
                f"expected (D, 4) boxes, (D,) confidences and (L, 4) labels, "
                f"got {self.detected.shape}, {self.confidences.shape} and {self.labelled.shape}"
            )


@dataclass(frozen=True, slots=True, eq=False)
class Matches:
    """All detections of P pictures, surest first, each right or wrong at each IoU.

    Attributes:
        ious: T wanted IoUs.
        confidences: (D,) float64, falling.
        right: (T, D) bool, the detection took a label.
        pictures: (D,) int64, number of the detection's picture, from 0.
        labels: (P,) float64, labelled people of each picture; at least one altogether.
    """

    ious: tuple[float, ...]
    confidences: NDArray[np.float64]
    right: NDArray[np.bool_]
    pictures: NDArray[np.int64]
    labels: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class AtConfidence:
    """Recall and precision of the detections from a confidence on; precision is None where there are none."""

    confidence: float
    recall: Estimate
    precision: Estimate | None


def match(pictures: Sequence[Judged], ious: Sequence[float] = IOUS) -> Matches:
    """Match detections to labels. Of equal confidences, the earlier picture's (then the earlier box) comes first.

    Raises:
        ValueError: no IoU, or one outside (0, 1]; no label in any picture, so that recall has no meaning.
    """
    if not ious or not all(0.0 < iou <= 1.0 for iou in ious):
        raise ValueError(f"expected IoUs above 0 and at most 1, got {list(ious)}")
    labels = np.array([len(picture.labelled) for picture in pictures], np.float64)
    if labels.sum() == 0:
        raise ValueError("expected at least one labelled person, got none")
    wanted = np.array(ious, np.float64)
    confidences = np.concatenate([picture.confidences for picture in pictures])
    right = np.concatenate([_matched(picture, wanted) for picture in pictures], axis=1)
    numbers = np.repeat(np.arange(len(pictures)), [len(picture.confidences) for picture in pictures])
    order = np.argsort(-confidences, kind="stable")
    return Matches(tuple(ious), confidences[order], right[:, order], numbers[order], labels)


def average_precision(matches: Matches, ious: Sequence[float] | None = None, seed: int = 0) -> Estimate:
    """Average precision, in [0, 1], averaged over `ious` (None: all that were matched), with its interval.

    Raises:
        ValueError: an IoU that was not matched.
    """
    rows = _rows(matches, matches.ious if ious is None else ious)
    value = draw_average_precisions(matches, rows, np.ones((1, len(matches.labels))))[0]
    drawn = [draw_average_precisions(matches, rows, weights) for weights in draws(len(matches.labels), ROUNDS, seed)]
    return Estimate(float(value), _over_pictures(np.concatenate(drawn)))


def at_confidence(matches: Matches, confidence: float, iou: float = 0.5, seed: int = 0) -> AtConfidence:
    """Recall and precision of the detections at or above a confidence, at one of the matched IoUs.

    Raises:
        ValueError: an IoU that was not matched.
    """
    (row,) = _rows(matches, [iou])
    count = int((matches.confidences >= confidence).sum())
    pictures, size = matches.pictures[:count], len(matches.labels)
    reported = np.bincount(pictures, minlength=size).astype(np.float64)
    right = np.bincount(pictures, weights=matches.right[row, :count], minlength=size)
    weights = np.concatenate([np.ones((1, size)), *draws(size, ROUNDS, seed)])
    recall, precision = (ratios(weights @ right, weights @ below) for below in (matches.labels, reported))
    return AtConfidence(
        confidence,
        Estimate(float(recall[0]), _over_pictures(recall[1:])),
        Estimate(float(precision[0]), _over_pictures(precision[1:])) if count else None,
    )


def curve(matches: Matches, iou: float = 0.5) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (recall, precision), each (D,), after each detection, without the envelope.

    Raises:
        ValueError: an IoU that was not matched.
    """
    (row,) = _rows(matches, [iou])
    right_so_far = np.cumsum(matches.right[row])
    return right_so_far / matches.labels.sum(), right_so_far / np.arange(1, len(right_so_far) + 1)


def _matched(picture: Judged, wanted: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return (T, D): whether each detection takes a label at each IoU."""
    right = np.zeros((len(wanted), len(picture.detected)), bool)
    if not picture.labelled.size or not picture.detected.size:
        return right
    shared = iou_matrix(picture.detected, picture.labelled)
    free = np.ones((len(wanted), len(picture.labelled)), bool)
    rows = np.arange(len(wanted))
    for index in np.argsort(-picture.confidences, kind="stable"):
        open_to = np.where(free, shared[index], -1.0)
        best = open_to.argmax(axis=1)
        # IoUs of whole pixels are often exactly a wanted one, and must not be lost by the last digit
        takes_label = open_to[rows, best] >= wanted - 1e-10
        right[:, index] = takes_label
        free[rows[takes_label], best[takes_label]] = False
    return right


def draw_average_precisions(matches: Matches, rows: Sequence[int], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """AP of each of (R, P) multiplicities of pictures, averaged over rows of IoUs: (R,), NaN without a label.

    Precision only rises at a right detection, so the envelope needs no other points.
    """
    counted = weights[:, matches.pictures]
    reported = np.cumsum(counted, axis=1)
    areas = np.zeros(len(weights))
    for row in rows:
        hits = np.flatnonzero(matches.right[row])
        precision = ratios(np.cumsum(counted[:, hits], axis=1), reported[:, hits])
        precision = np.nan_to_num(precision, nan=0.0)  # before the first picture that was drawn
        envelope = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        areas += (counted[:, hits] * envelope).sum(axis=1)
    return ratios(areas / len(rows), weights @ matches.labels)


def _rows(matches: Matches, ious: Sequence[float]) -> list[int]:
    unknown = [iou for iou in ious if iou not in matches.ious]
    if unknown or not ious:
        raise ValueError(f"expected IoUs among {list(matches.ious)}, got {list(ious)}")
    return [matches.ious.index(iou) for iou in ious]


def _over_pictures(statistics: NDArray[np.float64]) -> Interval:
    return replace(percentile_interval(statistics), method="bootstrap over pictures")
