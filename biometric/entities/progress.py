"""Progress reports of long jobs, which are generators of `Progress`, whose return value is the result."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Literal, TypeVar


@dataclass(frozen=True, slots=True)
class Progress:
    """Progress of a long job: `stage` (such as "Reading frame") `done` of `total`, 0 where there is no count.

    `people` counts who was found so far; `seconds_left` is None while it is unknown.

    Example:
        >>> print(biometric.Progress("Reading frame", 20, 80, people=1))
        Reading frame 20 of 80 · 1 person so far
    """

    stage: str
    done: int
    total: int
    people: int = 0
    seconds_left: float | None = None

    def __str__(self) -> str:
        text = f"{self.stage} {self.done} of {self.total}" if self.total else self.stage
        if self.people:
            text += f" · {self.people} {'person' if self.people == 1 else 'people'} so far"
        if self.seconds_left is not None:
            number, unit = rounded_duration(self.seconds_left)
            text += f" · about {number} {unit} left"
        return text


def rounded_duration(seconds: float) -> tuple[int, Literal["s", "min", "h"]]:
    """Return a duration in the unit that tells enough: seconds below one minute, minutes below 100, hours.

    Args:
        seconds: at least 0; below one second counts as one.
    """
    if round(seconds) < 60:
        return max(1, round(seconds)), "s"
    if round(seconds / 60) < 100:
        return max(1, round(seconds / 60)), "min"
    return round(seconds / 3600), "h"


Result = TypeVar("Result")


def finish(work: Generator[Progress, None, Result], report: Callable[[Progress], object] | None = None) -> Result:
    """Run a job to its end and return its result; it is closed whatever happens, so that its work stops.

    Args:
        report: called with each step.
    """
    try:
        while True:
            try:
                progress = next(work)
            except StopIteration as finished:
                result: Result = finished.value
                return result
            if report is not None:
                report(progress)
    finally:
        work.close()
