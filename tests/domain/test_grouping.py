"""Sightings of unknown people put into groups."""

import itertools

import numpy as np
import pytest

from biometric.domain.grouping import ALONE, GroupableSightings, Grouping, group_sightings
from biometric.entities import LinkScores
from biometric.gallery.neighbours import find_neighbours
from biometric.statistics.partitions import compare_partitions

LIMITS = LinkScores(0.6, 0.55)
DIMENSION = 64


def sightings(
    vectors: np.ndarray,
    at_once: list[tuple[int, int]] | None = None,
    groups: list[int] | np.ndarray | None = None,
    settled: frozenset[int] = frozenset(),
    different: frozenset[tuple[int, int]] = frozenset(),
) -> GroupableSightings:
    return GroupableSightings(
        np.asarray(vectors, np.float32),
        np.array(at_once or [], np.int64).reshape(-1, 2),
        np.full(len(vectors), ALONE) if groups is None else np.array(groups, np.int64),
        settled,
        different,
    )


def grouped(*arguments: object, **options: object) -> Grouping:
    return group_sightings(sightings(*arguments, **options), LIMITS, find_neighbours)  # type: ignore[arg-type]


def like(first: float, second: float = 0.0) -> list[float]:
    """A template with these scores to axis 0 and 1, and no other of them the same."""
    rest = max(0.0, 1 - first**2 - second**2) ** 0.5
    vector = [first, second, *np.zeros(DIMENSION - 2)]
    like.made += 1  # type: ignore[attr-defined]
    vector[2 + like.made % (DIMENSION - 2)] = rest  # type: ignore[attr-defined]
    return vector


like.made = 0  # type: ignore[attr-defined]


def crowd(seed: int, people: int, noise: float) -> tuple[np.ndarray, np.ndarray]:
    """Sightings of people, 1 to 6 each, in random order, and whom each shows; more noise, less alike."""
    rng = np.random.default_rng(seed)
    who = rng.permutation(np.repeat(np.arange(people), rng.integers(1, 7, people)))
    centres = rng.standard_normal((people, DIMENSION))
    vectors = centres[who] / np.linalg.norm(centres[who], axis=1, keepdims=True)
    vectors = vectors + rng.standard_normal(vectors.shape) * noise / DIMENSION**0.5
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), who


def test_nobody_gives_no_group() -> None:
    assert grouped(np.empty((0, DIMENSION))) == Grouping((), (), ())


def test_those_who_look_alike_are_one_person_and_others_stay_alone() -> None:
    found = grouped([like(1), like(0, 1), like(0.9), like(0, 0.9), like(0.5)])
    assert found.members == ((0, 2), (1, 3), (4,))
    assert found.stood == ((), (), ())
    assert found.labels().tolist() == [0, 1, 0, 1, 2]


def test_who_is_seen_at_once_is_never_one_person() -> None:
    vectors = [like(1), like(1), like(0.95)]
    assert grouped(vectors).members == ((0, 1, 2),)
    # the third looks like both, so it is neither's
    assert grouped(vectors, [(0, 1)]).members == ((0,), (1,), (2,))
    assert [pair[:2] for pair in grouped(vectors, [(0, 1)]).unsure] == [(0, 2), (1, 2)]


def test_a_clear_lead_decides_between_two_who_are_different() -> None:
    vectors = [like(1), like(0.7, 0.7), like(0.99)]
    assert grouped(vectors, [(0, 1)]).members == ((0, 2), (1,))


def test_what_people_said_is_kept() -> None:
    vectors = [like(1), like(1), like(1), like(1)]
    said = grouped(vectors, groups=[7, 7, 9, 9], settled=frozenset({7, 9}), different=frozenset({(9, 7)}))
    assert said.members == ((0, 1), (2, 3))
    assert said.stood == ((7,), (9,))
    # two groups that nobody touched are linked; a settled one takes no other in, but new sightings join it
    assert grouped(vectors, groups=[7, 7, 9, 9]).members == ((0, 1), (2, 3))
    linked = grouped([*vectors, like(1)], groups=[7, 7, 9, 9, ALONE])
    assert linked.members == ((0, 1, 2, 3, 4),)
    assert linked.stood == ((7, 9),)
    joined = grouped([*vectors, like(0.99)], groups=[7, 7, 3, 3, ALONE], settled=frozenset({7}))
    assert len(joined.members) == 2
    assert {*joined.stood} == {(7,), (3,)}


