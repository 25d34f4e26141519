"""`python -m biometric gallery subject-report`: everything held about one person as one file."""

import argparse
from typing import Any

from biometric.cli import command_support
from biometric.cli.command_support import DONE, show
from biometric.cli.gallery_trash import accept_yes, add_action, confirm, count_references
from biometric.erasing.subject_reporter import SubjectReporter, check_destination
from biometric.errors import InvalidInput
from biometric.messages.counted import counted
from biometric.messages.group_sentences import count_sightings
from biometric.messages.subject_sentences import describe_pictures
from biometric.messages.translation import gettext as _


def add_actions(actions: Any) -> None:
    """Add the command to the parser of `gallery`."""
    summary = "write everything held about one person as one file (access and portability)"
    accept_yes(add_action(actions, "subject-report", summary, _write, "name", "file"))


def _write(options: argparse.Namespace) -> int:
    service = command_support.build_service(options)
    gallery = service.gallery()
    reporter = SubjectReporter(service.gallery, service.library, service.eraser)
    identity_id = reporter.find(options.name)
    check_destination(options.file, gallery.folder, replace=True)
    if options.file.exists():
        question = _("{path} exists already. Replace it?").format(path=options.file)
        confirm(options, question, InvalidInput("Nothing was written."))
    written = reporter.write(identity_id, options.file, replace=options.yes or options.file.exists())
    counts = written.counts
    lines = [
        _("Everything held about {name} is in {path}: {references}, {pictures}, {sightings}.").format(
            name=written.name,
            path=written.path,
            references=count_references(counts["references"]),
            pictures=counted(counts["pictures"], "picture"),
            sightings=count_sightings(counts["sightings"]),
        ),
        *describe_pictures(counts["pictures"], counts["pictures"], written.missing_pictures),
        _("The file is not encrypted: give it to this person alone, and by a safe way."),
    ]
    others = [item for item in gallery.find_in_trash(written.name) if item != identity_id]
    if others:
        lines.append(
            _("Somebody else of this name is in the trash and not in this file: undo their removal to write theirs.")
        )
    result = {
        "file": str(written.path),
        "name": written.name,
        "identity": identity_id,
        "counts": dict(counts),
        "missing_pictures": written.missing_pictures,
        "encrypted": False,
        "gallery_encrypted": written.gallery_encrypted,
    }
    show(options, result, "\n".join(lines))
    return DONE
