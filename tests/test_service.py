"""The service: ranges, repeats, thresholds, what it leaves behind, and what importing it loads."""

import subprocess
import sys
from pathlib import Path

import pytest

from biometric.annotation import PillowAnnotator
from biometric.entities import FrameRange, ThresholdSource
from biometric.errors import ClipNotFound, DamagedClip, InvalidFrameRange, InvalidThreshold
from biometric.gallery.repository import SQLiteGallery
from biometric.outputs import OutputWriter
from biometric.service import Adapters, Sightline
from biometric.settings import Settings
from tests.fakes import (
    ColumnTracker,
    FakeCrops,
    FakeDetector,
    FakeEmbedder,
    FakeModels,
    FakeReader,
    FakeWriter,
    video_info,
)

BOX = (100.0, 100.0, 200.0, 350.0)


class Made:
    """A service over fakes, with the fakes at hand."""

    def __init__(self, folder: Path, reader: FakeReader | None = None, **settings: object) -> None:
        self.reader = reader or FakeReader()
        self.embedder = FakeEmbedder()
        script = {frame: [(BOX, 0.9)] for frame in range(1000)}
        self.models = FakeModels(FakeDetector(script), self.embedder)
        self.clip = folder / "clip.mp4"
        self.clip.write_bytes(b"clip")
        self.workspace = folder / "work"
        values = {"gallery": folder / "gallery", "query": folder / "query", **settings}
        adapters = Adapters(
            self.reader,
            FakeWriter(),
            FakeCrops(),
            self.models,
            ColumnTracker,
            lambda image: 1.0,
            OutputWriter(self.reader, FakeWriter(), PillowAnnotator()),
            SQLiteGallery,
        )
        self.service = Sightline(Settings(**values), adapters, self.workspace)  # type: ignore[arg-type]

    def observe(self, first: int = 0, last: int = 99, **options):
        work = self.service.observe(self.clip, FrameRange.inclusive(first, last), **options)
        while True:
            try:
                next(work)
            except StopIteration as finished:
                return finished.value


@pytest.fixture
def made(tmp_path: Path):
    made = Made(tmp_path)
    yield made
    made.service.close()


def test_importing_the_service_loads_no_vendor_library() -> None:
    code = (
        "import sys, biometric.service, biometric.settings;"
        "heavy = {'gradio', 'torch', 'cv2', 'faiss', 'ultralytics', 'openvino', 'av', 'PIL'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parent.parent)


def test_building_the_app_loads_no_model_library(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from biometric.bootstrap import build;"
        "from biometric.settings import Settings;"
        f"build(Settings(temp=Path({str(tmp_path)!r})));"
        "heavy = {'gradio', 'torch', 'faiss', 'ultralytics', 'openvino'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parent.parent)


def test_observing_again_runs_no_model_and_reads_no_frame(made: Made) -> None:
    first = made.observe()
    reads, batches = made.reader.reads, len(made.embedder.batches)
    again = made.observe(label="holiday.mp4")
    assert (made.reader.reads, len(made.embedder.batches)) == (reads, batches)
    assert again.observations == first.observations
    assert again.label == "holiday.mp4"
    made.observe(0, 50)
    assert made.reader.reads == reads + 1


def test_deciding_again_with_another_threshold_runs_no_model(made: Made) -> None:
    observed = made.observe()
    made.service.enroll(observed, "Ada")
    batches = len(made.embedder.batches)
    for value in (0.0, 0.5, 1.0):
        made.service.identify(observed, threshold=value)
        made.service.verify(observed, "Ada", threshold=value)
    assert (made.reader.reads, len(made.embedder.batches)) == (1, batches)


def test_the_analysis_rate_sets_the_step(tmp_path: Path) -> None:
    for fps, rate, step in ((30.0, 10.0, 3), (29.97, 10.0, 3), (10.0, 10.0, 1), (5.0, 10.0, 1), (60.0, 0.0, 1)):
        folder = tmp_path / f"{fps}-{rate}"
        folder.mkdir()
        made = Made(folder, FakeReader(video_info(fps=fps)), analysis_fps=rate)
        assert made.observe(10, 39).frames.step == step
        assert made.reader.indices == list(range(10, 40, step))
        made.service.close()


def test_ranges_outside_the_clip_are_refused_with_its_length(made: Made) -> None:
    with pytest.raises(InvalidFrameRange, match=r"100 frames \(0–99\)"):
        made.observe(50, 100)
    with pytest.raises(InvalidFrameRange, match="From frame 60 comes after To frame 50"):
        made.observe(60, 50)
    with pytest.raises(InvalidFrameRange, match="0 or more"):
        made.observe(-1, 50)


def test_a_missing_clip_is_said_to_be_missing(made: Made) -> None:
    made.clip.unlink()
    with pytest.raises(ClipNotFound):
        made.observe()


def test_promise_12_a_damaged_clip_is_read_as_far_as_it_goes_only_when_accepted(tmp_path: Path) -> None:
    info = video_info(frame_count=78, claimed_frames=200, damage="78 of 200 frames can be read.")
    made = Made(tmp_path, FakeReader(info))
    with pytest.raises(DamagedClip, match="78 of 200"):
        made.observe(0, 199)
    accepted = made.observe(0, 199, accept_damaged=True)
    assert accepted.frames.stop == 78
    assert "78 of 200 frames can be read." in accepted.warnings
    assert made.observe(0, 50).warnings == ("78 of 200 frames can be read.",)
    made.service.close()


def test_thresholds_say_where_they_come_from(made: Made) -> None:
    assert made.service.threshold("verification").source is ThresholdSource.MODEL_CARD
    assert made.service.threshold("verification", 0.5).source is ThresholdSource.MODEL_CARD
    chosen = made.service.threshold("identification", 0.0)
    assert (chosen.value, chosen.source) == (0.0, ThresholdSource.USER)
    for value in (1.01, -1.01, float("nan"), float("inf")):
        with pytest.raises(InvalidThreshold):
            made.service.threshold("verification", value)


def test_promise_6_an_abandoned_observation_leaves_nothing(made: Made) -> None:
    work = made.service.observe(made.clip)
    for _ in range(4):
        next(work)
    work.close()
    assert list(made.workspace.iterdir()) == []
    assert made.reader.closed == 1


def test_observing_leaves_nothing_in_gallery_or_query(made: Made, tmp_path: Path) -> None:
    made.observe()
    assert not (tmp_path / "gallery").exists()
    assert not (tmp_path / "query").exists()


def test_crops_of_old_observations_are_removed(made: Made) -> None:
    for first in range(30):
        made.observe(first, 60)
    assert len(list(made.workspace.iterdir())) == 24
    made.service.close()
    assert not made.workspace.exists()


def test_outputs_of_an_identification(made: Made, tmp_path: Path) -> None:
    observed = made.observe()
    made.service.enroll(observed, "Ada")
    work = made.service.write_outputs(observed, made.service.identify(observed))
    steps = []
    while True:
        try:
            steps.append(next(work))
        except StopIteration as finished:
            outputs = finished.value
            break
    assert (steps[-1].done, steps[-1].total) == (100, 100)
    folder = tmp_path / "query" / "clip-abababab"
    assert {path.parent for path in (outputs.clip, outputs.csv, outputs.json, outputs.timeline)} == {folder}
    assert outputs.clip.read_bytes() == b"100 frames"
    crops = sorted(path.name for path in folder.glob("*_*.jpg"))
    assert crops == [sample.detection.crop_name for sample in observed.observations[0].kept]
    assert not list(folder.glob(".*"))
