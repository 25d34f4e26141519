"""Fitted thresholds keep their target, or are refused with what is missing."""

import dataclasses
import itertools
import json
import math

import numpy as np
import pytest

from biometric.calibration import collection, compared_people, fitting, likelihood
from biometric.calibration import procedure as calibration
from biometric.calibration.compared_people import IdentitySummary
from biometric.entities import (
    Calibration,
    FitBasis,
    GenuineScores,
    Histogram,
    LikelihoodRatio,
    Notice,
    NoticeCode,
)
from biometric.entities.calibration_footage import CalibrationTrack, ClipSummary
from biometric.errors import CalibrationRefused, InvalidInput
from biometric.messages import describe_all, describe_likelihood, describe_support
from biometric.results.answer_json import calibration_json


def everybody(count: int, seed: int = 0, spread: float = 0.1) -> dict[tuple[int, int], float]:
    """Scores of every pair of so many people."""
    random = np.random.default_rng(seed)
    return {pair: float(random.normal(0.1, spread)) for pair in itertools.combinations(range(count), 2)}


def test_the_threshold_keeps_the_target_by_counts_and_by_draws() -> None:
    pairs = everybody(60)
    fitted = fitting.fit_pairs(pairs, 0.01)
    scores = np.array(list(pairs.values()))
    assert fitted.trials == 1770
    assert fitted.upper <= 0.01
    assert fitted.errors == (scores >= fitted.value).sum() > 0
    assert fitting.upper_limit(fitted.errors, 1770) <= 0.01
    ranked = np.sort(scores)[::-1]
    assert fitted.value < ranked[1], "errors are still allowed"
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
    assert fitting.count_independent(star) < 10
    assert fitting.count_independent(everybody(30)) == 435
    assert fitting.count_independent({}) == 0
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
    assert large.basis is FitBasis.PAIRS_FOR_SEARCHES
    with pytest.raises(CalibrationRefused, match="60 strangers"):
        fitting.fit_searches({}, pairs, 0.05, 1000)
    with pytest.raises(CalibrationRefused, match="nobody is enrolled"):
        fitting.fit_searches({}, pairs, 0.05, 0)


def test_identification_prefers_strangers_that_were_searched() -> None:
    strangers = {number: 0.2 + number / 250 for number in range(100)}
    fitted = fitting.fit_searches(strangers, everybody(120), 0.05, 10)
    assert fitted.basis is FitBasis.SEARCHES
    assert (fitted.trials, fitted.errors) == (100, 1)
    assert fitted.value == 0.593


def test_people_who_score_one_cannot_be_told_apart() -> None:
    with pytest.raises(CalibrationRefused, match="no threshold can tell them apart"):
        fitting.fit_pairs(dict.fromkeys(everybody(30), 1.0), 0.01)


def collected(people: int = 60, genuine: int = 12) -> collection.Collected:
    same = [(number, 0.9 + number / 1000) for number in range(genuine)]
    return collection.Collected(everybody(people), {}, {collection.SAME_VISIT: same, collection.REPEATED: []},
                                {compared_people.SAME_TIME: 1770}, 0, people)  # fmt: skip


def test_a_calibration_says_all_and_survives_json() -> None:
    made = calibration.fit_thresholds(collected(), calibration.Targets(0.01), "m", [], 3)
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
    made = calibration.fit_thresholds(few, calibration.Targets(0.01), "m", [], 30)
    assert made.identification is None
    [note] = [note for note in made.notes if note.code is NoticeCode.IDENTIFICATION_NEEDS_DATA]
    assert (note["identities"], note["strangers"], note["available"]) == (30, 0, 435)
    with pytest.raises(CalibrationRefused):
        calibration.fit_thresholds(few, calibration.Targets(0.01, 0.01), "m", [], 30)


def test_few_people_or_one_visit_give_no_likelihood_ratio() -> None:
    assert calibration.fit_thresholds(collected(genuine=12), calibration.Targets(0.01), "m", [], 0).likelihood is None
    for people, fits in ((9, False), (10, True)):
        same = [(number, 0.9 + number / 1000) for number in range(people)]
        repeated = dataclasses.replace(collected(genuine=30), genuine={collection.REPEATED: same})
        made = calibration.fit_thresholds(repeated, calibration.Targets(0.01), "m", [], 0)
        assert (made.likelihood is not None) is fits


@pytest.mark.parametrize("rate", [0.0, -0.1, 0.6, 1.0, float("nan"), float("inf")])
def test_a_target_must_be_a_rate(rate: float) -> None:
    with pytest.raises(InvalidInput, match="above 0"):
        calibration.Targets(rate)
    with pytest.raises(InvalidInput, match="above 0"):
        calibration.Targets(0.01, rate)


BASIS = Notice(NoticeCode.LIKELIHOOD_BASIS, people=10, pairs=20)


