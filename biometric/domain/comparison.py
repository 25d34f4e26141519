"""Arithmetic on embeddings: pooling, comparison scores, the one decision function, ranking rules. Numpy only."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from biometric.entities import Candidate, Decision, Notice, NoticeCode, Template, Threshold
from biometric.errors import ModelMismatch

CLOSE_CALL = 0.05
"""A lead over the second candidate below this is reported as a close call; it does not change a decision."""


def unit(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    """Scale each row of (N, D) to unit length.

    Raises:
        ValueError: a row is not finite or has no length (it would match anything or nothing).
    """
    vectors = np.asarray(vectors, dtype=np.float32)
    if vectors.ndim != 2:
        raise ValueError(f"expected vectors of shape (N, D), got {vectors.shape}")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not (np.isfinite(lengths).all() and (lengths > 1e-6).all()):
        raise ValueError("expected finite vectors with a length, got NaN, infinity or zero")
    scaled: NDArray[np.float32] = vectors / lengths
    return scaled


def pool(embeddings: Sequence[NDArray[np.float32]], model_id: str) -> Template:
    """Pool the embeddings of one person ((D,) unit float32 each) into a template: the mean, scaled to unit length.

    Averaging a track's samples before comparing raises accuracy more than a larger network does
    (CUHK03, five images a side: FNMR at FMR 1e-2 falls from .201 to .083).

    Raises:
        ValueError: no embedding, NaN or infinity among them, or a mean without length.
    """
    if not len(embeddings):
        raise ValueError("expected at least one embedding to pool, got none")
    mean = np.stack(embeddings).astype(np.float32).mean(axis=0, keepdims=True)
    return Template(unit(mean)[0], model_id, len(embeddings))


def score(first: Template, second: Template) -> float:
    """Comparison score of two templates: their cosine, in [-1, 1], higher is closer.

    Raises:
        ModelMismatch: the templates come from different models.
    """
    check_same_model(first.model_id, second.model_id)
    return float(np.clip(first.vector @ second.vector, -1.0, 1.0))


def check_same_model(probe: str, reference: str) -> None:
    """Raise `ModelMismatch` unless both model ids are equal: vectors of two networks have nothing in common."""
    if probe != reference:
        raise ModelMismatch(
            "The gallery was enrolled with the model {reference}, but the model in use is {probe}; their "
            "templates cannot be compared. Set SIGHTLINE_EMBEDDER={reference}, or use another gallery "
            "folder and enroll again.",
            reference=reference,
            probe=probe,
        )


def decide(comparison_score: float | None, threshold: Threshold) -> bool:
    """The one decision: whether a comparison score reaches the threshold. A score of None or NaN never does."""
    if comparison_score is None or math.isnan(comparison_score):
        return False
    return comparison_score >= threshold.value


def verification_decision(
    claimed: float | None, best_other: float | None, threshold: Threshold
) -> tuple[Decision, Notice]:
    """Decide a claim from the claimed identity's score and the best other identity's (None: nobody else).

    A probe that passes the threshold but is closer to somebody else is no evidence for the claim, so the answer
    is "no decision", never "match".
    """
    if not decide(claimed, threshold):
        return Decision.NO_MATCH, Notice(NoticeCode.SCORE_BELOW_THRESHOLD)
    if claimed is not None and best_other is not None and best_other > claimed:
        return Decision.NO_DECISION, Notice(NoticeCode.SOMEBODY_ELSE_CLOSER)
    return Decision.MATCH, Notice(NoticeCode.SCORE_REACHES_THRESHOLD)


def identification_decision(candidates: Sequence[Candidate], threshold: Threshold) -> tuple[Decision, Notice]:
    """Decide who a probe is from candidates ordered best first (at most the first one can be the answer)."""
    if not candidates:
        return Decision.UNKNOWN, Notice(NoticeCode.NOBODY_TO_COMPARE)
    if not decide(candidates[0].score, threshold):
        return Decision.UNKNOWN, Notice(NoticeCode.NOBODY_REACHES_THRESHOLD)
    lead = margin(candidates)
    if lead is not None and lead < CLOSE_CALL:
        return Decision.IDENTIFIED, Notice(NoticeCode.CLOSE_CALL, name=candidates[1].identity.name)
    return Decision.IDENTIFIED, Notice(NoticeCode.BEST_REACHES_THRESHOLD)


def margin(candidates: Sequence[Candidate]) -> float | None:
    """Lead of the best candidate over the second, or None when there is no second."""
    return candidates[0].score - candidates[1].score if len(candidates) > 1 else None


def outliers(embeddings: NDArray[np.float32], least: float) -> list[int]:
    """Return the rows of (N, D) unit embeddings that do not look like the rest, worst first.

    A row is taken out while its cosine to the mean of the remaining rows is below `least` and at least two thirds of
    the rows would remain; below four rows there is no majority to judge by, so nothing is taken out.
    """
    remaining = list(range(len(embeddings)))
    outlier_rows: list[int] = []
    most = len(embeddings) // 3 if len(embeddings) >= 4 else 0
    while len(outlier_rows) < most:
        rows = embeddings[remaining]
        others = unit(rows.sum(axis=0, keepdims=True) - rows)
        agreement = (rows * others).sum(axis=1)
        worst = int(agreement.argmin())
        if agreement[worst] >= least:
            break
        outlier_rows.append(remaining.pop(worst))
    return outlier_rows
