"""Cards written as text are the cards that are read; a manifest keeps all else as it was, or is not touched."""

import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

from biometric.entities.model_cards import IMAGENET, RAW_BGR, Card, CardFile, DefaultThreshold, Format, Role
from biometric.errors import InvalidSetting, StorageFull
from biometric.models.cards import complete_card, read_manifest
from biometric.training import runs
from biometric.training.export import manifest
from tests.conftest import PROJECT

TEXTS = ['quotes " and \\', "two\nlines\tand a tab", "colour, Ünïcode, “”, 行人", "delete \x7f and bell \x07"]


def card(name: str = "mine", **changes: object) -> Card:
    values = {
        "id": name,
        "role": Role.EMBEDDER,
        "title": "Mine",
        "format": Format.SAFETENSORS,
        "architecture": "osnet_x0_25",
        "files": (CardFile(f"{name}.safetensors", 3, "sha256", "a" * 64),),
        "licence": "MIT",
        "source": "our own",
        "input": IMAGENET,
        "dimension": 512,
    }
    return Card(**{**values, **changes})  # type: ignore[arg-type]


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder of models with the project's manifest, whose starters are ordinary cards: a role has one starter."""
    text = (PROJECT / "models" / "manifest.toml").read_text("utf-8").replace("starter = true\n", "")
    (tmp_path / "manifest.toml").write_text(text, "utf-8")
    return tmp_path


@pytest.mark.parametrize("text", TEXTS)
def test_what_is_written_is_what_is_read(models: Path, text: str) -> None:
    threshold = DefaultThreshold(0.123456789012345, text, 1e-5)
    made = card(title=text, licence=text, source=text, input=RAW_BGR, verification=threshold, starter=True)
    made = replace(made, identification=DefaultThreshold(-1.0, text))
    manifest.install_card(made, {}, models)
    assert made in read_manifest(models / "manifest.toml")
    table = tomllib.loads(manifest.beside(made))
    assert (table["title"], table["verification"]["fmr"]) == (text, 1e-5)
    assert manifest.inside(made)["title"] == text


def test_the_table_beside_holds_the_input(models: Path) -> None:
    undescribed = card(title="", licence="", architecture="", dimension=None, input=RAW_BGR)
    assert complete_card(undescribed, "beside", tomllib.loads(manifest.beside(card())), RAW_BGR) == card()


def test_cards_join_those_of_their_role_and_comments_stay(models: Path) -> None:
    path = models / "manifest.toml"
    before, cards = path.read_text("utf-8"), read_manifest(path)
    detector = card("eye", role=Role.DETECTOR, format=Format.ULTRALYTICS, input=None, dimension=None,
                    files=(CardFile("eye.pt", 3, "sha256", "b" * 64),))  # fmt: skip
    manifest.install_card(detector, {"eye.pt": b"abc"}, models)
    manifest.install_card(card(), {"mine.safetensors": b"abc", "mine.md": b"# Mine"}, models)
    names = [each.id for each in read_manifest(path)]
    roles = [each.role for each in read_manifest(path)]
    assert roles == sorted(roles)  # detectors, then embedders
    assert [name for name in names if name not in ("eye", "mine")] == [each.id for each in cards]
    after = path.read_text("utf-8")
    assert [line for line in before.splitlines() if line not in after.splitlines()] == []
    assert len(re.findall(r"\n(?:#[^\n]*)?\n\[\[card\]\]", after)) == after.count("[[card]]"), "each stands apart"
    assert (models / "mine.safetensors").read_bytes() == b"abc"
    assert (models / "mine.md").read_bytes() == b"# Mine"


