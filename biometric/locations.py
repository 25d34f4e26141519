"""Where the program's own files and people's data are: in a source checkout, or beside an installed package.

Everything is looked up when it is needed, never at import: an account without a home folder can import everything.
"""

import functools
import os
import tempfile
import tomllib
from pathlib import Path

import platformdirs

from biometric.errors import InvalidSetting
from biometric.errors.phrases import Phrase

PACKAGE = Path(__file__).resolve().parent
_NAME = "sightline"
_SHIPPED = Path("models", "shipped")
"""Where a wheel carries the manifest and the starter weights, inside the package (see pyproject.toml)."""


def find_checkout(package: Path) -> Path | None:
    """Return the folder of the source checkout that `package` (…/biometric) is part of, None for an installed package.

    A wheel carries its weights inside the package, which a checkout never does; a checkout has this project's
    pyproject.toml and `models/manifest.toml` beside the package.
    """
    root = package.parent
    if (package / _SHIPPED / "manifest.toml").exists() or not (root / "models" / "manifest.toml").is_file():
        return None
    try:
        project = tomllib.loads((root / "pyproject.toml").read_text("utf-8")).get("project", {})
    except (OSError, ValueError):
        return None
    return root if isinstance(project, dict) and project.get("name") == _NAME else None


@functools.cache
def checkout() -> Path | None:
    """The source checkout that this program runs from, None where it is an installed package."""
    return find_checkout(PACKAGE)


def shipped_models() -> Path:
    """The folder of the manifest and the starter weights that come with the program; may be read-only."""
    root = checkout()
    return PACKAGE / _SHIPPED if root is None else root / "models"


def default_data_folder() -> Path:
    """The folder for gallery, query and downloaded weights: the checkout, else the platform's data folder.

    Raises:
        InvalidSetting: there is no checkout, and this account has no place for data.
    """
    root = checkout()
    if root is not None:
        return root
    folder = Path(platformdirs.user_data_path(_NAME, appauthor=False))
    if not _can_be_made(folder):
        raise InvalidSetting(
            "There is no place for the gallery: {folder} cannot be made. Set SIGHTLINE_DATA to a folder "
            "that can be written.",
            folder=folder,
        )
    return folder


def default_cache_folder(temp: Path) -> Path:
    """The platform's cache folder; for an account that has none, one inside `temp`."""
    folder = Path(platformdirs.user_cache_path(_NAME, appauthor=False))
    return folder if _can_be_made(folder) else temp / "cache"


def default_temp_folder() -> Path:
    """The folder for temporary files. Raises `InvalidSetting` where the system has none."""
    try:
        return Path(tempfile.gettempdir()) / _NAME
    except OSError as error:
        raise InvalidSetting(
            "There is no folder for temporary files. Set SIGHTLINE_TEMP to a folder that can be written."
        ) from error


def _can_be_made(folder: Path) -> bool:
    """Whether a folder is there or can be made: false below /dev/null, /nonexistent or a read-only home."""
    if not folder.is_absolute():
        return False  # "~" stays as it is where an account has no home folder
    existing = next(parent for parent in (folder, *folder.parents) if os.path.lexists(parent))
    return existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)


def absolute_path(written: str | Path) -> Path:
    """Return the absolute path of a file or folder: `~` expanded, links followed. It need not exist.

    Raises:
        ValueError: empty, in the home of somebody who has none here, or impossible to follow. The message continues
            after the name of what was set: "… is empty. …".
    """
    text = str(written)
    if not text.strip():
        raise ValueError(
            Phrase("is empty. Write the path of a file or folder, or leave it out to use a default where there is one.")
        )
    path = Path(text)
    if text.startswith("~"):
        user = path.parts[0]
        if not _has_home(user):
            whose = Phrase("this account") if user == "~" else Phrase("the account {name}", name=user[1:])
            problem = Phrase(
                "is {text}, but {whose} has no home folder on this machine. Write the whole path.",
                text=text,
                whose=whose,
            )
            raise ValueError(problem)
        path = path.expanduser()
    try:
        return path.resolve()
    except RuntimeError as error:
        raise ValueError(
            Phrase("is {text!r}, a loop of symbolic links that leads nowhere. Choose another path.", text=text)
        ) from error
    except (OSError, ValueError) as error:
        raise ValueError(f"is {text!r}, which cannot be followed as a path. Choose another path.") from error


def _has_home(user: str) -> bool:
    """Whether "~" or "~name" stands for a folder; one's own may still have to be made."""
    try:
        home = Path(user).expanduser()
    except RuntimeError:
        return False
    return home.is_dir() or (user == "~" and _can_be_made(home))
