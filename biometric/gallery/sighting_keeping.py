"""The sightings of a gallery: `ports.SightingStore` in the gallery's SQLite database, with crops among its files."""

# ruff: noqa: S608 - names of tables and columns are constants

import json
import threading
from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import uuid4

import numpy as np
from sqlite_utils import Database

from biometric.domain.constraints import same_probe
from biometric.entities.audit import AuditAction, AuditEvent
from biometric.entities.enrollment_basis import require_basis
from biometric.entities.life_cycle import BasisRecord, EntryPoint
from biometric.entities.people import Template
from biometric.entities.sighting_queries import SightingFilter, SightingHit, SightingHits, SightingVectors, stacked
from biometric.entities.sightings import NewAnalysis, NewSighting, Sighting
from biometric.entities.verdicts import ProbeRecord
from biometric.errors import UnknownSighting
from biometric.gallery import (
    basis_rows,
    retention_rows,
    sighting_erasing,
    sighting_filters,
    sighting_links,
    sighting_rows,
)
from biometric.gallery.records import stored_time
from biometric.gallery.reference_rows import unblob
from biometric.gallery.search import COMPACT_ABOVE
from biometric.gallery.sighting_reading import WHO, numbers_of, probes_of_clip, read_sightings
from biometric.gallery.sighting_rows import LISTED
from biometric.gallery.sighting_search import SightingSearch
from biometric.gallery.transactions import GalleryTransactions
from biometric.gallery.write_transaction import WriteTransaction


