"""Thresholds of an embedder from strangers: crops of different photographs show different people.

    python -m benchmarks.strangers CROPS --embedder CARD [--fmr 1e-4] …

CROPS is a set made by `python -m biometric train crops --photographs …`. Every pair of crops from two photographs is an
impostor comparison of single pictures; the threshold for a false match rate and its interval come from the evaluation
package. A person who stands in two photographs counts as a false match, so the thresholds err towards strictness.
"""

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from biometric.bootstrap import build
from biometric.settings import Settings
from biometric.statistics.error_rates import fmr, threshold_at_fmr
from biometric.statistics.intervals import bootstrap_pairs
from biometric.training.crops.crop_sets import open_crops

ROUNDS = 500


def main() -> None:
    """Print one line a rate."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("crops", type=Path)
    parser.add_argument("--embedder", help="a card's name or a file (default: the app's)")
    parser.add_argument("--fmr", type=float, nargs="+", default=[1e-3, 1e-4, 5e-5])
    parser.add_argument("--at", type=float, nargs="*", default=[], help="thresholds to judge, too")
    options = parser.parse_args()
    crops = open_crops(options.crops)
    service = build(Settings.from_environment(None, embedder=options.embedder))
    try:
        embedder = service.models.embedder()
        vectors = np.concatenate([embedder.embed([crops.load(index)]) for index in range(len(crops))])
    finally:
        service.close()
    photographs = np.unique([crops.video(index) for index in range(len(crops))], return_inverse=True)[1]
    scores, different = vectors @ vectors.T, photographs[:, None] != photographs[None, :]
    impostors = scores[np.triu(different, 1)]
    print(f"{embedder.model_id}: {len(impostors):,} pairs of {len(crops)} crops, {photographs.max() + 1} photographs")
    for rate in options.fmr:
        _report(f"FMR {rate:g}", threshold_at_fmr(impostors, rate), scores, different, photographs)
    for threshold in options.at:
        _report("given", threshold, scores, different, photographs)


def _report(
    what: str, threshold: float, scores: NDArray[np.float32], different: NDArray[np.bool_], of: NDArray[np.int64]
) -> None:
    """One line: the threshold, the rate at it, and its interval over photographs drawn with replacement."""
    count = int(of.max()) + 1
    member = np.zeros((count, len(of)))
    member[of, np.arange(len(of))] = 1
    errors = member @ ((scores >= threshold) & different) @ member.T
    interval = bootstrap_pairs(errors, member @ different @ member.T, rounds=ROUNDS)
    rate = fmr(scores[np.triu(different, 1)], threshold)
    print(
        f"{what}: threshold {threshold:.4f}, FMR {rate:.2e} (95 % interval {interval.low:.1e} to {interval.high:.1e})"
    )


if __name__ == "__main__":
    main()
