"""How often the right person is missed, by pixels of height and by sharpness, as a system in use would. Numpy, OpenCV.

Probes are reduced and blurred step by step and compared with references as they are, at the thresholds in use. Each
comparison counts in the row of its poorer side, as an answer of the app does; pictures that are small or blurred of
themselves count where they are. Templates are compared, of up to K samples, with the medians of these samples.

Reduced and blurred pictures are kinder than far-away ones, whose codec and noise are coarse, too: the true share is
rather higher.
"""

import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from biometric.clips.crops import sharpness
from biometric.domain.comparison import unit
from biometric.entities import PURPOSES, Image, Progress
from biometric.entities.robustness import DetailMeasure, MissedShare, RobustnessRow, RobustnessTable
from biometric.evaluation.dataset_images import DatasetImages
from biometric.evaluation.datasets.dataset import Dataset
from biometric.ports import Embedder
from biometric.statistics.intervals import bootstrap_ratio, rate

HEIGHTS = (16, 24, 32, 48, 64, 96, 128, 192, 256)
"""Where rows begin, in pixels; probes are reduced to each. Models see 256 pixels or less."""

SHARPNESSES = (0, 25, 50, 100, 200, 400, 800, 1600, 3200)
"""Where rows begin."""

BLURS = (0.005, 0.01, 0.02, 0.04)
"""Standard deviations of the Gaussian blur of probes, as shares of the height."""

BATCH = 64
"""Pictures in memory at once."""

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class DetailRates:
    """What pixels and blur cost on a data set.

    Attributes:
        rows: those that have comparisons, of both measures.
        samples: pooled a template, on average.
        verification, identification: thresholds at which misses were counted.
    """

    rows: tuple[RobustnessRow, ...]
    samples: float
    verification: float
    identification: float

    def table(self, model_id: str, data: str, day: str) -> RobustnessTable:
        """What is stored of it: see `RobustnessTable`."""
        return RobustnessTable(model_id, data, day, self.verification, self.identification, self.samples, self.rows)


@dataclass(frozen=True, slots=True, eq=False)
class SeenPictures:
    """A data set's pictures as they are or changed: (N, D) vectors, (N,) heights in pixels, (N,) sharpness."""

    vectors: Vectors
    heights: NDArray[np.float64]
    sharpnesses: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class DetailTemplates:
    """Templates of people by camera: vectors (T, D), and medians of their samples' heights and sharpness, (T,)."""

    vectors: Vectors
    heights: NDArray[np.float64]
    sharpnesses: NDArray[np.float64]

    def of(self, measure: DetailMeasure) -> NDArray[np.float64]:
        """The values of one measure."""
        return self.heights if measure is DetailMeasure.HEIGHT else self.sharpnesses


@dataclass(frozen=True, slots=True, eq=False)
class DetailComparisons:
    """Genuine comparisons: (C,) score, person, and value of the poorer side."""

    scores: NDArray[np.float64]
    people: NDArray[np.int64]
    values: NDArray[np.float64]


def measure_detail(
    dataset: Dataset,
    embedder: Embedder,
    thresholds: Mapping[str, float],
    template_size: int = 5,
    seed: int = 0,
) -> Generator[Progress, None, DetailRates]:
    """Measure both tables; the generator's return value is the result.

    Args:
        thresholds: of "verification" and "identification".
        template_size: samples pooled a template at most, drawn with `seed`.

    Raises:
        DatasetInvalid: a picture is damaged.
        ModelError: the model cannot run.
    """
    members, people, cameras = group_pictures(dataset, template_size, seed)
    if not members:
        return DetailRates((), 1.0, thresholds["verification"], thresholds["identification"])
    judged = np.concatenate(members)
    plain = yield from _see(dataset, judged, embedder, "Measuring picture", None)
    whole = pool_members(plain, members)
    rows: list[RobustnessRow] = []
    for measure, starts in ((DetailMeasure.HEIGHT, HEIGHTS), (DetailMeasure.SHARPNESS, SHARPNESSES)):
        compared = [compare(whole, whole, people, cameras, measure, once=True)]
        for step in _steps(measure):
            seen = yield from _see(dataset, judged, embedder, step.title, step, plain)
            changed = pool_members(seen, members)
            compared.append(compare(changed, whole, people, cameras, measure))
        rows += count_rows(compared, measure, starts, thresholds, seed)
    samples = float(np.mean([len(numbers) for numbers in members]))
    return DetailRates(tuple(rows), samples, thresholds["verification"], thresholds["identification"])


@dataclass(frozen=True, slots=True)
class _Step:
    """A reduction to `height` pixels, or a blur by a share of the height."""

    title: str
    height: int = 0
    blur: float = 0.0

    def apply(self, image: Image) -> Image | None:
        """The changed picture; None where it stays as it is."""
        if self.blur:
            return np.asarray(cv2.GaussianBlur(image, (0, 0), max(0.3, self.blur * image.shape[0])), dtype=np.uint8)
        return reduce_to(image, self.height) if image.shape[0] > self.height else None


def _steps(measure: DetailMeasure) -> list[_Step]:
    if measure is DetailMeasure.HEIGHT:
        return [_Step(f"Embedding at {height} pixels: picture", height=height) for height in HEIGHTS]
    return [_Step(f"Embedding blurred by {blur:.1%}: picture", blur=blur) for blur in BLURS]


