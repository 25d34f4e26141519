"""The signed record of a case."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from biometric.entities.audit import AuditEvent, AuditHead, AuditRecord, AuditReport


class SignedLog(Protocol):
    """Records in one file, each with the hash of the one before, and their signed end (adapter: `signed_log.py`)."""

    def begin(self, log_id: str, event: AuditEvent) -> AuditHead:
        """Write a new file with its first records. Raises `StorageFull`, `GalleryUnavailable`: there is no key."""

    def append(self, event: AuditEvent) -> AuditHead:
        """Add a record and sign the new end; the file is replaced as a whole.

        Raises:
            CaseChanged: the file was changed since it was signed.
            CaseOfAnotherKey: somebody else signed it.
            StorageFull: it cannot be written.
        """

    def records(self) -> list[AuditRecord]:
        """Return all records. Raises `CaseChanged`: they cannot be read; `NoCase`: there is no such file."""

    def head(self) -> AuditHead:
        """Return the signed end. Raises as `records`."""

    def verify(self, heads: Sequence[Path] = ()) -> AuditReport:
        """Check all records, their signed end, and heads that were kept elsewhere. Raises `InvalidInput`."""

    def export_head(self, destination: Path) -> AuditHead:
        """Write the signed end alone, to be kept elsewhere. Raises as `records`, and `StorageFull`."""

    def own_key(self) -> str:
        """Return the public key that signs here, "" where there is none yet."""


OpenLog = Callable[[Path], SignedLog]
"""Gives the log in a file, which need not exist."""
