"""The index of rounded vectors: the same answers as comparing one by one, whatever rounding does."""

import itertools

import numpy as np
import pytest

from biometric.gallery.compact_index import CompactIndex, rounding_error
from biometric.gallery.index import Hit, Matrix, Numbers
from tests.gallery.test_index import NOTHING, brute_force, same, unit_rows


class Held:
    """What an index should hold: vectors and owners by reference number, in the order of insertion."""

    def __init__(self, dimension: int, segment: int = 64) -> None:
        self.index = CompactIndex(dimension, segment)
        self.rows: dict[int, tuple[int, np.ndarray]] = {}
        self.read_at_once: list[int] = []

    def update(self, removed: list[int], references: list[int], owners: list[int], vectors: np.ndarray) -> None:
        self.index.update(np.array(removed, np.int64), np.array(references, np.int64), np.array(owners), vectors)
        for number in removed:
            self.rows.pop(number, None)
        self.rows.update(zip(references, zip(owners, vectors, strict=True), strict=True))

    def read(self, numbers: Numbers) -> Matrix:
        self.read_at_once.append(len(numbers))
        return np.stack([self.rows[number][1] for number in numbers.tolist()])

    def search(self, query: np.ndarray, count: int) -> list[Hit]:
        return self.index.search(query, count, self.read)

    def expected(self, query: np.ndarray, count: int) -> list[Hit]:
        owners = np.array([owner for owner, _ in self.rows.values()])
        vectors = np.stack([vector for _, vector in self.rows.values()])
        return brute_force(np.array(list(self.rows)), owners, vectors, query)[:count]


def held(vectors: np.ndarray, owners: np.ndarray, segment: int = 64) -> Held:
    filled = Held(vectors.shape[1], segment)
    filled.update([], list(range(100, 100 + len(vectors))), owners.tolist(), vectors)
    return filled


def agree(filled: Held, query: np.ndarray, found: list[Hit], expected: list[Hit]) -> None:
    """The same scores; references whose scores are the same but for float32 may stand for each other."""
    assert [hit.score for hit in found] == pytest.approx([hit.score for hit in expected], abs=1e-6)
    assert len({hit.owner for hit in found}) == len(found)
    for hit in found:
        owner, vector = filled.rows[hit.reference]
        assert owner == hit.owner
        assert hit.score == pytest.approx(float(vector @ query), abs=1e-6)


def close_rows(count: int, dimension: int, spread: float, seed: int) -> np.ndarray:
    """Directions that differ from one by about `spread`: their scores lie closer together than rounding moves them."""
    rows = unit_rows(1, dimension, seed) + spread * unit_rows(count, dimension, seed + 1)
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("spread", [1e-5, 1e-4, 1e-3, 1e-2, 1.0, 100.0])
@pytest.mark.parametrize("people", [3, 40, 500])
def test_search_agrees_with_comparing_one_by_one(spread: float, people: int) -> None:
    for seed in range(3):
        vectors = close_rows(500, 32, spread, 10 * seed)
        filled = held(vectors, np.random.default_rng(seed).integers(0, people, 500))
        for query in (*unit_rows(2, 32, seed + 7), vectors[seed]):
            expected = filled.expected(query, 1000)
            for count in (1, 5, 60, 1000):
                agree(filled, query, filled.search(query, count), expected[:count])


@pytest.mark.parametrize("seed", range(4))
def test_decisions_at_any_threshold_are_those_of_exact_scores(seed: int) -> None:
    """Who passes a threshold that lies between two scores, however close, does not depend on the rounding."""
    filled = held(close_rows(300, 64, 2e-3, seed), np.arange(300))
    query = unit_rows(1, 64, seed + 50)[0]
    exact = [hit.score for hit in filled.expected(query, 300)]
    rounded = np.array([row.astype(np.float16).astype(np.float32) @ query for _, row in filled.rows.values()])
    changed = 0
    for better, worse in itertools.pairwise(exact[:21]):
        threshold = (better + worse) / 2
        passed = sum(score >= threshold for score in exact)
        assert sum(hit.score >= threshold for hit in filled.search(query, 30)) == passed
        changed += int((rounded >= threshold).sum()) != passed
    assert changed  # without exact scores some would be others


