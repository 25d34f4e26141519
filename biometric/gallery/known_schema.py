"""Whether a database that comes from elsewhere has the schema of a gallery, and nothing that acts by itself."""

import functools
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from biometric.errors import ArchiveInvalid
from biometric.gallery.migrations import MIGRATIONS
from biometric.storage.sqlite_files import BUSY_SECONDS, connect_database, database_errors

Entry = tuple[str, str, str]


@functools.cache
def _known() -> tuple[frozenset[Entry], frozenset[tuple[str, str]]]:
    """Triggers and views as any version of the schema has them, and the names of its tables and indices."""
    acting: set[Entry] = set()
    names: set[tuple[str, str]] = set()
    with closing(Database(memory=True, execute_plugins=False)) as db:
        for migration in MIGRATIONS:
            migration(db)
            for kind, name, sql in _entries(db):
                names.add((kind, name))
                if kind in ("trigger", "view"):
                    acting.add((kind, name, sql))
    return frozenset(acting), frozenset(names)


def _entries(db: Any) -> list[Entry]:
    rows = db.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
    return [(str(kind), str(name), " ".join(str(sql or "").split())) for kind, name, sql in rows]


def require_known_schema(path: Path, key: bytes | None = None) -> None:
    """Raise `ArchiveInvalid` where a database has a trigger, a view, a table or an index that no gallery has.

    A trigger would act, and a view answer, in the place of Sightline whenever the gallery is used.

    Args:
        path: the database's file; only read.
        key: with which it is encrypted, or None.
    """
    acting, names = _known()
    try:
        with closing(connect_database(path, BUSY_SECONDS, key)) as db:
            entries = _entries(db)
    except database_errors():
        return  # damaged: whoever opens it says so
    for kind, name, sql in entries:
        is_known = (kind, name, sql) in acting if kind in ("trigger", "view") else (kind, name) in names
        if not is_known and not name.startswith("sqlite_"):
            raise ArchiveInvalid(
                "This is no backup of a gallery that can be restored: its database holds the {kind} {name!r:.80}, "
                "which no gallery has. Whoever made it can change what the gallery answers. Nothing was changed.",
                kind=kind,
                name=name,
            )
