"""Keeps an index in step with the database and answers searches from it.

The index is derived and disposable: it is rebuilt when the database file was replaced, and otherwise brought up to
date with the references that changed since, whichever process changed them.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from biometric.domain.camera_means import centre_by_camera
from biometric.domain.stranger_scores import describe_by_strangers, normalised
from biometric.entities import LearntAdaptation, LearntCameras, ScoreAdaptation, StrangerCohort, Vector, camera_key
from biometric.errors import GalleryCorrupt
from biometric.gallery import retention_rows
from biometric.gallery.adaptation_rows import read_learnt
from biometric.gallery.cohort_rows import require_kept
from biometric.gallery.compact_index import CompactIndex
from biometric.gallery.index import HAVE_FAISS, FlatIndex, Hit, make_index

COMPACT_ABOVE = 100_000
"""References from which on half the memory and time of a search are worth reading the best ones' vectors again."""

_CHUNK = 1 << 14
"""References read at a time; bounds the memory needed besides the index itself."""

_SEARCHES_KEPT = 2
"""Adaptations whose indices are kept."""

_NO_NUMBERS = np.empty(0, np.int64)

_NEXT = (
    "SELECT r.number, r.identity_number, r.vector, r.camera FROM biometric_references r "
    "JOIN reference_times t ON t.reference_number = r.number "
    "WHERE r.number > ? AND t.match_until > ? ORDER BY r.number LIMIT ?"
)
_LISTED = (
    "SELECT number, identity_number, vector, camera FROM biometric_references "
    "WHERE number IN (SELECT value FROM json_each(?)) ORDER BY number"
)
_CHANGED = (
    "SELECT r.number, r.identity_number, r.vector, r.camera FROM changes c "
    "JOIN biometric_references r ON r.number = c.reference_number "
    "JOIN reference_times t ON t.reference_number = r.number "
    "WHERE c.revision > ? AND t.match_until > ? ORDER BY c.revision"
)


class GallerySearch:
    """An index with the revision of the database that it corresponds to. The caller holds a lock.

    It holds the references that are matched with at the time of `set_time`; others are left out, or taken out.

    Args:
        learnt: what scores are adapted with; None: they are cosines of vectors as they are.
        compact_above: most references whose vectors are kept exact in memory; where FAISS is there, those of more are
            kept rounded, and the best are scored from the database. Those that scores are normalised of stay exact.
    """

    def __init__(self, learnt: LearntAdaptation | None = None, compact_above: int = COMPACT_ABOVE) -> None:
        self.learnt = learnt
        self._cohort = learnt if isinstance(learnt, StrangerCohort) else None
        self._compact_above = compact_above
        self._index: FlatIndex | None = None
        self._origin: tuple[object, ...] = ()
        self._revision = 0
        self._now = self._wanted_time = ""
        """The times, as they are stored, for which the index was made and is asked for."""
        self._last_read: int | None = None
        """Number of the reference up to which the index was built; None: it has all."""

    def set_time(self, now: str) -> None:
        """Say at which time, as it is stored, the next searches are."""
        if now < self._now:
            self._index = None  # the clock was set back: what expired meanwhile is matched with again
        self._wanted_time = now

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
        index = self.refresh(db, origin, dimension)
        return index.search(query, count, lambda numbers: self._vectors(db, numbers, dimension))

    def refresh(self, db: Database, origin: tuple[object, ...], dimension: int) -> FlatIndex:
        """Return the index, brought up to the snapshot `db` (arguments as in `search`)."""
        while self.read_on(db, origin, dimension):
            pass
        revision = _revision(db)
        index = self._index
        if index is None:  # for the type checker: `read_on` has made one
            index = make_index(dimension, self._cohort)
        if revision > self._revision:
            self._update(index, db, self._revision)
            self._revision = revision
        if self._wanted_time > self._now:
            expired = retention_rows.expired_between(db, self._now, self._wanted_time)
            if expired:
                nothing = np.empty((0, index.dimension), np.float32)
                index.update(np.array(expired, np.int64), _NO_NUMBERS, _NO_NUMBERS, nothing)
            self._now = self._wanted_time
        if self._must_be_compact(index, len(index)):
            # It has grown since it was built. Reading everything again happens once in its life.
            self._index = None
            return self.refresh(db, origin, dimension)
        return index

    def read_on(self, db: Database, origin: tuple[object, ...], dimension: int) -> int:
        """Read the next references of an index that does not have all (arguments as in `search`).

        Snapshots may differ from call to call: what changed since the first one is brought up to date by `refresh`.

        Returns:
            How many references the index has now, 0 when there was nothing left to read.
        """
        index = self._index
        revision = _revision(db)
        if index is None or (origin, dimension) != (self._origin, index.dimension) or revision < self._revision:
            references = int(db.execute("SELECT count(*) FROM biometric_references").fetchone()[0])
            index = make_index(dimension, self._cohort)
            if self._must_be_compact(index, references):
                index = CompactIndex(dimension)
            self._index, self._origin, self._revision, self._last_read = index, origin, revision, 0
            self._now = self._wanted_time
        if self._last_read is None:
            return 0
        last = None
        for numbers, owners, vectors in self._read(db.execute(_NEXT, [self._last_read, self._now, _CHUNK]), dimension):
            index.update(_NO_NUMBERS, numbers, owners, vectors)
            last = int(numbers[-1])
        self._last_read = last
        return 0 if last is None else len(index)

    def _must_be_compact(self, index: FlatIndex, references: int) -> bool:
        is_allowed = HAVE_FAISS and self._cohort is None
        return is_allowed and references > self._compact_above and not isinstance(index, CompactIndex)

    def _vectors(self, db: Database, numbers: NDArray[np.int64], dimension: int) -> NDArray[np.float32]:
        """Return the (N, D) vectors of these references as they are in the index, in their order."""
        order = np.argsort(numbers)
        listed = json.dumps(numbers[order].tolist())
        read = list(self._read(db.execute(_LISTED, [listed]), dimension))
        found = np.concatenate([numbers_read for numbers_read, _, _ in read]) if read else _NO_NUMBERS
        if not np.array_equal(found, numbers[order]):
            raise _damaged()
        vectors = np.empty((len(numbers), dimension), np.float32)
        vectors[order] = np.concatenate([vectors_read for _, _, vectors_read in read])
        return vectors

    def _update(self, index: FlatIndex, db: Database, since: int) -> None:
        changed = db.execute("SELECT reference_number FROM changes WHERE revision > ?", [since]).fetchall()
        removed = np.array(changed, dtype=np.int64).reshape(-1)
        for references, owners, vectors in self._read(db.execute(_CHANGED, [since, self._now]), index.dimension):
            index.update(removed, references, owners, vectors)
            removed = _NO_NUMBERS
        if len(removed):
            index.update(removed, _NO_NUMBERS, _NO_NUMBERS, np.empty((0, index.dimension), np.float32))

    def _read(
        self, cursor: sqlite3.Cursor, dimension: int
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]]:
        while chunk := cursor.fetchmany(_CHUNK):
            references, owners, blobs, cameras = zip(*chunk, strict=True)
            vectors = unit_vectors(blobs, dimension)
            if vectors is None:
                raise _damaged()
            yield np.array(references, np.int64), np.array(owners, np.int64), centred(self.learnt, vectors, cameras)


