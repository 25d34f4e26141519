"""How long grouping takes: many sightings at once, then more of them as they come in.

    python -m benchmarks.grouping [--sightings N] [--clips N] [--people-a-clip N]

Sightings are synthetic: people are random directions, each with 1 to some dozen sightings whose scores with each other
scatter around 0.75, in clips of several people seen at once. Prints seconds, peak memory and how well the groups agree
with the people; then the time for the next clips, each grouped on its own with all that stand, without reading anything
from a database. Grouping on real people is judged by `benchmarks.grouping_methods`.
"""

import argparse
import resource
import time

import numpy as np
from numpy.typing import NDArray

from biometric.domain.grouping import ALONE, GroupableSightings, group_sightings
from biometric.entities import LinkScores
from biometric.gallery.neighbours import find_neighbours
from biometric.statistics.partitions import compare_partitions

DIMENSION = 256
LIMITS = LinkScores(0.572, 0.522)
SPREAD = 0.58
"""Length of what makes a sighting differ from its person's direction: scores of one person are about 0.75."""
SIGHTINGS_A_PERSON = 5


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sightings", type=int, default=100_000)
    parser.add_argument("--clips", type=int, default=10, help="clips that come in afterwards (default: 10)")
    parser.add_argument("--people-a-clip", type=int, default=5)
    options = parser.parse_args()
    more = options.clips * options.people_a_clip
    vectors, people = made(options.sightings + more)
    pairs = at_once(people, options.people_a_clip)
    before = memory()
    groups = np.full(len(people), ALONE)
    seconds = grow(vectors, pairs, groups, options.sightings)
    agreement = compare_partitions(people[: options.sightings], groups[: options.sightings])
    print(
        f"{options.sightings:,} sightings of {agreement.people:,} people: {seconds:.1f} s, {agreement.groups:,} groups"
    )
    print(f"B-cubed precision {agreement.bcubed.precision:.4f}, recall {agreement.bcubed.recall:.4f}")
    print(f"peak memory {memory():,.0f} MiB, {before:,.0f} of them before grouping", flush=True)
    times = [
        grow(vectors, pairs, groups, end)
        for end in range(options.sightings + options.people_a_clip, len(people) + 1, options.people_a_clip)
    ]
    print(f"a clip of {options.people_a_clip} people more: median {np.median(times):.2f} s, longest {max(times):.2f} s")


def made(count: int) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """(N, D) unit templates in random order, and (N,) whom each shows."""
    rng = np.random.default_rng(0)
    sizes = rng.geometric(1 / SIGHTINGS_A_PERSON, count)
    people = rng.permutation(np.repeat(np.arange(count), sizes)[:count])
    centres = rng.standard_normal((int(people.max()) + 1, DIMENSION), np.float32)
    centres /= np.linalg.norm(centres, axis=1, keepdims=True)
    vectors = centres[people]
    vectors += rng.standard_normal(vectors.shape, np.float32) * np.float32(SPREAD / DIMENSION**0.5)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors, people


def at_once(people: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """(P, 2) pairs of the sightings of each clip, but of one person."""
    rows = np.arange(len(people) // size * size).reshape(-1, size)
    first, second = np.triu_indices(size, 1)
    pairs = np.stack([rows[:, first].ravel(), rows[:, second].ravel()], axis=1)
    different: NDArray[np.int64] = pairs[people[pairs[:, 0]] != people[pairs[:, 1]]]
    return different


def grow(vectors: NDArray[np.float32], pairs: NDArray[np.int64], groups: NDArray[np.int64], end: int) -> float:
    """Group the first `end` sightings with what stands, write the groups' numbers, return the seconds."""
    inside = pairs[(pairs < end).all(axis=1)]
    started = time.perf_counter()
    grouping = group_sightings(GroupableSightings(vectors[:end], inside, groups[:end]), LIMITS, find_neighbours)
    seconds = time.perf_counter() - started
    groups[:end] = grouping.labels()
    return seconds


def memory() -> float:
    """Peak memory of this process, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
