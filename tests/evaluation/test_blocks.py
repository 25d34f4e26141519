"""1:1 counts in blocks against counting every pair."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from biometric.evaluation.blocks import BINS_PER_UNIT, CLUSTERS, collect_scores, count_errors
from biometric.evaluation.comparisons import Samples, Trial
from biometric.statistics.error_rates import fmr, fnmr, threshold_at_fmr
from tests.evaluation.made_samples import one_hot, symmetric, trial
from tests.fresh_interpreter import PEAK_KB

PROJECT = Path(__file__).resolve().parent.parent.parent


def pairs(trial: Trial) -> tuple[list[float], list[float]]:
    """(genuine, impostor) scores, pair by pair."""
    genuine, impostor = [], []
    scores = np.clip(trial.probes.vectors @ trial.references.vectors.T, -1, 1)
    for i, (person, camera) in enumerate(zip(trial.probes.identities, trial.probes.cameras, strict=True)):
        others = zip(trial.references.identities, trial.references.cameras, strict=True)
        for j, (other, where) in enumerate(others):
            if person < 0 or other < 0 or (trial.symmetric and j <= i):
                continue
            if person != other:
                impostor.append(float(scores[i, j]))
            elif camera != where:
                genuine.append(float(scores[i, j]))
    return genuine, impostor


@pytest.mark.parametrize("made", [trial(1), trial(2, junk=True), symmetric(3), symmetric(4, junk=True)])
@pytest.mark.parametrize("size", [1, 1 << 22])
def test_rates_equal_counting_every_pair(made: Trial, size: int) -> None:
    genuine, impostor = pairs(made)
    found = collect_scores(made, size)
    assert (found.genuine.total, found.impostor.total) == (len(genuine), len(impostor))
    for threshold in (0.0, 0.25, 0.5, 0.875):
        assert fmr(found.impostor, threshold) == fmr(impostor, threshold)
        assert fnmr(found.genuine, threshold) == fnmr(genuine, threshold)
    thresholds = [0.5, -0.25, threshold_at_fmr(found.impostor, 0.1)]
    errors = count_errors(made, thresholds, size)
    for index, threshold in enumerate(thresholds):
        matched, missed = errors.fmr(index), errors.fnmr(index)
        assert matched is not None
        assert missed is not None
        assert (matched.trials, missed.trials) == (len(impostor), len(genuine))
        assert matched.value == pytest.approx(fmr(impostor, threshold), abs=1e-12)
        assert missed.value == pytest.approx(fnmr(genuine, threshold), abs=1e-12)
        assert matched.interval.low <= matched.value <= matched.interval.high
        assert (matched.distinct, missed.distinct) == distinct(made, threshold)
    people = {person for side in (made.probes, made.references) for person in side.identities.tolist() if person >= 0}
    assert errors.pairs == len(people) * (len(people) - 1) // 2


def distinct(trial: Trial, threshold: float) -> tuple[int, int]:
    """Pairs of people with a false match, people with a false non-match."""
    matched, missed = set(), set()
    scores = np.clip(trial.probes.vectors @ trial.references.vectors.T, -1, 1)
    for i, j in np.ndindex(scores.shape):
        person, other = int(trial.probes.identities[i]), int(trial.references.identities[j])
        if person < 0 or other < 0:
            continue
        if person != other and scores[i, j] >= threshold:
            matched.add(frozenset((person, other)))
        if person == other and scores[i, j] < threshold and trial.probes.cameras[i] != trial.references.cameras[j]:
            missed.add(person)
    return len(matched), len(missed)


def test_the_threshold_of_a_histogram_keeps_its_promise_on_the_scores_themselves() -> None:
    made = trial(5, probes=60, references=80)
    _, impostor = pairs(made)
    for target in (0.5, 0.1, 0.01, 0.0):
        threshold = threshold_at_fmr(collect_scores(made).impostor, target)
        assert fmr(impostor, threshold) <= target
        exact = threshold_at_fmr(np.array(impostor, np.float32), target)
        assert 0 <= threshold - exact + 1e-7 <= 1.1 / BINS_PER_UNIT


def test_two_people_by_hand() -> None:
    side = Samples(one_hot(0, 0, 1), np.array([0, 0, 1]), np.array([0, 1, 0]))
    found = collect_scores(Trial(side, side, symmetric=True))
    assert found.genuine.values.tolist() == [1.0]
    assert found.impostor.values.tolist() == [0.0]
    assert found.impostor.total == 2


def test_nobody_to_compare() -> None:
    side = Samples(np.zeros((0, 8), np.float32), np.zeros(0, np.int64), np.zeros(0, np.int64))
    assert collect_scores(Trial(side, side)).genuine.total == 0
    with pytest.raises(ValueError, match="people"):
        count_errors(Trial(side, side), [0.5])
    one = Samples(one_hot(0), np.array([0]), np.array([0]))
    errors = count_errors(Trial(one, one, symmetric=True), [0.5])
    assert errors.fmr(0) is None
    assert errors.fnmr(0) is None
    with pytest.raises(ValueError, match="thresholds"):
        count_errors(Trial(one, one), [])


def test_more_people_than_clusters_are_counted_in_groups() -> None:
    generator = np.random.default_rng(0)
    count = CLUSTERS + 88
    vectors = generator.normal(size=(2 * count, 4)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    side = Samples(vectors, np.repeat(np.arange(count), 2), np.tile([0, 1], count))
    made = Trial(side, side, symmetric=True)
    found, errors = collect_scores(made), count_errors(made, [0.9])
    matched = errors.fmr(0)
    assert matched is not None
    assert errors.impostor.shape == (CLUSTERS, CLUSTERS)
    assert matched.trials == found.impostor.total == 2 * count * (2 * count - 2) // 2
    assert matched.value == fmr(found.impostor, 0.9)


def test_shapes_are_checked() -> None:
    with pytest.raises(ValueError, match=r"\(N, D\)"):
        Samples(one_hot(0), np.array([0, 1]), np.array([0]))
    a, b = Samples(one_hot(0), np.array([0]), np.array([0])), Samples(one_hot(0), np.array([1]), np.array([0]))
    with pytest.raises(ValueError, match="symmetric"):
        Trial(a, b, symmetric=True)


def test_20000_by_20000_comparisons_stay_below_2_gb() -> None:
    code = (
        "import numpy as np;"
        "from biometric.evaluation.comparisons import Samples, Trial;"
        "from biometric.evaluation.blocks import collect_scores;"
        "from biometric.evaluation.ranking import rank;"
        "g = np.random.default_rng(0); v = g.normal(size=(20000, 256)).astype(np.float32);"
        "v /= np.linalg.norm(v, axis=1, keepdims=True);"
        "s = Samples(v, g.integers(0, 1500, 20000), g.integers(0, 6, 20000)); t = Trial(s, s);"
        "c = collect_scores(t); rank(t);"
        "assert c.impostor.total > 399_000_000;"
        f"print({PEAK_KB})"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, cwd=PROJECT, capture_output=True, text=True)
    assert int(done.stdout) < 2_000_000  # kB
