"""One row of the table of embedders, and the crops that all of them are measured on."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.judging import ONE_BY_ONE, PHOTOGRAPHS, STAYS, STREET, Bench, Remembering, observe, quickest
from biometric.calibration import compared_people, fitting
from biometric.cli.evaluate_detector import photographs
from biometric.clips.crops import JpegCropStore
from biometric.domain.comparison import pool, score
from biometric.domain.selection import Rules
from biometric.entities import Image, Template
from biometric.models.store import ModelStore
from biometric.ports import Embedder
from biometric.statistics import intervals
from biometric.statistics.error_rates import d_prime, eer, fnmr_at_fmr
from biometric.statistics.intervals import Rate
from biometric.training.crops.cutting import Wanted, cut_photograph
from biometric.training.crops.making import build_crop_tools

CROPS = 500
"""Most crops of photographs that are compared with the teacher's embeddings."""
TIMED = 64
"""Crops on which speed is measured."""


@dataclass(frozen=True, slots=True, eq=False)
class Street:
    """Tracks of a busy clip: the crops that the app chose of each, and (T, T) which are certainly two people."""

    crops: list[list[Image]]
    apart: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Errors:
    """1:1 error rates of half tracks.

    Attributes:
        genuine, impostor: number of comparisons; `independent` is what the impostors count for.
        fmr: what the false match rate is below, with 95 % confidence, at the lowest threshold that no impostor reaches.
        fnmr: at that threshold.
    """

    genuine: int
    impostor: int
    independent: int
    eer: float
    d_prime: float
    fmr: float
    fnmr: Rate


@dataclass(frozen=True, slots=True)
class EmbedderRow:
    """What was measured.

    Attributes:
        same: lowest score of one person's two halves of the stay in `ONE_BY_ONE`.
        other: highest score of two people. Both None where a half gave no template.
        cosine: mean to the teacher's embeddings of the same crops, None where dimensions differ.
    """

    dimension: int
    milliseconds: float
    same: float | None
    other: float | None
    cosine: float | None
    errors: Errors


def street(bench: Bench, detector: Remembering, embedder: Embedder, name: str) -> Street:
    """Follow the people of `STREET` once, by the app's own pipeline with one embedder, for all embedders."""
    service = bench.service(detector, embedder, name)
    try:
        observed = observe(service, STREET)
        store = JpegCropStore()
        crops = [
            [store.load(sample.crop) for sample in person.kept if sample.crop is not None] for person in observed.usable
        ]
    finally:
        service.close()
    return Street(crops, compared_people.side_by_side(compared_people.summarize_clip(observed).tracks))


def photograph_crops(bench: Bench) -> list[Image]:
    """Crops of the people labelled in the validation photographs, [] where they are not there."""
    if not PHOTOGRAPHS.is_dir():
        return []
    found: list[Image] = []
    tools = build_crop_tools(bench.settings())
    wanted, source = Wanted(Rules()), photographs(PHOTOGRAPHS, "val")
    for file in source.files:
        image = source.load(file)
        boxes = source.people(file, image.shape[1], image.shape[0])
        cut_photograph(image, boxes, wanted, tools, lambda cut: found.append(cut.image))
        if len(found) >= CROPS:
            break
    return found[:CROPS]


def embed(embedder: Embedder, crops: Sequence[Image]) -> NDArray[np.float32]:
    """(N, D) embeddings, some crops at a time."""
    parts = [embedder.embed(crops[start : start + 32]) for start in range(0, len(crops), 32)]
    return np.concatenate(parts) if parts else np.zeros((0, embedder.dimension), np.float32)


def load(bench: Bench, name: str) -> Embedder:
    """Load an embedder by card or path. Raises `ModelError`, `InvalidSetting`."""
    return ModelStore(bench.settings(embedder=name)).embedder()


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What all embedders are measured on: who comes one by one, the street, crops and the teacher's view of them."""

    detector: Remembering
    street: Street
    crops: list[Image]
    teacher: NDArray[np.float32] | None


def judge(bench: Bench, name: str, embedder: Embedder, material: Material) -> EmbedderRow:
    """Measure a loaded embedder that is known by the card or path `name`."""
    timed = [crop for track in material.street.crops for crop in track][:TIMED]
    same, other = _one_by_one(bench, name, embedder, material.detector)
    cosine = None
    if material.teacher is not None and material.teacher.shape[1] == embedder.dimension:
        cosine = float((embed(embedder, material.crops) * material.teacher).sum(axis=1).mean())
    speed = quickest(lambda: embed(embedder, timed), max(1, len(timed)))
    return EmbedderRow(embedder.dimension, speed, same, other, cosine, measure_errors(embedder, material.street))


def _one_by_one(
    bench: Bench, name: str, embedder: Embedder, detector: Remembering
) -> tuple[float | None, float | None]:
    """Lowest score of one person and highest of two, over templates of the halves of each stay."""
    service = bench.service(detector, embedder, name)
    found: list[tuple[str, Template]] = []
    try:
        for person, (first, last) in STAYS.items():
            middle = (first + last) // 2
            for part in ((first, middle), (middle + 1, last)):
                prominent = observe(service, ONE_BY_ONE, *part).most_prominent
                if prominent is None or prominent.template is None:
                    return None, None
                found.append((person, prominent.template))
    finally:
        service.close()
    pairs = [(one, two) for index, one in enumerate(found) for two in found[:index]]
    same = min(score(one[1], two[1]) for one, two in pairs if one[0] == two[0])
    other = max(score(one[1], two[1]) for one, two in pairs if one[0] != two[0])
    return same, other


def measure_errors(embedder: Embedder, seen: Street) -> Errors:
    """Halves of one track against each other, and against halves of tracks that are certainly somebody else's."""
    halves: dict[int, tuple[Template, Template]] = {}
    for track, crops in enumerate(seen.crops):
        middle = len(crops) // 2
        if middle >= compared_people.HALF:
            rows = embed(embedder, crops)
            parts = (rows[:middle], rows[middle:])
            first, second = (pool(list(part), embedder.model_id) for part in parts)
            halves[track] = (first, second)
    pairs = [(one, two) for one in halves for two in halves if one < two and seen.apart[one, two]]
    genuine = [score(*both) for both in halves.values()]
    impostor = [score(halves[one][0], halves[two][1]) for one, two in pairs]
    independent = fitting.count_independent(pairs)
    missed = round(fnmr_at_fmr(genuine, impostor, 0.0)[0] * len(genuine))
    return Errors(
        len(genuine),
        len(impostor),
        independent,
        eer(genuine, impostor).rate,
        d_prime(genuine, impostor),
        intervals.rule_of_three(independent),
        intervals.rate(missed, len(genuine)),
    )
