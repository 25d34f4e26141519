"""A basis for everybody whom tests enroll: galleries of tests have a default, as those of people who use Sightline.

Tests of the basis itself take it away with `without_default`.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlite_utils import Database

from biometric.entities import EnrollmentBasis, LegalBasis
from biometric.gallery import basis_rows

TEST_BASIS = EnrollmentBasis(LegalBasis.CONSENT, "Tests", "Sightline")

ENROLL_OPTIONS = ("--basis", "consent", "--purpose", "Tests")
"""For an enrollment by command in a process of its own."""

_read = basis_rows.read_default_basis


def _read_or_test_basis(db: Database) -> EnrollmentBasis | None:
    return _read(db) or TEST_BASIS


def give_galleries_a_default() -> None:
    """Let every gallery without a default of its own have `TEST_BASIS`, in this process from now on."""
    basis_rows.read_default_basis = _read_or_test_basis


@contextmanager
def without_default() -> Iterator[None]:
    """Inside the block, galleries have the default that they were given, or none."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(basis_rows, "read_default_basis", _read)
        yield
