"""Where clips lie: which ones a command names, and how a job names them so that every worker finds them."""

import glob
from collections.abc import Sequence
from pathlib import Path

from biometric.entities.clip_jobs import NewClipJob
from biometric.errors import InvalidInput, InvalidSetting, PathRefused
from biometric.storage import resolve_inside
from biometric.storage.footage_folders import ENDINGS, folder_camera, is_plain_file, list_clips

MOST_CLIPS = 1_000_000
"""Most clips of a folder."""

_WILD = frozenset("*?[")


def named_clips(paths: Sequence[Path]) -> dict[Path, str]:
    """Return the clips that arguments name, each once: files as they are, folders and patterns by what lies there.

    A pattern has `*`, `?` or `[…]`; `**` stands for folders at any depth. Hidden files and links are left out where
    they are not named themselves.

    Returns:
        The camera that the clip's folder tells, by path.

    Raises:
        InvalidInput: a folder holds no clip or cannot be read, or nothing fits a pattern.
    """
    clips: dict[Path, str] = {}
    for path in paths:
        if path.is_dir():
            clips.update(_of_folder(path))
        elif not path.exists() and _WILD & set(str(path)):
            for found in _fitting(path):
                clips.update(_of_folder(found) if found.is_dir() else {found: _parent(found)})
        else:
            clips.setdefault(path, _parent(path))
    return clips


def _of_folder(folder: Path) -> dict[Path, str]:
    return {clip: folder_camera(folder, clip) for clip in list_clips(folder, MOST_CLIPS).clips}


def _parent(clip: Path) -> str:
    return clip.absolute().parent.name


def _fitting(pattern: Path) -> list[Path]:
    found = [Path(name) for name in sorted(glob.glob(str(pattern), recursive=True))]  # noqa: PTH207 - of any folder
    clips = [path for path in found if path.suffix.lower() in ENDINGS and is_plain_file(path)]
    if not clips:
        clips = [path for path in found if path.is_dir() and not path.is_symlink()]
    if not clips:
        raise InvalidInput("No video, photograph or folder fits {pattern}.", pattern=pattern)
    return clips


def place_of(clip: Path, roots: Sequence[Path]) -> tuple[str, str]:
    """Return how a job names a clip: the name of its root, and the path below it; "" and the whole path without roots.

    Raises:
        PathRefused: it lies in none of the roots, or its name is no text.
        InvalidSetting: two roots have the same last name.
    """
    _check_names(roots)
    whole = clip.resolve()
    try:
        str(whole).encode()
    except UnicodeEncodeError as error:
        text = str(whole).encode(errors="replace").decode()
        raise PathRefused("The name of {path} is no text in UTF-8. Rename the file.", path=text) from error
    if not roots:
        return "", whole.as_posix()
    for root in roots:
        if whole.is_relative_to(root.resolve()):
            return root.name, whole.relative_to(root.resolve()).as_posix()
    raise PathRefused(
        "{path} lies in none of the folders of SIGHTLINE_ANALYSIS_ROOTS ({roots}).",
        path=clip,
        roots=", ".join(str(root) for root in roots),
    )


def locate(job: NewClipJob, roots: Sequence[Path]) -> Path:
    """Return where a job's clip lies on this machine; it need not be there.

    Raises:
        PathRefused: this machine has no root of that name, or the path leads out of it.
        InvalidSetting: two roots have the same last name.
    """
    _check_names(roots)
    if not roots and not job.root:
        return Path(job.path)
    for root in roots:
        if root.name == job.root:
            return resolve_inside(root, job.path)
        if not job.root and Path(job.path).resolve().is_relative_to(root.resolve()):
            return Path(job.path).resolve()
    raise PathRefused(
        "Clips of the folder {root} cannot be read by this worker: SIGHTLINE_ANALYSIS_ROOTS does not name it.",
        root=job.root or Path(job.path).parent,
    )


def _check_names(roots: Sequence[Path]) -> None:
    names = [root.name for root in roots]
    for name in names:
        if names.count(name) > 1:
            raise InvalidSetting(
                "SIGHTLINE_ANALYSIS_ROOTS names two folders that are called {name}. Jobs could not tell them apart: "
                "rename one, or name the folder above them.",
                name=name,
            )
