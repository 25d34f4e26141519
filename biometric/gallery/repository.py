"""The gallery: identities and biometric references in SQLite (sqlite-utils), crops as files, search through an index.

The database is the only truth. Every write is one transaction that also covers the crop files; reading takes a
snapshot. The index is built on the first search and refreshed when the database has changed, also from another
process. Beside this module: `storage` (the write path), `database` (opening, locking), `migrations` (schema), `rows`
(SQL), `files` (crops), `search` (index), `archive` (export and import).
"""

import itertools
import math
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import numpy as np
from sqlite_utils import Database

from biometric.entities import (
    NAME_LIMIT,
    BiometricReference,
    Calibration,
    Candidate,
    Identity,
    Template,
    clean_name,
    name_key,
)
from biometric.errors import EmptyGallery, InvalidInput, NameTaken
from biometric.gallery import archive as archives
from biometric.gallery import calibrations, rows
from biometric.gallery.database import BUSY_SECONDS
from biometric.gallery.files import CROP_NAME
from biometric.gallery.search import GallerySearch
from biometric.gallery.storage import GalleryStorage, Write
from biometric.ports import ImportReport, NewReference, NewSample


class SQLiteGallery:
    """A `ports.Gallery` in a folder. Several threads and processes may use one folder at a time.

    Nothing is created before the first enrollment or import. Any operation may raise `GalleryBusy`, `GalleryCorrupt`
    or `StorageFull`; then nothing has changed.

    Args:
        folder: the gallery's folder; need not exist.
        busy_seconds: how long to wait for another process that is writing.
    """

    def __init__(self, folder: Path, busy_seconds: float = BUSY_SECONDS) -> None:
        self._folder = folder
        self._storage = GalleryStorage(folder, busy_seconds)
        self._files = self._storage.files
        self._search = GallerySearch()
        self._search_lock = threading.Lock()

    @property
    def folder(self) -> Path:
        """The gallery's folder."""
        return self._folder

    def is_empty(self) -> bool:
        """Whether nobody is enrolled."""
        return self.size() == 0

    def size(self) -> int:
        """Return the number of identities, counted by SQLite."""
        with self._storage.reading() as db:
            return 0 if db is None else int(db["identities"].count)

    def reference_count(self) -> int:
        """Return the number of references of all identities, counted by SQLite."""
        with self._storage.reading() as db:
            return 0 if db is None else int(db["biometric_references"].count)

    def identities(self) -> list[Identity]:
        """Return all identities, by name (case-insensitive)."""
        with self._storage.reading() as db:
            return [] if db is None else rows.identities(db, self._files)

    def find(self, name: str) -> Identity:
        """Return the identity of that name (NFC/NFD and case do not matter).

        Raises:
            InvalidName: no name at all.
            UnknownIdentity: nobody has it; the message names close ones.
        """
        with self._storage.reading_or_empty() as db:
            return rows.identity_by_name(db, self._files, name)

    def references(self, identity_id: str) -> list[BiometricReference]:
        """Return all references of an identity, oldest first. Raises `UnknownIdentity`."""
        with self._storage.reading_or_empty() as db:
            return rows.references(db, self._files, rows.identity_number(db, identity_id))

    def enroll(self, name: str, reference: NewReference) -> tuple[Identity, BiometricReference, bool]:
        """Store a reference under a name, in one transaction with its files; True when the identity existed.

        Raises:
            InvalidName: the name cannot be used.
            InvalidInput: a crop that is to be stored is no longer on disk.
            ModelMismatch: the gallery holds templates of another model.
            ValueError: embeddings that are no unit vectors of the template's dimension, or crop names that are not
                `NumFrame_BB.jpg`, each once (a mistake of the caller, not of a person).
        """
        name = clean_name(name)
        record = _record(reference)
        crops = _crops(reference.samples)
        with self._storage.writing() as write:
            rows.check_model(write.db, reference.template.model_id, reference.template.vector.size)
            number = rows.number_by_key(write.db, name_key(name))
            existed = number is not None
            if number is None:
                number = rows.insert_identity(write.db, uuid4().hex, name, record.created_at, record.created_at)
            identity_id = self._touch(write.db, number, record.created_at)
            write.store(number, identity_id, record, crops)
            identity = rows.identity_by_id(write.db, self._files, identity_id)
            stored = rows.latest_reference(write.db, self._files, number)
        return identity, stored, existed

    def rename(self, identity_id: str, name: str) -> Identity:
        """Give an identity another name; another spelling of its own is fine.

        Raises:
            InvalidName, UnknownIdentity: the name cannot be used; there is no such identity.
            NameTaken: somebody else has it.
        """
        name = clean_name(name)
        with self._storage.writing_existing() as write:
            number = rows.identity_number(write.db, identity_id)
            if rows.number_by_key(write.db, name_key(name)) not in (None, number):
                raise NameTaken(
                    f"Somebody called {name} is already enrolled. Choose another name, or merge the two people."
                )
            columns = {"name": name, "name_key": name_key(name), "updated_at": rows.now()}
            write.db["identities"].update(number, columns)
            return rows.identity_by_id(write.db, self._files, identity_id)

    def merge(self, source_id: str, target_id: str) -> Identity:
        """Move all references of `source` to `target` and remove `source`; the crops stay where they are.

        Raises:
            UnknownIdentity: one of them is not there.
            InvalidInput: both are the same.
        """
        if source_id == target_id:
            raise InvalidInput("A person cannot be merged with themselves. Choose two different people.")
        with self._storage.writing_existing() as write:
            source, target = (rows.identity_number(write.db, each) for each in (source_id, target_id))
            write.db.execute(
                "UPDATE biometric_references SET identity_number = ? WHERE identity_number = ?", [target, source]
            )
            write.db["identities"].delete(source)
            self._touch(write.db, target, rows.now())
            return rows.identity_by_id(write.db, self._files, target_id)

    def remove(self, identity_id: str) -> None:
        """Remove an identity with all references, rows first, then files. Raises `UnknownIdentity`."""
        with self._storage.writing_existing() as write:
            number = rows.identity_number(write.db, identity_id)
            write.remove(number)

    def search(self, template: Template, count: int) -> list[Candidate]:
        """Return the `count` best identities, exact, highest score first; [] when empty.

        Raises:
            ModelMismatch: the gallery holds templates of another model.
        """
        # The lock comes before the snapshot, so that snapshots reach the index in order.
        with self._search_lock, self._storage.reading() as db:
            here = None if db is None else rows.model(db)
            if db is None or here is None:
                self._search.forget()
                return []
            rows.check_model(db, template.model_id, template.vector.size)
            hits = self._search.search(db, self._storage.origin(db), here[1], template.vector, count)
            people = rows.identities_by_number(db, self._files, [hit.owner for hit in hits])
            ids = rows.reference_ids(db, [hit.reference for hit in hits])
        return [
            Candidate(people[hit.owner], hit.score, rank, ids[hit.reference]) for rank, hit in enumerate(hits, start=1)
        ]

    def scores(self, template: Template, identity_id: str) -> list[tuple[str, float]]:
        """Return (reference id, comparison score) of one identity's references, best first.

        Raises:
            UnknownIdentity: there is no such identity.
            ModelMismatch: the gallery holds templates of another model.
        """
        with self._storage.reading_or_empty() as db:
            number = rows.identity_number(db, identity_id)
            rows.check_model(db, template.model_id, template.vector.size)
            ids, vectors = rows.vectors(db, number)
        scores = np.clip(np.stack(vectors) @ template.vector, -1.0, 1.0)
        order = np.argsort(-scores, kind="stable")
        return [(ids[position], float(scores[position])) for position in order]

    def export(self, destination: Path) -> Path:
        """Write the whole gallery as one file, atomically; other processes' writes wait, so it is one moment's state.

        Raises:
            EmptyGallery: nobody is enrolled.
            InvalidInput: `destination` is a folder.
            GalleryCorrupt: a crop is no longer on disk.
        """
        with self._storage.reading() as db:
            if db is None or rows.model(db) is None:
                raise EmptyGallery("Nobody is enrolled, so there is nothing to export.")
        if destination.is_dir():
            raise InvalidInput("The export needs a file name, not a folder. Add a name such as gallery.zip.")
        # The write lock, not just a snapshot: crops must not be deleted while they are being copied.
        with self._storage.writing() as write:
            here = rows.model(write.db)
            if here is None:
                raise EmptyGallery("Nobody is enrolled, so there is nothing to export.")
            archives.write_archive(destination, *here, rows.records(write.db, self._files))
        return destination

    def import_(self, archive: Path) -> ImportReport:
        """Add an export's identities and references; all or nothing.

        Somebody who is here already (by id) gets the references not yet here; somebody else of a name that is taken
        comes in as "Name (2)".

        Raises:
            ArchiveInvalid: the file is damaged, unsafe, or not a gallery export.
            ModelMismatch: its templates are of another model than the gallery's.
        """
        with archives.opened(archive) as source, self._storage.writing() as write:
            rows.check_model(write.db, source.model_id, source.dimension)
            reserved = {name_key(identity.name) for identity in source.identities}
            report = ImportReport(0, 0, 0)
            for identity in source.identities:
                report = self._import_identity(write, source, identity, report, reserved)
        return report

    def check_model(self, model_id: str) -> None:
        """Raise `ModelMismatch`, naming both models and the way out, unless empty or of that model."""
        with self._storage.reading() as db:
            if db is not None:
                rows.check_model(db, model_id)

    def calibration(self, model_id: str) -> Calibration | None:
        """Return the latest calibration made with that model, or None."""
        with self._storage.reading() as db:
            return None if db is None else calibrations.latest(db, model_id)

    def save_calibration(self, calibration: Calibration) -> None:
        """Store a calibration; it takes the place of earlier ones of its model.

        Raises:
            ModelMismatch: the gallery holds templates of another model.
        """
        with self._storage.writing() as write:
            rows.check_model(write.db, calibration.model_id)
            calibrations.insert(write.db, calibration)

    def close(self) -> None:
        """Free the index. No connection outlives an operation, so there is nothing else to release."""
        with self._search_lock:
            self._search.forget()

    def _touch(self, db: Database, number: int, when: str) -> str:
        db["identities"].update(number, {"updated_at": when})
        return str(db.execute("SELECT id FROM identities WHERE number = ?", [number]).fetchone()[0])

    def _import_identity(
        self,
        write: Write,
        source: archives.Archive,
        identity: archives.IdentityRecord,
        report: ImportReport,
        reserved: set[str],
    ) -> ImportReport:
        here = rows.known_references(write.db, [reference.id for reference in identity.references])
        new = [reference for reference in identity.references if reference.id not in here]
        report = replace(report, already_there=report.already_there + len(here))
        if not new:
            return report
        number = rows.number_by_id(write.db, identity.id)
        if number is None:
            name = _free_name(write.db, identity.name, reserved)
            number = rows.insert_identity(write.db, identity.id, name, identity.created_at, identity.updated_at)
            renamed = report.renamed if name == identity.name else (*report.renamed, (identity.name, name))
            report = replace(report, identities=report.identities + 1, renamed=renamed)
        for reference in new:
            crops = ((sample.name, source.crop(reference.id, sample.name)) for sample in reference.samples)
            write.store(number, identity.id, reference, crops)
        return replace(report, references=report.references + len(new))