@pytest.mark.parametrize("seed", range(3))
def test_any_sequence_of_changes_leaves_what_is_held(seed: int) -> None:
    generator = np.random.default_rng(seed)
    filled, numbers = Held(8, 16), iter(range(1, 10_000))
    for _ in range(60):
        known = list(filled.rows)
        removed = generator.choice(known, min(len(known), int(generator.integers(0, 30))), replace=False).tolist()
        moved = removed[: len(removed) // 3]
        added = [next(numbers) for _ in range(int(generator.integers(0, 40)))]
        kept = [filled.rows[number][1] for number in moved]
        vectors = np.concatenate(
            [np.array(kept, np.float32).reshape(-1, 8), unit_rows(40, 8, len(known))[: len(added)]]
        )
        owners = generator.integers(0, 25, len(moved) + len(added)).tolist()
        filled.update([*removed, 77_777], [*moved, *added], owners, vectors)
        assert len(filled.index) == len(filled.rows)
        query = unit_rows(1, 8, int(generator.integers(1 << 30)))[0]
        if filled.rows:
            agree(filled, query, filled.search(query, 6), filled.expected(query, 6))
    filled.update(list(filled.rows), [], [], np.empty((0, 8), np.float32))
    assert filled.search(query, 6) == []
    filled.update([], [5], [6], unit_rows(1, 8))
    same(filled.search(unit_rows(1, 8)[0], 6), [Hit(6, 5, 1.0)])


def test_few_vectors_are_read_again() -> None:
    filled = held(unit_rows(5000, 64), np.arange(5000) // 4, segment=1024)
    for query in unit_rows(20, 64, 3):
        filled.search(query, 5)
    assert max(filled.read_at_once) < 100
    one_person = held(unit_rows(5000, 64), np.zeros(5000, np.int64), segment=1024)
    same(one_person.search(unit_rows(1, 64, 3)[0], 5), one_person.expected(unit_rows(1, 64, 3)[0], 5))
    assert max(one_person.read_at_once) < 100  # fewer people than asked for is no reason to read all


@pytest.mark.parametrize("dimension", [1, 2, 16, 256, 2048])
def test_rounding_moves_no_score_by_more_than_is_said(dimension: int) -> None:
    spread = unit_rows(400, dimension, 1)
    tiny = np.full((1, dimension), 1e-6, np.float32)  # below the smallest normal float16
    tiny[0, 0] = 1.0
    # Each number as far as can be from what float16 holds, all errors to one side.
    worst = np.full((1, dimension), (1.0 + 2.0**-11) * 2.0 ** -np.ceil(np.log2(dimension) / 2), np.float32)
    vectors = np.concatenate([spread, tiny, worst]).astype(np.float64)
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    index = CompactIndex(dimension)
    index.update(NOTHING, np.arange(len(vectors)), np.arange(len(vectors)), vectors)
    for query in (*vectors[-3:], *unit_rows(5, dimension, 2)):
        scores, positions = index._best(query, len(vectors))
        exact = vectors[positions].astype(np.float64) @ query
        assert np.abs(scores - exact).max() <= rounding_error(dimension)
    assert rounding_error(256) < 6e-4


def test_vectors_that_are_kept_rounded_need_a_way_to_read_them() -> None:
    filled = held(unit_rows(3, 8), np.arange(3))
    with pytest.raises(ValueError, match="a way to read stored vectors"):
        filled.index.search(unit_rows(1, 8)[0], 1)


@pytest.mark.parametrize("query", [np.zeros(8), np.full(8, np.nan), np.full(8, np.inf), np.full(8, 1e-9)])
def test_promise_19_nothing_never_matches_someone(query: np.ndarray) -> None:
    assert Held(8).search(unit_rows(1, 8)[0], 5) == []
    filled = held(unit_rows(300, 8), np.arange(300))
    assert filled.search(query.astype(np.float32), 5) == []
    assert filled.search(unit_rows(1, 8)[0], 0) == []
