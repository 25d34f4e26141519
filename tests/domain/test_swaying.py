"""What sways is told from who passes by how often a place changes."""

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from biometric.domain.swaying import SwayingCells

SHAPE = (90, 160)
PLACE = slice(30, 50), slice(60, 80)


def picture(random: np.random.Generator, light: float = 1.0) -> NDArray[np.float32]:
    wall = np.kron(np.random.default_rng(9).integers(40, 200, (9, 16)), np.ones((10, 10)))
    return (light * wall + random.normal(0, 0.5, SHAPE)).astype(np.float32)


def learnt(pictures: list[NDArray[np.float32]]) -> SwayingCells:
    known = SwayingCells()
    for before, cells in itertools.pairwise(pictures):
        known.learn(cells, before)
    return known


def windy(random: np.random.Generator, count: int) -> list[NDArray[np.float32]]:
    pictures = [picture(random) for _ in range(count)]
    for cells in pictures:
        cells[PLACE] += random.normal(0, 12, (20, 20))
    return pictures


def test_leaves_sway_and_the_rest_does_not() -> None:
    sways = learnt(windy(np.random.default_rng(1), 12)).cells(SHAPE)
    assert sways[PLACE].all()
    assert sways.sum() <= 24 * 24


def test_leaves_are_forgotten_once_they_rest() -> None:
    random = np.random.default_rng(2)
    rest = [picture(random)] * 60
    assert not learnt([*windy(random, 12), *rest]).cells(SHAPE).any()


@pytest.mark.parametrize("times", [1, 3])
def test_where_people_pass_now_and_then_nothing_sways(times: int) -> None:
    random = np.random.default_rng(3)
    pictures = [picture(random) for _ in range(60 * times)]
    for number in range(times):
        pictures[60 * number + 20][PLACE] += 60
    known = SwayingCells()
    for before, cells in itertools.pairwise(pictures):
        known.learn(cells, before)
        assert not known.cells(SHAPE).any()


def test_a_change_of_light_is_no_swaying() -> None:
    random = np.random.default_rng(4)
    assert not learnt([picture(random, 1 - 0.02 * (number % 9)) for number in range(30)]).cells(SHAPE).any()


def test_pictures_of_another_size_begin_anew() -> None:
    known = learnt(windy(np.random.default_rng(5), 12))
    small = np.zeros((4, 6), np.float32)
    known.learn(small, small)
    assert not known.cells(SHAPE).any()
    assert not known.cells((4, 6)).any()
