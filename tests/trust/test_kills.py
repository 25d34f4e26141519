"""Promise 20: writers of a gallery that are killed at random moments lose nothing that they acknowledged."""

import pytest

from tests.trust.kills import attack


def test_promise_20_a_few_killed_writers_lose_nothing_acknowledged() -> None:
    acknowledged, tally, failures = attack(4, seed=1)
    assert failures == []
    assert (tally["right"], acknowledged > 0) == (4, True)


@pytest.mark.slow
def test_promise_20_two_hundred_killed_writers_lose_nothing_acknowledged() -> None:
    acknowledged, _, failures = attack(200, seed=2)
    assert failures == []
    assert acknowledged > 200
