"""Numbers as a language writes them: 1,234.5 is 1.234,5 in German."""

import string
from dataclasses import dataclass
from functools import cache
from numbers import Real
from typing import Any


@dataclass(frozen=True, slots=True)
class NumberMarks:
    """What stands between the digits of a number, and behind a percentage."""

    point: str = "."
    group: str = ","
    percent: str = "%"

    def localized(self, number: str) -> str:
        """Return a number that Python formatted, such as "1,234.5" or "12%", with these marks."""
        return number.translate({ord("."): self.point, ord(","): self.group, ord("%"): self.percent})


ENGLISH = NumberMarks()


@cache
def marks_of(language: str) -> NumberMarks:
    """Return the marks of a language, such as "de"."""
    from babel import Locale, UnknownLocaleError

    try:
        locale = Locale.parse(language)
    except UnknownLocaleError:
        return ENGLISH
    symbols = locale.number_symbols["latn"]
    percent = str(locale.percent_formats[None].pattern).rpartition("0")[2]
    return NumberMarks(symbols["decimal"], symbols["group"], percent)


class LocalText(str):
    """A text whose `format` writes numbers as its language does: `{n:,}`, `{score:.2f}` and `{share:.0%}`."""

    __slots__ = ("_marks",)

    _marks: NumberMarks

    def __new__(cls, text: str, marks: NumberMarks) -> "LocalText":
        """Return the text with the marks that its numbers get."""
        made = super().__new__(cls, text)
        made._marks = marks
        return made

    def format(self, *arguments: Any, **values: Any) -> str:
        """Return the text filled in, as `str.format` does."""
        return _Formatter(self._marks).vformat(self, arguments, values)


class _Formatter(string.Formatter):
    def __init__(self, marks: NumberMarks) -> None:
        self._marks = marks

    def format_field(self, value: Any, format_spec: str) -> str:
        text = str(format(value, format_spec))
        return self._marks.localized(text) if isinstance(value, Real) else text
