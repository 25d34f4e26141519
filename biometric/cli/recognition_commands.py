"""`python -m biometric enroll | verify | identify`."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from biometric.cli import several_clips, streams
from biometric.cli.basis_options import add_basis_options, given_basis
from biometric.cli.command_support import DONE, NOT_CONFIRMED, Command, build_service, run, show
from biometric.cli.edit_options import add_edit_options, edited
from biometric.cli.gallery_trash import undo_hint
from biometric.cli.hiding_option import add_hiding_option, check_hiding_option, write_hidden
from biometric.cli.score_texts import score_text, threshold_text
from biometric.domain import recognition
from biometric.entities import (
    Decision,
    Enrollment,
    FrameRange,
    Identification,
    ObservedClip,
    ScoreBand,
    Verification,
    clean_camera,
    clean_name,
)
from biometric.errors import InvalidInput
from biometric.messages import (
    decimal,
    decimals_apart,
    describe,
    describe_closeness,
    describe_reason,
    verification_outcome,
)
from biometric.messages.counted import counted
from biometric.messages.detail_sentences import describe_cost, describe_detail
from biometric.messages.life_cycle_sentences import describe_basis_record
from biometric.messages.person_sentences import (
    answered_names,
    describe_links,
    describe_looks,
    describe_perhaps_scores,
    stretch_frames,
)
from biometric.messages.translation import gettext as _
from biometric.messages.verdict_sentences import describe_verdicts
from biometric.results.answer_json import enrollment_json, identification_json, verification_json
from biometric.service import Sightline


def add_commands(commands: Any) -> None:
    """Add the three commands to a parser's commands."""
    enroll = add_clip_command(commands, "enroll", "store a person of a clip under a name", _enroll)
    _camera_option(enroll)
    enroll.add_argument("name", metavar="NAME", help="the person's name; one that exists is refused without --add")
    enroll.add_argument("--person", type=int, metavar="N", help="which person, where several are in range")
    enroll.add_argument("--accept-damaged", action="store_true", help="use a clip that cannot be read to its end")
    enroll.add_argument("--add", action="store_true", help="an existing name gets another reference")
    enroll.add_argument("--force", action="store_true", help="with --add: although it looks like a different person")
    add_basis_options(enroll, "the gallery's, see gallery basis")

    verify = add_clip_command(commands, "verify", "check whether a person of a clip is who they claim to be", _verify)
    _camera_option(verify)
    verify.add_argument("name", metavar="NAME", help="the claimed identity")
    verify.add_argument("--person", type=int, metavar="N", help="which person, where several are in range")
    add_threshold_option(verify)
    _report_option(verify)

    identify = add_clip_command(commands, "identify", "say who the people of a clip, or of several, are", _identify)
    _camera_option(identify)
    identify.add_argument(
        "--folders-are-cameras",
        action="store_true",
        help="clips in a sub-folder of a folder are from the camera of its name, others from that of the folder's name",
    )
    add_threshold_option(identify)
    _report_option(identify)
    add_hiding_option(identify)
    identify.add_argument("--query", type=Path, metavar="DIR", help="folder for the new crops (default: query/)")
    identify.add_argument("--no-files", action="store_true", help="only print the answer; write nothing")
    identify.add_argument(
        "--output",
        type=Path,
        metavar="DIR",
        help="folder for annotated clip or photograph, CSV, JSON and timeline instead",
    )


