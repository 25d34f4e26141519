"""Degradations change what they say, repeat with their seed, and fit crops of any size."""

import numpy as np
import pytest

from biometric.entities import Image
from biometric.errors import InvalidSetting
from biometric.evaluation.degradations import DEGRADATIONS, GREY, degradation

NAMES = [each.name for each in DEGRADATIONS]


def noise(height: int = 200, width: int = 100) -> Image:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)


@pytest.mark.parametrize("name", NAMES)
def test_repeats_with_its_seed_and_leaves_the_original_alone(name: str) -> None:
    image = noise()
    before = image.copy()
    first, second = degradation(name).apply(image, 3, 7), degradation(name).apply(image, 3, 7)
    assert np.array_equal(first, second)
    assert np.array_equal(image, before)
    assert first.dtype == np.uint8
    assert first.ndim == 3
    assert first.shape != image.shape or not np.array_equal(first, image)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(1, 1), (2, 1), (3, 500), (500, 3)])
def test_fits_crops_of_any_size(name: str, size: tuple[int, int]) -> None:
    for number in range(5):
        changed = degradation(name).apply(noise(*size), 0, number)
        assert changed.size > 0
        assert changed.shape[2] == 3


@pytest.mark.parametrize("name", ["block", "brightness", "colour-cast", "misaligned"])
def test_random_ones_differ_between_pictures_and_seeds(name: str) -> None:
    image = noise()
    made = [degradation(name).apply(image, seed, number) for seed, number in ((0, 0), (0, 1), (1, 0))]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert made[one].shape != made[other].shape or not np.array_equal(made[one], made[other])


def test_covers_hide_their_rows_and_nothing_else() -> None:
    image = noise()
    for name, rows in (("upper-body", slice(36, 100)), ("lower-body", slice(100, 200)), ("head", slice(0, 36))):
        changed = degradation(name).apply(image, 0, 0)
        assert (changed[rows] == GREY).all()
        rest = np.delete(np.arange(200), rows)
        assert np.array_equal(changed[rest], image[rest])


def test_a_block_hides_its_share() -> None:
    hidden = (degradation("block").apply(np.zeros((200, 100, 3), np.uint8), 0, 0) == GREY).mean()
    assert hidden == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize("width", [16, 32, 64])
def test_scaling_goes_down_only_and_keeps_the_shape(width: int) -> None:
    changed = degradation(f"width-{width}").apply(noise(), 0, 0)
    assert changed.shape == (2 * width, width, 3)
    assert degradation(f"width-{width}").apply(noise(20, 10), 0, 0).shape == (20, 10, 3)


def test_blur_smooths_and_stronger_jpeg_hurts_more() -> None:
    image = noise()
    assert degradation("blur").apply(image, 0, 0).std() < image.std() / 2
    errors = [
        np.abs(degradation(name).apply(image, 0, 0).astype(float) - image).mean() for name in ("jpeg-20", "jpeg-5")
    ]
    assert errors[0] < errors[1]


def test_misaligned_boxes_change_size() -> None:
    sizes = {degradation("misaligned").apply(noise(), 0, number).shape for number in range(10)}
    assert len(sizes) > 5
    assert all(140 <= height <= 260 and 70 <= width <= 130 for height, width, _ in sizes)


def test_an_unknown_name_gets_the_known_ones() -> None:
    with pytest.raises(InvalidSetting, match="lower-body"):
        degradation("fog")


@pytest.mark.parametrize("image", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8)])
def test_other_arrays_are_refused(image: np.ndarray) -> None:
    with pytest.raises(ValueError, match="uint8 picture"):
        degradation("blur").apply(image, 0, 0)
