"""ByteTrack on numpy gives the tracks of ultralytics', frame for frame."""

from pathlib import Path

import numpy as np
import pytest

from biometric.entities import Detection, Frame
from biometric.models.byte_tracking import ByteTracker
from biometric.models.detection_openvino import OpenVINODetector
from biometric.models.signal_stack import signal_stack_kept
from biometric.models.tracking import UltralyticsTracker
from biometric.models.ultralytics_setup import quiet_ultralytics
from biometric.ports import Tracker
from tests.fresh_interpreter import packages_loaded_by
from tests.models.test_detection_openvino import frames_of

NOTHING = np.zeros((4, 4, 3), np.uint8)


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path


def ultralytics_tracker(frame_rate: float, cache: Path) -> Tracker:
    quiet_ultralytics(cache)
    from ultralytics.trackers.byte_tracker import BYTETracker

    return UltralyticsTracker(BYTETracker, frame_rate)


def crowd(seed: int, frames: int = 120, people: int = 25) -> list[list[Detection]]:
    """People who cross, stop, hide, come and go, seen with noise, now and then twice or too weakly."""
    rng = np.random.default_rng(seed)
    places, speeds = rng.uniform(0, 1000, (people, 2)), rng.normal(0, 9, (people, 2))
    heights = rng.uniform(30, 300, people)
    clip = []
    for index in range(frames):
        places += speeds
        speeds += rng.normal(0, 2, speeds.shape)
        speeds[rng.random(people) < 0.05] *= -0.5
        rows = []
        for (x, y), height in zip(places, heights, strict=True):
            for _ in range(int(rng.choice([0, 1, 1, 1, 1, 1, 2]))):
                dx, dy, dw, dh = rng.normal(0, height / 25, 4)
                width, tall = max(2.0, height * 0.4 + dw), max(2.0, height + dh)
                box = tuple(float(edge) for edge in (x + dx, y + dy, x + dx + width, y + dy + tall))
                rows.append((box, float(np.clip(rng.normal(0.55, 0.25), 0.02, 0.99))))
        rows.sort(key=lambda row: -row[1])
        clip.append([Detection(index, box, confidence, n, index / 10) for n, (box, confidence) in enumerate(rows)])  # type: ignore[arg-type]
    return clip


def assert_same_tracks(clip: list[list[Detection]], frame_rate: float, cache: Path) -> int:
    mine, theirs = ByteTracker(frame_rate), ultralytics_tracker(frame_rate, cache)
    tracks = set()
    for index, detections in enumerate(clip):
        frame = Frame(index, NOTHING, index / frame_rate)
        found = mine.update(frame, detections)
        assert found == theirs.update(frame, detections), index
        assert mine.ended() == theirs.ended(), index
        tracks |= {track for track, _ in found}
    return len(tracks)


@pytest.mark.parametrize("frame_rate", [1.0, 10.0, 30.0])
@pytest.mark.parametrize("seed", range(4))
def test_a_crowd_is_followed_as_ultralytics_follows_it(seed: int, frame_rate: float, cache: Path) -> None:
    assert assert_same_tracks(crowd(seed), frame_rate, cache) > 25


def test_empty_frames_and_a_beginning_without_anybody(cache: Path) -> None:
    clip = crowd(7, frames=80)
    for index in (*range(5), *range(20, 24), *range(40, 60)):
        clip[index] = []
    assert assert_same_tracks(clip, 10.0, cache) > 25


@pytest.mark.real
@pytest.mark.parametrize("clip", ["street.mp4", "one-by-one.mp4"])
def test_real_people_are_followed_as_ultralytics_follows_them(clip: str, shared: Path, cache: Path) -> None:
    with signal_stack_kept():
        detector = OpenVINODetector(shared / "models" / "yolov8n_int8_openvino_model" / "yolov8n.xml", "int8")
        numbers = range(0, 150, 3) if clip == "street.mp4" else range(40, 240, 4)
        assert assert_same_tracks(detector.detect(frames_of(shared / "clips" / clip, numbers)), 10.0, cache) >= 1


def test_boxes_without_size_are_nobody() -> None:
    line = (10.0, 10.0, 10.0 + 1e-9, 50.0)  # of no width in the 32 bits in which tracks are matched
    flat = [Detection(0, line, 0.9, 0, 0.0), Detection(0, (10.0, 10.0, 30.0, 50.0), 0.8, 1, 0.0)]
    assert ByteTracker(10.0).update(Frame(0, NOTHING, 0.0), flat) == [(1, flat[1])]


def test_neither_torch_nor_scipy_is_imported() -> None:
    code = (
        "import numpy as np; from biometric.entities import Detection, Frame\n"
        "from biometric.models.byte_tracking import ByteTracker\n"
        "frame = Frame(0, np.zeros((4, 4, 3), np.uint8), 0.0)\n"
        "assert ByteTracker(10.0).update(frame, [Detection(0, (1.0, 1.0, 9.0, 20.0), 0.9, 0, 0.0)])"
    )
    assert packages_loaded_by(code, ("torch", "scipy", "ultralytics", "matplotlib", "lap")) == {"lap"}
