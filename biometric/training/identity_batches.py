"""P×K batches: P people, K pictures of each (Hermans et al., "In Defense of the Triplet Loss", arXiv 1703.07737).

pytorch-metric-learning has a sampler for them (MPerClassSampler). It draws from a random state of the whole process
and draws people anew for each batch, so that an epoch passes over some of them, and a resumed run would see other
batches than an unbroken one. Here an epoch is a function of (seed, epoch), and uses each picture at most once.
"""

import numpy as np
from numpy.typing import NDArray

from biometric.errors import DataTooSmall, InvalidSetting

Numbers = NDArray[np.int64]


class IdentityBatches:
    """Batches of `people` × `pictures_per_person` pictures.

    Args:
        identities: (N,) int64 from 0, who is on each picture; each of them has two pictures or more.

    Raises:
        InvalidSetting: fewer than two people or two pictures of each are requested.
        DataTooSmall: there are fewer than `people` people.
    """

    def __init__(self, identities: Numbers, people: int, pictures_per_person: int) -> None:
        if people < 2 or pictures_per_person < 2:
            raise InvalidSetting(
                "--people and --each must be 2 or more: pictures of the same person and of others are compared."
            )
        self._people, self._pictures_per_person = people, pictures_per_person
        self._pictures = [np.flatnonzero(identities == person) for person in np.unique(identities)]
        if len(self._pictures) < people:
            raise DataTooSmall(
                f"A batch takes {pictures_per_person} pictures of each of {people} people (P = {people}, K = "
                f"{pictures_per_person}), and there are "
                f"{len(self._pictures)} people with two pictures or more, {len(identities)} pictures in all. "
                "Lower --people, hold back fewer people, or add some."
            )
        self._groups = np.array([max(1, len(pictures) // pictures_per_person) for pictures in self._pictures])
        self.steps = _most_batches(self._groups, people)

    def batches(self, seed: int, epoch: int) -> list[Numbers]:
        """The batches of an epoch: each P·K picture numbers, the K of a person in a row, every person once a batch.

        A person's pictures are shuffled and cut into groups of K; the remaining ones are not used in this epoch. Only a
        person of fewer than K pictures gives some of them twice.
        """
        draw = np.random.default_rng((seed, epoch, len(self._pictures)))
        groups: list[Numbers] = []
        for person in draw.permutation(len(self._pictures)):
            pictures = draw.permutation(self._pictures[person])
            count = min(int(self._groups[person]), self.steps)
            groups += np.array_split(np.resize(pictures, count * self._pictures_per_person), count)
        # Group j goes to batch j modulo steps (McNaughton's wrap-around rule, Management Science 6, 1959): nobody
        # has more groups than there are batches, so that nobody is in a batch twice.
        order = draw.permutation(self.steps)
        chosen = groups[: self.steps * self._people]
        return [np.concatenate(chosen[number :: self.steps]) for number in order]


def _most_batches(groups: Numbers, people: int) -> int:
    """The most batches that can be filled with groups of different people: B, with Σ min(groups, B) ≥ B · people."""
    batches = int(groups.sum()) // people
    while (usable := int(np.minimum(groups, batches).sum())) < batches * people:
        batches = usable // people
    return batches
