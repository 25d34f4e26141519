"""A hash-chained, signed log in one file of its own, in the form of an exported audit trail.

The last line is the signed end. A record is added by writing the whole file anew beside it and renaming it, so that
records and end always belong together; logs of cases are short.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from biometric.entities.actors import current_actor
from biometric.entities.audit import AuditAction, AuditEvent, AuditHead, AuditRecord, AuditReport, fingerprint
from biometric.errors import CaseChanged, CaseOfAnotherKey, NoCase, StorageFull
from biometric.gallery.audit_chain import (
    FIRST_PREVIOUS,
    canonical,
    digest,
    head_bytes,
    head_values,
    read_head,
    read_record,
    record_text,
)
from biometric.gallery.audit_log import head_text
from biometric.gallery.audit_trail import HEAD_LINE, verify_exported
from biometric.gallery.protection import GalleryProtection
from biometric.gallery.signing_key import KeyFile, SigningKey
from biometric.storage import describe_os_error, file_lock, make_private_folder, write_atomically

_PATIENCE = 10.0
READ_ONLY = 0o400


class SignedLogFile:
    """ports.SignedLog.

    Args:
        path: the log's file.
        key_folder: where the key is that signs, apart from what it signs; made when first needed.
    """

    def __init__(self, path: Path, key_folder: Path) -> None:
        self.path = path
        self._keys = KeyFile(GalleryProtection(key_folder))

    def begin(self, log_id: str, event: AuditEvent) -> AuditHead:
        """Write a new file with its first records."""
        key = self._made_key()
        started = AuditEvent(AuditAction.STARTED, details={"gallery": log_id, "public_key": key.public})
        return self._write([], log_id, key, [started, event])

    def append(self, event: AuditEvent) -> AuditHead:
        """Add a record and sign the new end."""
        report = self.verify()
        if not report.intact or report.head is None:
            raise self._changed()
        key = self._keys.key()
        if key is None or key.public != report.head.public_key:
            raise CaseOfAnotherKey(
                "This case is signed with the key {fingerprint}, which is not here. Only whoever opened it can add to "
                "it; checking and repeating it needs no key. To go on yourself, open a case of your own with the same "
                "files.",
                fingerprint=fingerprint(report.head.public_key),
            )
        return self._write(self._lines()[:-1], report.head.gallery, key, [event])

    def records(self) -> list[AuditRecord]:
        """Return all records."""
        try:
            return [read_record(line) for line in self._lines()[:-1]]
        except ValueError as error:
            raise self._changed() from error

    def head(self) -> AuditHead:
        """Return the signed end."""
        try:
            last = self._lines()[-1]
            return read_head(last.removeprefix(HEAD_LINE).removesuffix("}"))
        except (IndexError, ValueError) as error:
            raise self._changed() from error

    def verify(self, heads: Sequence[Path] = ()) -> AuditReport:
        """Check all records, their signed end, and heads that were kept elsewhere."""
        self._lines()
        return verify_exported(self.path, heads)

    def export_head(self, destination: Path) -> AuditHead:
        """Write the signed end alone."""
        head = self.head()
        try:
            write_atomically(destination, head_text(head))
        except OSError as error:
            raise _full(destination, error) from error
        return head

    def own_key(self) -> str:
        """Return the public key that signs here, "" where there is none yet."""
        key = self._keys.key()
        return "" if key is None else key.public

    def _made_key(self) -> SigningKey:
        folder = self._keys.path.parent
        try:
            make_private_folder(folder)
            with file_lock(folder / ".key.lock", _PATIENCE):
                return self._keys.key() or self._keys.make()
        except OSError as error:
            raise _full(self._keys.path, error) from error

    def _lines(self) -> list[str]:
        try:
            return self.path.read_text("utf-8").splitlines()
        except FileNotFoundError as error:
            raise NoCase("{folder} holds no case: there is no {name} in it.", **self._place()) from error
        except (OSError, ValueError) as error:
            raise self._changed() from error

    def _write(self, lines: list[str], log_id: str, key: SigningKey, events: Sequence[AuditEvent]) -> AuditHead:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        for event in events:
            previous = digest(lines[-1]) if lines else FIRST_PREVIOUS
            lines = [*lines, record_text(len(lines) + 1, previous, now, current_actor(), event)]
        unsigned = AuditHead(log_id, len(lines), digest(lines[-1]), len(lines), now, key.public)
        head = replace(unsigned, signature=key.sign(head_bytes(unsigned)))
        text = "\n".join([*lines, canonical({"head": head_values(head)})]) + "\n"
        try:
            write_atomically(self.path, text, READ_ONLY)
        except OSError as error:
            raise _full(self.path, error) from error
        return head

    def _changed(self) -> CaseChanged:
        return CaseChanged(
            "The record {name} of the case in {folder} was changed or damaged. Nothing was done; case verify says what "
            "is wrong with it.",
            **self._place(),
        )

    def _place(self) -> dict[str, object]:
        return {"folder": self.path.parent, "name": self.path.name}


def _full(path: Path, error: OSError) -> StorageFull:
    return StorageFull("{path} could not be written: {reason}.", path=path, reason=describe_os_error(error))
