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
    made = commands.add_parser(
        "calibrate",
        help="fit thresholds to your own footage and gallery",
        description="Fit thresholds to your own footage and gallery, and use them from then on. "
        "Refused where the data cannot support the target.",
    )
    made.add_argument(
        "--target-fmr",
        type=float,
        default=DEFAULT_FMR,
        metavar="RATE",
        help="false match rate to keep in verification (default: 0.001)",
    )
    made.add_argument(
        "--target-fpir",
        type=float,
        metavar="RATE",
        help="false-positive identification rate to keep for the gallery's size (default: 0.01, where data suffice)",
    )
    made.add_argument(
        "--clips", type=Path, nargs="+", default=[], metavar="DIR", help="folders of clips, or clips; nobody is named"
    )
    made.add_argument("--gallery", type=Path, metavar="DIR", help="gallery folder (default: gallery/)")
    made.add_argument("--json", action="store_true", help="print JSON")
    made.set_defaults(command=_calibrate)


def _calibrate(options: argparse.Namespace) -> int:
    clips = expand(options.clips)
    service = build_service(options)
    made = run(service.calibrate(clips, target_fmr=options.target_fmr, target_fpir=options.target_fpir))
    show(options, calibration_json(made), "\n".join(lines(made)))
    return DONE


def expand(paths: Sequence[Path]) -> list[Path]:
    """Return clips, and of folders every file directly in them whose name does not start with a dot, by name.

    Raises:
        ClipNotFound: a path is not there, or a folder holds no file.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            files = sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))
            if not files:
                raise ClipNotFound(f"There is no clip in the folder {path}. Name a folder that holds clips.")
            found += files
        elif path.exists():
            found.append(path)
        else:
            raise ClipNotFound(f"There is no file or folder {path}. Check its name.")
    return found


def lines(made: Calibration) -> list[str]:
    """Return a calibration in lines for people."""
    found = [
        f"Calibrated for {made.model_id} from {_sources(made)}: {made.pairs:,} pairs of {made.people:,} people, "
        f"{made.clips} {'clip' if made.clips == 1 else 'clips'}, {made.seconds / 60:.1f} minutes.",
        _fitted(made, "Verification", "FMR", made.verification),
    ]
    if made.identification is not None:
        found.append(_fitted(made, f"Identification among {made.gallery_size}", "FPIR", made.identification))
    for item in made.genuine:
        found.append(
            f"One person with themselves, {item.kind}: {item.missed} of {item.comparisons} scores below the "
            f"verification threshold ({item.people} people, 95 % interval of the rate {item.low:.3f}–{item.high:.3f})."
        )
    if made.likelihood is not None and made.likelihood.basis is not None:
        found.append(f"Likelihood ratios: {describe(made.likelihood.basis)}")
    return [*found, *describe_all(made.notes)]


def _fitted(made: Calibration, purpose: str, rate: str, fitted: FittedThreshold) -> str:
    trials = f"{fitted.trials:,} {describe_basis(fitted.basis, made.gallery_size)}"
    return (
        f"{purpose}: threshold {fitted.value:.3f} (95 % interval {fitted.low:.3f}–{fitted.high:.3f}); {fitted.errors} "
        f"of {trials} reach it, {rate} at most {fitted.upper:.2g}, target {fitted.target:g}."
    )


def _sources(made: Calibration) -> str:
    return ", ".join(f"{count:,} comparisons ({source})" for source, count in made.sources.items())
