"""The gallery cannot do what was asked."""

from biometric.errors.root_error import BiometricError


class GalleryError(BiometricError):
    """The gallery cannot do what was asked."""


class EmptyGallery(GalleryError):
    """Nobody is enrolled."""


class GalleryCorrupt(GalleryError):
    """The gallery's database is damaged, or was written by a newer Sightline."""


class CohortGone(GalleryError):
    """The templates of strangers that scores of an adaptation are normalised with have expired, or were deleted."""


class GalleryBusy(GalleryError):
    """Another process held the gallery for too long."""


class GalleryUnavailable(GalleryError):
    """The gallery's folder cannot be a gallery: it is a file, leads nowhere, or may not be read."""


class ArchiveInvalid(GalleryError):
    """An import file is damaged or not a gallery export."""


class WrongPassphrase(ArchiveInvalid):
    """An import file is encrypted, and no or another passphrase was given."""


class AttachRefused(GalleryError):
    """An import would give references to people who are here already, without saying so."""


class StorageFull(GalleryError):
    """The disk is full or not writable."""
