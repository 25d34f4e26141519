"""What is left of hidden pixels."""

import numpy as np
import pytest

from biometric.clips.pixel_hiding import hide_pixels
from biometric.entities.redaction import ALL_HIDINGS, STRENGTHS, HiddenRegion, Hiding, HidingMethod

REGION = HiddenRegion(40, 20, 100, 180, 128.0)


def noise(seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (200, 160, 3), np.uint8)


def inside(image: np.ndarray, region: HiddenRegion = REGION) -> np.ndarray:
    return image[region.y1 : region.y2, region.x1 : region.x2]


@pytest.mark.parametrize("hiding", ALL_HIDINGS, ids=str)
def test_only_the_region_changes_and_the_frame_that_was_given_stays(hiding: Hiding) -> None:
    image = noise()
    before = image.copy()
    hidden = hide_pixels(image, [REGION], hiding)
    assert np.array_equal(image, before)
    changed = (hidden != image).any(axis=2)
    assert changed[20:180, 40:100].mean() > 0.9
    changed[20:180, 40:100] = False
    if hiding.method is HidingMethod.SILHOUETTE:  # its outline goes around the corners
        changed[4:196, 28:112] = False
    assert not changed.any()


@pytest.mark.parametrize("method", [HidingMethod.BOX, HidingMethod.SILHOUETTE])
def test_of_a_box_nothing_of_the_picture_is_left(method: HidingMethod) -> None:
    first, second = (hide_pixels(noise(seed), [REGION], Hiding(method)) for seed in (1, 2))
    assert np.array_equal(inside(first), inside(second))


@pytest.mark.parametrize("method", [HidingMethod.BLUR, HidingMethod.PIXELS])
def test_more_strength_leaves_less(method: HidingMethod) -> None:
    left = [inside(hide_pixels(noise(), [REGION], Hiding(method, n))).std() for n in STRENGTHS[method]]
    assert left == sorted(left, reverse=True)
    assert left[-1] < 25 < noise().std()


def test_strengths_follow_the_size_of_the_person() -> None:
    """Half as tall, half the blur: what is left is the same."""
    large = noise()
    large = large.repeat(2, axis=0).repeat(2, axis=1)
    small = large[::2, ::2]
    one = hide_pixels(large, [HiddenRegion(80, 40, 200, 360, 256.0)], Hiding(HidingMethod.BLUR, 15))
    two = hide_pixels(small, [REGION], Hiding(HidingMethod.BLUR, 15))
    assert np.abs(inside(one[::2, ::2]).astype(int) - inside(two)).mean() < 2


def test_a_large_blur_is_what_a_gaussian_of_that_width_gives() -> None:
    import cv2

    image = noise().repeat(3, axis=0).repeat(3, axis=1)
    region = HiddenRegion(60, 60, 420, 540, 512.0)
    exact = cv2.GaussianBlur(image[60:540, 60:420], (0, 0), 50.0, borderType=cv2.BORDER_REFLECT)
    hidden = hide_pixels(image, [region], Hiding(HidingMethod.BLUR, 25))
    assert np.abs(inside(hidden, region).astype(int) - exact).max() <= 5


def test_blocks_have_one_colour() -> None:
    hidden = hide_pixels(noise(), [HiddenRegion(0, 0, 128, 128, 256.0)], Hiding(HidingMethod.PIXELS, 32))
    assert hidden[:32, :32].reshape(-1, 3).std(axis=0).max() == 0


def test_regions_at_the_edges_and_of_a_single_pixel() -> None:
    for hiding in ALL_HIDINGS:
        regions = [HiddenRegion(0, 0, 1, 1, 40.0), HiddenRegion(159, 199, 160, 200, 300.0)]
        assert hide_pixels(noise(), regions, hiding).shape == (200, 160, 3)
