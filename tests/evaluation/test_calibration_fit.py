"""Fitted thresholds keep their target, or are refused with what is missing."""

import itertools
import json

import numpy as np
import pytest

from biometric.entities import Calibration, LikelihoodRatio
from biometric.errors import CalibrationRefused, InvalidInput
from biometric.evaluation import calibration, collection, fitting, likelihood


def everybody(count: int, seed: int = 0, spread: float = 0.1) -> dict[tuple[int, int], float]:
    """Scores of every pair of so many people."""
    random = np.random.default_rng(seed)
    return {pair: float(random.normal(0.1, spread)) for pair in itertools.combinations(range(count), 2)}


def test_the_threshold_keeps_the_target_and_is_the_lowest_that_does() -> None:
    pairs = everybody(60)
    fitted = fitting.fit_pairs(pairs, 0.01)
    scores = np.array(list(pairs.values()))
    assert fitted.trials == 1770
    assert fitted.upper <= 0.01
    assert fitted.errors == (scores >= fitted.value).sum() > 0
    assert fitting.upper_limit(fitted.errors + 1, 1770) > 0.01
    allowed = fitting.errors_allowed(1770, 0.01)
    assert allowed is not None
    assert (scores >= fitted.value - 0.001).sum() > allowed >= fitted.errors
    assert fitted.low <= fitted.value <= fitted.high
    assert fitted.value == round(fitted.value, 3)


def test_a_score_of_the_threshold_itself_would_match_so_it_lies_above() -> None:
    pairs = dict.fromkeys(everybody(30), 0.445)
    assert fitting.fit_pairs(pairs, 0.01).value == 0.446
    assert fitting.fit_pairs(pairs, 0.01).errors == 0


def test_the_claim_holds_on_other_people_from_the_same_world() -> None:
    kept = 0
    for seed in range(20):
        value = fitting.fit_pairs(everybody(40, seed), 0.01).value
        fresh = np.random.default_rng(1000 + seed).normal(0.1, 0.1, 100_000)
        kept += (fresh >= value).mean() <= 0.01
    assert kept >= 17, "95 % confidence"


def test_promise_27_no_threshold_without_evidence() -> None:
    pairs = everybody(25)  # 300 pairs: exactly 3 / 0.01
    assert fitting.fit_pairs(pairs, 0.01).upper == pytest.approx(0.01)
    pairs.popitem()
    with pytest.raises(CalibrationRefused) as refused:
        fitting.fit_pairs(pairs, 0.01, seconds=60.0)
    assert (refused.value.needed, refused.value.available, refused.value.people) == (300, 299, 25)
    assert "at least 300 independent comparisons" in str(refused.value)
    assert "about 1 more minutes" in str(refused.value)
    with pytest.raises(CalibrationRefused, match="there are 0"):
        fitting.fit_pairs({}, 0.01)


def test_many_comparisons_of_one_person_count_for_few() -> None:
    star = {(0, other): 0.1 for other in range(1, 1001)}
    assert fitting.independent(star) < 10
    assert fitting.independent(everybody(30)) == 435
    assert fitting.independent({}) == 0
    with pytest.raises(CalibrationRefused):
        fitting.fit_pairs(star, 0.01)


@pytest.mark.parametrize(("trials", "target", "allowed"), [(299, 0.01, None), (300, 0.01, 0), (472, 0.01, 0),
                                                            (473, 0.01, 1), (0, 0.5, None), (6, 0.5, 0)])  # fmt: skip
def test_errors_allowed_by_hand(trials: int, target: float, allowed: int | None) -> None:
    # Upper 95 % limits of a Poisson count: 3.00 for none, 4.74 for one; the binomial's lie slightly below.
    assert fitting.errors_allowed(trials, target) == allowed


def test_identification_is_stricter_in_a_larger_gallery() -> None:
    pairs = everybody(120)
    small, large = (fitting.fit_searches({}, pairs, 0.05, size) for size in (1, 10))
    assert small.value < large.value
    assert large.upper <= 0.05
    assert "independent" in large.basis
    with pytest.raises(CalibrationRefused, match="60 strangers"):
        fitting.fit_searches({}, pairs, 0.05, 1000)
    with pytest.raises(CalibrationRefused, match="nobody is enrolled"):
        fitting.fit_searches({}, pairs, 0.05, 0)


def test_identification_prefers_strangers_that_were_searched() -> None:
    strangers = {number: 0.2 + number / 250 for number in range(100)}
    fitted = fitting.fit_searches(strangers, everybody(120), 0.05, 10)
    assert fitted.basis == "strangers searched in the gallery"
    assert (fitted.trials, fitted.errors) == (100, 1)
    assert fitted.value == 0.593


