"""Every error that Sightline raises on purpose, drawn as one tree.

BiometricError
├── InvalidInput                 something given by the caller is wrong; nothing was changed
│   ├── InvalidName              over-long or unprintable name of an identity
│   │   └── NameMissing          an empty name, or one without visible characters
│   ├── InvalidThreshold         not a number in [-1, 1]
│   ├── InvalidFrameRange        From after To, or outside the clip
│   ├── InvalidSetting           an environment variable or option that cannot be used
│   ├── DatasetInvalid           a data set for evaluation is missing or malformed; names the first bad path
│   ├── PathRefused              a path outside its configured root
│   ├── UnknownIdentity          nobody of that name is enrolled
│   ├── UnknownReference         no such reference or sample in the gallery
│   ├── UnknownPerson            no such person number in the observed range
│   ├── UndoRefused              a change of the gallery cannot be undone (any more, or before a later one)
│   ├── ClipMissing              no clip was given
│   ├── ClaimMissing             nobody was chosen whom the person claims to be
│   ├── FootageChanged           the clip or its frames were changed since they were looked at
│   ├── NameTaken                another identity already has that name
│   ├── IdentityExists           enrolling under a name that somebody has, without saying so
│   └── LooksDifferent           the reference to add looks like a different person
├── ClipError                    the clip cannot be used
│   ├── ClipNotFound             no such file
│   ├── EmptyClip                a file of zero bytes
│   ├── NotAVideo                contents are no allowed video container or photograph
│   ├── PhotographUnreadable     a damaged photograph, or of a kind that cannot be read here, or not without a package
│   ├── NoVideoTrack             audio only
│   ├── ClipTooLarge             more pixels, frames, seconds or bytes than the limits allow
│   └── DamagedClip              cannot be opened or read to the end that it claims
├── ObservationError             the clip was read, but does not answer the question
│   ├── NobodyFound              no person in the range
│   ├── NoUsableSample           people, but every sample was refused by quality
│   ├── SeveralPeople            one person is needed, several are there; carries their numbers
│   └── CalibrationRefused       too few comparisons for the target rate; carries how many are needed
├── ModelError
│   ├── WeightsMissing           a weight file is absent and could not be fetched
│   ├── WeightsCorrupt           a checksum does not match, or the file does not load
│   ├── UnsupportedModel         loads, but is not a model for this role
│   └── ModelMismatch            templates of two models would be compared
├── TrainingError                a training run cannot begin or go on
│   ├── LibraryMissing           requirements-train.txt is not installed
│   ├── RunConflict              the folder holds another run, or is in use
│   ├── DataTooSmall             too few people, pictures or crops for what was asked
│   ├── LossNotFinite            the loss became infinite or no number; the last good checkpoint is kept
│   ├── OutOfMemory              the device's memory is full; says which setting to lower
│   └── OutputsDiffer            an exported file does not give what the trained network gives
└── GalleryError
    ├── EmptyGallery             nobody is enrolled
    ├── GalleryCorrupt           the database is damaged or of a newer version
    ├── GalleryBusy              another process holds the gallery for too long
    ├── GalleryUnavailable       the gallery's folder is a file, or may not be read
    ├── ArchiveInvalid           an import file is damaged or not a gallery export
    └── StorageFull              the disk is full or not writable

Messages are whole sentences for the person in front of the screen: what is wrong, and what to do.
Adapters translate their library's errors into these; only the edges (page, API, command line) catch them.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # the entities raise these errors
    from biometric.entities import NameConflict, Notice, NoticeCode


class BiometricError(Exception):
    """Base of all errors raised on purpose. `str(error)` is a message for a person.

    Example:
        >>> try:
        ...     service.observe("demo/nothing.mp4")
        ... except biometric.BiometricError as error:
        ...     print(type(error).__name__)
        ClipNotFound
    """


class InvalidInput(BiometricError):
    """Something given by the caller is wrong; nothing was changed."""


class InvalidName(InvalidInput):
    """The name of an identity is missing, over-long or not printable."""


class NameMissing(InvalidName):
    """The name of an identity is empty or has no visible characters."""


class InvalidThreshold(InvalidInput):
    """A comparison threshold is not a number in [-1, 1]."""


class InvalidFrameRange(InvalidInput):
    """A frame range is reversed, negative or outside the clip."""


class InvalidSetting(InvalidInput):
    """A setting cannot be used; the message names it and what it accepts."""


class DatasetInvalid(InvalidInput):
    """A data set for evaluation is missing or malformed; the message names the first bad path and what is expected."""


class PathRefused(InvalidInput):
    """A path leads outside its configured root."""


class UnknownIdentity(InvalidInput):
    """Nobody of that name is enrolled."""


class UnknownReference(InvalidInput):
    """There is no such reference in the gallery, or no such sample in the reference."""


class UnknownPerson(InvalidInput):
    """The person number does not occur in the observed range."""


class UndoRefused(InvalidInput):
    """A change of the gallery cannot be undone; the message says why and what to do.

    Attributes:
        blocked_by: id of the later change that has to be undone first, or None when that is not the reason.
    """

    def __init__(self, message: str, blocked_by: int | None = None) -> None:
        super().__init__(message)
        self.blocked_by = blocked_by


class ClipMissing(InvalidInput):
    """No clip was given."""


class ClaimMissing(InvalidInput):
    """Nobody was chosen whom the person claims to be."""


class FootageChanged(InvalidInput):
    """The clip or its frames were changed since, or while, they were looked at."""


class NameTaken(InvalidInput):
    """Another identity already has that name."""


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

    def __init__(self, message: str, conflict: "NameConflict | None" = None) -> None:
        super().__init__(message)
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

    def __init__(self, message: str, conflict: "NameConflict | None" = None) -> None:
        super().__init__(message)
        self.conflict = conflict


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
        self, message: str, readable: int = 0, claimed: int | None = None, damage: "Notice | None" = None
    ) -> None:
        super().__init__(message)
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

    def __init__(self, message: str, refusals: "Mapping[NoticeCode, int] | None" = None) -> None:
        super().__init__(message)
        self.refusals = Counter(refusals or {})


class SeveralPeople(ObservationError):
    """One person is needed and several are there.

    Attributes:
        people: the person numbers (from 1) to choose from.
    """

    def __init__(self, message: str, people: Sequence[int]) -> None:
        super().__init__(message)
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
        self, message: str, needed: int = 0, available: int = 0, people: int = 0, note: "Notice | None" = None
    ) -> None:
        super().__init__(message)
        self.note = note
        self.needed = needed
        self.available = available
        self.people = people


class ModelError(BiometricError):
    """A model is missing, damaged or not the right one."""


class WeightsMissing(ModelError):
    """A weight file is absent and could not be fetched."""


class WeightsCorrupt(ModelError):
    """A weight file's checksum does not match, or it does not load."""


