"""Whose turn it is to work, and when about somebody who waits has theirs."""

import heapq
import statistics
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from biometric.entities.progress import rounded_duration
from biometric.errors import TooManyJobs

JOBS = 20
"""Most jobs that may wait for the models; further ones are refused."""
LOOK_EVERY = 0.5
"""Seconds between two looks of a waiting job at whether it is still wanted."""
REMEMBERED = 20
"""Turns whose length is remembered, to estimate later ones."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the line: `number` from 1 among those that wait, `seconds` until one's turn where that is known."""

    number: int
    seconds: float | None = None

    @property
    def words(self) -> tuple[object, ...]:
        """What is told of it, to see whether it must be told anew."""
        return self.number, None if self.seconds is None else rounded_duration(self.seconds)


def _unknown() -> float | None:
    return None


@dataclass(slots=True, eq=False)
class Ticket:
    """Somebody who waits or works.

    Attributes:
        size: how much there is to do, in frames; 0 where that is unknown.
        seconds_left: tells how long the work still takes, while it is done.
        since: when the turn began, None before.
    """

    size: int = 0
    seconds_left: Callable[[], float | None] = _unknown
    since: float | None = None


class Turns:
    """Whose turn it is to work: so many at a time, first come, first served.

    Args:
        seats: how many may work at a time.
        clock: seconds that only rise.
    """

    def __init__(self, seats: int = 1, clock: Callable[[], float] = time.monotonic) -> None:
        self._seats = seats
        self._clock = clock
        self._line: list[Ticket] = []
        self._lengths: deque[tuple[int, float]] = deque(maxlen=REMEMBERED)
        self._moved = threading.Condition()

    @contextmanager
    def turn(
        self,
        unwanted: Callable[[], bool] = lambda: False,
        waiting: Callable[[Place], object] = lambda place: None,
        ticket: Ticket | None = None,
    ) -> Iterator[bool]:
        """Wait for one's turn and hold it; yields False, without one, once it is not wanted any more.

        Args:
            unwanted: whether to give up; asked twice a second.
            waiting: told one's place in the line whenever it or the time until the turn changes.
            ticket: who waits; others estimate from it how long they wait.

        Raises:
            TooManyJobs: too many wait already.
        """
        ticket = Ticket() if ticket is None else ticket
        with self._moved:
            if len(self._line) >= self._seats + JOBS:
                raise TooManyJobs("Too many jobs are waiting. Try again in a few minutes.")
            self._line.append(ticket)
        try:
            yield self._wait(ticket, unwanted, waiting)
        finally:
            with self._moved:
                self._line.remove(ticket)
                self._moved.notify_all()

    def note_finished(self, ticket: Ticket) -> None:
        """Remember how long a turn took that did what it was taken for; call while it is held."""
        if ticket.since is not None:
            with self._moved:
                self._lengths.append((ticket.size, self._clock() - ticket.since))

    def place(self, ticket: Ticket) -> Place | None:
        """Return the place of somebody who waits, None of others."""
        with self._moved:
            return self._place(ticket)

    def expected_seconds(self, size: int) -> float | None:
        """Return how long a turn of that many frames takes, by those before; None where there were none."""
        lengths = list(self._lengths)
        paces = [seconds / frames for frames, seconds in lengths if frames]
        if size and paces:
            return size * statistics.median(paces)
        return statistics.median(seconds for _, seconds in lengths) if lengths else None

    def _wait(self, ticket: Ticket, unwanted: Callable[[], bool], waiting: Callable[[Place], object]) -> bool:
        told: object = None
        while not unwanted():
            with self._moved:
                place = self._place(ticket)
                if place is None:
                    ticket.since = self._clock()
                    return True
                if place.words == told:
                    self._moved.wait(LOOK_EVERY)
                    continue
            told = place.words
            waiting(place)
        return False

    def _place(self, ticket: Ticket) -> Place | None:
        if ticket not in self._line or self._line.index(ticket) < self._seats:
            return None
        ahead = self._line[: self._line.index(ticket)]
        return Place(len(ahead) - self._seats + 1, self._seconds_until_free([self._seconds_of(one) for one in ahead]))

    def _seconds_of(self, ticket: Ticket) -> float | None:
        """Return how long somebody still works, or will work when it is their turn."""
        left = ticket.seconds_left() if ticket.since is not None else None
        if left is not None:
            return left
        expected = self.expected_seconds(ticket.size)
        if expected is None or ticket.since is None:
            return expected
        return max(1.0, expected - (self._clock() - ticket.since))

    def _seconds_until_free(self, ahead: list[float | None]) -> float | None:
        """Return when a seat is free for the one behind these, the first of whom have the seats."""
        known = [seconds for seconds in ahead if seconds is not None]
        if len(known) < len(ahead):
            return None
        seats = known[: self._seats]
        heapq.heapify(seats)
        for seconds in known[self._seats :]:
            heapq.heappush(seats, heapq.heappop(seats) + seconds)
        return seats[0]
