"""The numbers of one evaluation: ranking, 1:1, template level and open set of one trial, each with intervals.

Nothing here reads a picture or runs a model: a `Trial` of embedded samples goes in, frozen results come out.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biometric.errors import DatasetInvalid
from biometric.evaluation import open_set
from biometric.evaluation.blocks import Scores, Watch, collect_scores, count_errors
from biometric.evaluation.comparisons import Trial
from biometric.evaluation.open_set import Searches
from biometric.evaluation.ranking import rank, single_shot
from biometric.evaluation.template_level import template_trial
from biometric.statistics.error_rates import FMR_TARGETS, auc, d_prime, eer, threshold_at_fmr
from biometric.statistics.intervals import Interval, Rate, Support, bootstrap_mean

CMC_RANKS = 50
REPORTED_RANKS = (1, 5, 10)

Adapt = Callable[[Trial], Trial]
"""Makes the scores of a trial's samples, or of templates pooled of them, comparable across cameras."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean in [0, 1] with its interval over people; the interval is None where only the mean is defined."""

    value: float
    interval: Interval | None


@dataclass(frozen=True, slots=True, eq=False)
class RankResult:
    """Closed-set ranking.

    Attributes:
        ranks: CMC at 1, 5 and 10.
        cmc: (50,) CMC at ranks 1 to 50.
        probes, uncounted, tied: as in `ranking.Ranking`.
        single_shot: whether the CMC ranks one random reference a person.
    """

    ranks: Mapping[int, Estimate]
    mean_average_precision: Estimate
    mean_inverse_negative_penalty: Estimate
    cmc: NDArray[np.float64]
    probes: int
    uncounted: int
    tied: int
    single_shot: bool


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """1:1 error rates at one threshold; `target` is the FMR that was asked for, None where the threshold was.

    `score_limit` is the highest score there can be.
    """

    name: str
    threshold: float
    target: float | None
    fmr: Rate
    fnmr: Rate
    score_limit: float = 1.0

    @property
    def support(self) -> Support:
        """Whether false matches enough, of different pairs of people, stand behind the threshold (rule of 30)."""
        return self.fmr.support

    @property
    def reachable(self) -> bool:
        """Whether a score can reach the threshold; above the limit the target cannot be met by any threshold in use."""
        return self.threshold <= self.score_limit


@dataclass(frozen=True, slots=True, eq=False)
class OneToOne:
    """Verification: score distributions and operating points."""

    scores: Scores
    eer: float
    eer_threshold: float
    auc: float
    d_prime: float
    points: tuple[OperatingPoint, ...]

    def at(self, target: float) -> OperatingPoint:
        """The operating point of an FMR target."""
        return next(point for point in self.points if point.target == target)


