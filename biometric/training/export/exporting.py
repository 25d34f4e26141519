"""From a run to files that the application uses: written to a temporary folder, compared, then renamed.

ID.safetensors, ID.onnx or ID.pt    the network
ID.xml, ID.bin (and ID.yaml)        its graph, with which OpenVINO reads a .safetensors or .pt without torch
ID.toml                             how crops are prepared, for a file that is in no manifest
ID.md                               the card, for people
manifest-entry.toml                 the card, for models/manifest.toml
"""

import shutil
import tempfile
from pathlib import Path

from biometric.entities.model_cards import NOT_MEASURED, Role
from biometric.errors import InvalidSetting, StorageFull
from biometric.training.export import manifest
from biometric.training.export.export_results import ExportRequest, ExportResult, card_lines
from biometric.training.export.trained_runs import DETECTORS, TrainedRun
from biometric.training.runs import write_file

ENTRY = "manifest-entry.toml"


def export(run: TrainedRun, request: ExportRequest, output: Path) -> ExportResult:
    """Export a run into a folder; files take their names after all were compared with the trained network.

    Raises:
        InvalidSetting: a detector with options of embedders.
        StorageFull: the folder cannot be written.
        OutputsDiffer, ModelError, TrainingError: see `export_embedder`.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=".making-", dir=output))
    except OSError as error:
        raise StorageFull(f"The folder {output} cannot be written: {error.strerror}.") from error
    try:
        result = _export(run, request, scratch)
    except OSError as error:
        raise StorageFull(
            f"{output} cannot be written: {error}. Free some space or choose another --output."
        ) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    texts = {f"{request.id}.md": "\n".join(card_lines(run, result)) + "\n", ENTRY: manifest.entry(result.card)}
    if result.card.role is Role.EMBEDDER:
        texts[f"{request.id}.toml"] = manifest.beside(result.card)
    for name, content in {**result.files, **{name: text.encode() for name, text in texts.items()}}.items():
        write_file(output / name, content)
    return result


def _export(run: TrainedRun, request: ExportRequest, scratch: Path) -> ExportResult:
    if run.kind not in DETECTORS:
        from biometric.training.export.export_embedder import export_embedder

        return export_embedder(run, request, scratch)
    if request.formats or request.verification != NOT_MEASURED or request.identification != NOT_MEASURED:
        raise InvalidSetting("A detector has neither --format nor thresholds for comparison. Leave them out.")
    from biometric.training.export.export_detector import export_detector

    return export_detector(run, request, scratch)


def install(result: ExportResult, output: Path, models: Path, replace: bool = False) -> Path:
    """Copy exported files from `output` into a folder of models and add the card to its manifest; return the manifest.

    Only the card's own file is copied, not those of other formats.

    Raises:
        InvalidSetting, StorageFull: see `manifest.install_card`.
    """
    names = [*(file.name for file in (*result.card.files, *result.card.graph)), f"{result.card.id}.md"]
    try:
        files = {name: (output / name).read_bytes() for name in names}
    except OSError as error:
        raise StorageFull(f"{output} cannot be read: {error.strerror}. Export again.") from error
    return manifest.install_card(result.card, files, models, replace)
