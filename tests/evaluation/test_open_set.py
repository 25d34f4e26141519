"""FPIR, FNIR and DIR against cases worked by hand and a slow reference."""

import numpy as np
import pytest

from biometric.evaluation.comparisons import Samples, Trial
from biometric.evaluation.open_set import Searches, search
from tests.evaluation.made_samples import one_hot, symmetric, trial


def by_hand() -> Searches:
    return Searches(
        size=3,
        mated_own=np.array([0.9, 0.6, 0.4, 0.7]),
        mated_other=np.array([0.2, 0.65, 0.1, 0.7]),
        mated_people=np.arange(4),
        unmated_best=np.array([0.5, 0.3, 0.3, 0.1]),
        unmated_people=np.arange(4),
    )


def test_rates_by_hand() -> None:
    found = by_hand()
    missed, matched = found.fnir(0.5), found.fpir(0.3)
    assert missed is not None
    assert matched is not None
    assert (missed.errors, missed.trials) == (3, 4)  # closer to another; below the threshold; a tie is no answer
    assert (matched.errors, matched.trials) == (3, 4)
    assert found.threshold_at_fpir(0.25) == np.nextafter(0.3, 1)


def test_the_curve_equals_the_rates() -> None:
    found = by_hand()
    for fpir, fnir, threshold in zip(*found.curve(), strict=True):
        matched, missed = found.fpir(threshold), found.fnir(threshold)
        assert matched is not None
        assert missed is not None
        assert (fpir, fnir) == (pytest.approx(matched.value), pytest.approx(missed.value))


@pytest.mark.parametrize("made", [trial(1), trial(2, junk=True), symmetric(3)])
def test_searches_equal_a_slow_reference(made: Trial) -> None:
    found = search(made, sizes=(1, 2), draws=2, seed=5, size=100)
    assert [each.size for each in found] == [1, 2, 3]
    references, probes = made.references, made.probes
    people = np.unique(references.identities[references.identities >= 0])
    generator = np.random.default_rng(5)
    own, other, best = [], [], []
    for _ in range(2):
        gallery = generator.permutation(people)[:2]
        for vector, person, camera in zip(probes.vectors, probes.identities, probes.cameras, strict=True):
            if person < 0:
                continue
            scores = {
                who: [
                    float(np.clip(vector @ reference, -1, 1))
                    for reference, whose, where in zip(
                        references.vectors, references.identities, references.cameras, strict=True
                    )
                    if whose == who and not (whose == person and where == camera)
                ]
                for who in gallery
            }
            tops = {who: max(values) for who, values in scores.items() if values}
            if person not in gallery:
                best.append(max(tops.values()))
            elif person in tops:
                own.append(tops.pop(person))
                other.append(max(tops.values(), default=-np.inf))
    assert np.allclose(found[1].mated_own, own, atol=1e-6)
    assert np.allclose(found[1].mated_other, other, atol=1e-6)
    assert np.allclose(found[1].unmated_best, best, atol=1e-6)


def test_false_positives_grow_with_the_gallery() -> None:
    generator = np.random.default_rng(0)
    vectors = generator.normal(size=(400, 16)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    side = Samples(vectors, np.repeat(np.arange(200), 2), np.tile([0, 1], 200))
    rates = [each.fpir(0.5) for each in search(Trial(side, side, symmetric=True), sizes=(1, 10))]
    values = [each.value for each in rates if each is not None]
    assert len(values) == 3
    assert values == sorted(values)
    assert values[0] < values[-1]


def test_one_person_leaves_nobody_to_be_unknown() -> None:
    side = Samples(one_hot(0, 0), np.array([4, 4]), np.array([0, 1]))
    assert search(Trial(side, side, symmetric=True)) == []


def test_without_probes_there_is_no_rate() -> None:
    nothing = np.zeros(0)
    empty = Searches(1, nothing, nothing, nothing.astype(np.int64), nothing, nothing.astype(np.int64))
    assert empty.fpir(0.5) is None
    assert empty.fnir(0.5) is None
    assert empty.threshold_at_fpir(0.1) is None
