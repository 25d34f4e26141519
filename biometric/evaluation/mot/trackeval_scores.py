"""Scores of multiple-object tracking by TrackEval, the reference implementation of HOTA.

IDF1: Ristani and others, "Performance Measures and a Data Set for Multi-Target, Multi-Camera Tracking", ECCVW 2016.
HOTA: Luiten and others, "HOTA: A Higher Order Metric for Evaluating Multi-Object Tracking", IJCV 129 (2021).
MOTA: Bernardin and Stiefelhagen, "Evaluating Multiple Object Tracking Performance: The CLEAR MOT Metrics", 2008.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from biometric.entities.boxes import iou_matrix
from biometric.errors import EvaluationLibraryMissing
from biometric.evaluation.mot.box_tracks import BoxTracks


@dataclass(frozen=True, slots=True)
class MotScores:
    """Scores of one clip; all but `mota` are in [0, 1], higher is better.

    Attributes:
        idf1, idp, idr: F1, precision and recall of boxes with the right identity, each true person matched with one
            found person at most; at IoU 0.5.
        hota, deta, assa: the geometric mean of how well people are detected and associated, averaged over IoU 0.05 to
            0.95; detection; association.
        mota: 1 - (missed + false + switches) / labelled boxes, at IoU 0.5; below 0 where there are more errors than
            boxes.
        precision, recall: of boxes, at IoU 0.5.
        switches: how often a true person is continued by another found person.
        missed, false: labelled boxes that nobody has, found boxes where nobody is labelled.
        fragments: how often somebody who was found is lost and found again.
    """

    idf1: float
    idp: float
    idr: float
    hota: float
    deta: float
    assa: float
    mota: float
    precision: float
    recall: float
    switches: int
    missed: int
    false: int
    fragments: int


def mot_scores(truth: BoxTracks, found: BoxTracks, frames: NDArray[np.int64]) -> MotScores:
    """Score found boxes against labelled ones in these frames.

    Args:
        truth: at least one box in the frames.
        frames: (F,) int64, 0-based, rising: the frames that are judged.

    Raises:
        EvaluationLibraryMissing: TrackEval is not installed.
    """
    try:
        from trackeval.metrics import CLEAR, HOTA, Identity
    except ImportError as error:
        raise EvaluationLibraryMissing(
            "Scores of tracking need the package trackeval, which is not installed. Install it with: "
            "pip install -r requirements-evaluation.txt"
        ) from error
    sequence = _sequence(truth.in_frames(frames), found.in_frames(frames), frames)
    quiet = {"PRINT_CONFIG": False}
    clear = CLEAR(quiet).eval_sequence(sequence)
    identity = Identity(quiet).eval_sequence(sequence)
    hota = HOTA().eval_sequence(sequence)
    return MotScores(
        **{name.lower(): float(identity[name]) for name in ("IDF1", "IDP", "IDR")},
        **{name.lower(): float(np.mean(hota[name])) for name in ("HOTA", "DetA", "AssA")},
        mota=float(clear["MOTA"]),
        precision=float(clear["CLR_Pr"]),
        recall=float(clear["CLR_Re"]),
        switches=int(clear["IDSW"]),
        missed=int(clear["CLR_FN"]),
        false=int(clear["CLR_FP"]),
        fragments=int(clear["Frag"]),
    )


def _sequence(truth: BoxTracks, found: BoxTracks, frames: NDArray[np.int64]) -> dict[str, Any]:
    """What TrackEval's metrics read: identities counted from 0, and IoU, frame by frame."""
    numbers = [np.unique(tracks.ids, return_inverse=True) for tracks in (truth, found)]
    sequence: dict[str, Any] = {
        "num_timesteps": len(frames),
        "num_gt_dets": len(truth),
        "num_tracker_dets": len(found),
        "num_gt_ids": len(numbers[0][0]),
        "num_tracker_ids": len(numbers[1][0]),
        "gt_ids": [],
        "tracker_ids": [],
        "similarity_scores": [],
    }
    for frame in frames:
        labelled, seen = truth.rows_of(int(frame)), found.rows_of(int(frame))
        sequence["gt_ids"].append(numbers[0][1][labelled])
        sequence["tracker_ids"].append(numbers[1][1][seen])
        sequence["similarity_scores"].append(iou_matrix(truth.boxes[labelled], found.boxes[seen]))
    return sequence
