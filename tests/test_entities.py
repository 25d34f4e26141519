"""The value types check themselves."""

import math
from pathlib import Path

import numpy as np
import pytest

from biometric.entities import (
    Detection,
    FrameRange,
    Observation,
    ObservedClip,
    Progress,
    Sample,
    Template,
    Threshold,
    ThresholdSource,
    Tracklet,
    VideoInfo,
)
from biometric.entities.decisions import ScoreBand
from biometric.errors import InvalidFrameRange, InvalidThreshold

UNIT = np.array([0.6, 0.8], np.float32)
INFO = VideoInfo(640, 480, 25.0, 100, "decoded", 4.0, 0, "h264", "mov", "d")


def detection(frame: int, size: float = 10.0, confidence: float = 0.9) -> Detection:
    return Detection(frame, (0.0, 0.0, size, 2 * size), confidence)


# Frames and clips


def test_a_frame_range_is_half_open_inside_and_inclusive_in_words() -> None:
    frames = FrameRange.inclusive(63, 130)
    assert (frames.start, frames.stop, frames.first, frames.last, len(frames)) == (63, 131, 63, 130, 68)
    assert str(frames) == "frames 63–130"
    assert [frame in frames for frame in (62, 63, 130, 131)] == [False, True, True, False]
    assert "63" not in frames
    assert len(FrameRange.inclusive(0, 0)) == 1


@pytest.mark.parametrize(
    ("first", "last", "step", "message"),
    [(-1, 5, 1, "0 or more"), (9, 3, 1, "From frame 9 comes after To frame 3"), (0, 5, 0, "step")],
)
def test_a_bad_frame_range_is_refused(first: int, last: int, step: int, message: str) -> None:
    with pytest.raises(InvalidFrameRange, match=message):
        FrameRange.inclusive(first, last, step)


@pytest.mark.parametrize(("place", "value"), [(0, 0), (1, -1), (2, 0.0), (2, math.nan), (2, math.inf), (3, 0), (6, 45)])
def test_bad_video_info_is_refused(place: int, value: float) -> None:
    fields: list[object] = [640, 480, 25.0, 100, "decoded", 4.0, 0, "h264", "mov", "d"]
    fields[place] = value
    with pytest.raises(ValueError, match="expected"):
        VideoInfo(*fields)  # type: ignore[arg-type]


def test_seconds_of_a_frame() -> None:
    assert INFO.time_of(50) == 2.0
    assert INFO.time_of(100) == INFO.time_of(1000) == INFO.duration == 4.0
    assert not INFO.time_is_exact(0), "spread evenly, for want of anything better"


# Detections, tracklets, samples


def test_a_detection_knows_its_size_and_the_name_of_its_crop() -> None:
    found = Detection(63, (10.0, 20.0, 40.0, 100.0), 0.5, box_index=2)
    assert (found.width, found.height, found.area, found.crop_name) == (30.0, 80.0, 2400.0, "00000063_02.jpg")


@pytest.mark.parametrize("box", [(5.0, 0.0, 5.0, 9.0), (0.0, 9.0, 5.0, 1.0), (0.0, 0.0, math.nan, 5.0)])
def test_a_box_without_area_is_refused(box: tuple[float, float, float, float]) -> None:
    with pytest.raises(ValueError, match="expected a box"):
        Detection(0, box, 0.5)


@pytest.mark.parametrize("confidence", [-0.1, 1.1, math.nan])
def test_a_confidence_outside_its_range_is_refused(confidence: float) -> None:
    with pytest.raises(ValueError, match="expected a confidence"):
        detection(0, confidence=confidence)


def test_a_tracklet_rises_and_is_never_empty() -> None:
    tracklet = Tracklet(1, (detection(3), detection(7)))
    assert (tracklet.first_frame, tracklet.last_frame) == (3, 7)
    for detections in ((), (detection(3), detection(3)), (detection(5), detection(3))):
        with pytest.raises(ValueError, match="expected"):
            Tracklet(1, detections)


def test_a_sample_is_kept_only_with_an_embedding_and_without_a_refusal() -> None:
    assert Sample(detection(0), 0.5, embedding=UNIT).kept
    assert not Sample(detection(0), 0.5).kept
    assert not Sample(detection(0), 0.5, refusal="too small", embedding=UNIT).kept


# Templates and thresholds


