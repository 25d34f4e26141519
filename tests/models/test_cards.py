"""The manifest and its cards: what is shipped is valid, and a mistake names the card and the key."""

from pathlib import Path

import pytest

from biometric.entities import LinkScores
from biometric.entities.model_cards import Card, CardFile, DefaultThreshold, Format, InputFormat, Role
from biometric.errors import InvalidSetting
from biometric.models.cards import read_manifest, read_manifests
from tests.conftest import PROJECT

MANIFEST = PROJECT / "models" / "manifest.toml"

GOOD = """
[[card]]
id = "one"
role = "embedder"
title = "One"
format = "onnx"
architecture = "x"
licence = "MIT"
source = "https://example.org"
recommended = true
dimension = 4
files = [{ name = "one.onnx", size = 3, sha256 = "AAA" }]
[card.input]
height = 256
[[card]]
id = "two"
role = "detector"
title = "Two"
format = "ultralytics"
architecture = "x"
licence = "MIT"
source = "https://example.org"
recommended = true
files = [{ name = "two.pt", size = 3, sha256 = "BBB", url = "https://example.org/two.pt" }]
""".replace("AAA", "a" * 64).replace("BBB", "b" * 64)


def read(tmp_path: Path, text: str) -> tuple[Card, ...]:
    path = tmp_path / "manifest.toml"
    path.write_text(text)
    return read_manifest(path)


def test_the_shipped_manifest_is_valid_and_says_what_its_thresholds_rest_on() -> None:
    cards = {card.id: card for card in read_manifest(MANIFEST)}
    assert cards["yolo26n"].recommended
    default = cards["omz-0286"]
    assert default.recommended
    assert (default.verification.value, default.verification.fmr) == (0.514, 1e-4)
    assert (default.identification.value, default.identification.fmr) == (0.572, 1e-4)
    assert "CUHK01" in default.verification.evidence
    assert "CUHK03" in default.identification.evidence
    assert "not measured" in cards["omz-0267-onnx"].verification.evidence
    assert cards["omz-0267-onnx"].verification.fmr is None
    assert cards["osnet-x0.25-msmt17"].identification.fmr is None
    assert all(file.url.startswith("https://") for file in (*default.files, *cards["yolo26n"].files))


def test_a_good_manifest_is_read(tmp_path: Path) -> None:
    one, two = read(tmp_path, GOOD)
    assert (one.role, one.format, one.dimension) == (Role.EMBEDDER, Format.ONNX, 4)
    assert one.input is not None
    assert one.input.colour == "RGB"
    assert two.input is None
    assert "not measured" in one.threshold("verification").evidence
    with pytest.raises(ValueError, match="verification or identification"):
        one.threshold("something")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('licence = "MIT"', "", "'one'.*'licence'.*missing"),
        ("dimension = 4", 'dimension = "4"', "'one'.*'dimension'"),
        ("dimension = 4", "dimension = 0", "'one'.*dimension"),
        ("dimension = 4", "dimension = 4\nsurprise = 1", "'one'.*'surprise'"),
        ('role = "embedder"', 'role = "cook"', "'one'.*'role'"),
        ("height = 256", 'colour = "GRB"', "'one'.*input.*colour"),
        ("height = 256", "mean = [1, 2]", "'one'.*input.*'mean'"),
        ("height = 256", "std = [0, 1, 1]", "'one'.*input.*std"),
        ("size = 3", "size = 0", "'one'.*files.*size"),
        ("a" * 64, "a" * 63, "'one'.*files.*sha256"),
        ("one.onnx", "../one.onnx", "'one'.*files.*without"),
        ("https://example.org/two.pt", "http://example.org/two.pt", "'two'.*files.*https"),
        ('id = "two"', 'id = "one"', "'one'.*'id'.*twice"),
        ("recommended = true", "recommended = false", "embedder.*'recommended'"),
        ("[card.input]", '[card.verification]\nvalue = 2.0\nevidence = "x"\n[card.input]', "'one'.*verification"),
        ("[card.input]", "[card.verification]\nvalue = 0.5\n[card.input]", "'one'.*verification.*'evidence'"),
        ("recommended = true", "recommended = true\nstarter = true", "'one'.*recommended.*both"),
        ("[[card]]", "[[card", "cannot be read"),
    ],
)
def test_a_mistake_names_the_card_and_the_key(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in GOOD
    with pytest.raises(InvalidSetting, match=expected):
        read(tmp_path, GOOD.replace(old, new, 1))


def test_there_is_at_most_one_starter_a_role(tmp_path: Path) -> None:
    starter = GOOD.partition('[[card]]\nid = "two"')[0].replace("recommended = true", "starter = true")
    first, second = (starter.replace('"one"', f'"{name}"') for name in ("small", "smaller"))
    cards = read(tmp_path, GOOD + first)
    assert [card.id for card in cards if card.starter] == ["small"]
    assert not cards[-1].recommended
    with pytest.raises(InvalidSetting, match=r"at most one embedder.*'starter'"):
        read(tmp_path, GOOD + first + second)


def test_a_card_that_is_superseded_names_its_successor(tmp_path: Path) -> None:
    plain = GOOD.partition('[[card]]\nid = "two"')[0].replace('"one"', '"former"')
    former = plain.replace("recommended = true", 'successor = "one"')
    assert read(tmp_path, GOOD + former)[-1].successor == "one"
    for wrong in ("nobody", "two", "former"):
        with pytest.raises(InvalidSetting, match=f"'former'.*'successor'.*'{wrong}'"):
            read(tmp_path, GOOD + former.replace('successor = "one"', f'successor = "{wrong}"'))
    with pytest.raises(InvalidSetting, match=r"'former'.*neither recommended nor a starter"):
        read(tmp_path, GOOD + former.replace('successor = "one"', 'successor = "one"\nstarter = true'))


def test_an_absent_manifest_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match="cannot be read"):
        read_manifest(tmp_path / "absent.toml")


