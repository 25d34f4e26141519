"""From a run to files that the app uses: written aside, compared with what was trained, then given their names.

ID.safetensors, ID.onnx or ID.pt    the network
ID.toml                             how crops are prepared, for a file that no manifest lists
ID.md                               the card, for people
manifest-entry.toml                 the card, for models/manifest.toml
"""

import shutil
import tempfile
from pathlib import Path

from biometric.errors import InvalidSetting, StorageFull
from biometric.models.cards import NOT_MEASURED, Role
from biometric.training.export import manifest
from biometric.training.export.card import lines
from biometric.training.export.exported import Exported, Wanted
from biometric.training.export.trained import DETECTORS, TrainedRun
from biometric.training.runs import write_whole

ENTRY = "manifest-entry.toml"


def export(run: TrainedRun, wanted: Wanted, output: Path) -> Exported:
    """Export a run into a folder; each file takes its name when all have been compared with what was trained.

    Raises:
        InvalidSetting: a detector with what only embedders have.
        StorageFull: the folder cannot be written.
        OutputsDiffer, ModelError, TrainingError: see `export_embedder`.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".making-", dir=output))
    except OSError as error:
        raise StorageFull(f"The folder {output} cannot be written: {error.strerror}.") from error
    try:
        made = _exported(run, wanted, scratch)
    except OSError as error:
        raise StorageFull(f"{output} cannot be written: {error}. Make room or choose another --output.") from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    texts = {f"{wanted.id}.md": "\n".join(lines(run, made)) + "\n", ENTRY: manifest.entry(made.card)}
    if made.card.role is Role.EMBEDDER:
        texts[f"{wanted.id}.toml"] = manifest.beside(made.card)
    for name, content in {**made.files, **{name: text.encode() for name, text in texts.items()}}.items():
        write_whole(output / name, content)
    return made


def _exported(run: TrainedRun, wanted: Wanted, scratch: Path) -> Exported:
    if run.kind not in DETECTORS:
        from biometric.training.export.embedder import export_embedder

        return export_embedder(run, wanted, scratch)
    if wanted.formats or wanted.verification != NOT_MEASURED or wanted.identification != NOT_MEASURED:
        raise InvalidSetting("A detector has no --format and no thresholds of comparison. Leave them out.")
    from biometric.training.export.detector import export_detector

    return export_detector(run, wanted, scratch)


def install(made: Exported, output: Path, models: Path, replace: bool = False) -> Path:
    """Put what was exported to `output` into a folder of models, its card into the manifest there; return that.

    Of several files the card's own is copied: another format is another file to check and to trust.

    Raises:
        InvalidSetting, StorageFull: see `manifest.install`.
    """
    names = [*(file.name for file in made.card.files), f"{made.card.id}.md"]
    try:
        files = {name: (output / name).read_bytes() for name in names}
    except OSError as error:
        raise StorageFull(f"{output} cannot be read: {error.strerror}. Export again.") from error
    return manifest.install(made.card, files, models, replace)
