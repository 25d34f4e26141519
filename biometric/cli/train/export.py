"""`python -m biometric train export`: from a run to files that the app uses."""

import argparse
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biometric.cli.common import DONE, show
from biometric.entities.model_cards import NOT_MEASURED, DefaultThreshold, Format
from biometric.errors import InvalidSetting, StorageFull
from biometric.settings import Settings
from biometric.storage import write_atomically

if TYPE_CHECKING:
    from biometric.training.export.exported import Exported, Wanted
    from biometric.training.export.trained import TrainedRun

_FORMATS = {
    "safetensors": (Format.SAFETENSORS,),
    "onnx": (Format.ONNX,),
    "both": (Format.SAFETENSORS, Format.ONNX),
}
_PURPOSES = ("verification", "identification")


def add_command(subcommands: Any) -> None:
    """Add the command to the commands of `train`."""
    made = subcommands.add_parser(
        "export",
        help="make files that the app uses",
        description="Write a run's network as files that the app uses, with card, description and checksums. Each file "
        "is compared with the trained network before it takes its name.",
    )
    made.add_argument("--run", type=Path, required=True, metavar="DIR", help="folder of the run")
    made.add_argument("--id", required=True, metavar="NAME", help="of the card, and of the files")
    made.add_argument("--title", metavar="TEXT", help="for people (default: the title of the run's card)")
    made.add_argument("--licence", metavar="TEXT", help="of the weights (default: AGPL-3.0 for detectors)")
    made.add_argument(
        "--format",
        choices=tuple(_FORMATS),
        help="of an embedder (default: both; timm: onnx). With both, the card is of the .safetensors",
    )
    made.add_argument("--half", action="store_true", help="store float16 numbers: half the size (detectors: always)")
    made.add_argument("--output", type=Path, metavar="DIR", help="where the files go (default: export in the run)")
    for purpose in _PURPOSES:
        _add_threshold(made, purpose)
    made.add_argument("--install", action="store_true", help="copy into models/ and enter the card into its manifest")
    made.add_argument("--replace", action="store_true", help="with --install: a card of the same name gives way")
    made.add_argument("--starter", action="store_true", help="mark the card as its role's starter")
    made.add_argument("--models", type=Path, metavar="DIR", help="another folder of models than the app's")
    made.add_argument("--json", action="store_true", help="print JSON")
    made.set_defaults(command=_export)


def _add_threshold(made: argparse.ArgumentParser, purpose: str) -> None:
    made.add_argument(
        f"--threshold-{purpose}", type=float, metavar="X", help="default threshold (default: cautious, not measured)"
    )
    made.add_argument(f"--fmr-{purpose}", type=float, metavar="RATE", help="false match rate measured at it")
    made.add_argument(f"--evidence-{purpose}", metavar="TEXT", help="what it was measured on, one sentence")


def _export(options: argparse.Namespace) -> int:
    from biometric.training.export.trained import read_run
    from biometric.training.export.writing import export, install

    if (options.replace or options.models) and not options.install:
        raise InvalidSetting("--replace and --models go with --install.")
    run = read_run(options.run.expanduser())
    wanted = _wanted(options, run)
    output = (options.output or options.run / "export").expanduser()
    made = export(run, wanted, output)
    lines = [_line(made, name, output) for name in made.files]
    lines += [f"Compared with the trained network on {made.pictures}:", *(f"  {each}" for each in made.agreements)]
    lines += made.notes
    manifest = None
    if options.install:
        manifest = install(made, output, _models_folder(options), options.replace)
        lines.append(f"The card {made.card.id} is in {manifest}. Check it: python -m biometric models check")
    else:
        setting = f"SIGHTLINE_{made.card.role.upper()}"
        lines.append(f"Use it: {setting}={output / made.card.files[0].name} python app.py")
    show(options, _json(made, output, manifest), "\n".join(lines))
    return DONE


def _models_folder(options: argparse.Namespace) -> Path:
    """The folder that the card goes into; the app's is made, with a copy of the list of models, on first use."""
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


def _wanted(options: argparse.Namespace, run: "TrainedRun") -> "Wanted":
    from biometric.training.export.exported import Wanted

    title = run.card[0].removeprefix("#").strip() if run.card else options.id
    licence = "AGPL-3.0" if run.kind == "detector" else "not stated"
    return Wanted(
        options.id,
        title if options.title is None else options.title,
        licence if options.licence is None else options.licence,
        () if options.format is None else _FORMATS[options.format],
        options.half,
        verification=_threshold(options, "verification"),
        identification=_threshold(options, "identification"),
        starter=options.starter,
    )


def _threshold(options: argparse.Namespace, purpose: str) -> DefaultThreshold:
    """The threshold that was given, `NOT_MEASURED` for none. Raises `InvalidSetting`."""

    value, rate, evidence = (getattr(options, f"{name}_{purpose}") for name in ("threshold", "fmr", "evidence"))
    if value is None and rate is None and evidence is None:
        return NOT_MEASURED
    if value is None or not evidence:
        raise InvalidSetting(
            f"Give --threshold-{purpose} together with --evidence-{purpose}: what says that it is good?"
        )
    try:
        return DefaultThreshold(value, evidence, rate)
    except ValueError as error:
        raise InvalidSetting(f"--threshold-{purpose}, --fmr-{purpose}: {error}.") from error


def _line(made: "Exported", name: str, output: Path) -> str:
    return f"{output / name}: {len(made.files[name]):,} bytes"


def _json(made: "Exported", output: Path, manifest: Path | None) -> dict[str, Any]:
    from biometric.training.export.exported import described

    files = [described(name, content) for name, content in made.files.items()]
    return {
        "id": made.card.id,
        "output": str(output),
        "files": [{"name": file.name, "size": file.size, "sha256": file.checksum} for file in files],
        "pictures": made.pictures,
        "agreements": [asdict(each) for each in made.agreements],
        "notes": list(made.notes),
        "manifest": None if manifest is None else str(manifest),
    }
