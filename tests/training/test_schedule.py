"""How long a run lasts, by epochs or by time, and where in it the learning rate is."""

import pytest

from biometric.errors import InvalidSetting
from biometric.training import schedule
from biometric.training.schedule import TrainingClock, TrainingPlan


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def hand(monkeypatch: pytest.MonkeyPatch) -> Hand:
    made = Hand()
    monkeypatch.setattr(schedule, "time", made)
    return made


def test_without_a_limit_epochs_decide(hand: Hand) -> None:
    clock = TrainingClock(TrainingPlan(10, 0.1), [])
    clock.on_first_step()
    hand.seconds += 1e6
    assert clock.position(2.5) == 2.5
    assert not clock.is_over()
    assert clock.seconds_left == float("inf")


def test_with_a_limit_the_place_follows_the_time(hand: Hand) -> None:
    clock = TrainingClock(TrainingPlan(20, 0.1, minutes=1), [])
    assert clock.position(0.0) == 0.0
    hand.seconds += 20  # what the first step waited for
    clock.on_first_step()
    assert clock.position(0.1) == 0.1
    hand.seconds += 20
    clock.on_first_step()  # again after each step, of no account
    assert clock.position(0.2) == 10.0
    assert clock.position(15.0) == 15.0  # epochs are further on
    assert clock.seconds_left == pytest.approx(20)
    hand.seconds += 20
    assert clock.position(0.3) == 20.0
    assert clock.is_over()


def test_a_resumed_run_counts_the_time_that_it_took_before(hand: Hand) -> None:
    rows = [{"epoch": 1, "seconds": 25.0}, {"epoch": 2, "seconds": 15.0}]
    clock = TrainingClock(TrainingPlan(20, 0.1, minutes=1), rows)
    clock.on_first_step()
    assert clock.position(2.0) == pytest.approx(20 * 2 / 3)
    hand.seconds += 20
    assert clock.is_over()


def test_time_that_is_up_before_the_first_step_ends_the_plan(hand: Hand) -> None:
    clock = TrainingClock(TrainingPlan(20, 0.1, minutes=1), [])
    hand.seconds += 90
    clock.on_first_step()
    assert clock.position(0.0) == 20.0
    assert clock.is_over()


@pytest.mark.parametrize("minutes", [-1.0, float("nan"), float("inf")])
def test_a_limit_is_a_number_of_minutes(minutes: float) -> None:
    with pytest.raises(InvalidSetting, match="--minutes must be 0"):
        TrainingPlan(10, 0.1, minutes=minutes)
