"""Which error rates comparisons support: the smallest that `fitting` would not refuse. Numpy only."""

import math
from collections.abc import Mapping, Sequence

from biometric.calibration import fitting
from biometric.calibration.collection import Collected
from biometric.entities import FitBasis
from biometric.entities.calibration_footage import ClipSummary, FootageEvidence, SupportedRate

LARGEST_SCORE = 1.0
"""A score that no threshold in [-1, 1] excludes."""


def evaluate_footage(collected: Collected, clips: Sequence[ClipSummary], gallery_size: int) -> FootageEvidence:
    """Return what collected scores support, before any threshold is fitted."""
    distinct = {clip.digest: clip for clip in clips}.values()
    compared = len({person for pair in collected.pairs for person in pair})
    independent = fitting.count_independent(collected.pairs)
    verification = smallest_rate_of_pairs(independent)
    identification = smallest_rate_of_searches(collected.searches, independent, gallery_size)
    highest = max([*collected.pairs.values(), *(score for _, score in collected.more_pairs)], default=-1.0)
    separable = highest < LARGEST_SCORE
    return FootageEvidence(
        clips=len(distinct),
        people=compared,
        not_compared=collected.people - compared + sum(clip.unusable for clip in distinct),
        pairs=len(collected.pairs),
        independent=independent,
        seen=sum(len(clip.tracks) for clip in distinct),
        side_by_side=sum(clip.comparisons for clip in distinct),
        strangers=len(collected.searches),
        gallery_size=gallery_size,
        verification=verification if separable else None,
        identification=identification if separable else None,
        separable=separable,
    )


def smallest_rate_of_pairs(independent: int) -> SupportedRate | None:
    """Return the smallest false match rate that so many independent comparisons support (rule of 3), if any."""
    return _one_in(independent // 3, FitBasis.PAIRS)


def smallest_rate_of_searches(
    strangers: Mapping[int, float], independent: int, gallery_size: int
) -> SupportedRate | None:
    """Return the smallest FPIR for a gallery of that size: by strangers that were searched, or by pairs, if any.

    By pairs it is the largest K for which 1 - (1 - 1/K)^(1/N) keeps 3 / `independent`, as `fitting.fit_searches` asks.
    """
    if gallery_size < 1:
        return None
    searched = len(strangers) // 3
    if independent < 4:
        return _one_in(searched, FitBasis.SEARCHES)
    rate = -math.expm1(gallery_size * math.log1p(-3 / independent))
    paired = math.floor(1 / rate)
    while paired > 1 and fitting.count_needed_trials(_single(1 / paired, gallery_size)) > independent:
        paired -= 1  # rounding
    if searched >= paired:
        return _one_in(searched, FitBasis.SEARCHES)
    return _one_in(paired, FitBasis.PAIRS_FOR_SEARCHES)


def _single(rate: float, gallery_size: int) -> float:
    return -math.expm1(math.log1p(-rate) / gallery_size)


def _one_in(number: int, basis: FitBasis) -> SupportedRate | None:
    return SupportedRate(number, basis) if number >= 2 else None
