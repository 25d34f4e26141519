"""Training on a graphics card does what it does on the processor. Skipped where training's libraries are missing."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from biometric.entities.model_cards import RAW_BGR
from biometric.entities.progress import finish
from biometric.models.embedding import resize
from biometric.models.embedding_torch import TorchEmbedder
from tests.gpu.card import needed_card

augmentation = pytest.importorskip("tests.training.test_device_augmentation", exc_type=ImportError)
live = pytest.importorskip("tests.training.test_live_targets", exc_type=ImportError)


@pytest.mark.gpu
def test_crops_on_a_gpu_teach_a_student(tmp_path: Path) -> None:
    device = needed_card()
    task = live.resident_task(device)
    with live.RunFolder(tmp_path, "distill", {}) as run:
        finish(live.fit_network(task, run, replace(live.RESIDENT_PLAN, device=device, half=True, keep_every=0.5)))
        assert max(row["cosine"] for row in run.rows) > max(0.5, run.rows[0]["cosine"] + 0.3)
        print(f"{run.rows[-1]['views_per_second']:.0f} views a second")
    with live.RunFolder(tmp_path, "distill", {}, resume=True) as run:
        finish(
            live.fit_network(
                live.resident_task(device), run, replace(live.RESIDENT_PLAN, device=device, half=True, epochs=13)
            )
        )
        assert run.rows[-1]["epoch"] == 13


@pytest.mark.gpu
@pytest.mark.real
def test_the_recommended_model_teaches_in_half_precision_on_a_gpu(shared: Path) -> None:
    embedder = TorchEmbedder.from_ir(
        shared / "models" / "person-reidentification-retail-0286.xml", RAW_BGR, "x", needed_card()
    )
    crops = [resize(live.DrawnCrops(16).load(index), 256, 128) for index in range(16)]
    pictures = torch.from_numpy(np.stack([crop.transpose(2, 0, 1) for crop in crops])).cuda()
    half = live.choose_precision(live.LiveTeacher(embedder.network, RAW_BGR, 256), pictures, torch.float16)
    assert half.precision is torch.float16


@pytest.mark.gpu
@pytest.mark.parametrize("name", augmentation.SINGLE)
def test_a_gpu_changes_batches_as_the_cpu_does(name: str) -> None:
    device, strength = needed_card(), augmentation.SINGLE[name]
    on_card = augmentation.effects(augmentation.changed_at_once(strength, device))
    augmentation.check_agreement(augmentation.effects(augmentation.changed_at_once(strength)), on_card)
