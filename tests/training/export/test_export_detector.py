"""Exports of detectors: only the network is in the file, and it finds what the checkpoint finds."""

import io
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from biometric.entities import Detection
from biometric.entities.model_cards import Format, Role
from biometric.errors import InvalidSetting, OutputsDiffer, RunConflict
from biometric.models.ultralytics_setup import quiet_ultralytics
from biometric.settings import Settings
from biometric.training.export import export_detector
from biometric.training.export.agreement import compare_boxes
from biometric.training.export.export_results import ExportRequest, ExportResult
from biometric.training.export.exporting import export
from biometric.training.export.trained_runs import BEST, read_run
from tests.training.made_runs import CARD

quiet_ultralytics(Settings().cache)
SECRET = "/home/somebody/secret"
WANTED = ExportRequest("eye", "Eye", "AGPL-3.0")


def run(folder: Path, content: bytes | None = None) -> Path:
    """A detector's run as ultralytics leaves it in the middle: with optimizer, history and names of folders."""
    from ultralytics.nn.tasks import DetectionModel

    from biometric.training.runs import RunFolder

    torch.manual_seed(0)
    network = DetectionModel("yolo26n.yaml", nc=1, verbose=False)
    network.names = {0: "person"}
    network.args = {"data": f"{SECRET}/data.yaml", "imgsz": 64}
    checkpoint = {
        "epoch": 3,
        "ema": network.half(),
        "model": None,
        "optimizer": {"state": torch.zeros(1_000_000)},
        "train_args": {"task": "detect", "imgsz": 64, "data": f"{SECRET}/data.yaml", "project": SECRET},
        "train_results": {"epoch": [1, 2, 3]},
        "git": {"root": SECRET},
        "version": "8.4.190",
    }
    pictures = folder / "data" / "images" / "val"
    pictures.mkdir(parents=True)
    draw = np.random.default_rng(3)
    for number in range(3):
        cv2.imwrite(str(pictures / f"{number}.png"), draw.integers(0, 256, (48 + 16 * number, 64, 3), dtype=np.uint8))
    settings = {"architecture": "yolo26n", "data": str(folder / "data")}
    with RunFolder(folder / "run", "detector", settings) as exported_run:
        path = exported_run.folder / BEST
        path.parent.mkdir(parents=True)
        torch.save(checkpoint, path)
        if content is not None:
            path.write_bytes(content)
        exported_run.finish({"ap50": 0.5}, CARD)
    return folder / "run"


@pytest.fixture(scope="module")
def exported_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, ExportResult]:
    """The run, where it was exported to, and what was made."""
    folder = tmp_path_factory.mktemp("detector")
    trained = run(folder)
    return trained, folder / "out", export(read_run(trained), WANTED, folder / "out")


def test_only_the_network_is_in_the_file(exported_run: tuple[Path, Path, ExportResult]) -> None:
    trained, out, exported = exported_run
    content = (out / "eye.pt").read_bytes()
    assert SECRET.encode() in zipfile.ZipFile(trained / BEST).read("best/data.pkl")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert not any(b"secret" in archive.read(name) for name in archive.namelist())
        assert not any("eye" in name for name in archive.namelist())
    assert len(content) < (trained / BEST).stat().st_size - 3_900_000
    assert len(content) < 6_000_000
    assert exported.card.format is Format.ULTRALYTICS
    assert exported.card.role is Role.DETECTOR
    assert {path.name for path in out.iterdir()} == {
        "eye.pt", "eye.xml", "eye.bin", "eye.yaml", "eye.md", "manifest-entry.toml",
    }  # fmt: skip


def test_it_finds_what_the_checkpoint_finds(exported_run: tuple[Path, Path, ExportResult]) -> None:
    agreements = exported_run[2].agreements
    assert exported_run[2].pictures == "3 pictures of the run's data"
    assert [agreement.what for agreement in agreements] == [
        "eye.pt by torch",
        "eye.pt as the application runs it (CPU · OpenVINO)",
    ]
    assert all(agreement.boxes == 30 for agreement in agreements)
    assert agreements[0].overlap > 0.999
    assert "lowest overlap" in (exported_run[1] / "eye.md").read_text()


