"""Checks a trail: each record, how they hang together, its signed end, and heads that were kept elsewhere."""

import json
from collections.abc import Iterable, Sequence

from biometric.entities.audit import AuditAction, AuditHead, AuditRecord, AuditReport, fingerprint
from biometric.errors.phrases import Phrase
from biometric.gallery.audit_chain import (
    FIRST_PREVIOUS,
    canonical,
    digest,
    head_bytes,
    read_record,
    rotation_bytes,
)
from biometric.gallery.signing_key import is_signed

MOST_PROBLEMS = 20
"""Most problems that a report lists; what follows the first is often its consequence."""


class TrailVerifier:
    """Checks records one after another, then heads."""

    def __init__(self) -> None:
        self.count = 0
        self.problems: list[Phrase] = []
        self.notes: list[Phrase] = []
        self.gallery = ""
        self.keys: dict[str, int] = {}
        self._previous = FIRST_PREVIOUS
        self._hashes: dict[int, str] = {}
        self._time = ""
        self._wanted: set[int] = set()

    def expect(self, heads: Iterable[AuditHead]) -> None:
        """Say which heads are to be checked afterwards: of these records the hash is kept."""
        self._wanted |= {head.number for head in heads}

    def check(self, number: int, text: str) -> None:
        """Check the next record."""
        self.count += 1
        try:
            record = read_record(text)
            same = canonical(json.loads(text)) == text
        except (ValueError, RecursionError):
            self._found(Phrase("Record {number} cannot be read.", number=number))
            self._previous = digest(text)
            return
        if not same:
            self._found(Phrase("Record {number} is not in canonical form.", number=number))
        if record.number != number or number != self.count:
            self._found(
                Phrase(
                    "Where record {expected} should be there is record {number}.", expected=self.count, number=number
                )
            )
            self.count = number
        if record.previous != self._previous:
            self._found(
                Phrase(
                    "Record {number} does not follow the one before: that one was changed, removed or put elsewhere.",
                    number=number,
                )
            )
        if record.time < self._time:
            self.notes.append(
                Phrase(
                    "The clock was set back before record {number}: {time} after {former}.",
                    number=number,
                    time=record.time,
                    former=self._time,
                )
            )
        self._time = record.time
        self._previous = record.hash
        if number in self._wanted:
            self._hashes[number] = record.hash
        self._note_key(record)

    def _note_key(self, record: AuditRecord) -> None:
        details = record.details
        key = details.get("public_key")
        if record.action == AuditAction.STARTED and record.number == 1 and isinstance(key, str):
            self.gallery = str(details.get("gallery"))
            self.keys[key] = record.number
        elif record.action == AuditAction.KEY_ROTATED and isinstance(key, str):
            former = str(details.get("former_key"))
            signed = is_signed(former, str(details.get("signature")), rotation_bytes(former, key, record.number))
            if former != self.current_key or not signed:
                self._found(
                    Phrase(
                        "Record {number} changes the key, but the former key did not sign that.", number=record.number
                    )
                )
            self.keys[key] = record.number
        elif record.action == AuditAction.KEY_REPLACED and isinstance(key, str):
            self.notes.append(
                Phrase(
                    "The key was lost before record {number}, and another took its place ({fingerprint}). If nobody "
                    "of yours did that, the records before it prove nothing.",
                    number=record.number,
                    fingerprint=fingerprint(key),
                )
            )
            self.keys[key] = record.number
        elif record.action == AuditAction.CHAIN_BROKEN:
            self._found(
                Phrase(
                    "Before record {number} the end of the trail was not as it had been signed: records were changed "
                    "or removed.",
                    number=record.number,
                )
            )

    @property
    def current_key(self) -> str:
        """The key in force at the end of what was checked, "" where none is known."""
        return next(reversed(self.keys), "")

    @property
    def last_hash(self) -> str:
        """Hash of the latest record."""
        return self._previous

    def _check_end(self, head: AuditHead | None) -> None:
        """Check the signed end that the trail itself has."""
        if head is None:
            if self.count:
                self._found(Phrase("The trail has no signed end."))
            return
        if not is_signed(head.public_key, head.signature, head_bytes(head)):
            self._found(Phrase("The signature of the trail's end is not valid."))
        elif head.public_key != self.current_key:
            self._found(
                Phrase(
                    "The trail's end is signed with another key ({fingerprint}) than the trail names.",
                    fingerprint=fingerprint(head.public_key),
                )
            )
        elif head.number > self.count:
            self._found(_cut_off(head, self.count))
        elif (head.number, head.hash, head.count) != (self.count, self.last_hash, self.count):
            self._found(Phrase("The trail's end is not as it was signed: records were changed or added."))

    def _check_kept(self, head: AuditHead, name: str) -> bool:
        """Check a head that was kept elsewhere; return whether it fits."""
        before = len(self.problems)
        values = {"name": name, "number": head.number}
        if not is_signed(head.public_key, head.signature, head_bytes(head)):
            self._found(Phrase("{name}: its signature is not valid.", **values))
        elif self.gallery and head.gallery != self.gallery:
            self._found(Phrase("{name}: it is of another gallery.", **values))
        elif head.public_key not in self.keys:
            self._found(
                Phrase(
                    "{name}: it is signed with a key that this trail does not know ({fingerprint}): the whole trail "
                    "was replaced, or the head is of another gallery.",
                    fingerprint=fingerprint(head.public_key),
                    **values,
                )
            )
        elif head.number > self.count:
            self._found(Phrase("{name}: {cut}", name=name, cut=_cut_off(head, self.count)))
        elif self._hashes.get(head.number) != head.hash:
            self._found(
                Phrase("{name}: up to record {number} the trail is not what it was: it was rewritten.", **values)
            )
        return len(self.problems) == before

    def report(self, end: AuditHead | None, kept: Sequence[tuple[str, AuditHead]]) -> AuditReport:
        """Return what was found in all of it, once all records are checked.

        Args:
            end: the signed end that the trail itself has.
            kept: names and heads that were kept elsewhere.
        """
        self._check_end(end)
        fitting = sum([self._check_kept(head, name) for name, head in kept])
        problems, notes = (tuple(found[:MOST_PROBLEMS]) for found in (self.problems, self.notes))
        return AuditReport(self.count, problems, notes, end, fitting)

    def _found(self, problem: Phrase) -> None:
        self.problems.append(problem)


def _cut_off(head: AuditHead, count: int) -> Phrase:
    return Phrase(
        "The trail was cut off: it had {number} records on {time}, and has {count}.",
        number=head.number,
        time=head.time,
        count=count,
    )
