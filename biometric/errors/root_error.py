"""The root of all errors that Sightline raises on purpose, and those that belong to no branch."""

from typing import Any

from biometric.errors.phrases import Phrase


class BiometricError(Exception):
    """Base of all errors raised on purpose. `str(error)` is a message for a person, in English.

    Attributes:
        message: the same, with the values that were filled in, for `messages.describe_error` to tell it in another
            language: `InvalidInput("Frame {frame} is after the end.", frame=12)`.

    Example:
        >>> try:
        ...     service.observe("demo/nothing.mp4")
        ... except biometric.BiometricError as error:
        ...     print(type(error).__name__)
        ClipNotFound
    """

    def __init__(self, message: str = "", /, **values: Any) -> None:
        self.message = message if isinstance(message, Phrase) else Phrase(message, **values)
        super().__init__(str(self.message))


class TooManyJobs(BiometricError):
    """Too many jobs wait for the models of this server."""


class UsersUnreadable(BiometricError):
    """The file of users is damaged, of a newer version, or another program's."""


class CallerGone(BiometricError):
    """Whoever called the server does not wait for the answer any more."""


class EvaluationLibraryMissing(BiometricError):
    """A library that only evaluation needs is not installed; the message says how to install it."""
