"""The audit trail of a gallery: what is recorded, what signs it, and what its verification finds."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from biometric.errors.phrases import Phrase

AuditValue = str | int | bool | None | list["AuditValue"] | dict[str, "AuditValue"]
"""What details may hold: no floating-point numbers, which have more than one spelling."""


class AuditAction(StrEnum):
    """What is recorded besides changes of a gallery, whose actions are the values of `ChangeKind`."""

    STARTED = "audit_started"
    KEY_ROTATION_BEGUN = "key_rotation_begun"
    KEY_ROTATED = "key_rotated"
    KEY_REPLACED = "key_replaced"
    CHAIN_BROKEN = "chain_broken"
    UNREADABLE = "unreadable"
    VERIFIED = "verified"
    IDENTIFIED = "identified"
    EXPORTED = "exported"
    BACKED_UP = "backed_up"
    RESTORED = "restored"
    ENCRYPTED = "encrypted"
    DECRYPTED = "decrypted"
    ENCRYPTION_KEY_CHANGED = "encryption_key_changed"
    EXPIRED = "expired"
    REDACTED = "redacted"
    REPORTED = "reported"
    SUBJECT_REPORTED = "subject_reported"
    RESULTS_PURGED = "results_purged"
    FOOTAGE_REMOVED = "footage_removed"
    SIGHTINGS_KEPT = "sightings_kept"
    SIGHTINGS_REMOVED = "sightings_removed"
    SIGHTINGS_EXPIRED = "sightings_expired"
    SIGHTINGS_SEARCHED = "sightings_searched"
    SIGNED_IN = "signed_in"
    SIGNED_OUT = "signed_out"
    SIGN_IN_FAILED = "sign_in_failed"
    USER_ADDED = "user_added"
    USER_REMOVED = "user_removed"
    USER_ROLE_SET = "user_role_set"
    USER_PASSWORD_SET = "user_password_set"  # noqa: S105 - not a password
    SESSIONS_ENDED = "sessions_ended"
    TOKEN_ADDED = "token_added"  # noqa: S105 - not a token
    TOKEN_REMOVED = "token_removed"  # noqa: S105 - not a token


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """Something that is to be recorded.

    Attributes:
        action: a value of `AuditAction` or `ChangeKind`.
        people: opaque ids of the identities concerned; never names.
        details: what else is known; never a name of a person, nor a template.
        calibrated_model: the model whose calibration in force decided: its number goes into the record, too.
    """

    action: str
    people: tuple[str, ...] = ()
    details: Mapping[str, AuditValue] = field(default_factory=dict)
    calibrated_model: str | None = None


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """A record of the trail.

    Attributes:
        number: from 1, without a gap.
        time: ISO 8601, UTC.
        who, is_user, through: see `actors.Actor`.
        action, people, details: as of `AuditEvent`.
        previous: hash of the record before, 64 hexadecimal digits.
        hash: SHA-256 of the record's canonical bytes.
    """

    number: int
    time: str
    who: str
    is_user: bool
    through: str
    action: str
    people: tuple[str, ...]
    details: Mapping[str, AuditValue]
    previous: str
    hash: str


@dataclass(frozen=True, slots=True)
class AuditHead:
    """The end of a trail, signed: whoever has it can tell later that nothing up to there was changed or cut off.

    Attributes:
        gallery: the gallery's id.
        number, hash: of the last record.
        count: how many records there are up to it.
        time: of the last record, ISO 8601, UTC.
        public_key: Ed25519, 64 hexadecimal digits.
        signature: of the canonical bytes of all this, 128 hexadecimal digits.
    """

    gallery: str
    number: int
    hash: str
    count: int
    time: str
    public_key: str
    signature: str = ""


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Which records are wanted; None or "": all.

    Attributes:
        since, until: first and last day, or times, ISO 8601, UTC.
        who: name of whoever acted.
        action: what was done.
        person: id of an identity concerned.
    """

    since: str = ""
    until: str = ""
    who: str = ""
    action: str = ""
    person: str = ""


@dataclass(frozen=True, slots=True)
class AuditReport:
    """What the verification of a trail found.

    Attributes:
        count: how many records there are.
        problems: what shows that the trail was changed; none: it is intact as far as it can be told.
        notes: what is unusual but no proof, such as a clock that was set back.
        head: the end of the trail, None for one without records.
        heads: how many heads that were kept elsewhere fit.
    """

    count: int
    problems: tuple[Phrase, ...]
    notes: tuple[Phrase, ...]
    head: AuditHead | None
    heads: int = 0

    @property
    def intact(self) -> bool:
        """Whether nothing shows that the trail was changed."""
        return not self.problems


def fingerprint(public_key: str) -> str:
    """Return what people compare of a public key: 8 groups of 4 hexadecimal digits of its SHA-256.

    What somebody wrote in the place of a key has one, too.
    """
    try:
        key = bytes.fromhex(public_key)
    except ValueError:
        key = public_key.encode("utf-8", "replace")
    digest = hashlib.sha256(key).hexdigest()[:32]
    return " ".join(digest[start : start + 4] for start in range(0, 32, 4))
