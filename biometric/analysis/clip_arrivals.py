"""Which clips of a watched folder have been written to their end."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from biometric.storage.footage_folders import ENDINGS, is_plain_file

Stamp = tuple[int, int]
"""Size in bytes, and when it changed, in nanoseconds."""


@dataclass(slots=True)
class _Candidate:
    stamp: Stamp
    since: float
    asked: bool = False  # whether it was taken before, with this stamp


@dataclass(frozen=True, slots=True)
class ArrivalRules:
    """When a clip counts as written.

    Attributes:
        rest: seconds for which neither its size nor its time of change may differ.
        patience: seconds after which it is taken although it does not look whole: then it is damaged, and a job that
            fails says how.
    """

    rest: float = 3.0
    patience: float = 120.0


class ClipArrivals:
    """Looks at files until they are at rest and whole. No clock is compared with the times of files.

    Args:
        looks_whole: whether a file looks as if it were written to its end.
        was_whole: whether a file of this size and time of change was taken before; asked once of each.
        clock: tells seconds that only rise.
    """

    def __init__(
        self,
        looks_whole: Callable[[Path], bool],
        was_whole: Callable[[Path, Stamp], bool],
        rules: ArrivalRules,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._looks_whole, self._was_whole, self._rules, self._clock = looks_whole, was_whole, rules, clock
        self._candidates: dict[Path, _Candidate] = {}
        self._taken: dict[Path, Stamp] = {}

    @property
    def waiting(self) -> int:
        """How many files are looked at."""
        return len(self._candidates)

    def note(self, paths: Iterable[Path], folder: Path) -> None:
        """Look at these files from now on; what is hidden, or no clip by its ending, is left out."""
        now = self._clock()
        for path in paths:
            if path in self._candidates or path.suffix.lower() not in ENDINGS or _is_hidden(path, folder):
                continue
            stamp = _stamp(path)
            if stamp is not None and self._taken.get(path) != stamp:
                self._candidates[path] = _Candidate(stamp, now)

    def ready(self) -> list[Path]:
        """Return the files that are at rest now and look whole; each is returned once, until it changes."""
        now, found = self._clock(), []
        for path, candidate in list(self._candidates.items()):
            stamp = _stamp(path)
            if stamp is None:  # moved or deleted
                del self._candidates[path]
                continue
            if stamp != candidate.stamp:
                candidate.stamp, candidate.since, candidate.asked = stamp, now, False
                continue
            rested = now - candidate.since
            if self._is_known(path, candidate) or (rested >= self._rules.rest and self._is_done(path, rested)):
                del self._candidates[path]
                self._taken[path] = stamp
                found.append(path)
        return sorted(found)

    def take_back(self, paths: Iterable[Path]) -> None:
        """Return these files once more."""
        for path in paths:
            stamp = self._taken.pop(path, None)
            if stamp is not None:
                self._candidates[path] = _Candidate(stamp, self._clock())

    def forget_gone(self) -> list[Path]:
        """Forget files that are not there any more; return those that had been taken."""
        gone = [path for path in self._taken if _stamp(path) is None]
        for path in gone:
            del self._taken[path]
        return gone

    def _is_known(self, path: Path, candidate: _Candidate) -> bool:
        if candidate.asked:
            return False
        known = self._was_whole(path, candidate.stamp)
        candidate.asked = True
        return known

    def _is_done(self, path: Path, rested: float) -> bool:
        return rested >= self._rules.patience or self._looks_whole(path)


def _is_hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def _stamp(path: Path) -> Stamp | None:
    try:
        status = path.lstat()
    except OSError:
        return None
    return (status.st_size, status.st_mtime_ns) if is_plain_file(path) else None
