"""The audit trail of a gallery."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from biometric.entities.audit import AuditEvent, AuditHead, AuditQuery, AuditRecord, AuditReport


class AuditTrail(Protocol):
    """Who did what in a gallery: records that are added, never changed (adapter: `gallery/audit_trail.py`).

    Changes of the gallery record themselves. Any method may raise `GalleryBusy`, `GalleryCorrupt`,
    `GalleryUnavailable` or `StorageFull`.
    """

    def record(self, event: AuditEvent) -> None:
        """Add a record of something that changed nothing in the gallery; the current actor did it."""

    def records(self, query: AuditQuery, limit: int = 100, offset: int = 0) -> tuple[list[AuditRecord], int]:
        """The records that a query wants, the latest first, and how many there are."""

    def names(self, people: Sequence[str]) -> dict[str, str]:
        """The names, by opaque id, of those of these identities who are enrolled or in the trash."""

    def head(self) -> AuditHead | None:
        """The signed end of the trail; None for one without records."""

    def verify(self, heads: Sequence[Path] = ()) -> AuditReport:
        """Check each record, the chain, the signed end, and heads that were kept elsewhere.

        Raises:
            InvalidInput: a file is no head.
        """

    def export(self, destination: Path) -> AuditHead:
        """Write all records, one a line, and the signed head as the last line, atomically.

        Raises:
            InvalidInput: there are no records.
        """

    def export_head(self, destination: Path) -> AuditHead:
        """Write the signed head alone, atomically; errors as of `export`."""

    def rotate_key(self) -> AuditHead:
        """Make a new key for the gallery; the former one signs the record that says so."""