class AdaptedSearches:
    """The searches in use, one for each adaptation; the caller holds a lock.

    Verification and identification may each have one of their own, so two are kept. A search by another one is built
    anew. `compact_above` is as of `GallerySearch`.
    """

    def __init__(self, compact_above: int = COMPACT_ABOVE) -> None:
        self._compact_above = compact_above
        self._searches: dict[ScoreAdaptation, GallerySearch] = {}

    def of(self, db: Database, adaptation: ScoreAdaptation, now: str) -> GallerySearch:
        """Return the search for an adaptation, at the time `now`.

        Raises:
            GalleryCorrupt, CohortGone: what it needs is not there.
        """
        search = self._searches.pop(adaptation, None)
        require_kept(db, adaptation, now)
        if search is None:
            search = GallerySearch(read_learnt(db, adaptation, now), self._compact_above)
        search.set_time(now)
        while len(self._searches) >= _SEARCHES_KEPT:
            self._searches.pop(next(iter(self._searches)))
        self._searches[adaptation] = search
        return search

    def forget(self) -> None:
        """Free all indices."""
        self._searches.clear()


def centred(
    learnt: LearntAdaptation | None, vectors: NDArray[np.float32], cameras: Sequence[str]
) -> NDArray[np.float32]:
    """Return (N, D) unit vectors, each centred by the mean of its camera where means are given."""
    if not isinstance(learnt, LearntCameras):
        return vectors
    return centre_by_camera(learnt, vectors, [camera_key(camera) for camera in cameras])


def scores_with(
    learnt: LearntAdaptation | None,
    probe: tuple[Vector, str],
    references: NDArray[np.float32],
    cameras: Sequence[str],
) -> NDArray[np.float32]:
    """Return the (N,) comparison scores of a probe with references, in [-1, 1], without an index.

    Args:
        learnt: what scores are adapted with.
        probe: its (D,) unit vector, and its camera.
        references, cameras: (N, D) unit vectors, and the camera of each.
    """
    vector = centred(learnt, probe[0][np.newaxis], [probe[1]])
    scores: NDArray[np.float32] = np.clip(centred(learnt, references, cameras) @ vector[0], -1.0, 1.0)
    if not isinstance(learnt, StrangerCohort):
        return scores
    described = [describe_by_strangers(learnt, side) for side in (vector, references)]
    return normalised(scores[np.newaxis], described[0], described[1]).reshape(-1)


def unit_vectors(blobs: Sequence[bytes], dimension: int) -> NDArray[np.float32] | None:
    """Return stored vectors as (N, `dimension`); None: one is not of unit length, or all are not of this dimension."""
    data = b"".join(blobs)
    if len(data) != 4 * dimension * len(blobs):
        return None
    vectors = np.frombuffer(data, dtype="<f4").reshape(-1, dimension)
    lengths = np.linalg.norm(vectors, axis=1)
    return vectors if np.all(np.abs(lengths - 1.0) < 1e-3) else None  # false for NaN, too


def _revision(db: Database) -> int:
    return int(db.execute("SELECT coalesce(max(revision), 0) FROM changes").fetchone()[0])


def _damaged() -> GalleryCorrupt:
    return GalleryCorrupt(
        "The gallery's database is damaged (a stored template is not a unit vector of the gallery's model). "
        "Restore its folder from a backup, or import an export into a new gallery folder."
    )
