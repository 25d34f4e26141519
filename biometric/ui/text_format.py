"""Words and numbers for people, and the one function that makes any text safe to stand in the page."""

import html

from biometric import messages
from biometric.messages.counted import NOUNS, counted
from biometric.messages.local_dates import day_and_time as day_and_time
from biometric.messages.local_dates import long_day as long_day
from biometric.messages.local_dates import short_day as short_day

_TEMPLATE_MARKS = str.maketrans({"{": "&#123;", "}": "&#125;", "$": "&#36;", "`": "&#96;"})
_DIRECTION_MARKS = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F])


def escape(text: object) -> str:
    """Return text that is inert in HTML, in attributes, and in the templates that Gradio's HTML component fills.

    Marks that turn the direction of writing are taken out, because they let a name rewrite the words around it.
    """
    return html.escape(str(text).translate(_DIRECTION_MARKS), quote=True).translate(_TEMPLATE_MARKS)


def count(number: int, singular: str, plural: str | None = None) -> str:
    """Return a counted noun, such as "1 person" or "12 people"; `plural` defaults to `singular` with an s.

    Nouns of `messages.counted.NOUNS` are said in the language of the process, others in English.
    """
    if singular in NOUNS:
        return counted(number, singular)
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def people(number: int) -> str:
    """Return "1 person" or "n people"."""
    return count(number, "person", "people")


def day(stamp: str) -> str:
    """Return the date of an ISO 8601 time stamp."""
    return stamp[:10]


def decimal(value: float | None, decimals: int = 2) -> str:
    """Return a number to so many decimals with a true minus sign, or a dash for None."""
    return "–" if value is None else messages.decimal(value, decimals).replace("-", "−")


def threshold_text(value: float, decimals: int = 2) -> str:
    """Return a threshold to at least so many decimals, and to three where it has them: people give it back."""
    return decimal(value, max(decimals, 2 if abs(round(value, 2) - value) < 5e-5 else 3))


def shortened(name: str, most: int = 40) -> str:
    """Return a name in at most so many characters, for a place beside one where it stands whole."""
    return name if len(name) <= most else f"{name[: most - 1].rstrip()}…"