def test_a_template_is_a_read_only_unit_vector_of_its_own() -> None:
    source = UNIT.copy()
    template = Template(source, "model", 2)
    source[0] = 5.0
    assert template.vector.tolist() == UNIT.tolist()
    assert template.vector.dtype == np.float32
    with pytest.raises(ValueError, match="read-only"):
        template.vector[0] = 1.0


@pytest.mark.parametrize("vector", [np.zeros(2), [np.nan, 1.0], [np.inf, 0.0], [2.0, 0.0], [], [[1.0, 0.0]], 1.0])
def test_promise_19_a_template_that_is_no_unit_vector_is_refused(vector: object) -> None:
    with pytest.raises(ValueError, match="expected a template"):
        Template(np.array(vector, np.float32), "model", 1)


def test_a_template_of_no_samples_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one sample"):
        Template(UNIT, "model", 0)


def test_a_threshold_of_zero_is_a_threshold() -> None:
    assert Threshold(0.0, ThresholdSource.USER).value == 0.0
    for value in (-1.01, 1.01, math.nan, math.inf):
        with pytest.raises(InvalidThreshold, match="from -1 to 1"):
            Threshold(value, ThresholdSource.USER)


# Observations


def observation(person: int, qualities: list[float], size: float = 10.0, usable: bool = True) -> Observation:
    samples = tuple(
        Sample(detection(frame, size), quality, crop=Path(f"{frame}.jpg"), embedding=UNIT if usable else None)
        for frame, quality in enumerate(qualities)
    )
    tracklet = Tracklet(person, tuple(sample.detection for sample in samples) or (detection(0, size),))
    return Observation(person, tracklet, samples, Template(UNIT, "m", 1) if usable else None)


def test_an_observation_tells_kept_from_refused_and_shows_its_best() -> None:
    seen = observation(1, [0.2, 0.9, 0.5])
    assert (len(seen.kept), len(seen.refused)) == (3, 0)
    assert seen.best is seen.samples[1]
    assert seen.prominence == 3 * 200.0
    hidden = observation(2, [0.3, 0.1], usable=False)
    assert (len(hidden.kept), len(hidden.refused)) == (0, 2)
    assert hidden.best is hidden.samples[0]
    assert observation(3, []).best is None


def test_the_most_prominent_usable_person() -> None:
    people = (observation(1, [0.5]), observation(2, [0.5], size=20.0), observation(3, [0.5], size=90.0, usable=False))
    clip = ObservedClip(Path("c"), "c", INFO, FrameRange(0, 9), people, "m", Path("q"), 9)
    assert [each.person for each in clip.usable] == [1, 2]
    assert clip.most_prominent is people[1]
    nobody = ObservedClip(Path("c"), "c", INFO, FrameRange(0, 9), (), "m", Path("q"), 9)
    assert nobody.most_prominent is None


def test_progress_reads_as_a_line() -> None:
    assert (
        str(Progress("Reading frame", 120, 314, 5, 3.2))
        == "Reading frame 120 of 314 · 5 people so far · about 3 s left"
    )
    assert str(Progress("Reading frame", 1, 2, 1, 0.0)) == "Reading frame 1 of 2 · 1 person so far · about 1 s left"
    assert str(Progress("Reading frame", 0, 2)) == "Reading frame 0 of 2"


@pytest.mark.parametrize(
    ("score", "band"),
    [
        (None, ScoreBand.NO_MATCH),
        (math.nan, ScoreBand.NO_MATCH),
        (-1.0, ScoreBand.NO_MATCH),
        (0.449, ScoreBand.NO_MATCH),
        (0.45, ScoreBand.UNSURE),
        (0.499, ScoreBand.UNSURE),
        (0.5, ScoreBand.MATCH),
        (1.0, ScoreBand.MATCH),
    ],
)
def test_a_score_lies_in_one_of_three_bands(score: float | None, band: ScoreBand) -> None:
    assert Threshold(0.5, ThresholdSource.USER).band(score) is band


def test_a_calibration_says_how_wide_the_unsure_band_is() -> None:
    assert Threshold(0.5, ThresholdSource.CALIBRATION, interval_low=0.41).unsure_from == 0.41
    for useless in (0.5, 0.7):  # no interval below the threshold
        assert Threshold(0.5, ThresholdSource.CALIBRATION, interval_low=useless).unsure_from == pytest.approx(0.45)
    assert Threshold(-0.99, ThresholdSource.USER).unsure_from == -1.0
    with pytest.raises(ValueError, match="end of the interval"):
        Threshold(0.5, ThresholdSource.USER, interval_low=math.nan)
