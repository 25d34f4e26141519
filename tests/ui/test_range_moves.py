"""Frames of times, and where the ends of a range go."""

import dataclasses

import numpy as np
import pytest

from biometric.entities.frame_times import FrameTimes
from biometric.errors import InvalidInput
from biometric.ui.range_moves import frame_at, moved, requested_frame
from biometric.ui.timeline import timeline
from tests.builders import video_info

TIMES = FrameTimes(np.array([0.0, 0.04, 1.0, 1.0334, 7.5]), 10.0, 5)
CLIP = dataclasses.replace(video_info(), frame_count=5, duration=10.0, times=TIMES)
"""Five frames of a variable frame rate."""


@pytest.mark.parametrize(
    ("seconds", "frame"),
    [(-1, 0), (0, 0), (0.0396, 1), (0.5, 1), (0.9999, 2), (1.02, 2), (1.034, 3), (7.49, 3), (7.5, 4), (99, 4)],
)
def test_a_time_is_the_frame_that_is_shown_then(seconds: float, frame: int) -> None:
    assert frame_at(CLIP, seconds) == frame


def test_each_frames_own_time_leads_back_to_it() -> None:
    assert [frame_at(CLIP, CLIP.time_of(frame)) for frame in range(5)] == [0, 1, 2, 3, 4]


def test_keys_move_by_frames_and_by_seconds() -> None:
    assert requested_frame(CLIP, "step", "first:2:0") == ("first", 2)
    assert requested_frame(CLIP, "step", "last:9:0") == ("last", 4)
    assert requested_frame(CLIP, "step", "last:-3:0") == ("last", 0)
    assert requested_frame(CLIP, "step", "first:1:1") == ("first", 3)  # 0.04 s and a second
    assert requested_frame(CLIP, "step", "first:4:-2") == ("first", 3)
    assert requested_frame(CLIP, "move", "last:7.6") == ("last", 4)


@pytest.mark.parametrize(
    ("action", "text"),
    [
        ("move", "middle:1"),
        ("move", "first"),
        ("move", "first:nan"),
        ("step", "first:1"),
        ("step", "first:1e400:0"),
        ("jump", "first:1"),
        ("here", "last:x"),
    ],
)
def test_what_the_page_does_not_send_is_refused(action: str, text: str) -> None:
    with pytest.raises(InvalidInput, match="could not be understood"):
        requested_frame(CLIP, action, text)


def test_a_handle_stops_at_the_other_one() -> None:
    assert moved(10, 20, "first", 5, top=99) == (5, 20)
    assert moved(10, 20, "first", 30, top=99) == (20, 20)
    assert moved(10, 20, "last", 5, top=99) == (10, 10)


def test_start_and_end_here_take_the_frame_and_let_the_other_end_go() -> None:
    assert moved(10, 20, "first", 30, top=99, push=True) == (30, 99)
    assert moved(10, 20, "last", 5, top=99, push=True) == (0, 5)
    assert moved(10, 20, "last", 50, top=99, push=True) == (10, 50)


def test_handles_say_frame_and_time_and_stand_at_the_ends_of_the_chosen_stretch() -> None:
    html = timeline(2, 3, CLIP)
    assert 'aria-valuetext="frame 2, 0:01.0"' in html
    assert 'aria-valuemax="4" aria-valuenow="3"' in html
    assert 'style="left:10.0%;width:65.0%"' in html  # from 1.0 s until frame 4 appears at 7.5 s
    assert 'data-handle="last" data-seconds="1.033" style="left:75.0%"' in html
    assert timeline(0, 0, dataclasses.replace(video_info(), frame_count=1, times=FrameTimes([0.0], 0.1, 1))) == ""