def test_a_group_that_stands_is_never_taken_apart() -> None:
    found = grouped([like(1), like(0, 1), like(0.99)], groups=[4, 4, ALONE])
    assert set(found.members[0]) >= {0, 1}


@pytest.mark.parametrize("seed", range(12))
def test_constraints_are_never_broken(seed: int) -> None:
    rng = np.random.default_rng(seed)
    vectors, _ = crowd(seed, 30, 0.9)
    count = len(vectors)
    at_once = {tuple(sorted(pair)) for pair in rng.integers(0, count, (60, 2)).tolist() if pair[0] != pair[1]}
    groups = np.full(count, ALONE)
    settled, different = frozenset({0, 1}), frozenset({(2, 3), (0, 2)})
    for number in range(5):
        rows = rng.integers(0, count, 3)
        groups[rows[groups[rows] == ALONE]] = number
    for row, beside in at_once:  # nobody stands in a group with somebody seen at once
        if groups[row] != ALONE and groups[row] == groups[beside]:
            groups[beside] = ALONE
    found = grouped(vectors, sorted(at_once), groups, settled, different)
    labels = found.labels()
    assert sorted(itertools.chain(*found.members)) == list(range(count))
    assert all(labels[first] != labels[second] for first, second in at_once)
    assert all({first, second} - {*stood} for stood in found.stood for first, second in different)
    assert all(len(stood) < 2 or not settled & {*stood} for stood in found.stood)
    for number in range(5):
        assert len(set(labels[groups == number].tolist())) <= 1


@pytest.mark.parametrize("seed", range(6))
def test_the_order_of_rows_does_not_matter(seed: int) -> None:
    vectors, _ = crowd(seed, 25, 1.0)
    pairs = np.array([(0, 1), (2, 5), (3, 8)])
    order = np.random.default_rng(seed + 100).permutation(len(vectors))
    place = np.argsort(order)
    shuffled = grouped(vectors[order], [tuple(place[pair]) for pair in pairs])
    back = {frozenset(order[list(rows)].tolist()) for rows in shuffled.members}
    assert back == {frozenset(rows) for rows in grouped(vectors, [tuple(pair) for pair in pairs]).members}


@pytest.mark.parametrize("seed", range(6))
def test_step_by_step_is_the_same_as_at_once_where_people_are_clearly_apart(seed: int) -> None:
    vectors, who = crowd(seed, 25, 0.5)  # one person's score 0.75 or so, strangers below 0.5
    at_once = grouped(vectors).labels()
    groups = np.full(len(vectors), ALONE)
    for end in range(4, len(vectors) + 4, 4):
        groups[:end] = grouped(vectors[:end], groups=groups[:end]).labels()
    assert compare_partitions(at_once, groups).pairwise.f == 1
    assert compare_partitions(who, groups).pairwise.f == 1


def test_step_by_step_comes_close_where_they_are_not() -> None:
    vectors, who = crowd(3, 120, 0.9)
    at_once = grouped(vectors).labels()
    groups = np.full(len(vectors), ALONE)
    for end in range(20, len(vectors) + 20, 20):
        groups[:end] = grouped(vectors[:end], groups=groups[:end]).labels()
    assert compare_partitions(at_once, groups).bcubed.f > 0.9
    assert compare_partitions(who, groups).bcubed.precision > 0.95


def test_shapes_are_checked() -> None:
    with pytest.raises(ValueError, match="expected"):
        sightings(np.zeros((2, 4)), groups=[1])
