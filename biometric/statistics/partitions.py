"""How well one partition of items agrees with another one, which holds the truth. Numpy only.

An item is a sighting, a truth the person whom it shows, a group what a program put it into. Sources:

    Bagga and Baldwin, "Algorithms for scoring coreference chains", LREC workshop 1998: B-cubed.
    Amigó, Gonzalo, Artiles and Verdejo, "A comparison of extrinsic clustering evaluation metrics based on formal
        constraints", Information Retrieval 12 (2009): of the usual measures only B-cubed meets all their constraints.
    Pairwise precision and recall: over all pairs of items, "in one group" against "one person".

B-cubed averages over items, so that everybody's sightings count alike. Pairs weigh a group by its square: one wrong
join of two large groups costs much there.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True)
class Agreement:
    """Precision, recall and their harmonic mean F, each in [0, 1].

    Precision falls where different people are in one group, recall where one person's items are in several.
    """

    precision: float
    recall: float

    @property
    def f(self) -> float:
        """The harmonic mean of both; 0 where both are 0."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


@dataclass(frozen=True, slots=True)
class PartitionAgreement:
    """Groups compared with the truth.

    Attributes:
        bcubed, pairwise: see the module. Without any pair in one group, pairwise precision is 1; without two items of
            one person, pairwise recall is.
        mixed: groups that hold items of more than one person.
        groups, people, items: how many there are.
    """

    bcubed: Agreement
    pairwise: Agreement
    mixed: int
    groups: int
    people: int
    items: int


def compare_partitions(truth: ArrayLike, groups: ArrayLike) -> PartitionAgreement:
    """Compare (N,) labels of groups with (N,) labels of people; equal labels mean the same group or person.

    Raises:
        ValueError: no items, or not one label of each kind for each item.
    """
    true_labels, group_labels = np.asarray(truth), np.asarray(groups)
    if true_labels.ndim != 1 or true_labels.shape != group_labels.shape or not len(true_labels):
        raise ValueError(
            f"expected two labels for each of at least one item, got {true_labels.shape} and {group_labels.shape}"
        )
    person = np.unique(true_labels, return_inverse=True)[1]
    group = np.unique(group_labels, return_inverse=True)[1]
    people, count = int(person.max()) + 1, int(group.max()) + 1
    cells, shared = np.unique(group.astype(np.int64) * people + person, return_counts=True)
    of_person, of_group = np.bincount(person), np.bincount(group)
    cell_group, cell_person = cells // people, cells % people
    items = len(person)
    # An item of a cell shares its group with as many of its own person as the cell holds, itself among them.
    bcubed = Agreement(
        float((shared**2 / of_group[cell_group]).sum() / items),
        float((shared**2 / of_person[cell_person]).sum() / items),
    )
    right = _pairs(shared)
    pairwise = Agreement(_share(right, _pairs(of_group)), _share(right, _pairs(of_person)))
    mixed = int((np.bincount(cell_group) > 1).sum())
    return PartitionAgreement(bcubed, pairwise, mixed, count, people, items)


def _pairs(counts: NDArray[np.int64]) -> int:
    """Pairs within sets of these sizes; Python's integers do not overflow."""
    return sum(count * (count - 1) // 2 for count in counts.tolist())


def _share(right: int, of: int) -> float:
    return right / of if of else 1.0
