"""The form of audit records and heads. Knows bytes, not the database; `audit_verification` checks them.

A record is one line of JSON in canonical form (RFC 8785, of which only texts, whole numbers, true, false, null, lists
and objects are used): UTF-8, keys in order, no space, no number with a fraction. Scores and thresholds are texts with
six decimals. Its keys:

    action, details, number, people, previous, through, time, user, version, who

`previous` is the SHA-256 of the line before (64 zeros before the first), so that a record cannot be changed, removed or
put elsewhere without changing all later ones. A head signs number, hash and count of the last record with the gallery's
key. The first record names that key; a later one says when another took its place.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from biometric.entities.actors import Actor
from biometric.entities.audit import AuditEvent, AuditHead, AuditRecord

VERSION = 1
FIRST_PREVIOUS = "0" * 64
HEAD_FORMAT = "sightline-audit-head"
Row = tuple[int, str]
"""Number and canonical text of a record, as they are stored."""


def canonical(values: Mapping[str, Any]) -> str:
    """Return values as canonical JSON. Raises `ValueError`: there is a floating-point number."""
    _refuse_floats(values)
    text = json.dumps(values, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
    return text.encode("utf-8", "replace").decode("utf-8")


def decimal_text(number: float) -> str:
    """Return a score or threshold as records hold it."""
    return f"{number:.6f}"


def digest(text: str) -> str:
    """Return the hash of a canonical text: SHA-256, 64 hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def record_text(number: int, previous: str, time: str, actor: Actor, event: AuditEvent) -> str:
    """Return a record in canonical form."""
    return canonical(
        {
            "version": VERSION,
            "number": number,
            "previous": previous,
            "time": time,
            "who": actor.name,
            "user": actor.is_user,
            "through": actor.through.value,
            "action": event.action,
            "people": sorted(set(event.people)),
            "details": dict(event.details),
        }
    )


def read_record(text: str) -> AuditRecord:
    """Return a record from its text. Raises `ValueError`: it is not one."""
    values = _parsed(text)
    if not isinstance(values, dict):
        raise ValueError("expected an object")
    try:
        record = AuditRecord(
            number=values["number"],
            time=values["time"],
            who=values["who"],
            is_user=values["user"],
            through=values["through"],
            action=values["action"],
            people=tuple(values["people"]),
            details=values["details"],
            previous=values["previous"],
            hash=digest(text),
        )
    except (KeyError, TypeError) as error:
        raise ValueError("expected the keys of a record") from error
    texts = (record.time, record.who, record.through, record.action, record.previous, *record.people)
    if not isinstance(record.number, int) or not all(isinstance(item, str) for item in texts):
        raise ValueError("expected the values of a record")
    if not isinstance(record.details, dict):
        raise ValueError("expected details")
    return record


def head_bytes(head: AuditHead) -> bytes:
    """Return what a head's signature is of."""
    return canonical({key: value for key, value in head_values(head).items() if key != "signature"}).encode()


def head_values(head: AuditHead) -> dict[str, Any]:
    """Return a head as its file has it."""
    return {
        "format": HEAD_FORMAT,
        "version": VERSION,
        "gallery": head.gallery,
        "number": head.number,
        "hash": head.hash,
        "count": head.count,
        "time": head.time,
        "public_key": head.public_key,
        "signature": head.signature,
    }


def read_head(text: str) -> AuditHead:
    """Return a head from its file's text. Raises `ValueError`: it is not one."""
    values = _parsed(text)
    if not isinstance(values, dict) or values.get("format") != HEAD_FORMAT or values.get("version") != VERSION:
        raise ValueError("expected a head")
    names = ("gallery", "hash", "time", "public_key", "signature")
    if not all(isinstance(values.get(name), str) for name in names):
        raise ValueError("expected the texts of a head")
    if not all(isinstance(values.get(name), int) for name in ("number", "count")):
        raise ValueError("expected the numbers of a head")
    return AuditHead(**{name: values[name] for name in (*names, "number", "count")})


def rotation_bytes(former: str, new: str, number: int) -> bytes:
    """Return what the former key signs when another takes its place in a record."""
    return canonical({"former_key": former, "public_key": new, "number": number}).encode()


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("expected no deeper lists") from error


def _refuse_floats(value: object) -> None:
    if isinstance(value, float):
        raise ValueError(f"expected no floating-point number, got {value}")
    if isinstance(value, Mapping):
        for item in value.values():
            _refuse_floats(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _refuse_floats(item)