def test_all_other_bytes_of_the_manifest_stay(models: Path) -> None:
    path = models / "manifest.toml"
    before = path.read_text("utf-8")
    manifest.install_card(card(), {}, models)
    assert path.read_text("utf-8").replace("\n" + manifest.entry(card()), "") == before
    manifest.install_card(card(title="Newer"), {}, models, replace=True)
    assert path.read_text("utf-8").replace("\n" + manifest.entry(card(title="Newer")), "") == before
    heading = next(line for line in before.splitlines() if line.startswith("# Embedders"))
    detector = card("eye", role=Role.DETECTOR, format=Format.ULTRALYTICS, input=None, dimension=None)
    manifest.install_card(detector, {}, models)
    lines = path.read_text("utf-8").splitlines()
    assert lines.index('id = "eye"') < lines.index(heading)  # a heading belongs to the cards that follow


def test_a_card_gives_way_only_when_asked(models: Path) -> None:
    path = models / "manifest.toml"
    manifest.install_card(card(), {"mine.safetensors": b"old"}, models)
    with pytest.raises(InvalidSetting, match="--replace"):
        manifest.install_card(card(title="Newer"), {"mine.safetensors": b"new"}, models)
    assert (models / "mine.safetensors").read_bytes() == b"old"
    order = [each.id for each in read_manifest(path)]
    manifest.install_card(card(title="Newer"), {"mine.safetensors": b"new"}, models, replace=True)
    assert [each.id for each in read_manifest(path)] == order
    assert card(title="Newer") in read_manifest(path)
    assert (models / "mine.safetensors").read_bytes() == b"new"


def test_files_of_others_are_not_written_over(models: Path) -> None:
    path, own = models / "manifest.toml", models / "mine.safetensors"
    before = path.read_bytes()
    own.write_bytes(b"somebody's")
    with pytest.raises(InvalidSetting, match=r"mine\.safetensors is there already"):
        manifest.install_card(card(), {own.name: b"abc"}, models)
    with pytest.raises(InvalidSetting, match=r"yolo26n\.pt is a file of the card yolo26n"):
        manifest.install_card(card(), {"yolo26n.pt": b"abc"}, models, replace=True)
    assert (own.read_bytes(), path.read_bytes()) == (b"somebody's", before)
    manifest.install_card(card(), {own.name: b"somebody's"}, models)  # an interrupted installation goes on
    manifest.install_card(card(), {own.name: b"abc"}, models, replace=True)
    assert own.read_bytes() == b"abc"


def test_a_manifest_that_would_be_wrong_is_not_written(models: Path) -> None:
    manifest.install_card(card(starter=True), {}, models)
    before = (models / "manifest.toml").read_bytes()
    with pytest.raises(InvalidSetting, match=r"manifest\.toml: at most one embedder may have the key 'starter'"):
        manifest.install_card(card("other", starter=True), {"other.safetensors": b"abc"}, models)
    assert (models / "manifest.toml").read_bytes() == before
    assert {path.name for path in models.iterdir()} == {"manifest.toml", manifest.LOCK}


def test_a_manifest_of_one_line_a_card_is_left_to_people(models: Path) -> None:
    path = models / "manifest.toml"
    text = path.read_text("utf-8") + 'note = """\n[[card]]\n"""\n'
    path.write_text(text, "utf-8")
    with pytest.raises(InvalidSetting):
        manifest.install_card(card(), {}, models)
    assert path.read_text("utf-8") == text


def test_a_folder_without_manifest_is_told(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "absent"):
        with pytest.raises(InvalidSetting, match=r"cannot be (read|opened)"):
            manifest.install_card(card(), {}, folder)


def test_a_full_disk_leaves_the_manifest_as_it_was(models: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, content: bytes) -> Path:
        if path.name == "manifest.toml":
            raise StorageFull("The disk is full.")
        return runs.write_file(path, content)

    before = (models / "manifest.toml").read_bytes()
    monkeypatch.setattr(manifest, "write_file", full)
    with pytest.raises(StorageFull):
        manifest.install_card(card(), {"mine.safetensors": b"abc"}, models)
    assert (models / "manifest.toml").read_bytes() == before