class GallerySightings:
    """A `ports.SightingStore`. Several threads and processes may use one gallery at a time.

    Args:
        transactions: the gallery's one write path.
        compact_above: as of `SightingSearch`.
    """

    def __init__(self, transactions: GalleryTransactions, compact_above: int = COMPACT_ABOVE) -> None:
        self._transactions = transactions
        self._files = transactions.files
        self._search = SightingSearch(compact_above)
        self._search_lock = threading.Lock()

    # --- keeping -------------------------------------------------------------------------------------------------

    def keep(
        self, analysis: NewAnalysis, keep_hours: float, entry_point: EntryPoint = EntryPoint.LIBRARY
    ) -> tuple[Sighting, ...]:
        """Keep the people of an analysed clip; see `SightingStore.keep`."""
        with self._transactions.writing() as write:
            basis = require_basis(basis_rows.read_default_basis(write.db))
            record = BasisRecord(basis, write.now, entry_point)
            until = stored_time(datetime.fromisoformat(write.now) + timedelta(hours=keep_hours))
            numbers = _store(write, analysis, record, until)
            kept = read_sightings(write.db, self._files, numbers)
            write.record(
                AuditEvent(
                    AuditAction.SIGHTINGS_KEPT,
                    details={
                        "input": analysis.clip_digest,
                        "frames": [analysis.frames.first, analysis.frames.last],
                        "model": analysis.model_id,
                        "sightings": len(numbers),
                    },
                )
            )
            return tuple(kept[number] for number in numbers)

    def remove(self, sighting_ids: Collection[str]) -> int:
        """Delete sightings at once and for good; see `SightingStore.remove`."""
        with self._transactions.reading() as existing:
            if existing is None or not numbers_of(existing, sighting_ids):
                return 0
        with self._transactions.writing() as write:
            numbers = list(numbers_of(write.db, sighting_ids).values())
            retention_rows.require_no_hold(write.db, set(sighting_links.owners(write.db, numbers).values()))
            sighting_erasing.write_tombstones(write.db, self._files, numbers, write.now)
            write.erase_sightings(numbers)
            write.record(AuditEvent(AuditAction.SIGHTINGS_REMOVED, details={"sightings": len(numbers)}))
            return len(numbers)

    def purge_overdue(self) -> int:
        """Delete those that were kept long enough; see `SightingStore.purge_overdue`."""
        with self._transactions.reading() as db:
            sql = "SELECT 1 FROM sightings WHERE keep_until <= ? LIMIT 1"
            if db is None or db.execute(sql, [self._transactions.now()]).fetchone() is None:
                return 0
        with self._transactions.writing() as write:
            numbers = sighting_links.overdue(write.db, write.now)
            if numbers:
                write.erase_sightings(numbers)
                write.record(AuditEvent(AuditAction.SIGHTINGS_EXPIRED, details={"sightings": len(numbers)}))
            return len(numbers)

    # --- finding -------------------------------------------------------------------------------------------------

    def get(self, sighting_id: str) -> Sighting:
        """One sighting. Raises `UnknownSighting`."""
        found = self.of_ids([sighting_id])
        if not found:
            raise UnknownSighting(
                "There is no sighting {id!r:.40} in this gallery, or it was deleted meanwhile. List the sightings for "
                "their ids.",
                id=sighting_id,
            )
        return found[0]

    def of_ids(self, sighting_ids: Collection[str]) -> list[Sighting]:
        """The sightings of these ids that are kept."""
        with self._transactions.reading() as db:
            if db is None:
                return []
            sql = f"SELECT number FROM sightings WHERE keep_until > ? AND id IN {LISTED}"
            rows = db.execute(sql, [self._transactions.now(), json.dumps(list(sighting_ids))])
            return list(read_sightings(db, self._files, [int(row[0]) for row in rows]).values())

    def find(self, wanted: SightingFilter) -> tuple[list[Sighting], int]:
        """Sightings, the latest first; see `SightingStore.find`."""
        with self._transactions.reading_or_empty() as db:
            numbers, total = sighting_filters.page(db, wanted, self._transactions.now())
            found = read_sightings(db, self._files, numbers)
            return [found[number] for number in numbers], total

    def search(self, template: Template, wanted: SightingFilter, least_score: float = -1.0) -> SightingHits:
        """Sightings by their score with a template; see `SightingStore.search`."""
        # The lock comes before the snapshot, so that snapshots reach the index in order.
        with self._search_lock, self._transactions.reading() as db:
            if db is None:
                return SightingHits()
            model, origin = template.model_id, self._transactions.origin(db)
            allowed = sighting_filters.numbers(db, wanted, self._transactions.now(), model)
            count = wanted.offset + wanted.limit + 1
            best = self._search.best(db, origin, model, template.vector, allowed, count, least_score)
            shown = best[wanted.offset : wanted.offset + wanted.limit]
            found = read_sightings(db, self._files, [number for number, _ in shown])
            hits = tuple(SightingHit(found[number], score) for number, score in shown)
            return SightingHits(hits, len(allowed), len(best) == count)

    def vectors(self, model_id: str, *, unnamed: bool = True, after: int = 0, limit: int = 10_000) -> SightingVectors:
        """Templates of one model, in the order in which they were kept; see `SightingStore.vectors`."""
        where = f"AND {WHO} IS NULL" if unnamed else ""
        sql = (
            "SELECT s.number, s.id, s.vector, s.camera, s.clip_digest FROM sightings s "
            f"WHERE s.model_id = ? AND s.number > ? AND s.keep_until > ? {where} ORDER BY s.number LIMIT ?"
        )
        with self._transactions.reading_or_empty() as db:
            rows = db.execute(sql, [model_id, after, self._transactions.now(), limit]).fetchall()
        if not rows:
            return SightingVectors((), np.empty((0, 0), np.float32), (), ())
        numbers, ids, blobs, cameras, digests = zip(*rows, strict=True)
        matrix = stacked([unblob(data) for data in blobs])
        return SightingVectors(ids, matrix, cameras, digests, int(numbers[-1]) if len(rows) == limit else 0)

    def seen_at_once(self, sighting_ids: Collection[str]) -> list[tuple[str, str]]:
        """Pairs of these sightings that were in view at once; each pair once."""
        sql = (
            "SELECT a.id, b.id FROM sighting_pairs p JOIN sightings a ON a.number = p.first_number "
            f"JOIN sightings b ON b.number = p.second_number WHERE a.id IN {LISTED} AND b.id IN {LISTED}"
        )
        listed = json.dumps(list(sighting_ids))
        with self._transactions.reading_or_empty() as db:
            return [(str(first), str(second)) for first, second in db.execute(sql, [listed, listed])]

    def cameras(self) -> list[str]:
        """The cameras of sightings, in order."""
        sql = "SELECT DISTINCT camera FROM sightings WHERE keep_until > ? ORDER BY camera"
        with self._transactions.reading_or_empty() as db:
            return [str(row[0]) for row in db.execute(sql, [self._transactions.now()])]

    def count(self) -> int:
        """How many are kept."""
        with self._transactions.reading_or_empty() as db:
            sql = "SELECT count(*) FROM sightings WHERE keep_until > ?"
            return int(db.execute(sql, [self._transactions.now()]).fetchone()[0])

    def revision(self) -> int:
        """A number that rises with each sighting that is kept or removed; 0 before the first."""
        with self._transactions.reading_or_empty() as db:
            return sighting_rows.revision(db)

    def close(self) -> None:
        """Free the index."""
        with self._search_lock:
            self._search.forget()


