"""What is wrong with the basis of an enrollment, or with how long it is to be kept."""

from biometric.errors.input_errors import InvalidInput


class InvalidBasis(InvalidInput):
    """Over-long or unprintable text of a basis, an empty purpose, or no such legal basis."""


class BasisMissing(InvalidInput):
    """No legal basis was given, and the gallery has no default: nothing was stored."""


class InvalidRetention(InvalidInput):
    """Days for which references are matched with or kept that cannot be."""


class OnLegalHold(InvalidInput):
    """What would be removed or moved is under a legal hold."""
