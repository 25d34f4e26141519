"""Every error that Sightline raises on purpose, drawn as one tree.

BiometricError
├── InvalidInput                 something given by the caller is wrong; nothing was changed
│   ├── InvalidName              over-long or unprintable name of an identity
│   │   └── NameMissing          an empty name, or one without visible characters
│   ├── InvalidCamera            over-long or unprintable name of a camera
│   ├── InvalidThreshold         not a number in [-1, 1]
│   ├── InvalidBasis             over-long or unprintable text, no purpose, or no such legal basis
│   ├── BasisMissing             no legal basis was given, and the gallery has no default
│   ├── InvalidRetention         days for which references are matched with or kept that cannot be
│   ├── OnLegalHold              what would be removed is under a legal hold
│   ├── InvalidFrameRange        From after To, or outside the clip
│   ├── InvalidSetting           an environment variable or option that cannot be used
│   ├── DatasetInvalid           a data set for evaluation is missing or malformed; names the first bad path
│   ├── TruthInvalid             labels of a clip cannot be read or do not fit it; carries the line
│   ├── PathRefused              a path outside its configured root
│   │   ├── GalleryPathRefused   of a gallery
│   │   └── QueryPathRefused     for new files
│   ├── UploadMissing            an uploaded file is no longer there
│   ├── UnknownIdentity          nobody of that name is enrolled
│   ├── UnknownReference         no such reference or sample in the gallery
│   ├── UnknownVerdict           no such verdict in the gallery
│   ├── UnknownSighting          no such sighting in the gallery
│   ├── UnknownGroup             no such group of sightings of an unknown person
│   ├── UnknownPerson            no such person number in the observed range
│   ├── UnknownClip              no such clip or answer in the footage library
│   ├── UnknownJob               no such job in the queue of clips to analyse
│   ├── JobStateRefused          a job is in a state in which this cannot be done with it
│   ├── PeopleSeenTogether       people to join are seen at different places in the same frames
│   ├── PeopleLookDifferent      people to join score below the threshold, and that was not forced
│   ├── SplitRefused             a person cannot be split at a frame
│   ├── UndoRefused              a change of the gallery cannot be undone (any more, or before a later one)
│   ├── CalibrationUnusable      an earlier calibration cannot be put in force, or is already
│   ├── ThresholdBelowCard       a calibration has a threshold below the model card's, without saying so
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
├── RedactionError               a clip in which people are hidden cannot be made as asked; none is left
│   ├── PeopleRemain             somebody is still seen who should be hidden; carries who, and in which frames
│   ├── SoundNotKept             the clip's sound is of a kind that MP4 files do not carry
│   └── TooFewPeople             nothing can be measured on so few people
├── CaseError                    a case of an examiner cannot do what was asked; what it holds is as before
│   ├── NoCase                   the folder holds no case, or one of a newer version
│   ├── CaseExists               the folder for a new case is not empty
│   ├── CaseChanged              a file is missing or not what its record says, or the record was changed
│   ├── CaseIncomplete           an input, a person who can be compared, or a comparison is missing
│   ├── CaseOfAnotherKey         it is signed with a key that is not here
│   └── CaseModelDiffers         a model that serves here is not the one of the case
├── ModelError
│   ├── WeightsMissing           a weight file is absent and could not be fetched
│   ├── WeightsCorrupt           a checksum does not match, or the file does not load
│   ├── UnsupportedModel         loads, but is not a model for this role
│   ├── ModelLibraryMissing      needs torch or another library that is not installed; says how to install it
│   ├── ModelMismatch            templates of two models would be compared
│   └── DeviceFailed             a graphics card stopped working, or its memory is full
├── TrainingError                a training run cannot begin or go on
│   ├── LibraryMissing           requirements-train.txt is not installed
│   ├── RunConflict              the folder holds another run, or is in use
│   ├── DataTooSmall             too few people, pictures or crops for what was asked
│   ├── LossNotFinite            the loss became infinite or no number; the last good checkpoint is kept
│   ├── OutOfMemory              the device's memory is full; says which setting to lower
│   └── OutputsDiffer            an exported file does not give what the trained network gives
├── EvaluationLibraryMissing     requirements-evaluation.txt is not installed
├── TooManyJobs                  too many jobs wait for the models
├── UsersUnreadable              the file of users is damaged, or of a newer version
├── CallerGone                   whoever called the server does not wait for the answer any more
├── JobQueueError                the queue of clips to analyse cannot do what was asked
│   ├── JobQueueCorrupt          its database is damaged, of a newer version, or another program's
│   ├── JobQueueBusy             another process holds it for too long
│   ├── JobLost                  a worker was silent for too long, and another one took its job over
│   └── WorkersFailed            no worker can go on, for a reason that has nothing to do with a clip
├── KeptFootageError             the library of kept footage cannot do what was asked
│   ├── KeptFootageCorrupt       its database or an observation is damaged or of a newer version
│   ├── KeptFootageBusy          another process holds it for too long
│   └── KeptFootageUnavailable   its folder is a file, or may not be read
└── GalleryError
    ├── EmptyGallery             nobody is enrolled
    ├── GalleryCorrupt           the database is damaged or of a newer version
    ├── CohortGone               templates of strangers, with which scores are normalised, have expired or were deleted
    ├── GalleryBusy              another process holds the gallery for too long
    ├── GalleryUnavailable       the gallery's folder is a file, or may not be read
    ├── ArchiveInvalid           an import file is damaged or not a gallery export
    │   └── WrongPassphrase      it is encrypted, and no or another passphrase was given
    ├── GalleryLocked            the gallery's protection and the key that was given do not fit
    │   ├── KeyMissing           it is encrypted, and no key was given
    │   ├── WrongKey             it is encrypted with another key, or with one of another kind
    │   ├── GalleryNotEncrypted  a key was given, and it is not encrypted
    │   └── EncryptionLibraryMissing  requirements-encryption.txt is not installed
    ├── AttachRefused            an import would give references to people who are here, without saying so
    └── StorageFull              the disk is full or not writable

Messages are whole sentences for the person in front of the screen: what is wrong, and what to do.
Adapters translate their library's errors into these; only the edges (page, API, command line) catch them. Import them
from `biometric.errors`; the modules beside this one hold one branch of the tree each.
"""

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
