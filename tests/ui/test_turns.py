"""Who has a turn when, and how long somebody who waits still waits."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from biometric.ui.turns import Place, Ticket, Turns


class Line:
    """Turns whose clock a test moves, and whose members wait for nothing."""

    def __init__(self, seats: int = 1) -> None:
        self.now = 0.0
        self.turns = Turns(seats, lambda: self.now)
        self.stack = ExitStack()

    def join(self, size: int = 0, left: float | None = None) -> Ticket:
        """Take a place; a seat where one is free."""
        ticket = Ticket(size, lambda: left)
        waits: list[Place] = []
        self.stack.enter_context(self.turns.turn(lambda: bool(waits), waits.append, ticket))
        return ticket

    def had(self, size: int, seconds: float) -> None:
        """Note a finished turn."""
        ticket = Ticket(size)
        with Turns.turn(self.turns, ticket=ticket):
            self.now += seconds
            self.turns.note_finished(ticket)


@pytest.fixture
def line() -> Iterator[Line]:
    line = Line()
    with line.stack:
        yield line


def test_a_place_tells_how_long_those_ahead_still_take(line: Line) -> None:
    line.had(100, 50.0)
    line.join(300, left=40.0)
    first, second = line.join(200), line.join(200)
    assert line.turns.place(first) == Place(1, 40.0)
    assert line.turns.place(second) == Place(2, 40.0 + 100.0)


def test_who_works_has_no_place(line: Line) -> None:
    assert line.turns.place(line.join()) is None


def test_nothing_is_told_before_anything_is_known(line: Line) -> None:
    line.join()
    assert line.turns.place(line.join()) == Place(1, None)
    line.now += 30
    known = Line()
    with known.stack:
        known.join(left=12.0)
        waiting = known.join()
        assert known.turns.place(waiting) == Place(1, 12.0)
        assert known.turns.place(known.join()) == Place(2, None)


def test_a_turn_that_reports_nothing_is_expected_to_take_what_others_took(line: Line) -> None:
    for seconds in (10.0, 20.0, 900.0):
        line.had(0, seconds)
    line.join()
    waiting = line.join()
    assert line.turns.place(waiting) == Place(1, 20.0)
    line.now += 15
    assert line.turns.place(waiting) == Place(1, 5.0)
    line.now += 60
    assert line.turns.place(waiting) == Place(1, 1.0)


def test_the_first_free_seat_counts_where_there_are_several() -> None:
    line = Line(2)
    with line.stack:
        line.had(10, 10.0)
        line.join(left=30.0)
        line.join(left=5.0)
        first, second = line.join(20), line.join(20)
        assert line.turns.place(first) == Place(1, 5.0)
        assert line.turns.place(second) == Place(2, 25.0)


def test_a_place_is_told_anew_when_its_time_reads_differently() -> None:
    turns = Turns()
    left = iter([100.0, 99.0, 30.0])
    told: list[Place] = []
    with turns.turn(ticket=Ticket(seconds_left=lambda: next(left, 30.0))):
        stop = iter([False, False, False, True])
        with turns.turn(lambda: next(stop), told.append) as granted:
            assert not granted
    assert told == [Place(1, 100.0), Place(1, 30.0)]
