"""Keeps an index in step with the database and answers searches from it.

The index is derived and disposable: it is rebuilt when the database file was replaced, and otherwise brought up to
date with the references that changed since, whichever process changed them.
"""

import sqlite3
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from biometric.domain.camera_means import centre_by_camera
from biometric.entities import LearntCameras, ScoreAdaptation, Vector, camera_key
from biometric.errors import GalleryCorrupt
from biometric.gallery.adaptation_rows import read_learnt
from biometric.gallery.index import FlatIndex, Hit, make_index

_CHUNK = 1 << 16
"""References read at a time; bounds the memory needed besides the index itself."""

_SEARCHES_KEPT = 2
"""Adaptations whose indices are kept."""

_ALL = "SELECT number, identity_number, vector, camera FROM biometric_references ORDER BY number"
_CHANGED = (
    "SELECT r.number, r.identity_number, r.vector, r.camera FROM changes c "
    "JOIN biometric_references r ON r.number = c.reference_number WHERE c.revision > ? ORDER BY c.revision"
)


class GallerySearch:
    """An index with the revision of the database that it corresponds to. The caller holds a lock.

    Args:
        learnt: by what vectors are centred before they are put into the index; None: they stay as they are.
    """

    def __init__(self, learnt: LearntCameras | None = None) -> None:
        self.learnt = learnt
        self._index: FlatIndex | None = None
        self._origin: tuple[object, ...] = ()
        self._revision = 0

    def search(self, db: Database, origin: tuple[object, ...], dimension: int, query: Vector, count: int) -> list[Hit]:
        """Return the `count` best identities of the snapshot `db`, highest score first.

        Args:
            db: a snapshot, never older than the one of the call before.
            origin: identifies the database file; another one means another history.
            dimension: D of the vectors in `db`.
            query: (D,) unit float32.
            count: most identities to return.

        Raises:
            GalleryCorrupt: a stored vector is not of unit length or of another dimension.
        """
        return self.refresh(db, origin, dimension).search(query, count)

    def refresh(self, db: Database, origin: tuple[object, ...], dimension: int) -> FlatIndex:
        """Return the index, brought up to the snapshot `db` (arguments as in `search`)."""
        revision = int(db.execute("SELECT coalesce(max(revision), 0) FROM changes").fetchone()[0])
        index = self._index
        if index is None or (origin, dimension) != (self._origin, index.dimension) or revision < self._revision:
            index = self._build(db, dimension)
        elif revision > self._revision:
            self._update(index, db, self._revision)
        self._index, self._origin, self._revision = index, origin, revision
        return index

    def _build(self, db: Database, dimension: int) -> FlatIndex:
        index = make_index(dimension)
        for references, owners, vectors in self._read(db.execute(_ALL), dimension):
            index.update(np.empty(0, np.int64), references, owners, vectors)
        return index

    def _update(self, index: FlatIndex, db: Database, since: int) -> None:
        changed = db.execute("SELECT reference_number FROM changes WHERE revision > ?", [since]).fetchall()
        removed = np.array(changed, dtype=np.int64).reshape(-1)
        for references, owners, vectors in self._read(db.execute(_CHANGED, [since]), index.dimension):
            index.update(removed, references, owners, vectors)
            removed = np.empty(0, np.int64)
        if len(removed):
            no_numbers = np.empty(0, np.int64)
            index.update(removed, no_numbers, no_numbers, np.empty((0, index.dimension), np.float32))

    def _read(
        self, cursor: sqlite3.Cursor, dimension: int
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]]:
        while chunk := cursor.fetchmany(_CHUNK):
            references, owners, blobs, cameras = zip(*chunk, strict=True)
            data = b"".join(blobs)
            if len(data) != 4 * dimension * len(blobs):
                raise _damaged()
            vectors = np.frombuffer(data, dtype="<f4").reshape(-1, dimension)
            lengths = np.linalg.norm(vectors, axis=1)
            if not np.all(np.abs(lengths - 1.0) < 1e-3):  # false for NaN, too
                raise _damaged()
            yield np.array(references, np.int64), np.array(owners, np.int64), centred(self.learnt, vectors, cameras)


class AdaptedSearches:
    """The searches in use, one for each adaptation; the caller holds a lock.

    Verification and identification may each have one of their own, so two are kept. A search by another one is built
    anew.
    """

    def __init__(self) -> None:
        self._searches: dict[ScoreAdaptation, GallerySearch] = {}

    def of(self, db: Database, adaptation: ScoreAdaptation) -> GallerySearch:
        """Return the search for an adaptation. Raises `GalleryCorrupt`: what it needs is not in the gallery."""
        search = self._searches.pop(adaptation, None)
        if search is None:
            search = GallerySearch(read_learnt(db, adaptation))
        while len(self._searches) >= _SEARCHES_KEPT:
            self._searches.pop(next(iter(self._searches)))
        self._searches[adaptation] = search
        return search

    def forget(self) -> None:
        """Free all indices."""
        self._searches.clear()


def centred(learnt: LearntCameras | None, vectors: NDArray[np.float32], cameras: Sequence[str]) -> NDArray[np.float32]:
    """Return (N, D) unit vectors, each centred by the mean of its camera where means are given."""
    if learnt is None:
        return vectors
    return centre_by_camera(learnt, vectors, [camera_key(camera) for camera in cameras])


def _damaged() -> GalleryCorrupt:
    return GalleryCorrupt(
        "The gallery's database is damaged (a stored template is not a unit vector of the gallery's model). "
        "Restore its folder from a backup, or import an export into a new gallery folder."
    )
