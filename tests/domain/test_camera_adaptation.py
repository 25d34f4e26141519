"""Centring and score normalisation: cases worked by hand, and what must make no difference."""

import numpy as np
import pytest
from numpy.typing import NDArray

from biometric.domain.camera_adaptation import (
    LEAST_COHORT,
    LEAST_DEVIATION,
    PRIOR_TEMPLATES,
    SCORE_LIMIT,
    CameraMeans,
    CohortScores,
    centre,
    learn_camera_means,
    normalise_scores,
    score_against_cohort,
    shrunken_mean,
)
from biometric.domain.comparison import unit

SEEDS = range(8)
Vectors = NDArray[np.float32]


def vectors(generator: np.random.Generator, count: int, size: int = 16) -> Vectors:
    return unit(generator.normal(size=(count, size)))


def turned(*degrees: float) -> Vectors:
    """Unit vectors in the plane at angles from the first axis."""
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


def test_a_mean_is_shrunken_by_the_number_of_templates() -> None:
    templates = np.array([[1, 0], [0, 1]], np.float32)
    assert shrunken_mean(templates) == pytest.approx([1 / 22, 1 / 22])
    assert shrunken_mean(np.repeat(templates[:1], PRIOR_TEMPLATES, axis=0)) == pytest.approx([0.5, 0.0])
    assert shrunken_mean(np.zeros((0, 2), np.float32)).tolist() == [0.0, 0.0]


def test_centring_subtracts_and_scales_to_unit_length() -> None:
    centred = centre(np.array([[0.6, 0.8], [1.0, 0.0]], np.float32), np.array([0.3, 0.4], np.float32))
    assert centred == pytest.approx(np.array([[0.6, 0.8], [0.7 / 0.65**0.5, -0.4 / 0.65**0.5]], np.float32))
    assert centred.dtype == np.float32


def test_a_vector_that_vanishes_stays_as_it_was() -> None:
    pair = np.array([[0.6, 0.8], [0.0, 1.0]], np.float32)
    centred = centre(pair, np.array([[0.6, 0.8], [0.0, 0.5]], np.float32))
    assert centred.tolist() == pair.tolist()
    almost = centre(pair[1:], np.array([5e-4, 1.0], np.float32))
    assert almost.tolist() == pair[1:].tolist()


def test_each_camera_has_its_mean_and_an_unknown_one_that_of_all() -> None:
    templates = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)
    learnt = learn_camera_means(templates, np.array([7, 3, 7]))
    assert (learnt.cameras.tolist(), learnt.counts.tolist()) == ([3, 7], [1, 2])
    assert learnt.means == pytest.approx(np.array([[0, 1 / 21, 0], [1 / 22, 0, 1 / 22]]))
    assert learnt.everywhere == pytest.approx(np.full(3, 1 / 23))
    probe = np.array([[0, 0, 1]] * 4, np.float32)
    cameras = np.array([3, 7, 5, 99])
    expected = [probe[0] - mean for mean in (learnt.means[0], learnt.means[1], learnt.everywhere, learnt.everywhere)]
    assert learnt.centre(probe, cameras) == pytest.approx(unit(np.array(expected)))
    assert learnt.knows(cameras).tolist() == [True, True, False, False]


def test_cameras_may_be_names() -> None:
    learnt = learn_camera_means(turned(0, 90, 90), np.array(["yard", "door", "door"]))
    assert learnt.cameras.tolist() == ["door", "yard"]
    assert learnt.knows(np.array(["door", "a camera with a longer name", "yard"])).tolist() == [True, False, True]


def test_a_cohort_describes_a_template_by_its_closest_scores() -> None:
    cohort = turned(*[180.0] * (LEAST_COHORT - 2), 0.0, 60.0)
    described = score_against_cohort(turned(0.0, 60.0), cohort, neighbours=2)
    assert described is not None
    assert described.means == pytest.approx([0.75, 0.75])  # cosines 1 and 0.5
    assert described.deviations == pytest.approx([0.25, 0.25])
    everybody = score_against_cohort(turned(0.0), cohort, neighbours=1000)
    assert everybody is not None
    assert everybody.means == pytest.approx([(18 * -1 + 1 + 0.5) / 20])


def test_normalised_scores_by_hand() -> None:
    probes = CohortScores(np.array([0.5, 0.0], np.float32), np.array([0.1, 0.5], np.float32))
    references = CohortScores(np.array([0.3], np.float32), np.array([0.2], np.float32))
    scores = normalise_scores(np.array([[0.7], [0.5]], np.float32), probes, references)
    # ((0.7 - 0.5) / 0.1 + (0.7 - 0.3) / 0.2) / 2 and ((0.5 - 0) / 0.5 + (0.5 - 0.3) / 0.2) / 2
    assert scores == pytest.approx(np.array([[2.0], [1.0]]), abs=1e-5)
    assert scores.dtype == np.float32


def test_few_strangers_normalise_nothing_and_near_copies_divide_by_no_less_than_the_least() -> None:
    assert score_against_cohort(turned(0.0), turned(*range(LEAST_COHORT - 1))) is None
    described = score_against_cohort(turned(0.0, 90.0), turned(*[180.0] * LEAST_COHORT))
    assert described is not None
    assert described.deviations == pytest.approx([LEAST_DEVIATION] * 2)
    extreme = normalise_scores(np.array([[1.0, 1.0]], np.float32), described.select([0]), described)
    assert np.abs(extreme).max() <= SCORE_LIMIT


