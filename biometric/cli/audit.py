"""`python -m biometric audit show | verify | export | head | rotate-key`."""

import argparse
from pathlib import Path
from typing import Any

from biometric.cli import command_support
from biometric.cli.command_support import DONE, NOT_CONFIRMED, show
from biometric.cli.gallery_trash import add_action, local_time, positive
from biometric.domain.audit_queries import WORDS, read_query
from biometric.entities.audit import AuditHead, AuditRecord, AuditReport, fingerprint
from biometric.errors import InvalidInput
from biometric.messages.audit_sentences import (
    describe_action,
    describe_actor,
    describe_details,
    describe_people,
    describe_report,
)
from biometric.messages.translation import gettext as _
from biometric.messages.translation import ngettext, tell
from biometric.ports import AuditTrail


def add_commands(commands: Any) -> None:
    """Add the `audit` commands to a parser's commands."""
    summary = "who did what in a gallery, and whether that record is intact"
    audit = commands.add_parser("audit", help=summary, description=f"{summary.capitalize()}.")
    actions = audit.add_subparsers(metavar="ACTION", required=True)
    shown = add_action(actions, "show", "show what was done, the latest first", _show)
    shown.add_argument("--since", default="", metavar="DAY", help="from this day or time on")
    shown.add_argument("--until", default="", metavar="DAY", help="up to this day, included, or time")
    shown.add_argument("--who", default="", metavar="NAME", help="only what this user or account did")
    shown.add_argument("--what", default="", metavar="WHAT", help=f"only this: {', '.join(WORDS)}, or an action")
    shown.add_argument("--person", default="", metavar="NAME", help="only what concerns this person (name or id)")
    shown.add_argument("--limit", metavar="N", type=positive, default=50, help="how many records (default: 50)")
    verified = add_action(actions, "verify", "check the audit trail, or an exported one", _verify)
    verified.add_argument(
        "files", type=Path, metavar="FILE", nargs="*", help="heads that were kept elsewhere; or an exported trail first"
    )
    add_action(actions, "export", "write all records and the signed head as one file", _export, "file")
    add_action(actions, "head", "write the signed head alone, to be kept elsewhere", _head, "file")
    add_action(actions, "rotate-key", "make a new signing key; the former one signs that", _rotate)


def _trail(options: argparse.Namespace) -> AuditTrail:
    return command_support.build_service(options).gallery().audit


def _show(options: argparse.Namespace) -> int:
    gallery = command_support.build_service(options).gallery()
    query = read_query(
        gallery, since=options.since, until=options.until, who=options.who, what=options.what, person=options.person
    )
    records, total = gallery.audit.records(query, options.limit)
    names = gallery.audit.names(sorted({person for record in records for person in record.people}))
    lines = []
    for record in records:
        facts = [describe_people(record, names), describe_details(record)]
        told = "; ".join(filter(None, facts))
        text = f"{record.number}  {local_time(record.time) if record.time else ''}  {describe_actor(record)}  "
        lines.append(text + describe_action(record.action) + (f": {told}" if told else ""))
    if total > len(records):
        lines.append(_("{shown} of {total} records are shown.").format(shown=len(records), total=total))
    result = {"records": [_record_json(record, names) for record in records], "total": total}
    show(options, result, "\n".join(lines) or _("Nothing was recorded."))
    return DONE


def _verify(options: argparse.Namespace) -> int:
    from biometric.bootstrap import verify_exported_trail

    files = options.files
    exported = verify_exported_trail(files[0], files[1:]) if files else None
    report = _trail(options).verify(files) if exported is None else exported
    show(options, _report_json(report), "\n".join(describe_report(report)))
    return DONE if report.intact else NOT_CONFIRMED


def _export(options: argparse.Namespace) -> int:
    _check_new(options.file)
    head = _trail(options).export(options.file)
    text = ngettext("{n:,} record was written to {path}.", "{n:,} records were written to {path}.", head.count)
    _show_head(options, head, text.format(n=head.count, path=options.file))
    return DONE


def _head(options: argparse.Namespace) -> int:
    _check_new(options.file)
    head = _trail(options).export_head(options.file)
    text = _("The head after {n} records was written to {path}. Keep it where whoever runs Sightline cannot change it.")
    _show_head(options, head, text.format(n=head.count, path=options.file))
    return DONE


def _rotate(options: argparse.Namespace) -> int:
    head = _trail(options).rotate_key()
    _show_head(options, head, _("The gallery has a new key."))
    return DONE


def _check_new(path: Path) -> None:
    if path.is_dir():
        raise InvalidInput("{path} is a folder. Name a file.", path=path)


def _show_head(options: argparse.Namespace, head: AuditHead, text: str) -> None:
    key = _("Key: {fingerprint}").format(fingerprint=fingerprint(head.public_key))
    show(options, _head_json(head), f"{text}\n{key}")


def _record_json(record: AuditRecord, names: dict[str, str]) -> dict[str, Any]:
    return {
        "number": record.number,
        "time": record.time,
        "who": record.who,
        "user": record.is_user,
        "through": record.through,
        "action": record.action,
        "people": [{"id": person, "name": names.get(person)} for person in record.people],
        "details": dict(record.details),
        "hash": record.hash,
    }


def _report_json(report: AuditReport) -> dict[str, Any]:
    return {
        "intact": report.intact,
        "records": report.count,
        "problems": [tell(problem) for problem in report.problems],
        "notes": [tell(note) for note in report.notes],
        "heads": report.heads,
        "head": None if report.head is None else _head_json(report.head),
    }


def _head_json(head: AuditHead) -> dict[str, Any]:
    return {
        "gallery": head.gallery,
        "number": head.number,
        "hash": head.hash,
        "count": head.count,
        "time": head.time,
        "public_key": head.public_key,
        "fingerprint": fingerprint(head.public_key),
    }
