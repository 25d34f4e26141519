"""Jobs run to their end, and stop when whoever watches them fails."""

from collections.abc import Generator

import pytest

from biometric.entities import Progress
from biometric.entities.progress import finish


def count(to: int, ended: list[bool]) -> Generator[Progress, None, str]:
    try:
        for done in range(1, to + 1):
            yield Progress("Reading frame", done, to)
    finally:
        ended.append(True)
    return "done"


def test_a_job_gives_its_result_and_tells_each_step() -> None:
    told: list[int] = []
    assert finish(count(3, []), lambda progress: told.append(progress.done)) == "done"
    assert told == [1, 2, 3]
    assert finish(count(0, [])) == "done"


def test_a_job_is_closed_when_its_watcher_fails() -> None:
    ended: list[bool] = []

    def fail(progress: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        finish(count(3, ended), fail)
    assert ended == [True]