def _record(reference: NewReference) -> archives.ReferenceRecord:
    dimension = reference.template.vector.size
    for sample in reference.samples:
        length = float(np.linalg.norm(sample.embedding))
        if sample.embedding.shape != (dimension,) or not abs(length - 1.0) < 1e-3:  # false for NaN, too
            raise ValueError(f"expected sample embeddings of shape ({dimension},) and unit length, got {sample}")
        if not math.isfinite(sample.quality):
            raise ValueError(f"expected a finite quality, got {sample.quality}")
    samples = tuple(
        archives.SampleRecord(sample.name, sample.quality, sample.frame_index, sample.embedding)
        for sample in reference.samples
    )
    return archives.ReferenceRecord(
        id=uuid4().hex,
        template=reference.template,
        clip_digest=reference.clip_digest,
        # A file name need not be valid text; what cannot be stored is shown as a question mark.
        clip_name=reference.clip_name.encode(errors="replace").decode(),
        first_frame=reference.first_frame,
        last_frame=reference.last_frame,
        created_at=rows.now(),
        samples=samples,
    )


def _crops(samples: Sequence[NewSample]) -> list[tuple[str, bytes]]:
    names = [sample.name for sample in samples]
    if len(set(names)) != len(names) or not all(CROP_NAME.fullmatch(name) for name in names):
        raise ValueError(f"expected crops named NumFrame_BB.jpg, each once, got {names}")
    crops = []
    for sample in samples:
        try:
            crops.append((sample.name, sample.source.read_bytes()))
        except FileNotFoundError as error:
            raise InvalidInput(
                f"The picture {sample.name} of this person is no longer on disk. Read the clip again, then enroll."
            ) from error
    return crops


def _free_name(db: Database, name: str, reserved: set[str]) -> str:
    """Return `name`, or "name (2)" and so on when somebody here, or later in the same archive, has it."""
    if rows.number_by_key(db, name_key(name)) is None:
        return name
    for number in itertools.count(2):
        suffix = f" ({number})"
        other = name[: NAME_LIMIT - len(suffix)].rstrip() + suffix
        if name_key(other) not in reserved and rows.number_by_key(db, name_key(other)) is None:
            return other
    raise AssertionError("unreachable: counting does not end")
