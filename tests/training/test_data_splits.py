"""Who teaches and who judges: no person does both, and what nobody can be judged by is said."""

from pathlib import Path

import numpy as np
import pytest

from biometric.errors import DatasetInvalid, DataTooSmall, InvalidSetting
from biometric.evaluation.datasets import Dataset
from biometric.training.data_splits import hold_back, read_splits, subset
from tests.evaluation.made_datasets import market, write
from tests.training.made_people import dataset, tree


def shown(found: Dataset) -> list[str]:
    """The person on each picture."""
    return [found.people[number] if number >= 0 else str(number) for number in found.identities.tolist()]


def test_a_heap_is_split_by_people(tmp_path: Path) -> None:
    tree(tmp_path, people=10, each=1)
    found = read_splits("tree", tmp_path, None, None, 0)
    assert found.held_back
    assert (len(found.training.people), len(found.test.people)) == (8, 2)
    assert not set(found.training.people) & set(found.test.people)
    assert not set(found.training.sources) & set(found.test.sources)
    assert len(found.training.sources) + len(found.test.sources) == 20
    assert found.test.symmetric
    assert found.test.protocol.endswith("2 people held back")
    for source, person in zip(found.training.sources, shown(found.training), strict=True):
        assert source.path.parent.parent.name == person


def test_the_split_is_drawn_by_the_seed(tmp_path: Path) -> None:
    tree(tmp_path, people=10, each=1)
    judges = [read_splits("tree", tmp_path, None, 0.3, seed).test.people for seed in (0, 0, 1, 2)]
    assert judges[0] == judges[1]
    assert len(set(judges)) > 1
    assert {len(each) for each in judges} == {3}


def test_the_data_sets_own_sides_are_used_where_it_has_them(tmp_path: Path) -> None:
    market(tmp_path)
    for person, pictures in ((11, 2), (12, 1), (13, 3)):
        for number in range(pictures):
            write(tmp_path / "bounding_box_train" / f"{person:04d}_c{number + 1}s1_000001_01.jpg", person)
    write(tmp_path / "bounding_box_train" / "-1_c1s1_000009_01.jpg")
    found = read_splits("market1501", tmp_path, None, None, 0)
    assert not found.held_back
    assert shown(found.training) == ["0011"] * 2 + ["0013"] * 3  # one picture teaches nothing, nor does junk
    assert found.single_picture_people == 1
    assert found.test.people == ("0001", "0002", "0003", "0004")
    again = read_splits("market1501", tmp_path, None, 0.5, 0)
    assert again.held_back
    assert set(again.test.people) == {"0011", "0013"}  # nobody else was seen by two cameras


def test_a_training_side_alone_needs_people_held_back(tmp_path: Path) -> None:
    for person in (11, 12, 13):
        for camera in (1, 2):
            write(tmp_path / "bounding_box_train" / f"{person:04d}_c{camera}s1_000001_01.jpg", person)
    with pytest.raises(DatasetInvalid, match="give --hold-back"):
        read_splits("market1501", tmp_path, None, None, 0)
    found = read_splits("market1501", tmp_path, None, 0.5, 0)
    assert (len(found.training.people), len(found.test.people)) == (1, 2)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5, float("nan")])
def test_a_share_that_is_none(tmp_path: Path, share: float) -> None:
    with pytest.raises(InvalidSetting, match="--hold-back is a share"):
        read_splits("tree", tmp_path, None, share, 0)


def test_people_of_one_camera_cannot_judge() -> None:
    one_camera = dataset(("ada", "1"), ("ada", "1"), ("ben", "1"), ("cid", "1"), ("cid", "2"))
    with pytest.raises(DataTooSmall, match="Of 3 people 1 were seen by two cameras"):
        hold_back(one_camera, 0.5, 0)


def test_distractors_and_junk_judge_only() -> None:
    people = [(name, camera) for name in ("ada", "ben", "cid") for camera in "12"]
    learnt, judged = hold_back(dataset(*people, ("", "1"), (None, "2")), 0.6, 0)
    assert (learnt.identities >= 0).all()
    assert sorted(judged.identities[judged.identities < 0].tolist()) == [-2, -1]


def test_a_subset_keeps_sides_and_numbers_people_anew() -> None:
    found = dataset(("ada", "1"), ("ben", "1"), ("ben", "2"), ("", "1"), ("cid", "2"))
    part = subset(found, np.array([False, True, False, True, True]))
    assert part.people == ("ben", "cid")
    assert part.identities.tolist() == [0, -2, 1]
    assert [str(source) for source in part.sources] == ["1.png", "3.png", "4.png"]
    assert part.probes.tolist() == part.references.tolist() == [0, 1, 2]