def test_likelihood_ratios_follow_the_densities() -> None:
    random = np.random.default_rng(0)
    # Two normal distributions of one width: the true log ratio is a line, (m1 - m0) / v · (s - (m0 + m1) / 2).
    fitted = likelihood.fit_likelihood_ratio(
        random.normal(0.7, 0.15, 3000).tolist(), random.normal(0.2, 0.15, 9000).tolist(), 3000, 9000, BASIS
    )
    assert fitted.slope == pytest.approx(0.5 / 0.15**2, rel=0.1)
    assert fitted.ratio(0.45) == pytest.approx(1.0, abs=0.25)
    scores = np.linspace(-1, 1, 50)
    ratios = [fitted.ratio(float(score)) for score in scores]
    assert ratios == sorted(ratios)
    assert (min(ratios), max(ratios)) == pytest.approx((1 / 3000, 9000))


def drawn_people(random: np.random.Generator, people: int) -> tuple[list, dict]:
    """Two genuine scores each of so many people, and a score of each pair; both normal, of one width."""
    genuine = [(person, float(score)) for person in range(people) for score in random.normal(0.7, 0.15, 2)]
    pairs = {(one, two): float(random.normal(0.2, 0.15)) for two in range(people) for one in range(two)}
    return genuine, pairs


def fitted_to(genuine: list, pairs: dict) -> LikelihoodRatio:
    people = len({person for person, _ in genuine})
    scores = [score for _, score in genuine]
    fitted = likelihood.fit_likelihood_ratio(scores, list(pairs.values()), people, len(pairs), BASIS)
    return likelihood.with_spread(fitted, genuine, pairs)


def test_the_interval_of_a_ratio_holds_the_true_one_and_narrows_with_people() -> None:
    random = np.random.default_rng(3)
    held, widths = 0, {}
    for people in (15, 60):
        for _ in range(10):
            fitted = fitted_to(*drawn_people(random, people))
            interval = fitted.interval(0.5)
            assert interval is not None
            low, high = interval
            assert low <= fitted.ratio(0.5) <= high
            held += low <= math.exp(0.5 / 0.15**2 * 0.05) <= high  # of the two densities at 0.5
            widths.setdefault(people, []).append(math.log(high / low))
    assert held >= 17
    assert np.median(widths[60]) < 0.8 * np.median(widths[15])


def test_the_interval_stays_within_the_limits_and_survives_storing() -> None:
    fitted = fitted_to(*drawn_people(np.random.default_rng(5), 15))
    assert fitted.interval(1.0) == (fitted.highest, fitted.highest)
    assert fitted.is_limited(1.0)
    assert not fitted.is_limited(0.45)
    assert LikelihoodRatio.from_dict(json.loads(json.dumps(fitted.as_dict()))) == fitted
    assert LikelihoodRatio(10.0, -5.0, 0.1, 100.0).interval(0.5) is None
    assert "(95 % interval " in describe_likelihood(fitted, 0.6)


def test_likelihood_needs_people_and_sense() -> None:
    with pytest.raises(ValueError, match="at least 10"):
        likelihood.fit_likelihood_ratio([0.9] * 20, [0.1] * 20, 9, 20, BASIS)
    with pytest.raises(ValueError, match="reverse"):
        likelihood.fit_likelihood_ratio([0.1] * 20, [0.9] * 20, 20, 20, BASIS)
    with pytest.raises(ValueError, match="differ"):
        likelihood.fit_likelihood_ratio([0.5] * 20, [0.5] * 20, 20, 20, BASIS)


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
    assert describe_support(mapping.ratio(0.0)) == words
    assert describe_likelihood(mapping, 0.0).endswith(f": {words}")


def test_a_mapping_that_makes_no_sense_is_refused() -> None:
    for values in ((0.0, 0.0, 0.1, 10), (-1.0, 0.0, 0.1, 10), (1.0, 0.0, 0.0, 10), (1.0, 0.0, 0.1, 0.5)):
        with pytest.raises(ValueError, match="expected"):
            LikelihoodRatio(*values)


def unit(random: np.random.Generator, count: int) -> np.ndarray:
    vectors = random.normal(size=(count, 128))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def uniformed(random: np.random.Generator, cloth: np.ndarray, count: int) -> np.ndarray:
    """People in one uniform: they score about 0.8 with each other."""
    vectors = 0.9 * cloth + 0.44 * unit(random, count)
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def names(vectors: np.ndarray) -> list[IdentitySummary]:
    return [IdentitySummary(vector[np.newaxis], (f"e{number}",)) for number, vector in enumerate(vectors)]


def strangers(vectors: np.ndarray) -> list[ClipSummary]:
    return [
        ClipSummary(f"s{number}", "m", (CalibrationTrack(vector, None, {}),), 10.0)
        for number, vector in enumerate(vectors)
    ]


@pytest.mark.parametrize("seed", range(4))
def test_promise_27_names_in_one_uniform_raise_the_threshold(seed: int) -> None:
    random = np.random.default_rng(seed)
    cloth = unit(random, 1)
    people = np.concatenate([uniformed(random, cloth, 10), unit(random, 90).astype(np.float32)])
    found = collection.collect([], names(people), 0.572)
    fitted = fitting.fit_pairs(found.pairs, 0.001, 0.0, found.more_pairs)
    fresh = np.concatenate([uniformed(random, cloth, 100), unit(random, 900).astype(np.float32)])
    scores = (fresh @ fresh.T)[np.triu_indices(1000, 1)]
    assert (scores >= fitted.value).mean() <= 0.001
    assert fitted.value > 0.572