def add_clip_command(commands: Any, name: str, summary: str, command: Command) -> argparse.ArgumentParser:
    """Add a command about a clip or a range of it and return its parser."""
    parser: argparse.ArgumentParser = commands.add_parser(name, help=summary, description=f"{summary.capitalize()}.")
    if name == "identify":
        parser.add_argument(
            "clips", type=Path, metavar="CLIP", nargs="+", help="videos, photographs, or folders of them"
        )
    else:
        parser.add_argument("clip", type=Path, metavar="CLIP", help="the video or photograph")
    parser.add_argument("--from", dest="first", type=int, metavar="F", help="first frame (default: 0)")
    parser.add_argument("--to", dest="last", type=int, metavar="F", help="last frame, inclusive (default: the last)")
    add_edit_options(parser)
    parser.add_argument("--thorough", action="store_true", default=None, help="look for people in each analysed frame")
    parser.add_argument("--gallery", type=Path, metavar="DIR", help="gallery folder (default: gallery/)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=command)
    return parser


def _camera_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--camera", metavar="NAME", help="which camera the clip is from (default: what the file says)")


def add_threshold_option(parser: argparse.ArgumentParser) -> None:
    """Add the option that sets the threshold."""
    parser.add_argument("--threshold", type=float, metavar="T", help="comparison threshold from -1 to 1")


def _report_option(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--report", type=Path, metavar="FILE", help="also write a report for people: FILE.html or FILE.pdf"
    )


def observe(service: Sightline, options: argparse.Namespace) -> ObservedClip:
    """Find and describe the people in a command's clip and range, joined and split as it says."""
    accept = getattr(options, "accept_damaged", True)
    frames, camera = _wanted_frames(service, options), getattr(options, "camera", None)
    observed = run(service.observe(options.clip, frames, accept_damaged=accept, camera=camera))
    return edited(service, observed, options)


def _wanted_frames(service: Sightline, options: argparse.Namespace) -> FrameRange | None:
    if options.first is None and options.last is None:
        return None
    last = options.last if options.last is not None else service.probe(options.clip).frame_count - 1
    return FrameRange.inclusive(options.first or 0, last)


def _note(observed: ObservedClip) -> None:
    """Say what should be known about an answer, beside it; after an error the error's own message stands alone."""
    for text in filter(None, [*map(describe, observed.warnings), describe_looks(observed.looks)]):
        streams.say(_("Note: {text}").format(text=text))


def _enroll(options: argparse.Namespace) -> int:
    service = build_service(options)
    clean_name(options.name)
    clean_camera(options.camera or "")
    service.models.resolve_embedder()
    service.gallery().check_model(service.models.embedder_id())
    given, consent = given_basis(service.gallery(), options), {"add": options.add, "force": options.force}
    observed = observe(service, options)
    enrollment = service.enroll(observed, options.name, options.person, given=given, **consent)
    options.when_interrupted = _("The person was stored")
    name, template = enrollment.identity.name, enrollment.reference.template
    samples, frames = counted(template.sample_count, "sample"), stretch_frames(enrollment.observation)
    outcome = (
        _("{name} has another reference: {samples} kept from {frames}.")
        if enrollment.added
        else _("{name} is enrolled: {samples} kept from {frames}.")
    )
    lines = [outcome.format(name=name, samples=samples, frames=frames)]
    lines.append(describe_basis_record(enrollment.reference.basis))
    lines += filter(None, [describe_detail(enrollment.detail, enrollment.added), describe_looks(observed.looks)])
    lines += _warnings(enrollment)
    if enrollment.change is not None:
        lines.append(undo_hint(enrollment.change, options))
    show(options, enrollment_json(enrollment, observed), "\n".join(lines))
    return DONE


def _verify(options: argparse.Namespace) -> int:
    service = build_service(options)
    service.threshold("verification", options.threshold)
    clean_camera(options.camera or "")
    service.models.resolve_embedder()
    recognition.require_comparable(service.gallery(), service.models.embedder_id())
    service.gallery().find(options.name)
    if options.report is not None:
        service.check_report(options.clip, options.report)
    observed = observe(service, options)
    verification = service.verify(observed, options.name, options.person, threshold=options.threshold)
    _note(observed)
    show(options, verification_json(verification, observed), _verification_text(verification))
    if options.report is not None:
        _write_report(service, observed, verification, options)
    return DONE if verification.decision is Decision.MATCH else NOT_CONFIRMED


def _identify(options: argparse.Namespace) -> int:
    service = build_service(options)
    service.threshold("identification", options.threshold)
    clean_camera(options.camera or "")
    if options.folders_are_cameras and not any(path.is_dir() for path in options.clips):
        raise InvalidInput("--folders-are-cameras needs a folder. Name one, or leave the option out.")
    service.models.resolve_embedder()
    recognition.require_comparable(service.gallery(), service.models.embedder_id())
    check_hiding_option(options)
    if several_clips.are_several(options.clips):
        return several_clips.identify_several(service, options, _answer_text)
    (options.clip,) = options.clips
    if options.report is not None:
        service.check_report(options.clip, options.report)
    if not options.no_files:
        service.check_outputs(options.clip, _wanted_frames(service, options), options.output)
    observed = observe(service, options)
    identifications = service.identify(observed, threshold=options.threshold)
    _note(observed)
    if not options.json:
        streams.answer(_identifications_text(identifications))
        streams.finish_output()
    files: dict[str, str | None] | None = None
    try:
        if not options.no_files:
            options.when_interrupted = _("The answer stands; its files were not written")
            files = run(service.write_outputs(observed, identifications, options.output)).as_dict()
            options.when_interrupted = _("The answer stands, and its files are written")
    finally:
        # The answer is worth having also where its files are not: then the JSON names none.
        if options.json:
            show(options, identification_json(identifications, files, observed), "")
    if files is not None and not options.json:
        streams.answer("\n".join(f"{kind}: {path}" for kind, path in files.items() if path is not None))
    if options.report is not None:
        _write_report(service, observed, identifications, options)
    if options.hide_unknown:
        write_hidden(service, options, _wanted_frames(service, options))
    return DONE


def _answer_text(observed: ObservedClip, identifications: Sequence[Identification]) -> str:
    _note(observed)
    return _identifications_text(identifications)


def _write_report(
    service: Sightline,
    observed: ObservedClip,
    answer: Verification | Sequence[Identification],
    options: argparse.Namespace,
) -> None:
    """Write the report after the answer was printed, which is worth having also where the report is not."""
    streams.finish_output()
    options.when_interrupted = _("The answer stands; its report was not written")
    service.write_report(observed, answer, options.report)
    options.when_interrupted = _("The answer stands, and its report is written")
    if not options.json:
        streams.answer(f"report: {options.report}")


def _verification_text(verification: Verification) -> str:
    text = f"{verification_outcome(verification)[1]}."
    other = verification.best_other
    decimals = decimals_apart(verification.score, verification.threshold.value, None if other is None else other.score)
    score = score_text(verification.score, verification.threshold, decimals)
    told = _(" Score {score}, {threshold}.")
    text += told.format(score=score, threshold=threshold_text(verification.threshold, decimals))
    text += f" {describe_reason(verification)}"
    if other is not None:
        told = _(" Next best in the gallery: {name}, {score}.")
        text += told.format(name=other.identity.name, score=decimal(other.score, decimals))
    return "\n".join([text, *_notes(verification, {})])


def _identifications_text(identifications: Sequence[Identification]) -> str:
    names = answered_names(identifications)
    return "\n".join(_identification_text(item, names) for item in identifications)


def _identification_text(item: Identification, names: Mapping[int, str]) -> str:
    undecided = _("no decision") if item.decision is Decision.NO_DECISION else _("unknown")
    if item.decision is Decision.UNKNOWN and item.band is ScoreBand.UNSURE:
        closeness = describe_closeness(item.candidates[0].score, item.threshold)
        undecided = _("unsure, {closeness} to a match").format(closeness=closeness)
    name = undecided if item.identity is None else item.identity.name
    person = _("Person {person}").format(person=item.observation.person)
    text = f"{person}, {stretch_frames(item.observation)}: {name}"
    if item.score is None:
        return "\n".join([f"{text}. {describe_reason(item)}", *_notes(item, names)])
    best = "" if item.identity is not None else _(" (closest: {name})").format(name=item.candidates[0].identity.name)
    margin = "" if item.margin is None else _(", {margin:.2f} ahead of the next").format(margin=item.margin)
    decimals = decimals_apart(item.score, item.threshold.value)
    score, threshold = score_text(item.score, item.threshold, decimals), threshold_text(item.threshold, decimals)
    text = f"{text}{best}." + _(" Score {score}, {threshold}.").format(score=score, threshold=threshold + margin)
    if item.decision is Decision.NO_DECISION:
        text += f" {describe_reason(item)}"
    return "\n".join([text, *_notes(item, names)])


def _notes(answer: Verification | Identification, names: Mapping[int, str]) -> list[str]:
    """Return what else has to be known: the person's tracks, warnings, and what was said of the person before."""
    said = describe_verdicts(answer.verdicts)
    tracks = [describe_links(answer.observation), describe_perhaps_scores(answer.observation, names)]
    seen = [describe_detail(answer.detail, answer.score is not None), describe_cost(answer.detail)]
    return [*filter(None, tracks + seen), *_warnings(answer), *said]


def _warnings(answer: Verification | Identification | Enrollment) -> list[str]:
    return [_("Warning: {text}").format(text=describe(warning)) for warning in answer.warnings]
