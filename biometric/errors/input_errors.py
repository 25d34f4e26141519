"""Something given by the caller is wrong."""

from typing import TYPE_CHECKING, Any

from biometric.errors.root_error import BiometricError

if TYPE_CHECKING:  # the entities raise these errors
    from collections.abc import Sequence

    from biometric.entities import NameConflict, Notice, Threshold


class InvalidInput(BiometricError):
    """Something given by the caller is wrong; nothing was changed."""


class InvalidName(InvalidInput):
    """The name of an identity is missing, over-long or not printable."""


class NameMissing(InvalidName):
    """The name of an identity is empty or has no visible characters."""


class InvalidCamera(InvalidInput):
    """The name of a camera is over-long or not printable."""


class InvalidThreshold(InvalidInput):
    """A comparison threshold is not a number in [-1, 1]."""


class InvalidFrameRange(InvalidInput):
    """A frame range is reversed, negative or outside the clip."""


class InvalidSetting(InvalidInput):
    """A setting cannot be used; the message names it and what it accepts."""


class DatasetInvalid(InvalidInput):
    """A data set for evaluation is missing or malformed; the message names the first bad path and what is expected."""


class TruthInvalid(InvalidInput):
    """A file of labels cannot be read or does not fit its clip; the message says the line and what to do.

    Attributes:
        line: number of the first bad line, from 1, or None where the whole file is meant.
    """

    def __init__(self, message: str, /, line: int | None = None, **values: Any) -> None:
        super().__init__(message, **values)
        self.line = line


class PathRefused(InvalidInput):
    """A path leads outside its configured root."""


class GalleryPathRefused(PathRefused):
    """The path of a gallery leads outside the configured one."""


class QueryPathRefused(PathRefused):
    """The path for new files leads outside the configured one."""


class UploadMissing(InvalidInput):
    """An uploaded file is no longer there."""


class UnknownIdentity(InvalidInput):
    """Nobody of that name is enrolled."""


class UnknownReference(InvalidInput):
    """There is no such reference in the gallery, or no such sample in the reference."""


class UnknownVerdict(InvalidInput):
    """There is no such verdict in the gallery."""


class UnknownSighting(InvalidInput):
    """There is no such sighting in the gallery, or not any more."""


class UnknownGroup(InvalidInput):
    """There is no such group of sightings of an unknown person, or not any more."""


class UnknownPerson(InvalidInput):
    """The person number does not occur in the observed range."""


class PeopleSeenTogether(InvalidInput):
    """People to join are two people: they are seen at different places in the same frames."""


class PeopleLookDifferent(InvalidInput):
    """People to join score below the verification threshold, or cannot be compared, and that was not forced.

    Attributes:
        score: the lowest comparison score among them, in [-1, 1]; None where somebody has no usable sample.
        threshold: what it is compared with. None only where a test raises the error itself.
    """

    def __init__(
        self, message: str, /, score: float | None = None, threshold: "Threshold | None" = None, **values: Any
    ) -> None:
        if threshold is not None:
            values |= {"score": score, "threshold": threshold.value}
        super().__init__(message, **values)
        self.score, self.threshold = score, threshold


class SplitRefused(InvalidInput):
    """A person cannot be split at a frame, because one of the parts would have no usable sample."""


class UndoRefused(InvalidInput):
    """A change of the gallery cannot be undone; the message says why and what to do.

    Attributes:
        blocked_by: id of the later change that has to be undone first, or None when that is not the reason.
    """

    def __init__(self, message: str, /, blocked_by: int | None = None, **values: Any) -> None:
        super().__init__(message, **values)
        self.blocked_by = blocked_by


class ClipMissing(InvalidInput):
    """No clip was given."""


class ClaimMissing(InvalidInput):
    """Nobody was chosen whom the person claims to be."""


class FootageChanged(InvalidInput):
    """The clip or its frames were changed since, or while, they were looked at."""


class NameTaken(InvalidInput):
    """Another identity already has that name."""


class CalibrationUnusable(InvalidInput):
    """An earlier calibration, or the model card, cannot be put in force."""


class ThresholdBelowCard(InvalidInput):
    """A calibration has a threshold below the model card's, and the caller did not say that it is to be used.

    Attributes:
        notices: which thresholds, and wrong answers that reach one; `messages.describe_error` says them before the
            message.

    Example:
        >>> try:
        ...     service.calibrate(["street.mp4"])
        ... except errors.ThresholdBelowCard as error:
        ...     print(error.notices[0]["value"] < error.notices[0]["card"])
        True
        >>> calibration = service.calibrate(["street.mp4"], force=True)
    """

    def __init__(self, message: str, /, notices: "Sequence[Notice]" = (), **values: Any) -> None:
        super().__init__(message, **values)
        self.notices = tuple(notices)


class IdentityExists(InvalidInput):
    """Somebody enrolled has the name, and the caller did not say that they get another reference.

    Attributes:
        conflict: the identity, its score, threshold and the pictures that compare best; `messages.describe_error`
            says them before the message. None only where a test raises the error itself.

    Example:
        >>> try:
        ...     service.enroll(observed, "Ada Lovelace")
        ... except biometric.IdentityExists as error:
        ...     print(error.conflict.identity.name, error.conflict.reaches_threshold)
        Ada Lovelace True
        >>> service.enroll(observed, "Ada Lovelace", add=True).added
        True
    """

    def __init__(self, message: str, /, conflict: "NameConflict | None" = None, **values: Any) -> None:
        super().__init__(message, **values)
        self.conflict = conflict


class LooksDifferent(InvalidInput):
    """The reference to add scores below the verification threshold against the identity's, or cannot be compared.

    Attributes:
        conflict: as of `IdentityExists`.

    Example:
        >>> other = service.observe("demo/visit-1-dark-coat.mp4")
        >>> try:
        ...     service.enroll(other, "Ada Lovelace", add=True)
        ... except biometric.LooksDifferent as error:
        ...     print(error.conflict.score < error.conflict.threshold.value)
        True
    """

    def __init__(self, message: str, /, conflict: "NameConflict | None" = None, **values: Any) -> None:
        super().__init__(message, **values)
        self.conflict = conflict
