"""Changes of whole batches: the same as those of single crops, in what they keep, how far they go and how often."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch

from biometric.models.embedding import resize
from biometric.training.augmentation import change_appearance, change_geometry
from biometric.training.augmentation_ranges import LIVE, MILD, NONE, STRONG, Augmentation
from biometric.training.device_augmentation import change_appearance_of_batch, change_batch, change_geometry_of_batch
from tests.training.made_people import picture

SIZE = (96, 48)
COUNT = 400
CPU = "cpu"


def crops(count: int = 4, size: tuple[int, int] = SIZE) -> torch.Tensor:
    """(N, 3, H, W) uint8."""
    pictures = [resize(picture(number % 4, 1, 0, 96, 48), *size) for number in range(count)]
    return torch.from_numpy(np.stack([image.transpose(2, 0, 1) for image in pictures]))


@cache
def changed_one_by_one(strength: Augmentation) -> torch.Tensor:
    made = []
    images = crops(COUNT).permute(0, 2, 3, 1).numpy()
    for number, image in enumerate(images):
        draw = np.random.default_rng(number)

        def other(draw: np.random.Generator = draw) -> np.ndarray:
            return images[int(draw.integers(COUNT))]

        changed = change_appearance(change_geometry(image, strength, draw, SIZE), strength, draw, other)
        made.append(torch.from_numpy(changed.transpose(2, 0, 1).copy()))
    return torch.stack(made).float()


def changed_at_once(strength: Augmentation, device: str = CPU, seed: int = 3) -> torch.Tensor:
    """In batches of 20, as detail is drawn for groups of a batch."""
    torch.manual_seed(seed)
    return torch.cat([change_batch(batch.to(device), strength, SIZE).cpu() for batch in crops(COUNT).split(20)])


def effects(changed: torch.Tensor) -> dict[str, torch.Tensor]:
    """What a change does to each picture: how far pixels move, brightness, colour, contrast, detail."""
    before = crops(COUNT).float()
    detail = (changed[:, :, 1:] - changed[:, :, :-1]).abs().mean((1, 2, 3))
    return {
        "difference": (changed - before).abs().mean((1, 2, 3)),
        "brightness": changed.mean((1, 2, 3)),
        "contrast": changed.std((1, 2, 3)),
        "colour": changed.std(1).mean((1, 2)),
        "detail": detail,
    }


SINGLE = {
    "crop": replace(NONE, crop=0.3),
    "aspect": replace(NONE, aspect=1.6),
    "flip": replace(NONE, flip=0.5),
    "turn": replace(NONE, turn=6.0, turned=0.6),
    "shrink": replace(NONE, shrink=0.5, smallest=(20, 10)),
    "blur": replace(NONE, blur=0.5),
    "colour": replace(NONE, colour=0.35),
    "gamma": replace(NONE, gamma=1.4),
    "grey": replace(NONE, grey=0.3),
    "noise": replace(NONE, noisy=0.5, noise=(0.0, 20.0)),
    "erase": replace(NONE, erase=0.6),
    "cover": replace(NONE, cover=0.6),
    "strong": STRONG,
    "live": LIVE,
}


def check_agreement(one_by_one: dict[str, torch.Tensor], at_once: dict[str, torch.Tensor]) -> None:
    """Mean and deviation over the pictures agree within what chance and interpolation explain."""
    for name, expected in one_by_one.items():
        made = at_once[name]
        error = float(expected.std() + made.std()) / COUNT**0.5
        assert abs(float(made.mean() - expected.mean())) < 4 * error + 0.03 * abs(float(expected.mean())) + 0.3, name
        assert abs(float(made.std() - expected.std())) < 0.25 * float(expected.std()) + 0.3, name


@pytest.mark.parametrize("name", SINGLE)
def test_batches_change_as_single_crops_do(name: str) -> None:
    check_agreement(effects(changed_one_by_one(SINGLE[name])), effects(changed_at_once(SINGLE[name])))


@pytest.mark.parametrize("name", [name for name in SINGLE if name not in ("strong", "live")])
def test_a_stronger_change_would_be_seen(name: str) -> None:
    """The comparison is sharp enough: nothing changed does not pass for a change."""
    with pytest.raises(AssertionError):
        check_agreement(effects(changed_one_by_one(SINGLE[name])), effects(changed_at_once(NONE)))


def test_no_strength_changes_nothing() -> None:
    assert torch.equal(change_batch(crops(), NONE, SIZE), crops().float())


@pytest.mark.parametrize("strength", [MILD, STRONG, LIVE])
def test_every_batch_is_whole_numbers_of_the_size(strength: Augmentation) -> None:
    for count, size in ((1, (64, 32)), (2, (8, 4)), (9, (96, 48))):
        before = crops(count)
        made = change_batch(before, strength, size)
        assert (tuple(made.shape), made.dtype) == ((count, 3, *size), torch.float32)
        assert torch.equal(made, made.round())
        assert 0 <= float(made.min()) <= float(made.max()) <= 255
        assert torch.equal(before, crops(count))


def test_the_same_seed_gives_the_same_pictures() -> None:
    one, same, other = (changed_at_once(LIVE, seed=seed)[:20] for seed in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_no_more_is_cut_off_than_asked_for() -> None:
    rows = torch.arange(200.0).view(1, 1, 200, 1).expand(60, 3, 200, 100)
    shown = change_geometry_of_batch(rows, replace(NONE, crop=0.2), (200, 100))[:, 0, :, 50]
    spans = shown[:, -1] - shown[:, 0]
    assert float(spans.min()) >= 0.8 * 199 - 2
    assert bool((shown[:, 0] > 2).any())
    assert bool((shown[:, -1] < 197).any())


def test_the_rectangle_is_filled_with_another_picture_of_the_batch() -> None:
    levels = torch.arange(1.0, 51.0).view(50, 1, 1, 1).expand(50, 3, 64, 32).clone()
    made = change_appearance_of_batch(levels.clone(), replace(NONE, cover=1.0))
    shares = (made != levels).float().mean((1, 2, 3))
    assert float(shares.max()) < 0.27
    assert int((shares > 0.015).sum()) > 40  # but where a picture covers itself
    assert set(made.flatten().tolist()) <= set(range(1, 51))


def test_only_the_share_asked_for_is_changed() -> None:
    before = crops(40).float()
    for strength in (replace(NONE, shrink=0.25, smallest=(10, 5)), replace(NONE, blur=0.25, blur_sigma=(2.0, 2.0))):
        made = change_appearance_of_batch(before.clone(), strength)
        assert int(((made != before).flatten(1).any(1)).sum()) == 10
