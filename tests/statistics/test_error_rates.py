"""1:1 error rates against cases worked by hand and slow references."""

import math

import numpy as np
import pytest

from biometric.domain.comparison import decide
from biometric.entities import Threshold, ThresholdSource
from biometric.statistics.error_rates import (
    Distribution,
    auc,
    curves,
    d_prime,
    eer,
    fmr,
    fnmr,
    fnmr_at_fmr,
    threshold_at_fmr,
    threshold_at_fnmr,
)

GENUINE = [0.9, 0.8, 0.6, 0.4]
IMPOSTOR = [0.7, 0.5, 0.3, 0.2, 0.1]


@pytest.mark.parametrize(
    ("threshold", "matched", "missed"),
    [(-1.0, 1.0, 0.0), (0.3, 0.6, 0.0), (0.5, 0.4, 0.25), (0.65, 0.2, 0.5), (0.9, 0.0, 0.75), (0.95, 0.0, 1.0)],
)
def test_a_score_at_the_threshold_matches(threshold: float, matched: float, missed: float) -> None:
    assert fmr(IMPOSTOR, threshold) == matched
    assert fnmr(GENUINE, threshold) == missed


def test_the_rates_are_those_of_the_one_decision() -> None:
    generator = np.random.default_rng(1)
    scores = np.round(generator.uniform(-1, 1, 200), 2)
    for value in (-0.5, 0.0, 0.25):
        threshold = Threshold(value, ThresholdSource.USER)
        matches = sum(decide(float(score), threshold) for score in scores)
        assert fmr(scores, value) == matches / 200
        assert fnmr(scores, value) == (200 - matches) / 200


@pytest.mark.parametrize(("target", "step"), [(0.0, 0.7), (0.19, 0.7), (0.2, 0.5), (0.5, 0.3), (0.8, 0.1)])
def test_the_threshold_is_just_above_the_first_impostor_that_must_not_match(target: float, step: float) -> None:
    threshold = threshold_at_fmr(IMPOSTOR, target)
    assert threshold == np.nextafter(step, 2)
    assert fmr(IMPOSTOR, threshold) <= target
    assert fmr(IMPOSTOR, step) > target


def test_all_impostors_may_match() -> None:
    assert threshold_at_fmr(IMPOSTOR, 1.0) == 0.1


def test_ties_at_the_step_are_kept_out_together() -> None:
    tied = [0.9, 0.5, 0.5, 0.5, 0.1]
    assert threshold_at_fmr(tied, 0.4) == np.nextafter(0.5, 1)
    assert fmr(tied, threshold_at_fmr(tied, 0.4)) == 0.2


def test_floating_point_does_not_take_an_impostor_away() -> None:
    scores = np.arange(100) / 100
    assert fmr(scores, threshold_at_fmr(scores, 0.29)) == 0.29


def test_single_precision_scores_get_a_threshold_that_single_precision_can_hold() -> None:
    scores = np.array([0.1, 0.2, 0.3], np.float32)
    threshold = threshold_at_fmr(scores, 0.0)
    assert threshold == np.nextafter(np.float32(0.3), np.float32(1))
    assert not (scores >= threshold).any()
    assert fmr(scores, threshold) == 0.0


def test_the_threshold_for_fnmr_is_the_highest_genuine_score_allowed() -> None:
    assert threshold_at_fnmr(GENUINE, 0.0) == 0.4
    assert threshold_at_fnmr(GENUINE, 0.25) == 0.6
    assert fnmr(GENUINE, threshold_at_fnmr(GENUINE, 0.6)) == 0.5
    assert threshold_at_fnmr(GENUINE, 1.0) > 0.9


def test_eer_by_hand() -> None:
    # thresholds 0.5 (FMR .4, FNMR .25) and 0.6 (FMR .2, FNMR .25): least different at 0.6
    found = eer(GENUINE, IMPOSTOR)
    assert found.rate == pytest.approx(0.225)
    assert found.threshold == 0.6


def test_separated_scores_have_no_errors() -> None:
    assert eer([0.8, 0.9], [0.1, 0.2]).rate == 0.0
    assert auc([0.8, 0.9], [0.1, 0.2]) == 1.0
    assert fnmr_at_fmr([0.8, 0.9], [0.1, 0.2], 0.0)[0] == 0.0


def test_auc_counts_ties_half() -> None:
    assert auc(GENUINE, IMPOSTOR) == (5 + 5 + 4 + 3) / 20
    assert auc([0.5], [0.5]) == 0.5
    assert auc([0.5, 0.7], [0.5, 0.6]) == (0.5 + 2) / 4


def test_auc_equals_counting_all_pairs() -> None:
    generator = np.random.default_rng(2)
    genuine, impostor = np.round(generator.normal(0.5, 0.3, 80), 1), np.round(generator.normal(0.2, 0.3, 90), 1)
    pairs = sum((g > i) + 0.5 * (g == i) for g in genuine for i in impostor)
    assert auc(genuine, impostor) == pytest.approx(pairs / 80 / 90, abs=1e-12)


def test_d_prime_by_hand() -> None:
    assert d_prime([0.8, 0.6], [0.2, 0.0]) == pytest.approx(0.6 / 0.1)
    assert d_prime([0.2, 0.0], [0.8, 0.6]) == pytest.approx(-6.0)
    assert d_prime([0.5], [0.1]) == math.inf
    assert d_prime([0.5], [0.5]) == 0.0


def test_fnmr_at_fmr_by_hand() -> None:
    rate, threshold = fnmr_at_fmr(GENUINE, IMPOSTOR, 0.2)
    assert rate == 0.25
    assert 0.5 < threshold < 0.51


def test_curves_start_with_every_match_and_end_with_none() -> None:
    matched, missed, thresholds = curves(GENUINE, IMPOSTOR)
    assert (matched[0], missed[0]) == (1.0, 0.0)
    assert (matched[-1], missed[-1]) == (0.0, 1.0)
    assert (np.diff(matched) <= 0).all()
    assert (np.diff(missed) >= 0).all()
    assert (np.diff(thresholds) > 0).all()


def test_a_counted_distribution_answers_as_its_scores_do() -> None:
    scores = [0.1, 0.5, 0.5, 0.9]
    counted = Distribution.counted(np.array([0.1, 0.3, 0.5, 0.9]), np.array([1, 0, 2, 1]))
    plain = Distribution.of(scores)
    assert counted.total == plain.total == 4
    assert counted.values.tolist() == plain.values.tolist()
    assert counted.mean == pytest.approx(np.mean(scores))
    assert counted.variance == pytest.approx(np.var(scores))


@pytest.mark.parametrize("scores", [[], [0.1, math.nan], [math.inf]])
def test_no_scores_and_scores_that_are_no_numbers_are_refused(scores: list[float]) -> None:
    with pytest.raises(ValueError, match="expected"):
        fmr(scores, 0.5)


@pytest.mark.parametrize("target", [-0.1, 1.1, math.nan])
def test_targets_are_rates(target: float) -> None:
    with pytest.raises(ValueError, match="rate in"):
        threshold_at_fmr(IMPOSTOR, target)
    with pytest.raises(ValueError, match="rate in"):
        threshold_at_fnmr(GENUINE, target)


def test_values_must_rise() -> None:
    with pytest.raises(ValueError, match="rising"):
        Distribution.counted(np.array([0.5, 0.1]), np.array([1, 1]))
