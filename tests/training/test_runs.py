"""Run folders: what they hold, who may use them, and what a restart may change."""

import csv
import json
import math
import sys
from pathlib import Path

import pytest

from biometric.errors import RunConflict, StorageFull
from biometric.training.runs import RunFolder, write_file

SETTINGS = {"seed": 3, "rate": 0.1, "crops": ["a", "b"], "device": "cpu", "workers": 0}


def test_a_new_run_says_with_what_it_was_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["…", "train", "distill", "--licence", "CC BY 4.0"])
    with RunFolder(tmp_path / "deep" / "run", "distill", SETTINGS) as run:
        begun = json.loads((run.folder / "config.json").read_text())
    assert begun["kind"] == "distill"
    assert begun["settings"] == SETTINGS
    assert begun["command"] == "python -m biometric train distill --licence 'CC BY 4.0'"
    assert begun["versions"].keys() >= {"python", "torch", "numpy"}
    assert begun["started"].endswith("+00:00")


def test_a_run_is_gone_on_with_only_when_asked(tmp_path: Path) -> None:
    with RunFolder(tmp_path, "distill", SETTINGS) as run:
        run.record({"epoch": 1, "loss": 2.0})
        run.record({"epoch": 2, "loss": 1.0})
    with pytest.raises(RunConflict, match=r"holds a run\. Continue it with --resume"):
        RunFolder(tmp_path, "distill", SETTINGS)
    with RunFolder(tmp_path, "distill", SETTINGS, resume=True) as run:
        assert [row["loss"] for row in run.rows] == [2.0, 1.0]
        run.forget_after(1)
        run.record({"epoch": 2, "loss": 0.5})
    assert [row["loss"] for row in json.loads((tmp_path / "metrics.json").read_text())] == [2.0, 0.5]


def test_to_resume_where_nothing_is_begins(tmp_path: Path) -> None:
    with RunFolder(tmp_path, "distill", SETTINGS, resume=True) as run:
        assert run.rows == []
        assert (tmp_path / "config.json").is_file()


def test_changed_settings_are_named(tmp_path: Path) -> None:
    RunFolder(tmp_path, "distill", SETTINGS).close()
    changed = {**SETTINGS, "rate": 0.2, "crops": ["a"], "new": 1}
    with pytest.raises(RunConflict, match=r"with other settings \(crops, new, rate\)"):
        RunFolder(tmp_path, "distill", changed, resume=True)
    with pytest.raises(RunConflict, match=r"as another kind \(distill\)"):
        RunFolder(tmp_path, "finetune", SETTINGS, resume=True)
    RunFolder(tmp_path, "distill", SETTINGS, resume=True).close()  # a refusal leaves it free


def test_a_run_of_an_architecture_that_was_renamed_is_resumed(tmp_path: Path) -> None:
    RunFolder(tmp_path, "distill", {**SETTINGS, "student": "resnet14_placed"}).close()
    RunFolder(tmp_path, "distill", {**SETTINGS, "student": "resnet14_gdc"}, resume=True).close()
    with pytest.raises(RunConflict, match=r"with other settings \(student\)"):
        RunFolder(tmp_path, "distill", {**SETTINGS, "student": "osnet_x0_5_gdc"}, resume=True)


def test_where_it_computes_may_change(tmp_path: Path) -> None:
    RunFolder(tmp_path, "distill", SETTINGS).close()
    RunFolder(tmp_path, "distill", {**SETTINGS, "device": "cuda", "workers": 8, "threads": 4}, resume=True).close()


def test_one_process_at_a_time(tmp_path: Path) -> None:
    with RunFolder(tmp_path, "distill", SETTINGS):
        with pytest.raises(RunConflict, match="Another process is training in"):
            RunFolder(tmp_path, "distill", SETTINGS, resume=True)
        RunFolder(tmp_path, "distill", SETTINGS, quiet=True).close()  # another process of the same training
    RunFolder(tmp_path, "distill", SETTINGS, resume=True).close()


def test_a_damaged_config_is_told(tmp_path: Path) -> None:
    for damaged in ("{", "[]", '{"kind": "distill"}', '{"kind": "distill", "settings": 5}'):
        (tmp_path / "config.json").write_text(damaged)
        with pytest.raises(RunConflict, match=r"config\.json cannot be read"):
            RunFolder(tmp_path, "distill", SETTINGS, resume=True)


def test_damaged_metrics_are_told(tmp_path: Path) -> None:
    RunFolder(tmp_path, "distill", SETTINGS).close()
    for damaged in ('[{"epoch": 1', '[{"loss": 1}]', "5"):
        (tmp_path / "metrics.json").write_text(damaged)
        with pytest.raises(RunConflict, match=r"metrics\.json cannot be read"):
            RunFolder(tmp_path, "distill", SETTINGS, resume=True)


def test_metrics_are_a_table_of_all_quantities(tmp_path: Path) -> None:
    with RunFolder(tmp_path, "distill", SETTINGS) as run:
        run.record({"epoch": 1, "loss": 2.0})
        run.record({"epoch": 2, "loss": math.inf, "rank1": 0.5})
    rows = list(csv.DictReader((tmp_path / "metrics.csv").read_text().splitlines()))
    assert [row["rank1"] for row in rows] == ["", "0.5"]
    assert rows[1]["loss"] == "inf"
    assert json.loads((tmp_path / "metrics.json").read_text())[1] == {"epoch": 2.0, "rank1": 0.5}


def test_an_end_leaves_result_curves_and_card(tmp_path: Path) -> None:
    with RunFolder(tmp_path, "distill", SETTINGS) as run:
        for epoch in range(1, 4):
            run.record({"epoch": epoch, "loss": 1000.0 / 10**epoch, "rate": 0.1, "seconds": math.nan})
        run.finish({"cosine": 0.9}, ["# A card", "", "Words: ü."])
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["cosine"] == 0.9
    assert "ended" in result
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "card.md").read_text("utf-8") == "# A card\n\nWords: ü.\n"


def test_an_end_without_epochs_draws_nothing(tmp_path: Path) -> None:
    with RunFolder(tmp_path, "detector", SETTINGS) as run:
        run.finish({}, ["# A card"])
    assert not (tmp_path / "curves.png").exists()


def test_quiet_processes_write_nothing(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "run", "distill", SETTINGS, quiet=True) as run:
        run.record({"epoch": 1, "loss": 2.0})
        run.finish({}, ["# A card"])
    assert not (tmp_path / "run").exists()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageFull, match="cannot be written"):
        RunFolder(tmp_path / "file" / "run", "distill", SETTINGS)


def test_files_are_whole_or_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_file(tmp_path / "a.txt", b"first")

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(StorageFull, match="the disk is full"):
        write_file(tmp_path / "a.txt", b"second")
    assert (tmp_path / "a.txt").read_bytes() == b"first"
    assert [each.name for each in tmp_path.iterdir()] == ["a.txt"]