def test_cards_of_peoples_own_join_the_programs_and_choose_nothing(tmp_path: Path) -> None:
    """Where the program's manifest is read-only, people's own starts as a copy of it, which later versions outdate."""
    programs = read_manifest(MANIFEST)
    text = MANIFEST.read_text("utf-8")
    assert text.count('id = "omz-0286"\n') == 1
    own = tmp_path / "manifest.toml"
    own.write_text(text.replace('id = "omz-0286"\n', 'id = "mine"\n').replace("OSNet", "Another title"), "utf-8")
    cards = {card.id: card for card in read_manifests([MANIFEST, own])}
    assert tuple(cards.values())[:-1] == programs
    assert (cards["mine"].recommended, cards["mine"].starter) == (False, False)
    assert read_manifests([MANIFEST, tmp_path / "absent.toml"]) == programs
    own.write_text("nonsense", "utf-8")
    with pytest.raises(InvalidSetting, match="cannot be read"):
        read_manifests([MANIFEST, own])


def test_value_types_check_themselves() -> None:
    with pytest.raises(ValueError, match="1×1"):
        InputFormat(0, 1, "RGB", 1.0, (0, 0, 0), (1, 1, 1))
    with pytest.raises(ValueError, match="finite"):
        InputFormat(1, 1, "RGB", 0.0, (0, 0, 0), (1, 1, 1))
    with pytest.raises(ValueError, match="relative"):
        CardFile("/etc/passwd", 1, "sha256", "a" * 64)
    with pytest.raises(ValueError, match="fmr"):
        DefaultThreshold(0.5, "evidence", 2.0)
    with pytest.raises(ValueError, match="file"):
        Card("x", Role.DETECTOR, "X", Format.ULTRALYTICS, "", (), "", "")


def test_a_card_says_from_which_scores_tracks_are_linked_or_its_identification_threshold_does(tmp_path: Path) -> None:
    identification = '[card.identification]\nvalue = 0.7\nevidence = "measured"\n[[card]]\nid = "two"'
    text = GOOD.replace('[[card]]\nid = "two"', identification)
    assert read(tmp_path, text)[0].link_scores() == LinkScores(0.7, 0.7 - 0.05)
    linking = '[card.linking]\nvalue = 0.75\nperhaps = 0.6\nevidence = "seen"\n[card.identification]'
    (one, _) = read(tmp_path, text.replace("[card.identification]", linking))
    assert one.link_scores() == LinkScores(0.75, 0.6)
    for wrong in (linking.replace("0.6", "0.8"), linking.replace('"seen"', '""'), linking.replace("0.75", "1.75")):
        with pytest.raises(InvalidSetting, match=r"card 'one', key 'linking'"):
            read(tmp_path, text.replace("[card.identification]", wrong))


def test_the_shipped_cards_link_from_scores_of_their_own() -> None:
    cards = {card.id: card for card in read_manifest(MANIFEST)}
    assert cards["omz-0286"].link_scores() == LinkScores(0.572, 0.522)
    assert cards["starter-embedder-2"].linking is not None
