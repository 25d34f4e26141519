"""Crops that are resized on a device are those that OpenCV resizes: small and large, enlarged, reduced, and both."""

import numpy as np
import pytest
import torch

from biometric.entities.model_cards import IMAGENET, RAW_BGR, InputFormat
from biometric.models import crop_batches
from biometric.models.crop_batches import CropBatches, groups
from biometric.models.embedding import prepare_crops

CPU = torch.device("cpu")
SIZES = [(1, 1), (8, 8), (8, 600), (600, 8), (600, 600), (40, 16), (255, 129), (256, 128), (257, 127), (512, 256),
         (512, 128), (256, 256), (341, 170), (300, 60), (100, 300), (1080, 500)]  # fmt: skip


def noise(sizes: list[tuple[int, int]]) -> list[np.ndarray]:
    """Pictures in which every rounding shows."""
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (*size, 3), np.uint8) for size in sizes]


def check_pixels(made: torch.Tensor, crops: list[np.ndarray], form: InputFormat = RAW_BGR) -> None:
    """Equal to OpenCV's but for sums that end on a half, of which one in 100,000 is rounded to the other side."""
    level = np.abs(form.scale / np.array(form.std)).reshape(1, 3, 1, 1)
    levels = np.abs(made.float().numpy() - prepare_crops(crops, form)) / level
    assert levels.max() < 1.1
    assert (levels > 0.2).mean() < 1e-5


@pytest.mark.parametrize("form", [RAW_BGR, IMAGENET, InputFormat(64, 48, "BGR", 0.5, (1, 2, 3), (2, 4, 8))])
@pytest.mark.parametrize("precision", [torch.float32, torch.float16])
def test_pixels_are_those_of_opencv(form: InputFormat, precision: torch.dtype) -> None:
    crops = noise(SIZES)
    made = CropBatches(form, CPU, precision).prepare(crops)
    assert made.dtype is precision
    check_pixels(made, crops, form)


def test_crops_of_one_batch_do_not_touch_each_other() -> None:
    crops = noise([(30, 20), (200, 90), (31, 20)])
    batches = CropBatches(RAW_BGR, CPU)
    together = batches.prepare(crops)
    for number, crop in enumerate(crops):
        torch.testing.assert_close(together[number], CropBatches(RAW_BGR, CPU).prepare([crop])[0])
    white = [np.full_like(crop, 255) for crop in crops]
    assert (batches.prepare(white) == 255).all()  # what other crops left in the buffers has no weight
    torch.testing.assert_close(batches.prepare(crops), together)


def test_slices_of_a_frame_are_taken_as_they_are() -> None:
    frame = noise([(300, 400)])[0]
    crops = [frame[10:210, 300:380], frame[::-1, ::-1][5:50, 7:30]]
    check_pixels(CropBatches(RAW_BGR, CPU).prepare(crops), crops)


def test_groups_hold_every_crop_once_and_stay_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crop_batches, "GROUP_BYTES", 100_000)
    rng = np.random.default_rng(0)
    sizes = [(int(height), int(width)) for height, width in rng.integers(1, 300, (50, 2))]
    made = list(groups(sizes))
    assert sorted(number for group in made for number in group) == list(range(50))
    for group in made:
        padded = len(group) * max(sizes[number][0] for number in group) * max(sizes[number][1] for number in group) * 3
        assert len(group) == 1 or padded <= 100_000
    assert list(groups([])) == []
    crops = noise(sizes)
    check_pixels(CropBatches(RAW_BGR, CPU).prepare(crops), crops)


def test_nothing_becomes_an_empty_batch() -> None:
    assert CropBatches(RAW_BGR, CPU).prepare([]).shape == (0, 3, 256, 128)


@pytest.mark.parametrize("crop", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)])
def test_what_is_no_crop_is_refused(crop: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected a crop"):
        CropBatches(RAW_BGR, CPU).prepare([crop])
