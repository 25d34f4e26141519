"""The clip cannot be used, or does not answer the question."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from biometric.errors.root_error import BiometricError

if TYPE_CHECKING:  # the entities raise these errors
    from biometric.entities import Notice, NoticeCode


class ClipError(BiometricError):
    """The clip cannot be used."""


class ClipNotFound(ClipError):
    """There is no such file."""


class EmptyClip(ClipError):
    """The file has zero bytes."""


class NotAVideo(ClipError):
    """The file's contents are not one of the allowed video containers or photographs."""


class PhotographUnreadable(ClipError):
    """The file is a photograph that is damaged or cannot be read here; the message says what to install or to do."""


class NoVideoTrack(ClipError):
    """The file holds no video track (audio only)."""


class ClipTooLarge(ClipError):
    """The clip has more pixels, frames, seconds or bytes than the limits allow."""


class DamagedClip(ClipError):
    """The clip cannot be opened, or cannot be read to the end that it claims.

    Attributes:
        readable: number of frames that could be decoded from the start (0 when none).
        claimed: number of frames that the file claims, or None when it claims none.
        damage: what is wrong with it, which `messages.describe_error` puts before the message; or None.
    """

    def __init__(
        self,
        message: str,
        /,
        readable: int = 0,
        claimed: int | None = None,
        damage: "Notice | None" = None,
        **values: Any,
    ) -> None:
        super().__init__(message, **values)
        self.readable = readable
        self.claimed = claimed
        self.damage = damage


class ObservationError(BiometricError):
    """The clip was read, but does not answer the question."""


class NobodyFound(ObservationError):
    """No person is visible in the chosen frames."""


class NoUsableSample(ObservationError):
    """People were found, but every sample of theirs was refused by quality.

    Attributes:
        refusals: how many samples were refused, by reason; `messages.describe_error` says them after the message.
    """

    def __init__(self, message: str, /, refusals: "Mapping[NoticeCode, int] | None" = None, **values: Any) -> None:
        super().__init__(message, **values)
        self.refusals = Counter(refusals or {})


class SeveralPeople(ObservationError):
    """One person is needed and several are there.

    Attributes:
        people: the person numbers (from 1) to choose from.
    """

    def __init__(self, message: str, /, people: Sequence[int], **values: Any) -> None:
        super().__init__(message, **values)
        self.people = tuple(people)


class CalibrationRefused(ObservationError):
    """The data cannot support the target error rate; the message says how much more is needed.

    Attributes:
        needed: independent comparisons that the target needs.
        available: how many there are.
        people: different people who, all compared with each other, would give `needed`.
        note: what a calibration notes where it goes without a threshold for this reason, or None.
    """

    def __init__(
        self,
        message: str,
        /,
        needed: int = 0,
        available: int = 0,
        people: int = 0,
        note: "Notice | None" = None,
        **values: Any,
    ) -> None:
        super().__init__(message, **values)
        self.note = note
        self.needed = needed
        self.available = available
        self.people = people
