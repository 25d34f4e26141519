"""Fairness: error rates by groups of people, compared. Numpy only.

Genuine comparisons are of a group's own people; impostor comparisons are between two people of one group, because
strangers who look alike are most often of one group (Grother and others, "Face recognition vendor test part 3:
demographic effects", NIST IR 8280, 2019). All groups are judged at one threshold, as a deployed system would.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from biometric.evaluation.blocks import count_errors
from biometric.evaluation.comparisons import Trial
from biometric.statistics.intervals import Interval, Rate, Support, draws, percentile_interval, ratios


@dataclass(frozen=True, slots=True)
class GroupRates:
    """One group at one threshold: FMR and FNMR, None where the group has no such comparison."""

    group: str
    people: int
    fmr: Rate | None
    fnmr: Rate | None


@dataclass(frozen=True, slots=True)
class GroupRatio:
    """How many times a group's rate is another's; None where the other's is 0 or unknown, `interval` then too.

    The interval's `high` is infinity where the lower rate may as well be 0. `support` is "too few data" unless both
    rates have enough (rule of 30).
    """

    metric: str
    group: str
    against: str
    ratio: float | None
    interval: Interval | None
    support: Support = Support.TOO_FEW


@dataclass(frozen=True, slots=True)
class Audit:
    """All groups of one attribute at one threshold."""

    attribute: str
    threshold: float
    rates: tuple[GroupRates, ...]
    ratios: tuple[GroupRatio, ...]


def audit(trial: Trial, attribute: str, labels: Mapping[int, str], threshold: float, seed: int = 0) -> Audit:
    """Measure every group of `labels` (identity → group) at one threshold, and each ratio between two groups.

    People without a label take no part. Ratios are of the higher rate to the lower; their interval comes from drawing
    people within each group, independently.

    Raises:
        ValueError: nobody of the trial has a label.
    """
    present = {int(person) for person in trial.people}
    names = sorted({group for person, group in labels.items() if person in present})
    if not names:
        raise ValueError("expected a label for at least one person of the data, got none")
    measured, drawn = [], {}
    for number, name in enumerate(names):
        members = np.array([person for person, group in labels.items() if group == name and person in present])
        errors = count_errors(trial.restrict_to(members), [threshold], seed=seed)
        measured.append(GroupRates(name, len(members), errors.fmr(0, seed), errors.fnmr(0, seed)))
        weights = np.concatenate(draws(len(errors.genuine), seed=seed + number))
        missed = ratios(weights @ errors.missed[0], weights @ errors.genuine)
        drawn[name] = {"FMR": errors.fmr_draws(0, seed + number), "FNMR": missed}
    group_ratios = []
    for metric in ("FMR", "FNMR"):
        for first, group_rates in enumerate(measured):
            for other in measured[first + 1 :]:
                high, low = sorted((group_rates, other), key=lambda group: _value(group, metric), reverse=True)
                group_ratios.append(_ratio(metric, high, low, drawn))
    return Audit(attribute, threshold, tuple(measured), tuple(group_ratios))


def _rate(group: GroupRates, metric: str) -> Rate | None:
    return group.fmr if metric == "FMR" else group.fnmr


def _value(group: GroupRates, metric: str) -> float:
    rate = _rate(group, metric)
    return -1.0 if rate is None else rate.value


def _ratio(metric: str, high: GroupRates, low: GroupRates, drawn: Mapping[str, Mapping[str, np.ndarray]]) -> GroupRatio:
    above, below = _value(high, metric), _value(low, metric)
    if below <= 0.0:
        return GroupRatio(metric, high.group, low.group, None, None)
    tops, bottoms = (np.nan_to_num(drawn[group.group][metric]) for group in (high, low))
    quotients = ratios(tops, bottoms)
    # A draw without an error in the lower group is no missing value: there the ratio has no upper end.
    quotients[(bottoms == 0) & (tops > 0)] = np.inf
    supports = [rate.support for group in (high, low) if (rate := _rate(group, metric)) is not None]
    enough = Support.ENOUGH if all(support is Support.ENOUGH for support in supports) else Support.TOO_FEW
    return GroupRatio(metric, high.group, low.group, above / below, percentile_interval(quotients), enough)