class UnsupportedModel(ModelError):
    """The file loads, but is not a model for this role."""


class ModelMismatch(ModelError):
    """Templates of two different models would be compared."""


class TrainingError(BiometricError):
    """A training run cannot start or continue."""


class LibraryMissing(TrainingError):
    """A library of requirements-train.txt is not installed."""


class RunConflict(TrainingError):
    """The folder holds another run, or another process trains in it."""


class DataTooSmall(TrainingError):
    """There are too few people, pictures or crops for what was asked."""


class LossNotFinite(TrainingError):
    """The loss became infinite or not a number; the last good checkpoint is kept."""


class OutOfMemory(TrainingError):
    """The device's memory is full; the message says which setting to lower."""


class OutputsDiffer(TrainingError):
    """An exported file does not give what the trained network gives."""


class GalleryError(BiometricError):
    """The gallery cannot do what was asked."""


class EmptyGallery(GalleryError):
    """Nobody is enrolled."""


class GalleryCorrupt(GalleryError):
    """The gallery's database is damaged, or was written by a newer Sightline."""


class GalleryBusy(GalleryError):
    """Another process held the gallery for too long."""


class GalleryUnavailable(GalleryError):
    """The gallery's folder cannot be a gallery: it is a file, leads nowhere, or may not be read."""


class ArchiveInvalid(GalleryError):
    """An import file is damaged or not a gallery export."""


class StorageFull(GalleryError):
    """The disk is full or not writable."""
