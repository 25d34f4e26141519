"""`python -m biometric calibrate`: thresholds with evidence from the operator's own footage."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from biometric.cli.command_support import DONE, build_service, run, show
from biometric.entities import Calibration, FittedThreshold
from biometric.errors import ClipNotFound
from biometric.messages import describe, describe_all, describe_basis
from biometric.results.answer_json import calibration_json

DEFAULT_FMR = 0.001


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
        type=float,
        default=DEFAULT_FMR,
        metavar="RATE",
        help="false match rate to keep in verification (default: 0.001)",
    )
    parser.add_argument(
        "--target-fpir",
        type=float,
        metavar="RATE",
        help="false-positive identification rate to keep for the gallery's size (default: 0.01, where data suffice)",
    )
    parser.add_argument(
        "--clips", type=Path, nargs="+", default=[], metavar="DIR", help="folders of clips, or clips; nobody is named"
    )
    parser.add_argument("--gallery", type=Path, metavar="DIR", help="gallery folder (default: gallery/)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=_calibrate)


def _calibrate(options: argparse.Namespace) -> int:
    clips = expand(options.clips)
    service = build_service(options)
    calibration = run(service.calibrate(clips, target_fmr=options.target_fmr, target_fpir=options.target_fpir))
    show(options, calibration_json(calibration), "\n".join(lines(calibration)))
    return DONE


def expand(paths: Sequence[Path]) -> list[Path]:
    """Return clips, and of folders every file directly in them whose name does not start with a dot, by name.

    Raises:
        ClipNotFound: a path is not there, or a folder holds no file.
    """
    paths_found: list[Path] = []
    for path in paths:
        if path.is_dir():
            files = sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))
            if not files:
                raise ClipNotFound(f"There is no clip in the folder {path}. Name a folder that holds clips.")
            paths_found += files
        elif path.exists():
            paths_found.append(path)
        else:
            raise ClipNotFound(f"There is no file or folder {path}. Check its name.")
    return paths_found


def lines(calibration: Calibration) -> list[str]:
    """Return a calibration in lines for people."""
    text_lines = [
        f"Calibrated for {calibration.model_id} from {_sources(calibration)}: {calibration.pairs:,} pairs of "
        f"{calibration.people:,} people, {calibration.clips} {'clip' if calibration.clips == 1 else 'clips'}, "
        f"{calibration.seconds / 60:.1f} minutes.",
        _fitted(calibration, "Verification", "FMR", calibration.verification),
    ]
    if calibration.identification is not None:
        text_lines.append(
            _fitted(calibration, f"Identification among {calibration.gallery_size}", "FPIR", calibration.identification)
        )
    for item in calibration.genuine:
        text_lines.append(
            f"One person with themselves, {item.kind}: {item.missed} of {item.comparisons} scores below the "
            f"verification threshold ({item.people} people, 95 % interval of the rate {item.low:.3f}–{item.high:.3f})."
        )
    if calibration.likelihood is not None and calibration.likelihood.basis is not None:
        text_lines.append(f"Likelihood ratios: {describe(calibration.likelihood.basis)}")
    return [*text_lines, *describe_all(calibration.notes)]


def _fitted(calibration: Calibration, purpose: str, rate: str, fitted: FittedThreshold) -> str:
    trials = f"{fitted.trials:,} {describe_basis(fitted.basis, calibration.gallery_size)}"
    return (
        f"{purpose}: threshold {fitted.value:.3f} (95 % interval {fitted.low:.3f}–{fitted.high:.3f}); {fitted.errors} "
        f"of {trials} reach it, {rate} at most {fitted.upper:.2g}, target {fitted.target:g}."
    )


def _sources(calibration: Calibration) -> str:
    return ", ".join(f"{count:,} comparisons ({source})" for source, count in calibration.sources.items())