def test_the_same_run_gives_the_same_bytes(exported_run: tuple[Path, Path, ExportResult]) -> None:
    network, settings = export_detector.read_detector_checkpoint(exported_run[0] / BEST)
    assert export_detector.checkpoint_bytes(network.half(), settings) == exported_run[2].files["eye.pt"]


def test_a_file_that_finds_something_else_is_not_written(
    exported_run: tuple[Path, Path, ExportResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = export_detector.detect_by_torch

    def moved(path: Path, pictures: list[np.ndarray]) -> list[list[Detection]]:
        found = right(path, pictures)
        return found if path.name == "trained.pt" else [detections[:1] for detections in found]

    monkeypatch.setattr(export_detector, "detect_by_torch", moved)
    monkeypatch.setattr(export_detector, "build_graph_detector", _Nothing)
    with pytest.raises(OutputsDiffer, match=r"eye\.pt by torch: 30 boxes"):
        export(read_run(exported_run[0]), WANTED, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


class _Nothing:
    device = "none"

    def __init__(self, *more: object, **options: object) -> None:
        pass

    def detect(self, frames: list[object]) -> list[list[Detection]]:
        return [[] for _ in frames]


def test_boxes_are_compared_by_place_and_confidence() -> None:
    one = Detection(0, (0.0, 0.0, 10.0, 10.0), 0.9)
    near, sure = Detection(0, (0.0, 0.0, 10.0, 9.5), 0.9), Detection(0, (0.0, 0.0, 10.0, 10.0), 0.8)
    far = Detection(0, (20.0, 0.0, 30.0, 10.0), 0.9)
    agreed = compare_boxes([[one], []], [[far, near], [far]], "x")
    assert (agreed.boxes, agreed.overlap, agreed.confidence) == (1, 0.95, 0.0)
    assert compare_boxes([[]], [[]], "x").boxes == 0
    for other in ([far], [sure], []):
        with pytest.raises(OutputsDiffer):
            compare_boxes([[one]], [other], "x")


def test_one_box_of_twenty_may_be_told_by_another_place() -> None:
    def row(heights: list[float]) -> list[list[Detection]]:
        return [[Detection(0, (0.0, 0.0, 10.0, height), 0.9)] for height in heights]

    trained = row([10.0] * 20)
    agreed = compare_boxes(trained, row([10.0] * 19 + [7.0]), "x")
    assert (agreed.overlap, agreed.usual) == (0.7, 1.0)
    assert "lowest overlap 0.7000 (1.0000 without the worst twentieth)" in str(agreed)
    for heights in ([10.0] * 18 + [7.0] * 2, [10.0] * 19 + [4.0]):
        with pytest.raises(OutputsDiffer):
            compare_boxes(trained, row(heights), "x")


def test_what_only_embedders_have_is_refused(exported_run: tuple[Path, Path, ExportResult], tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match="neither --format nor thresholds"):
        export(read_run(exported_run[0]), ExportRequest("eye", "Eye", "x", formats=(Format.ONNX,)), tmp_path)


def test_a_damaged_checkpoint_is_told(tmp_path: Path) -> None:
    with pytest.raises(RunConflict, match=r"best\.pt cannot be used"):
        export(read_run(run(tmp_path, b"no checkpoint")), WANTED, tmp_path / "out")


def test_a_pickle_with_code_is_not_run(tmp_path: Path) -> None:
    trap = tmp_path / "sprung"

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            return Path.touch, (trap,)

    stream = io.BytesIO()
    torch.save({"model": Trap(), "train_args": {}}, stream)
    with pytest.raises(RunConflict, match=r"best\.pt cannot be used"):
        export(read_run(run(tmp_path, stream.getvalue())), WANTED, tmp_path / "out")
    assert not trap.exists()
