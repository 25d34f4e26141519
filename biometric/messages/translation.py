"""The language of this process: looks up English texts in the catalogues of `locale` (gettext's format, by babel).

Texts are wrapped where they are used: `gettext` (imported as `_`) and `ngettext` in modules, `_()` and `ngettext()` in
Jinja2 templates, `N_` around a constant that is looked up later. Values are filled in after the look-up, which writes
numbers as the language does: `_("{n:,} of {name}").format(n=n, name=name)`. docs/translating.md tells the rest.
"""

import gettext as catalogues
import io
import locale
import os
from functools import cache
from pathlib import Path
from typing import Any, Final

from biometric.errors import InvalidSetting
from biometric.errors.phrases import Phrase
from biometric.messages.local_numbers import ENGLISH, LocalText, NumberMarks, marks_of

LOCALE: Final = Path(__file__).parent / "locale"
DOMAIN: Final = "sightline"
SOURCE: Final = "en"
"""The language that the texts are written in; it has no catalogue."""

AUTOMATIC: Final = "auto"
"""Stands for the language of the system's user, English where there is no catalogue for it."""

_language = SOURCE
_catalogue: catalogues.NullTranslations = catalogues.NullTranslations()
_marks: NumberMarks = ENGLISH


def languages() -> tuple[str, ...]:
    """Return the languages that texts can be shown in, English first."""
    return SOURCE, *sorted(file.parent.parent.name for file in LOCALE.glob(f"*/LC_MESSAGES/{DOMAIN}.po"))


def activate(name: str) -> None:
    """Show all texts of this process in a language from now on.

    Args:
        name: one of `languages()`, or "auto" for the language of the system's user.

    Raises:
        InvalidSetting: there is no such language.
    """
    global _catalogue, _language, _marks
    if name != AUTOMATIC and name not in languages():
        raise InvalidSetting("SIGHTLINE_LANGUAGE must be {names}, got {name}.", names=accepted(), name=name)
    chosen = _language_of_system() if name == AUTOMATIC else name
    _catalogue = _read(chosen)
    _language = chosen
    _marks = ENGLISH if chosen == SOURCE else marks_of(chosen)


def accepted() -> str:
    """Return which names `activate` takes, for a message: "auto, de or en"."""
    names = sorted((AUTOMATIC, *languages()))
    return f"{', '.join(names[:-1])} or {names[-1]}"


def language() -> str:
    """Return the language that texts are shown in, such as "en"."""
    return _language


def gettext(text: str) -> str:
    """Return a text in the language of this process; the English one where the catalogue has no other."""
    return _filled_locally(_catalogue.gettext(text))


def ngettext(singular: str, plural: str, number: int) -> str:
    """Return the form of a text that fits a number, in the language of this process; the number is not filled in."""
    return _filled_locally(_catalogue.ngettext(singular, plural, number))


def pgettext(context: str, text: str) -> str:
    """Return a text in the language of this process, where one English word has several meanings."""
    return _filled_locally(_catalogue.pgettext(context, text))


def tell(phrase: str) -> str:
    """Return a phrase, with the phrases among its values, in the language of this process; other texts as they are."""
    if not isinstance(phrase, Phrase):
        return phrase
    if _language == SOURCE or not phrase:
        return str(phrase)
    values = {name: tell(value) if isinstance(value, str) else value for name, value in phrase.values.items()}
    return gettext(phrase.template).format(**values) if values else gettext(phrase.template)


def N_(text: str) -> str:  # noqa: N802 - gettext's own name for it
    """Return a text as it is, and mark it for the catalogue: it is given to `gettext` later."""
    return text


def NN_(singular: str, plural: str) -> tuple[str, str]:  # noqa: N802 - as N_, for `ngettext`
    """Return both forms of a counted text, and mark them for the catalogue: they are given to `ngettext` later."""
    return singular, plural


def local_number(number: str) -> str:
    """Return a number that Python formatted, such as "1,234.5", as the language of this process writes it."""
    return _marks.localized(number)


def install(environment: Any) -> None:
    """Give a Jinja2 environment with the extension `jinja2.ext.i18n` the functions of this module.

    Values are filled in by `format`, as in modules: a percent sign in a text is a percent sign.
    """
    environment.globals.update(_=gettext, gettext=gettext, ngettext=ngettext, pgettext=pgettext, language=language)


def _filled_locally(text: str) -> str:
    return text if _marks is ENGLISH or "{" not in text else LocalText(text, _marks)


@cache
def _read(name: str) -> catalogues.NullTranslations:
    if name == SOURCE:
        return catalogues.NullTranslations()
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    with (LOCALE / name / "LC_MESSAGES" / f"{DOMAIN}.po").open("rb") as file:
        catalogue = read_po(file, locale=name)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return catalogues.GNUTranslations(compiled)


def _language_of_system() -> str:
    variables = ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
    wanted = next((value for name in variables if (value := os.environ.get(name))), None) or locale.getlocale()[0] or ""
    for name in wanted.split(":"):
        code = locale.normalize(name).replace("-", "_").split("_")[0].split(".")[0].lower()
        if code in languages():
            return code
    return SOURCE
