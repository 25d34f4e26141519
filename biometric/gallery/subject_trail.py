"""Reads what was done about one person, for that person: history and audit trail, without who else was concerned."""

# ruff: noqa: S608 - names of tables and columns are constants of this module

import base64
import json
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from sqlite_utils import Database

from biometric.entities.audit import AuditAction, AuditQuery, AuditRecord
from biometric.entities.subject_parts import SubjectItem
from biometric.gallery import audit_rows
from biometric.gallery.audit_chain import read_record
from biometric.gallery.reference_rows import unblob

_LISTED = "(SELECT value FROM json_each(?))"
_UNLIMITED = -1
_DETAILS = frozenset(
    {
        *("input", "frames", "model", "threshold", "threshold_source", "adaptation", "calibration", "change"),
        *("references", "samples", "file_sha256", "hidden", "method", "undoes", "camera", "encrypted", "sound_kept"),
    }
)
"""What of a record's details is about no other person."""


def history(db: Database, identities: Collection[int]) -> Iterator[SubjectItem]:
    """Yield the changes of the gallery that concern these identities, oldest first, with the name that they had.

    With each are former templates of their references, which undoing it would need.
    """
    references = _references(db, identities)
    sql = (
        "SELECT j.id, j.kind, j.changed_at, p.name, j.undone_by, j.steps, (SELECT count(DISTINCT o.identity_number) "
        f"FROM journal_people o WHERE o.change = j.id AND o.identity_number NOT IN {_LISTED}) "
        f"FROM journal j JOIN journal_people p ON p.change = j.id WHERE p.identity_number IN {_LISTED} "
        "ORDER BY j.id, p.position"
    )
    listed = json.dumps(list(identities))
    for change, kind, changed_at, name, undone_by, steps, others in db.execute(sql, [listed, listed]).fetchall():
        yield {
            "change": change,
            "done": kind,
            "done_at": changed_at,
            "name": name,
            "undone": undone_by is not None,
            "other_people": others,
            "former_templates": list(_former_templates(steps, references)),
        }


def _references(db: Database, identities: Collection[int]) -> set[int]:
    found: set[int] = set()
    for table in ("biometric_references", "trashed_references"):
        sql = f"SELECT number FROM {table} WHERE identity_number IN {_LISTED}"
        found |= {int(row[0]) for row in db.execute(sql, [json.dumps(list(identities))])}
    return found


def _former_templates(steps: str | None, references: set[int]) -> Iterator[SubjectItem]:
    for step in json.loads(steps or "[]"):
        if step[0] == "template" and step[1] in references:
            yield {"samples": step[2], "vector": unblob(base64.b64decode(step[3]))}


def audit(db: Database, own: frozenset[str], references: frozenset[str]) -> Iterator[SubjectItem]:
    """Yield the records of the audit trail about these identities, oldest first.

    A record that somebody damaged is left out: it does not say whom it is about. Who acted is not told.

    Args:
        own: ids of the identities.
        references: ids of their references.
    """
    found: dict[int, AuditRecord] = {}
    for identity_id in own:
        rows, _ = audit_rows.find_records(db, AuditQuery(person=identity_id), _UNLIMITED, 0)
        for number, text in rows:
            try:
                record = read_record(text)
            except (ValueError, RecursionError):
                continue
            if own & set(record.people):
                found[number] = record
    for number in sorted(found):
        yield _item(found[number], own, references)


def _item(record: AuditRecord, own: frozenset[str], references: frozenset[str]) -> SubjectItem:
    details = {key: value for key, value in record.details.items() if key in _DETAILS}
    if isinstance(record.details.get("reference_ids"), list):
        details["reference_ids"] = [item for item in _list(record.details["reference_ids"]) if item in references]
    if record.action == AuditAction.VERIFIED.value:
        details |= _verified(record.details, own)
    if record.action == AuditAction.IDENTIFIED.value:
        details["answers"] = list(_identified(record.details, own))
    return {
        "number": record.number,
        "done": record.action,
        "done_at": record.time,
        "through": record.through,
        "other_people": len(set(record.people) - own),
        "details": details,
    }


def _verified(details: Mapping[str, Any], own: frozenset[str]) -> dict[str, Any]:
    if details.get("claimed") in own:
        return {"claimed": True, "decision": details.get("decision"), "score": details.get("score")}
    return {"claimed": False, "score": details.get("best_other_score")}


def _identified(details: Mapping[str, Any], own: frozenset[str]) -> Iterator[dict[str, Any]]:
    for answer in _list(details.get("answers")):
        if isinstance(answer, dict) and own & {answer.get("identity"), answer.get("closest")}:
            identified = answer.get("identity") in own
            yield {"identified": identified, "decision": answer.get("decision"), "score": answer.get("score")}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
