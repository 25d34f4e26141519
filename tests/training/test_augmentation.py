"""Random changes of crops: what they keep, how far they go, and that they are drawn per (seed, epoch, sample)."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from biometric.entities import Image
from biometric.errors import DatasetInvalid
from biometric.evaluation.dataset_images import DatasetImages
from biometric.evaluation.datasets import Source
from biometric.models.embedding import prepare_crops, resize
from biometric.training.augmentation import (
    EpochSamples,
    change_appearance,
    change_geometry,
    load_batches,
    network_input,
    shuffled_batches,
)
from biometric.training.augmentation_ranges import MILD, NONE, STRONG, Augmentation
from tests.training.made_people import SMALL, picture


def draw(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


CROP = picture(3, 1, 0, 90, 41)
SIZES = [(1, 1), (2, 300), (300, 20), (256, 128), (47, 31)]


def test_no_strength_changes_nothing() -> None:
    assert np.array_equal(change_geometry(CROP, NONE, draw(), (90, 41)), CROP)
    assert np.array_equal(change_geometry(CROP, NONE, draw(), (64, 32)), resize(CROP, 64, 32))
    assert np.array_equal(change_appearance(CROP, NONE, draw()), CROP)


@pytest.mark.parametrize("strength", [MILD, STRONG])
@pytest.mark.parametrize("size", SIZES)
def test_every_crop_becomes_a_whole_picture_of_the_size(strength: Augmentation, size: tuple[int, int]) -> None:
    crop = picture(1, 1, 0, 40, 20) if size == (40, 20) else np.full((*size, 3), 90, np.uint8)
    before = crop.copy()
    for seed in range(10):
        made = change_geometry(crop, strength, draw(seed), (64, 32))
        assert (made.shape, made.dtype) == ((64, 32, 3), np.uint8)
        assert made.flags["C_CONTIGUOUS"]
        worse = change_appearance(made, strength, draw(seed))
        assert (worse.shape, worse.dtype) == ((64, 32, 3), np.uint8)
    assert np.array_equal(crop, before)


@pytest.mark.parametrize("strength", [MILD, STRONG])
def test_the_same_draw_gives_the_same_picture(strength: Augmentation) -> None:
    def made(seed: int) -> Image:
        chosen = draw(seed)
        return change_appearance(change_geometry(CROP, strength, chosen, (64, 32)), strength, chosen)

    assert np.array_equal(made(5), made(5))
    assert not np.array_equal(made(5), made(6))


def test_the_input_is_not_written_to() -> None:
    crop = CROP.copy()
    for seed in range(5):
        change_appearance(crop, replace(STRONG, erase=1.0, shrink=1.0, blur=1.0), draw(seed))
    assert np.array_equal(crop, CROP)


def test_mirrored_with_the_probability_asked_for() -> None:
    assert np.array_equal(change_geometry(CROP, replace(NONE, flip=1.0), draw(), (90, 41)), CROP[:, ::-1])
    half = [
        np.array_equal(change_geometry(CROP, replace(NONE, flip=0.5), draw(seed), (90, 41)), CROP)
        for seed in range(200)
    ]
    assert 70 < sum(half) < 130


def test_no_more_is_cut_off_than_asked_for() -> None:
    rows = np.broadcast_to(np.arange(200, dtype=np.uint8)[:, None, None], (200, 100, 3)).copy()
    shown = [change_geometry(rows, replace(NONE, crop=0.2), draw(seed), (200, 100))[:, 0, 0] for seed in range(50)]
    spans = [int(column[-1]) - int(column[0]) for column in shown]
    assert min(spans) >= 0.8 * 199 - 2
    assert len(set(spans)) > 10
    assert any(column[0] > 0 for column in shown)
    assert any(column[-1] < 199 for column in shown)


def test_stretching_stays_within_its_factor_and_fills_the_picture() -> None:
    made = [change_geometry(CROP, replace(NONE, aspect=1.5), draw(seed), (90, 41)) for seed in range(20)]
    assert all(image.shape == CROP.shape for image in made)
    assert not any((image == 0).all(axis=2).any() for image in made)
    ramp = np.broadcast_to(np.arange(240, dtype=np.uint8)[:, None, None], (240, 100, 3)).copy()
    spans = [
        float(np.ptp(change_geometry(ramp, replace(NONE, aspect=1.5), draw(seed), (240, 100)))) for seed in range(50)
    ]
    assert min(spans) >= 239 / 1.5 - 3


def test_the_erased_part_is_one_rectangle_of_2_to_25_per_cent() -> None:
    flat = np.full((128, 64, 3), 77, np.uint8)
    shares = []
    for seed in range(200):
        made = change_appearance(flat, replace(NONE, erase=1.0), draw(seed))
        rows, columns = np.nonzero((made != 77).any(axis=2))
        box = made[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        shares.append(box.shape[0] * box.shape[1] / (128 * 64))
        assert (box != 77).any(axis=2).mean() > 0.99  # noise is grey 77 by chance only
    assert 0.015 < min(shares) < 0.04
    assert 0.2 < max(shares) < 0.27


def test_colours_stay_within_their_strength() -> None:
    grey = np.full((8, 8, 3), 100, np.uint8)
    means = [
        change_appearance(grey, replace(NONE, colour=0.2), draw(seed)).reshape(-1, 3).mean(axis=0)
        for seed in range(100)
    ]
    assert np.min(means) >= 100 * 0.8 * 0.95 - 2
    assert np.max(means) <= 100 * 1.2 * 1.05 + 2
    assert np.ptp(means) > 20


def test_grey_blurred_and_shrunken_pictures() -> None:
    made = change_appearance(CROP, replace(NONE, grey=1.0), draw())
    assert np.array_equal(made[..., 0], made[..., 1])
    assert np.array_equal(made[..., 1], made[..., 2])

    def detail(image: Image) -> float:
        return float(cv2.Laplacian(image, cv2.CV_64F).var())

    big = picture(1, 1, 0, 256, 128)
    assert detail(change_appearance(big, replace(NONE, blur=1.0), draw(1))) < detail(big)
    smallest = resize(resize(big, 96, 48), 256, 128)
    for seed in range(5):
        assert (
            detail(smallest) * 0.9 < detail(change_appearance(big, replace(NONE, shrink=1.0), draw(seed))) < detail(big)
        )


def test_pictures_below_the_smallest_size_are_not_shrunken() -> None:
    small = picture(1, 1, 0, 60, 30)
    assert np.array_equal(change_appearance(small, replace(NONE, shrink=1.0), draw()), small)


class Numbered:
    """Makes samples that show their number and what was drawn for them."""

    def __call__(self, index: int, chosen: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        made = change_appearance(change_geometry(CROP, STRONG, chosen, (64, 32)), STRONG, chosen)
        return network_input(made, SMALL), torch.tensor(index)


def collected(workers: int, epoch: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    batches = [[4, 0, 2], [1, 5, 3]]
    made = list(load_batches(EpochSamples(Numbered(), 6, 9, epoch), batches, workers))
    return torch.cat([pixels for pixels, _ in made]), torch.cat([numbers for _, numbers in made])


@pytest.mark.filterwarnings("ignore:This DataLoader will create")  # more workers than processors
def test_samples_are_the_same_whatever_the_number_of_workers() -> None:
    pixels, numbers = collected(0)
    assert (tuple(pixels.shape), pixels.dtype) == ((6, 3, 64, 32), torch.float32)
    assert numbers.tolist() == [4, 0, 2, 1, 5, 3]
    for workers in (1, 2):
        again, same = collected(workers)
        assert torch.equal(pixels, again)
        assert torch.equal(numbers, same)
    assert not torch.equal(pixels, collected(0, epoch=4)[0])
    assert not torch.equal(pixels[0], pixels[1])


def test_a_network_sees_what_the_app_would_show_it() -> None:
    assert np.array_equal(network_input(CROP, SMALL).numpy(), prepare_crops([CROP], SMALL)[0])


class Damaged:
    def __call__(self, index: int, chosen: np.random.Generator) -> tuple[torch.Tensor]:
        return (network_input(DatasetImages().load(Source(Path("nowhere.jpg"))), SMALL),)


@pytest.mark.parametrize("workers", [0, 1])
def test_an_error_of_a_worker_stays_a_sentence(workers: int) -> None:
    with pytest.raises(DatasetInvalid) as caught:
        list(load_batches(EpochSamples(Damaged(), 1, 0, 0), [[0]], workers))
    assert str(caught.value).startswith("nowhere.jpg cannot be read")
    assert "Traceback" not in str(caught.value)


def test_processes_share_an_order_without_sharing_samples() -> None:
    alone = shuffled_batches(23, 4, 1, 2)
    assert [len(batch) for batch in alone] == [4] * 5
    two = [shuffled_batches(23, 4, 1, 2, rank, 2) for rank in (0, 1)]
    assert [len(batches) for batches in two] == [2, 2]
    for index in range(2):
        assert np.array_equal(alone[2 * index], two[0][index])
        assert np.array_equal(alone[2 * index + 1], two[1][index])
    assert len(set(np.concatenate(alone).tolist())) == 20
    assert not np.array_equal(np.concatenate(alone), np.concatenate(shuffled_batches(23, 4, 1, 3)))
    assert shuffled_batches(3, 4, 0, 0) == []
