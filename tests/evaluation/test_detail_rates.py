"""Misses by pixels and sharpness: counted by hand, in steps, in words, and kept beside the weights."""

import itertools
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from biometric.entities.progress import finish
from biometric.entities.robustness import DetailMeasure, MissedShare, RobustnessRow, RobustnessTable
from biometric.errors import DatasetInvalid
from biometric.evaluation.datasets import Dataset
from biometric.evaluation.datasets.folders import read_tree
from biometric.evaluation.detail_rates import (
    DetailComparisons,
    DetailRates,
    DetailTemplates,
    SeenPictures,
    compare,
    count_rows,
    group_pictures,
    measure_detail,
    pool_members,
    reduce_to,
)
from biometric.evaluation.detail_texts import detail_json, detail_lines, detail_tables
from biometric.evaluation.robustness_keeping import check_people

LIMITS = {"verification": 0.5, "identification": 0.8}


class SmallIsBlind:
    """Sees who a picture shows by its colour, but below 60 pixels of height everybody is the same grey."""

    model_id, dimension, device = "half-blind", 3, "test"

    def __init__(self) -> None:
        self.heights: list[int] = []

    def embed(self, crops: Any) -> np.ndarray:
        self.heights += [crop.shape[0] for crop in crops]
        rows = []
        for crop in crops:
            colour = crop.reshape(-1, 3).astype(np.float64).mean(axis=0)
            rows.append(np.array([1.0, 1.0, 1.0]) if crop.shape[0] < 60 else colour)
        vectors = np.array(rows)
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def tree(root: Path, people: int, heights: tuple[int, ...] = (128,)) -> Dataset:
    """People of pure colours, by two cameras each, as high as the cameras' pictures are."""
    for person in range(people):
        for camera, height in itertools.product(range(2), heights):
            path = root / f"{person:03d}" / f"{camera}" / f"{height}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            image = np.zeros((height, height // 2, 3), np.uint8)
            image[:, :, person % 3] = 200
            assert cv2.imwrite(str(path), image)
    return read_tree(root)


def ask(dataset: Dataset, embedder: Any = None) -> DetailRates:
    return finish(measure_detail(dataset, embedder or SmallIsBlind(), LIMITS))


def spans(rows: Any, measure: DetailMeasure = DetailMeasure.HEIGHT) -> dict[float, tuple[int, int, int]]:
    """People, comparisons and misses of verification by where rows begin."""
    return {row.start: (row.people, row.comparisons, row.verification.missed) for row in rows if row.measure is measure}


def test_misses_begin_where_the_model_goes_blind(tmp_path: Path) -> None:
    embedder = SmallIsBlind()
    rates = ask(tree(tmp_path, 3), embedder)
    # grey against a pure colour scores 1/√3 = 0.577: above 0.5, below 0.8
    assert all(row.verification.missed == 0 for row in rates.rows)
    heights = {row.start: row for row in rates.rows if row.measure is DetailMeasure.HEIGHT}
    assert list(heights) == [16, 24, 32, 48, 64, 96, 128]
    # as it is a pair counts once; a reduced probe is compared with either camera's reference
    assert {start: row.comparisons for start, row in heights.items()} == {
        **dict.fromkeys((16, 24, 32, 48, 64, 96), 6),
        128: 3,
    }
    assert {start: row.share("identification") for start, row in heights.items()} == {
        **dict.fromkeys((16, 24, 32, 48), 1.0),
        **dict.fromkeys((64, 96, 128), 0.0),
    }
    assert sorted(set(embedder.heights)) == [16, 24, 32, 48, 64, 96, 128]
    assert (rates.verification, rates.identification, rates.samples) == (0.5, 0.8, 1.0)


def test_small_pictures_count_where_they_are_and_are_not_reduced_to_larger_ones(tmp_path: Path) -> None:
    embedder = SmallIsBlind()
    rates = ask(tree(tmp_path, 2, heights=(40,)), embedder)
    assert max(embedder.heights) == 40
    assert spans(rates.rows) == {16: (2, 4, 0), 24: (2, 4, 0), 32: (2, 4 + 2, 0)}