def test_people_who_score_one_cannot_be_told_apart() -> None:
    with pytest.raises(CalibrationRefused, match="no threshold can tell them apart"):
        fitting.fit_pairs(dict.fromkeys(everybody(30), 1.0), 0.01)


def collected(people: int = 60, genuine: int = 12) -> collection.Collected:
    same = [(number, 0.9 + number / 1000) for number in range(genuine)]
    return collection.Collected(everybody(people), {}, {collection.SAME_VISIT: same, collection.REPEATED: []},
                                {collection.SAME_TIME: 1770}, 0, people)  # fmt: skip


def test_a_calibration_says_all_and_survives_json() -> None:
    made = calibration.fit(collected(), calibration.Targets(0.01), "m", [], 3)
    assert made.identification is not None
    assert made.verification.value < made.identification.value
    assert (made.people, made.pairs, made.independent, made.gallery_size) == (60, 1770, 1770, 3)
    [genuine] = made.genuine
    assert (genuine.kind, genuine.people, genuine.missed, genuine.high) == ("same visit", 12, 0, 0.25)
    assert sum(made.histogram.different) == 1770
    assert sum(made.histogram.same) == 12
    assert Calibration.from_dict(json.loads(json.dumps(made.as_dict()))) == made


def test_identification_that_was_asked_for_is_refused_and_else_noted() -> None:
    few = collected(30)
    made = calibration.fit(few, calibration.Targets(0.01), "m", [], 30)
    assert made.identification is None
    assert any("Identification keeps its default" in note for note in made.notes)
    with pytest.raises(CalibrationRefused):
        calibration.fit(few, calibration.Targets(0.01, 0.01), "m", [], 30)


def test_few_genuine_people_give_no_likelihood_ratio() -> None:
    assert calibration.fit(collected(genuine=9), calibration.Targets(0.01), "m", [], 0).likelihood is None
    assert calibration.fit(collected(genuine=10), calibration.Targets(0.01), "m", [], 0).likelihood is not None


@pytest.mark.parametrize("rate", [0.0, -0.1, 0.6, 1.0, float("nan"), float("inf")])
def test_a_target_must_be_a_rate(rate: float) -> None:
    with pytest.raises(InvalidInput, match="above 0"):
        calibration.Targets(rate)
    with pytest.raises(InvalidInput, match="above 0"):
        calibration.Targets(0.01, rate)


def test_likelihood_ratios_follow_the_densities() -> None:
    random = np.random.default_rng(0)
    # Two normal distributions of one width: the true log ratio is a line, (m1 - m0) / v · (s - (m0 + m1) / 2).
    fitted = likelihood.fit(
        random.normal(0.7, 0.15, 3000).tolist(), random.normal(0.2, 0.15, 9000).tolist(), 3000, 9000, "x"
    )
    assert fitted.slope == pytest.approx(0.5 / 0.15**2, rel=0.1)
    assert fitted.ratio(0.45) == pytest.approx(1.0, abs=0.25)
    scores = np.linspace(-1, 1, 50)
    ratios = [fitted.ratio(float(score)) for score in scores]
    assert ratios == sorted(ratios)
    assert (min(ratios), max(ratios)) == pytest.approx((1 / 3000, 9000))


def test_likelihood_needs_people_and_sense() -> None:
    with pytest.raises(ValueError, match="at least 10"):
        likelihood.fit([0.9] * 20, [0.1] * 20, 9, 20, "")
    with pytest.raises(ValueError, match="reverse"):
        likelihood.fit([0.1] * 20, [0.9] * 20, 20, 20, "")
    with pytest.raises(ValueError, match="differ"):
        likelihood.fit([0.5] * 20, [0.5] * 20, 20, 20, "")


@pytest.mark.parametrize(
    ("ratio", "words"),
    [
        (1.0, "no support either way"),
        (1.9, "no support either way"),
        (3, "weak support for the same person"),
        (30, "moderate support for the same person"),
        (300, "moderately strong support for the same person"),
        (3e3, "strong support for the same person"),
        (3e5, "very strong support for the same person"),
        (3e6, "extremely strong support for the same person"),
        (1 / 30, "moderate support for different people"),
    ],
)
def test_words_of_the_verbal_scale(ratio: float, words: str) -> None:
    mapping = LikelihoodRatio(1.0, float(np.log(ratio)), 1e-9, 1e9)
    assert mapping.words(0.0) == words
    assert words in mapping.describe(0.0)


def test_a_mapping_that_makes_no_sense_is_refused() -> None:
    for values in ((0.0, 0.0, 0.1, 10), (-1.0, 0.0, 0.1, 10), (1.0, 0.0, 0.0, 10), (1.0, 0.0, 0.1, 0.5)):
        with pytest.raises(ValueError, match="expected"):
            LikelihoodRatio(*values)
