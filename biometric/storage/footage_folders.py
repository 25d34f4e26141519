"""Clips in folders of this machine, inside the roots that the settings name."""

import os
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from biometric.errors import InvalidInput, PathRefused
from biometric.storage.files_and_paths import describe_os_error, resolve_inside

ENDINGS = frozenset(
    [
        ".mp4",
        ".m4v",
        ".mov",
        ".avi",
        ".mkv",
        ".webm",
        ".mpg",
        ".mpeg",
        ".ts",
        ".mts",
        ".m2ts",
        ".3gp",
        ".wmv",
        ".asf",
        ".flv",
        ".ogv",
        ".vob",
        ".dav",
        ".mjpeg",
        ".mjpg",
        ".h264",
        ".264",
        ".h265",
        ".265",
        ".hevc",
        ".jpg",
        ".jpeg",
        ".png",
        ".webp",
        ".avif",
        ".tif",
        ".tiff",
        ".bmp",
        ".gif",
        ".heic",
        ".heif",
    ]
)
"""Endings of files that are taken for clips or photographs; what they are is found out when they are read."""


@dataclass(frozen=True, slots=True)
class FolderListing:
    """What a folder holds.

    Attributes:
        clips: files, by path.
        others: how many files were left out: of other endings, links, pipes and devices.
    """

    clips: tuple[Path, ...]
    others: int


def list_clips(folder: Path, most: int) -> FolderListing:
    """Return the clips of a folder and of the folders in it; hidden ones are left out, and no link is followed.

    Raises:
        InvalidInput: it is no folder, cannot be read, holds no clip, or holds more than `most`.
    """
    if not folder.is_dir():
        raise InvalidInput("{folder} is not a folder. Name one that holds clips.", folder=folder)
    clips: list[Path] = []
    others = 0
    for place, names, files in os.walk(folder, onerror=_refuse):
        names[:] = sorted(name for name in names if not name.startswith("."))
        for name in sorted(files):
            path = Path(place, name)
            if name.startswith("."):
                continue
            if path.suffix.lower() in ENDINGS and is_plain_file(path):
                clips.append(path)
            else:
                others += 1
        if len(clips) > most:
            raise InvalidInput(
                "{folder} holds more than {number:,} clips. Name a folder that holds fewer.", folder=folder, number=most
            )
    if not clips:
        raise InvalidInput("There is no video or photograph in {folder}.", folder=folder)
    return FolderListing(tuple(clips), others)


def folder_camera(folder: Path, clip: Path) -> str:
    """Return the camera whose name a clip's folder tells: the sub-folder of `folder` that it is in, else `folder`."""
    parts = clip.relative_to(folder).parts
    return parts[0] if len(parts) > 1 else folder.resolve().name


def is_plain_file(path: Path) -> bool:
    """Whether a path is a file itself: no link, pipe, socket or device."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def footage_folder(roots: Sequence[Path], text: str) -> Path:
    """Return the folder that `text` names: absolute, or relative to a root; it lies in one after following links.

    Raises:
        PathRefused: it leads elsewhere, is no plain path, or no root is configured.
    """
    if not roots:
        raise PathRefused("Folders of this machine cannot be used here: SIGHTLINE_FOOTAGE names none.")
    refusal: PathRefused | None = None
    inside: list[Path] = []
    for root in roots:
        try:
            inside.append(resolve_inside(root, text))
        except PathRefused as error:
            refusal = refusal or error
    existing = [path for path in inside if path.is_dir()]
    if refusal is not None and not existing:
        raise refusal
    return (existing or inside)[0]


def check_footage_file(roots: Sequence[Path], path: Path) -> None:
    """Check again, when a listed file is about to be read, that it is what it was.

    Raises:
        PathRefused: it is gone, or a link or device has taken its place.
    """
    try:
        whole = path.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise PathRefused("{name} is no longer there.", name=path.name) from error
    if whole != path or not is_plain_file(path) or not any(path.is_relative_to(root.resolve()) for root in roots):
        raise PathRefused("{name} is no plain file of its folder any more.", name=path.name)


def _refuse(error: OSError) -> None:
    raise InvalidInput(
        "The folder {folder} cannot be read: {reason}.", folder=error.filename, reason=describe_os_error(error)
    ) from error
