"""`python -m biometric case new | add | withdraw | show | compare | report | verify | repeat | head`."""

import argparse
import uuid
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from biometric.bootstrap import build
from biometric.cases.case_folder import CaseFolder
from biometric.cases.case_intake import TEXT_LIMIT, NewInput, add_input, withdraw_input
from biometric.cases.environment import SETTINGS, current_environment, current_models
from biometric.cli import case_outcomes, streams
from biometric.cli.basis_options import add_basis_options
from biometric.cli.case_support import case_log, open_case
from biometric.cli.command_support import DONE, Command, show
from biometric.entities.audit import fingerprint
from biometric.entities.cases import CaseInput, CaseManifest, CaseRole
from biometric.entities.enrollment_basis import complete_basis
from biometric.entities.names import clean_text
from biometric.errors import InvalidInput
from biometric.messages.case_sentences import (
    describe_role,
    describe_step,
)
from biometric.messages.translation import N_
from biometric.messages.translation import gettext as _
from biometric.settings import Settings


def add_commands(commands: Any) -> None:
    """Add the `case` commands to a parser's commands."""
    summary = "compare footage as a case: sealed inputs, a signed record, a report that others can repeat"
    case = commands.add_parser("case", help=summary, description=f"{summary.capitalize()}.")
    actions = case.add_subparsers(metavar="ACTION", required=True)
    new = _action(actions, "new", "open a case in a new folder", _new)
    new.add_argument("--number", required=True, metavar="TEXT", help="number or name of the case")
    new.add_argument("--examiner", required=True, metavar="NAME", help="who examines")
    new.add_argument("--note", default="", metavar="TEXT", help="anything else, such as the question to answer")
    add_basis_options(new, "none; it has to be said")
    calibration = new.add_mutually_exclusive_group()
    calibration.add_argument(
        "--calibration", type=Path, metavar="DIR", help="gallery whose calibration is taken (default: gallery/)"
    )
    calibration.add_argument("--no-calibration", action="store_true", help="use the model card's threshold")
    add = _action(actions, "add", "copy footage into the case, read-only", _add)
    add.add_argument("clips", type=Path, nargs="+", metavar="CLIP", help="videos or photographs")
    add.add_argument("--as", dest="role", choices=list(CaseRole), default=CaseRole.QUESTIONED, help="what it shows")
    add.add_argument("--name", default="", metavar="NAME", help="who is known, with --as known")
    add.add_argument("--person", type=int, metavar="N", help="which of several people is the known one")
    add.add_argument("--from", dest="first", type=int, metavar="F", help="first frame (default: 0)")
    add.add_argument("--to", dest="last", type=int, metavar="F", help="last frame, inclusive (default: the last)")
    add.add_argument("--accept-damaged", action="store_true", help="use a clip that cannot be read to its end")
    withdraw = _action(actions, "withdraw", "stop using an input; the report says why", _withdraw)
    withdraw.add_argument("number", type=int, metavar="N", help="number of the input")
    withdraw.add_argument("--reason", required=True, metavar="TEXT", help="why")
    _action(actions, "show", "show inputs and steps", _show)
    compare = _action(actions, "compare", "compare every questioned person with every known one", case_outcomes.compare)
    compare.set_defaults(when_interrupted=N_("Inputs that were complete stay; the same command goes on after them"))
    _action(actions, "report", "write the report as HTML and PDF", case_outcomes.report)
    verify = _action(actions, "verify", "check every file and the signed record", case_outcomes.verify)
    verify.add_argument("heads", type=Path, nargs="*", metavar="HEAD", help="ends of the record kept elsewhere")
    verify.add_argument("--key", default="", metavar="FINGERPRINT", help="of the examiner's key, as they told it")
    repeat = _action(actions, "repeat", "do all of it again and say every difference", case_outcomes.repeat)
    repeat.add_argument("--device", metavar="D", help="auto, cpu, cuda or cuda:N (default: the case's)")
    repeat.add_argument("--output", type=Path, metavar="FILE", help="also write the outcome as JSON")
    repeat.set_defaults(when_interrupted=N_("The case is as before"))
    head = _action(actions, "head", "write the signed end of the record, to be kept elsewhere", case_outcomes.head)
    head.add_argument("file", type=Path, metavar="FILE", help="where to write it")


