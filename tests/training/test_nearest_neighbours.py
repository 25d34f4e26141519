"""Nearest neighbours of crops: which crops are looked at, and what the accuracy is."""

import numpy as np
import pytest

from biometric.training import nearest_neighbours
from tests.training.made_crops import Walkers


class Named(Walkers):
    """Crops of given (video, track, frame)."""

    def __init__(self, *places: tuple[str, int | None, int]) -> None:
        self._places = places

    def __len__(self) -> int:
        return len(self._places)

    def name(self, index: int) -> str:
        return f"{self._places[index][2]:08d}_00.jpg"

    def video(self, index: int) -> str:
        return self._places[index][0]

    def track(self, index: int) -> int | None:
        return self._places[index][1]


def unit(*degrees: float) -> np.ndarray:
    angles = np.radians(degrees)
    return np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32)


def test_neighbours_vote_for_their_track() -> None:
    tracks = np.array([0, 0, 1, 1])
    assert nearest_neighbours.neighbour_accuracy(unit(0, 10, 90, 100), tracks) == 1.0
    assert nearest_neighbours.neighbour_accuracy(unit(0, 90, 2, 92), tracks) == 0.0
    assert (
        nearest_neighbours.neighbour_accuracy(unit(0, 10, 5, 100), tracks) == 0.0 + 0.0
    )  # 5 is nearest to both 0 and 10, and 100 to 10
    assert nearest_neighbours.neighbour_accuracy(unit(0, 1, 90, 60), tracks, neighbours=1) == 1.0


def test_a_crop_is_not_its_own_neighbour() -> None:
    assert nearest_neighbours.neighbour_accuracy(unit(0, 180), np.array([0, 1])) == 0.0


def test_nearer_neighbours_weigh_more() -> None:
    # The first crop: one neighbour of its own track at 5 degrees, two of another at 60.
    vectors, tracks = unit(0, 5, 60, 61), np.array([0, 0, 1, 1])
    assert nearest_neighbours.neighbour_accuracy(vectors, tracks, neighbours=3) == 1.0


def test_a_sample_has_crops_of_a_track_that_are_apart() -> None:
    crops = Named(
        *(("a", 1, frame) for frame in range(0, 300, 10)),
        *(("b", 1, frame) for frame in (7, 100)),
        *(("b", 2, frame) for frame in (0, 5, 24)),  # within a second: no two are apart
        ("b", None, 0),
    )
    sample = nearest_neighbours.choose_sample(crops, seed=0)
    assert sample is not None
    assert sample.tracks.tolist() == [0, 0, 0, 0, 1, 1]
    frames = [int(crops.name(int(index))[:8]) for index in sample.crops]
    assert frames[0] == 0
    assert frames[3] >= 250
    assert np.diff(frames[:4]).min() >= 25
    assert frames[4:] == [7, 100]
    assert sample.chance == pytest.approx((4 * 3 / 5 + 2 * 1 / 5) / 6)


def test_a_sample_is_fixed_and_bounded() -> None:
    crops = Walkers(people=30)
    one, same, other = (nearest_neighbours.choose_sample(crops, seed, tracks=10) for seed in (1, 1, 2))
    assert one is not None
    assert same is not None
    assert other is not None
    assert len(one.crops) == 40
    assert np.array_equal(one.crops, same.crops)
    assert not np.array_equal(one.crops, other.crops)


@pytest.mark.parametrize("crops", [Walkers(tracked=False), Walkers(people=1), Walkers(each=1), Walkers(people=0)])
def test_without_tracks_there_is_no_sample(crops: Walkers) -> None:
    assert nearest_neighbours.choose_sample(crops, seed=0) is None
