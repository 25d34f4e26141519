"""From pictures to numbers, with a stand-in for the embedder."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from biometric.entities import Image, Progress
from biometric.errors import DatasetInvalid, InvalidInput
from biometric.evaluation.datasets import read
from biometric.evaluation.degradations import DEGRADATIONS, degradation
from biometric.evaluation.evaluating import Evaluation, Plan, embed_pictures, evaluate, read_groups, robustness
from tests.evaluation.made_datasets import market


class ColourEmbedder:
    """Describes a crop by the mean colours of its upper and lower half."""

    model_id = "colours"
    dimension = 6
    device = "test"

    def embed(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        halves = [
            np.concatenate([half.reshape(-1, 3).mean(axis=0) for half in np.array_split(crop.astype(float), 2)]) - 120
            for crop in crops
        ]
        vectors = np.array(halves, np.float32).reshape(-1, 6) + np.float32(0.5)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def finish(work) -> tuple[list[Progress], object]:
    told = []
    while True:
        try:
            told.append(next(work))
        except StopIteration as finished:
            return told, finished.value


def run(plan: Plan) -> Evaluation:
    found = finish(evaluate(plan, ColourEmbedder()))[1]
    assert isinstance(found, Evaluation)
    return found


def test_pictures_become_numbers_with_progress(tmp_path: Path) -> None:
    dataset = read("market1501", market(tmp_path))
    told, found = finish(evaluate(Plan(dataset, {"mine": 0.5}), ColourEmbedder()))
    assert isinstance(found, Evaluation)
    assert str(told[0]).startswith(f"Embedding picture {len(dataset.sources)} of {len(dataset.sources)}")
    assert found.measured.ranking.ranks[1].value == 1.0
    assert found.measured.ranking.probes == 4
    assert found.measured.verification.scores.genuine.total == 4
    assert set(found.seconds) == {"embed", "measure"}
    assert found.rows == ()


def test_a_degraded_side_changes_that_side_only(tmp_path: Path) -> None:
    dataset = read("market1501", market(tmp_path))
    clean = finish(embed_pictures(dataset, ColourEmbedder(), None, 0))[1]
    hidden = finish(embed_pictures(dataset, ColourEmbedder(), degradation("lower-body"), 0))[1]
    assert not np.allclose(clean, hidden)
    plain, probe = run(Plan(dataset, {})), run(Plan(dataset, {}, probe=degradation("lower-body")))
    both = run(Plan(dataset, {}, probe=degradation("lower-body"), reference=degradation("lower-body")))
    means = [each.measured.verification.scores.genuine.mean for each in (plain, probe, both)]
    assert means[1] < means[0]
    assert means[1] < means[2]


def test_a_set_compared_with_itself_counts_each_pair_once_unless_its_sides_differ(tmp_path: Path) -> None:
    market(tmp_path, junk=False)
    dataset = read("market1501", tmp_path / "bounding_box_test")
    plain, probe = run(Plan(dataset, {})), run(Plan(dataset, {}, probe=degradation("blur")))
    both = run(Plan(dataset, {}, probe=degradation("blur"), reference=degradation("blur")))
    assert [each.measured.verification.scores.genuine.total for each in (plain, probe, both)] == [4, 8, 4]


def test_robustness_has_a_row_for_every_configuration(tmp_path: Path) -> None:
    dataset = read("market1501", market(tmp_path))
    clean = finish(embed_pictures(dataset, ColourEmbedder(), None, 0))[1]
    told, rows = finish(robustness(dataset, ColourEmbedder(), clean, 0, DEGRADATIONS[:2]))
    assert [(row.degradation, row.configuration) for row in rows] == [
        ("", "none"),
        *[(each.name, side) for each in DEGRADATIONS[:2] for side in ("probe", "reference", "both")],
    ]
    assert rows[0].fnmr == rows[0].fixed_fnmr
    assert any(DEGRADATIONS[1].title in str(each) for each in told)


def test_groups_are_audited(tmp_path: Path) -> None:
    dataset = read("market1501", market(tmp_path / "data"))
    listing = tmp_path / "groups.csv"
    listing.write_text("id,coat,age\n1,red,\n0002,red,old\n3,blue,old\n4,blue,old\n99,blue,old\n")
    groups = read_groups(listing, dataset)
    assert groups == {"coat": {0: "red", 1: "red", 2: "blue", 3: "blue"}, "age": {1: "old", 2: "old", 3: "old"}}
    found = run(Plan(dataset, {}, groups=groups))
    assert [audit.attribute for audit in found.audits] == ["coat", "age"]
    assert [each.people for each in found.audits[0].rates] == [2, 2]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "no column id"),
        (b"id\n1\n", "no column id"),
        (b"who,coat\n1,red\n", "no column id"),
        (b"id,coat\n1,red\n1,blue\n", "two groups of coat: red and blue"),
        (b"id,coat\n77,red\n", "label nobody"),
        (b"\xff\xfe\x00", "cannot be read"),
    ],
)
def test_bad_groups_are_told(tmp_path: Path, content: bytes, problem: str) -> None:
    dataset = read("market1501", market(tmp_path / "data"))
    (tmp_path / "groups.csv").write_bytes(content)
    with pytest.raises(InvalidInput, match=problem):
        read_groups(tmp_path / "groups.csv", dataset)
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_groups(tmp_path / "missing.csv", dataset)


def test_a_damaged_picture_ends_the_run_by_its_name(tmp_path: Path) -> None:
    dataset = read("market1501", market(tmp_path))
    (tmp_path / "query" / "0002_c1s1_000001_00.jpg").write_bytes(b"broken")
    with pytest.raises(DatasetInvalid, match="0002_c1s1_000001_00"):
        run(Plan(dataset, {}))