def _action(actions: Any, name: str, summary: str, command: Command) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = actions.add_parser(name, help=summary, description=f"{summary.capitalize()}.")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="the case's folder")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=command)
    return parser


def _new(options: argparse.Namespace) -> int:
    texts = {name: clean_text(getattr(options, name), TEXT_LIMIT) for name in ("number", "examiner", "note")}
    if not texts["number"] or not texts["examiner"] or texts["note"] is None:
        raise InvalidInput(
            "Number, examiner and note of a case may have at most {limit} characters, none of them control characters; "
            "number and examiner must not be empty.",
            limit=TEXT_LIMIT,
        )
    basis = complete_basis(None, options.basis, options.purpose, options.responsible, options.basis_note)
    settings = Settings.from_environment()
    service = build(settings)
    models = current_models(service.models, settings)
    threshold, calibration = service.models.threshold("verification"), None
    if not options.no_calibration:
        threshold = service.threshold("verification", None, options.calibration, adapted=False)
        calibration = service.calibration(options.calibration)
        if calibration is None and options.calibration is not None:
            raise InvalidInput(
                "The gallery {folder} has no calibration in force for the model in use. Calibrate it first, or say "
                "--no-calibration.",
                folder=options.calibration,
            )
    manifest = CaseManifest(
        case_id=uuid.uuid4().hex,
        number=str(texts["number"]),
        examiner=str(texts["examiner"]),
        note=str(texts["note"]),
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        basis=basis,
        models=models,
        threshold=threshold,
        calibration=None if calibration is None else calibration.without_adaptation(),
        settings={**{name: getattr(settings, name) for name in SETTINGS}, "full_precision": True},
        environment=current_environment(service.models),
        notices=service.models.notices(),
    )
    case = CaseFolder.create(options.folder, manifest, case_log())
    key = fingerprint(case.log.head().public_key)
    lines = [
        _("The case {number} is open in {folder}.").format(number=manifest.number, folder=options.folder),
        _("Key: {fingerprint}").format(fingerprint=key),
    ]
    if threshold.likelihood is None:
        lines.append(_("There will be no likelihood ratios: no calibration supports them."))
    show(options, {"case": manifest.case_id, "number": manifest.number, "key": key}, "\n".join(lines))
    return DONE


def _add(options: argparse.Namespace) -> int:
    case = open_case(options)
    service = build(Settings.from_environment())
    if options.person is not None and len(options.clips) > 1:
        raise InvalidInput("--person is for one clip at a time.")
    added = []
    try:
        for clip in options.clips:
            rest = (options.person, options.first, options.last, options.accept_damaged)
            item = add_input(case, NewInput(clip, CaseRole(options.role), options.name, *rest), service.probe)
            added.append(item)
            if not options.json:
                streams.answer(_input_line(item))
            options.when_interrupted = _("What is listed above was added")
    finally:
        service.close()
        if options.json:
            show(options, {"inputs": [asdict(item) for item in added]}, "")
    return DONE


def _withdraw(options: argparse.Namespace) -> int:
    item = withdraw_input(open_case(options), options.number, options.reason)
    text = _("Input {number} ({label}) is not used any more.").format(number=item.number, label=item.label)
    show(options, {"withdrawn": item.number}, text)
    return DONE


def _show(options: argparse.Namespace) -> int:
    case = open_case(options)
    manifest, inputs = case.manifest, case.inputs()
    lines = [_("Case {number}, examiner {examiner}").format(number=manifest.number, examiner=manifest.examiner)]
    lines += [_input_line(item) for item in inputs]
    lines += [
        f"{record.number}  {record.time}  {record.who}: {describe_step(record.action, record.details)}"
        for record in case.records()
    ]
    steps = [{"number": record.number, "time": record.time, "step": record.action} for record in case.records()]
    result = {"case": manifest.case_id, "number": manifest.number, "examiner": manifest.examiner}
    show(options, {**result, "inputs": [asdict(item) for item in inputs], "steps": steps}, "\n".join(lines))
    return DONE


def _input_line(item: CaseInput) -> str:
    text = _("Input {number}: {label}, {role}, SHA-256 {digest}")
    told = text.format(number=item.number, label=item.label, role=describe_role(item), digest=item.digest)
    return told + (_(" (not used: {reason})").format(reason=item.withdrawn) if item.withdrawn else "")
