"""SQL about the basis of enrollments. Works inside the caller's transaction."""

from sqlite_utils import Database

from biometric.entities import BasisRecord, EnrollmentBasis, EntryPoint, LegalBasis
from biometric.gallery import rows


def read_default_basis(db: Database) -> EnrollmentBasis | None:
    """Return what enrollments without a basis of their own are recorded with, or None."""
    row = db.execute("SELECT legal_basis, purpose, responsible, note FROM default_basis").fetchone()
    return None if row is None else EnrollmentBasis(LegalBasis(row[0]), *row[1:])


def set_default_basis(db: Database, basis: EnrollmentBasis | None) -> None:
    """Say what enrollments without a basis of their own are recorded with; None: they are refused."""
    db.execute("DELETE FROM default_basis")
    if basis is not None:
        db.table("default_basis").insert({"number": 1, **_columns(basis)})


def insert_basis(db: Database, reference: int, record: BasisRecord) -> None:
    """Record the basis of a reference."""
    columns = {"reference_number": reference, **_columns(record.basis)}
    columns |= {"recorded_at": record.recorded_at, "entry_point": record.entry_point.value}
    rows.insert(db, "reference_bases", columns)


def read_basis(db: Database, reference: int) -> BasisRecord | None:
    """Return the basis of a reference, None where none was recorded."""
    sql = (
        "SELECT legal_basis, purpose, responsible, note, recorded_at, entry_point FROM reference_bases "
        "WHERE reference_number = ?"
    )
    row = db.execute(sql, [reference]).fetchone()
    if row is None:
        return None
    return BasisRecord(EnrollmentBasis(LegalBasis(row[0]), *row[1:4]), row[4], EntryPoint(row[5]))


def _columns(basis: EnrollmentBasis) -> dict[str, str]:
    return {
        "legal_basis": basis.legal_basis.value,
        "purpose": basis.purpose,
        "responsible": basis.responsible,
        "note": basis.note,
    }
