"""What importing an export would do, before it is done."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from enum import Enum, auto
from uuid import uuid4

from sqlite_utils import Database

from biometric.entities.exports import ImportPreview
from biometric.errors import AttachRefused
from biometric.errors.phrases import Phrase
from biometric.gallery import audit_rows, erasure_rows, reference_rows, trash_rows
from biometric.gallery.archive import Archive
from biometric.gallery.export_signatures import known_signer
from biometric.gallery.records import IdentityRecord, ReferenceRecord
from biometric.gallery.signing_key import SigningKey

MOST_NAMES = 5
"""Most names that a refusal says."""


class Arrival(Enum):
    """What a reference of an export is to a gallery."""

    KNOWN = auto()
    """It is here already."""

    ERASED = auto()
    """It, or all of its person, was deleted here for good."""

    ATTACHING = auto()
    """It would be given to somebody who is here or in the trash."""

    NEW = auto()


class People:
    """Which people of an export are here or in the trash, as the gallery was before the import.

    Args:
        resurrect: who was erased here counts as others do.
    """

    def __init__(self, db: Database, resurrect: bool) -> None:
        self._db = db
        self._asks_for_erased = not resurrect and erasure_rows.has_tombstones(db)
        self._here = {str(row[0]) for row in db.execute("SELECT id FROM identities")}
        self._trashed = {str(row[0]) for row in db.execute("SELECT id FROM trashed_identities")}
        self._others: dict[str, IdentityRecord] = {}

    def is_trashed(self, identity_id: str) -> bool:
        """Return whether somebody is in the trash."""
        return identity_id in self._trashed

    def arrival(self, identity: IdentityRecord, reference: ReferenceRecord) -> Arrival:
        """Return what a reference is to the gallery; one in the trash just comes back to whose it was."""
        if reference_rows.known_references(self._db, [reference.id]):
            return Arrival.KNOWN
        if self._asks_for_erased and _was_erased(self._db, identity.id, reference.id):
            return Arrival.ERASED
        is_known = identity.id in self._here or identity.id in self._trashed
        if is_known and trash_rows.owner_of_trashed(self._db, reference.id) != identity.id:
            return Arrival.ATTACHING
        return Arrival.NEW

    def other(self, identity: IdentityRecord) -> IdentityRecord:
        """Return the person of their own who gets such references."""
        return self._others.setdefault(identity.id, replace(identity, id=uuid4().hex))


def preview_import(
    db: Database,
    archive: Archive,
    own: SigningKey | None,
    resurrect: bool = False,
    references: Iterable[tuple[IdentityRecord, ReferenceRecord]] | None = None,
) -> ImportPreview:
    """Return what importing an export would do.

    Args:
        references: what it holds, where that was read before.
        resurrect: who was erased here comes back, and counts as others do, not among the erased.

    Raises:
        ArchiveInvalid: it cannot be read.
    """
    people = People(db, resurrect)
    attaching: Counter[str] = Counter()
    added: set[str] = set()
    back: set[str] = set()
    gone: Counter[str] = Counter()
    new = already_there = differing = 0
    for identity, reference in archive.references() if references is None else references:
        arrival = people.arrival(identity, reference)
        if arrival is Arrival.KNOWN:
            already_there += 1
            differing += not reference_rows.has_template(db, reference.id, reference.template)
        elif arrival is Arrival.ERASED:
            gone[identity.id] += 1
        elif arrival is Arrival.ATTACHING:
            attaching[identity.id] += 1
        else:
            new += 1
            (back if people.is_trashed(identity.id) else added).add(identity.id)
    here = audit_rows.names(db, [*attaching, *back])
    return ImportPreview(
        signer=known_signer(db, archive.signer, own),
        encrypted=archive.encrypted,
        identities=len(added),
        references=new,
        attaching=tuple((here[identity_id], count) for identity_id, count in attaching.items()),
        from_trash=tuple(here[identity_id] for identity_id in sorted(back)),
        erased=len(gone),
        erased_references=gone.total(),
        already_there=already_there,
        differing=differing,
    )


def attach_refused(preview: ImportPreview) -> AttachRefused:
    """Return the error that an import would give references to people who are here."""
    names = ", ".join(name for name, _ in preview.attaching[:MOST_NAMES])
    more = len(preview.attaching) - MOST_NAMES
    return AttachRefused(
        "This export would give references to people who are here already: {names}{more}. Whoever made the file then "
        "decides who is taken for them. Nothing was imported.",
        names=names,
        more=Phrase(" and {count} more", count=more) if more > 0 else "",
    )


def _was_erased(db: Database, identity_id: str, reference_id: str) -> bool:
    """Return whether a reference, or all of its person, was deleted here for good."""
    ids = ((erasure_rows.IDENTITY, identity_id), (erasure_rows.REFERENCE, reference_id))
    return any(erasure_rows.tombstone_of(db, kind, opaque_id) is not None for kind, opaque_id in ids)
