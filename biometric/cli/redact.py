"""`python -m biometric redact …`: write a clip in which people are hidden."""

import argparse
from pathlib import Path
from typing import Any

from biometric.cli import command_support, streams
from biometric.cli.command_support import DONE, NOT_CONFIRMED, run, show
from biometric.cli.recognition_commands import add_threshold_option
from biometric.entities import FrameRange
from biometric.entities.redaction import (
    DEFAULT_MARGIN,
    STRENGTHS,
    Hiding,
    HidingMethod,
    Redaction,
    RedactionChoice,
    RedactionOptions,
)
from biometric.errors import InvalidInput
from biometric.messages import describe_all
from biometric.messages.redaction_sentences import describe_redaction, measure_table
from biometric.messages.translation import gettext as _
from biometric.results.redaction_chart import write_redaction_chart
from biometric.results.redaction_json import measure_json, redaction_json
from biometric.service import Sightline


def add_commands(commands: Any) -> None:
    """Add the command to a parser's commands."""
    summary = "write a clip in which people are hidden"
    parser: argparse.ArgumentParser = commands.add_parser(
        "redact",
        help=summary,
        description=f"{summary.capitalize()}: everybody, or whom the options say. Whoever is not surely to be shown is "
        "hidden. The result is looked at again; where somebody is seen who should be hidden, it is not kept.",
    )
    parser.add_argument("clip", type=Path, metavar="CLIP", help="the video or photograph")
    who = parser.add_mutually_exclusive_group()
    who.add_argument("--keep", nargs="+", metavar="NAME", help="hide everybody but these people")
    who.add_argument("--hide", nargs="+", metavar="NAME", help="hide only these people, and who may be one of them")
    who.add_argument("--hide-unknown", action="store_true", help="hide everybody who is not enrolled")
    parser.add_argument(
        "--method", choices=list(HidingMethod), help="how to hide (default: what was measured, else box)"
    )
    parser.add_argument("--strength", type=int, metavar="N", help=f"of the method: {_strengths()} (default: the last)")
    parser.add_argument(
        "--margin",
        type=float,
        default=DEFAULT_MARGIN,
        metavar="M",
        help="what is hidden around people, as a share of their height (default: %(default)s)",
    )
    parser.add_argument("--sound", choices=["drop", "keep"], default="drop", help="the clip's sound (default: drop)")
    parser.add_argument("--from", dest="first", type=int, metavar="F", help="first frame (default: 0)")
    parser.add_argument("--to", dest="last", type=int, metavar="F", help="last frame, inclusive (default: the last)")
    parser.add_argument(
        "--measure",
        action="store_true",
        help="write no clip, but measure what each method and strength leaves, as a table and a chart (PNG)",
    )
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="file to write (default: in the clip's query folder)"
    )
    parser.add_argument("--query", type=Path, metavar="DIR", help="folder of results (default: query/)")
    parser.add_argument(
        "--allow-remaining", action="store_true", help="keep the result although somebody is still seen in it"
    )
    parser.add_argument("--accept-damaged", action="store_true", help="use a clip that cannot be read to its end")
    parser.add_argument("--camera", metavar="NAME", help="which camera the clip is from (default: what the file says)")
    add_threshold_option(parser)
    parser.add_argument("--gallery", type=Path, metavar="DIR", help="gallery folder (default: gallery/)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=_redact)


def _strengths() -> str:
    texts = [f"{method} {', '.join(map(str, possible))}" for method, possible in STRENGTHS.items() if possible]
    return "; ".join(texts)


def _redact(options: argparse.Namespace) -> int:
    choice = RedactionChoice.chosen(options.keep or (), options.hide or (), options.hide_unknown)
    if options.measure:
        _require_alone(options)
    how = _options(options)
    service = command_support.build_service(options)
    if options.measure:
        return _measure(service, options, how.margin)
    if choice.needs_gallery:
        service.threshold("identification", options.threshold)
    redaction = _written(service, options, choice, how)
    for text in describe_all(redaction.warnings):
        streams.say(_("Note: {text}").format(text=text))
    show(options, redaction_json(redaction), describe_redaction(redaction))
    return NOT_CONFIRMED if redaction.remaining else DONE


def _require_alone(options: argparse.Namespace) -> None:
    """Raise `InvalidInput` where something was said that a measurement takes no notice of."""
    said = {
        "--keep": options.keep,
        "--hide": options.hide,
        "--hide-unknown": options.hide_unknown,
        "--method": options.method,
        "--strength": options.strength,
        "--sound": options.sound == "keep",
        "--allow-remaining": options.allow_remaining,
        "--camera": options.camera is not None,
        "--threshold": options.threshold is not None,
    }
    ignored = ", ".join(option for option, value in said.items() if value)
    if ignored:
        raise InvalidInput(
            "--measure hides everybody in every way and compares, so {options} cannot be said with it. Leave out "
            "the one or the other.",
            options=ignored,
        )


def _measure(service: Sightline, options: argparse.Namespace, margin: float) -> int:
    if options.output is not None and options.output.suffix.lower() != ".png":
        raise InvalidInput("The chart is written as .png. Choose a name with that ending.")
    work = service.redactor.measure(
        options.clip, _frames(service, options), margin=margin, accept_damaged=options.accept_damaged
    )
    measure = run(work)
    chart = options.output or service.redactor.chart_file(options.clip)
    write_redaction_chart(measure, chart)
    text = "\n".join([measure_table(measure), _("chart: {path}").format(path=chart)])
    show(options, {**measure_json(measure), "chart": str(chart)}, text)
    return DONE


def _frames(service: Sightline, options: argparse.Namespace) -> FrameRange | None:
    if options.first is None and options.last is None:
        return None
    last = options.last if options.last is not None else service.probe(options.clip).frame_count - 1
    return FrameRange.inclusive(options.first or 0, last)


def _written(
    service: Sightline, options: argparse.Namespace, choice: RedactionChoice, how: RedactionOptions
) -> Redaction:
    work = service.redactor.redact(
        options.clip,
        options.output,
        choice,
        how,
        _frames(service, options),
        accept_damaged=options.accept_damaged,
        camera=options.camera,
        threshold=options.threshold,
    )
    return run(work)


def _options(options: argparse.Namespace) -> RedactionOptions:
    if options.method is None and options.strength is not None:
        raise InvalidInput("A strength is one of a method. Say which: add --method blur or --method pixels.")
    hiding = None if options.method is None else Hiding.chosen(options.method, options.strength)
    return RedactionOptions(hiding, options.margin, options.sound == "keep", options.allow_remaining)