@dataclass(frozen=True, slots=True)
class SearchPoint:
    """1:N at one gallery size and one wanted FPIR: DIR is 1 - FNIR."""

    size: int
    target: float
    threshold: float
    fpir: Rate
    fnir: Rate

    @property
    def support(self) -> Support:
        """Whether false positives enough, of different people, stand behind the threshold (rule of 30)."""
        return self.fpir.support


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Everything measured of one trial.

    Attributes:
        ranking, verification: of single pictures.
        template: 1:1 of templates of up to `template_size` samples, None where templates make no genuine pair.
        template_samples: samples that a template was pooled of, on average.
        searches: 1:N points, smallest gallery first; `largest` the searches of the largest one, for its curve.
    """

    ranking: RankResult
    verification: OneToOne
    template: OneToOne | None
    template_size: int
    template_samples: float
    searches: tuple[SearchPoint, ...]
    largest: Searches | None


def measure(
    trial: Trial,
    thresholds: Mapping[str, float],
    template_size: int = 5,
    seed: int = 0,
    is_single_shot: bool = False,
    watch: Watch | None = None,
    adapt: Adapt | None = None,
) -> Measured:
    """Measure a trial; `thresholds` (name → value) are further operating points, such as the model card's.

    Templates are pooled first and adapted then, as a track's template is.

    Raises:
        DatasetInvalid: there is nothing to measure, because nobody is seen by two cameras or only one person is there.
    """
    adapted = trial if adapt is None else adapt(trial)
    verification = measure_verification(adapted, thresholds, seed, watch)
    templates, used = template_trial(trial, template_size, seed)
    if adapt is not None:
        templates = adapt(templates)
    all_searches = open_set.search(adapted, seed=seed)
    return Measured(
        ranking=measure_ranking(adapted, seed, is_single_shot),
        verification=verification,
        template=_verify(templates, thresholds, seed),
        template_size=template_size,
        template_samples=used,
        searches=tuple(point for searches in all_searches for point in _search_points(searches, seed)),
        largest=all_searches[-1]
        if all_searches and len(all_searches[-1].mated_own) and len(all_searches[-1].unmated_best)
        else None,
    )


def measure_verification(
    trial: Trial, thresholds: Mapping[str, float], seed: int = 0, watch: Watch | None = None
) -> OneToOne:
    """Measure 1:1 of a trial; raises `DatasetInvalid` where there is no genuine or no impostor comparison."""
    verification = _verify(trial, thresholds, seed, watch)
    if verification is None:
        raise DatasetInvalid(
            "Nothing can be measured: the data set needs two people or more, one of them seen by two cameras "
            "(or in two visits). Add pictures of the same people by another camera."
        )
    return verification


def _verify(trial: Trial, thresholds: Mapping[str, float], seed: int, watch: Watch | None = None) -> OneToOne | None:
    scores = collect_scores(trial, watch=watch)
    genuine, impostor = scores.genuine, scores.impostor
    if genuine.total == 0 or impostor.total == 0:
        return None
    equal = eer(genuine, impostor)
    wanted: list[tuple[str, float, float | None]] = [
        (f"FMR {target:g}", threshold_at_fmr(impostor, target), target) for target in FMR_TARGETS
    ]
    wanted += [("EER", equal.threshold, None), *((name, value, None) for name, value in thresholds.items())]
    errors = count_errors(trial, [threshold for _, threshold, _ in wanted], seed=seed)
    points = []
    for index, (name, threshold, target) in enumerate(wanted):
        matched, missed = errors.fmr(index, seed), errors.fnmr(index, seed)
        if matched is not None and missed is not None:
            points.append(OperatingPoint(name, threshold, target, matched, missed, trial.score_limit))
    return OneToOne(
        scores, equal.rate, equal.threshold, auc(genuine, impostor), d_prime(genuine, impostor), tuple(points)
    )


def measure_ranking(trial: Trial, seed: int = 0, is_single_shot: bool = False) -> RankResult:
    """Measure the ranking of a trial. Raises `DatasetInvalid` where no probe has a right reference."""
    ranking = rank(trial)
    if len(ranking.probes) == 0:
        raise DatasetInvalid(
            "Nothing can be ranked: no probe has a reference of the same person by another camera (or in another "
            "visit). Add such pictures."
        )
    people = trial.probes.identities[ranking.probes]

    def estimate(values: NDArray[np.float64]) -> Estimate:
        return Estimate(float(values.mean()), bootstrap_mean(values, people, seed=seed))

    cmc = single_shot(trial, CMC_RANKS) if is_single_shot else ranking.cmc(CMC_RANKS)
    ranks = {
        number: Estimate(float(cmc[number - 1]), None)
        if is_single_shot
        else estimate((ranking.first_ranks <= number).astype(np.float64))
        for number in REPORTED_RANKS
    }
    return RankResult(
        ranks,
        estimate(ranking.average_precision),
        estimate(ranking.inverse_negative_penalty),
        cmc,
        len(ranking.probes),
        ranking.uncounted,
        ranking.tied,
        is_single_shot,
    )


def _search_points(searches: Searches, seed: int) -> list[SearchPoint]:
    points = []
    for target in open_set.FPIR_TARGETS:
        threshold = searches.threshold_at_fpir(target)
        if threshold is None:
            continue
        fpir, fnir = searches.fpir(threshold, seed), searches.fnir(threshold, seed)
        if fpir is not None and fnir is not None:
            points.append(SearchPoint(searches.size, target, threshold, fpir, fnir))
    return points