def test_plain_pictures_have_no_sharpness_to_lose(tmp_path: Path) -> None:
    rates = ask(tree(tmp_path, 2))
    assert spans(rates.rows, DetailMeasure.SHARPNESS) == {0: (2, 2, 0)}


def test_blurred_probes_count_in_lower_rows(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (128, 64, 3)).astype(np.uint8)
    for person, camera in itertools.product("ab", "01"):
        path = tmp_path / person / camera / "1.png"
        path.parent.mkdir(parents=True)
        assert cv2.imwrite(str(path), noise)
    rates = ask(read_tree(tmp_path))
    counted = spans(rates.rows, DetailMeasure.SHARPNESS)
    assert counted[3200][:2] == (2, 2)  # as they are
    assert sum(comparisons for _, comparisons, _ in counted.values()) == 2 + 4 * 4
    assert min(counted) < 400


def test_templates_are_pooled_and_told_by_their_medians() -> None:
    vectors = np.array([[1, 0], [0, 1], [0.6, 0.8]], np.float32)
    seen = SeenPictures(vectors, np.array([10.0, 20.0, 90.0]), np.array([1.0, 5.0, 3.0]))
    pooled = pool_members(seen, [np.array([0, 1]), np.array([0, 1, 2])])
    assert np.allclose(pooled.vectors[0], [0.70710678, 0.70710678])
    assert np.allclose(np.linalg.norm(pooled.vectors, axis=1), 1.0)
    assert pooled.heights.tolist() == [15.0, 20.0]
    assert pooled.sharpnesses.tolist() == [3.0, 3.0]


def test_pairs_are_of_one_person_by_two_cameras_and_count_at_the_poorer_side() -> None:
    vectors = np.array([[1, 0], [0, 1], [1, 0], [1, 0]], np.float32)
    people, cameras = np.array([0, 0, 0, 1]), np.array([0, 1, 1, 0])
    whole = DetailTemplates(vectors, np.array([100.0, 50.0, 200.0, 9.0]), np.zeros(4))
    plain = compare(whole, whole, people, cameras, DetailMeasure.HEIGHT, once=True)
    assert (plain.scores.tolist(), plain.people.tolist(), plain.values.tolist()) == ([0, 1], [0, 0], [50, 100])
    # reduced to 80: the template of 50 pixels is the same as before, and does not count again
    changed = DetailTemplates(vectors, np.array([80.0, 50.0, 80.0, 9.0]), np.zeros(4))
    reduced = compare(changed, whole, people, cameras, DetailMeasure.HEIGHT)
    assert (reduced.scores.tolist(), reduced.values.tolist()) == ([0, 1, 1], [50, 80, 80])


def test_rows_are_counted_by_hand() -> None:
    scores = np.array([0.5, 0.49, 0.9, 0.7, 0.2, 0.9])
    compared = DetailComparisons(scores, np.array([0, 0, 0, 1, 1, 2]), np.array([16.0, 23.9, 24, 24, 300, 3]))
    rows = count_rows([compared], DetailMeasure.HEIGHT, (16, 24, 256), LIMITS)
    assert [(row.start, row.stop, row.people, row.comparisons) for row in rows] == [
        (16, 24, 1, 2),
        (24, 256, 2, 2),
        (256, None, 1, 1),
    ]
    # a score at the threshold is a match
    assert [(row.verification.missed, row.identification.missed) for row in rows] == [(1, 2), (0, 1), (1, 1)]
    assert (rows[1].verification.low, rows[1].verification.high) == (0.0, 1.0)  # rule of three: 3 / 2 people
    assert not any(row.enough for row in rows)


def test_intervals_draw_people_not_comparisons() -> None:
    people = np.repeat(np.arange(40), 100)
    missed = DetailComparisons((people >= 10).astype(np.float64), people, np.full(4000, 64.0))
    [row] = count_rows([missed], DetailMeasure.HEIGHT, (64,), LIMITS)
    assert (row.share("verification"), row.enough) == (0.25, True)
    assert row.verification.low < 0.15  # 4,000 independent comparisons would give 0.24 to 0.26
    assert row.verification.high > 0.35


