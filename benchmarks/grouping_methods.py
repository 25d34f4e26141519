"""Ways of grouping sightings of unknown people, compared on people who are known (see `grouping_sets`).

    python -m benchmarks.grouping_methods [--embedder CARD] [--people N] [--parts N] [--device cpu]

Prints one line a set, way and threshold: B-cubed and pairwise precision, recall and F, groups that mix people, groups
and people. `sightline` is what the application does, all sightings at once; `sightline, in parts` gives them in
several parts, in order of time, as footage comes in. The others are scikit-learn's: agglomerative clustering (average
linkage also with the constraints "seen at once", as distances that are never near) and HDBSCAN, which has no threshold.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import HDBSCAN, AgglomerativeClustering

from benchmarks.grouping_sets import LabelledSightings, clip_set, made_set
from benchmarks.judged_embedders import load
from benchmarks.judging import Bench
from biometric.domain.grouping import ALONE, GroupableSightings, group_sightings
from biometric.entities import LinkScores
from biometric.entities.decisions import UNSURE_WIDTH
from biometric.gallery.neighbours import find_neighbours
from biometric.models.store import ModelStore
from biometric.settings import Settings
from biometric.statistics.partitions import compare_partitions

NEVER = 1e6
Labels = NDArray[np.int64]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--embedder", default="omz-0286", help="a card's name (default: omz-0286)")
    parser.add_argument("--people", type=int, default=600, help="most made people (default: 600)")
    parser.add_argument("--parts", type=int, default=20, help="in how many parts footage comes in (default: 20)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    bench = Bench(Path("unused"), options.device)
    embedder = load(bench, options.embedder)
    settings = bench.settings(embedder=options.embedder)
    values = thresholds(settings)
    print(f"{options.embedder}, seed {options.seed}; thresholds {values}")
    print(
        f"{'set':<7}{'way':<34}{'from':>6}  {'B3 P':>6}{'R':>6}{'F':>6}   {'pair P':>6}{'R':>6}{'F':>6}  mixed groups "
        "people items"
    )
    for labelled in (
        clip_set(options.embedder, options.device),
        made_set(embedder, options.people, options.seed),
    ):
        for name, value, labels in ways(labelled, values, options.parts):
            report(labelled, name, value, labels)


def thresholds(settings: Settings) -> list[float]:
    """Return the model card's thresholds: of verification, and from which tracks of one clip are one person."""
    store = ModelStore(settings)
    return sorted({store.card_threshold("verification").value, store.link_scores().same})


def ways(labelled: LabelledSightings, values: list[float], parts: int) -> Iterator[tuple[str, float | None, Labels]]:
    """Yield the name, threshold and labels of each way."""
    sightings = labelled.sightings
    for value in values:
        limits = LinkScores(value, value - UNSURE_WIDTH)
        yield "sightline", value, group_sightings(sightings, limits, find_neighbours).labels()
        yield f"sightline, in {parts} parts", value, in_parts(sightings, limits, parts)
    distances = 1.0 - np.clip(sightings.vectors.astype(np.float64) @ sightings.vectors.T, -1, 1)
    kept_apart = distances + NEVER * seen_at_once(sightings)
    for value in values:
        yield "average linkage, constraints", value, agglomerative(kept_apart, value, "average")
        for linkage in ("average", "complete", "single"):
            yield f"{linkage} linkage", value, agglomerative(distances, value, linkage)
    for least in (2, 3):
        labels = HDBSCAN(min_cluster_size=least, min_samples=1, metric="precomputed", copy=True).fit_predict(distances)
        yield f"HDBSCAN, clusters of {least} or more", None, alone_apart(labels)


def in_parts(sightings: GroupableSightings, limits: LinkScores, parts: int) -> Labels:
    """Group the first part, then the first two with what stands, and so on."""
    groups = np.full(len(sightings.vectors), ALONE)
    for end in np.linspace(0, len(groups), parts + 1).astype(int)[1:].tolist():
        pairs = sightings.at_once[(sightings.at_once < end).all(axis=1)]
        part = GroupableSightings(sightings.vectors[:end], pairs, groups[:end])
        groups[:end] = group_sightings(part, limits, find_neighbours).labels()
    return groups


def seen_at_once(sightings: GroupableSightings) -> NDArray[np.bool_]:
    """Return (N, N) whether two sightings were in view at once."""
    shared = np.zeros((len(sightings.vectors),) * 2, bool)
    first, second = sightings.at_once.T
    shared[first, second] = shared[second, first] = True
    return shared


def agglomerative(distances: NDArray[np.float64], same: float, linkage: str) -> Labels:
    """scikit-learn's agglomerative clustering."""
    model = AgglomerativeClustering(
        n_clusters=None, metric="precomputed", linkage=linkage, distance_threshold=1 - same + 1e-9
    )
    return model.fit_predict(distances)


def alone_apart(labels: Labels) -> Labels:
    """Give each item that belongs to no cluster (-1) one of its own."""
    labels = labels.astype(np.int64)
    noise = labels < 0
    labels[noise] = labels.max() + 1 + np.arange(noise.sum())
    return labels


def report(labelled: LabelledSightings, name: str, value: float | None, labels: Labels) -> None:
    """Print one line."""
    result = compare_partitions(labelled.people, labels)
    figures = "   ".join(
        "".join(f"{part:6.3f}" for part in (kind.precision, kind.recall, kind.f))
        for kind in (result.bcubed, result.pairwise)
    )
    threshold = "" if value is None else f"{value:.3f}"
    print(
        f"{labelled.name:<7}{name:<34}{threshold:>6}  {figures}  {result.mixed:5d}{result.groups:7d}{result.people:7d}"
        f"{result.items:6d}",
        flush=True,
    )


if __name__ == "__main__":
    main()
