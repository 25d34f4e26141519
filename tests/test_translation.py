"""Texts in the language of the process, and catalogues that have all of them."""

import pickle
import string
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po
from jinja2 import Environment

from biometric.errors import DamagedClip, InvalidSetting
from biometric.errors.phrases import Phrase
from biometric.messages import decimal, decimals_apart, describe_error, extraction, plain_decimal, translation
from biometric.messages.local_dates import long_day
from biometric.messages.local_numbers import LocalText, marks_of
from biometric.messages.translation import activate, gettext, language, languages, ngettext
from biometric.settings import Settings

OTHERS = languages()[1:]


@pytest.fixture(autouse=True)
def english_afterwards() -> Iterator[None]:
    yield
    activate("en")


@pytest.fixture
def catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The language xx with two texts of its own."""
    folder = tmp_path / "xx" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    header = 'msgid ""\nmsgstr "Plural-Forms: nplurals=2; plural=(n != 1);\\nContent-Type: text/plain; charset=utf-8"\n'
    one = 'msgid "Nothing"\nmsgstr "Nichts"\n'
    two = 'msgid "{n} cat"\nmsgid_plural "{n} cats"\nmsgstr[0] "{n} Katze"\nmsgstr[1] "{n} Katzen"\n'
    two += 'msgid "{n:,} cats"\nmsgstr "{n:,} Katzen"\nmsgid "{what} in {place}."\nmsgstr "In {place}: {what}."\n'
    (folder / "sightline.po").write_text(f"{header}\n{one}\n{two}", "utf-8")
    monkeypatch.setattr(translation, "LOCALE", tmp_path)
    translation._read.cache_clear()


@pytest.mark.usefixtures("catalogue")
def test_texts_are_looked_up_in_the_language_that_is_active() -> None:
    assert gettext("Nothing") == "Nothing"
    activate("xx")
    assert (gettext("Nothing"), gettext("Something")) == ("Nichts", "Something")
    assert [ngettext("{n} cat", "{n} cats", n) for n in (1, 2)] == ["{n} Katze", "{n} Katzen"]
    assert Environment(extensions=["jinja2.ext.i18n"]).from_string("{{ _('Nothing') }}").render(_=gettext) == "Nichts"
    activate("en")
    assert (gettext("Nothing"), language()) == ("Nothing", "en")


@pytest.mark.usefixtures("catalogue")
@pytest.mark.parametrize(
    ("variables", "chosen"),
    [
        ({"LANG": "xx_YY.UTF-8"}, "xx"),
        ({"LANGUAGE": "fr:xx:en", "LANG": "en_GB.UTF-8"}, "xx"),
        ({"LC_ALL": "C", "LANG": "xx_YY.UTF-8"}, "en"),
        ({"LANG": "fr_FR.UTF-8"}, "en"),
    ],
)
def test_auto_is_the_language_of_the_system(
    variables: dict[str, str], chosen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    activate("auto")
    assert language() == chosen


def test_a_language_without_a_catalogue_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(InvalidSetting, match=r"^SIGHTLINE_LANGUAGE must be auto, .*en.*, got klingon\.$"):
        activate("klingon")
    with pytest.raises(InvalidSetting, match=r"^SIGHTLINE_LANGUAGE must be auto, .*en.*, got klingon\.$"):
        Settings.language_of_environment({"SIGHTLINE_LANGUAGE": "klingon"})
    assert Settings.language_of_environment({"SIGHTLINE_PORT": "none", "SIGHTLINE_LANGUAGE": ""}) == "en"


@pytest.fixture(scope="module")
def texts() -> Catalog:
    return extraction.extract()


@pytest.mark.parametrize("name", OTHERS)
def test_a_catalogue_has_a_translation_of_every_text_with_the_same_values(name: str, texts: Catalog) -> None:
    with (translation.LOCALE / name / "LC_MESSAGES" / "sightline.po").open("rb") as stream:
        catalogue = read_po(stream, locale=name)
    translated = {key(message): message for message in catalogue if message.id}
    wanted = {key(message): message for message in texts if message.id}
    assert wanted.keys() - translated.keys() == set(), "not in the catalogue: run make messages, then translate"
    assert translated.keys() - wanted.keys() == set(), "no longer used: run make messages"
    assert [message.id for message in translated.values() if message.fuzzy or not all(forms(message))] == []
    assert len(forms(next(iter(message for message in translated.values() if len(ids(message)) == 2)))) == 2
    for message in translated.values():
        for form in forms(message):
            assert {word.casefold() for word in values(form)} <= {word.casefold() for word in values(*ids(message))}
            assert len(ids(message)) == 2 or values(form) >= values(*ids(message)) - {"role_name"}, message.id


def key(message: Message) -> tuple[object, ...]:
    return message.context, *ids(message)


def ids(message: Message) -> tuple[str, ...]:
    return (message.id,) if isinstance(message.id, str) else tuple(message.id)


def forms(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ())


def values(*texts: str) -> set[str]:
    """The names of the values that texts are filled with."""
    return {name for text in texts for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.usefixtures("catalogue")
def test_an_error_is_told_in_the_language_of_the_process_and_stays_english_itself() -> None:
    reason = Phrase("{n:,} cats", n=1234)
    error = DamagedClip("{what} in {place}.", readable=3, what=reason, place="{braces}")
    assert (str(error), error.readable) == ("1,234 cats in {braces}.", 3)
    assert describe_error(error) == str(error)
    activate("xx")
    assert describe_error(error) == "In {braces}: 1,234 Katzen."
    assert str(pickle.loads(pickle.dumps(error)).message) == str(error)
    assert describe_error(DamagedClip("Nothing")) == "Nichts"
    assert describe_error(DamagedClip("{Nothing}")) == "{Nothing}"


def test_an_error_in_a_sentence_holds_on_to_no_traceback() -> None:
    error = InvalidSetting("It cannot be read: {error}.", error=OSError("no disk"))
    assert str(error) == "It cannot be read: no disk."
    assert error.message.values == {"error": "no disk"}


@pytest.mark.parametrize("name", OTHERS)
def test_numbers_and_dates_are_written_as_the_language_does(name: str) -> None:
    assert (decimal(-0.5), long_day("2026-12-04T09:12:00+00:00")) == ("-0.50", "4 December 2026")
    activate(name)
    if name == "de":
        text = LocalText("{n:,} {score:.2f} {share:.0%} {name}", marks_of("de"))
        assert text.format(n=1234567, score=-0.5, share=0.12, name="1.5") == "1.234.567 -0,50 12\N{NO-BREAK SPACE}% 1.5"
        assert (decimal(0.5), long_day("2026-12-04T09:12:00+00:00")) == ("0,50", "4. Dezember 2026")
    assert float(plain_decimal(0.5)) == 0.5
    assert decimals_apart(0.501, 0.502) == 3