def test_groups_leave_out_junk_and_draw_at_most_so_many(tmp_path: Path) -> None:
    dataset = tree(tmp_path, 2, heights=(16, 20, 24))
    dataset.identities[0] = -1
    members, people, cameras = group_pictures(dataset, 2, 0)
    assert (people.tolist(), cameras.tolist()) == ([0, 0, 1, 1], [0, 1, 0, 1])
    assert [len(numbers) for numbers in members] == [2, 2, 2, 2]
    assert 0 not in members[0]
    again = group_pictures(dataset, 2, 0)[0]
    assert all(np.array_equal(first, second) for first, second in zip(members, again, strict=True))


def test_nobody_to_compare_gives_no_row(tmp_path: Path) -> None:
    dataset = tree(tmp_path, 1)
    dataset.identities[:] = -2
    assert ask(dataset).rows == ()


def test_a_picture_keeps_its_shape_when_reduced() -> None:
    assert reduce_to(np.zeros((300, 100, 3), np.uint8), 96).shape == (96, 32, 3)
    assert reduce_to(np.zeros((300, 1, 3), np.uint8), 16).shape == (16, 1, 3)


def test_too_few_people_are_told_in_place_of_a_share(tmp_path: Path) -> None:
    few = ask(tree(tmp_path / "few", 3))
    assert all(cells[3] == "too few data" for _, _, rows in detail_tables(few) for cells in rows)
    assert any("  64–95: too few data, 6 comparisons of 3 people." in line for line in detail_lines(few))
    many = ask(tree(tmp_path / "many", 30))
    lines = list(detail_lines(many))
    assert "  48–63: FNMR 1:1 0.000 (0.000–0.100), 1:N 1.000 (1.000–1.000), 60 comparisons of 30 people." in lines
    assert "  128–191: FNMR 1:1 0.000 (0.000–0.100), 1:N 0.000 (0.000–0.100), 30 comparisons of 30 people." in lines
    found = json.loads(json.dumps(detail_json(many)))
    assert found["rows"][3]["fnmr"] == {"verification": 0.0, "identification": 1.0}
    assert (found["rows"][3]["support"], found["thresholds"]) == ("enough data", LIMITS)


def test_a_small_set_is_refused_before_work_is_done_on_it(tmp_path: Path) -> None:
    with pytest.raises(DatasetInvalid, match=r"shows 29 people by two cameras or more"):
        check_people(tree(tmp_path / "small", 29))
    check_people(tree(tmp_path / "large", 30))


NOTHING = MissedShare(0, 0.0, 0.1)


@pytest.mark.parametrize(
    "make",
    [
        lambda: MissedShare(-1, 0.0, 0.1),
        lambda: MissedShare(1, 0.2, 0.1),
        lambda: MissedShare(1, 0.0, float("nan")),
        lambda: RobustnessRow(DetailMeasure.HEIGHT, 64, 64, 1, 1, NOTHING, NOTHING),
        lambda: RobustnessRow(DetailMeasure.HEIGHT, -1, 64, 1, 1, NOTHING, NOTHING),
        lambda: RobustnessRow(DetailMeasure.HEIGHT, 16, 64, 2, 1, NOTHING, NOTHING),
        lambda: RobustnessRow(DetailMeasure.HEIGHT, 16, 64, 1, 1, MissedShare(2, 0, 1), NOTHING),
        lambda: RobustnessTable("m", "d", "2026-01-01", 1.5, 0.5, 1.0, ()),
        lambda: RobustnessTable("m", "d", "2026-01-01", 0.5, 0.5, 0.0, ()),
        lambda: RobustnessTable("m", "d", "2026-01-01", 0.5, 0.5, 1.0, (row(16, None), row(64, 96))),
        lambda: RobustnessTable("m", "d", "2026-01-01", 0.5, 0.5, 1.0, (row(16, 70), row(64, 96))),
    ],
)
def test_tables_that_cannot_be_are_refused(make: Any) -> None:
    with pytest.raises(ValueError, match="expected"):
        make()


def row(start: float, stop: float | None) -> RobustnessRow:
    return RobustnessRow(DetailMeasure.HEIGHT, start, stop, 1, 1, NOTHING, NOTHING)
