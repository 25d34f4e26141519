"""Takes an opened export into the gallery, inside the caller's transaction."""

import itertools

from sqlite_utils import Database

from biometric.entities import ImportReport, name_key
from biometric.entities.names import number_name
from biometric.gallery import reference_rows, rows
from biometric.gallery.archive import Archive
from biometric.gallery.records import IdentityRecord
from biometric.gallery.transactions import WriteTransaction


def import_archive(write: WriteTransaction, archive: Archive) -> ImportReport:
    """Add the identities and references that are not here yet.

    Raises:
        ArchiveInvalid: a crop is damaged or no JPEG.
        ModelMismatch: its templates are of another model than the gallery's.
    """
    rows.check_model(write.db, archive.model_id, archive.dimension)
    names_in_archive = {name_key(identity.name) for identity in archive.identities}
    references = identities = already_there = 0
    renamed: list[tuple[str, str]] = []
    for identity, reference in archive.references():
        if reference_rows.known_references(write.db, [reference.id]):
            already_there += 1
            continue
        number = rows.number_by_id(write.db, identity.id)
        if number is None:
            name = find_free_name(write.db, identity.name, names_in_archive)
            number = _insert(write.db, identity, name)
            identities += 1
            if name != identity.name:
                renamed.append((identity.name, name))
        crops = ((sample.name, archive.crop(reference.id, sample.name)) for sample in reference.samples)
        write.store(number, identity.id, reference, crops)
        references += 1
    return ImportReport(identities, references, already_there, tuple(renamed))


def find_free_name(db: Database, name: str, reserved: set[str]) -> str:
    """Return `name`, or "name (2)" and so on when somebody here, or later in the same archive, has it."""
    if rows.number_by_key(db, name_key(name)) is None:
        return name
    candidates = (number_name(name, number) for number in itertools.count(2))
    return next(
        candidate
        for candidate in candidates
        if name_key(candidate) not in reserved and rows.number_by_key(db, name_key(candidate)) is None
    )


def _insert(db: Database, identity: IdentityRecord, name: str) -> int:
    return rows.insert_identity(db, identity.id, name, identity.created_at, identity.updated_at)
