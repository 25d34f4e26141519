"""The service from a terminal. Results go to stdout, messages and progress to stderr.

Exit status: 0 done or match, 1 no match or no decision, 2 wrong usage or input, 70 the program failed or its output
could not be written, 129 hung up, 130 interrupted, 141 the reader of the output closed it, 143 terminated.
"""

import argparse
import shlex
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from biometric import __version__
from biometric.cli import (
    analyze,
    audit,
    calibrate,
    case,
    evaluate,
    evaluate_clip,
    evaluate_detector,
    footage_commands,
    gallery,
    jobs,
    models,
    people,
    recognition_commands,
    redact,
    sightings,
    streams,
    train,
    users,
    verdict,
    watch,
    worker,
)
from biometric.cli.command_support import (
    DONE,
    FAILED,
    INTERRUPTED,
    READER_GONE,
    WRONG,
    Command,
    CommandParser,
    EndedBySignal,
    signals_unwind,
    with_passphrase,
)
from biometric.entities.actors import Actor, Channel, acting_as, system_account
from biometric.errors import (
    AttachRefused,
    BiometricError,
    IdentityExists,
    InvalidInput,
    LooksDifferent,
    ModelLibraryMissing,
    PeopleLookDifferent,
    SeveralPeople,
    ThresholdBelowCard,
)
from biometric.errors.model_errors import INSTALL_TORCH
from biometric.messages import describe_error
from biometric.messages.translation import N_, activate
from biometric.messages.translation import gettext as _
from biometric.settings import Settings

DEBUG = "--debug"

OPTIONAL_LIBRARIES = {"torch", "torchvision", "ultralytics"}
"""What the slim installation leaves out."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status. A failure of the program itself is never a status of an answer."""
    streams.prepare()
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    debug = DEBUG in arguments
    try:
        try:
            return _run(arguments, debug)
        finally:
            streams.finish_output()
    except BrokenPipeError:
        return READER_GONE
    except streams.OutputFailed as error:
        text = _("The output could not be written: {error}. What it says is lost; the status is not an answer.")
        streams.say(text.format(error=error))
        return FAILED
    except Exception as error:  # noqa: BLE001  the last resort: a crash must not read as "no match"
        if debug:
            streams.say(traceback.format_exc())
        streams.say(
            _(
                "Sightline failed, and this is not an answer: {kind}: {error}. This is a fault of the program. Run the "
                "command again with {debug} to see where it happened."
            ).format(kind=type(error).__name__, error=error, debug=DEBUG)
        )
        return FAILED


def _run(arguments: Sequence[str], debug: bool) -> int:
    options = parser().parse_args(arguments)  # leaves by SystemExit after help, the version or wrong usage
    try:
        activate(Settings.language_of_environment())
        _require_current_folder()
        command: Command = options.command
        try:
            with acting_as(Actor(system_account(), Channel.COMMAND)), signals_unwind():
                return command(options)
        except ImportError as error:
            if (error.name or "").partition(".")[0] not in OPTIONAL_LIBRARIES:
                raise
            raise ModelLibraryMissing(
                "This command needs {library}, which is not installed. Install it with: {command}",
                library=error.name,
                command=INSTALL_TORCH,
            ) from error
    except BiometricError as error:
        if debug:
            streams.say(traceback.format_exc())
        streams.say(_sentences(error))
        return WRONG
    except SystemExit as error:  # a library that ends the program must not choose the status
        raise RuntimeError(f"a library ended the program with status {error.code}") from error
    except KeyboardInterrupt as error:
        resumable = hasattr(options, "resume")
        consequence = _("Run the same command with --resume to continue") if resumable else _("Nothing was stored")
        how = _("Ended by a signal") if isinstance(error, EndedBySignal) else _("Interrupted")
        streams.say(f"{how}. {_(getattr(options, 'when_interrupted', consequence))}.")
        return error.status if isinstance(error, EndedBySignal) else INTERRUPTED


