"""Basis and retention as JSON-ready dictionaries."""

from typing import Any

from biometric.entities import BasisRecord, EnrollmentBasis, PersonLifetime, Retention


def basis_json(basis: EnrollmentBasis | None) -> dict[str, str] | None:
    """Return a basis; None where there is none."""
    if basis is None:
        return None
    return {
        "legal_basis": basis.legal_basis.value,
        "purpose": basis.purpose,
        "responsible": basis.responsible,
        "note": basis.note,
    }


def basis_record_json(record: BasisRecord | None) -> dict[str, str] | None:
    """Return the basis of a reference with when and how it was recorded; None where it was not."""
    if record is None:
        return None
    how = {"recorded": record.recorded_at, "entry_point": record.entry_point.value}
    return {**(basis_json(record.basis) or {}), **how}


def retention_json(retention: Retention) -> dict[str, float]:
    """Return for how many days references are matched with and kept."""
    return {"matching_days": retention.matching_days, "keeping_days": retention.keeping_days}


def lifetime_json(lifetime: PersonLifetime) -> dict[str, Any]:
    """Return until when the references of somebody are matched with and kept. Times are ISO 8601, or None."""
    return {
        "name": lifetime.name,
        **retention_json(lifetime.retention),
        "own_retention": lifetime.is_own,
        "references": lifetime.references,
        "expired": lifetime.expired,
        "without_basis": lifetime.without_basis,
        "match_until": lifetime.match_until or None,
        "next_purge": lifetime.next_purge or None,
        "purge_references": lifetime.purge_references,
        "held_since": lifetime.held_since or None,
        "hold_reason": lifetime.hold_reason,
    }
