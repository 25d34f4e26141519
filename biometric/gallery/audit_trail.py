"""The audit trail of one gallery, as its callers see it; and the verification of an exported one, without a gallery."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from biometric.entities.audit import (
    AuditAction,
    AuditEvent,
    AuditHead,
    AuditQuery,
    AuditRecord,
    AuditReport,
    fingerprint,
)
from biometric.errors import InvalidInput, StorageFull
from biometric.errors.phrases import Phrase
from biometric.gallery import audit_rows
from biometric.gallery.audit_chain import (
    canonical,
    digest,
    head_values,
    read_head,
    read_record,
)
from biometric.gallery.audit_log import head_text
from biometric.gallery.audit_verification import TrailVerifier
from biometric.gallery.transactions import GalleryTransactions
from biometric.storage import atomic_path, describe_os_error

LONGEST_HEAD = 10_000
"""Most bytes of a head's file."""
LONGEST_LINE = 10_000_000
HEAD_LINE = '{"head":'
"""Begins the last line of an exported trail."""


class GalleryAuditTrail:
    """A `ports.AuditTrail` of the gallery whose transactions these are."""

    def __init__(self, transactions: GalleryTransactions) -> None:
        self._transactions = transactions

    def record(self, event: AuditEvent) -> None:
        """Add a record of something that changed nothing in the gallery; the current actor did it."""
        self._transactions.record(event)

    def records(self, query: AuditQuery, limit: int = 100, offset: int = 0) -> tuple[list[AuditRecord], int]:
        """Return the records that a query wants, the latest first, and how many there are."""
        with self._transactions.reading_or_empty() as db:
            found, total = audit_rows.find_records(db, query, limit, offset)
        return [_shown(*row) for row in found], total

    def names(self, people: Sequence[str]) -> dict[str, str]:
        """Return the names, by opaque id, of those of these identities who are enrolled or in the trash."""
        with self._transactions.reading_or_empty() as db:
            return audit_rows.names(db, people)

    def head(self) -> AuditHead | None:
        """Return the signed end of the trail; None for one without records."""
        with self._transactions.reading_or_empty() as db:
            return audit_rows.read_end(db)

    def verify(self, heads: Sequence[Path] = ()) -> AuditReport:
        """Check each record, the chain, the signed end, and heads that were kept elsewhere.

        Raises `InvalidInput`: a file is no head.
        """
        kept = [(path.name, read_head_file(path)) for path in heads]
        key = self._transactions.audit.keys.key()
        with self._transactions.reading_or_empty() as db:
            verifier = TrailVerifier()
            verifier.expect(head for _, head in kept)
            end = audit_rows.read_end(db)
            for number, text in audit_rows.records(db):
                verifier.check(number, text)
        report = verifier.report(end, kept)
        if key is None or end is None or key.public == end.public_key:
            return report
        foreign = Phrase(
            "The key file of the gallery is another one ({fingerprint}) than the one that signed the trail's end.",
            fingerprint=fingerprint(key.public),
        )
        return AuditReport(report.count, (*report.problems, foreign), report.notes, report.head, report.heads)

    def export(self, destination: Path) -> AuditHead:
        """Write all records, one a line, and the signed head as the last line, atomically.

        Raises `InvalidInput`: there are no records.
        """
        with self._transactions.reading_or_empty() as db:
            head = _required(audit_rows.read_end(db))
            with _writing(destination) as partial, partial.open("w", encoding="utf-8", newline="\n") as file:
                for _, text in audit_rows.records(db):
                    file.write(f"{text}\n")
                file.write(canonical({"head": head_values(head)}) + "\n")
        return head

    def export_head(self, destination: Path) -> AuditHead:
        """Write the signed head alone, atomically; errors as of `export`."""
        head = _required(self.head())
        with _writing(destination) as partial:
            partial.write_text(head_text(head), encoding="utf-8")
        return head

    def rotate_key(self) -> AuditHead:
        """Make a new key for the gallery; the former one signs the record that says so."""
        return self._transactions.rotate_key()


def is_exported_trail(path: Path) -> bool:
    """Return whether a file begins as an exported trail does."""
    try:
        with path.open(encoding="utf-8") as file:
            read_record(file.readline(LONGEST_LINE))
    except (OSError, ValueError):
        return False
    return True


def verify_exported(path: Path, heads: Sequence[Path] = ()) -> AuditReport:
    """Verify an exported trail by itself, and by heads that were kept elsewhere.

    Raises `InvalidInput`: a file cannot be read, or is no head.
    """
    kept = [(head.name, read_head_file(head)) for head in heads]
    verifier = TrailVerifier()
    verifier.expect(head for _, head in kept)
    end: AuditHead | None = None
    try:
        with path.open(encoding="utf-8", newline="\n") as file:
            for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE), ""), start=1):
                text = line.removesuffix("\n")
                if text.startswith(HEAD_LINE):
                    end = read_head(text.removeprefix(HEAD_LINE).removesuffix("}"))
                    break
                verifier.check(number, text)
    except (OSError, ValueError, KeyError) as error:
        raise _unreadable(path, error) from error
    return verifier.report(end, kept)


def read_head_file(path: Path) -> AuditHead:
    """Return a head from its file. Raises `InvalidInput`."""
    try:
        with path.open("rb") as file:
            return read_head(file.read(LONGEST_HEAD).decode("utf-8"))
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error


def _shown(number: int, text: str) -> AuditRecord:
    """Return a record; one that somebody made unreadable without anything but its number."""
    try:
        record = read_record(text)
        canonical(json.loads(text))
        json.dumps(json.loads(text), ensure_ascii=False).encode()  # lone surrogates cannot be shown
        return record
    except (ValueError, RecursionError):
        return AuditRecord(number, "", "", False, "", AuditAction.UNREADABLE, (), {}, "", digest(text))


def _required(head: AuditHead | None) -> AuditHead:
    if head is None:
        raise InvalidInput("Nothing was recorded in this gallery yet.")
    return head


@contextmanager
def _writing(destination: Path) -> Iterator[Path]:
    try:
        with atomic_path(destination) as partial:
            yield partial
    except OSError as error:
        raise StorageFull(
            "{path} could not be written: {reason}. Choose another place.",
            path=destination,
            reason=describe_os_error(error),
        ) from error


def _unreadable(path: Path, error: Exception) -> InvalidInput:
    if isinstance(error, OSError):
        return InvalidInput("{path} cannot be read: {reason}.", path=path, reason=describe_os_error(error))
    return InvalidInput("{path} is neither an exported audit trail nor the head of one.", path=path)
