"""Counting frames is given up early where it cannot be finished, and only there."""

import itertools
import math
from pathlib import Path

import pytest

from biometric.clips import decoding
from biometric.clips.containers import recognise_container
from biometric.clips.counting_time import cannot_finish
from biometric.clips.decoding import Pass
from biometric.clips.video_limits import VideoLimits
from tests import made_clips as clips


@pytest.mark.parametrize(
    ("spent", "allowed", "decoded", "claimed", "gives_up"),
    [
        (2.0, 15.0, 80.0, 3600.0, True),  # 90 s in all
        (1.9, 15.0, 80.0, 3600.0, False),  # too early to tell
        (2.0, 15.0, 80.0, 1100.0, False),  # 28 s, perhaps 15 when others have finished
        (2.0, 15.0, 80.0, 0.0, False),  # the file does not say how long it is
        (2.0, math.inf, 80.0, 3600.0, False),
        (5.0, 15.0, 0.0, 3600.0, False),
    ],
)
def test_a_clip_far_too_long_is_given_up(
    spent: float, allowed: float, decoded: float, claimed: float, gives_up: bool
) -> None:
    assert cannot_finish(spent, allowed, decoded, claimed) is gives_up


def test_the_rest_of_a_clip_that_takes_too_long_is_counted_by_its_packets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = clips.write_clip(tmp_path / "a.mp4", 200)
    passes = []
    for seconds_a_packet in (0.0, 0.1):
        ticks = itertools.count()
        monkeypatch.setattr(decoding.time, "monotonic", lambda ticks=ticks, each=seconds_a_packet: each * next(ticks))
        with Pass(clip, recognise_container(clip), VideoLimits()) as counted:
            counted.run(8.0)
            passes.append((counted.cut, counted.frames < 40, counted.estimate, counted.times().end))
    assert passes[0][:3] == (False, False, 200)
    assert passes[1] == (True, True, *passes[0][2:])