def _store(write: WriteTransaction, analysis: NewAnalysis, basis: BasisRecord, until: str) -> list[int]:
    """Store the people of an analysis; return their row numbers.

    Who was seen before, by an analysis of frames that this one covers, stays the same sighting. Where frames were
    analysed before as part of more, in the same way, only the decisions are taken over.
    """
    db = write.db
    covering, covered = _earlier(db, analysis)
    places = [covering] if covering is not None else covered
    former = [(number, probe) for number, place, probe in probes_of_clip(db, analysis.clip_digest) if place in places]
    own = None if covering is not None else (sighting_rows.store_analysis(db, uuid4().hex, analysis, basis))
    numbers: dict[int, int] = {}
    probes: dict[int, ProbeRecord] = {}
    for person in analysis.people:
        place = next((index for index, (_, probe) in enumerate(former) if same_probe(probe, person.probe)), None)
        if place is not None:
            number, _ = former.pop(place)
            if own is None:
                columns = sighting_rows.decision_columns(db, person.decision)
            else:
                columns = _renewed(db, number, {**sighting_rows.sighting_columns(db, analysis, person)})
                columns["analysis_number"] = own
            sighting_rows.update_sighting(db, number, columns)
        elif own is not None:
            number = _add(write, own, analysis, person, until)
        else:
            continue
        numbers[person.person] = number
        probes[number] = person.probe
    sighting_links.link_sightings(db, analysis.clip_digest, probes)
    if own is not None:
        write.erase_sightings([number for number, _ in former])
        sighting_rows.delete_empty_analyses(db, [place for place in covered if place != own])
        db.execute(
            f"DELETE FROM sighting_pairs WHERE first_number IN {LISTED} OR second_number IN {LISTED}",
            [json.dumps(list(numbers.values()))] * 2,
        )
        pairs = [
            (numbers[person.person], numbers[other])
            for person in analysis.people
            for other in person.seen_at_once
            if person.person in numbers and other in numbers
        ]
        sighting_rows.insert_pairs(db, pairs)
    return list(numbers.values())


def _earlier(db: Database, analysis: NewAnalysis) -> tuple[int | None, list[int]]:
    """Return the analysis, made in the same way, that covers more frames, and those whose frames this one covers."""
    sql = "SELECT number, first_frame, last_frame, model_id, made_with FROM analyses WHERE clip_digest = ?"
    first, last = analysis.frames.first, analysis.frames.last
    covering, covered = None, []
    for number, begin, end, model_id, made_with in db.execute(sql, [analysis.clip_digest]).fetchall():
        if first <= begin and end <= last:
            covered.append(int(number))
        elif begin <= first and last <= end and (model_id, made_with) == (analysis.model_id, analysis.made_with):
            covering = int(number)
    return covering, covered


def _renewed(db: Database, number: int, columns: dict[str, object]) -> dict[str, object]:
    """Return columns that may be set of a sighting that is there: its crop stays, and so does an equal template."""
    row = db.execute("SELECT crop, vector, model_id FROM sightings WHERE number = ?", [number]).fetchone()
    columns.pop("crop")
    if (bytes(row[1]), row[2]) == (columns["vector"], columns["model_id"]):
        columns.pop("vector")
        columns.pop("model_id")
    return columns


def _add(write: WriteTransaction, analysis: int, new: NewAnalysis, person: NewSighting, until: str) -> int:
    sighting_id = uuid4().hex
    folder = str(write.db.execute("SELECT id FROM analyses WHERE number = ?", [analysis]).fetchone()[0])
    columns = sighting_rows.sighting_columns(write.db, new, person)
    times = {"kept_at": write.now, "unknown_until": until, "keep_until": until}
    number = sighting_rows.insert_sighting(write.db, (analysis, folder), sighting_id, {**columns, **times})
    if person.crop:
        write.place_crops(folder, sighting_id, [(person.crop_name, person.crop)])
    return number
