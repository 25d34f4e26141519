"""The basis of an enrollment in an export's gallery.json: six keys of a reference, or none where it is not recorded."""

from collections.abc import Mapping

from biometric.entities import BasisRecord, EnrollmentBasis, EntryPoint, LegalBasis
from biometric.errors import InvalidBasis
from biometric.errors.phrases import Phrase
from biometric.gallery.manifest_schema import ReferenceEntry
from biometric.gallery.manifest_stream import refuse


def basis_to_json(record: BasisRecord | None) -> Mapping[str, str]:
    """Return the keys of a reference that say its basis; {} where none was recorded."""
    if record is None:
        return {}
    basis = record.basis
    return {
        "legal_basis": basis.legal_basis.value,
        "purpose": basis.purpose,
        "responsible": basis.responsible,
        "basis_note": basis.note,
        "basis_recorded_at": record.recorded_at,
        "entry_point": record.entry_point.value,
    }


def read_basis(entry: ReferenceEntry, place: str) -> BasisRecord | None:
    """Return the basis of a reference, None where none was recorded; `place` says which one it is.

    Raises:
        ArchiveInvalid: some of the keys are missing or not as an export writes them.
    """
    words = (entry.legal_basis, entry.purpose, entry.basis_recorded_at, entry.entry_point)
    if not any((*words, entry.responsible, entry.basis_note)):
        return None
    try:
        basis = EnrollmentBasis(LegalBasis(entry.legal_basis), entry.purpose, entry.responsible, entry.basis_note)
        return BasisRecord(basis, entry.basis_recorded_at, EntryPoint(entry.entry_point))
    except (InvalidBasis, ValueError):
        refuse(Phrase("{place}: its legal basis is not as an export writes it", place=place))
