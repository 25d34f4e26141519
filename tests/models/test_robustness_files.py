"""Tables of what pixels cost: written, read back, found beside weights, and passed over where they are no tables."""

import logging
from pathlib import Path

import pytest

from biometric.entities.robustness import DetailMeasure, MissedShare, RobustnessRow, RobustnessTable
from biometric.errors import InvalidSetting, StorageFull
from biometric.models.robustness_files import (
    find_robustness,
    read_robustness,
    robustness_path,
    robustness_toml,
    write_robustness,
)

TABLE = RobustnessTable(
    "sha256:ab/12",
    'A "set", 100 % of Zürich\nand\x7f more',
    "2026-11-27",
    0.668,
    0.716,
    4.25,
    (
        RobustnessRow(
            DetailMeasure.HEIGHT, 64, 96, 40, 200, MissedShare(80, 0.3, 0.5), MissedShare(100, 0.401234, 0.6)
        ),
        RobustnessRow(DetailMeasure.HEIGHT, 96, None, 40, 200, MissedShare(0, 0.0, 0.075), MissedShare(4, 0.0, 0.1)),
        RobustnessRow(DetailMeasure.SHARPNESS, 0, 25, 3, 9, MissedShare(9, 0.5, 1.0), MissedShare(9, 0.5, 1.0)),
    ),
)


def test_a_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = write_robustness(tmp_path, TABLE)
    assert path == tmp_path / "robustness" / "sha256-ab-12.toml"
    stored = read_robustness(path)
    assert stored.data == 'A "set", 100 % of Zürich\nand more'
    assert stored.rows == TABLE.rows
    assert (stored.model_id, stored.day, stored.samples) == (TABLE.model_id, TABLE.day, 4.25)
    assert (stored.verification, stored.identification) == (0.668, 0.716)
    assert find_robustness([tmp_path / "elsewhere", tmp_path], TABLE.model_id) == stored


def test_the_first_folder_with_a_table_counts_and_a_new_one_replaces(tmp_path: Path) -> None:
    import dataclasses

    first, second = tmp_path / "own", tmp_path / "shipped"
    write_robustness(second, TABLE)
    found = find_robustness([first, second], TABLE.model_id)
    assert found is not None
    assert found.day == "2026-11-27"
    for day in ("2027-01-01", "2027-01-02"):
        write_robustness(first, dataclasses.replace(TABLE, day=day))
        found = find_robustness([first, second], TABLE.model_id)
        assert found is not None
        assert found.day == day
    assert find_robustness([first, second], "another-model") is None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("samples = 4.2500", 'samples = "many"', "samples"),
        ("model =", "modell =", "model"),
        ("start = 64", "start = 64\nmeasure = 1", "measure"),
        ("people = 40", "people = 400", "people"),
        ("stop = 96", "stop = 97", "do not overlap"),
        ("low = 0.300000", "low = nan", "interval"),
        ("[[height]]", "[height]", "Cannot overwrite"),
        ("verification = 0.668", "verification = 2.0", "thresholds in"),
        ('day = "2026-11-27"', 'day = "yesterday"', "day"),
        ("[thresholds]", "[thresholds", "cannot be used"),
    ],
)
def test_a_file_that_is_no_table_is_refused_and_passed_over(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, old: str, new: str, said: str
) -> None:
    path = write_robustness(tmp_path, TABLE)
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(InvalidSetting, match=said):
        read_robustness(path)
    with caplog.at_level(logging.WARNING):
        assert find_robustness([tmp_path], TABLE.model_id) is None
    assert "cannot be used" in caplog.text


def test_a_table_of_another_model_is_passed_over(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = robustness_path(tmp_path, "mine")
    path.parent.mkdir()
    path.write_text(robustness_toml(TABLE), "utf-8")
    with caplog.at_level(logging.WARNING):
        assert find_robustness([tmp_path], "mine") is None
    assert "is of the model sha256:ab/12" in caplog.text


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "robustness").write_text("a file where the folder should be")
    with pytest.raises(StorageFull, match="cannot be written"):
        write_robustness(tmp_path, TABLE)
