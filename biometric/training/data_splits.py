"""Labelled pictures for training: the people to train on, and those to test with."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from biometric.errors import DatasetInvalid, DataTooSmall, InvalidSetting
from biometric.evaluation.datasets import Dataset, read, read_training

DEFAULT_SHARE = 0.2
"""Share of the people held back where a data set has no test people."""
MIN_PEOPLE = 2
"""People that a comparison of different people needs."""


@dataclass(frozen=True, slots=True, eq=False)
class DataSplits:
    """What a network is trained on, and what it is tested with; they share no person.

    Attributes:
        training: people with two pictures or more each, neither junk nor distractors.
        test: the data set's test side, or the people held back.
        single_picture_people: number of people with one picture only, who are left out: a pair needs two.
        held_back: whether the test people were taken from the training people.
    """

    training: Dataset
    test: Dataset
    single_picture_people: int
    held_back: bool


def read_splits(kind: str, path: Path, protocol: str | None, share: float | None, seed: int) -> DataSplits:
    """Read a data set that `evaluate` reads.

    Args:
        share: of the people to hold back, in (0, 1). None: test with the data set's own test people, or, where
            there are none, with a fifth of the people.

    Raises:
        InvalidSetting: no such kind, protocol or share.
        DatasetInvalid: missing or malformed.
        DataTooSmall: too few people were seen by two cameras to test with.
    """
    if share is not None and not 0 < share < 1:
        raise InvalidSetting(f"--hold-back is a share of the people above 0 and below 1, got {share}.")
    train = read_training(kind, path, protocol)
    held_back = train is None or share is not None
    if train is None:
        train = read(kind, path, protocol)
    if held_back:
        train, test = hold_back(train, DEFAULT_SHARE if share is None else share, seed)
    else:
        test = _read_test_people(kind, path, protocol)
    pictures = np.bincount(train.identities[train.identities >= 0], minlength=len(train.people))
    enough = np.append(pictures >= MIN_PEOPLE, False)  # the last one is for junk and distractors
    return DataSplits(
        subset(train, enough[np.maximum(train.identities, -1)]), test, int((pictures == 1).sum()), held_back
    )


def _read_test_people(kind: str, path: Path, protocol: str | None) -> Dataset:
    try:
        return read(kind, path, protocol)
    except DatasetInvalid as error:
        raise DatasetInvalid(
            f"{error} These pictures test the training; to test with people held back from the training people, "
            f"give --hold-back."
        ) from error


def hold_back(dataset: Dataset, share: float, seed: int) -> tuple[Dataset, Dataset]:
    """Split the people of a data set at random; return who is left, and who is held back.

    Only people whom two cameras saw are held back: others give no comparison across cameras.
    Junk and distractors go with those held back, as they are part of an evaluation only.

    Raises:
        DataTooSmall: fewer than two such people.
    """
    seen = dataset.identities >= 0
    pairs = np.unique(np.stack([dataset.identities[seen], dataset.cameras[seen]]), axis=1)
    cameras = np.bincount(pairs[0], minlength=len(dataset.people))
    eligible = np.flatnonzero(cameras >= 2)
    if len(eligible) < MIN_PEOPLE:
        raise DataTooSmall(
            f"Of {len(dataset.people)} people {len(eligible)} were seen by two cameras, and {MIN_PEOPLE} are "
            f"needed to test "
            "the training. Add pictures of the same people by another camera or of another visit."
        )
    count = min(len(eligible), max(MIN_PEOPLE, round(share * len(dataset.people))))
    chosen = np.random.default_rng((seed, len(dataset.people))).choice(eligible, count, replace=False)
    held_back = np.isin(dataset.identities, chosen) | ~seen
    protocol = f"{dataset.protocol}, {count} people held back"
    return subset(dataset, ~held_back), replace(subset(dataset, held_back), protocol=protocol)


def subset(dataset: Dataset, keep: NDArray[np.bool_]) -> Dataset:
    """The pictures for which `keep` (N,) holds, with people renumbered; probes stay probes, references stay
    references."""
    people = np.unique(dataset.identities[keep & (dataset.identities >= 0)])
    identities = dataset.identities[keep]
    new_index = np.cumsum(keep) - 1
    return replace(
        dataset,
        sources=tuple(source for source, is_kept in zip(dataset.sources, keep.tolist(), strict=True) if is_kept),
        identities=np.where(identities >= 0, np.searchsorted(people, identities), identities),
        cameras=dataset.cameras[keep],
        probes=new_index[dataset.probes[keep[dataset.probes]]],
        references=new_index[dataset.references[keep[dataset.references]]],
        people=tuple(dataset.people[number] for number in people),
    )
