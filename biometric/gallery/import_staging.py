"""Prepares an import beside the gallery, so that others can write until all of it only has to be put in its place.

An export is read into a small database and a folder of crops of its own, below the gallery's folder. Putting both into
the gallery then is rows and renames, under the write lock.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from biometric.gallery import reference_rows
from biometric.gallery.archive import Archive
from biometric.gallery.database import GalleryDatabase, translate_errors
from biometric.gallery.files import GalleryFiles
from biometric.gallery.protection import DATABASE_NAME, CopyProtection
from biometric.gallery.records import IdentityRecord, ReferenceRecord
from biometric.gallery.transactions import GalleryTransactions
from biometric.gallery.write_transaction import WriteTransaction
from biometric.storage import sync_tree


@dataclass(frozen=True, slots=True)
class StagedImport:
    """An export whose contents lie ready in a folder on the gallery's disk."""

    archive: Archive
    protection: CopyProtection

    @property
    def folder(self) -> Path:
        """The folder, which is encrypted with the gallery's keys."""
        return self.protection.folder

    def references(self) -> Iterator[tuple[IdentityRecord, ReferenceRecord]]:
        """Yield each reference with its identity, read one at a time."""
        with GalleryDatabase(self.folder / DATABASE_NAME, self.protection).reading() as db:
            if db is not None:
                files = GalleryFiles(self.folder, self.protection)
                for identity, records in reference_rows.read_records(db, files):
                    yield from ((identity, record) for record in records)

    def bring_crops(
        self, write: WriteTransaction, owner: str, reference: ReferenceRecord, folder: str
    ) -> Iterator[tuple[str, bytes]] | None:
        """Put the crops of a reference of the export's identity `owner` below a folder of the gallery.

        Returns:
            None, or name and JPEG of each where they are not on the disk, because the reference was in the gallery.
        """
        if not (self.folder / owner / reference.id).is_dir():
            return None if write.has_crops(folder, reference.id) else self.read_crops(reference)
        whole = folder == owner and not write.has_crops(folder)
        write.take_over(self.folder / owner if whole else self.folder / owner / reference.id, folder)
        return None

    def read_crops(self, reference: ReferenceRecord) -> Iterator[tuple[str, bytes]]:
        """Yield name and JPEG of a reference's crops, from the export. Raises `ArchiveInvalid`."""
        return ((sample.name, self.archive.crop(reference.id, sample.name)) for sample in reference.samples)


def stage_import(archive: Archive, folder: Path, transactions: GalleryTransactions) -> StagedImport:
    """Read an export into an empty folder on the gallery's disk.

    Raises:
        ArchiveInvalid: a crop is damaged or no JPEG, or the file was changed meanwhile.
        StorageFull: there is no room.
    """
    with transactions.reading_or_empty() as db:  # not longer: while somebody reads, others cannot commit
        present = reference_rows.all_ids(db)
    transactions.make_encrypted()
    with translate_errors():
        protection = CopyProtection.for_new(folder, transactions.protection)
    staged, files, numbers = StagedImport(archive, protection), GalleryFiles(folder, protection), dict[str, int]()
    with GalleryDatabase(folder / DATABASE_NAME, protection).writing() as db:
        for identity, reference in archive.references():
            if identity.id not in numbers:
                # Not the key of the name: in exports of version 0.1 two names may look alike.
                row = {"id": identity.id, "name": identity.name, "name_key": identity.id}
                times = {"created_at": identity.created_at, "updated_at": identity.updated_at}
                numbers[identity.id] = int(str(db.table("identities").insert(row | times).last_pk))
            reference_rows.insert_reference(db, numbers[identity.id], identity.id, reference)
            if reference.id not in present:
                files.place(identity.id, reference.id, staged.read_crops(reference), durable=False)
    sync_tree(folder)
    return staged
