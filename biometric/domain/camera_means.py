"""What is learnt of cameras from people seen by them, and how vectors are centred by it. Numpy only.

The method and its source are described in `camera_adaptation`; here a camera has a name, and people are counted once.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from biometric.domain.camera_adaptation import CameraMeans, centre, learn_camera_means
from biometric.domain.comparison import unit
from biometric.entities import LearntCameras, Vector
from biometric.entities.adaptation import LEAST_SEEN

Vectors = NDArray[np.float32]


def learn_cameras(vectors: Vectors, cameras: Sequence[str], people: Sequence[int]) -> LearntCameras | None:
    """Learn the means of cameras from templates of people; their order is of no account.

    What a camera saw of a person is pooled first, so that each person counts once with each camera. The unknown camera
    ("") has no mean of its own, but its people count in the mean over all.

    Args:
        vectors: (N, D) unit float32.
        cameras: (N,) keys of the cameras that they were seen by, "" for the unknown one.
        people: (N,) whom they show.

    Returns:
        None for fewer than `LEAST_SEEN` people: their mean would be close to their templates.
    """
    if len(set(people)) < LEAST_SEEN:
        return None
    keys, pooled = pool_people(vectors, cameras, people)
    means = learn_camera_means(pooled, np.array([camera for camera, _ in keys]))
    kept = (means.counts >= LEAST_SEEN) & (means.cameras != "")
    return LearntCameras(tuple(means.cameras[kept].tolist()), means.counts[kept], means.means[kept], means.everywhere)


def pool_people(
    vectors: Vectors, cameras: Sequence[str], people: Sequence[int]
) -> tuple[list[tuple[str, int]], Vectors]:
    """Return (camera, person) and the (K, D) unit template of what each camera saw of each person.

    Args:
        vectors, cameras, people: as of `learn_cameras`.
    """
    seen: dict[tuple[str, int], list[int]] = {}
    for row, key in enumerate(zip(cameras, people, strict=True)):
        seen.setdefault(key, []).append(row)
    pooled = [_mean(vectors[rows]) for rows in seen.values()]
    return list(seen), np.stack(pooled) if pooled else vectors[:0]


def centre_by_camera(learnt: LearntCameras, vectors: Vectors, cameras: Sequence[str]) -> Vectors:
    """Centre (N, D) unit vectors by the means of their (N,) cameras' keys, "" and others by the mean over all.

    A vector that all but vanishes stays as it was (`camera_adaptation.centre`).

    Raises:
        ValueError: shapes that do not fit, or NaN or infinity.
    """
    if not learnt.cameras:
        return centre(vectors, learnt.everywhere)
    means = CameraMeans(np.array(learnt.cameras), learnt.counts, learnt.means, learnt.everywhere)
    return means.centre(vectors, np.array(cameras, dtype=np.str_))


def _mean(rows: Vectors) -> Vector:
    """The unit mean of (N, D) rows, or the first of rows that cancel each other."""
    total = rows.sum(axis=0, dtype=np.float64)[np.newaxis].astype(np.float32)
    mean: Vector = unit(total)[0] if np.linalg.norm(total) > 1e-3 else rows[0]
    return mean
