"""Deletes the files of the register that name people who are gone.

A file is deleted only while it is exactly what was written there, and no link: a gallery that somebody else wrote must
not delete other files, and what somebody made of a file is theirs to look at.
"""

import stat
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from sqlite_utils import Database

from biometric.entities.erasure import Derivative, DerivativeKind, Unreached, UnreachedFile
from biometric.gallery import derivative_rows, erasure_rows
from biometric.storage import file_digest

_STRUCK = (None, Unreached.GONE)
"""Outcomes by which there is no such file any more."""


def delete_marked(db: Database) -> None:
    """Delete the files of all lines that are marked, and write down the outcome. Only with the write lock held."""
    for number, erasure in derivative_rows.marked(db):
        [derivative] = derivative_rows.read(db, [number])
        outcomes = {path: _delete(path, digest) for path, digest in derivative.files.items()}
        if derivative.kind is DerivativeKind.RESULTS:
            for folder in {path.parent for path in outcomes}:
                with suppress(OSError):  # it is not empty
                    folder.rmdir()
        struck = [path for path, why in outcomes.items() if why in _STRUCK]
        deleted = sum(why is None for why in outcomes.values())
        erasure_rows.add_outcome(db, erasure, deleted, _unreached(derivative, outcomes))
        if len(struck) < len(outcomes):
            derivative_rows.give_up(db, number)
        derivative_rows.delete_files(db, number, struck)


def delete_old_results(db: Database, root: Path, before: str) -> int:
    """Delete files of identifications that were written below a folder before a time; return how many.

    What is not exactly as it was written stays, and its line with it. So does what was written anew since, byte for
    byte the same: a later line tells, or, where another gallery wrote it, the file's own time. Only with the write
    lock held.
    """
    count, earliest = 0, datetime.fromisoformat(before).timestamp()
    anew = derivative_rows.paths_written_after(db, before)
    for number in derivative_rows.written_until(db, DerivativeKind.RESULTS, before):
        [derivative] = derivative_rows.read(db, [number])
        old = [path for path in derivative.files if path.is_relative_to(root) and path not in anew]
        outcomes = {path: _delete(path, derivative.files[path]) for path in old if not _is_newer(path, earliest)}
        count += sum(why is None for why in outcomes.values())
        for folder in {path.parent for path in outcomes} - {root}:
            with suppress(OSError):  # it is not empty
                folder.rmdir()
        derivative_rows.delete_files(db, number, [path for path, why in outcomes.items() if why in _STRUCK])
    return count


def left(db: Database) -> list[UnreachedFile]:
    """Return the files about people who are gone whose deletion was tried in vain."""
    found: list[UnreachedFile] = []
    for number, _ in derivative_rows.marked(db, tried=True):
        [derivative] = derivative_rows.read(db, [number])
        found += _unreached(derivative, dict.fromkeys(derivative.files, Unreached.CHANGED))
    return found


def _unreached(derivative: Derivative, outcomes: dict[Path, Unreached | None]) -> list[UnreachedFile]:
    """Return what was not deleted; of all files of a line that are gone one entry speaks."""
    found: dict[str, UnreachedFile] = {}
    for path, why in outcomes.items():
        if why is not None:
            # The folder of results is named after the clip, which may be named after a person.
            folder = path.parent.parent if derivative.kind is DerivativeKind.RESULTS else path.parent
            place = folder if why is Unreached.GONE else path
            digest = "" if why is Unreached.GONE else derivative.files[path]
            found[str(place)] = UnreachedFile(derivative.kind, derivative.written_at, why, str(place), digest)
    return list(found.values())


def _is_newer(path: Path, earliest: float) -> bool:
    """Whether a file was written after a time, in seconds since 1970; False where there is none."""
    try:
        return path.lstat().st_mtime > earliest
    except OSError:
        return False


def _delete(path: Path, digest: str) -> Unreached | None:
    """Delete a file; return why not, None where it is gone now."""
    try:
        if not stat.S_ISREG(path.lstat().st_mode) or file_digest(path) != digest:
            return Unreached.CHANGED
        path.unlink()
    except (FileNotFoundError, NotADirectoryError):
        return Unreached.GONE
    except OSError:
        return Unreached.REFUSED
    return None
