"""How far a job is and how long it still takes, from what it reports."""

import dataclasses
import statistics
import time
from collections.abc import Callable
from contextvars import ContextVar
from itertools import combinations

from biometric.entities import Progress

SPACING = 0.25
"""Least seconds between two reports that count."""
REPORTS = 40
"""Most reports that count."""
LOOKING_BACK = 30.0
"""Seconds of reports that count at least; of a stage that takes longer, its second half."""
LEAST = 1.0
"""Seconds that a stage takes before its end is estimated."""


class Pace:
    """Estimates the end of a stage from the reports on it.

    The rate is the median of the slopes between all pairs of recent reports, so that neither a pause of the whole
    machine nor a burst after slow beginnings spoils it.

    Args:
        clock: seconds that only rise.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._stage: tuple[str, int] | None = None
        self._since = 0.0
        self._reports: list[tuple[float, int]] = []
        self._latest: Progress | None = None

    @property
    def latest(self) -> Progress | None:
        """The latest report, with the time that is left now."""
        if self._latest is None:
            return None
        return dataclasses.replace(self._latest, seconds_left=self.seconds_left())

    def note(self, progress: Progress) -> None:
        """Take a report; one of another stage begins anew."""
        now = self._clock()
        stage = (progress.stage, progress.total)
        if stage != self._stage:
            self._stage, self._since, self._reports = stage, now, []
        self._latest = progress
        reports = self._reports
        if not reports or now - reports[-1][0] >= SPACING:
            reports.append((now, progress.done))
            oldest = now - max(LOOKING_BACK, (now - self._since) / 2)
            kept = [report for report in reports if report[0] >= oldest]
            self._reports = kept if len(kept) <= REPORTS else kept[::2]

    def seconds_left(self) -> float | None:
        """Return how long the stage still takes, at least one second; None while that is unknown."""
        progress, reports = self._latest, self._reports
        if progress is None:
            return None
        rate = self._rate()
        if not progress.total or rate is None:
            return progress.seconds_left
        left = (progress.total - progress.done) / rate - (self._clock() - reports[-1][0])
        return max(1.0, left)

    def _rate(self) -> float | None:
        reports = self._reports
        if len(reports) < 3 or reports[-1][0] - self._since < LEAST:
            return None
        slopes = [(b[1] - a[1]) / (b[0] - a[0]) for a, b in combinations(reports, 2)]
        rate = statistics.median(slopes)
        return rate if rate > 0 else None


_CURRENT: ContextVar[Pace | None] = ContextVar("pace of the job whose thread this is", default=None)


def use(pace: Pace) -> None:
    """Let what this thread reports from now on count for a pace."""
    _CURRENT.set(pace)


def report(progress: Progress) -> Progress:
    """Count a report for the job whose thread this is; return it with the time that is left."""
    pace = _CURRENT.get()
    if pace is None:
        return progress
    pace.note(progress)
    latest = pace.latest
    return progress if latest is None else latest