@pytest.mark.parametrize("seed", SEEDS)
def test_the_order_of_people_makes_no_difference_to_means(seed: int) -> None:
    generator = np.random.default_rng(seed)
    templates, cameras = vectors(generator, 40), generator.integers(0, 3, 40)
    order = generator.permutation(40)
    first, second = learn_camera_means(templates, cameras), learn_camera_means(templates[order], cameras[order])
    assert second.cameras.tolist() == first.cameras.tolist()
    assert second.means == pytest.approx(first.means, abs=1e-6)
    probes, seen_by = vectors(generator, 9), generator.integers(0, 4, 9)
    shuffled = generator.permutation(9)
    centred = first.centre(probes, seen_by)
    assert first.centre(probes[shuffled], seen_by[shuffled]) == pytest.approx(centred[shuffled])
    assert np.linalg.norm(centred, axis=1) == pytest.approx(np.ones(9))


@pytest.mark.parametrize("seed", SEEDS)
def test_a_shift_by_camera_is_taken_out(seed: int) -> None:
    generator = np.random.default_rng(seed)
    people, shifts = generator.normal(size=(600, 16)), 6 * generator.normal(size=(2, 16)) / 4
    cameras = np.arange(600) % 2
    templates = unit(people + shifts[cameras])
    learnt = learn_camera_means(templates, cameras)
    means = [learnt.centre(templates, cameras)[cameras == camera].mean(axis=0) for camera in (0, 1)]
    before = [templates[cameras == camera].mean(axis=0) for camera in (0, 1)]
    assert all(np.linalg.norm(after) < 0.35 * np.linalg.norm(was) for after, was in zip(means, before, strict=True))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_order_of_the_cohort_and_which_side_is_the_probe_make_no_difference(seed: int) -> None:
    generator = np.random.default_rng(seed)
    probes, references, cohort = (vectors(generator, count) for count in (5, 7, 60))
    sides = [score_against_cohort(side, cohort, 30) for side in (probes, references)]
    mixed = [score_against_cohort(side, generator.permutation(cohort), 30) for side in (probes, references)]
    assert all(side is not None for side in (*sides, *mixed))
    cosines = probes @ references.T
    scores = normalise_scores(cosines, sides[0], sides[1])
    assert normalise_scores(cosines, mixed[0], mixed[1]) == pytest.approx(scores, abs=1e-4)
    swapped = normalise_scores(cosines.T, sides[1], sides[0])
    assert swapped == pytest.approx(scores.transpose(), abs=1e-4)


@pytest.mark.parametrize("seed", SEEDS)
def test_scaling_and_shifting_all_scores_alike_makes_no_difference(seed: int) -> None:
    generator = np.random.default_rng(seed)
    factor, shift = generator.uniform(0.3, 3.0), generator.uniform(-0.5, 0.5)
    cosines = generator.uniform(-1, 1, (4, 6)).astype(np.float32)
    sides = [
        CohortScores(
            generator.uniform(-0.2, 0.6, count).astype(np.float32), generator.uniform(0.05, 0.2, count).astype("f4")
        )
        for count in (4, 6)
    ]
    changed = [
        CohortScores(np.float32(factor) * side.means + np.float32(shift), np.float32(factor) * side.deviations)
        for side in sides
    ]
    scores = normalise_scores(cosines, sides[0], sides[1])
    again = normalise_scores(np.float32(factor) * cosines + np.float32(shift), changed[0], changed[1])
    assert again == pytest.approx(scores, abs=1e-3)


def test_a_large_cohort_is_scored_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(0)
    probes, cohort = vectors(generator, 11), vectors(generator, 40)
    whole = score_against_cohort(probes, cohort, 10)
    monkeypatch.setattr("biometric.domain.camera_adaptation.CHUNK", 100)
    parts = score_against_cohort(probes, cohort, 10)
    assert whole is not None
    assert parts is not None
    assert parts.means == pytest.approx(whole.means, abs=1e-6)
    assert parts.deviations == pytest.approx(whole.deviations, abs=1e-6)


def test_what_cannot_be_used_is_refused() -> None:
    pair, bad = turned(0.0, 90.0), np.array([[np.nan, 0.0]], np.float32)
    with pytest.raises(ValueError, match="finite vectors"):
        shrunken_mean(bad)
    with pytest.raises(ValueError, match="finite means"):
        centre(pair, bad[0])
    with pytest.raises(ValueError, match="finite means"):
        centre(pair, np.zeros(3, np.float32))
    with pytest.raises(ValueError, match="a camera each"):
        learn_camera_means(pair, np.array([1]))
    with pytest.raises(ValueError, match="a camera each"):
        learn_camera_means(pair[:0], np.array([], np.int64))
    with pytest.raises(ValueError, match="a camera for each"):
        learn_camera_means(pair, np.array([1, 2])).centre(pair, np.array([1]))
    with pytest.raises(ValueError, match="ascending"):
        CameraMeans(np.array([2, 1]), np.array([1, 1]), pair, pair[0])
    with pytest.raises(ValueError, match="mean of all"):
        CameraMeans(np.array([1, 2]), np.array([1]), pair, pair[0])
    with pytest.raises(ValueError, match="neighbour"):
        score_against_cohort(pair, pair, 0)
    with pytest.raises(ValueError, match="means and deviations"):
        CohortScores(np.zeros(2, np.float32), np.zeros(3, np.float32))
    two = CohortScores(np.zeros(2, np.float32), np.ones(2, np.float32))
    with pytest.raises(ValueError, match="scores of shape"):
        normalise_scores(np.zeros((2, 3), np.float32), two, two)
