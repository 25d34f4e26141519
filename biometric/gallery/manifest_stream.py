"""Reads an export's gallery.json piece by piece, so that a file from anywhere cannot use up the memory.

Only the nesting that exports have is accepted: an object with a list `identities` of objects, each with a list
`references` of objects, each with a list `samples` of objects; all other values are texts, numbers, true, false or
null. At any time no more is kept than one reference and one value. A JSON library would have to build the whole
document, or at least one text of any length, before it could be refused.
"""

import codecs
import itertools
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from biometric.errors import ArchiveInvalid
from biometric.errors.phrases import Phrase

LISTS = ("identities", "references", "samples")
"""The list that an object of each depth holds."""
MAX_KEYS = 20
MAX_VALUE = 800_000
"""Longest value, in characters: the base64 text of the largest vector, twice in case its slashes are escaped."""

_CHUNK = 1 << 16
_PUNCTUATION = frozenset("{}[]:,")
_SPACE = " \t\n\r"
_NUMBER = frozenset("-0123456789")
"""How numbers begin."""
_TOKEN = re.compile(
    rf"""[{_SPACE}]*+([{{}}\[\]:,]|"(?:[^"\\\x00-\x1f]++|\\.)*+"|-?[0-9][-+.0-9eE]*+|true|false|null)""", re.DOTALL
)

Element = tuple[tuple[int, ...], dict[str, Any]]


def refuse(detail: str) -> NoReturn:
    """Raise `ArchiveInvalid` with a whole sentence around a detail."""
    raise ArchiveInvalid(
        "This file cannot be imported: {detail}. Nothing was imported; choose a file made by exporting a gallery.",
        detail=detail,
    )


def describe_place(place: tuple[int, ...]) -> str:
    """Name an object for people, such as "gallery.json: identities[3]: references[0]"."""
    return ": ".join(["gallery.json", *(f"{LISTS[depth]}[{number}]" for depth, number in enumerate(place))])


def read_elements(read: Callable[[int], bytes], max_samples: int) -> Iterator[Element]:
    """Yield each reference with its samples, each identity after its references, and the whole last.

    Args:
        read: returns up to so many of the file's next bytes, none at its end.
        max_samples: most samples that one reference may have.

    Yields:
        (place, values): the place is () for the whole, (i,) for an identity and (i, r) for a reference. Values have
        no `identities` and `references`, but a reference's `samples`. The whole is also yielded just before its list
        of identities, with what stands there.

    Raises:
        ArchiveInvalid: the file is no JSON, or not of that nesting.
    """
    tokens = _Tokens(read)
    yield from _object(tokens, (), max_samples)
    if tokens.peek():
        refuse(Phrase("gallery.json has content after its end"))


class _Tokens:
    """JSON tokens of a stream of UTF-8 bytes."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._text, self._position, self._ended = "", 0, False
        self._next: str | None = None

    def peek(self) -> str:
        """Return the next token and keep it; "" at the end."""
        if self._next is None:
            self._next = self._scan()
        return self._next

    def take(self) -> str:
        """Return the next token."""
        token = self.peek()
        self._next = None
        return token

    def take_if(self, token: str) -> bool:
        """Take the next token if it is that one."""
        if self.peek() != token:
            return False
        self._next = None
        return True

    def _scan(self) -> str:
        while True:
            match = _TOKEN.match(self._text, self._position)
            # A number may continue in the next chunk, also behind its point or its "e".
            if match is not None and (self._ended or match.end() < len(self._text) or match[1][0] not in _NUMBER):
                self._position = match.end()
                return match[1]
            if self._ended:
                if self._text[self._position :].strip(_SPACE):
                    refuse(Phrase("gallery.json is not valid JSON"))
                return ""
            self._text = self._text[self._position :].lstrip(_SPACE) + self._chunk()
            self._position = 0

    def _chunk(self) -> str:
        if len(self._text) - self._position > MAX_VALUE:
            refuse(Phrase("gallery.json is not valid JSON, or holds a value that is longer than exports have"))
        data = self._read(_CHUNK)
        self._ended = not data
        try:
            return self._decoder.decode(data, final=self._ended)
        except UnicodeDecodeError:
            refuse(Phrase("gallery.json is not valid JSON"))


def _object(tokens: _Tokens, place: tuple[int, ...], max_samples: int) -> Iterator[Element]:
    values: dict[str, Any] = {}
    _expect(tokens, "{", place)
    while not tokens.take_if("}"):
        if values:
            _expect(tokens, ",", place)
        key = _value(tokens.take(), place)
        if not isinstance(key, str) or key in values or len(values) >= MAX_KEYS:
            refuse(
                Phrase(
                    "{place} holds a key twice, too many keys, or one that is no text",
                    place=describe_place(place),
                )
            )
        _expect(tokens, ":", place)
        if len(place) == len(LISTS) or key != LISTS[len(place)]:
            values[key] = _value(tokens.take(), place)
        elif len(place) < 2:
            if not place:
                yield place, values.copy()
            values[key] = None
            yield from _list(tokens, place, max_samples)
        else:
            values[key] = samples = []
            for _, sample in _list(tokens, place, max_samples):
                samples.append(sample)
                if len(samples) > max_samples:
                    refuse(
                        Phrase(
                            "{place} has more samples than the file has pictures",
                            place=describe_place(place),
                        )
                    )
    if len(place) < len(LISTS) - 1 and values.pop(LISTS[len(place)], "") is not None:
        refuse(Phrase("{place} lacks {list}", place=describe_place(place), list=LISTS[len(place)]))
    yield place, values


def _list(tokens: _Tokens, place: tuple[int, ...], max_samples: int) -> Iterator[Element]:
    _expect(tokens, "[", place)
    if tokens.take_if("]"):
        return
    for number in itertools.count():
        yield from _object(tokens, (*place, number), max_samples)
        if tokens.take_if("]"):
            return
        _expect(tokens, ",", place)


def _expect(tokens: _Tokens, token: str, place: tuple[int, ...]) -> None:
    if tokens.take() != token:
        refuse(Phrase("{place} is not as an export writes it", place=describe_place(place)))


def _value(token: str, place: tuple[int, ...]) -> str | int | float | bool | None:
    if not token or token in _PUNCTUATION:
        refuse(Phrase("{place} is not as an export writes it", place=describe_place(place)))
    try:
        value: str | int | float | bool | None = json.loads(token)
    except (ValueError, RecursionError):  # also a number of more digits than Python reads
        refuse(Phrase("{place} is not valid JSON", place=describe_place(place)))
    return value
