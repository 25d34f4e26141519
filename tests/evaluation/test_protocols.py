"""All numbers of a trial together."""

import numpy as np
import pytest

from biometric.errors import DatasetInvalid
from biometric.evaluation.comparisons import Samples, Trial
from biometric.evaluation.protocols import measure, measure_ranking, measure_verification
from biometric.evaluation.ranking import single_shot
from biometric.statistics.error_rates import FMR_TARGETS
from biometric.statistics.intervals import Support
from tests.evaluation.made_samples import one_hot, symmetric, trial


def perfect() -> Trial:
    """Four people whom nothing confuses."""
    side = Samples(one_hot(0, 0, 1, 1, 2, 2, 3, 3), np.repeat(np.arange(4), 2), np.tile([0, 1], 4))
    return Trial(side, side, symmetric=True)


def test_people_whom_nothing_confuses() -> None:
    found = measure(perfect(), {"mine": 0.5})
    assert found.ranking.ranks[1].value == found.ranking.mean_average_precision.value == 1.0
    assert found.verification.eer == 0.0
    assert found.verification.auc == 1.0
    mine = next(point for point in found.verification.points if point.name == "mine")
    assert (mine.fmr.errors, mine.fmr.trials, mine.fnmr.errors, mine.fnmr.trials) == (0, 24, 0, 4)
    assert mine.fmr.interval.high == 3 / 6  # six pairs of people
    assert mine.fnmr.interval.high == 3 / 4
    assert mine.support is Support.TOO_FEW
    assert found.template is not None
    assert found.template_samples == 1.0
    assert {point.size for point in found.searches} == {1, 2}
    assert all(point.fnir.value == 0.0 for point in found.searches)


def test_operating_points_keep_their_targets() -> None:
    found = measure(symmetric(1, 80), {})
    for target in FMR_TARGETS:
        point = found.verification.at(target)
        assert point.fmr.value <= target
        assert point.name == f"FMR {target:g}"
        assert point.fnmr.interval.low <= point.fnmr.value <= point.fnmr.interval.high
    rates = [found.verification.at(target).fnmr.value for target in FMR_TARGETS]
    assert rates == sorted(rates)


def test_the_same_seed_gives_the_same_numbers() -> None:
    first, second = measure(symmetric(2), {}, seed=3), measure(symmetric(2), {}, seed=3)
    assert first.ranking.ranks == second.ranking.ranks
    assert first.verification.points == second.verification.points
    assert first.searches == second.searches


def test_single_shot_replaces_the_cmc_only() -> None:
    made = trial(3)
    plain, one = measure_ranking(made), measure_ranking(made, is_single_shot=True)
    assert one.cmc.tolist() == single_shot(made).tolist()
    assert one.ranks[1].interval is None
    assert one.mean_average_precision == plain.mean_average_precision


def test_nothing_to_measure_is_told() -> None:
    one_camera = Samples(one_hot(0, 1), np.array([0, 1]), np.array([0, 0]))
    one_person = Samples(one_hot(0, 0), np.array([0, 0]), np.array([0, 1]))
    for side in (one_camera, one_person):
        with pytest.raises(DatasetInvalid, match="two people or more"):
            measure_verification(Trial(side, side, symmetric=True), {})
    with pytest.raises(DatasetInvalid, match="another camera"):
        measure_ranking(Trial(one_camera, one_camera, symmetric=True))


def test_a_score_of_1_between_strangers_leaves_no_threshold() -> None:
    side = Samples(one_hot(0, 0, 0, 0), np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]))
    point = measure_verification(Trial(side, side, symmetric=True), {}).at(1e-4)
    assert not point.reachable
    assert point.fnmr.value == 1.0
