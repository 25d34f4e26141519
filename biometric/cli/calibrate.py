"""`python -m biometric calibrate`: thresholds with evidence from the operator's own footage."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from biometric.cli.command_support import DONE, build_service, run, show
from biometric.cli.gallery_trash import local_time, undo_hint
from biometric.domain.verdict_counts import strangers_needed
from biometric.entities import Calibration, FittedThreshold, GenuineScores, clean_camera
from biometric.entities.calibration_footage import DEFAULT_FMR, DEFAULT_FPIR, POSSIBLE, StoredCalibration, TargetRate
from biometric.entities.verdict_evidence import CalibrationStatus
from biometric.errors import ClipNotFound, InvalidInput
from biometric.messages import describe, describe_all, describe_basis, describe_origin
from biometric.messages.calibration_sentences import (
    GENUINE_KINDS,
    adaptation_sentence,
    evidence_sentences,
    one_in,
    sources_words,
)
from biometric.messages.change_sentences import describe_change
from biometric.messages.counted import counted
from biometric.messages.translation import gettext as _
from biometric.messages.verdict_sentences import describe_below, describe_confirmed, describe_wrong
from biometric.results.answer_json import calibration_json, change_json
from biometric.results.calibration_json import calibration_status_json, stored_calibration_json, trial_json
from biometric.service import Sightline


def add_commands(commands: Any) -> None:
    """Add the command to a parser's commands."""
    parser = commands.add_parser(
        "calibrate",
        help="fit thresholds to your own footage and gallery",
        description="Fit thresholds to your own footage and gallery, and use them from then on. "
        "Refused where the data cannot support the target.",
    )
    parser.add_argument(
        "--target-fmr",
        type=_target,
        default=DEFAULT_FMR,
        metavar="RATE",
        help="false match rate to keep in verification, or: possible (the smallest that the footage supports) "
        "(default: 0.001)",
    )
    parser.add_argument(
        "--target-fpir",
        type=_target,
        metavar="RATE",
        help="false-positive identification rate to keep for the gallery's size, or: possible (default: 0.01, where "
        "data suffice)",
    )
    parser.add_argument(
        "--clips",
        type=Path,
        nargs="+",
        default=[],
        metavar="DIR",
        help="folders of clips, or clips; nobody is named. A folder inside one is a camera of that name",
    )
    parser.add_argument(
        "--camera", metavar="NAME", help="camera of the clips that are in no such folder (default: what the file says)"
    )
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--dry-run", action="store_true", help="say what the footage supports, and change nothing")
    instead.add_argument("--history", action="store_true", help="show all calibrations of the gallery, newest first")
    instead.add_argument("--use", type=int, metavar="N", help="put calibration N of the history in force again")
    instead.add_argument("--model-card", action="store_true", help="go back to the model card's thresholds")
    instead.add_argument(
        "--status", action="store_true", help="say what is in force, and what verdicts on answers say about it"
    )
    parser.add_argument("--force", action="store_true", help="also use thresholds that are below the model card's")
    parser.add_argument("--gallery", type=Path, metavar="DIR", help="gallery folder (default: gallery/)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=_calibrate)


def _target(text: str) -> TargetRate:
    return POSSIBLE if text == POSSIBLE else float(text)


def _calibrate(options: argparse.Namespace) -> int:
    choosing = options.use is not None or options.model_card
    if (choosing or options.history or options.status) and options.clips:
        raise InvalidInput(
            "Clips are for a new calibration. Leave out --clips, --history, --status, --use or --model-card."
        )
    clips, cameras = expand(options.clips, options.camera)
    service = build_service(options)
    if options.history:
        _history(options, service)
    elif options.status:
        _status(options, service)
    elif choosing:
        _choose(options, service)
    elif options.dry_run:
        _dry_run(options, service, clips, cameras)
    else:
        calibration = run(
            service.calibrate(
                clips,
                target_fmr=options.target_fmr,
                target_fpir=options.target_fpir,
                force=options.force,
                cameras=cameras,
            )
        )
        show(options, calibration_json(calibration), "\n".join(lines(calibration)))
    return DONE


def _dry_run(
    options: argparse.Namespace, service: Sightline, clips: Sequence[Path], cameras: Mapping[Path, str]
) -> None:
    calibrations = service.calibrations()
    summaries, notes = run(calibrations.read_clips(clips, cameras))
    targets = {"target_fmr": options.target_fmr, "target_fpir": options.target_fpir}
    evidence, proposal = run(calibrations.try_out(summaries, **targets))
    fpir = DEFAULT_FPIR if options.target_fpir is None else options.target_fpir
    sentences = evidence_sentences(evidence, options.target_fmr, fpir)
    result = trial_json(evidence, proposal, notes, options.target_fmr, fpir)
    words = []  # what is missing stands among the sentences
    if proposal is not None:
        words = [item for item in (_would_use(proposal), adaptation_sentence(proposal.report)) if item]
    show(options, result, "\n".join([*sentences, *words, *result["notes"]]))


def _status(options: argparse.Namespace, service: Sightline) -> None:
    service.models.resolve_embedder()
    status = service.calibrations().status()
    show(options, calibration_status_json(status), "\n".join(_status_lines(status)))


def _history(options: argparse.Namespace, service: Sightline) -> None:
    held = service.calibrations().history()
    text = "\n".join(_line(item) for item in held)
    text = text or _("This gallery has no calibration yet: the model card decides.")
    show(options, {"calibrations": [stored_calibration_json(item) for item in held]}, text)


def _choose(options: argparse.Namespace, service: Sightline) -> None:
    calibrations = service.calibrations()
    change = calibrations.use_model_card() if options.model_card else calibrations.use(options.use, force=options.force)
    show(options, change_json(change), f"{describe_change(change)} {undo_hint(change, options)}")


def _line(item: StoredCalibration) -> str:
    words = {"number": item.number, "when": local_time(item.created_at), "mark": _("not in force")}
    if item.since is not None:
        words["mark"] = _("in force since {when}").format(when=local_time(item.since))
    if item.calibration is None:
        return _("{number}  {when}  cannot be read any more, {mark}").format(**words)
    return _("{number}  {when}  {rates}, {people}, {clips}, model {model}, {mark}").format(
        rates=", ".join(_rates(item.calibration)),
        people=counted(item.calibration.people, "person"),
        clips=counted(item.calibration.clips, "clip"),
        model=item.model_id,
        **words,
    )


def _rates(calibration: Calibration) -> list[str]:
    verification, identification = calibration.verification, calibration.identification
    parts = [
        _("verification {threshold:.3f} ({rate})").format(
            threshold=verification.value, rate=one_in(verification.target)
        )
    ]
    if identification is not None:
        text = _("identification {threshold:.3f} ({rate})")
        parts.append(text.format(threshold=identification.value, rate=one_in(identification.target)))
    return parts


def expand(paths: Sequence[Path], camera: str | None = None) -> tuple[list[Path], dict[Path, str]]:
    """Return clips, and the cameras of those of which one is known.

    Of folders these are the files directly in them, by name, then those of the folders in them, each of which is named
    after a camera. What starts with a dot is left out.

    Args:
        camera: that of clips which are in no such folder; None: what the file says.

    Raises:
        ClipNotFound: a path is not there, or a folder holds no file.
        InvalidCamera: the name of a camera cannot be used.
    """
    clips: list[Path] = []
    cameras: dict[Path, str] = {}
    for path in paths:
        if not path.exists():
            raise ClipNotFound("There is no file or folder {path}. Check its name.", path=path)
        own = _files(path) if path.is_dir() else [path]
        folders = sorted(item for item in _visible(path) if item.is_dir()) if path.is_dir() else []
        by_folder = {folder: _files(folder) for folder in folders}
        if not own and not any(by_folder.values()):
            raise ClipNotFound("There is no clip in the folder {path}. Name a folder that holds clips.", path=path)
        if camera is not None:
            cameras |= dict.fromkeys(own, clean_camera(camera))
        for folder, files in by_folder.items():
            cameras |= dict.fromkeys(files, clean_camera(folder.name))
        clips += [*own, *(file for files in by_folder.values() for file in files)]
    return clips, cameras


def _files(folder: Path) -> list[Path]:
    return sorted(file for file in _visible(folder) if file.is_file())


def _visible(folder: Path) -> list[Path]:
    return [item for item in folder.iterdir() if not item.name.startswith(".")]


def _status_lines(status: CalibrationStatus) -> list[str]:
    if status.stored is None:
        text_lines = [_("In force: the model card's thresholds.")]
    else:
        text = _("In force: calibration {number} of {when}.")
        text_lines = [text.format(number=status.stored.number, when=local_time(status.stored.created_at))]
    for purpose, threshold, evidence in (
        (_("Verification"), status.verification, status.verification_verdicts),
        (_("Identification"), status.identification, status.identification_verdicts),
    ):
        text = _("{purpose}: threshold {threshold:.3f} ({origin}).")
        text_lines.append(text.format(purpose=purpose, threshold=threshold.value, origin=describe_origin(threshold)))
        told = (
            describe_wrong(evidence, strangers_needed(evidence.counts)),
            describe_confirmed(evidence),
            describe_below(evidence),
        )
        text_lines += [f"  {sentence}" for sentence in told if sentence]
    return text_lines


def _would_use(calibration: Calibration) -> str:
    return _("It would use: {rates}.").format(rates=", ".join(_rates(calibration)))


def lines(calibration: Calibration) -> list[str]:
    """Return a calibration in lines for people."""
    text = _("Calibrated for {model} from {sources}: {pairs} of {people}, {clips}, {minutes:.1f} minutes.")
    text_lines = [
        text.format(
            model=calibration.model_id,
            sources=sources_words(calibration.sources),
            pairs=counted(calibration.pairs, "pair"),
            people=counted(calibration.people, "person"),
            clips=counted(calibration.clips, "clip"),
            minutes=calibration.seconds / 60,
        ),
        _fitted(calibration, _("Verification"), "FMR", calibration.verification),
    ]
    if calibration.identification is not None:
        purpose = _("Identification among {n:,}").format(n=calibration.gallery_size)
        text_lines.append(_fitted(calibration, purpose, "FPIR", calibration.identification))
    text_lines += [sentence for sentence in [adaptation_sentence(calibration.report)] if sentence]
    text_lines += [_genuine(item) for item in calibration.genuine]
    if calibration.likelihood is not None and calibration.likelihood.basis is not None:
        text_lines.append(_("Likelihood ratios: {basis}").format(basis=describe(calibration.likelihood.basis)))
    return [*text_lines, *describe_all(calibration.notes)]


def _fitted(calibration: Calibration, purpose: str, rate: str, fitted: FittedThreshold) -> str:
    text = _(
        "{purpose}: threshold {threshold:.3f} (95 % interval {low:.3f}–{high:.3f}); {errors:,} of {trials:,} {basis} "
        "reach it, {rate} at most {upper:.2g}, target {target:g}."
    )
    return text.format(
        purpose=purpose,
        threshold=fitted.value,
        low=fitted.low,
        high=fitted.high,
        errors=fitted.errors,
        trials=fitted.trials,
        basis=describe_basis(fitted.basis, calibration.gallery_size),
        rate=rate,
        upper=fitted.upper,
        target=fitted.target,
    )


def _genuine(item: GenuineScores) -> str:
    text = _(
        "One person with themselves, {kind}: {missed:,} of {comparisons:,} scores below the verification threshold "
        "({people}, 95 % interval of the rate {low:.3f}–{high:.3f})."
    )
    told = text.format(
        kind=_(GENUINE_KINDS.get(item.kind, item.kind)),
        missed=item.missed,
        comparisons=item.comparisons,
        people=counted(item.people, "person"),
        low=item.low,
        high=item.high,
    )
    return told if item.lowest is None else f"{told} {_('Lowest score: {score:.3f}.').format(score=item.lowest)}"
