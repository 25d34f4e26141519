"""Who of the people found in a clip is whom: counted twice, joined, missed or nobody.

In each frame labelled and found boxes are matched so that the sum of their overlaps is largest, from IoU 0.5 on; a
found box that is left over lies on the label that it overlaps most, where that is 0.5 or more (a double detection). A
found person is taken for the true one on whom most of their boxes lie. So

    people found = true people - missed + counted again + nobody

says where a wrong number comes from. A found person with boxes on others, too, a tenth of all and two at least, joins
these people: worse than counting one twice, because a decision about the person is then about both.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from biometric.entities.boxes import iou_matrix
from biometric.evaluation.mot.box_tracks import BoxTracks

MATCH_OVERLAP = 0.5
"""Least intersection over union of a labelled and a found box of one person."""

JOINED_SHARE = 0.1
"""From this share of a found person's boxes on, the true person on whom they lie is part of them."""

JOINED_BOXES = 2
"""Fewer boxes of another person are an overlap of two people and no joining."""


@dataclass(frozen=True, slots=True)
class TruePerson:
    """A labelled person.

    Attributes:
        identity: as in the labels.
        boxes, matched: labelled boxes, and how many of them somebody found has.
        found_as: the found people who are taken for this one, the one with most boxes first.
    """

    identity: int
    boxes: int
    matched: int
    found_as: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FoundPerson:
    """A person that was found.

    Attributes:
        identity: number among those found.
        boxes, matched: their boxes, and how many of them lie on somebody.
        shows: true people who are part of them, the one with most boxes first; empty: nobody is there.
    """

    identity: int
    boxes: int
    matched: int
    shows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PeopleCounts:
    """The people of a clip, true and found, in order of their numbers."""

    true: tuple[TruePerson, ...]
    found: tuple[FoundPerson, ...]

    @property
    def missed(self) -> tuple[TruePerson, ...]:
        """True people for whom nobody found is taken."""
        return tuple(person for person in self.true if not person.found_as)

    @property
    def double_counted(self) -> tuple[TruePerson, ...]:
        """True people who are counted more than once."""
        return tuple(person for person in self.true if len(person.found_as) > 1)

    @property
    def counted_again(self) -> int:
        """How many found people are one too many."""
        return sum(len(person.found_as) - 1 for person in self.double_counted)

    @property
    def joined(self) -> tuple[FoundPerson, ...]:
        """Found people who are several true ones."""
        return tuple(person for person in self.found if len(person.shows) > 1)

    @property
    def nobody(self) -> tuple[FoundPerson, ...]:
        """Found people who are no true one."""
        return tuple(person for person in self.found if not person.shows)


def count_people(truth: BoxTracks, found: BoxTracks, frames: NDArray[np.int64]) -> PeopleCounts:
    """Tell who is whom in these frames, (F,) int64, 0-based."""
    truth, found = truth.in_frames(frames), found.in_frames(frames)
    together, matched = Counter[tuple[int, int]](), Counter[int]()
    for frame in frames:
        labelled, seen = truth.rows_of(int(frame)), found.rows_of(int(frame))
        pairs = matched_rows(truth.boxes[labelled], found.boxes[seen])
        matched.update(int(truth.ids[labelled][row]) for row, _ in pairs)
        doubles = _doubles(truth.boxes[labelled], found.boxes[seen], {column for _, column in pairs})
        for row, column in (*pairs, *doubles):
            together[int(truth.ids[labelled][row]), int(found.ids[seen][column])] += 1
    shows = {identity: _shows(identity, together) for identity in found.identities}
    mine: dict[int, list[int]] = {identity: [] for identity in truth.identities}
    for identity, people in shows.items():
        if people:
            mine[people[0]].append(identity)
    return PeopleCounts(
        tuple(
            TruePerson(
                identity,
                int((truth.ids == identity).sum()),
                matched[identity],
                tuple(sorted(mine[identity], key=lambda other: (-together[identity, other], other))),
            )
            for identity in truth.identities
        ),
        tuple(
            FoundPerson(
                identity,
                int((found.ids == identity).sum()),
                sum(count for (_, other), count in together.items() if other == identity),
                shows[identity],
            )
            for identity in found.identities
        ),
    )


def matched_rows(labelled: NDArray[np.float64], found: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Return (row, column) of (L, 4) labelled and (D, 4) found boxes that are one person's."""
    overlaps = iou_matrix(labelled, found)
    overlaps[overlaps < MATCH_OVERLAP] = 0.0
    rows, columns = linear_sum_assignment(overlaps, maximize=True)
    pairs = zip(rows.tolist(), columns.tolist(), strict=True)
    return [(row, column) for row, column in pairs if overlaps[row, column] > 0]


def _doubles(labelled: NDArray[np.float64], found: NDArray[np.float64], matched: set[int]) -> list[tuple[int, int]]:
    """Return (row, column) of found boxes that are not matched and lie on a label all the same."""
    overlaps = iou_matrix(labelled, found)
    left = [column for column in range(len(found)) if column not in matched and len(labelled)]
    pairs = [(int(overlaps[:, column].argmax()), column) for column in left]
    return [(row, column) for row, column in pairs if overlaps[row, column] >= MATCH_OVERLAP]


def _shows(identity: int, together: Counter[tuple[int, int]]) -> tuple[int, ...]:
    boxes = {true: count for (true, found), count in together.items() if found == identity}
    if not boxes:
        return ()
    ranked = sorted(boxes, key=lambda true: (-boxes[true], true))
    least = max(JOINED_BOXES, JOINED_SHARE * sum(boxes.values()))
    return (ranked[0], *(true for true in ranked[1:] if boxes[true] >= least))
