"""Arithmetic on embeddings against cases worked by hand."""

import math

import numpy as np
import pytest

from biometric.domain import comparison
from biometric.entities import Candidate, Decision, Identity, Notice, NoticeCode, Template, Threshold, ThresholdSource
from biometric.errors import ModelMismatch

HALF = Threshold(0.5, ThresholdSource.MODEL_CARD)


def candidate(name: str, score: float, rank: int) -> Candidate:
    identity = Identity(name[:1] * 32, name, 1, 1, "2026-01-01T00:00:00+00:00", "2026-01-01T00:00:00+00:00")
    return Candidate(identity, score, rank, "r")


def vector(*values: float) -> np.ndarray:
    array = np.array(values, dtype=np.float32)
    return array / np.linalg.norm(array)


def test_pooling_is_the_unit_mean() -> None:
    template = comparison.pool([vector(1, 0), vector(0, 1)], "m")
    assert template.vector == pytest.approx([math.sqrt(0.5), math.sqrt(0.5)])
    assert (template.model_id, template.sample_count) == ("m", 2)


def test_pooling_nothing_or_nan_or_opposites_makes_no_template() -> None:
    for embeddings in ([], [np.array([np.nan, 1], np.float32)], [vector(1, 0), vector(-1, 0)]):
        with pytest.raises(ValueError, match="expected"):
            comparison.pool(embeddings, "m")


def test_score_is_the_cosine() -> None:
    first, second = Template(vector(1, 0), "m", 1), Template(vector(1, 1), "m", 1)
    assert comparison.score(first, second) == pytest.approx(math.sqrt(0.5))
    assert comparison.score(first, first) <= 1.0


def test_templates_of_two_models_are_never_compared() -> None:
    with pytest.raises(ModelMismatch, match=r"other-model.*model-in-use.*SIGHTLINE_EMBEDDER=other-model"):
        comparison.check_same_model("model-in-use", "other-model")


@pytest.mark.parametrize(
    ("score", "passes"), [(0.5, True), (0.4999, False), (1.0, True), (None, False), (math.nan, False), (-1.0, False)]
)
def test_promise_19_nothing_never_reaches_a_threshold(score: float | None, passes: bool) -> None:
    assert comparison.decide(score, HALF) is passes


def test_zero_is_a_threshold_like_any_other() -> None:
    zero = Threshold(0.0, ThresholdSource.USER)
    assert comparison.decide(0.0, zero)
    assert not comparison.decide(-0.01, zero)


@pytest.mark.parametrize(
    ("claimed", "other", "decision"),
    [
        (0.9, None, Decision.MATCH),
        (0.9, 0.2, Decision.MATCH),
        (0.9, 0.9, Decision.MATCH),
        (0.6, 0.8, Decision.NO_DECISION),
        (0.4, 0.8, Decision.NO_MATCH),
        (0.4, None, Decision.NO_MATCH),
        (None, 0.8, Decision.NO_MATCH),
    ],
)
def test_a_claim_is_no_match_for_somebody_who_is_closer_to_another(
    claimed: float | None, other: float | None, decision: Decision
) -> None:
    assert comparison.verification_decision(claimed, other, HALF)[0] is decision


def test_identification_decides_by_the_first_candidate_and_names_close_calls() -> None:
    clear = [candidate("Ada", 0.9, 1), candidate("Ben", 0.3, 2)]
    close = [candidate("Ada", 0.90, 1), candidate("Ben", 0.88, 2)]
    assert comparison.identification_decision(clear, HALF) == (
        Decision.IDENTIFIED,
        Notice(NoticeCode.BEST_REACHES_THRESHOLD),
    )
    decision, reason = comparison.identification_decision(close, HALF)
    assert decision is Decision.IDENTIFIED
    assert reason == Notice(NoticeCode.CLOSE_CALL, name=close[1].identity.name)
    assert comparison.identification_decision([candidate("Ada", 0.49, 1)], HALF)[0] is Decision.UNKNOWN
    assert comparison.identification_decision([], HALF)[0] is Decision.UNKNOWN


def test_margin_needs_two_candidates() -> None:
    assert comparison.margin([candidate("Ada", 0.9, 1)]) is None
    assert comparison.margin([candidate("Ada", 0.9, 1), candidate("Ben", 0.3, 2)]) == pytest.approx(0.6)


def test_a_sample_unlike_the_others_is_an_outlier_but_only_against_a_majority() -> None:
    same, stranger = vector(1, 0.1, 0), vector(0, 0, 1)
    assert comparison.outliers(np.stack([same, same, stranger, same, same]), 0.5) == [2]
    assert comparison.outliers(np.stack([same, same, stranger]), 0.5) == []
    assert comparison.outliers(np.stack([same] * 5), 0.5) == []
    assert len(comparison.outliers(np.stack([same, same, same, same, stranger, -stranger]), 0.5)) == 2


def test_unit_refuses_what_has_no_direction() -> None:
    for rows in (np.zeros((1, 3)), np.full((1, 3), np.nan), np.full((1, 3), np.inf), np.zeros(3)):
        with pytest.raises(ValueError, match="expected"):
            comparison.unit(rows)
