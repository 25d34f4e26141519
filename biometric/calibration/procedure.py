"""From clips and a gallery to a `Calibration`: observe, collect scores, fit thresholds, record the evidence.

How thresholds are fitted, and when that is refused, is described in `fitting`; whose scores are used, in `collection`.
"""

import math
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from biometric.calibration import collection, compared_people, fitting, likelihood, supported
from biometric.calibration.adaptation_choice import choose_adaptation
from biometric.calibration.crossed_scores import CohortTerms
from biometric.calibration.verdict_scores import genuine_scores
from biometric.domain.comparison import check_same_model
from biometric.entities import (
    Calibration,
    Histogram,
    LearntAdaptation,
    LikelihoodRatio,
    Notice,
    NoticeCode,
    ObservedClip,
    Progress,
)
from biometric.entities.calibration import UnadaptedThresholds
from biometric.entities.calibration_footage import (
    DEFAULT_FPIR,
    HIGHEST_TARGET,
    POSSIBLE,
    ClipSummary,
    FootageEvidence,
    SupportedRate,
    TargetRate,
)
from biometric.entities.cohort import check_cohort_days
from biometric.errors import CalibrationRefused, ClipError, InvalidInput
from biometric.errors.phrases import Phrase
from biometric.ports import Gallery

BINS = 80
"""Bins of the histogram over [-1, 1]."""

Observe = Callable[..., Generator[Progress, None, ObservedClip]]
"""Observes a whole clip: (path, camera=…)."""


@dataclass(frozen=True, slots=True)
class Targets:
    """Error rates to keep, in (0, 0.5]: FMR of a comparison; FPIR of a search, None for `DEFAULT_FPIR` if possible.

    Either may be "possible": the smallest rate that the comparisons support. `cohort_days` says for how long templates
    of strangers may be kept where they help, None: not at all.

    Raises:
        InvalidInput: a rate is not in that range, or a cohort cannot be kept for so long.
    """

    fmr: TargetRate
    fpir: TargetRate | None = None
    cohort_days: int | None = None

    def __post_init__(self) -> None:
        if self.cohort_days is not None:
            check_cohort_days(self.cohort_days)
        names = Phrase("false match rate"), Phrase("false-positive identification rate")
        for name, rate in zip(names, (self.fmr, self.fpir), strict=True):
            if (
                rate is not None
                and rate != POSSIBLE
                and not (isinstance(rate, float | int) and math.isfinite(rate) and 0 < rate <= HIGHEST_TARGET)
            ):
                raise InvalidInput(
                    "The target {name} must be above 0 and at most {highest}, got {rate}. Choose for example "
                    "0.001: of 1,000 strangers, about 1 would pass.",
                    name=name,
                    highest=HIGHEST_TARGET,
                    rate=rate,
                )


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """All scores of clips and a gallery, and how many identities and references took part."""

    clips: tuple[ClipSummary, ...]
    people: compared_people.ComparedPeople
    collected: collection.Collected
    gallery_size: int
    references: int
    bound: float

    @property
    def evidence(self) -> FootageEvidence:
        """What the scores support."""
        return supported.evaluate_footage(self.collected, self.clips, self.gallery_size)


def compare(clips: Sequence[ClipSummary], gallery: Gallery, model_id: str, bound: float) -> Comparison:
    """Compare everybody of the clips and the gallery.

    Args:
        model_id: of the embedder in use.
        bound: see `collection.collect`.

    Raises:
        ModelMismatch: the gallery or a clip is of another model.
    """
    gallery.check_model(model_id)
    for clip in clips:
        check_same_model(model_id, clip.model_id)
    identities = [
        compared_people.summarize_identity(references, model_id)
        for identity in gallery.identities()
        if (references := gallery.references(identity.id))
    ]
    people = compared_people.compare_people(clips, identities, bound=bound)
    reference_count = sum(len(identity.digests) for identity in identities)
    collected = collection.collect_scores(people)
    return Comparison(tuple(clips), people, collected, len(identities), reference_count, bound)


@dataclass(frozen=True, slots=True, eq=False)
class FittedCalibration:
    """A calibration that is to be stored, and what its scores are adapted with, None for scores as they are."""

    calibration: Calibration
    learnt: LearntAdaptation | None


def fit(comparison: Comparison, targets: Targets, model_id: str, notes: Sequence[Notice] = ()) -> FittedCalibration:
    """Choose an adaptation to cameras and fit thresholds to the scores that it makes; nothing is stored.

    Raises:
        CalibrationRefused: too little data for the targets; the message says how much more is needed.
    """
    total = len(comparison.clips)
    in_part = [
        Notice(NoticeCode.CLIP_USED_IN_PART, number=number, total=total)
        for number, clip in enumerate(comparison.clips, start=1)
        if clip.damaged
    ]
    all_notes = [*notes, *in_part, *_assumptions(comparison.collected, comparison.bound)]
    footage = comparison.clips, comparison.gallery_size, all_notes, comparison.references
    plain = fit_thresholds(comparison.collected, targets, model_id, *footage)
    terms = None
    if targets.cohort_days is not None:
        expires = datetime.now(UTC) + timedelta(days=targets.cohort_days)
        terms = CohortTerms(comparison.bound, expires.isoformat(timespec="seconds"))
    choice = choose_adaptation(comparison.people, comparison.collected, terms)
    plain = replace(plain, notes=(*plain.notes, *choice.notes))
    if choice.learnt is None:
        return FittedCalibration(replace(plain, report=choice.report), None)
    adapted = fit_thresholds(choice.collected, targets, model_id, *footage)
    unadapted = UnadaptedThresholds(plain.verification, plain.identification, plain.likelihood)
    adapted = replace(adapted, report=choice.report, unadapted=unadapted, notes=(*adapted.notes, *choice.notes))
    return FittedCalibration(adapted, choice.learnt)


