"""The gallery's commands on the command line: what they say, their JSON, and what they ask before deleting."""

import io
import json
import re
import sys
from pathlib import Path

import pytest

from biometric.cli import command_support, gallery
from biometric.gallery.repository import SQLiteGallery
from tests.made_galleries import check, reference
from tests.running import run_command
from tests.test_service import ServiceSetup


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Ada with references of two clips, Ben with one."""
    setup = ServiceSetup(tmp_path)
    for module in (command_support, gallery):
        monkeypatch.setattr(module, "build_service", lambda options: setup.service)
    opened = setup.service.gallery()
    for seed, name in enumerate(["Ada", "Ada", "Ben"], start=1):
        opened.enroll(name, reference(tmp_path / "crops", seed, samples=2))
    yield opened
    setup.service.close()


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    return run_command(capsys, "gallery", *arguments)


def ids(opened: SQLiteGallery, name: str) -> list[str]:
    return [held.id for held in opened.references(opened.find(name).id)]


def test_removing_says_how_to_undo_and_undoing_brings_back(stored: SQLiteGallery, capsys) -> None:
    status, out, _ = run(capsys, "remove", "ada")
    assert status == 0
    hint = r"To undo it until \d{4}-\d\d-\d\d: python -m biometric gallery undo 4\n"
    assert re.fullmatch(rf"Ada was removed with 2 references\. {hint}", out)
    assert check(stored) == {"Ben": 1}
    assert re.fullmatch(
        r"4  \S+ \S+  Ada was removed with 2 references\. Can be undone until \S+ \S+\.\n", run(capsys, "trash")[1]
    )
    assert run(capsys, "undo")[1] == (
        "Change 4 was undone (Ada). To make it again: python -m biometric gallery undo 5\n"
    )
    assert check(stored) == {"Ada": 2, "Ben": 1}
    assert run(capsys, "trash")[1] == "The trash is empty.\n"
    assert run(capsys, "undo", 5)[1] == "The change that 5 had undone was made again (Ada).\n"
    assert check(stored) == {"Ben": 1}


def test_one_reference_and_one_sample_are_removed_moved_and_shown(stored: SQLiteGallery, capsys) -> None:
    first, second = ids(stored, "Ada")
    out = run(capsys, "show", "Ada")[1].splitlines()
    assert out[0].startswith(f"Ada: 2 references, 4 samples, cover {first} 00000001_00.jpg")
    assert out[1].startswith("  matched with until ")
    basis = next(line.strip() for line in out if "Consent" in line)
    pictures = ("00000000_00.jpg", "00000001_00.jpg")
    assert [line.strip().split("  ")[0] for line in out[2:]] == [
        *("1.mp4", first, basis, *pictures, "2.mp4", second, basis, *pictures)
    ]
    assert "1 sample of" not in run(capsys, "cover", "Ada", second[:8], "00000000_00.jpg")[1]
    assert stored.find("Ada").thumbnail == stored.references(stored.find("Ada").id)[1].crops[0]
    assert (
        "A sample of Ada was removed."
        in run(capsys, "remove", "Ada", "--reference", first, "--sample", "00000001_00.jpg")[1]
    )
    assert stored.find("Ada").sample_count == 3
    assert "The reference of Ada with 1 sample is Ben's now." in run(capsys, "move", first, "--to", "ben")[1]
    assert check(stored) == {"Ada": 1, "Ben": 2}
    status, _, err = run(capsys, "move", first, "--to", "Cy")
    assert (status, "add --new" in err) == (2, True)
    assert run(capsys, "move", first, "--to", "Cy", "--new")[0] == 0
    assert "A reference of Cy was removed." in run(capsys, "remove", "Cy", "--reference", first)[1]
    assert check(stored) == {"Ada": 1, "Ben": 1}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["remove", "Ada", "--sample", "00000000_00.jpg"], "add --reference ID"),
        (["remove", "Ada", "--reference", "nothing"], "No reference of Ada has the id nothing"),
        (["remove", "Ada", "--reference", ""], "No reference of Ada has the id"),
        (["cover", "Ada", "nothing", "00000000_00.jpg"], "No reference of Ada"),
        (["move", "nothing", "--to", "Ben"], "not in the gallery any more"),
        (["undo", "99"], "no change 99"),
        (["undo", "1"], "Undo change 2 first"),
        (["erase", "Cy", "--yes"], "Nobody called Cy is enrolled"),
        (["erase", "Ada"], "Nobody can answer here: add --yes"),
        (["trash", "--empty"], "Nobody can answer here: add --yes"),
    ],
)
def test_what_cannot_be_done_is_status_2_and_changes_nothing(
    stored: SQLiteGallery, capsys, monkeypatch: pytest.MonkeyPatch, arguments: list[str], words: str
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("yes\n"))  # no terminal, so nobody who means it
    status, out, err = run(capsys, *arguments)
    assert (status, out) == (2, "")
    assert words in err
    assert check(stored) == {"Ada": 2, "Ben": 1}
    assert len(stored.changes()) == 3


class Terminal(io.StringIO):
    """Standard input of somebody who types."""

    def isatty(self) -> bool:
        return True


def test_erasing_asks_and_takes_everybody_of_that_name_also_from_the_trash(
    stored: SQLiteGallery, capsys, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    run(capsys, "remove", "Ada")
    stored.enroll("Ada", reference(tmp_path / "crops", 5))
    for typed in ("no\n", "\n", ""):
        monkeypatch.setattr(sys, "stdin", Terminal(typed))
        status, out, err = run(capsys, "erase", "ADA")
        assert (status, out) == (2, "")
        assert "Erase ADA from the gallery (1 reference), the trash for good?" in err
        assert "Nothing was deleted." in err
    assert check(stored) == {"Ada": 1, "Ben": 1}
    monkeypatch.setattr(sys, "stdin", Terminal("yes\n"))
    status, out, _ = run(capsys, "erase", "Ada", "--json")
    erased = json.loads(out)
    assert [certificate["counts"]["references"] for certificate in erased.pop("certificates")] == [1, 2]
    assert (status, erased) == (0, {"erased": "Ada", "references": 3, "samples": 6})
    assert check(stored) == {"Ben": 1}
    assert stored.trash() == []
    assert b"Ada" not in (stored.folder / "gallery.sqlite3").read_bytes()
    assert "A person was erased with 2 references. Cannot be undone." in run(capsys, "history")[1]


def test_the_trash_is_emptied_when_told(stored: SQLiteGallery, capsys) -> None:
    run(capsys, "remove", "Ada")
    assert run(capsys, "trash", "--empty", "--yes")[1] == "The trash was emptied: 2 references, 4 samples.\n"
    assert stored.trash() == []
    assert run(capsys, "undo", 4)[0] == 2


def test_the_history_tells_what_can_be_undone(stored: SQLiteGallery, capsys) -> None:
    run(capsys, "rename", "Ben", "Benjamin")
    run(capsys, "merge", "Benjamin", "Ada")
    run(capsys, "undo")
    lines = run(capsys, "history", "--limit", 4)[1].splitlines()
    assert [re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d", "then", line) for line in lines] == [
        "6  then  Change 5 was undone (Benjamin). Can be undone until then.",
        "5  then  Benjamin was merged into Ada, with 1 reference. Undone by change 6.",
        "4  then  Ben was renamed to Benjamin. Can be undone until then.",
        "3  then  Ben was enrolled with 2 samples. Undo change 4 first.",
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        *(["history"], ["trash"], ["undo"], ["remove", "Ada"], ["rename", "Ada", "Cy"], ["merge", "Ada", "Ben"]),
        *(["show", "Ada"], ["erase", "Ada", "--yes"], ["trash", "--empty", "--yes"]),
    ],
)
def test_each_prints_json_alone(stored: SQLiteGallery, capsys, arguments: list[str]) -> None:
    status, out, err = run(capsys, *arguments, "--json")
    assert (status, err) == (0, "")
    assert json.loads(out)


def test_the_command_that_undoes_names_the_gallery(stored: SQLiteGallery, capsys) -> None:
    where = stored.folder.parent / "of mine"
    assert run(capsys, "remove", "Ada", "--gallery", where)[1].endswith(f"gallery undo 4 --gallery '{where}'\n")


def test_a_gallery_that_is_not_there_has_no_history(capsys, tmp_path: Path) -> None:
    where = ["--gallery", tmp_path / "none"]
    assert run(capsys, "history", *where)[1] == "The gallery has not been changed yet.\n"
    assert run(capsys, "trash", *where)[1] == "The trash is empty.\n"
    assert "There is nothing to undo." in run(capsys, "undo", *where)[2]
    assert not (tmp_path / "none").exists()
