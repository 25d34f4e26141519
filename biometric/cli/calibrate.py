"""`python -m biometric calibrate`: thresholds with evidence from the operator's own footage."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from biometric.cli.calibration_lines import history_line, lines, proposal_line, status_lines
from biometric.cli.command_support import DONE, build_service, run, show
from biometric.cli.gallery_trash import undo_hint
from biometric.entities import clean_camera
from biometric.entities.calibration_footage import DEFAULT_FMR, DEFAULT_FPIR, POSSIBLE, TargetRate
from biometric.entities.cohort import check_cohort_days
from biometric.errors import ClipNotFound, InvalidInput
from biometric.messages.adaptation_sentences import adaptation_sentence
from biometric.messages.calibration_sentences import evidence_sentences
from biometric.messages.change_sentences import describe_change
from biometric.messages.translation import gettext as _
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
    instead.add_argument(
        "--delete-cohort",
        action="store_true",
        help="delete all templates of strangers that are kept, for good",
    )
    parser.add_argument(
        "--keep-cohort",
        type=int,
        metavar="DAYS",
        help="allow keeping nameless templates of strangers for so many days, where a camera saw 200 or more and "
        "normalising scores with them helps (default: none is kept)",
    )
    parser.add_argument("--force", action="store_true", help="also use thresholds that are below the model card's")
    parser.add_argument("--gallery", type=Path, metavar="DIR", help="gallery folder (default: gallery/)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=_calibrate)


def _target(text: str) -> TargetRate:
    return POSSIBLE if text == POSSIBLE else float(text)


def _calibrate(options: argparse.Namespace) -> int:
    choosing = options.use is not None or options.model_card
    if (choosing or options.history or options.status or options.delete_cohort) and (
        options.clips or options.keep_cohort is not None
    ):
        raise InvalidInput(
            "Clips and a cohort to keep are for a new calibration. Leave out --clips and --keep-cohort, or --history, "
            "--status, --use, --model-card or --delete-cohort."
        )
    if options.keep_cohort is not None:
        check_cohort_days(options.keep_cohort)  # before clips are read, which takes long
    clips, cameras = expand(options.clips, options.camera)
    service = build_service(options)
    if options.history:
        _history(options, service)
    elif options.status:
        _status(options, service)
    elif options.delete_cohort:
        change = service.calibrations().delete_cohorts()
        show(options, change_json(change), describe_change(change))
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
                keep_cohort=options.keep_cohort,
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
    evidence, proposal = run(calibrations.try_out(summaries, **targets, keep_cohort=options.keep_cohort))
    fpir = DEFAULT_FPIR if options.target_fpir is None else options.target_fpir
    sentences = evidence_sentences(evidence, options.target_fmr, fpir)
    result = trial_json(evidence, proposal, notes, options.target_fmr, fpir)
    words = []  # what is missing stands among the sentences
    if proposal is not None:
        words = [item for item in (proposal_line(proposal), adaptation_sentence(proposal.report)) if item]
    show(options, result, "\n".join([*sentences, *words, *result["notes"]]))


def _status(options: argparse.Namespace, service: Sightline) -> None:
    service.models.resolve_embedder()
    status = service.calibrations().status()
    show(options, calibration_status_json(status), "\n".join(status_lines(status)))


def _history(options: argparse.Namespace, service: Sightline) -> None:
    held = service.calibrations().history()
    text = "\n".join(history_line(item) for item in held)
    text = text or _("This gallery has no calibration yet: the model card decides.")
    show(options, {"calibrations": [stored_calibration_json(item) for item in held]}, text)


def _choose(options: argparse.Namespace, service: Sightline) -> None:
    calibrations = service.calibrations()
    change = calibrations.use_model_card() if options.model_card else calibrations.use(options.use, force=options.force)
    show(options, change_json(change), f"{describe_change(change)} {undo_hint(change, options)}")


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
