"""The tables that judge starter weights: which frames count, what rows are computed from, and what is missing."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks import judged_detectors, judged_embedders, judging, starters
from biometric.entities import Frame
from biometric.entities.model_cards import Role
from tests.fakes import FakeDetector, FakeEmbedder

BOX = (10.0, 10.0, 50.0, 110.0)


def frames(*indices: int) -> list[Frame]:
    return [Frame(index, np.zeros((120, 160, 3), np.uint8), 0.0) for index in indices]


def test_frames_around_entering_and_leaving_do_not_count() -> None:
    occupied, empty = set(judging.OCCUPIED), set(judging.EMPTY)
    assert not occupied & empty
    assert {78, 175, 246, 432, 522, 681} <= occupied
    assert not {63, 77, 176, 190, 210, 500} & occupied
    assert {0, 47, 206, 215, 463, 491, 712, 739} <= empty
    assert not {48, 63, 205, 216, 462, 492, 711, 740} & empty


def test_a_clip_is_looked_at_once_and_weak_boxes_are_left_out() -> None:
    class Counting(FakeDetector):
        looked = 0

        def detect(self, frames):
            self.looked += len(frames)
            return super().detect(frames)

    detector = Counting({1: [(BOX, 0.9), (BOX, 0.05)], 2: [(BOX, 0.1)]})
    remembering = judging.Remembering(detector)
    first = remembering.detect(frames(0, 1, 2))
    assert [[each.confidence for each in found] for found in first] == [[], [0.9], [0.1]]
    assert remembering.detect(frames(1, 2, 3))[:2] == first[1:]
    assert detector.looked == 4


def test_shares_of_frames() -> None:
    everywhere, nowhere = set(range(judging.FRAMES)), set()
    assert judged_detectors.shares_of_frames(everywhere) == judged_detectors.Found(1.0, 0.0)
    assert judged_detectors.shares_of_frames(nowhere) == judged_detectors.Found(0.0, 1.0)
    half = set(judging.OCCUPIED[::2])
    assert judged_detectors.shares_of_frames(half).occupied == pytest.approx(0.5, abs=0.01)


def test_halves_of_tracks_are_compared_with_people_seen_at_the_same_time() -> None:
    def track(*greys: int) -> list[np.ndarray]:
        return [np.full((20, 10, 3), grey, np.uint8) for grey in greys]

    apart = ~np.eye(4, dtype=bool)
    street = judged_embedders.Street([track(0, 0, 0, 0), track(1, 1, 1, 1), track(2, 2, 3, 3), track(4, 4)], apart)
    found = judged_embedders.measure_errors(FakeEmbedder(lambda grey: grey), street)
    assert (found.genuine, found.impostor) == (3, 3)  # the last track is too short for halves
    assert found.fnmr.errors == 1  # the third one changed in the middle
    assert found.fmr == 1.0  # three pairs say nothing


def test_what_is_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starters, "SHARED", tmp_path)
    own = tmp_path / "mine.onnx"
    own.write_bytes(b"12345678")
    found, missing = starters.models(Role.EMBEDDER, [str(own), str(tmp_path / "nowhere.onnx")])
    assert ("`mine.onnx`", 8e-6) in [(model.title, model.megabytes) for model in found]
    assert any(line.startswith("omz-0286-fp32 is not measured") for line in missing)
    assert any("nowhere.onnx" in line for line in missing)


def test_tables_are_markdown() -> None:
    text = starters.table(("a", "b"), [["x", "1"]])
    assert text == "| a | b |\n| --- | ---: |\n| x | 1 |"
    row = judged_detectors.DetectorRow(None, None, *[judged_detectors.Found(0.5, 1.0)] * 3, 3, 4.0)
    assert len(starters.detector_cells(row)) + 2 == len(starters.DETECTOR_HEAD)
    errors = judged_embedders.Errors(3, 3, 3, 0.0, 1.0, 1.0, judged_embedders.intervals.rate(1, 3))
    cells = starters.embedder_cells(judged_embedders.EmbedderRow(8, 1.0, 0.9, 0.3, None, errors))
    assert len(cells) + 2 == len(starters.EMBEDDER_HEAD)
    assert cells[2:6] == ["0.900", "0.300", "0.600", "—"]
