"""Intervals against scipy, hand-worked values and simulation."""

import numpy as np
import pytest
from scipy.stats import beta

from biometric.statistics.intervals import (
    Interval,
    Rate,
    Support,
    binomial_interval,
    bootstrap_mean,
    bootstrap_pairs,
    bootstrap_ratio,
    clopper_pearson,
    percentile_interval,
    rate,
    rule_of_three,
    trials_needed,
)


@pytest.mark.parametrize(
    ("errors", "trials"),
    [(0, 1), (1, 1), (1, 10), (5, 10), (9, 10), (10, 10), (30, 30_000), (123, 456), (400_000, 400_000_000)],
)
@pytest.mark.parametrize("confidence", [0.9, 0.95, 0.99])
def test_clopper_pearson_equals_the_beta_quantiles(errors: int, trials: int, confidence: float) -> None:
    found = clopper_pearson(errors, trials, confidence)
    tail = (1 - confidence) / 2
    low = 0.0 if errors == 0 else beta.ppf(tail, errors, trials - errors + 1)
    high = 1.0 if errors == trials else beta.ppf(1 - tail, errors + 1, trials - errors)
    assert found.low == pytest.approx(low, rel=1e-8)
    assert found.high == pytest.approx(high, rel=1e-8)


@pytest.mark.parametrize(
    ("errors", "trials", "low", "high"),
    [
        # quantiles of the beta distribution to 30 digits (mpmath), rounded to doubles
        (1, 10, 0.0025285785444617843, 0.44501611702819543),
        (3, 1000, 0.0006190999316495713, 0.008742023238478303),
        (30, 3000, 0.006756842967354001, 0.014245074173757968),
        (400, 400_000, 0.0009044328571537957, 0.0011029098238456972),
        (5, 7, 0.2904208637373427, 0.9633074338239145),
        (999, 1000, 0.9944410757201734, 0.9999746825125088),
        (2, 2_000_000, 1.2110466221498373e-07, 3.6123391155229897e-06),
    ],
)
def test_clopper_pearson_to_nine_digits(errors: int, trials: int, low: float, high: float) -> None:
    interval = clopper_pearson(errors, trials)
    assert (interval.low, interval.high) == pytest.approx((low, high), rel=1e-9, abs=0)
    assert type(interval.low) is type(interval.high) is float


def test_clopper_pearson_of_a_textbook() -> None:
    # 0 of 10: 1 - 0.025^(1/10)
    assert clopper_pearson(0, 10).high == pytest.approx(1 - 0.025**0.1)


def test_rule_of_three() -> None:
    assert rule_of_three(1000) == 0.003
    assert rule_of_three(2) == 1.0
    assert rule_of_three(1000, 0.99) == pytest.approx(4.60517 / 1000, rel=1e-5)
    found = binomial_interval(0, 300)
    assert (found.low, found.high, found.method) == (0.0, 0.01, "rule of three")


def test_without_errors_the_rule_of_three_replaces_a_bootstrap_without_width() -> None:
    assert rate(0, 300, Interval(0.0, 0.0, method="bootstrap over identities")).interval.high == 0.01


def test_rule_of_30() -> None:
    assert rate(29, 1000).support is Support.TOO_FEW
    assert rate(30, 1000).support is Support.ENOUGH
    assert trials_needed(0.001) == 30_000
    assert trials_needed(1e-4) == 300_000
    assert Support.TOO_FEW == "too few data"
    with pytest.raises(ValueError, match="rate"):
        trials_needed(0.0)


def test_errors_of_one_person_are_one_piece_of_evidence() -> None:
    assert rate(500, 1000, distinct=3).support is Support.TOO_FEW
    assert rate(500, 1000, distinct=30).support is Support.ENOUGH
    assert rate(0, 1000, distinct=0, independent=30).interval.high == 0.1
    with pytest.raises(ValueError, match="errors"):
        rate(2, 10, distinct=3)


@pytest.mark.parametrize(("errors", "trials"), [(0, 0), (-1, 10), (11, 10)])
def test_impossible_counts_are_refused(errors: int, trials: int) -> None:
    with pytest.raises(ValueError, match="expected"):
        rate(errors, trials)
    with pytest.raises(ValueError, match="expected"):
        Rate(errors, trials, Interval(0, 1))


def test_impossible_intervals_are_refused() -> None:
    with pytest.raises(ValueError, match="limits"):
        Interval(0.2, 0.1)
    with pytest.raises(ValueError, match="confidence"):
        Interval(0.1, 0.2, 1.0)


def test_people_are_drawn_and_not_their_values() -> None:
    values = np.repeat([0.0, 1.0], 500)
    own = bootstrap_mean(values, np.repeat([7, 9], 500))
    assert (own.low, own.high) == (0.0, 1.0)  # two people: half the draws hold one of them only
    apart = bootstrap_mean(values, np.arange(1000))
    assert 0.45 < apart.low < 0.5 < apart.high < 0.55
    assert own.method == "bootstrap over identities"


def test_the_bootstrap_repeats_with_its_seed() -> None:
    values, people = np.random.default_rng(0).random(50), np.arange(50) // 3
    assert bootstrap_mean(values, people, seed=4) == bootstrap_mean(values, people, seed=4)
    assert bootstrap_mean(values, people, seed=4) != bootstrap_mean(values, people, seed=5)


def test_the_interval_holds_the_truth_about_as_often_as_promised() -> None:
    generator = np.random.default_rng(3)
    held = 0
    for _ in range(200):
        chances = generator.beta(2, 2, 60)
        values = (generator.random((60, 10)) < chances[:, None]).astype(float)
        found = bootstrap_mean(values.ravel(), np.repeat(np.arange(60), 10), rounds=200)
        held += found.low <= 0.5 <= found.high
    assert 0.88 <= held / 200 <= 0.99


def test_a_person_drawn_twice_is_no_impostor_to_themselves() -> None:
    errors = np.array([[0.0, 1.0], [1.0, 0.0]])
    trials = np.array([[0.0, 1.0], [1.0, 0.0]])
    found = bootstrap_pairs(errors, trials, rounds=50)
    assert (found.low, found.high) == (1.0, 1.0)


def test_pairs_widen_the_interval_where_one_person_makes_all_errors() -> None:
    trials = np.ones((40, 40)) - np.eye(40)
    lamb, spread = np.zeros((40, 40)), np.zeros((40, 40))
    lamb[0, 1:] = lamb[1:, 0] = 1
    spread[np.random.default_rng(0).random((40, 40)) < 78 / 1560] = 1
    np.fill_diagonal(spread, 0)
    wide, narrow = bootstrap_pairs(lamb, trials), bootstrap_pairs(spread, trials)
    assert wide.high - wide.low > 2 * (narrow.high - narrow.low)


def test_ratios_are_of_sums() -> None:
    found = bootstrap_ratio(np.array([1.0] * 5), np.array([2.0] * 5), rounds=20)
    assert (found.low, found.high) == (0.5, 0.5)


def test_no_data_no_interval() -> None:
    with pytest.raises(ValueError, match="at least one"):
        bootstrap_mean(np.array([]), np.array([], int))
    with pytest.raises(ValueError, match="at least one"):
        bootstrap_ratio(np.array([]), np.array([]))
    unknown = percentile_interval(np.array([np.nan]))
    assert (unknown.low, unknown.high) == (0.0, 1.0)
