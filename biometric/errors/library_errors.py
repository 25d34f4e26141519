"""A package that only one part of the application needs is not installed."""

from biometric.errors.key_errors import GalleryLocked
from biometric.errors.root_error import BiometricError


class EvaluationLibraryMissing(BiometricError):
    """A library that only evaluation needs is not installed; the message says how to install it."""


class EncryptionLibraryMissing(GalleryLocked):
    """The package for encrypted databases is not installed; the message says how to install it."""
