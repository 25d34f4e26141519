"""B-cubed and pairwise agreement, against their definitions and published examples."""

import itertools

import numpy as np
import pytest

from biometric.statistics.partitions import Agreement, compare_partitions


def by_definition(truth: list[int], groups: list[int]) -> tuple[float, float, float, float]:
    items = range(len(truth))
    precision = recall = 0.0
    for item in items:
        group = [other for other in items if groups[other] == groups[item]]
        person = [other for other in items if truth[other] == truth[item]]
        both = set(group) & set(person)
        precision += len(both) / len(group) / len(truth)
        recall += len(both) / len(person) / len(truth)
    pairs = list(itertools.combinations(items, 2))
    joined = [(first, second) for first, second in pairs if groups[first] == groups[second]]
    same = [(first, second) for first, second in pairs if truth[first] == truth[second]]
    right = len(set(joined) & set(same))
    return precision, recall, right / len(joined) if joined else 1.0, right / len(same) if same else 1.0


@pytest.mark.parametrize("seed", range(5))
def test_is_what_the_definitions_say(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth, groups = rng.integers(0, 6, (2, 25)).tolist()
    found = compare_partitions(truth, groups)
    values = (found.bcubed.precision, found.bcubed.recall, found.pairwise.precision, found.pairwise.recall)
    assert values == pytest.approx(by_definition(truth, groups))


def test_the_example_of_bagga_and_baldwin() -> None:
    # 12 mentions: truth 5, 2, 5; the last two chains joined in one answer, first and last in the other
    truth = [1] * 5 + [2] * 2 + [3] * 5
    first = compare_partitions(truth, [1] * 5 + [2] * 7)
    second = compare_partitions(truth, [1] * 5 + [2] * 2 + [1] * 5)
    assert first.bcubed.precision == pytest.approx(0.76, abs=0.005)
    assert second.bcubed.precision == pytest.approx(0.58, abs=0.005)
    assert first.bcubed.recall == second.bcubed.recall == 1
    assert (first.mixed, first.groups, first.people, first.items) == (1, 2, 3, 12)


def test_f_is_the_harmonic_mean() -> None:
    assert Agreement(0.5, 1.0).f == pytest.approx(2 / 3)
    assert Agreement(0.0, 0.0).f == 0


def test_everybody_alone_is_precise() -> None:
    found = compare_partitions([1, 1, 2], [5, 6, 7])
    assert (found.pairwise.precision, found.pairwise.recall) == (1, 0)
    assert compare_partitions([1, 2], [1, 2]).pairwise.recall == 1


def test_labels_are_checked() -> None:
    with pytest.raises(ValueError, match="expected two labels"):
        compare_partitions([], [])
    with pytest.raises(ValueError, match="expected two labels"):
        compare_partitions([1], [1, 2])
