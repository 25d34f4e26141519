"""Judges the people found in a clip by its labels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biometric.errors import TruthInvalid
from biometric.evaluation.mot.box_tracks import BoxTracks
from biometric.evaluation.mot.people_counts import PeopleCounts, count_people, matched_rows
from biometric.evaluation.mot.trackeval_scores import MotScores, mot_scores
from biometric.evaluation.mot.truth_files import Truth


@dataclass(frozen=True, slots=True, eq=False)
class ClipJudged:
    """How well the people found in a clip agree with its labels.

    Attributes:
        frames: (F,) int64, 0-based, rising: the frames that were judged.
        labelled: labelled boxes in these frames that were judged.
        found: the found boxes that were judged.
        passed_over: found boxes that were not judged, because they lie on labels that do not count.
    """

    scores: MotScores
    counts: PeopleCounts
    frames: NDArray[np.int64]
    labelled: int
    found: BoxTracks
    passed_over: int


def judge(truth: Truth, found: BoxTracks, frames: NDArray[np.int64]) -> ClipJudged:
    """Judge found people in the frames that were analysed, (F,) int64, 0-based, rising.

    Raises:
        TruthInvalid: nobody who counts is labelled in these frames.
        EvaluationLibraryMissing: TrackEval is not installed.
    """
    people = truth.people.in_frames(frames)
    if not len(people):
        raise TruthInvalid(
            f"Nobody is labelled in the {len(frames)} frames that were analysed. Label each frame, or choose another "
            "range with --from and --to."
        )
    seen = found.in_frames(frames)
    counted = seen.where(~_passed_over(truth, seen, frames))
    return ClipJudged(
        mot_scores(people, counted, frames),
        count_people(people, counted, frames),
        frames,
        len(people),
        counted,
        len(seen) - len(counted),
    )


def _passed_over(truth: Truth, found: BoxTracks, frames: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which found boxes, (N,), lie on labels that do not count, as MOTChallenge's preparation takes them out."""
    passed = np.zeros(len(found), bool)
    for frame in frames:
        rows, labelled, other = (tracks.rows_of(int(frame)) for tracks in (found, truth.people, truth.passed_over))
        count = labelled.stop - labelled.start
        boxes = np.concatenate([truth.people.boxes[labelled], truth.passed_over.boxes[other]])
        for label, column in matched_rows(boxes, found.boxes[rows]):
            passed[rows.start + column] = label >= count
    return passed
