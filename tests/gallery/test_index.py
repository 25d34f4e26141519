"""Both kinds of index against comparing one by one."""

import subprocess
import sys

import numpy as np
import pytest

from biometric.gallery import index as module
from biometric.gallery.index import FaissIndex, FlatIndex, Hit, NumpyIndex, make_index

NOTHING = np.empty(0, np.int64)
KINDS = pytest.mark.parametrize("kind", [FaissIndex, NumpyIndex])


def unit_rows(count: int, dimension: int, seed: int = 0) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(count, dimension)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def filled(kind: type[FlatIndex], vectors: np.ndarray, owners: np.ndarray, first: int = 100) -> FlatIndex:
    index = kind(vectors.shape[1])
    index.update(NOTHING, np.arange(first, first + len(vectors)), owners, vectors)
    return index


def brute_force(references: np.ndarray, owners: np.ndarray, vectors: np.ndarray, query: np.ndarray) -> list[Hit]:
    best: dict[int, Hit] = {}
    for reference, owner, vector in zip(references.tolist(), owners.tolist(), vectors, strict=True):
        hit = Hit(owner, reference, float(vector @ query))
        if owner not in best or hit.score > best[owner].score:
            best[owner] = hit
    return sorted(best.values(), key=lambda hit: -hit.score)


def same(found: list[Hit], expected: list[Hit]) -> None:
    assert [(hit.owner, hit.reference) for hit in found] == [(hit.owner, hit.reference) for hit in expected]
    assert [hit.score for hit in found] == pytest.approx([hit.score for hit in expected], abs=1e-6)


@KINDS
def test_search_agrees_with_comparing_one_by_one(kind: type[FlatIndex]) -> None:
    vectors, owners = unit_rows(500, 32), np.random.default_rng(1).integers(0, 60, 500)
    index = filled(kind, vectors, owners)
    for query in unit_rows(10, 32, seed=2):
        expected = brute_force(np.arange(100, 600), owners, vectors, query)
        for count in (1, 5, 60, 1000):
            same(index.search(query, count), expected[:count])


@KINDS
def test_search_widens_until_enough_different_people_are_found(kind: type[FlatIndex]) -> None:
    query = unit_rows(1, 8)[0]
    crowd = np.repeat(query[None], 3000, axis=0)  # one person's references fill the top
    others = unit_rows(3, 8, seed=5)
    index = filled(kind, np.concatenate([crowd, others]), np.array([7] * 3000 + [1, 2, 3]))
    found = index.search(query, 4)
    assert sorted(hit.owner for hit in found) == [1, 2, 3, 7]
    assert found[0].owner == 7


@KINDS
def test_update_adds_moves_and_removes(kind: type[FlatIndex]) -> None:
    vectors, owners = unit_rows(50, 16), np.arange(50)
    index = filled(kind, vectors, owners)
    fresh = unit_rows(2, 16, seed=9)
    # Reference 103 moves to owner 999, 110 goes, 5000 comes; 42 was never here.
    index.update(
        np.array([103, 110, 42]), np.array([103, 5000]), np.array([999, 1000]), np.stack([vectors[3], fresh[0]])
    )
    assert len(index) == 50
    assert index.search(vectors[3], 1)[0].owner == 999
    assert index.search(fresh[0], 1)[0].reference == 5000
    assert all(hit.reference != 110 for hit in index.search(vectors[10], 50))
    for position in (0, 20, 49):
        assert index.search(vectors[position], 1)[0].reference == 100 + position
    index.update(np.array([*range(100, 150), 5000]), NOTHING, NOTHING, np.empty((0, 16), np.float32))
    assert len(index) == 0
    assert index.search(vectors[0], 5) == []


@KINDS
def test_promise_19_nothing_never_matches_someone(kind: type[FlatIndex]) -> None:
    assert kind(8).search(unit_rows(1, 8)[0], 5) == []
    index = filled(kind, unit_rows(30, 8), np.arange(30))
    for query in (np.zeros(8), np.full(8, np.nan), np.full(8, np.inf), np.full(8, 1e-9)):
        assert index.search(query.astype(np.float32), 5) == []
    for count in (0, -1):
        assert index.search(unit_rows(1, 8)[0], count) == []


@KINDS
def test_scores_stay_within_their_range(kind: type[FlatIndex]) -> None:
    vectors = np.full((3, 3), np.float32(0.57735032), np.float32)  # its square sums to just above 1
    index = filled(kind, vectors, np.arange(3))
    assert all(-1.0 <= hit.score <= 1.0 for hit in index.search(vectors[0], 3))
    assert all(-1.0 <= hit.score <= 1.0 for hit in index.search(-vectors[0], 3))


@KINDS
def test_wrong_shapes_are_refused(kind: type[FlatIndex]) -> None:
    index = filled(kind, unit_rows(3, 8), np.arange(3))
    with pytest.raises(ValueError, match=r"query of shape \(8,\), got \(4,\)"):
        index.search(unit_rows(1, 4)[0], 1)
    with pytest.raises(ValueError, match=r"vectors of shape \(1, 8\)"):
        index.update(NOTHING, np.array([9]), np.array([9]), unit_rows(1, 4))
    with pytest.raises(ValueError, match="as many owners"):
        index.update(NOTHING, np.array([9]), np.array([9, 10]), unit_rows(1, 8))
    assert len(index) == 3


def test_the_fastest_kind_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(make_index(4), FaissIndex)
    monkeypatch.setattr(module, "HAVE_FAISS", False)
    assert isinstance(make_index(4), NumpyIndex)


def test_the_index_works_where_faiss_cannot_be_imported() -> None:
    script = (
        "import sys; sys.modules['faiss'] = None\n"
        "import numpy as np; from biometric.gallery.index import make_index\n"
        "index, rows = make_index(2), np.eye(2, dtype='f4')\n"
        "index.update(np.empty(0, int), np.array([5]), np.array([6]), rows[:1])\n"
        "print(type(index).__name__, index.search(rows[0], 3))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "NumpyIndex [Hit(owner=6, reference=5, score=1.0)]"
