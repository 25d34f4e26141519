"""Single values that callers of the API give, checked. Nothing of them is trusted."""

from biometric.entities import EnrollmentBasis, EntryPoint, GivenBasis, clean_camera
from biometric.entities.enrollment_basis import complete_basis
from biometric.errors import InvalidInput, PathRefused
from biometric.ui.browser_input import parse_int


def read_name(value: object) -> str:
    """Return a name that a caller gave. Raises `InvalidInput`: it is no text."""
    if not isinstance(value, str):
        raise InvalidInput("The name must be text.")
    return value


def read_camera(value: object) -> str | None:
    """Return a camera's name that a caller gave, None where none was. Raises `InvalidInput`: it cannot be used."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise InvalidInput("The camera must be text.")
    return clean_camera(value)


def read_folder(value: object) -> str:
    """Return a folder that a caller gave, "" where none was. Raises `PathRefused`: it is no text."""
    if value is not None and not isinstance(value, str):
        raise PathRefused("The query folder must be a path.")
    return value or ""


def read_basis(default: EnrollmentBasis | None, *values: object) -> GivenBasis:
    """Return the basis that a caller gave, in the order of `complete_basis`, completed by the gallery's default.

    Raises:
        InvalidInput: a value is no text, or cannot be used.
        BasisMissing: basis or purpose is not said, and there is no default.
    """
    words = ["" if value is None else value for value in values]
    if not all(isinstance(word, str) for word in words):
        raise InvalidInput("Basis, purpose, responsible and basis_note must be text.")
    return GivenBasis(complete_basis(default, *map(str, words)), EntryPoint.API)


def read_person(value: object) -> int | None:
    """Return a person's number that a caller gave, None where none was. Raises `InvalidInput`: it is no number."""
    return None if value is None else parse_int(value, "person")


def read_threshold(value: object) -> float | None:
    """Return a threshold that a caller gave, None where none was. Raises `InvalidInput`: it is no number."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidInput("The threshold must be a number from -1 to 1.")
    return float(value)
