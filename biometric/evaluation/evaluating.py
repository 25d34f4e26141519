"""One evaluation from pictures to numbers: embed, measure, degrade, audit groups. Yields progress.

The embedder is the app's own, so that what is measured is what is in use.
"""

import csv
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from biometric.entities import Progress
from biometric.errors import InvalidInput
from biometric.evaluation.cohorts import Adaptation, Cohort, CohortPlan, learn_cohort
from biometric.evaluation.comparisons import Samples, Trial
from biometric.evaluation.dataset_images import DatasetImages
from biometric.evaluation.datasets.dataset import Dataset
from biometric.evaluation.degradations import DEGRADATIONS, Degradation
from biometric.evaluation.detail_rates import DetailRates, measure_detail
from biometric.evaluation.groups import Audit, audit
from biometric.evaluation.protocols import Measured, measure, measure_ranking, measure_verification
from biometric.ports import Embedder

BATCH = 64
"""Pictures in memory at once."""

ROBUSTNESS_FMR = 1e-2

Vectors = NDArray[np.float32]
Labels = Mapping[str, Mapping[int, str]]
"""Attribute → identity → group."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to evaluate.

    Attributes:
        thresholds: further operating points, name → value.
        probe, reference: degradations of one side, or None.
        robustness: also measure every degradation on probe, reference and both.
        groups: groups to audit, by attribute.
        template_size: samples pooled a side at template level.
        cohort: people set apart, and what is learnt from them; None judges everybody.
        further: degradations besides `DEGRADATIONS` that robustness measures.
        decision_thresholds: of "verification" and "identification", at which robustness counts misses by pixels and
            sharpness; None: it does not. They are of scores as they are, so that nothing is counted with a cohort.
    """

    dataset: Dataset
    thresholds: Mapping[str, float]
    probe: Degradation | None = None
    reference: Degradation | None = None
    robustness: bool = False
    groups: Labels | None = None
    template_size: int = 5
    seed: int = 0
    cohort: CohortPlan | None = None
    further: tuple[Degradation, ...] = ()
    decision_thresholds: Mapping[str, float] | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One configuration of one degradation.

    Attributes:
        degradation: its name, "" for none.
        configuration: "none", "probe", "reference" or "both".
        rank1: CMC at rank 1.
        fnmr: at the threshold that gives FMR 1e-2 in this very configuration.
        fixed_fmr, fixed_fnmr: at the threshold that gives FMR 1e-2 without degradation, as a deployed system would.
    """

    degradation: str
    title: str
    configuration: str
    rank1: float
    fnmr: float
    fixed_fmr: float
    fixed_fnmr: float


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """All results of an evaluation.

    Attributes:
        seconds: by stage.
        cohort: what was learnt of the people set apart, None where nobody was.
        unadapted: the same people without the adaptation, None where there is none.
        detail: misses by pixels and sharpness, None where they were not counted.
    """

    dataset: Dataset
    measured: Measured
    rows: tuple[Row, ...]
    audits: tuple[Audit, ...]
    seconds: Mapping[str, float]
    cohort: Cohort | None = None
    unadapted: Measured | None = None
    detail: DetailRates | None = None


def evaluate(plan: Plan, embedder: Embedder) -> Generator[Progress, None, Evaluation]:
    """Run a plan; the generator's return value is the result.

    Thresholds are those of scores as they are, so that adapted scores are not judged by them.

    Raises:
        InvalidInput: the groups name nobody of those judged.
        DatasetInvalid: a picture is damaged, there is nothing to measure, or no cohort can be set apart.
        ModelError: the model cannot run.
    """
    dataset, seconds = plan.dataset, {}
    started = time.perf_counter()
    clean = yield from embed_pictures(dataset, embedder, None, plan.seed)
    probe, reference = clean, clean
    if plan.probe is not None:
        probe = yield from embed_pictures(dataset, embedder, plan.probe, plan.seed)
    if plan.reference is not None and plan.reference is plan.probe:
        reference = probe
    elif plan.reference is not None:
        reference = yield from embed_pictures(dataset, embedder, plan.reference, plan.seed)
    seconds["embed"] = time.perf_counter() - started
    started = time.perf_counter()
    yield Progress("Comparing", 0, 0)
    trial = make_trial(dataset, probe, reference)
    cohort = None
    if plan.cohort is not None:
        cohort = learn_cohort(dataset, clean, plan.cohort, plan.template_size, plan.seed)
        trial = cohort.restrict(trial)
    unadapted = None
    if cohort is None or cohort.plan.adaptation is Adaptation.NONE:
        measured = measure(trial, plan.thresholds, plan.template_size, plan.seed, dataset.single_shot)
    else:
        unadapted = measure(trial, {}, plan.template_size, plan.seed, dataset.single_shot)
        yield Progress("Comparing, adapted", 0, 0)
        measured = measure(trial, {}, plan.template_size, plan.seed, dataset.single_shot, adapt=cohort.adapt)
        trial = cohort.adapt(trial)
    audits = []
    threshold = measured.verification.at(ROBUSTNESS_FMR).threshold
    for attribute, labels in (plan.groups or {}).items():
        yield Progress(f"Auditing {attribute}", 0, 0)
        if not np.isin(trial.people, list(labels)).any():
            raise InvalidInput(f"The groups label nobody of those judged by {attribute}. Label more people.")
        audits.append(audit(trial, attribute, labels, threshold, plan.seed))
    seconds["measure"] = time.perf_counter() - started
    started = time.perf_counter()
    rows: tuple[Row, ...] = ()
    detail = None
    if plan.robustness:
        changes = (*DEGRADATIONS, *plan.further)
        rows = yield from robustness(dataset, embedder, clean, plan.seed, changes, cohort)
        if plan.decision_thresholds is not None and cohort is None:
            limits = plan.decision_thresholds
            detail = yield from measure_detail(dataset, embedder, limits, plan.template_size, plan.seed)
        seconds["robustness"] = time.perf_counter() - started
    return Evaluation(dataset, measured, rows, tuple(audits), seconds, cohort, unadapted, detail)


def embed_pictures(
    dataset: Dataset, embedder: Embedder, change: Degradation | None, seed: int
) -> Generator[Progress, None, Vectors]:
    """Embed every picture, degraded or not: (N, D) unit float32."""
    stage = "Embedding picture" if change is None else f"Embedding, {change.title}: picture"
    vectors = np.zeros((len(dataset.sources), embedder.dimension), np.float32)
    started = time.perf_counter()
    with DatasetImages() as pictures:
        for start in range(0, len(vectors), BATCH):
            numbers = range(start, min(start + BATCH, len(vectors)))
            crops = [pictures.load(dataset.sources[number]) for number in numbers]
            if change is not None:
                crops = [change.apply(crop, seed, number) for crop, number in zip(crops, numbers, strict=True)]
            vectors[start : start + len(crops)] = embedder.embed(crops)
            elapsed, done = time.perf_counter() - started, numbers.stop
            left = elapsed / done * (len(vectors) - done) if elapsed > 1.0 else None
            yield Progress(stage, done, len(vectors), 0, left)
    return vectors


def make_trial(dataset: Dataset, probe: Vectors, reference: Vectors) -> Trial:
    """The trial of a data set whose sides are embedded as given; symmetric only where both are the same."""
    sides = [
        Samples(vectors[numbers], dataset.identities[numbers], dataset.cameras[numbers])
        for vectors, numbers in ((probe, dataset.probes), (reference, dataset.references))
    ]
    return Trial(sides[0], sides[1], dataset.symmetric and probe is reference)


def robustness(
    dataset: Dataset,
    embedder: Embedder,
    clean: Vectors,
    seed: int = 0,
    changes: tuple[Degradation, ...] = DEGRADATIONS,
    cohort: Cohort | None = None,
) -> Generator[Progress, None, tuple[Row, ...]]:
    """Measure every degradation on probe, reference and both, after the row without any.

    The four configurations are those of NIST's studies of face masks (Ngan and others, NIST IR 8311 and 8331, 2020).
    """

    def compare(probe: Vectors, reference: Vectors) -> Trial:
        trial = make_trial(dataset, probe, reference)
        return trial if cohort is None else cohort.adapt(cohort.restrict(trial))

    first = compare(clean, clean)
    fixed = measure_verification(first, {}, seed).at(ROBUSTNESS_FMR).threshold
    rows = [_row(first, "", "no degradation", "none", fixed, seed, dataset.single_shot)]
    for change in changes:
        degraded = yield from embed_pictures(dataset, embedder, change, seed)
        sides = (("probe", degraded, clean), ("reference", clean, degraded), ("both", degraded, degraded))
        for configuration, probe, reference in sides:
            yield Progress(f"Comparing, {change.title}", 0, 0)
            trial = compare(probe, reference)
            rows.append(_row(trial, change.name, change.title, configuration, fixed, seed, dataset.single_shot))
    return tuple(rows)


def _row(trial: Trial, name: str, title: str, configuration: str, fixed: float, seed: int, is_single_shot: bool) -> Row:
    verification = measure_verification(trial, {"fixed": fixed}, seed)
    deployed = next(point for point in verification.points if point.name == "fixed")
    return Row(
        name,
        title,
        configuration,
        measure_ranking(trial, seed, is_single_shot).ranks[1].value,
        verification.at(ROBUSTNESS_FMR).fnmr.value,
        deployed.fmr.value,
        deployed.fnmr.value,
    )


def read_groups(path: Path, dataset: Dataset) -> dict[str, dict[int, str]]:
    """Read group labels: a CSV with a column `id` (as the data set names people) and one column an attribute.

    Empty cells are no label. `2` names the person `0002` of a data set that numbers its people.

    Raises:
        InvalidInput: the file cannot be read, has no `id` or no attribute, or names nobody of the data set.
    """
    expected = "Expected a CSV with a column id and one column for each attribute, such as id,age."
    try:
        with path.open(encoding="utf-8-sig", newline="") as opened:
            rows = list(csv.DictReader(opened))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InvalidInput(f"The groups {path} cannot be read ({error}). {expected}") from error
    attributes = [name for name in (rows[0] if rows else {}) if name and name != "id"]
    if not attributes or "id" not in rows[0]:
        raise InvalidInput(f"The groups {path} have no column id, or nothing beside it. {expected}")
    numbers = _people(dataset)
    labels: dict[str, dict[int, str]] = {attribute: {} for attribute in attributes}
    for row in rows:
        person = numbers.get((row["id"] or "").strip())
        for attribute in attributes:
            group = (row[attribute] or "").strip()
            if person is None or not group:
                continue
            if labels[attribute].setdefault(person, group) != group:
                known = labels[attribute][person]
                raise InvalidInput(
                    f"The groups {path} put person {row['id']} into two groups of {attribute}: {known} and {group}. "
                    "Keep one of them."
                )
    for attribute, groups in labels.items():
        if not groups:
            raise InvalidInput(f"The groups {path} label nobody of the data set by {attribute}. {expected}")
    return labels


def _people(dataset: Dataset) -> dict[str, int]:
    numbers = {name: number for number, name in enumerate(dataset.people)}
    short = {name.lstrip("0") or "0": number for name, number in numbers.items() if name.isdigit()}
    return {**short, **numbers}
