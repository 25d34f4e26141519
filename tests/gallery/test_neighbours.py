"""Nearest neighbours of many vectors at once, with and without FAISS."""

import numpy as np
import pytest

from biometric.gallery import neighbours


@pytest.mark.parametrize("with_faiss", [True, False])
def test_finds_the_nearest_in_blocks(with_faiss: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if with_faiss and not neighbours.HAVE_FAISS:
        pytest.skip("FAISS is not installed")
    monkeypatch.setattr(neighbours, "HAVE_FAISS", with_faiss)
    monkeypatch.setattr(neighbours, "BLOCK" if with_faiss else "_NUMPY_BLOCK", 7)
    rng = np.random.default_rng(0)
    vectors, queries = rng.standard_normal((50, 8), np.float32), rng.standard_normal((20, 8), np.float32)
    scores, rows = neighbours.find_neighbours(vectors, queries, 5)
    products = queries @ vectors.T
    assert (rows == np.argsort(-products, axis=1)[:, :5]).all()
    assert np.allclose(scores, np.take_along_axis(products, rows, axis=1), atol=1e-5)


def test_fewer_than_wanted_are_told_by_minus_one() -> None:
    scores, rows = neighbours.find_neighbours(np.eye(2, 4, dtype=np.float32), np.eye(1, 4, dtype=np.float32), 3)
    assert rows.tolist() == [[0, 1, -1]]
    assert scores[0, 2] == -np.inf
    assert (neighbours.find_neighbours(np.empty((0, 4), np.float32), np.eye(1, 4, dtype=np.float32), 2)[1] == -1).all()


def test_shapes_are_checked() -> None:
    with pytest.raises(ValueError, match="expected"):
        neighbours.find_neighbours(np.zeros((2, 3), np.float32), np.zeros((2, 4), np.float32), 1)
