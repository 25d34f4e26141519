"""`python -m biometric gallery …`: remove, undo, trash, history, and what all gallery commands share."""

import argparse
import shlex
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

from biometric.cli import command_support, streams
from biometric.cli.command_support import DONE, show
from biometric.entities import BiometricReference, GalleryChange, Identity
from biometric.errors import InvalidInput, UnknownReference
from biometric.messages.change_sentences import describe_change, describe_undoing
from biometric.messages.counted import counted
from biometric.messages.translation import gettext as _
from biometric.ports import Gallery
from biometric.results.answer_json import change_json


def add_actions(actions: Any) -> None:
    """Add the commands to the parser of `gallery`."""
    remove = add_action(actions, "remove", "put an identity, a reference or a sample into the trash", _remove, "name")
    remove.add_argument("--reference", metavar="ID", help="remove only this reference (see: gallery show)")
    remove.add_argument("--sample", metavar="FILE", help="remove only this sample of the reference")
    undo = add_action(actions, "undo", "take a change of the gallery back", _undo)
    undo.add_argument("change", metavar="ID", type=int, nargs="?", help="number of the change (default: the latest)")
    trash = add_action(actions, "trash", "show what is in the trash and until when", _trash)
    trash.add_argument("--empty", action="store_true", help="delete everything in the trash for good")
    accept_yes(trash)
    history = add_action(actions, "history", "show the latest changes of the gallery, newest first", _history)
    history.add_argument("--limit", metavar="N", type=positive, default=20, help="how many changes (default: 20)")


def add_action(actions: Any, name: str, summary: str, command: Any, *arguments: str) -> argparse.ArgumentParser:
    """Add one command of `gallery` and return its parser."""
    parser: argparse.ArgumentParser = actions.add_parser(name, help=summary, description=f"{summary.capitalize()}.")
    for argument in arguments:
        parser.add_argument(argument, metavar=argument.upper(), type=Path if argument == "file" else str)
    parser.add_argument("--gallery", type=Path, metavar="DIR", help="gallery folder (default: gallery/)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=command)
    return parser


def accept_yes(parser: argparse.ArgumentParser) -> None:
    """Let the command be run without a question."""
    parser.add_argument("--yes", action="store_true", help="do not ask")


def positive(text: str) -> int:
    """Return a whole number of at least 1, as an argument's type."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a number of at least 1, got {number}")
    return number


def _open_gallery(options: argparse.Namespace) -> Gallery:
    return command_support.build_service(options).gallery()


def _remove(options: argparse.Namespace) -> int:
    if options.sample is not None and options.reference is None:
        raise InvalidInput("Say of which reference the sample is: add --reference ID (see: gallery show NAME).")
    gallery = _open_gallery(options)
    identity = gallery.find(options.name)
    if options.reference is None:
        change = gallery.remove(identity.id)
    else:
        reference = find_reference(gallery, identity, options.reference)
        if options.sample is None:
            change = gallery.remove_reference(reference.id)
        else:
            change = gallery.remove_sample(reference.id, options.sample)
    result = {"removed": identity.name, "references": change.references, "change": change_json(change)}
    show(options, result, f"{describe_change(change)} {undo_hint(change, options)}")
    return DONE


def _undo(options: argparse.Namespace) -> int:
    change = _open_gallery(options).undo(options.change)
    again = _(" To make it again: {command}").format(command=_undo_command(change, options))
    again = "" if change.expires is None else again
    show(options, change_json(change), describe_change(change) + again)
    return DONE


def _trash(options: argparse.Namespace) -> int:
    gallery = _open_gallery(options)
    if options.empty:
        held = [(item.references, item.samples) for item in gallery.trash()]
        references, samples = sum(counts[0] for counts in held), sum(counts[1] for counts in held)
        text = _("Delete {references} and {samples} in the trash for good? This cannot be undone.")
        confirm(options, text.format(references=count_references(references), samples=count_samples(samples)))
        change = gallery.empty_trash()
        show(options, change_json(change), describe_change(change))
        return DONE
    items = gallery.trash()
    result = [
        {**change_json(item.change), "references": item.references, "samples": item.samples}
        | {"pictures": [str(path) for path in item.pictures]}
        for item in items
    ]
    lines = [_line(item.change) for item in items]
    show(options, {"trash": result}, "\n".join(lines) or _("The trash is empty."))
    return DONE


def _history(options: argparse.Namespace) -> int:
    changes = _open_gallery(options).changes(options.limit)
    lines = [_line(change) for change in changes]
    result = {"changes": [change_json(change) for change in changes]}
    show(options, result, "\n".join(lines) or _("The gallery has not been changed yet."))
    return DONE


def confirm(options: argparse.Namespace, question: str, declined: InvalidInput | None = None) -> None:
    """Ask on the terminal; raise `InvalidInput`, the one that is given, unless the answer is yes."""
    if options.yes:
        return
    if not sys.stdin.isatty():
        raise InvalidInput("{question} Nobody can answer here: add --yes.", question=question)
    streams.say(_("{question} Type yes to go on.").format(question=question))
    if sys.stdin.readline().strip().casefold() not in ("y", "yes"):
        raise declined or InvalidInput("Nothing was deleted.")


def find_reference(gallery: Gallery, identity: Identity, reference_id: str) -> BiometricReference:
    """Return an identity's reference by its id, or by the first digits of it that no other one has.

    Raises:
        UnknownReference: none or several of that identity begin so.
    """
    found = [item for item in gallery.references(identity.id) if item.id.startswith(reference_id) and reference_id]
    if len(found) != 1:
        raise UnknownReference(
            "{n} references of {name} have ids that begin with {id}. Give more digits."
            if found
            else "No reference of {name} has the id {id}. See: gallery show {name}",
            n=len(found),
            name=identity.name,
            id=reference_id,
        )
    return found[0]


def undo_hint(change: GalleryChange, options: argparse.Namespace) -> str:
    """Return how to undo a change that was just made, and until when."""
    if change.expires is None:
        return _("This cannot be undone.")
    text = _("To undo it until {day}: {command}")
    return text.format(day=local_day(change.expires), command=_undo_command(change, options))


def _undo_command(change: GalleryChange, options: argparse.Namespace) -> str:
    where = "" if options.gallery is None else f" --gallery {shlex.quote(str(options.gallery))}"
    return f"python -m biometric gallery undo {change.id}{where}"


def _line(change: GalleryChange) -> str:
    until = "" if change.expires is None else local_time(change.expires)
    return f"{change.id}  {local_time(change.when)}  {describe_change(change)} {describe_undoing(change, until)}"


def count_references(references: int) -> str:
    """Return "1 reference" or "2 references"."""
    return counted(references, "reference")


def count_samples(samples: int) -> str:
    """Return "1 sample" or "2 samples"."""
    return counted(samples, "sample")


def local_day(time: str) -> str:
    """Return the day of a stored time in this machine's time zone, such as 2026-03-01."""
    return local_time(time)[:10]


def local_time(time: str) -> str:
    """Return a stored time in this machine's time zone, such as 2026-03-01 09:12."""
    return f"{datetime.fromisoformat(time).astimezone():%Y-%m-%d %H:%M}"
