"""The gallery's protection and the key that was given do not fit."""

from biometric.errors.gallery_errors import GalleryError


class GalleryLocked(GalleryError):
    """The gallery's protection and the key that was given do not fit."""


class KeyMissing(GalleryLocked):
    """The gallery is encrypted, and no key was given."""


class WrongKey(GalleryLocked):
    """The gallery is encrypted with another key, or with a key of another kind."""


class GalleryNotEncrypted(GalleryLocked):
    """A key was given for a gallery that is not encrypted."""
