"""The commands for unknown people: what they say, their JSON, and that everything can be undone."""

import json
from pathlib import Path

import pytest

from biometric.cli import command_support
from tests.gallery.test_sighting_groups import keep
from tests.lawful import TEST_BASIS
from tests.running import run_command
from tests.test_service import ServiceSetup


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Somebody in three clips, somebody else in one."""
    setup = ServiceSetup(tmp_path)
    monkeypatch.setattr(command_support, "build_service", lambda options: setup.service)
    gallery = setup.service.gallery()
    gallery.set_default_basis(TEST_BASIS)
    model = setup.service.models.embedder_id()
    yield gallery, [keep(gallery, clip, seed, model_id=model)[0] for clip, seed in ((1, 7), (2, 7), (3, 7), (4, 8))]
    setup.service.close()


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    return run_command(capsys, "people", *arguments)


def groups(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[int, list[str]]:
    found = json.loads(run(capsys, "unknown", "--json", *arguments)[1])["people"]
    return {item["group"]: item["sightings"] for item in found}


def test_unknown_people_are_grouped_and_shown(kept, capsys) -> None:
    _, (first, second, third, other) = kept
    status, out, _ = run(capsys, "unknown")
    lines = out.splitlines()
    assert (status, len(lines)) == (0, 2), out
    assert lines[0].startswith("4 sightings without a name: 1 group, 1 alone (one person from a mean score of 0.")
    assert "3 sightings, 3 clips, c0, c1, 2026-04-12 12:00" in lines[1]
    number = int(lines[1].split()[0])
    assert groups(capsys) == {number: [first, second, third]}
    assert groups(capsys, "--least", 4) == {}
    assert set(run(capsys, "unknown", number)[1].split()) >= {first, second, third}
    assert other not in run(capsys, "unknown", number)[1]
    assert run(capsys, "unknown", 99)[0] == 2


def test_what_people_say_is_done_and_undone(kept, capsys) -> None:
    gallery, (first, second, third, other) = kept
    [number] = groups(capsys)
    status, out, _ = run(capsys, "split", number, third)
    assert (status, "some sightings are somebody else" in out, "gallery undo" in out) == (0, True, True)
    assert sorted(groups(capsys).values()) == sorted([[first, second], [third]])
    gallery.undo()
    assert run(capsys, "join", number, other)[0] == 0
    assert groups(capsys) == {number: [first, second, third, other]}
    assert run(capsys, "ignore", number)[0] == 0
    assert (groups(capsys), set(groups(capsys, "--ignored"))) == ({}, {number})
    assert run(capsys, "ignore", number, "--no-longer")[0] == 0
    assert set(groups(capsys)) == {number}


def test_naming_enrolls_and_says_how_to_undo(kept, capsys) -> None:
    gallery, (first, *_) = kept
    [number] = groups(capsys)
    status, out, _ = run(capsys, "name", number, "Ada", "--basis", "consent", "--purpose", "a test")
    assert (status, out.startswith("An unknown person got the name Ada, with 3 references. To undo it")) == (0, True)
    assert gallery.find("Ada").reference_count == 3
    assert groups(capsys) == {}
    status, _, err = run(capsys, "name", first, "Ben")
    assert (status, "has a name already" in err) == (2, True)
    gallery.undo()
    assert len(groups(capsys)[number]) == 3
