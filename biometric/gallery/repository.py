"""The gallery: identities and biometric references in SQLite (sqlite-utils), crops as files, search through an index.

The database is authoritative. A write is one transaction that also covers the crop files; reading takes a snapshot.
The index is built on the first search and refreshed when the database has changed, also from another process. Beside
this module: `editing`, `…_keeping` (operations), `transactions` (writing), `database`, `migrations`, `…_rows` (SQL).
"""

import threading
from collections.abc import Generator, Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
from sqlite_utils import Database

from biometric.entities import (
    AS_THEY_ARE,
    Adapting,
    BiometricReference,
    Candidate,
    GalleryChange,
    Identity,
    Progress,
    Template,
    TrashItem,
    name_key,
)
from biometric.errors import EmptyGallery
from biometric.gallery import journal, reference_rows, rows, trash_rows
from biometric.gallery.adaptation_rows import read_learnt
from biometric.gallery.archive import check_destination
from biometric.gallery.audit_log import HeadFolder
from biometric.gallery.audit_trail import GalleryAuditTrail
from biometric.gallery.calibration_keeping import CalibrationKeeping
from biometric.gallery.editing import TRASH_TIME
from biometric.gallery.encryption_keys import KeySource
from biometric.gallery.erasure_keeping import ErasureKeeping
from biometric.gallery.exporting import ExportTarget, export_gallery
from biometric.gallery.group_keeping import GallerySightingGroups
from biometric.gallery.import_keeping import ImportKeeping
from biometric.gallery.life_cycle_keeping import LifeCycleKeeping
from biometric.gallery.records import Clock, current_time
from biometric.gallery.sealed_files import check_passphrase
from biometric.gallery.search import COMPACT_ABOVE, AdaptedSearches, centred, scores_with
from biometric.gallery.sighting_keeping import GallerySightings
from biometric.gallery.transactions import GalleryTransactions
from biometric.gallery.verdict_keeping import VerdictKeeping
from biometric.ports.backup_port import GalleryBackups
from biometric.storage.sqlite_files import BUSY_SECONDS


