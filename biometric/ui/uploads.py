"""Uploaded clips: taken into the session's own folder under a name of our own, and removed when no tab needs them."""

import re
import shutil
from pathlib import Path

from biometric.errors import InvalidInput, StorageFull
from biometric.private_folder import remove_quietly
from biometric.ui.session import Footage, Session


def take(source: Path, folder: Path, keep: bool) -> Path:
    """Move an upload into the session's folder (an example is copied), under a name of our own.

    Raises:
        InvalidInput: the upload is gone.
    """
    suffix = source.suffix.lower() if re.fullmatch(r"\.[A-Za-z0-9]{1,6}", source.suffix) else ""
    clip = folder / f"clip{suffix}"
    try:
        if keep:
            shutil.copyfile(source, clip)
        else:
            source.replace(clip)
        clip.chmod(0o600)
    except FileNotFoundError as error:
        raise InvalidInput("The upload is no longer there. Upload the clip again.") from error
    except OSError as error:
        raise StorageFull(f"The clip could not be kept for this session: {error.strerror}. Free some space.") from error
    return clip


def discard(former: Footage, session: Session) -> None:
    """Remove a clip that no tab uses any more."""
    if former.clip is not None and all(footage.clip != former.clip for footage in session.tabs.values()):
        remove_quietly(former.clip.parent)
