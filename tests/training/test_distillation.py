"""Distillation on drawn people: the student comes to agree with its teacher, exactly alike after a restart."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from biometric.cli import main
from biometric.entities import Image
from biometric.entities.model_cards import IMAGENET, InputFormat
from biometric.entities.progress import finish
from biometric.errors import DataTooSmall, InvalidSetting, RunConflict
from biometric.training import distillation, distillation_targets
from biometric.training.crops.crop_sets import JoinedCrops
from biometric.training.loop import fit_network
from biometric.training.networks import build_network, read_weights
from biometric.training.runs import RunFolder
from biometric.training.schedule import TrainingPlan

FORM = InputFormat(32, 16, "RGB", IMAGENET.scale, IMAGENET.mean, IMAGENET.std)
STUDENT = "osnet_x0_25_gdc"


class DrawnCrops:
    """Crops of two colours, drawn from their number: a crop store without files."""

    def __init__(self, count: int, first: int = 0) -> None:
        self._count, self._first = count, first

    def __len__(self) -> int:
        return self._count

    def name(self, index: int) -> str:
        return f"{index:08d}_00.jpg"

    def video(self, index: int) -> str:
        return f"video-{index // 2}"

    def track(self, index: int) -> int | None:
        return None

    def load(self, index: int) -> Image:
        draw = np.random.default_rng(self._first + index)
        crop = np.empty((60, 30, 3), np.uint8)
        crop[:30], crop[30:] = draw.integers(0, 256, 3), draw.integers(0, 256, 3)
        return crop


class ColourTeacher:
    """An embedder whose 256 numbers are a fixed map of the colours above and below."""

    model_id, dimension, device = "colours", 256, "CPU"

    def __init__(self) -> None:
        self.crops = 0
        self._map = np.random.default_rng(5).normal(size=(6, 256)).astype(np.float32)

    def embed(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        self.crops += len(crops)
        colours = [[*crop[: len(crop) // 2].mean((0, 1)), *crop[len(crop) // 2 :].mean((0, 1))] for crop in crops]
        vectors = (np.array(colours, np.float32) / 255 - 0.5) @ self._map
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def config(**changes: object) -> distillation_targets.DistillationConfig:
    return distillation_targets.DistillationConfig(**{"form": FORM, "views": 2, "batch": 16, "average": 0.8, **changes})  # type: ignore[arg-type]


def student() -> torch.nn.Module:
    torch.manual_seed(1)
    return build_network(STUDENT)


class Small(torch.nn.Module):
    """A network that learns the colours of halves within a second."""

    feature_dim = 256

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.first, self.norm = torch.nn.Conv2d(3, 32, 3, padding=1), torch.nn.BatchNorm2d(32)
        self.last = torch.nn.Linear(64, 256)

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        data = torch.relu(self.norm(self.first(batch)))
        return self.last(torch.nn.functional.adaptive_avg_pool2d(data, (2, 1)).flatten(1))


def task(
    run: RunFolder,
    plan: distillation_targets.DistillationConfig,
    count: int = 64,
    network: torch.nn.Module | None = None,
) -> distillation.Distillation:
    crops, held, teacher = DrawnCrops(count), DrawnCrops(16, 1000), ColourTeacher()
    targets = finish(distillation_targets.embed_teacher(crops, teacher, plan, run, "teacher", plan.views))
    judged = finish(distillation_targets.embed_teacher(held, teacher, plan, run, "held-back", 1))[:, 0]
    fixed = distillation_targets.FixedTargets(crops, targets, plan)
    return distillation.Distillation(network or student(), count, fixed, (held, judged), plan)


def test_the_student_comes_to_agree_with_its_teacher(tmp_path: Path) -> None:
    with RunFolder(tmp_path, "distill", {}) as run:
        made = task(run, config(), network=Small())
        before = made.evaluate(0)
        finish(fit_network(made, run, TrainingPlan(epochs=30, rate=1e-2)))
        after = made.evaluate(29)
    assert after["cosine"] > max(0.5, before["cosine"] + 0.3)
    assert after["scores"] > before["scores"]
    assert run.rows[-1]["loss"] < run.rows[0]["loss"]
    cosines = made.cosines(made.embed_held_back())
    interval = made.interval(cosines)
    assert cosines.shape == (16,)
    assert interval.low < cosines.mean() < interval.high


def test_a_killed_run_gives_the_same_weights_as_an_unbroken_one(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "unbroken", "distill", {}) as run:
        finish(fit_network(task(run, config()), run, TrainingPlan(epochs=3, rate=1e-3)))

    with RunFolder(tmp_path / "killed", "distill", {}) as run:
        work = fit_network(task(run, config()), run, TrainingPlan(epochs=3, rate=1e-3))
        for progress in work:
            if progress.stage.startswith("Epoch 2") and progress.done == 2:
                break
        work.close()
    with RunFolder(tmp_path / "killed", "distill", {}, resume=True) as run:
        finish(fit_network(task(run, config(workers=1)), run, TrainingPlan(epochs=3, rate=1e-3)))

    unbroken, killed = (read_weights(tmp_path / name / "checkpoint.pt") for name in ("unbroken", "killed"))
    assert unbroken.keys() == killed.keys()
    assert all(torch.equal(unbroken[name], killed[name]) for name in unbroken)


def test_the_teacher_embeds_each_view_once_also_after_a_restart(tmp_path: Path) -> None:
    teacher, crops = ColourTeacher(), DrawnCrops(10)
    with RunFolder(tmp_path, "distill", {}) as run:
        first = finish(distillation_targets.embed_teacher(crops, teacher, config(), run, "teacher", 3))
        again = finish(distillation_targets.embed_teacher(crops, teacher, config(), run, "teacher", 3))
        assert teacher.crops == 30
        np.testing.assert_array_equal(first, again)
        finish(distillation_targets.embed_teacher(crops, teacher, config(), run, "teacher", 2))
        assert teacher.crops == 50


def test_a_run_keeps_its_teacher_and_its_crops(tmp_path: Path) -> None:
    with RunFolder(tmp_path, "distill", {}) as run:
        finish(fit_network(task(run, config(), count=16, network=Small()), run, TrainingPlan(epochs=1, rate=1e-3)))
        other = ColourTeacher()
        other.model_id = "another"
        for crops, teacher in ((DrawnCrops(16), other), (DrawnCrops(17), ColourTeacher())):
            with pytest.raises(RunConflict, match=r"another teacher than (another|colours), or with other crops"):
                finish(distillation_targets.embed_teacher(crops, teacher, config(), run, "teacher", 2))
            assert teacher.crops == 0


def test_a_run_that_cannot_begin_leaves_no_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import cv2

    (tmp_path / "crops").mkdir()
    cv2.imwrite(str(tmp_path / "crops" / "0.jpg"), DrawnCrops(1).load(0))
    words = ["train", "distill", str(tmp_path / "crops"), "--run", str(tmp_path / "run"), "--held-back"]
    (tmp_path / "held-back").mkdir()
    cv2.imwrite(str(tmp_path / "held-back" / "0.jpg"), DrawnCrops(1, 9).load(0))
    for wrong, said in (
        ((str(tmp_path / "absent"),), "absent"),
        ((str(tmp_path / "crops"),), "is also among the training crops"),
        ((str(tmp_path / "held-back"), "--from", "absent.safetensors"), "absent.safetensors"),
        ((str(tmp_path / "held-back"), "--height", "0"), "--height and --width must be 1 or more"),
        ((str(tmp_path / "held-back"), "--minutes", "-1"), "--minutes must be 0"),
        ((str(tmp_path / "held-back"),), "1 crops do not fill one batch of 64"),
        ((str(tmp_path / "held-back"), "--crops-on", "device"), "--crops-on device needs --live"),
    ):
        assert main([*words, *wrong]) == 2
        assert said in capsys.readouterr().err
        assert not (tmp_path / "run").exists()


def test_the_seed_decides_where_a_student_begins() -> None:
    from argparse import Namespace

    from biometric.cli.train.training_options import initialize_network

    def weights(seed: int) -> torch.Tensor:
        made = initialize_network(Namespace(begin="scratch", resume=False, seed=seed), STUDENT)
        return torch.cat([value.flatten() for value in made.parameters()])

    assert torch.equal(weights(1), weights(1))
    assert not torch.equal(weights(1), weights(2))


def test_views_are_fixed_and_the_first_is_the_crop_itself() -> None:
    crop = DrawnCrops(1).load(0)
    assert np.array_equal(
        distillation_targets.make_view(crop, config(), 0, 0), distillation_targets.resize(crop, 256, 128)
    )
    one, other = (distillation_targets.make_view(crop, config(), 0, number) for number in (1, 2))
    assert np.array_equal(one, distillation_targets.make_view(crop, config(), 0, 1))
    assert not np.array_equal(one, other)
    assert one.shape == (256, 128, 3)
    assert one.dtype == np.uint8


def test_what_cannot_work_is_told(tmp_path: Path) -> None:
    with RunFolder(tmp_path, "distill", {}) as run:
        with pytest.raises(DataTooSmall, match="10 crops do not fill one batch of 16"):
            task(run, config(), count=10)
        targets = np.zeros((32, 2, 512), np.float32)
        fixed = distillation_targets.FixedTargets(DrawnCrops(32), targets, config())
        with pytest.raises(InvalidSetting, match="gives 256 numbers a crop, the teacher 512"):
            distillation.Distillation(student(), 32, fixed, (DrawnCrops(2), targets[:2, 0]), config())
    for wrong in ({"views": 0}, {"passes": 0}, {"mix": 1.1}, {"batch": 1}):
        with pytest.raises(InvalidSetting, match="1 or more views and passes"):
            config(**wrong)


def test_joined_sets_are_one() -> None:
    joined = JoinedCrops([DrawnCrops(3), DrawnCrops(0), DrawnCrops(2, 50)])
    assert len(joined) == 5
    assert [joined.video(index) for index in range(5)] == [
        "0/video-0",
        "0/video-0",
        "0/video-1",
        "2/video-0",
        "2/video-0",
    ]
    assert np.array_equal(joined.load(4), DrawnCrops(2, 50).load(1))
    assert np.array_equal(joined.load(2), DrawnCrops(3).load(2))


@pytest.mark.real
def test_the_command_from_crops_to_a_card(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import cv2

    monkeypatch.setenv("SIGHTLINE_MODELS", str(shared / "models"))
    monkeypatch.setenv("SIGHTLINE_OFFLINE", "1")
    for name, count in (("crops", 24), ("held-back", 4)):
        (tmp_path / name).mkdir()
        for index in range(count):
            cv2.imwrite(str(tmp_path / name / f"{index}.jpg"), DrawnCrops(count).load(index))
    words = ["train", "distill", str(tmp_path / "crops"), "--held-back", str(tmp_path / "held-back")]
    words += ["--run", str(tmp_path / "run"), "--teacher", "omz-0286", "--student", STUDENT, "--licence", "our own"]
    words += ["--height", "32", "--width", "16", "--epochs", "1", "--batch", "8", "--views", "1"]
    assert main(words) == 0
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert result["teacher"] == "omz-0286"
    assert -1 <= result["cosine"] <= 1
    assert result["cosine_interval"] is None  # one folder is one source
    card = (tmp_path / "run" / "card.md").read_text()
    assert "our own" in card
    assert "mean cosine to the teacher on 4 held-back crops" in card
    assert (tmp_path / "run" / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert main(words) == 2  # a run is there
    assert main([*words, "--resume"]) == 0
