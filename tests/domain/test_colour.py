"""Grey footage is told from footage with little colour, also after encoding."""

import numpy as np
import pytest

from biometric.domain.colour import ColourMeter, cell_means


def is_grey(*images: np.ndarray) -> bool:
    meter = ColourMeter()
    for image in images:
        meter.add(image)
    return meter.is_grey


def scene(noise: float = 0.0, tint: tuple[float, float, float] = (0, 0, 0)) -> np.ndarray:
    """A grey picture from dark to light, with noise of its own in each colour."""
    grey = np.repeat(np.tile(np.linspace(30, 220, 320), (240, 1))[..., None], 3, axis=2)
    grey += np.random.default_rng(1).normal(0, noise, grey.shape) + np.array(tint)
    return grey.clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize(("noise", "tint"), [(0, (0, 0, 0)), (4, (0, 0, 0)), (0, (-12, 0, 9)), (3, (8, 0, -8))])
def test_grey_pictures_are_grey_in_spite_of_noise_and_one_tint(noise: float, tint: tuple[float, float, float]) -> None:
    assert is_grey(scene(noise, tint), scene(noise, tint))


@pytest.mark.parametrize("light", [1.0, 0.3, 0.15])
def test_one_person_in_colour_is_colour_also_in_dim_light(light: float) -> None:
    image = scene()
    image[60:180, 100:150] = (40, 60, 180)
    assert not is_grey(*[(image * light).astype(np.uint8)] * 3)


def test_colour_in_some_of_the_frames_is_colour() -> None:
    coloured = scene()
    coloured[:, 200:] = (160, 90, 60)
    assert not is_grey(*[scene()] * 20, coloured)


def test_nothing_seen_is_not_called_grey() -> None:
    assert not ColourMeter().is_grey


def test_cell_means_take_pictures_of_any_size() -> None:
    image = np.zeros((2, 3, 3), np.uint8)
    image[:, 2] = (10, 20, 30)
    means = cell_means(image, 8, 4, 3)
    assert means.shape == (8, 4, 3)
    assert means[0, -1].tolist() == [10, 20, 30]
    assert cell_means(np.full((480, 640, 3), 7, np.uint8), 48, 48, 4).tolist() == [[[7.0] * 3] * 48] * 48
