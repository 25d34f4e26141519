"""Keeps an index of the sightings of one model in step with the database, and answers searches from it."""

# ruff: noqa: S608 - names of tables and columns are constants

import json
from collections.abc import Collection, Iterator

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from biometric.entities import Vector
from biometric.errors import GalleryCorrupt
from biometric.gallery import sighting_rows
from biometric.gallery.compact_index import CompactIndex
from biometric.gallery.index import HAVE_FAISS, FlatIndex, make_index
from biometric.gallery.search import COMPACT_ABOVE, unit_vectors
from biometric.gallery.sighting_rows import LISTED

_CHUNK = 1 << 14
_NO_NUMBERS = np.empty(0, np.int64)


class SightingSearch:
    """An index with the revision of the database that it corresponds to. The caller holds a lock.

    Args:
        compact_above: sightings from which on vectors are kept rounded, and the best are scored from the database.
    """

    def __init__(self, compact_above: int = COMPACT_ABOVE) -> None:
        self._compact_above = compact_above
        self._index: FlatIndex | None = None
        self._key: tuple[object, ...] = ()
        self._revision = 0

    def forget(self) -> None:
        """Free the index."""
        self._index = None

    def best(
        self,
        db: Database,
        origin: tuple[object, ...],
        model_id: str,
        query: Vector,
        allowed: NDArray[np.int64],
        count: int,
        least: float,
    ) -> list[tuple[int, float]]:
        """Return numbers and scores of the `count` best sightings among those `allowed`, exact, best first.

        Args:
            db: a snapshot, never older than the one of the call before.
            origin: identifies the database file.
            query: (D,) unit float32.
            allowed: (N,) row numbers, ascending.
            least: scores below are left out.
        """
        if not len(allowed):
            return []
        index = self._refresh(db, origin, model_id, query.size)
        # What is filtered away takes places among the best, so more are asked for until enough are left.
        wanted = min(len(index), max(64, 2 * count))
        while True:
            hits = index.search(query, wanted, lambda numbers: self._vectors(db, numbers, query.size))
            numbers = np.array([hit.owner for hit in hits], np.int64)
            places = np.searchsorted(allowed, numbers)
            is_allowed = allowed[np.minimum(places, len(allowed) - 1)] == numbers
            found = [(hit.owner, hit.score) for hit, passes in zip(hits, is_allowed, strict=True) if passes]
            exhausted = wanted >= len(index) or len(hits) < wanted or hits[-1].score < least
            if len(found) >= count or exhausted:
                return [item for item in found[:count] if item[1] >= least]
            wanted = min(len(index), 8 * wanted)

    def _refresh(self, db: Database, origin: tuple[object, ...], model_id: str, dimension: int) -> FlatIndex:
        revision = sighting_rows.revision(db)
        key, index = (origin, model_id, dimension), self._index
        if index is not None and key == self._key and revision >= self._revision:
            if revision > self._revision:
                changed = db.execute(
                    "SELECT sighting_number FROM sighting_changes WHERE revision > ?", [self._revision]
                )
                numbers = np.array(changed.fetchall(), np.int64).reshape(-1)
                index.update(numbers, _NO_NUMBERS, _NO_NUMBERS, np.empty((0, dimension), np.float32))
                for part, vectors in self._listed(db, numbers, dimension, model_id):
                    index.update(_NO_NUMBERS, part, part, vectors)
                self._revision = revision
            if not self._must_be_compact(index, len(index)):
                return index
        total = int(db.execute("SELECT count(*) FROM sightings WHERE model_id = ?", [model_id]).fetchone()[0])
        index = make_index(dimension)
        if self._must_be_compact(index, total):
            index = CompactIndex(dimension)
        last = 0
        sql = "SELECT number, vector FROM sightings WHERE model_id = ? AND number > ? ORDER BY number LIMIT ?"
        while chunk := db.execute(sql, [model_id, last, _CHUNK]).fetchall():
            numbers, vectors = _arrays(chunk, dimension)
            index.update(_NO_NUMBERS, numbers, numbers, vectors)
            last = int(numbers[-1])
        self._index, self._key, self._revision = index, key, revision
        return index

    def _must_be_compact(self, index: FlatIndex, count: int) -> bool:
        return HAVE_FAISS and count > self._compact_above and not isinstance(index, CompactIndex)

    def _vectors(self, db: Database, numbers: NDArray[np.int64], dimension: int) -> NDArray[np.float32]:
        """Return the (N, D) vectors of these sightings, in their order."""
        order = np.argsort(numbers)
        parts = list(self._listed(db, numbers, dimension))
        if sum(len(part) for part, _ in parts) != len(numbers):
            raise _damaged()
        vectors = np.empty((len(numbers), dimension), np.float32)
        vectors[order] = np.concatenate([part for _, part in parts])
        return vectors

    def _listed(
        self, db: Database, numbers: Collection[int] | NDArray[np.int64], dimension: int, model_id: str | None = None
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        sql = f"SELECT number, vector FROM sightings WHERE number IN {LISTED}"
        values: list[str] = [json.dumps([int(number) for number in numbers])]
        if model_id is not None:
            sql, values = f"{sql} AND model_id = ?", [*values, model_id]
        cursor = db.execute(f"{sql} ORDER BY number", values)
        while chunk := cursor.fetchmany(_CHUNK):
            yield _arrays(chunk, dimension)


def _arrays(chunk: list[tuple[int, bytes]], dimension: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    numbers, blobs = zip(*chunk, strict=True)
    vectors = unit_vectors(blobs, dimension)
    if vectors is None:
        raise _damaged()
    return np.array(numbers, np.int64), vectors


def _damaged() -> GalleryCorrupt:
    return GalleryCorrupt(
        "The gallery's database is damaged (a template of a sighting is not a unit vector of its model). "
        "Restore its folder from a backup."
    )