def observe_clips(
    clips: Sequence[Path], observe: Observe, cameras: Mapping[Path, str]
) -> Generator[Progress, None, tuple[list[ClipSummary], list[Notice]]]:
    """Observe clips; return what a calibration takes of them, and notes on those that were left out.

    Args:
        cameras: of clips whose camera the caller knows.

    Raises:
        ClipError: no clip can be read.
    """
    summaries, notes, first_problem = [], list[Notice](), None
    for number, clip in enumerate(clips, start=1):
        work = observe(clip, camera=cameras.get(clip))
        try:
            while True:
                step = next(work)
                stage = Phrase(
                    "Clip {number} of {total}: {stage}", number=number, total=len(clips), stage=Phrase(step.stage)
                )
                yield Progress(stage, step.done, step.total, step.people, step.seconds_left)
        except StopIteration as finished:
            summaries.append(compared_people.summarize_clip(finished.value))
        except ClipError as error:
            first_problem = first_problem or error
            # the kind of problem only: a message may name the clip, and a calibration holds no names
            kind = type(error).__name__
            notes.append(Notice(NoticeCode.CLIP_LEFT_OUT, number=number, total=len(clips), problem=kind))
        finally:
            work.close()
    if first_problem is not None and not summaries:
        raise first_problem
    return summaries, notes


def fit_thresholds(
    collected: collection.Collected,
    targets: Targets,
    model_id: str,
    clips: Sequence[ClipSummary],
    gallery_size: int,
    notes: Sequence[Notice] = (),
    references: int = 0,
) -> Calibration:
    """Fit thresholds to collected scores. Raises `CalibrationRefused`."""
    seconds = sum({clip.digest: clip.seconds for clip in clips}.values())
    evidence = supported.evaluate_footage(collected, clips, gallery_size)
    fmr = _resolve(targets.fmr, evidence.verification)
    verification = fitting.fit_pairs(collected.pairs, fmr, seconds, collected.more_pairs)
    all_notes = list(notes)
    try:
        identification = fitting.fit_searches(
            collected.searches,
            collected.pairs,
            DEFAULT_FPIR if targets.fpir is None else _resolve(targets.fpir, evidence.identification, DEFAULT_FPIR),
            gallery_size,
            seconds,
            collected.more_pairs,
            collected.more_searches,
        )
    except CalibrationRefused as error:
        if targets.fpir not in (None, POSSIBLE) or error.note is None:
            raise
        identification = None
        all_notes.append(error.note)
    genuine = tuple(
        genuine_scores(kind, scores, verification.value) for kind, scores in collected.genuine.items() if scores
    )
    mapping = _likelihood(collected)
    if mapping is None:
        all_notes.append(Notice(NoticeCode.NO_LIKELIHOOD_RATIO, people=likelihood.GENUINE_NEEDED))
    return Calibration(
        model_id=model_id,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        verification=verification,
        identification=identification,
        gallery_size=gallery_size,
        people=len({person for pair in collected.pairs for person in pair}),
        pairs=len(collected.pairs),
        independent=fitting.count_independent(collected.pairs),
        clips=len({clip.digest for clip in clips}),
        seconds=seconds,
        sources=collected.sources,
        genuine=genuine,
        likelihood=mapping,
        histogram=_histogram(collected),
        notes=tuple(all_notes),
        references=references,
        doubtful=collected.doubtful,
    )


def _resolve(target: TargetRate, supported_rate: SupportedRate | None, least: float = HIGHEST_TARGET) -> float:
    """Return the rate that a target stands for; where none is supported, `least`, which will be refused."""
    if target != POSSIBLE:
        return float(target)
    return least if supported_rate is None else supported_rate.rate


def _likelihood(collected: collection.Collected) -> LikelihoodRatio | None:
    """Fit the ratio to repeated references only: scores of one visit are so high that true matches of other visits
    would look like non-matches."""
    trials = fitting.count_independent(collected.pairs)
    scores = collected.genuine.get(collection.REPEATED, [])
    people = len({person for person, _ in scores})
    if people < likelihood.GENUINE_NEEDED or trials < likelihood.GENUINE_NEEDED:
        return None
    basis = Notice(NoticeCode.LIKELIHOOD_BASIS, people=people, pairs=len(collected.pairs))
    try:
        fitted = likelihood.fit_likelihood_ratio(
            [score for _, score in scores], list(collected.pairs.values()), people, trials, basis
        )
        return likelihood.with_spread(fitted, scores, collected.pairs)
    except ValueError:
        return None


def _histogram(collected: collection.Collected) -> Histogram:
    same = [score for scores in collected.genuine.values() for _, score in scores]
    counts = [
        tuple(int(count) for count in np.histogram(values, BINS, (-1.0, 1.0))[0])
        for values in (list(collected.pairs.values()), same)
    ]
    return Histogram(counts[0], counts[1])


def _assumptions(collected: collection.Collected, bound: float) -> list[Notice]:
    notes: list[Notice] = []
    if collected.sources.get(compared_people.ENROLLED):
        notes.append(Notice(NoticeCode.NAMES_TAKEN_FOR_PEOPLE))
    if collected.doubtful:
        notes.append(Notice(NoticeCode.DOUBTFUL_COMPARISONS, comparisons=collected.doubtful, score=bound))
    if collected.genuine.get(collection.SAME_VISIT):
        notes.append(Notice(NoticeCode.SAME_VISIT_FLATTERS))
    return notes
