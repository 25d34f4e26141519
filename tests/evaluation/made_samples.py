"""Random samples with few distinct scores, so that ties are common, and exact ones."""

import numpy as np

from biometric.evaluation.comparisons import DISTRACTOR, JUNK, Samples, Trial


def samples(
    generator: np.random.Generator, count: int, people: int = 6, cameras: int = 3, junk: bool = False
) -> Samples:
    """Vectors of 16 coordinates ±1/4, so that scores are exact multiples of 1/8 however they are summed.

    With `junk` some samples are junk or distractors.
    """
    identities = generator.integers(0, people, count).astype(np.int64)
    looks = generator.choice([-0.25, 0.25], (people, 16))
    changed = generator.random((count, 16)) < 0.25
    vectors = np.where(changed, -looks[identities], looks[identities]).astype(np.float32)
    if junk:
        identities[generator.random(count) < 0.1] = JUNK
        identities[generator.random(count) < 0.1] = DISTRACTOR
    return Samples(vectors, identities, generator.integers(0, cameras, count).astype(np.int64))


def trial(seed: int, probes: int = 25, references: int = 60, junk: bool = False) -> Trial:
    """Some probes against some references."""
    generator = np.random.default_rng(seed)
    return Trial(samples(generator, probes), samples(generator, references, junk=junk))


def symmetric(seed: int, count: int = 40, junk: bool = False) -> Trial:
    """Samples against themselves."""
    made = samples(np.random.default_rng(seed), count, junk=junk)
    return Trial(made, made, symmetric=True)


def one_hot(*axes: int) -> np.ndarray:
    """Unit vectors along axes of 8 dimensions."""
    return np.eye(8, dtype=np.float32)[list(axes)]
