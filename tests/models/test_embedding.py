"""Preparing crops and normalising vectors: the arithmetic that every device shares."""

import numpy as np
import pytest

from biometric.entities.model_cards import IMAGENET, RAW_BGR, InputFormat
from biometric.errors import UnsupportedModel
from biometric.models.embedding import batches, prepare_crops, resize, scale_to_unit_length, vectors_agree


def solid(height: int, width: int, colour: tuple[int, int, int]) -> np.ndarray:
    return np.full((height, width, 3), colour, np.uint8)


def test_raw_bgr_keeps_pixels_and_order() -> None:
    batch = prepare_crops([solid(40, 20, (10, 20, 30)), solid(300, 99, (1, 2, 3))], RAW_BGR)
    assert (batch.shape, batch.dtype) == ((2, 3, 256, 128), np.float32)
    np.testing.assert_allclose(batch[0, :, 5, 7], [10, 20, 30], rtol=1e-5)
    np.testing.assert_allclose(batch[1, :, 255, 127], [1, 2, 3], rtol=1e-5)


def test_imagenet_swaps_colours_and_normalises() -> None:
    batch = prepare_crops([solid(256, 128, (10, 20, 30))], IMAGENET)
    expected = (np.array([30, 20, 10]) / 255 - IMAGENET.mean) / IMAGENET.std
    np.testing.assert_allclose(batch[0, :, 100, 50], expected, rtol=1e-5)


def test_scale_mean_and_std_are_applied_in_that_order() -> None:
    form = InputFormat(8, 4, "BGR", 2.0, (1.0, 2.0, 3.0), (4.0, 5.0, 6.0))
    batch = prepare_crops([solid(8, 4, (10, 20, 30))], form)
    np.testing.assert_allclose(batch[0, :, 0, 0], [(20 - 1) / 4, (40 - 2) / 5, (60 - 3) / 6], rtol=1e-6)


def test_no_crops_make_an_empty_batch() -> None:
    assert prepare_crops([], RAW_BGR).shape == (0, 3, 256, 128)


@pytest.mark.parametrize(
    "crop",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8), np.zeros((4, 4, 4), np.uint8)],
)
def test_what_is_no_crop_is_refused(crop: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected a crop"):
        prepare_crops([crop], RAW_BGR)


def test_enlarging_interpolates_between_pixel_centres() -> None:
    image = np.zeros((2, 2, 3), np.uint8)
    image[0], image[1] = 40, 200
    rows = resize(image, 8, 2)[:, 0, 0].astype(int)
    # Centres of the two rows lie at 1.5 and 5.5 of the eight: constant outside, 40 a row between.
    np.testing.assert_allclose(rows, [40, 40, 60, 100, 140, 180, 200, 200], atol=1)


def test_reducing_does_not_alias() -> None:
    lines = np.zeros((512, 256, 3), np.uint8)
    lines[::2] = 255
    for height, width in ((100, 50), (100, 300)):  # the second one is enlarged in the other axis
        reduced = resize(lines, height, width)
        assert reduced.shape == (height, width, 3)
        assert np.ptp(reduced.astype(int)) < 60  # picking or interpolating rows swings over the whole range


def test_one_pixel_fills_the_picture() -> None:
    np.testing.assert_array_equal(resize(solid(1, 1, (7, 8, 9)), 16, 8), np.broadcast_to([7, 8, 9], (16, 8, 3)))


def test_unit_vectors_have_length_one() -> None:
    vectors = scale_to_unit_length(np.array([[3, 4], [1e-3, 0]], np.float32), "m")
    np.testing.assert_allclose(vectors, [[0.6, 0.8], [1, 0]], rtol=1e-6)
    assert vectors.dtype == np.float32
    assert scale_to_unit_length(np.empty((0, 5), np.float32), "m").shape == (0, 5)


@pytest.mark.parametrize("bad", [[0, 0], [np.nan, 1], [np.inf, 1], [1e-9, 0]])
def test_promise_19_a_vector_without_direction_is_an_error(bad: list[float]) -> None:
    with pytest.raises(UnsupportedModel, match="crop 2 of 2") as caught:
        scale_to_unit_length(np.array([[1, 0], bad], np.float32), "osnet")
    assert "osnet" in str(caught.value)


def test_large_numbers_do_not_overflow() -> None:
    np.testing.assert_allclose(scale_to_unit_length(np.array([[3e30, 4e30]], np.float32), "m"), [[0.6, 0.8]], rtol=1e-6)


def test_batches_keep_order_and_size() -> None:
    crops = [solid(1, 1, (number, 0, 0)) for number in range(5)]
    parts = list(batches(crops, 2))
    assert [len(part) for part in parts] == [2, 2, 1]
    assert [int(crop[0, 0, 0]) for part in parts for crop in part] == [0, 1, 2, 3, 4]
    assert list(batches([], 2)) == []


@pytest.mark.parametrize("wrong", [np.inf, -np.inf, np.nan, 0.0])
def test_vectors_without_direction_never_agree(wrong: float) -> None:
    exact = np.eye(3, dtype=np.float32)
    assert vectors_agree(exact, 2 * exact, 0.9999)
    other = exact.copy()
    other[1] = wrong
    assert not vectors_agree(exact, other, 0.9999)
    assert not vectors_agree(exact, exact[::-1], 0.9999)
