"""Counted things: "1 person", "1,200 references"."""

from collections.abc import Mapping
from typing import Final

from biometric.messages.translation import NN_, ngettext

NOUNS: Final[Mapping[str, tuple[str, str]]] = {
    "answer": NN_("{n:,} answer", "{n:,} answers"),
    "clip": NN_("{n:,} clip", "{n:,} clips"),
    "comparison": NN_("{n:,} comparison", "{n:,} comparisons"),
    "day": NN_("{n:,} day", "{n:,} days"),
    "frame": NN_("{n:,} frame", "{n:,} frames"),
    "identity": NN_("{n:,} identity", "{n:,} identities"),
    "name": NN_("{n:,} name", "{n:,} names"),
    "other place": NN_("{n:,} other place", "{n:,} other places"),
    "pair": NN_("{n:,} pair", "{n:,} pairs"),
    "person": NN_("{n:,} person", "{n:,} people"),
    "picture": NN_("{n:,} picture", "{n:,} pictures"),
    "reference": NN_("{n:,} reference", "{n:,} references"),
    "refused sample": NN_("{n:,} refused sample", "{n:,} refused samples"),
    "sample": NN_("{n:,} sample", "{n:,} samples"),
    "short track": NN_("{n:,} short track", "{n:,} short tracks"),
    "track": NN_("{n:,} track", "{n:,} tracks"),
    "tile": NN_("{n:,} tile", "{n:,} tiles"),
}
"""Both forms of what is counted, by the word for one."""


def counted(number: int, noun: str) -> str:
    """Return a counted noun in the language of this process. Raises `KeyError`: a noun that is not in `NOUNS`."""
    return ngettext(*NOUNS[noun], number).format(n=number)
