"""Whether an adaptation to cameras helps on the operator's footage: chosen by cross-validation over people. Numpy only.

Judged is the share of people's scores with themselves that are missed (FNMR) at one false match rate, with and without
the adaptation, on the same comparisons (`crossed_scores`: nobody was part of the means they are judged by). The
difference has a 95 % interval from a bootstrap over people. An adaptation is chosen only where the whole interval is
above zero; otherwise scores stay as they are.

Scores of one person are those of different visits where `LEAST_PEOPLE` people or more have any: only these cross from
one camera to another. Otherwise those within a visit count as well, which mostly show that there is nothing to gain.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from biometric.calibration.collection import REPEATED, Collected, collect_scores
from biometric.calibration.compared_people import ComparedPeople
from biometric.calibration.crossed_scores import (
    CohortTerms,
    CrossCentredScores,
    CrossNormalisedScores,
    PeopleByCamera,
)
from biometric.calibration.fitting import count_independent, count_needed_trials
from biometric.entities import (
    UNADAPTED,
    AdaptationGain,
    AdaptationKind,
    AdaptationReport,
    LearntAdaptation,
    Notice,
    NoticeCode,
    StrangerCohort,
)
from biometric.statistics import intervals

LEAST_PEOPLE = 10
"""Fewest people with scores with themselves for a gain to be measured."""
JUDGED_FMR = 0.01
"""False match rate at which FNMR is compared, where so many comparisons support it."""
ROUNDS = 400
"""Draws of the bootstrap."""


@dataclass(frozen=True, slots=True, eq=False)
class ChosenAdaptation:
    """What a calibration uses.

    Attributes:
        report: what was chosen, and what was tried.
        collected: the scores to fit thresholds to.
        learnt: what is in use, from all people; None without an adaptation.
        notes: why no cohort is kept, where one might have been.
    """

    report: AdaptationReport
    collected: Collected
    learnt: LearntAdaptation | None
    notes: tuple[Notice, ...] = ()


def choose_adaptation(
    people: ComparedPeople, collected: Collected, terms: CohortTerms | None = None
) -> ChosenAdaptation:
    """Choose between scores as they are, centred ones and, where a cohort may be kept, normalised ones.

    Normalised scores are chosen only where their gain over the best of the others is certain: they need templates of
    people who know nothing of it, and only for a time.

    Args:
        collected: the scores as they are.
        terms: under which a cohort may be kept, None: it may not.
    """
    none = ChosenAdaptation(AdaptationReport(UNADAPTED, 0, 0), collected, None)
    seen = PeopleByCamera(people)
    centred = _try_centring(people, collected, seen)
    simple = none if centred is None else centred
    if terms is None:
        return simple
    cohort = seen.gather(terms)
    if cohort is None:
        values = {"people": seen.most_strangers(), "needed": terms.needed}
        return replace(simple, notes=(Notice(NoticeCode.COHORT_TOO_SMALL, **values),))
    chosen = _try_normalisation(people, collected, seen, terms, cohort, simple)
    return replace(chosen, notes=() if chosen.learnt is cohort else (Notice(NoticeCode.COHORT_NOT_USED),))


def _try_centring(people: ComparedPeople, collected: Collected, seen: PeopleByCamera) -> ChosenAdaptation | None:
    """Return centred scores, or the scores as they are where no gain is certain; None where there are too few."""
    learnt = seen.learn()
    if learnt is None or not _scores_of_one_person(collected)[0]:
        return None
    try:
        crossed = CrossCentredScores(people, seen)
    except ValueError:  # too few people to learn from some and judge others
        return None
    centred = collect_scores(people, crossed)
    gain = measure_gain(AdaptationKind.CENTRING, collected, centred)
    if gain is None:
        return None
    chosen = learnt.mark if gain.is_certain else UNADAPTED
    report = AdaptationReport(chosen, len(learnt.cameras), len(set(seen.people.tolist())), (gain,))
    return ChosenAdaptation(report, centred, learnt) if gain.is_certain else ChosenAdaptation(report, collected, None)


def _try_normalisation(
    people: ComparedPeople,
    collected: Collected,
    seen: PeopleByCamera,
    terms: CohortTerms,
    cohort: StrangerCohort,
    simple: ChosenAdaptation,
) -> ChosenAdaptation:
    """Return normalised scores, or `simple` with what was measured where their gain over it is not certain."""
    if not _scores_of_one_person(collected)[0]:
        return simple
    try:
        crossed = CrossNormalisedScores(people, seen, terms, cohort)
    except ValueError:  # too few strangers for cohorts of some that judge others
        return simple
    normalised = collect_scores(people, crossed)
    over_none = measure_gain(AdaptationKind.NORMALISATION, collected, normalised)
    if over_none is None:
        return simple
    gains = [over_none]
    if simple.learnt is not None:
        over_simple = measure_gain(
            AdaptationKind.NORMALISATION, simple.collected, normalised, simple.report.chosen.kind
        )
        gains += [] if over_simple is None else [over_simple]
    tried = (*simple.report.tried, *gains)
    if not all(gain.is_certain for gain in gains):
        return replace(simple, report=replace(simple.report, tried=tried))
    strangers = seen.people[seen.is_stranger & np.isin(np.array(seen.cameras), list(cohort.counts))]
    number = min(len(set(strangers.tolist())), len(cohort.cameras))
    report = AdaptationReport(cohort.mark, len(cohort.counts), number, tried, cohort.expires)
    return ChosenAdaptation(report, normalised, cohort)


def measure_gain(
    kind: AdaptationKind, before: Collected, after: Collected, over: AdaptationKind = AdaptationKind.NONE
) -> AdaptationGain | None:
    """Return what an adaptation changes on the same comparisons; None where there are too few people to tell.

    Args:
        before, after: the scores without and with it, of the same people.
        over: the adaptation of the scores `before`.
    """
    (mates, own_before), (_, own_after) = map(_scores_of_one_person, (before, after))
    pairs = list(before.pairs)
    independent = count_independent(pairs)
    if not mates or independent < count_needed_trials(0.5):
        return None
    fmr = max(JUDGED_FMR, intervals.rule_of_three(independent))
    numbers = {
        person: number for number, person in enumerate(sorted({*mates, *(one for pair in pairs for one in pair)}))
    }
    owners = np.array([[numbers[one] for one in pair] for pair in pairs])
    own = np.array([numbers[person] for person in mates])
    judged = [
        _Judged(np.array([scores.pairs[pair] for pair in pairs]), owners, np.array(genuine), own)
        for scores, genuine in ((before, own_before), (after, own_after))
    ]
    everybody = np.ones(len(numbers))
    rates = [side.missed(everybody, fmr) for side in judged]
    drawn = [
        judged[0].missed(weights, fmr) - judged[1].missed(weights, fmr)
        for chunk in intervals.draws(len(numbers), ROUNDS)
        for weights in chunk
        if weights[own].any() and weights[owners].prod(axis=1).any()
    ]
    limits = intervals.percentile_interval(np.array(drawn))
    return AdaptationGain(
        kind=kind,
        fmr=fmr,
        before=rates[0],
        after=rates[1],
        low=limits.low,
        high=limits.high,
        people=len(set(mates)),
        comparisons=len(mates),
        other_visits=_has_other_visits(before),
        over=over,
    )


class _Judged:
    """Scores of (P,) pairs of people and of (G,) comparisons of one person, and the numbers of those people."""

    def __init__(
        self,
        different: NDArray[np.float64],
        owners: NDArray[np.int64],
        same: NDArray[np.float64],
        own: NDArray[np.int64],
    ) -> None:
        order = np.argsort(-different, kind="stable")
        self._different, self._owners = different[order], owners[order]
        self._same, self._own = same, own

    def missed(self, weights: NDArray[np.float64], fmr: float) -> float:
        """Return the FNMR at the lowest threshold that keeps a false match rate, each person counted by a weight."""
        drawn = weights[self._owners].prod(axis=1)
        reached = np.cumsum(drawn)
        place = min(int(np.searchsorted(reached, fmr * reached[-1], side="right")), len(reached) - 1)
        genuine = weights[self._own]
        return float(genuine[self._same <= self._different[place]].sum() / genuine.sum())


def _has_other_visits(collected: Collected) -> bool:
    return len({person for person, _ in collected.genuine.get(REPEATED, ())}) >= LEAST_PEOPLE


def _scores_of_one_person(collected: Collected) -> tuple[Sequence[int], Sequence[float]]:
    """Return the person and the score of each comparison that is judged; nothing for too few people."""
    kinds = [REPEATED] if _has_other_visits(collected) else sorted(collected.genuine)
    scores = [item for kind in kinds for item in collected.genuine[kind]]
    people = [person for person, _ in scores]
    return (people, [value for _, value in scores]) if len(set(people)) >= LEAST_PEOPLE else ((), ())
