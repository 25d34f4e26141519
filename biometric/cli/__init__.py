"""The service from a terminal. Results go to stdout, messages and progress to stderr.

Exit status: 0 done or match, 1 no match or no decision, 2 wrong usage or input, 130 interrupted.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from biometric import __version__
from biometric.cli import calibrate, evaluate, evaluate_detector, gallery, models, recognition, train
from biometric.cli.common import DONE, INTERRUPTED, WRONG, Command
from biometric.errors import BiometricError, SeveralPeople
from biometric.settings import PROJECT, Settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    options = parser().parse_args(arguments)
    try:
        command: Command = options.command
        return command(options)
    except SeveralPeople as error:
        return _complain(f"{error} Choose with --person N.")
    except BiometricError as error:
        return _complain(str(error))
    except KeyboardInterrupt:
        left = "Give the same command with --resume to go on" if hasattr(options, "resume") else "Nothing was stored"
        print(f"Interrupted. {left}.", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return DONE


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    root = argparse.ArgumentParser(
        prog="python -m biometric",
        description="Enroll, verify and identify people in video by person re-identification. "
        "Frames are 0-based and inclusive. Settings: SIGHTLINE_… variables, see the README.",
    )
    root.add_argument("--version", action="version", version=f"Sightline {__version__}")
    commands = root.add_subparsers(metavar="COMMAND", required=True)

    recognition.add_commands(commands)
    gallery.add_commands(commands)
    calibrate.add_commands(commands)
    evaluate.add_commands(commands)
    evaluate_detector.add_commands(commands)
    models.add_commands(commands)
    train.add_commands(commands)

    serve = commands.add_parser("serve", help="serve the web page", description="Serve the web page.")
    serve.add_argument("--host", help="address to serve on (default: 127.0.0.1)")
    serve.add_argument("--port", type=int, help="port to serve on (default: 7860)")
    serve.set_defaults(command=_serve)

    demo = commands.add_parser("demo", help="make short example clips", description="Make short example clips.")
    demo.add_argument("folder", type=Path, nargs="?", default=Path("demo"), help="where to put them (default: demo/)")
    demo.set_defaults(command=_demo)
    return root


def _serve(options: argparse.Namespace) -> int:
    from biometric.bootstrap import build, make_demo
    from biometric.ui import serve

    settings = Settings.from_environment(None, host=options.host, port=options.port)
    serve(build(settings), lambda: make_demo(PROJECT / "demo"))
    return DONE


def _demo(options: argparse.Namespace) -> int:
    from biometric.bootstrap import make_demo

    for clip in make_demo(options.folder):
        print(f"{clip.path}: {clip.title}")
    return DONE


def _complain(message: str) -> int:
    print(message, file=sys.stderr)
    return WRONG
