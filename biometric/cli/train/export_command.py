"""`python -m biometric train export`: from a run to files that the app uses."""

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biometric.cli.command_support import DONE, show
from biometric.entities import PURPOSES
from biometric.entities.model_cards import NOT_MEASURED, DefaultThreshold, Format
from biometric.errors import InvalidSetting, StorageFull
from biometric.settings import Settings
from biometric.storage import write_atomically

if TYPE_CHECKING:
    from biometric.training.export.export_results import ExportRequest, ExportResult
    from biometric.training.export.trained_runs import TrainedRun

_FORMATS = {
    "safetensors": (Format.SAFETENSORS,),
    "onnx": (Format.ONNX,),
    "both": (Format.SAFETENSORS, Format.ONNX),
}


def add_command(subcommands: Any) -> None:
    """Add the command to the commands of `train`."""
    parser = subcommands.add_parser(
        "export",
        help="write files that the application uses",
        description="Write a run's network as files that the application uses, with card, description and "
        "checksums. Each file "
        "is compared with the trained network before it gets its name.",
    )
    parser.add_argument("--run", type=Path, required=True, metavar="DIR", help="folder of the run")
    parser.add_argument("--id", required=True, metavar="NAME", help="of the card, and of the files")
    parser.add_argument("--title", metavar="TEXT", help="for people (default: the title of the run's card)")
    parser.add_argument("--licence", metavar="TEXT", help="of the weights (default: AGPL-3.0 for detectors)")
    parser.add_argument(
        "--format",
        choices=tuple(_FORMATS),
        help="of an embedder (default: both; timm: onnx). With both, the card is of the .safetensors",
    )
    parser.add_argument("--half", action="store_true", help="store float16 numbers: half the size (detectors: always)")
    parser.add_argument("--output", type=Path, metavar="DIR", help="where the files go (default: export in the run)")
    for purpose in PURPOSES:
        _add_threshold(parser, purpose)
    parser.add_argument("--install", action="store_true", help="copy into models/ and add the card to its manifest")
    parser.add_argument("--replace", action="store_true", help="with --install: replace a card of the same name")
    parser.add_argument("--starter", action="store_true", help="mark the card as its role's starter")
    parser.add_argument("--models", type=Path, metavar="DIR", help="a folder of models instead of the application's")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=_export)


def _add_threshold(parser: argparse.ArgumentParser, purpose: str) -> None:
    parser.add_argument(
        f"--threshold-{purpose}", type=float, metavar="X", help="default threshold (default: cautious, not measured)"
    )
    parser.add_argument(f"--fmr-{purpose}", type=float, metavar="RATE", help="false match rate measured at it")
    parser.add_argument(f"--evidence-{purpose}", metavar="TEXT", help="data that it was measured on, one sentence")


def _export(options: argparse.Namespace) -> int:
    from biometric.training.export.exporting import export, install
    from biometric.training.export.trained_runs import read_run

    if (options.replace or options.models) and not options.install:
        raise InvalidSetting("--replace and --models go with --install.")
    run = read_run(options.run.expanduser())
    request = _request(options, run)
    output = (options.output or options.run / "export").expanduser()
    result = export(run, request, output)
    lines = [_line(result, name, output) for name in result.files]
    lines += [
        f"Compared with the trained network on {result.pictures}:",
        *(f"  {agreement}" for agreement in result.agreements),
    ]
    lines += result.notes
    manifest = None
    if options.install:
        manifest = install(result, output, _models_folder(options), options.replace)
        lines.append(f"The card {result.card.id} was added to {manifest}. Check it: python -m biometric models check")
    else:
        setting = f"SIGHTLINE_{result.card.role.upper()}"
        lines.append(f"Use it: {setting}={output / result.card.files[0].name} python app.py")
    show(options, _json(result, output, manifest), "\n".join(lines))
    return DONE


def _request(options: argparse.Namespace, run: "TrainedRun") -> "ExportRequest":
    from biometric.training.export.export_results import ExportRequest

    title = run.card[0].removeprefix("#").strip() if run.card else options.id
    licence = "AGPL-3.0" if run.kind == "detector" else "not stated"
    return ExportRequest(
        options.id,
        title if options.title is None else options.title,
        licence if options.licence is None else options.licence,
        () if options.format is None else _FORMATS[options.format],
        options.half,
        verification=_threshold(options, "verification"),
        identification=_threshold(options, "identification"),
        starter=options.starter,
    )


def _models_folder(options: argparse.Namespace) -> Path:
    """The folder that the card goes into; the application's is made, with a copy of the manifest, on first use."""
    if options.models is not None:
        return Path(options.models).expanduser()
    settings = Settings.from_environment()
    folder, shipped = settings.weight_folders[0], settings.manifests[0]
    manifest = folder / shipped.name
    if not manifest.exists():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            write_atomically(manifest, shipped.read_bytes(), 0o644)
        except OSError as error:
            raise StorageFull(f"The folder {folder} cannot be written: {error.strerror}.") from error
    return folder


def _threshold(options: argparse.Namespace, purpose: str) -> DefaultThreshold:
    """The threshold that was given, `NOT_MEASURED` for none. Raises `InvalidSetting`."""

    value, rate, evidence = (getattr(options, f"{name}_{purpose}") for name in ("threshold", "fmr", "evidence"))
    if value is None and rate is None and evidence is None:
        return NOT_MEASURED
    if value is None or not evidence:
        raise InvalidSetting(
            f"Give --threshold-{purpose} together with --evidence-{purpose}, which says how it was measured."
        )
    try:
        return DefaultThreshold(value, evidence, rate)
    except ValueError as error:
        raise InvalidSetting(f"--threshold-{purpose}, --fmr-{purpose}: {error}.") from error


def _line(result: "ExportResult", name: str, output: Path) -> str:
    return f"{output / name}: {len(result.files[name]):,} bytes"


def _json(result: "ExportResult", output: Path, manifest: Path | None) -> dict[str, Any]:
    from biometric.training.export.export_results import describe_file

    files = [describe_file(name, content) for name, content in result.files.items()]
    return {
        "id": result.card.id,
        "output": str(output),
        "files": [{"name": file.name, "size": file.size, "sha256": file.checksum} for file in files],
        "pictures": result.pictures,
        "agreements": [asdict(agreement) for agreement in result.agreements],
        "notes": list(result.notes),
        "manifest": None if manifest is None else str(manifest),
    }
