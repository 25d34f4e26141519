"""`python -m biometric gallery …`: backup and restore."""

import argparse
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from biometric.cli.command_support import DONE, build_service, read_passphrase, show
from biometric.cli.gallery_erasure import read_certificates
from biometric.cli.gallery_trash import add_action, local_time
from biometric.messages.counted import counted
from biometric.messages.translation import gettext as _
from biometric.messages.translation import ngettext


def add_actions(actions: Any) -> None:
    """Add the commands to the parser of `gallery`."""
    backup = add_action(actions, "backup", "write all of the gallery as it is now, and read it back", _backup)
    backup.add_argument(
        "destination", metavar="FILE_OR_FOLDER", type=Path, help="a file ending in .zip, or a new folder"
    )
    restore = add_action(actions, "restore", "bring a backup back, without those who were erased since", _restore)
    restore.add_argument("backup", metavar="BACKUP", type=Path, help="the file or folder that backup wrote")
    restore.add_argument("--replace", action="store_true", help="let it take the place of the gallery that is there")
    restore.add_argument(
        "--another-gallery", action="store_true", help="with --replace: although the backup is of another gallery"
    )
    restore.add_argument(
        "--erased",
        metavar="CERTIFICATE",
        type=Path,
        action="append",
        default=[],
        help="leave out who was erased by this certificate, where the gallery is lost (can be repeated)",
    )
    own = restore.add_mutually_exclusive_group()
    own.add_argument("--backup-key-file", metavar="FILE", type=Path, help="key file that the gallery had at that time")
    own.add_argument(
        "--passphrase-stdin", action="store_true", help="read the passphrase that it had at that time from stdin"
    )


def _backup(options: argparse.Namespace) -> int:
    destination = options.destination
    as_folder = destination.suffix.lower() != ".zip"
    report = build_service(options).gallery().backups.back_up(destination, as_folder=as_folder)
    text = _("{people} and {references} are in {path}.").format(
        people=counted(report.identities, "person"),
        references=counted(report.references, "reference"),
        path=destination,
    )
    text += " " + _("It was read back, and every file compared.")
    if report.probe_score is not None:
        text += " " + _("A stored person was identified in it (score {score:.2f}).").format(score=report.probe_score)
    if report.encrypted:
        text += " " + _("It is encrypted as the gallery is now: it is lost without the key that the gallery has now.")
    text += " " + _("It holds pictures and templates of people: keep it where only you can read it.")
    show(options, {"backup": str(destination), **asdict(report)}, text)
    return DONE


def _restore(options: argparse.Namespace) -> int:
    erased = [certificate for path in options.erased for certificate in read_certificates(path)]
    passphrase = read_passphrase(options, twice=False) if options.passphrase_stdin else None
    backups = build_service(options).gallery().backups
    report = backups.restore(
        options.backup,
        replace=options.replace,
        another=options.another_gallery,
        erased=erased,
        key_file=options.backup_key_file,
        passphrase=passphrase,
    )
    lines = [
        _("Restored: {people}, {references}.").format(
            people=counted(report.identities, "person"), references=counted(report.references, "reference")
        ),
        _("The backup was made on {time}, {age} ago; what was changed since is not in it.").format(
            time=local_time(report.backup.made_at), age=_age(report.backup.made_at)
        ),
    ]
    if report.left_out:
        lines.append(
            ngettext(
                "{n:,} person or reference that was erased since was not brought back.",
                "{n:,} people and references that were erased since were not brought back.",
                report.left_out,
            ).format(n=report.left_out)
        )
    elif not report.replaced and not erased:
        lines.append(
            _("There was no gallery here, so it is not known who was erased since: give certificates with --erased.")
        )
    if report.held:
        text = _("Under a legal hold, also by holds that are newer than the backup: {people}.")
        lines.append(text.format(people=counted(report.held, "person")))
    lines.append(_("Backups are not signed: this one is worth as much trust as the place where it was kept."))
    show(options, {**asdict(report), "age_seconds": round(_seconds_since(report.backup.made_at))}, "\n".join(lines))
    return DONE


def _seconds_since(time: str) -> float:
    return max(0.0, (datetime.now(UTC) - datetime.fromisoformat(time)).total_seconds())


def _age(time: str) -> str:
    """Return how long ago a time is, in days, hours or minutes."""
    minutes = int(_seconds_since(time) // 60)
    if minutes >= 2 * 24 * 60:
        return counted(minutes // (24 * 60), "day")
    if minutes >= 120:
        return ngettext("{n:,} hour", "{n:,} hours", minutes // 60).format(n=minutes // 60)
    return ngettext("{n:,} minute", "{n:,} minutes", minutes).format(n=minutes)