def reduce_to(image: Image, height: int) -> Image:
    """Return a picture, (h, w, 3) uint8, reduced to so many pixels of height by averaging, as sensors do."""
    width = max(1, round(image.shape[1] * height / image.shape[0]))
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _see(
    dataset: Dataset,
    judged: NDArray[np.int64],
    embedder: Embedder,
    title: str,
    step: _Step | None,
    plain: SeenPictures | None = None,
) -> Generator[Progress, None, SeenPictures]:
    """Embed and measure the judged pictures, changed by a step; those that it leaves alone are as in `plain`.

    Pictures that are not judged are neither read nor embedded; their rows are zeros.
    """
    total, count = len(dataset.sources), len(judged)
    vectors = np.zeros((total, embedder.dimension), np.float32) if plain is None else plain.vectors.copy()
    heights = np.zeros(total) if plain is None else plain.heights.copy()
    sharpnesses = np.zeros(total) if plain is None else plain.sharpnesses.copy()
    started = time.perf_counter()
    with DatasetImages() as pictures:
        for start in range(0, count, BATCH):
            numbers, images = [], []
            for number in judged[start : start + BATCH].tolist():
                image: Image | None = pictures.load(dataset.sources[number])
                if image is not None and step is not None:
                    image = step.apply(image)
                if image is not None:
                    numbers.append(number)
                    images.append(image)
            if images:
                vectors[numbers] = embedder.embed(images)
                heights[numbers] = [image.shape[0] for image in images]
                sharpnesses[numbers] = [sharpness(image) for image in images]
            elapsed, done = time.perf_counter() - started, min(start + BATCH, count)
            left = elapsed / done * (count - done) if elapsed > 1.0 else None
            yield Progress(title, done, count, 0, left)
    return SeenPictures(vectors, heights, sharpnesses)


def group_pictures(
    dataset: Dataset, most: int, seed: int
) -> tuple[list[NDArray[np.int64]], NDArray[np.int64], NDArray[np.int64]]:
    """Return the pictures of each template, up to `most` drawn of a person by a camera, with person and camera.

    Pictures of nobody (junk, distractors) and of neither side take no part.
    """
    generator = np.random.default_rng(seed)
    judged = np.union1d(dataset.probes, dataset.references).astype(np.int64)
    judged = judged[dataset.identities[judged] >= 0]
    pairs = np.stack([dataset.identities[judged], dataset.cameras[judged]], axis=1)
    keys, owner = np.unique(pairs, axis=0, return_inverse=True)
    members = [generator.permutation(judged[owner.ravel() == number])[:most] for number in range(len(keys))]
    return members, keys[:, 0], keys[:, 1]


def pool_members(seen: SeenPictures, members: Sequence[NDArray[np.int64]]) -> DetailTemplates:
    """Pool the pictures of each template: the mean vector at unit length, and the medians."""
    vectors = unit(np.stack([seen.vectors[numbers].sum(axis=0) for numbers in members]))
    heights = np.array([np.median(seen.heights[numbers]) for numbers in members])
    return DetailTemplates(vectors, heights, np.array([np.median(seen.sharpnesses[numbers]) for numbers in members]))


def compare(
    probes: DetailTemplates,
    references: DetailTemplates,
    people: NDArray[np.int64],
    cameras: NDArray[np.int64],
    measure: DetailMeasure,
    once: bool = False,
) -> DetailComparisons:
    """Compare each person's templates by different cameras.

    Args:
        probes, references: the same templates, (T,); probes may be changed, and only changed ones count.
        once: nothing is changed: each pair counts once.
    """
    scores, owners, values = [], [], []
    changed = np.ones(len(people), bool) if once else probes.of(measure) < references.of(measure)
    for person in np.unique(people):
        own = np.nonzero(people == person)[0]
        first, second = (side.ravel() for side in np.meshgrid(own, own, indexing="ij"))
        keep = (cameras[first] != cameras[second]) & changed[first]
        keep &= (first < second) if once else True
        first, second = first[keep], second[keep]
        scores.append(np.einsum("cd,cd->c", probes.vectors[first], references.vectors[second]).astype(np.float64))
        owners.append(np.full(len(first), person, np.int64))
        values.append(np.minimum(probes.of(measure)[first], references.of(measure)[second]))
    return DetailComparisons(np.concatenate(scores), np.concatenate(owners), np.concatenate(values))


def count_rows(
    compared: Sequence[DetailComparisons],
    measure: DetailMeasure,
    starts: Sequence[float],
    thresholds: Mapping[str, float],
    seed: int = 0,
) -> list[RobustnessRow]:
    """Count misses by range of the poorer side's value; ranges without comparison are left out."""
    scores = np.concatenate([part.scores for part in compared])
    people = np.concatenate([part.people for part in compared])
    values = np.concatenate([part.values for part in compared])
    rows = []
    for number, start in enumerate(starts):
        stop = starts[number + 1] if number + 1 < len(starts) else None
        inside = (values >= start) & (values < (np.inf if stop is None else stop))
        if not inside.any():
            continue
        present, owner = np.unique(people[inside], return_inverse=True)
        shares = [_missed(scores[inside] < thresholds[purpose], owner, len(present), seed) for purpose in PURPOSES]
        rows.append(RobustnessRow(measure, start, stop, len(present), int(inside.sum()), shares[0], shares[1]))
    return rows


def _missed(below: NDArray[np.bool_], owner: NDArray[np.int64], people: int, seed: int) -> MissedShare:
    """Count misses; the interval draws people, because all comparisons of one person err together."""
    missed = np.bincount(owner, weights=below, minlength=people)
    trials = np.bincount(owner, minlength=people)
    interval = bootstrap_ratio(missed, trials, seed=seed)
    measured = rate(int(below.sum()), len(below), interval, independent=people)
    return MissedShare(measured.errors, measured.interval.low, measured.interval.high)
