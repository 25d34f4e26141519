"""Changes that lie together, as somebody's do, are told from scattered noise; cells are means of four pixels."""

import numpy as np
import pytest

from biometric.domain.picture_change import SOLID_CELLS, SOLID_SIDE, cells_of, is_solid


def test_cells_are_means_of_four_pixels() -> None:
    picture = np.random.default_rng(1).integers(0, 256, (7, 11)).astype(np.uint8)
    cells = cells_of(picture)
    assert (cells.shape, cells.dtype) == ((3, 5), np.float32)
    assert cells[1, 2] == picture[2:4, 4:6].astype(float).mean()
    assert cells_of(picture[:1, :1]).shape == (0, 0)


@pytest.mark.parametrize("corner", [(0, 0), (40, 70), (83, 156), (0, 156), (83, 0)])
def test_the_smallest_person_is_solid_wherever_it_is(corner: tuple[int, int]) -> None:
    changed = np.zeros((90, 160), np.bool_)
    changed[corner[0] : corner[0] + 7, corner[1] : corner[1] + 2] = True
    assert is_solid(changed)


def test_scattered_pairs_are_not_solid_however_many() -> None:
    changed = np.zeros((90, 160), np.bool_)
    changed[::SOLID_SIDE, ::SOLID_SIDE] = changed[::SOLID_SIDE, 1::SOLID_SIDE] = True
    assert changed.sum() > 50 * SOLID_CELLS
    assert not is_solid(changed)
    assert is_solid(changed, 2)


@pytest.mark.parametrize("shape", [(0, 0), (1, 1), (2, 3)])
def test_pictures_smaller_than_a_square_do_no_harm(shape: tuple[int, int]) -> None:
    assert not is_solid(np.ones(shape, np.bool_))
    assert is_solid(np.ones(shape, np.bool_), 1) is (shape != (0, 0))
