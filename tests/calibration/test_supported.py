"""What footage supports before thresholds are fitted, and how much more a target needs."""

import itertools

import numpy as np
import pytest

from biometric.calibration import collection, fitting, procedure, supported
from biometric.entities import FitBasis, NoticeCode
from biometric.entities.calibration_footage import (
    POSSIBLE,
    CalibrationTrack,
    ClipSummary,
    FootageEvidence,
    FootageNeeded,
    SupportedRate,
    count_needed_trials,
)
from biometric.errors import CalibrationRefused
from biometric.messages.calibration_sentences import evidence_sentences, needed_sentence, one_in

TRACKS = (CalibrationTrack(np.ones(1, np.float32), None, {}),) * 30
CLIP = ClipSummary("c", "m", TRACKS, 10.0, comparisons=435)


def collected(people: int, strangers: int = 0, score: float = 0.2) -> collection.Collected:
    pairs = dict.fromkeys(itertools.combinations(range(people), 2), score)
    return collection.Collected(
        pairs=pairs, searches={1000 + number: 0.1 for number in range(strangers)}, people=people + strangers
    )


@pytest.mark.parametrize(
    ("independent", "expected"), [(0, None), (5, None), (6, 2), (414, 138), (416, 138), (435, 145)]
)
def test_the_smallest_rate_is_three_over_the_comparisons(independent: int, expected: int | None) -> None:
    rate = supported.smallest_rate_of_pairs(independent)
    assert (None if rate is None else rate.one_in) == expected


@pytest.mark.parametrize("people", range(4, 60, 5))
def test_what_is_said_to_be_possible_is_not_refused_and_a_smaller_rate_is(people: int) -> None:
    found = collected(people)
    rate = supported.smallest_rate_of_pairs(fitting.count_independent(found.pairs))
    assert rate is not None
    assert fitting.fit_pairs(found.pairs, rate.rate).upper <= rate.rate
    with pytest.raises(CalibrationRefused):
        fitting.fit_pairs(found.pairs, 1 / (rate.one_in + 1))


@pytest.mark.parametrize(
    ("people", "strangers", "gallery"), list(itertools.product([0, 2, 12, 40], [0, 5, 20, 300], [1, 3, 30]))
)
def test_what_is_said_to_be_possible_for_searches_is_not_refused(people: int, strangers: int, gallery: int) -> None:
    found = collected(people, strangers)
    rate = supported.smallest_rate_of_searches(found.searches, fitting.count_independent(found.pairs), gallery)
    smaller = 1 / ((1 if rate is None else rate.one_in) + 1)
    if rate is not None:
        fitted = fitting.fit_searches(found.searches, found.pairs, rate.rate, gallery)
        assert (fitted.basis, fitted.upper <= rate.rate + 1e-12) == (rate.basis, True)
    with pytest.raises(CalibrationRefused):
        fitting.fit_searches(found.searches, found.pairs, smaller, gallery)


def test_the_evidence_counts_who_was_not_compared() -> None:
    clips = [CLIP, CLIP, ClipSummary("d", "m", (), 5.0, unusable=3)]
    found = supported.evaluate_footage(collected(30, strangers=4), clips, 2)
    assert (found.clips, found.people, found.not_compared, found.strangers) == (2, 30, 7, 4)
    assert found.verification == SupportedRate(145, FitBasis.PAIRS)
    assert found.identification is not None
    assert found.identification.basis is FitBasis.PAIRS_FOR_SEARCHES


def test_people_who_score_one_support_nothing() -> None:
    found = supported.evaluate_footage(collected(30, score=1.0), [CLIP], 2)
    assert (found.separable, found.verification, found.identification) == (False, None, None)
    assert "no threshold can tell them apart" in " ".join(evidence_sentences(found, 0.001, 0.01))


def test_nothing_at_all_supports_nothing() -> None:
    found = supported.evaluate_footage(collection.Collected(), [], 0)
    assert (found.verification, found.identification) == (None, None)
    assert found.needed_for_verification(0.01) == FootageNeeded(25, None)  # 25 people are 300 pairs
    assert found.needed_for_identification(0.01) is None
    said = evidence_sentences(found, 0.01, 0.01)
    assert "Not enough footage for any rate yet: at least six independent comparisons are needed." in said
    assert "Not enough footage for 1 in 100: about 25 more people seen side by side are needed." in said


def test_what_is_missing_is_counted_in_people_and_clips_like_these() -> None:
    found = supported.evaluate_footage(collected(30), [CLIP], 1)
    # 3,000 - 435 = 2,565 comparisons: 5.9 times what the clip and its 30 people gave
    assert found.needed_for_verification(0.001) == FootageNeeded(177, 6)
    assert found.needed_for_verification(0.01) is None
    by_names = supported.evaluate_footage(collected(30), [ClipSummary("c", "m", TRACKS[:1], 10.0)], 30)
    assert by_names.needed_for_verification(0.001) == FootageNeeded(177, None), "a clip of one person gives nothing"
    mostly_names = supported.evaluate_footage(collected(30), [ClipSummary("c", "m", TRACKS[:3], 10.0, 3)], 30)
    assert mostly_names.needed_for_verification(0.001) == FootageNeeded(2565, 855)
    assert needed_sentence(0.001, FootageNeeded(177, 6)) == (
        "Not enough footage for 1 in 1,000: about 177 more people seen side by side (about 6 more clips like these) "
        "are needed."
    )


def test_for_searches_the_shorter_way_is_told() -> None:
    found = supported.evaluate_footage(collected(30, strangers=200), [CLIP], 30)
    assert found.needed_for_identification(0.01) == FootageNeeded(100, 1, strangers=True)


def test_what_searches_need_is_told_as_people_who_are_not_enrolled() -> None:
    assert needed_sentence(0.01, FootageNeeded(100, 1, strangers=True)) == (
        "Not enough footage for 1 in 100: about 100 more people who are not enrolled (about 1 more clip like these) "
        "are needed."
    )


def test_possible_fits_both_at_their_smallest_rates() -> None:
    made = procedure.fit_thresholds(collected(30), procedure.Targets(POSSIBLE, POSSIBLE), "m", [CLIP], 3)
    assert round(1 / made.verification.target) == 145
    assert made.identification is not None
    assert round(1 / made.identification.target) == 48
    with pytest.raises(CalibrationRefused, match="Not enough footage for 1 in 2"):
        procedure.fit_thresholds(collected(3), procedure.Targets(POSSIBLE), "m", [CLIP], 3)


def test_possible_leaves_identification_alone_where_nothing_is() -> None:
    made = procedure.fit_thresholds(collected(5), procedure.Targets(POSSIBLE, POSSIBLE), "m", [CLIP], 100)
    assert made.identification is None
    assert NoticeCode.IDENTIFICATION_NEEDS_DATA in {note.code for note in made.notes}


def test_a_refusal_offers_what_can_be_used() -> None:
    with pytest.raises(CalibrationRefused, match=r"^Not enough footage for 1 in 1,000: .*You can use 1 in 145 now\.$"):
        fitting.fit_pairs(collected(30).pairs, 0.001)


def test_rates_in_words() -> None:
    assert [one_in(rate) for rate in (0.5, 1 / 138, 0.001, 0.0001, 0.3)] == [
        *("1 in 2", "1 in 138", "1 in 1,000", "1 in 10,000", "1 in 3.333"),
    ]
    assert count_needed_trials(0.001) == 3000
    with pytest.raises(ValueError, match="at least 1 in 2"):
        SupportedRate(1, FitBasis.PAIRS)
    assert isinstance(supported.evaluate_footage(collected(2), [], 0), FootageEvidence)
