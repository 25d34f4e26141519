"""Options of commands that say on what basis somebody is enrolled."""

import argparse

from biometric.entities import EnrollmentBasis, EntryPoint, GivenBasis, LegalBasis
from biometric.entities.enrollment_basis import complete_basis
from biometric.ports import Gallery

_FIELDS = ("basis", "purpose", "responsible", "basis_note")


def add_basis_options(parser: argparse.ArgumentParser, default: str) -> None:
    """Add the options; `default` says what applies without them."""
    words = ", ".join(LegalBasis)
    parser.add_argument("--basis", default="", metavar="B", help=f"legal basis: {words} (default: {default})")
    parser.add_argument("--purpose", default="", metavar="TEXT", help="what the references are for")
    parser.add_argument("--responsible", default="", metavar="WHO", help="who answers for the enrollment")
    parser.add_argument("--basis-note", default="", metavar="TEXT", help="such as where a signed consent is kept")


def says_basis(options: argparse.Namespace) -> bool:
    """Return whether any of the options was given."""
    return any(getattr(options, field).strip() for field in _FIELDS)


def read_basis(gallery: Gallery, options: argparse.Namespace) -> EnrollmentBasis:
    """Return the basis that the options say, completed by the gallery's default.

    Raises:
        BasisMissing: basis or purpose is not said, and there is no default.
        InvalidBasis: one of them cannot be used.
    """
    return complete_basis(gallery.default_basis(), *(getattr(options, field) for field in _FIELDS))


def given_basis(gallery: Gallery, options: argparse.Namespace) -> GivenBasis:
    """Return what an enrollment by command is given. Raises as `read_basis`."""
    return GivenBasis(read_basis(gallery, options), EntryPoint.COMMAND)