def _sentences(error: BiometricError) -> str:
    """Return what is wrong and what to do, with the option that does it."""
    options = ""
    if isinstance(error, SeveralPeople):
        options = _(" Choose with --person N.")
    elif isinstance(error, PeopleLookDifferent):
        options = _(" If they are one person, say so with --join-anyway.")
    elif isinstance(error, LooksDifferent):
        options = _(" Say so with --add --force.")
    elif isinstance(error, IdentityExists):
        alike = error.conflict is None or error.conflict.reaches_threshold
        options = _(" Say so with --add.") if alike else _(" Say so with --add --force.")
        if error.conflict is not None and error.conflict.same_frames and alike:
            text = _(" These very frames are enrolled already; gallery camera {name} {reference} changes their camera.")
            options += text.format(
                name=shlex.quote(error.conflict.identity.name), reference=error.conflict.reference_id
            )
    elif isinstance(error, AttachRefused):
        options = _(" Say so with --attach; with --separate they become people of their own.")
    elif isinstance(error, ThresholdBelowCard):
        options = _(" Say so with --force.")
    return describe_error(error) + options


def _require_current_folder() -> None:
    """Refuse a current folder that was deleted: native libraries end the process there with messages of their own."""
    try:
        Path.cwd()
    except OSError as error:
        raise InvalidInput("The current folder no longer exists. Change to another folder and try again.") from error


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    root = CommandParser(
        prog="sightline" if Path(sys.argv[0]).stem == "sightline" else "python -m biometric",
        description="Enroll, verify and identify people in video and photographs by person re-identification. "
        "Frames are 0-based and inclusive. Settings: SIGHTLINE_… variables, see the README.",
    )
    root.add_argument("--version", action="version", version=f"Sightline {__version__}")
    commands = root.add_subparsers(metavar="COMMAND", required=True)

    recognition_commands.add_commands(commands)
    analyze.add_commands(commands)
    watch.add_commands(commands)
    worker.add_commands(commands)
    jobs.add_commands(commands)
    redact.add_commands(commands)
    verdict.add_commands(commands)
    people.add_commands(commands)
    gallery.add_commands(commands)
    footage_commands.add_commands(commands)
    sightings.add_commands(commands)
    calibrate.add_commands(commands)
    evaluate.add_commands(commands)
    evaluate_detector.add_commands(commands)
    evaluate_clip.add_commands(commands)
    models.add_commands(commands)
    train.add_commands(commands)
    users.add_commands(commands)
    audit.add_commands(commands)
    case.add_commands(commands)

    serve = commands.add_parser("serve", help="serve the web page", description="Serve the web page.")
    serve.add_argument("--host", help="address to serve on (default: 127.0.0.1)")
    serve.add_argument("--port", type=int, help="port to serve on (default: 7860)")
    serve.set_defaults(command=_serve)

    demo = commands.add_parser("demo", help="make short example clips", description="Make short example clips.")
    demo.add_argument("folder", type=Path, nargs="?", default=Path("demo"), help="where to put them (default: demo/)")
    demo.add_argument("--truth", action="store_true", help="also write labels for evaluate-clip beside each clip")
    demo.set_defaults(command=_demo, when_interrupted=N_("Clips that were complete stay"))
    _accept_debug_everywhere(root)
    return root


def _serve(options: argparse.Namespace) -> int:
    from biometric.bootstrap import build, make_demo
    from biometric.ui import serve

    settings = with_passphrase(Settings.from_environment(None, host=options.host, port=options.port))
    serve(build(settings), lambda: make_demo(settings.data / "demo"))
    return DONE


def _demo(options: argparse.Namespace) -> int:
    from biometric.bootstrap import make_demo, write_demo_truth

    clips = make_demo(options.folder)
    if options.truth:
        write_demo_truth(options.folder)
    for clip in clips:
        streams.answer(f"{clip.path}: {clip.title}")
    return DONE


def _accept_debug_everywhere(parser: argparse.ArgumentParser) -> None:
    """Let `--debug` stand before or behind any command."""
    parser.add_argument(
        DEBUG, action="store_true", default=argparse.SUPPRESS, help="print the traceback when something fails"
    )
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in set(action.choices.values()):
                _accept_debug_everywhere(command)
