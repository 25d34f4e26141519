"""From a clip to weights that the app uses: every step of `train`, small, by its command."""

import json
from pathlib import Path

import cv2
import pytest

from biometric.bootstrap import build
from biometric.cli import main
from biometric.entities import FrameRange
from biometric.entities.progress import finish
from biometric.settings import Settings
from biometric.training.crops.crop_sets import open_crops

SIZE = ["--height", "64", "--width", "32"]
NETWORK = ["--architecture", "osnet_x0_25"]

pytestmark = pytest.mark.real


def command(*words: object) -> None:
    assert main([str(word) for word in words]) == 0


@pytest.fixture(scope="module")
def runs(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All runs of the chain: crops in one LMDB file, MoCo, fine-tuning on the tracks, the exported files."""
    folder = tmp_path_factory.mktemp("runs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIGHTLINE_MODELS", str(shared / "models"))
        patch.setenv("SIGHTLINE_OFFLINE", "1")
        clip = shared / "clips" / "street.mp4"
        command("train", "crops", clip, "--every", 8, "--store", "lmdb", "--run", folder / "crops")
        moco = ["--epochs", 2, "--batch", 32, "--queue", 128, "--groups", 1, "--rate", 0.01, "--probe-every", 1]
        command("train", "pretrain", folder / "crops", "--run", folder / "moco", *NETWORK, *SIZE, *moco)
        by_track(folder / "crops", folder / "people")
        fine = ["--hold-back", 0.25, "--people", 4, "--each", 4, "--epochs", 3, "--warmup", 0.5, "--rate", 0.001]
        fine += ["--from", folder / "moco", "--evaluate-every", 3]
        command("train", "finetune", "tree", folder / "people", "--run", folder / "fine", *NETWORK, *SIZE, *fine)
        command("train", "export", "--run", folder / "fine", "--id", "ours", "--licence", "for tests")
    return folder


def by_track(crops: Path, folder: Path) -> None:
    """Lay a set out as one folder a track (one person), in it the first and the second half of their crops."""
    found = open_crops(crops)
    tracks: dict[int, list[int]] = {}
    for index in range(len(found)):
        if (track := found.track(index)) is not None:
            tracks.setdefault(track, []).append(index)
    for track, numbers in tracks.items():
        for place, index in enumerate(numbers):
            visit = folder / f"{track:04d}" / ("first" if 2 * place < len(numbers) else "second")
            visit.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(visit / found.name(index)), found.load(index))


def test_each_step_leaves_its_records(runs: Path) -> None:
    assert list((runs / "crops").glob("*.lmdb"))
    for name in ("moco", "fine"):
        rows = json.loads((runs / name / "metrics.json").read_text())
        assert [row["epoch"] for row in rows] == list(range(1, len(rows) + 1))
        assert (runs / name / "metrics.csv").read_text().startswith("epoch,")
        assert (runs / name / "curves.png").read_bytes().startswith(b"\x89PNG")
        assert "Must not be used" in (runs / name / "card.md").read_text()
        config = json.loads((runs / name / "config.json").read_text())
        assert config["versions"]["torch"]
        assert config["settings"]["seed"] == 0


def test_the_exported_files_are_evaluated_and_serve_the_app(
    runs: Path, shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    weights = {path.suffix: path for path in (runs / "fine" / "export").iterdir()}
    monkeypatch.setenv("SIGHTLINE_MODELS", str(shared / "models"))
    monkeypatch.setenv("SIGHTLINE_OFFLINE", "1")
    capsys.readouterr()
    command("evaluate", "tree", runs / "people", "--model", weights[".safetensors"], "--json")
    measured = json.loads(capsys.readouterr().out)
    assert measured

    answers = {}
    for suffix in (".safetensors", ".onnx"):
        folder = tmp_path / suffix[1:]
        settings = Settings.from_environment(
            None,
            gallery=folder / "gallery",
            query=folder / "query",
            library=folder / "library",
            temp=folder / "temp",
            embedder=str(weights[suffix]),
            device="cpu",
        )
        service = build(settings)
        clip = shared / "clips" / "one-by-one.mp4"
        try:
            seen = finish(service.observe(clip, FrameRange.inclusive(70, 120)))
            answers[suffix] = seen.usable[0].template.vector
        finally:
            service.close()
    assert float(answers[".safetensors"] @ answers[".onnx"]) > 0.999
