"""The library of kept footage cannot do what was asked."""

from biometric.errors.input_errors import InvalidInput
from biometric.errors.root_error import BiometricError


class UnknownClip(InvalidInput):
    """No such clip or answer in the footage library."""


class KeptFootageError(BiometricError):
    """The library of kept footage cannot do what was asked."""


class KeptFootageCorrupt(KeptFootageError):
    """The library's database or a kept observation is damaged, or was written by a newer Sightline."""


class KeptFootageBusy(KeptFootageError):
    """Another process held the library for too long."""


class KeptFootageUnavailable(KeptFootageError):
    """The library's folder is a file, leads nowhere, or may not be read."""
