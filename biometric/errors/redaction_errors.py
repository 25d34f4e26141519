"""A redacted clip cannot be made."""

from typing import TYPE_CHECKING, Any

from biometric.errors.root_error import BiometricError

if TYPE_CHECKING:  # the entities raise errors
    from collections.abc import Sequence

    from biometric.entities.redaction import RemainingPerson


class RedactionError(BiometricError):
    """A clip in which people are hidden cannot be made as asked; none is left."""


class PeopleRemain(RedactionError):
    """The second pass still sees somebody in the result who should be hidden; the result was removed.

    Attributes:
        remaining: who is seen, in the order of frames; `RemainingPerson.frame_index` counts as the clip does.
    """

    def __init__(self, message: str, /, remaining: "Sequence[RemainingPerson]" = (), **values: Any) -> None:
        super().__init__(message, **values)
        self.remaining = tuple(remaining)


class SoundNotKept(RedactionError):
    """The clip's sound is coded in a way that players do not take from an MP4."""


class TooFewPeople(RedactionError):
    """Fewer than two people of the clip can be compared, so nothing can be measured on it."""