def test_promise_27_strangers_in_an_enrolled_uniform_raise_the_threshold() -> None:
    random = np.random.default_rng(2)
    cloth = unit(random, 1)
    enrolled = np.concatenate([uniformed(random, cloth, 1), unit(random, 4).astype(np.float32)])

    def crowd(count: int) -> np.ndarray:
        alike = count // 20
        return np.concatenate([uniformed(random, cloth, alike), unit(random, count - alike).astype(np.float32)])

    found = collection.collect(strangers(crowd(400)), names(enrolled), 0.572)
    assert found.doubtful == 20
    made = calibration.fit_thresholds(found, calibration.Targets(0.5, 0.01), "m", [], 5)
    assert made.identification is not None
    assert made.doubtful == 20
    rate = ((crowd(4000) @ enrolled.T).max(axis=1) >= made.identification.value).mean()
    assert rate <= 0.01


def test_few_searches_that_reach_a_threshold_raise_it_too() -> None:
    pairs = everybody(120)
    value = fitting.fit_searches({}, pairs, 0.05, 5).value
    assert fitting.fit_searches({500: 0.8}, pairs, 0.05, 5).value == 0.801
    raised = fitting.fit_searches({}, pairs, 0.05, 5, more_searches=[(0, 0.9)])
    assert raised.value == 0.901 > value
    assert raised.high >= raised.value
    assert raised.errors == 0


def test_scores_that_are_no_trials_count_as_errors() -> None:
    pairs = everybody(25)
    more = [((3, 3), 0.7), ((3, 4), 0.6)]
    fitted = fitting.fit_pairs(pairs, 0.01, more=more)
    assert (fitted.value, fitted.trials) == (0.701, 300)


def test_errors_that_come_in_one_group_of_people_need_a_higher_threshold() -> None:
    # 8 of 100 people score 0.9 with each other: 28 of 4,950 pairs, whose binomial upper limit is 0.0078.
    pairs = everybody(100, spread=0.01) | dict.fromkeys(itertools.combinations(range(8), 2), 0.9)
    assert fitting.upper_limit(28, 4950) < 0.01
    assert fitting.fit_pairs(pairs, 0.01).value == 0.901


@pytest.mark.parametrize("field", ["upper", "low", "high"])
def test_numbers_that_are_none_are_refused(field: str) -> None:
    fitted = fitting.fit_pairs(everybody(25), 0.01)
    with pytest.raises(ValueError, match="expected"):
        dataclasses.replace(fitted, **{field: float("nan")})
    with pytest.raises(ValueError, match="expected counts"):
        Histogram((1, -1), (0, 0))
    with pytest.raises(ValueError, match="expected a rate"):
        GenuineScores("same visit", 1, 2, 1, float("nan"), 1.0)
    mapping = LikelihoodRatio(1.0, 0.0, 0.1, 10.0)
    assert describe_likelihood(mapping, float("nan")) == "no likelihood ratio"
    with pytest.raises(ValueError, match="finite"):
        mapping.ratio(float("inf"))


def test_a_calibration_counts_scores_that_are_no_trials() -> None:
    doubtful = dataclasses.replace(collected(), more_pairs=[((1, 1), 0.8)] * 20, doubtful=20)
    made = calibration.fit_thresholds(doubtful, calibration.Targets(0.01), "m", [], 3)
    assert made.identification is not None
    assert made.verification.value == made.identification.value == 0.801


def test_calibrations_that_were_stored_with_sentences_still_load() -> None:
    stored = calibration.fit_thresholds(collected(), calibration.Targets(0.01), "m", [], 3).as_dict()
    stored["notes"] = ["Two names in the gallery are taken to be two people."]
    stored["verification"]["basis"] = "pairs of different people"
    stored["identification"]["basis"] = (
        "pairs of different people, taking the 3 comparisons of a search for independent"
    )
    stored["likelihood"] = {"slope": 15.0, "intercept": -8.0, "lowest": 0.1, "highest": 9.0, "basis": "From 12 people."}
    read = Calibration.from_dict(json.loads(json.dumps(stored)))
    assert describe_all(read.notes) == ["Two names in the gallery are taken to be two people."]
    assert (read.verification.basis, read.identification.basis) == (FitBasis.PAIRS, FitBasis.PAIRS_FOR_SEARCHES)
    assert read.likelihood.basis == Notice(NoticeCode.STORED_NOTE, text="From 12 people.")
    assert Calibration.from_dict(json.loads(json.dumps(read.as_dict()))) == read


def test_a_printed_calibration_has_sentences_and_codes() -> None:
    printed = calibration_json(calibration.fit_thresholds(collected(30), calibration.Targets(0.01), "m", [], 30))
    assert printed["verification"]["basis"] == "pairs of different people"
    assert printed["verification"]["basis_code"] == "pairs"
    assert printed["notes"][-2].startswith("Identification keeps its default threshold.")
    assert printed["note_codes"][-2]["code"] == "identification_needs_data"
    json.dumps(printed)
