"""Takes a prepared export into the gallery, inside the caller's transaction."""

import itertools
from collections import Counter

from sqlite_utils import Database

from biometric.entities import ChangeKind, ImportReport, name_key
from biometric.entities.names import number_name
from biometric.gallery import audit_rows, erasure_rows, retention_rows, rows, trash_rows
from biometric.gallery.change_recorder import ChangeRecorder
from biometric.gallery.import_preview import Arrival, People, attach_refused, preview_import
from biometric.gallery.import_staging import StagedImport
from biometric.gallery.records import IdentityRecord
from biometric.gallery.signing_key import SigningKey
from biometric.gallery.write_transaction import WriteTransaction


def import_archive(
    write: WriteTransaction,
    staged: StagedImport,
    resurrect: bool = False,
    *,
    attach: bool = False,
    separate: bool = False,
    own: SigningKey | None = None,
) -> ImportReport:
    """Add the identities and references that are not here yet; those in the trash come out of it.

    Args:
        resurrect: also add those that were deleted here for good, which are left out otherwise.
        attach: people who are here, or in the trash, get references that are not here.
        separate: such references become people of their own instead.
        own: this gallery's key.

    Raises:
        AttachRefused: there are such references, and neither was said.
        ArchiveInvalid: a crop is damaged or no JPEG.
        ModelMismatch: its templates are of another model than the gallery's.
    """
    archive = staged.archive
    rows.check_model(write.db, archive.model_id, archive.dimension)
    preview = preview_import(write.db, archive, own, resurrect, staged.references())
    if preview.attaching and not (attach or separate):
        raise attach_refused(preview)
    people = People(write.db, resurrect)
    names_in_archive = {name_key(identity.name) for identity in archive.identities}
    recorder = ChangeRecorder(write, ChangeKind.IMPORTED)
    references = identities = samples = already_there = 0
    renamed: list[tuple[str, str]] = []
    concerned: set[int] = set()
    left_out: Counter[str] = Counter()
    added: list[int] = []
    without_basis = 0
    for owner, reference in staged.references():
        identity, arrival = owner, people.arrival(owner, reference)
        if arrival is Arrival.KNOWN:
            already_there += 1
            continue
        if arrival is Arrival.ERASED:
            left_out[identity.id] += 1
            continue
        if resurrect:
            erasure_rows.remove_tombstone(write.db, erasure_rows.IDENTITY, identity.id)
            erasure_rows.remove_tombstone(write.db, erasure_rows.REFERENCE, reference.id)
        trashed = trash_rows.trashed_reference(write.db, reference.id)
        if separate and arrival is Arrival.ATTACHING:
            if trashed is not None:  # it can be brought back
                already_there += 1
                continue
            identity = people.other(identity)
        number = rows.number_by_id(write.db, identity.id)
        if number is None:
            number, name = _add_identity(recorder, identity, names_in_archive)
            identities += 1
            if name != identity.name:
                renamed.append((identity.name, name))
        if number not in concerned:
            concerned.add(number)
            recorder.add_people(number)
        if trashed is not None:
            recorder.restore_reference(trashed, number)
            added.append(trashed)
        else:
            crops = staged.bring_crops(write, owner.id, reference, identity.id)
            added.append(write.store(number, identity.id, reference, crops))
            recorder.note_new_reference(added[-1])
        without_basis += reference.basis is None
        references += 1
        samples += len(reference.samples)
    write.sync_crops()
    retention_rows.wait_until_shown(write.db, added, write.now)
    if references:
        recorder.note(
            signer=preview.signer.kind.value,
            signer_key=preview.signer.public_key,
            attached=sum(count for _, count in preview.attaching) if attach else 0,
        )
        recorder.finish(references, samples)
        if preview.signer.public_key:
            audit_rows.note_signer(write.db, preview.signer.public_key, preview.signer.gallery, write.now)
    else:
        recorder.abandon()
    change = recorder.id if references else None
    gone = len(left_out), left_out.total()
    expired = retention_rows.count_expired(write.db, added, write.now)
    told = already_there, tuple(renamed), *gone
    attached = tuple(name for name, _ in preview.attaching) if attach and not separate else ()
    return ImportReport(
        *(identities, references, *told),
        change_id=change,
        without_basis=without_basis,
        expired=expired,
        attached=attached,
        signer=preview.signer,
    )


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


def _add_identity(recorder: ChangeRecorder, identity: IdentityRecord, reserved: set[str]) -> tuple[int, str]:
    """Add an identity, or bring it back from the trash; return its row number and the name it has now."""
    db = recorder.db
    trashed = trash_rows.trashed_identity(db, identity.id)
    if trashed is not None:
        number, former = trashed
        name = find_free_name(db, former, reserved - {name_key(former)})
        if name != former:
            trash_rows.rename_trashed(db, number, name, name_key(name))
        recorder.restore_identity(number)
        return number, name
    name = find_free_name(db, identity.name, reserved)
    number = rows.insert_identity(db, identity.id, name, identity.created_at, identity.updated_at)
    recorder.note_new_identity(number)
    return number, name
