"""How long a job still takes, from what it reports."""

import pytest

from biometric.entities import Progress
from biometric.ui.job_pace import Pace


class Work:
    """A stage of 1,000 frames whose clock a test moves."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pace = Pace(lambda: self.now)

    def go(self, until: int, first: int = 0, step: int = 8, rate: float = 10.0) -> None:
        for done in range(first + step, until + 1, step):
            self.now += step / rate
            self.pace.note(Progress("Reading frame", done, 1000))


def test_nothing_is_said_before_it_can_be_known() -> None:
    work = Work()
    assert work.pace.latest is None
    assert work.pace.seconds_left() is None
    work.pace.note(Progress("Loading models", 0, 0))
    assert work.pace.seconds_left() is None
    work.pace.note(Progress("Reading frame", 1, 1000))
    work.now += 0.1
    work.pace.note(Progress("Reading frame", 2, 1000))
    assert work.pace.seconds_left() is None


def test_a_steady_pace_is_met_and_counts_down_between_reports() -> None:
    work = Work()
    work.go(400)
    assert work.pace.seconds_left() == pytest.approx(60.0, abs=0.5)
    work.now += 5
    assert work.pace.seconds_left() == pytest.approx(55.0, abs=0.5)
    work.now += 500
    assert work.pace.seconds_left() == 1.0


def test_a_pause_of_the_machine_does_not_spoil_the_estimate() -> None:
    work = Work()
    work.go(240)
    work.now += 20  # the whole machine slept
    work.go(480, first=240)
    assert work.pace.seconds_left() == pytest.approx(52.0, rel=0.25)


def test_regular_pauses_count() -> None:
    work = Work()
    for first in range(0, 400, 80):
        work.go(first + 80, first)
        work.now += 8.0  # embedding doubles what reading takes
    assert work.pace.seconds_left() == pytest.approx(600 / 5, rel=0.25)


def test_another_stage_begins_anew_and_the_end_never_reads_as_zero() -> None:
    work = Work()
    work.go(1000)
    assert work.pace.seconds_left() == 1.0
    work.pace.note(Progress("Describing person", 0, 3))
    assert work.pace.seconds_left() is None


def test_what_the_work_itself_says_serves_where_there_is_no_count() -> None:
    work = Work()
    work.pace.note(Progress("Calibrating", 0, 0, seconds_left=12.0))
    assert work.pace.seconds_left() == 12.0
