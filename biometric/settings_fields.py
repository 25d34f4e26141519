"""What fields of the settings are made of: paths, and the names of their variables."""

import os
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, ValidationInfo
from pydantic_settings import NoDecode

from biometric import locations
from biometric.errors import InvalidSetting

PREFIX = "SIGHTLINE_"


def variable_of(field: str) -> str:
    """Return the environment variable of a field."""
    return f"{PREFIX}{field.upper()}"


def _absolute(value: object, info: ValidationInfo) -> object:
    if not isinstance(value, str | Path):
        return value
    try:
        return locations.absolute_path(value)
    except ValueError as error:
        raise InvalidSetting("{variable} {error}", variable=variable_of(str(info.field_name)), error=error) from error


Folder = Annotated[Path, BeforeValidator(_absolute)]
"""An absolute path; `~` is expanded and links are followed when the settings are made."""


def _folders(value: object) -> object:
    """Split what a variable says as the system splits PATH."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(os.pathsep) if part.strip())
    return (value,) if isinstance(value, Path) else value


Folders = Annotated[tuple[Folder, ...], NoDecode, BeforeValidator(_folders)]
"""Several folders."""
