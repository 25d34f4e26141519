"""On what an enrollment rests: what was said of it, completed by the gallery's default; without any it is refused."""

from biometric.entities.life_cycle import EnrollmentBasis, LegalBasis
from biometric.errors import BasisMissing


def require_basis(basis: EnrollmentBasis | None) -> EnrollmentBasis:
    """Return the basis. Raises `BasisMissing` where there is none."""
    if basis is None:
        raise BasisMissing(
            "Nothing was stored, because no legal basis was given and the gallery has no default. Say the basis "
            "(consent, contract, …) and the purpose, or set them once for the gallery, on the Enrollment tab or with "
            "gallery basis."
        )
    return basis


def complete_basis(
    default: EnrollmentBasis | None, basis: str = "", purpose: str = "", responsible: str = "", note: str = ""
) -> EnrollmentBasis:
    """Return the basis that words say; what is left empty is as the gallery's default has it.

    Raises:
        BasisMissing: basis or purpose is not said, and there is no default.
        InvalidBasis: a word or text cannot be used.
    """
    words = [basis, purpose, responsible, note]
    if default is None:
        if not basis.strip() or not purpose.strip():
            require_basis(None)
        return EnrollmentBasis(LegalBasis.read(basis), purpose, responsible, note)
    usual = [default.legal_basis, default.purpose, default.responsible, default.note]
    said = [word if word.strip() else other for word, other in zip(words, usual, strict=True)]
    return EnrollmentBasis(LegalBasis.read(said[0]), *said[1:])
