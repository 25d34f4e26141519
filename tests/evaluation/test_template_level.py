"""Pooling k samples a side."""

import numpy as np
import pytest

from biometric.domain.comparison import pool
from biometric.evaluation.comparisons import DISTRACTOR, JUNK, Samples, Trial
from biometric.evaluation.template_level import pool_samples, template_trial
from tests.evaluation.made_samples import one_hot, samples


def test_all_samples_of_a_person_by_a_camera_are_pooled_as_the_app_does() -> None:
    made = samples(np.random.default_rng(0), 60)
    templates, used = pool_samples(made, 1000)
    for vector, person, camera in zip(templates.vectors, templates.identities, templates.cameras, strict=True):
        own = made.vectors[(made.identities == person) & (made.cameras == camera)]
        assert np.allclose(vector, pool(list(own), "m").vector, atol=1e-6)
    assert used == pytest.approx(60 / len(templates))


def test_at_most_k_samples_are_used_and_the_seed_says_which() -> None:
    side = Samples(one_hot(0, 1, 2, 3), np.zeros(4, np.int64), np.zeros(4, np.int64))
    templates, used = pool_samples(side, 2, seed=1)
    assert used == 2.0
    assert np.count_nonzero(templates.vectors) == 2
    again = pool_samples(side, 2, seed=1)[0].vectors
    assert np.array_equal(templates.vectors, again)
    assert any(not np.array_equal(again, pool_samples(side, 2, seed=seed)[0].vectors) for seed in range(2, 8))


def test_junk_and_distractors_have_no_template() -> None:
    side = Samples(one_hot(0, 1, 2), np.array([JUNK, 3, DISTRACTOR]), np.zeros(3, np.int64))
    assert pool_samples(side, 5)[0].identities.tolist() == [3]
    with pytest.raises(ValueError, match="got none"):
        pool_samples(side.select(np.array([0, 2])), 5)
    with pytest.raises(ValueError, match="at least 1"):
        pool_samples(side, 0)


def test_probes_and_references_are_pooled_together_once() -> None:
    probes = Samples(one_hot(0), np.array([0]), np.array([0]))
    references = Samples(one_hot(1, 2), np.array([0, 0]), np.array([0, 1]))
    made, used = template_trial(Trial(probes, references), 5)
    assert made.symmetric
    assert made.probes.cameras.tolist() == [0, 1]
    assert used == 1.5
    both = Trial(references, references, symmetric=True)
    assert template_trial(both, 5)[1] == 1.0
