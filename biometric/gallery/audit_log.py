"""Appends to a gallery's audit trail and signs its end; writes that end, the head, out from time to time."""

import json
import logging
import re
import threading
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from sqlite_utils import Database

from biometric.entities.actors import current_actor
from biometric.entities.audit import AuditAction, AuditEvent, AuditHead, AuditValue
from biometric.gallery import audit_rows
from biometric.gallery.audit_chain import (
    FIRST_PREVIOUS,
    Row,
    digest,
    head_bytes,
    head_values,
    record_text,
    rotation_bytes,
)
from biometric.gallery.protection import GalleryProtection
from biometric.gallery.signing_key import KeyFile, SigningKey, is_signed
from biometric.storage import write_atomically

logger = logging.getLogger(__name__)

_HEAD_NAME = "sightline-head-{gallery}-{number:012d}.json"
_HEAD = re.compile(r"sightline-head-[0-9a-f]{8}-[0-9]{12}\.json", re.ASCII)


@dataclass(frozen=True, slots=True)
class HeadFolder:
    """Where heads are written to while the trail grows, and how long after the one before."""

    folder: Path
    every: timedelta


class AuditLog:
    """The trail of one gallery. Appending needs the write lock.

    Args:
        protection: of the gallery, in whose folder the key is.
        heads: where heads are written to, None for nowhere.
    """

    def __init__(self, protection: GalleryProtection, heads: HeadFolder | None = None) -> None:
        self.keys = KeyFile(protection)
        self._heads = heads
        self._lock = threading.Lock()

    def append(self, db: Database, event: AuditEvent, now: str) -> AuditHead:
        """Add a record at the end and sign the new end.

        Where the end is not as it was signed, or the key is another one, a record says so first: what was done to the
        trail is not covered by going on with it.
        """
        last, end = audit_rows.last_record(db), audit_rows.read_end(db)
        key = self.keys.key() or self.keys.make()
        if last is None and end is None:
            last = self._add(db, None, _started(db, key), now)
        elif not _is_intact(last, end):
            last = self._add(db, last, _broken(end, key), now)
        elif end is not None and end.public_key != key.public:
            details = {"former_key": end.public_key, "public_key": key.public}
            last = self._add(db, last, AuditEvent(AuditAction.KEY_REPLACED, details=details), now)
        return self._sign(db, self._add(db, last, event, now), key, now)

    def rotate(self, db: Database, now: str) -> AuditHead:
        """Make a new key; the former one signs the record that says so."""
        self.append(db, AuditEvent(AuditAction.KEY_ROTATION_BEGUN), now)
        former, last = self.keys.key(), audit_rows.last_record(db)
        if former is None or last is None:
            raise RuntimeError("a trail that was just appended to has neither key nor record")
        key = self.keys.make()
        signature = former.sign(rotation_bytes(former.public, key.public, last[0] + 1))
        details = {"former_key": former.public, "public_key": key.public, "signature": signature}
        return self._sign(db, self._add(db, last, AuditEvent(AuditAction.KEY_ROTATED, details=details), now), key, now)

    def write_due_head(self, head: AuditHead) -> None:
        """Write a head out where the one before is old enough; what fails is logged, and tried again next time."""
        if self._heads is None:
            return
        with self._lock:
            folder, seconds = self._heads.folder, self._heads.every.total_seconds()
            try:
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                start = f"sightline-head-{head.gallery[:8]}-"
                times = [
                    path.stat().st_mtime
                    for path in folder.iterdir()
                    if path.name.startswith(start) and _HEAD.fullmatch(path.name)
                ]
                if not times or not 0 <= time.time() - max(times) < seconds:
                    name = _HEAD_NAME.format(gallery=head.gallery[:8], number=head.number)
                    write_atomically(folder / name, head_text(head))
            except OSError as error:
                logger.warning("The head of the audit trail could not be written to %s: %s", folder, error)

    @staticmethod
    def _add(db: Database, last: Row | None, event: AuditEvent, now: str) -> Row:
        number, previous = (1, FIRST_PREVIOUS) if last is None else (last[0] + 1, digest(last[1]))
        text = record_text(number, previous, now, current_actor(), event)
        audit_rows.insert_record(db, number, text)
        return number, text

    @staticmethod
    def _sign(db: Database, last: Row, key: SigningKey, now: str) -> AuditHead:
        number, text = last
        unsigned = AuditHead(audit_rows.gallery_id(db), number, digest(text), number, now, key.public)
        head = replace(unsigned, signature=key.sign(head_bytes(unsigned)))
        audit_rows.write_end(db, head)
        return head


def head_text(head: AuditHead) -> str:
    """Return a head as a file for people to keep."""
    return json.dumps(head_values(head), indent=2) + "\n"


def _is_intact(last: Row | None, end: AuditHead | None) -> bool:
    if last is None or end is None or (end.number, end.hash) != (last[0], digest(last[1])):
        return False
    return is_signed(end.public_key, end.signature, head_bytes(end))


def _started(db: Database, key: SigningKey) -> AuditEvent:
    return AuditEvent(
        AuditAction.STARTED,
        details={
            "gallery": audit_rows.gallery_id(db),
            "public_key": key.public,
            "identities": db["identities"].count,
            "changes": db["journal"].count,  # of before, by nobody knows whom
        },
    )


def _broken(end: AuditHead | None, key: SigningKey) -> AuditEvent:
    signed: dict[str, AuditValue] = {}
    if end is not None:
        signed = {"number": end.number, "hash": end.hash, "public_key": end.public_key}
    return AuditEvent(AuditAction.CHAIN_BROKEN, details={"signed_end": signed, "public_key": key.public})
