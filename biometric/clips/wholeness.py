"""Whether a file looks like a clip that was written to its end, by its own lengths and counts; nothing is decoded."""

from pathlib import Path

from biometric.clips.containers import recognise_container
from biometric.clips.structure.walking import walk_structure
from biometric.errors import ClipError, DamagedClip, EmptyClip


def looks_whole(clip: Path) -> bool:
    """Return False for a file that ends before it says, has no bytes or no index yet.

    A photograph, and what is no clip at all, is as whole as can be told.
    """
    try:
        return not walk_structure(clip, recognise_container(clip).kind).broken
    except (DamagedClip, EmptyClip):
        return False
    except ClipError:
        return True
    except OSError:
        return False
