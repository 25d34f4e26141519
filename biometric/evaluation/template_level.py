"""Template level: k samples pooled a side before comparing, as the app does with a track. Numpy only.

One image is the hardest case and the one that tables report. The app compares templates; five images a side take
CUHK03's FNMR at FMR 1e-2 from .201 to .083 with the default model.
"""

import numpy as np
from numpy.typing import NDArray

from biometric.domain.comparison import unit
from biometric.evaluation.comparisons import Samples, Trial


def pool_samples(samples: Samples, k: int, seed: int = 0) -> tuple[Samples, float]:
    """Pool up to `k` samples of each person by each camera into one template (the mean, scaled to unit length).

    The samples are drawn with `seed`; of a person with fewer than `k`, all are pooled. Junk and distractors are left
    out.

    Returns:
        The templates, by person and camera, and how many samples they were pooled of on average.

    Raises:
        ValueError: k below 1, or nobody to pool.
    """
    if k < 1:
        raise ValueError(f"expected at least 1 sample a template, got {k}")
    people = samples.select(samples.identities >= 0)
    if len(people) == 0:
        raise ValueError("expected samples of people, got none")
    shuffled = np.random.default_rng(seed).permutation(len(people))
    shuffled = shuffled[np.lexsort((people.cameras[shuffled], people.identities[shuffled]))]
    ordered = people.select(shuffled)
    keys = np.stack([ordered.identities, ordered.cameras])
    starts = np.nonzero(np.append(True, (np.diff(keys) != 0).any(axis=0)))[0]
    lengths = np.diff(np.append(starts, len(ordered)))
    within = np.arange(len(ordered)) - np.repeat(starts, lengths)
    weighted = ordered.vectors * (within < k)[:, None].astype(np.float32)
    vectors = unit(np.add.reduceat(weighted, starts, axis=0))
    used: NDArray[np.int64] = np.minimum(lengths, k)
    return Samples(vectors, ordered.identities[starts], ordered.cameras[starts]), float(used.mean())


def template_trial(trial: Trial, k: int, seed: int = 0) -> tuple[Trial, float]:
    """Every template against every other, of all samples on both sides; also the mean number of samples pooled.

    Probes and references are put together first: a published query folder holds one image a person and camera, so its
    own templates could not be pooled of more. Each template is then probe and reference, never of the same camera.
    """
    sides = (trial.probes,) if trial.symmetric else (trial.probes, trial.references)
    everything = Samples(
        np.concatenate([side.vectors for side in sides]),
        np.concatenate([side.identities for side in sides]),
        np.concatenate([side.cameras for side in sides]),
    )
    templates, used = pool_samples(everything, k, seed)
    return Trial(templates, templates, symmetric=True), used
