"""Sentences and parts of sentences that keep their values, so that they can be told in another language."""

from collections.abc import Iterable, Mapping
from typing import Any


class Phrase(str):
    """A text in English that still knows how it was made: `Phrase("the last {n:,} frames", n=12)`.

    It reads as the English text. `messages` looks `template` up, and the `values` that are phrases themselves.

    Attributes:
        template: the text with the names of its values in braces.
        values: what stands for these names.
    """

    template: str
    values: Mapping[str, Any]

    def __new__(cls, template: str, /, **values: Any) -> "Phrase":
        """Fill in the values. A template without values is taken as it is, also with braces in it."""
        made = super().__new__(cls, template.format(**values) if values else template)
        made.template = template
        made.values = {name: _without_traceback(value) for name, value in values.items()}
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        """Keep template and values when it is copied or sent to another process."""
        return _made_again, (self.template, dict(self.values))


def joined(separator: str, parts: Iterable[str]) -> Phrase:
    """Return parts of a sentence with a separator between them, as one part."""
    values = {f"part_{number}": part for number, part in enumerate(parts)}
    return Phrase(separator.join(f"{{{name}}}" for name in values), **values)


def _without_traceback(value: Any) -> Any:
    """The message of an exception instead of the exception, which would hold on to everything it passed through."""
    if not isinstance(value, BaseException):
        return value
    if len(value.args) == 1 and isinstance(value.args[0], Phrase):
        return value.args[0]
    return getattr(value, "message", str(value))


def _made_again(template: str, values: dict[str, Any]) -> Phrase:
    return Phrase(template, **values)
