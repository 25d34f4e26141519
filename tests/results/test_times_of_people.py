"""From the presentation times of a clip to the seconds of its people: whatever the times are, they are the frames'.

A real clip is decoded and a real one written; the detector and the embedder are fakes.
"""

import csv
import io
import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from biometric.adapters import Adapters
from biometric.clips.crops import JpegCropStore
from biometric.clips.video import PyAVReader
from biometric.clips.video_limits import VideoLimits
from biometric.clips.video_writing import H264Writer
from biometric.entities import FrameRange
from biometric.entities.progress import finish
from biometric.footage_store.footage_library import SQLiteFootageLibrary
from biometric.gallery.repository import SQLiteGallery
from biometric.results.annotation import Bar, PillowAnnotator
from biometric.results.answer_files import OutputWriter
from biometric.service import Sightline
from biometric.settings import Settings
from tests import made_clips as clips
from tests.fakes import ColumnTracker, FakeDetector, FakeEmbedder, FakeModels

SIZE = (384, 256)
BOXES = ((110.0, 20.0, 190.0, 240.0), (210.0, 20.0, 290.0, 240.0))
MILLISECOND = 1e-3


class RecordingAnnotator(PillowAnnotator):
    """Remembers what the timeline was given."""

    def timeline(self, bars, start: float, stop: float, destination: Path) -> None:
        self.bars: list[Bar] = list(bars)
        self.start, self.stop = start, stop
        super().timeline(bars, start, stop, destination)


def presentation_times(seed: int) -> list[int]:
    """Milliseconds of 40 frames: bursts, pauses, single gaps of up to an hour, and a rate that drifts."""
    rng = np.random.default_rng(seed)
    usual = int(rng.integers(5, 400))
    gaps = rng.integers(max(1, usual // 2), 2 * usual, 39)
    rare = rng.random(39) < 0.15
    gaps[rare] = rng.integers(1, 10 ** int(rng.integers(2, 8)) // 3 + 2, rare.sum())
    return [0, *np.cumsum(gaps).tolist()]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
@pytest.mark.parametrize("seed", range(4))
def test_property_seconds_of_people_are_those_of_their_frames(tmp_path: Path, suffix: str, seed: int) -> None:
    when = presentation_times(seed)
    seconds = [time / 1000 for time in when]
    clip = clips.write_clip(tmp_path / f"clip{suffix}", len(when), size=SIZE, times=when)
    rng = np.random.default_rng(seed + 100)
    first, last = sorted(int(index) for index in rng.choice(len(when), 2, replace=False))
    last = min(len(when) - 1, max(last, first + 8))
    first = max(0, last - 20) if last - first < 8 else first
    present = [set(range(first, last + 1)), set(range(int(rng.integers(first, last - 3)), last))]
    script = {
        index: [(box, 0.9) for box, frames in zip(BOXES, present, strict=True) if index in frames]
        for index in range(len(when))
    }
    reader, annotator = PyAVReader(VideoLimits(max_seconds=1e9)), RecordingAnnotator()
    writer = H264Writer(reader)
    adapters = Adapters(
        reader,
        writer,
        JpegCropStore(),
        FakeModels(FakeDetector(script), FakeEmbedder()),
        lambda rate: ColumnTracker(rate, patience=1000),
        lambda image: 100.0,
        OutputWriter(reader, writer, annotator),
        SQLiteGallery,
        lambda: SQLiteFootageLibrary(tmp_path / "library", 7, 10**9),
    )
    settings = Settings(gallery=tmp_path / "gallery", query=tmp_path / "query", analysis_fps=0)
    service = Sightline(settings, adapters, tmp_path / "work")
    try:
        observed = finish(service.observe(clip, FrameRange.inclusive(first, last)))
        service.enroll(observed, "Ada", 1)
        people = service.identify(observed)
        outputs = finish(service.write_outputs(observed, people))
    finally:
        service.close()

    assert [list(person.observation.tracklet.detections.frames) for person in people] == [
        sorted(frames) for frames in present
    ]
    expected = [(seconds[min(frames)], seconds[max(frames)]) for frames in present]
    rows = list(csv.DictReader(io.StringIO(outputs.csv.read_text("utf-8"))))
    answer = json.loads(outputs.json.read_text("utf-8"))["people"]
    for start_stop, row, person, bar in zip(expected, rows, answer, annotator.bars, strict=True):
        assert (float(row["from_seconds"]), float(row["to_seconds"])) == pytest.approx(start_stop, abs=MILLISECOND)
        assert (person["from_seconds"], person["to_seconds"]) == pytest.approx(start_stop, abs=MILLISECOND)
        assert bar.stretches[0][0] == pytest.approx(start_stop[0], abs=MILLISECOND)
        assert bar.stretches[-1][1] >= start_stop[1] - MILLISECOND
    assert annotator.start == pytest.approx(seconds[first], abs=MILLISECOND)

    written = [frame.seconds for frame in reader.read(outputs.clip, FrameRange(0, last - first + 1))]
    assert written == pytest.approx([time - seconds[first] for time in seconds[first : last + 1]], abs=MILLISECOND)
    assert all(earlier < later for earlier, later in pairwise(written))
