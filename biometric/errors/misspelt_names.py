"""Which known name a misspelt one stands for."""

import difflib
from collections.abc import Iterable

_NEAR = 0.77
"""Least likeness (of `difflib`, 0 to 1) of a misspelt name."""


def meant_name(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` is a misspelling of, None where it is nearly none of them.

    Near is: the same letters in another order (PROT), one letter of them another (PORY), nearly all letters (GALERY),
    or a known name made longer (GALLERY_FOLDER). A short word in a longer one (PORT in REPORT) is a word of its own.
    """
    known = sorted(known)
    stem = name.lower()
    for ending in ("_dir", "_folder", "_path", "_file"):
        stem = stem.removesuffix(ending)
    for candidate in difflib.get_close_matches(stem, [word.lower() for word in known], n=3, cutoff=0.6):
        ratio = difflib.SequenceMatcher(None, stem, candidate).ratio()
        one_differs = len(stem) == len(candidate) and sum(a != b for a, b in zip(stem, candidate, strict=True)) == 1
        alike = ratio >= _NEAR and (abs(len(stem) - len(candidate)) < 2 or stem[:3] == candidate[:3])
        if one_differs or alike or sorted(stem) == sorted(candidate):
            return next(word for word in known if word.lower() == candidate)
    return None