class SQLiteGallery(ImportKeeping, CalibrationKeeping, LifeCycleKeeping, VerdictKeeping, ErasureKeeping):
    """A `ports.Gallery` in a folder. Several threads and processes may use one folder at a time.

    Nothing is created before the first enrollment or import. Any operation may raise `GalleryBusy`, `GalleryCorrupt`,
    `GalleryUnavailable` or `StorageFull`; then nothing has changed.

    Args:
        folder: the gallery's folder; need not exist.
        busy_seconds: how long to wait for another process that is writing.
        trash_time: how long changes can be undone; zero: what is removed is gone at once.
        clock: tells the time, in UTC.
        heads: where heads of the audit trail are written to.
        compact_above: vectors from which on an index keeps them rounded; answers are the same (`GallerySearch`).
        key: what the gallery is encrypted with; None: it is not.
    """

    def __init__(
        self,
        folder: Path,
        busy_seconds: float = BUSY_SECONDS,
        trash_time: timedelta = TRASH_TIME,
        clock: Clock = current_time,
        compact_above: int = COMPACT_ABOVE,
        heads: HeadFolder | None = None,
        key: KeySource | None = None,
    ) -> None:
        super().__init__(folder, busy_seconds, trash_time, clock, heads, key)
        self._audit = GalleryAuditTrail(self._transactions)
        self._sightings = GallerySightings(self._transactions, compact_above)
        self._searches = AdaptedSearches(compact_above)
        self._search_lock = threading.Lock()

    @property
    def folder(self) -> Path:
        """The gallery's folder."""
        return self._folder

    @property
    def transactions(self) -> GalleryTransactions:
        """The gallery's one write path, for what works on the gallery as a whole."""
        return self._transactions

    @property
    def backups(self) -> GalleryBackups:
        """What writes and restores backups."""
        from biometric.gallery.backing_up import BackupKeeping  # which opens galleries itself

        return BackupKeeping(self)

    @property
    def sightings(self) -> GallerySightings:
        """Who was seen in kept footage."""
        return self._sightings

    @property
    def groups(self) -> GallerySightingGroups:
        """Who of the unknown people seen is one person."""
        return GallerySightingGroups(self._transactions, self._sightings)

    @property
    def audit(self) -> GalleryAuditTrail:
        """The audit trail."""
        return self._audit

    def is_empty(self) -> bool:
        """Whether nobody is enrolled."""
        return self.size() == 0

    def size(self) -> int:
        """Return the number of identities, counted by SQLite."""
        with self._transactions.reading() as db:
            return 0 if db is None else int(db["identities"].count)

    def reference_count(self) -> int:
        """Return the number of references of all identities, counted by SQLite."""
        with self._transactions.reading() as db:
            return 0 if db is None else int(db["biometric_references"].count)

    def identities(self) -> list[Identity]:
        """Return all identities, by name (case-insensitive)."""
        with self._transactions.reading() as db:
            return [] if db is None else rows.identities(db, self._files)

    def find(self, name: str) -> Identity:
        """Return the identity of that name, compared by `name_key`.

        Raises:
            InvalidName: no name at all.
            UnknownIdentity: nobody has it; the message names close ones.
        """
        with self._transactions.reading_or_empty() as db:
            return rows.identity_by_name(db, self._files, name)

    def references(self, identity_id: str) -> list[BiometricReference]:
        """Return all references of an identity, oldest first. Raises `UnknownIdentity`."""
        with self._transactions.reading_or_empty() as db:
            return reference_rows.references(db, self._files, rows.identity_number(db, identity_id))

    def cameras(self) -> list[str]:
        """Return the names of the cameras by which references were seen, in order."""
        with self._transactions.reading() as db:
            return [] if db is None else reference_rows.cameras(db)

    def revision(self) -> str:
        """Return an opaque text that differs after any change, also by another process; "" without a gallery."""
        with self._transactions.reading() as db:
            if db is None:
                return ""
            revision = db.execute("SELECT revision FROM gallery").fetchone()[0]
            return "-".join(str(part) for part in (*self._transactions.origin(db), revision))

    def changes(self, limit: int = 100) -> list[GalleryChange]:
        """Return the history, newest first, each with whether it can still be undone."""
        with self._transactions.reading_or_empty() as db:
            return journal.read_changes(db, limit)

    def trash(self) -> list[TrashItem]:
        """Return what is in the trash, by the change that put it there, newest first."""
        with self._transactions.reading_or_empty() as db:
            return [item for item in self._trash(db) if item.references or item.samples]

    def find_in_trash(self, name: str) -> list[str]:
        """Return the ids of people of that name in the trash, compared by `name_key`, the latest first."""
        with self._transactions.reading_or_empty() as db:
            return trash_rows.identities_called(db, name_key(name))

    def _trash(self, db: Database) -> Iterator[TrashItem]:
        for number in trash_rows.changes_with_trash(db):
            change = journal.read_change(db, number)
            if change is not None:
                pictures = tuple(trash_rows.pictures(db, self._files, number))
                yield TrashItem(change, *trash_rows.count_trash(db, number), pictures)

    def search(self, template: Template, count: int, adapting: Adapting = AS_THEY_ARE) -> list[Candidate]:
        """Return the `count` best identities, exact, highest score first; [] when empty.

        Args:
            adapting: the adaptation that scores are made with, and the probe's camera.

        Raises:
            ModelMismatch: the gallery holds templates of another model.
        """
        # The lock comes before the snapshot, so that snapshots reach the index in order.
        with self._search_lock, self._transactions.reading() as db:
            stored_model = None if db is None else rows.model(db)
            if db is None or stored_model is None:
                self._searches.forget()
                return []
            rows.check_model(db, template.model_id, template.vector.size)
            search = self._searches.of(db, adapting.adaptation, self._transactions.now())
            probe = centred(search.learnt, template.vector[np.newaxis], [adapting.camera])[0]
            hits = search.search(db, self._transactions.origin(db), stored_model[1], probe, count)
            people = rows.identities_by_number(db, self._files, [hit.owner for hit in hits])
            ids = reference_rows.reference_ids(db, [hit.reference for hit in hits])
        return [
            Candidate(people[hit.owner], hit.score, rank, ids[hit.reference]) for rank, hit in enumerate(hits, start=1)
        ]

    def load_search(self, adapting: Adapting = AS_THEY_ARE) -> Generator[Progress, None, None]:
        """Read into memory what a search with that adaptation needs, which the first search does otherwise.

        Searches wait for it at most until its next step, and continue it. Nothing is locked between steps.

        Raises:
            GalleryCorrupt: a stored template cannot be used.
            CohortGone: what that adaptation needs has expired or was deleted.
        """
        total = self.reference_count()
        while True:
            with self._search_lock, self._transactions.reading() as db:
                stored_model = None if db is None else rows.model(db)
                if db is None or stored_model is None:
                    return
                search = self._searches.of(db, adapting.adaptation, self._transactions.now())
                done = search.read_on(db, self._transactions.origin(db), stored_model[1])
            if not done:
                return
            yield Progress("Loading the gallery: reference", min(done, total), total)

    def scores(self, template: Template, identity_id: str, adapting: Adapting = AS_THEY_ARE) -> list[tuple[str, float]]:
        """Return (reference id, comparison score) of one identity's references, best first; arguments as of `search`.

        Expired references are left out.

        Raises:
            UnknownIdentity: there is no such identity.
            ModelMismatch: the gallery holds templates of another model.
        """
        with self._transactions.reading_or_empty() as db:
            number = rows.identity_number(db, identity_id)
            rows.check_model(db, template.model_id, template.vector.size)
            now = self._transactions.now()
            ids, vectors, cameras = reference_rows.vectors(db, number, now)
            learnt = read_learnt(db, adapting.adaptation, now)
        if not ids:
            return []
        scores = scores_with(learnt, (template.vector, adapting.camera), np.stack(vectors), cameras)
        order = np.argsort(-scores, kind="stable")
        return [(ids[position], float(scores[position])) for position in order]

    def export(self, destination: Path, *, passphrase: str | None = None) -> Path:
        """Write the whole gallery as one signed file, atomically: one moment's state. Others may write meanwhile.

        Args:
            passphrase: encrypts the file; None: anybody can read it.

        Raises:
            EmptyGallery: nobody is enrolled.
            InvalidInput: `destination` is a folder or a device, inside the gallery's folder, or its name is too long.
            StorageFull: its folder is missing, full or not writable.
            GalleryCorrupt: a crop is no longer on disk.
        """
        with self._transactions.reading() as db:
            if db is None or rows.model(db) is None:
                raise EmptyGallery("Nobody is enrolled, so there is nothing to export.")
        check_destination(destination, self._folder)
        if passphrase is not None:
            check_passphrase(passphrase)
        target = ExportTarget(destination, passphrase, lambda made, began: self.record(made, began=began))
        export_gallery(self._folder, self._transactions, target)
        return destination

    def check_model(self, model_id: str) -> None:
        """Raise `ModelMismatch`, naming both models and what to do, unless empty or of that model."""
        with self._transactions.reading() as db:
            if db is not None:
                rows.check_model(db, model_id)

    def close(self) -> None:
        """Free the indices. No connection outlives an operation, so there is nothing else to release."""
        self._sightings.close()
        with self._search_lock:
            self._searches.forget()
