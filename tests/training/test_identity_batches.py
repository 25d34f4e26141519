"""P×K batches: who is in them, that nothing is lost or doubled, and that they depend on seed and epoch alone."""

import numpy as np
import pytest

from biometric.errors import DataTooSmall, InvalidSetting
from biometric.training.identity_batches import IdentityBatches


def identities_of(counts: list[int]) -> np.ndarray:
    """Identities of pictures, person i having counts[i] of them, mixed."""
    return np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))


@pytest.mark.parametrize("counts", [[4] * 8, [2] * 5, [40, 2, 2, 3, 9, 17], [3, 3, 100], [8, 8, 8, 8, 1000, 5]])
def test_a_batch_is_p_people_with_k_pictures_of_each(counts: list[int]) -> None:
    identities = identities_of(counts)
    groups = IdentityBatches(identities, people=3, pictures_per_person=4)
    batches = groups.batches(0, 0)
    assert len(batches) == groups.steps > 0
    for batch in batches:
        rows = identities[batch].reshape(3, 4)
        assert (rows == rows[:, :1]).all()
        assert len(set(rows[:, 0].tolist())) == 3
    used, times = np.unique(np.concatenate(batches), return_counts=True)
    many = np.array(counts)[identities[used]] >= 4
    assert times[many].max(initial=1) == 1  # a picture is doubled only where a person has too few
    assert times.max() <= 2


def test_as_many_batches_as_there_can_be() -> None:
    assert IdentityBatches(identities_of([4] * 8), 4, 4).steps == 2
    assert IdentityBatches(identities_of([8] * 8), 4, 4).steps == 4
    assert (
        IdentityBatches(identities_of([400, 4, 4]), 2, 4).steps == 2
    )  # the one with many meets each of the others once
    assert IdentityBatches(identities_of([40, 40, 4]), 2, 4).steps == 10


def test_an_epoch_is_a_function_of_seed_and_epoch() -> None:
    groups = IdentityBatches(identities_of([6] * 9), 3, 2)
    first = np.stack(groups.batches(1, 5))
    assert np.array_equal(first, np.stack(IdentityBatches(identities_of([6] * 9), 3, 2).batches(1, 5)))
    assert not np.array_equal(first, np.stack(groups.batches(1, 6)))
    assert not np.array_equal(first, np.stack(groups.batches(2, 5)))
    assert sorted(first.ravel().tolist()) == list(range(54))


def test_everybody_has_a_turn_over_the_epochs() -> None:
    identities = identities_of([20, 2, 2, 2, 2, 2, 2])
    groups = IdentityBatches(identities, 2, 4)
    seen = {person for epoch in range(20) for batch in groups.batches(0, epoch) for person in identities[batch]}
    assert seen == set(range(7))


def test_too_few_people_are_told_with_what_was_asked_and_what_there_is() -> None:
    with pytest.raises(DataTooSmall, match=r"\(P = 4, K = 5\).*there are 3 people.*9 pictures"):
        IdentityBatches(identities_of([3, 3, 3]), 4, 5)
    with pytest.raises(DataTooSmall, match="there are 0 people"):
        IdentityBatches(np.array([], np.int64), 2, 2)
    for people, each in ((1, 4), (4, 1)):
        with pytest.raises(InvalidSetting, match="2 or more"):
            IdentityBatches(identities_of([3, 3, 3]), people, each)
