"""Bars of people over a clip."""

import dataclasses
import re
from pathlib import Path

import numpy as np

from biometric.entities import Decision, FrameRange, Identification, Notice, NoticeCode, Threshold, ThresholdSource
from biometric.entities.frame_times import FrameTimes
from biometric.ui.presence import bar, presence, span
from tests.builders import axis, observed_clip, person, video_info

LIMIT = Threshold(0.5, ThresholdSource.MODEL_CARD, (), None)
REASON = Notice(NoticeCode.NOBODY_REACHES_THRESHOLD)


def unknown(folder: Path, first: int, number: int = 1) -> Identification:
    someone = person(number, folder, axis(1), first)
    return Identification(someone, Decision.UNKNOWN, None, 0.1, LIMIT, None, (), REASON)


def test_bars_cover_the_whole_clip_whatever_the_range(tmp_path: Path) -> None:
    observed = observed_clip(tmp_path, person(1, tmp_path, axis(1), 50))
    observed = dataclasses.replace(observed, frames=FrameRange(50, 100))
    html = presence([unknown(tmp_path, 50)], observed)
    length = observed.video.times.end
    assert f'data-seek="{5.0:.3f}"' in html
    shown = re.search(r'class="sl-bar[^>]*style="left:([\d.]+)%;width:([\d.]+)%"', html)
    assert shown is not None
    assert float(shown[1]) == round(100 * 5.0 / length, 3)
    assert "Person 1, unknown" in html


def test_a_variable_frame_rate_places_bars_by_the_frames_own_times(tmp_path: Path) -> None:
    times = FrameTimes(np.array([0.0, 0.1, 0.2, 5.0, 9.0]), 10.0, 5)
    info = dataclasses.replace(video_info(), frame_count=5, duration=10.0, times=times)
    (piece,) = bar(unknown(tmp_path, 0), info).pieces  # frames 0 to 3, until frame 4 appears
    assert (piece.where.left, piece.where.width) == (0.0, 90.0)


def test_a_stretch_stays_within_the_clip() -> None:
    info = video_info()
    assert (span(info, -1.0, 1e9).left, span(info, -1.0, 1e9).width) == (0.0, 100.0)
    late = span(info, 1e9, 2e9)
    assert (late.left, late.width) == (100.0, 0.0)


def test_nothing_is_drawn_of_nobody_and_of_a_photograph(tmp_path: Path) -> None:
    observed = observed_clip(tmp_path, person(1, tmp_path, axis(1)))
    assert presence([], observed) == ""
    photograph = dataclasses.replace(observed, video=dataclasses.replace(observed.video, photograph=True))
    assert presence([unknown(tmp_path, 0)], photograph) == ""
