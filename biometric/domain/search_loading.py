"""Loads what searches need before somebody waits for an answer, where that takes long enough to be told."""

from collections.abc import Callable, Generator

from biometric.entities import PURPOSES, Adapting, Progress, Purpose, Threshold
from biometric.errors import BiometricError
from biometric.ports import Gallery

LOADED_AT_ONCE = 50_000
"""References whose index is there in a moment, with the first search."""


def load_searches(gallery: Gallery, threshold: Callable[[Purpose], Threshold]) -> Generator[Progress, None, None]:
    """Load the gallery's index for each adaptation of scores that is decided by; yields only in a large gallery.

    What prevents that is no error here: the answer says it, and footage can be looked at without a gallery.

    Args:
        threshold: gives the default threshold for a purpose.
    """
    try:
        if gallery.reference_count() <= LOADED_AT_ONCE:
            return
        for adaptation in dict.fromkeys(threshold(purpose).adaptation for purpose in PURPOSES):
            yield from gallery.load_search(Adapting(adaptation))
    except BiometricError:
        return
