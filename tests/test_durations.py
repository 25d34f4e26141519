"""Times left and places in line, in words."""

import pytest

from biometric.entities import Progress
from biometric.messages.durations import (
    describe_place,
    describe_progress,
    describe_time_left,
    short_time_left,
)


@pytest.mark.parametrize(
    ("seconds", "words", "short"),
    [
        (0.0, "about 1 s left", "0:01 left"),
        (3.2, "about 3 s left", "0:03 left"),
        (59.4, "about 59 s left", "0:59 left"),
        (59.6, "about 1 min left", "1 min left"),
        (89.0, "about 1 min left", "1 min left"),
        (1140.0, "about 19 min left", "19 min left"),
        (99 * 60.0, "about 99 min left", "99 min left"),
        (5 * 3600.0, "about 5 h left", "5 h left"),
    ],
)
def test_times_left(seconds: float, words: str, short: str) -> None:
    assert describe_time_left(seconds) == words
    assert short_time_left(seconds) == short
    assert str(Progress("Reading frame", 1, 2, seconds_left=seconds)).endswith(words)


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (1, "next in line"),
        (2, "2nd in line"),
        (3, "3rd in line"),
        (4, "4th in line"),
        (11, "11th in line"),
        (22, "22nd in line"),
    ],
)
def test_places(number: int, words: str) -> None:
    assert describe_place(number) == words
    assert describe_place(number, 170.0) == f"{words}, about 3 min"


def test_progress_reads_as_a_line() -> None:
    line = describe_progress(Progress("Reading frame", 120, 3140, 5, 3.2))
    assert line == "Reading frame 120 of 3,140 · 5 people so far · about 3 s left"
    assert describe_progress(Progress("Loading models", 0, 0)) == "Loading models"
    assert describe_progress(Progress("Reading frame", 1, 2, 1)) == "Reading frame 1 of 2 · 1 person so far"
