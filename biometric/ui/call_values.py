"""Single values that callers of the API give, checked. Nothing of them is trusted."""

from biometric.entities import clean_camera
from biometric.errors import InvalidInput
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
