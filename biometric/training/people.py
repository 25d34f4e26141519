"""Labelled pictures for training: which people teach, and which are only there to judge."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from biometric.errors import DatasetInvalid, DataTooSmall, InvalidSetting
from biometric.evaluation.datasets import Dataset, read, read_training

SHARE = 0.2
"""Held back of a data set that sets nobody apart."""
FEWEST = 2
"""People that a comparison of strangers needs."""


@dataclass(frozen=True, slots=True, eq=False)
class Sides:
    """What a network learns from, and what judges it; they share no person.

    Attributes:
        learnt: people with two pictures or more each, neither junk nor distractors.
        judged: the data set's test side, or the people held back.
        alone: people of whom there is one picture only: nothing can be learnt of their likeness, they are left out.
        held_back: whether the judges were taken from the training side.
    """

    learnt: Dataset
    judged: Dataset
    alone: int
    held_back: bool


def read_sides(kind: str, path: Path, protocol: str | None, share: float | None, seed: int) -> Sides:
    """Read a data set that `evaluate` reads.

    Args:
        share: of the people to hold back, in (0, 1). None: judge by the data set's own test side, or, where nothing
            is set apart, by a fifth of the people.

    Raises:
        InvalidSetting: no such kind, protocol or share.
        DatasetInvalid: missing or malformed.
        DataTooSmall: too few people were seen by two cameras to judge.
    """
    if share is not None and not 0 < share < 1:
        raise InvalidSetting(f"--hold-back is a share of the people above 0 and below 1, got {share}.")
    train = read_training(kind, path, protocol)
    held_back = train is None or share is not None
    if train is None:
        train = read(kind, path, protocol)
    if held_back:
        train, judged = hold_back(train, SHARE if share is None else share, seed)
    else:
        judged = _test_side(kind, path, protocol)
    pictures = np.bincount(train.identities[train.identities >= 0], minlength=len(train.people))
    enough = np.append(pictures >= FEWEST, False)  # the last one is for junk and distractors
    return Sides(subset(train, enough[np.maximum(train.identities, -1)]), judged, int((pictures == 1).sum()), held_back)


def _test_side(kind: str, path: Path, protocol: str | None) -> Dataset:
    try:
        return read(kind, path, protocol)
    except DatasetInvalid as error:
        raise DatasetInvalid(
            f"{error} This side judges the training; to judge by people of the training side, give --hold-back."
        ) from error


def hold_back(dataset: Dataset, share: float, seed: int) -> tuple[Dataset, Dataset]:
    """Split the people of a data set at random; return who is left, and who is held back.

    Only people whom two cameras saw are held back: of others there is no comparison across cameras to judge by.
    Junk and distractors go with those held back, as they are part of an evaluation only.

    Raises:
        DataTooSmall: fewer than two such people.
    """
    seen = dataset.identities >= 0
    pairs = np.unique(np.stack([dataset.identities[seen], dataset.cameras[seen]]), axis=1)
    cameras = np.bincount(pairs[0], minlength=len(dataset.people))
    able = np.flatnonzero(cameras >= 2)
    if len(able) < FEWEST:
        raise DataTooSmall(
            f"Of {len(dataset.people)} people {len(able)} were seen by two cameras, and {FEWEST} are needed to judge "
            "the training. Add pictures of the same people by another camera or of another visit."
        )
    count = min(len(able), max(FEWEST, round(share * len(dataset.people))))
    chosen = np.random.default_rng((seed, len(dataset.people))).choice(able, count, replace=False)
    judged = np.isin(dataset.identities, chosen) | ~seen
    words = f"{dataset.protocol}, {count} people held back"
    return subset(dataset, ~judged), replace(subset(dataset, judged), protocol=words)


def subset(dataset: Dataset, keep: NDArray[np.bool_]) -> Dataset:
    """The pictures for which `keep` (N,) holds, with people numbered anew; sides stay what they are."""
    people = np.unique(dataset.identities[keep & (dataset.identities >= 0)])
    identities = dataset.identities[keep]
    place = np.cumsum(keep) - 1
    return replace(
        dataset,
        sources=tuple(source for source, kept in zip(dataset.sources, keep.tolist(), strict=True) if kept),
        identities=np.where(identities >= 0, np.searchsorted(people, identities), identities),
        cameras=dataset.cameras[keep],
        probes=place[dataset.probes[keep[dataset.probes]]],
        references=place[dataset.references[keep[dataset.references]]],
        people=tuple(dataset.people[number] for number in people),
    )
