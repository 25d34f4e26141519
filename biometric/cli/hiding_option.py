"""`identify --hide-unknown`: beside the answer, the clip with everybody hidden who is not enrolled."""

import argparse

from biometric.cli import streams
from biometric.cli.command_support import run
from biometric.entities import FrameRange
from biometric.entities.redaction import RedactionChoice, WhoIsHidden
from biometric.errors import InvalidInput
from biometric.messages.redaction_sentences import describe_redaction
from biometric.messages.translation import gettext as _
from biometric.service import Sightline
from biometric.storage import free_file


def add_hiding_option(parser: argparse.ArgumentParser) -> None:
    """Add the option of `identify` that also writes the clip with everybody hidden who is not enrolled."""
    parser.add_argument(
        "--hide-unknown", action="store_true", help="also write the clip with everybody hidden who is not enrolled"
    )
    parser.add_argument(
        "--accept-damaged",
        dest="hide_in_damaged",
        action="store_true",
        help="with --hide-unknown: although the clip cannot be read to its end",
    )


def check_hiding_option(options: argparse.Namespace) -> None:
    """Raise `InvalidInput` where the option is given for several clips, or the other one without it."""
    if options.hide_in_damaged and not options.hide_unknown:
        raise InvalidInput(
            "--accept-damaged is for --hide-unknown. Without it, an answer just says that the clip is damaged."
        )
    if options.hide_unknown and (len(options.clips) > 1 or options.clips[0].is_dir()):
        raise InvalidInput("--hide-unknown is for one clip. Leave it out, or name one clip.")


def write_hidden(service: Sightline, options: argparse.Namespace, frames: FrameRange | None) -> None:
    """Write the clip with everybody hidden who is not enrolled, after the answer was printed.

    Raises:
        PeopleRemain: somebody is seen in it who should be hidden.
    """
    streams.finish_output()
    options.when_interrupted = _("The answer stands; the clip with people hidden was not written")
    choice, target = RedactionChoice(WhoIsHidden.UNKNOWN), None
    if options.output is not None:
        ending = "jpg" if service.probe(options.clip).photograph else "mp4"
        target = free_file(options.output / f"{options.clip.stem}-hidden.{ending}")
    work = service.redactor.redact(
        options.clip,
        target,
        choice,
        frames=frames,
        accept_damaged=options.hide_in_damaged,
        camera=options.camera,
        threshold=options.threshold,
    )
    redaction = run(work)
    options.when_interrupted = _("The answer stands, and its files are written")
    if options.json:
        streams.say(describe_redaction(redaction))
    else:
        streams.answer(describe_redaction(redaction))
