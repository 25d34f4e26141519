"""DistillationTargets of a living teacher: it sees what the student sees, each prepared in its own way."""

from pathlib import Path

import numpy as np
import pytest
import torch

from biometric.cli import main
from biometric.entities.model_cards import IMAGENET, InputFormat
from biometric.entities.progress import finish
from biometric.models.embedding import prepare_crops, resize
from biometric.training import augmentation, distillation, distillation_targets
from biometric.training.loop import fit_network
from biometric.training.networks import read_weights
from biometric.training.runs import RunFolder
from biometric.training.schedule import TrainingPlan
from tests.training.test_distillation import DrawnCrops, Small

OWN = InputFormat(32, 16, "RGB", IMAGENET.scale, IMAGENET.mean, IMAGENET.std)
TEACHERS = InputFormat(64, 32, "BGR", 1.0, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
CPU = torch.device("cpu")


class Watching(torch.nn.Module):
    """A teacher that keeps what it was shown; answers the colours of both halves, mapped to 256 numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[torch.Tensor] = []
        self.register_buffer("map", torch.from_numpy(np.random.default_rng(5).normal(size=(6, 256)).astype(np.float32)))

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        self.seen.append(batch)
        halves = torch.nn.functional.adaptive_avg_pool2d(batch / 255 - 0.5, (2, 1))
        return (halves.flatten(1) @ self.map)[:, :, None, None]  # as some networks do


def config(**changes: object) -> distillation_targets.DistillationConfig:
    return distillation_targets.DistillationConfig(**{"form": OWN, "batch": 16, "average": 0.8, "mix": 0.0, **changes})  # type: ignore[arg-type]


def live(
    plan: distillation_targets.DistillationConfig, form: InputFormat = TEACHERS, count: int = 32
) -> tuple[distillation_targets.OnlineTargets, Watching]:
    teacher = Watching()
    return distillation_targets.OnlineTargets(DrawnCrops(count), teacher, form, 256, plan), teacher


def batch_of(made: distillation_targets.OnlineTargets, count: int = 8) -> list[torch.Tensor]:
    samples = [made.sample(index, np.random.default_rng(index)) for index in range(count)]
    return [torch.stack(parts) for parts in zip(*samples, strict=True)]


def test_student_and_teacher_see_the_same_picture_each_in_its_own_form() -> None:
    made, teacher = live(config(strength=augmentation.NONE))
    pixels, answers = made.get_batch(batch_of(made), CPU)
    crops = [DrawnCrops(8).load(index) for index in range(8)]
    np.testing.assert_allclose(teacher.seen[0].numpy(), prepare_crops(crops, TEACHERS), atol=1e-4)
    larger = [resize(crop, TEACHERS.height, TEACHERS.width) for crop in crops]
    np.testing.assert_allclose(pixels.numpy(), prepare_crops(larger, OWN), atol=1e-5)
    torch.testing.assert_close(answers, teacher(teacher.seen[0]).flatten(1))
    assert not answers.requires_grad


def test_of_one_size_the_picture_is_made_once() -> None:
    form = InputFormat(32, 16, "BGR", 1.0, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    made, teacher = live(config(), form)
    batch = batch_of(made)
    assert [part.shape for part in batch] == [(8, 3, 32, 16)]
    assert batch[0].dtype == torch.uint8
    pixels, _ = made.get_batch(batch, CPU)
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (OWN.mean, OWN.std))
    torch.testing.assert_close(pixels * std + mean, teacher.seen[0].flip(1) / 255)


def test_the_teacher_sees_what_was_worsened_and_blended() -> None:
    made, teacher = live(config(mix=1.0))
    batch = batch_of(made)
    torch.manual_seed(3)
    made.get_batch(batch, CPU)
    shown = teacher.seen[0]
    assert (shown - batch[0].float()).abs().amax((1, 2, 3)).min() > 1  # no picture is left as it was
    torch.manual_seed(3)
    made.get_batch(batch, CPU)
    torch.testing.assert_close(teacher.seen[1], shown)  # what the loop seeds is drawn again after a restart


def test_a_student_learns_from_a_living_teacher_alike_after_a_restart(tmp_path: Path) -> None:
    def task(run: RunFolder) -> distillation.Distillation:
        plan = config(passes=2, mix=0.25)
        made, teacher = live(plan)
        held = DrawnCrops(16, 1000)
        pixels = torch.from_numpy(prepare_crops([held.load(index) for index in range(16)], TEACHERS))
        answers = torch.nn.functional.normalize(teacher(pixels).flatten(1)).numpy()
        return distillation.Distillation(Small(), 32, made, (held, answers), plan)

    plan = TrainingPlan(epochs=12, rate=1e-2)
    with RunFolder(tmp_path / "unbroken", "distill", {}) as run:
        made = task(run)
        assert made.steps() == 4
        before = made.evaluate(0)
        finish(fit_network(made, run, plan))
        assert run.rows[-1]["cosine"] > max(0.5, before["cosine"] + 0.3)
    with RunFolder(tmp_path / "killed", "distill", {}) as run:
        work = fit_network(task(run), run, plan)
        for progress in work:
            if progress.stage.startswith("Epoch 3") and progress.done == 2:
                break
        work.close()
    with RunFolder(tmp_path / "killed", "distill", {}, resume=True) as run:
        finish(fit_network(task(run), run, plan))
    unbroken, killed = (read_weights(tmp_path / name / "checkpoint.pt") for name in ("unbroken", "killed"))
    assert all(torch.equal(unbroken[name], killed[name]) for name in unbroken)


@pytest.mark.real
def test_the_command_with_a_living_teacher(shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import cv2

    monkeypatch.setenv("SIGHTLINE_MODELS", str(shared / "models"))
    monkeypatch.setenv("SIGHTLINE_OFFLINE", "1")
    for name, count in (("crops", 8), ("held-back", 4)):
        (tmp_path / name).mkdir()
        for index in range(count):
            cv2.imwrite(str(tmp_path / name / f"{index}.jpg"), DrawnCrops(count).load(index))
    words = ["train", "distill", str(tmp_path / "crops"), "--held-back", str(tmp_path / "held-back"), "--live"]
    words += ["--run", str(tmp_path / "run"), "--teacher", "omz-0286", "--student", "osnet_x0_25_gdc"]
    words += ["--height", "64", "--width", "32", "--epochs", "1", "--batch", "4", "--passes", "2", "--workers", "1"]
    assert main(words) == 0
    assert not list((tmp_path / "run").glob("teacher.*.npy"))  # nothing is embedded beforehand but what judges
    assert list((tmp_path / "run").glob("teacher-held-back.*.npy"))
