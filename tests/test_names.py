"""Names of people and labels of clips: what is accepted, what is stored, and who is the same person."""

import random
import sys
import unicodedata

import pytest

from biometric.entities import (
    LABEL_LIMIT,
    NAME_LIMIT,
    clean_camera,
    clean_label,
    clean_name,
    has_unsafe_characters,
    name_key,
)
from biometric.entities.names import CAMERA_LIMIT, number_name
from biometric.errors import InvalidCamera, InvalidName

ENGLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"
SCOTLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f"
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"


def test_names_are_cleaned() -> None:
    assert clean_name("  Ada \t  Lovelace\n") == "Ada Lovelace"
    assert clean_name("Ada\u00a0\u2009Love\u202flace\u2028\u3000") == "Ada Love lace"
    assert clean_name(unicodedata.normalize("NFD", "Zoë")) == "Zoë"
    assert clean_name("a" * NAME_LIMIT) == "a" * NAME_LIMIT


def test_cameras_are_cleaned_as_names_are_and_may_be_unknown() -> None:
    assert clean_camera("  Back \t door\n") == "Back door"
    assert clean_camera(unicodedata.normalize("NFD", "Höfe")) == "Höfe"
    assert clean_camera("x" * CAMERA_LIMIT) == "x" * CAMERA_LIMIT
    assert [clean_camera(text) for text in ("", "  ", "\u200b", "\u2800")] == [""] * 4
    with pytest.raises(InvalidCamera):
        clean_camera("x" * (CAMERA_LIMIT + 1))


@pytest.mark.parametrize(
    "name",
    [
        "李小龙",
        "می\u200cخواهم",  # Persian, zero-width non-joiner
        "ක්\u200dරිස්",  # Sinhala, zero-width joiner
        "Ada \u2764\ufe0f",
        FAMILY,
        ENGLAND,
        "\u845b\U000e0100",  # an ideograph's variant
        "אבא (Ada)\u200f",
        "Ada\u200e",
        "\u061cعلي",
        "\uf8ff Ada",  # private use
        "Ada \U000105ff",  # unassigned
        "O\u2019Brien-Smith",
    ],
)
def test_names_of_all_scripts_are_stored_as_typed(name: str) -> None:
    assert clean_name(name) == name
    assert name_key(name)


UNSAFE = [
    *(chr(number) for number in (*range(0x09), *range(0x0E, 0x20), *range(0x7F, 0xA0))),
    *(chr(number) for number in (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0xD800, 0xDBFF, 0xDC80, 0xDFFF)),
]


@pytest.mark.parametrize("character", UNSAFE, ids=lambda character: f"U+{ord(character):04X}")
def test_promise_10_unsafe_characters_are_refused_in_names_and_shown_as_marks_in_labels(character: str) -> None:
    for text in (f"a{character}b", character, f"a{character}"):
        assert has_unsafe_characters(text)
        with pytest.raises(InvalidName, match=r"^The name contains .+ without them\.$"):
            clean_name(text)
        with pytest.raises(InvalidCamera, match=r"at most 100 characters, none of them control"):
            clean_camera(text)
        assert clean_label(text) == text.replace(character, "?")


def test_only_those_characters_are_unsafe() -> None:
    unsafe = {character for character in map(chr, range(sys.maxunicode + 1)) if has_unsafe_characters(character)}
    controls = {character for character in map(chr, range(256)) if unicodedata.category(character) == "Cc"}
    surrogates = set(map(chr, range(0xD800, 0xE000)))
    assert unsafe == controls | surrogates | set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@pytest.mark.parametrize("text", ["", "  ", "\n", "\u200b", "\u200d \ufe0f", "\ufeff", "\u3164", "\u2800", "\u00ad"])
def test_promise_10_a_name_that_shows_nothing_is_refused(text: str) -> None:
    with pytest.raises(InvalidName, match=r"^The name (is empty|has no visible characters)\. "):
        clean_name(text)


def test_a_name_that_is_too_long_is_refused_with_its_length_and_not_cut() -> None:
    with pytest.raises(InvalidName, match=r"^The name has 101 characters; at most 100 are allowed\."):
        clean_name("a" * (NAME_LIMIT + 1))
    assert clean_name(unicodedata.normalize("NFD", "é" * NAME_LIMIT)) == "é" * NAME_LIMIT


def test_promise_10_twins_share_a_key() -> None:
    assert name_key("ZOË") == name_key(unicodedata.normalize("NFD", " zoë ")) == name_key("Zoë")
    assert name_key("Straße") == name_key("STRASSE")
    assert name_key("Ada") != name_key("Ada B")


@pytest.mark.parametrize(
    ("name", "twin"),
    [
        ("Ada Lovelace", "Ada\u202fLovelace"),
        ("Ada Lovelace", "Ada\u00a0Lovelace"),
        ("Ada Lovelace", "ada \u200b\u2009 lovelace"),
        ("Ada Lovelace", "Ada \u2800 Lovelace"),
        ("Ada", "A\u200cd\u200da"),
        ("Ada", "\ufeffAda\u200e"),
        ("Ada", "Ada\U000e0041"),  # a tag without a flag
        ("Ada", "A\u00adda"),
        ("Ada \u2764", "Ada \u2764\ufe0f"),
        ("Zoé", "Zoe\u200d\u0301"),
        ("Zoé", "Zoe\u034f\u0301"),
        ("می خواهم", "می \u200cخواهم"),
        (FAMILY, FAMILY.replace("\u200d", "")),
    ],
)
def test_promise_10_names_that_look_alike_are_one_person(name: str, twin: str) -> None:
    assert name_key(name) == name_key(twin)


def test_names_that_look_different_are_two_people() -> None:
    assert name_key(f"Ada {ENGLAND}") != name_key(f"Ada {SCOTLAND}")
    assert name_key("Ada Lovelace") != name_key("AdaLovelace")
    assert name_key("Ada \u2764") != name_key("Ada")


def test_a_key_is_its_own_key() -> None:
    chance = random.Random(5)
    alphabet = "aÀßİıſΣςᾳΐﬁ\u0345\u0301\u0323\u200d\ufe0f \u202f\u2800\U000e0067\U0001f3f4\U000e007f가각ᄀ\u1160"
    for _ in range(3000):
        name = "x" + "".join(chance.choices(alphabet, k=chance.randint(1, 8)))
        key = name_key(name)
        assert name_key(key) == key == name_key(unicodedata.normalize("NFD", name)), ascii(name)


def test_a_label_is_never_refused_and_never_longer_than_a_file_name() -> None:
    assert clean_label("Screen Recording 2026-11-27 at 9.41.00\u202fAM.mov").endswith("9.41.00\u202fAM.mov")
    assert clean_label("caf\udce9\n.mp4") == "caf??.mp4"
    assert clean_label("a" * LABEL_LIMIT) == "a" * LABEL_LIMIT
    assert clean_label("a" * 5000) == "a" * (LABEL_LIMIT - 1) + "…"


def test_a_numbered_name_keeps_the_limit() -> None:
    assert number_name("Ada", 2) == "Ada (2)"
    assert number_name("x" * NAME_LIMIT, 10) == "x" * 95 + " (10)"
