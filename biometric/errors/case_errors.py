"""A case cannot do what was asked."""

from biometric.errors.root_error import BiometricError


class CaseError(BiometricError):
    """A case of an examiner cannot do what was asked; what it holds is as before."""


class NoCase(CaseError):
    """The folder holds no case, or one of a newer version."""


class CaseExists(CaseError):
    """The folder for a new case is not empty."""


class CaseChanged(CaseError):
    """A file of the case is missing or not what its record says, or the record itself was changed."""


class CaseIncomplete(CaseError):
    """The case lacks what the step needs: an input of either kind, a person who can be compared, a comparison."""


class CaseOfAnotherKey(CaseError):
    """The case is signed with a key that is not here: only whoever opened it goes on with it."""


class CaseModelDiffers(CaseError):
    """A model that serves here is not the one of the case."""
