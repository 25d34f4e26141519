"""How people are hidden where nothing is said: what was measured last on this computer, in a file of its own."""

import json
from pathlib import Path

from biometric.entities.redaction import SAFE_HIDING, Hiding
from biometric.entities.redaction_measure import RedactionMeasure
from biometric.errors import InvalidInput, StorageFull
from biometric.results.redaction_json import measure_json
from biometric.storage import describe_os_error, write_atomically

FILE_NAME = "redaction.json"


def read_default(folder: Path, model_id: str) -> tuple[Hiding, bool]:
    """Return how people are hidden by default, and whether that was measured with the embedder in use.

    A file that is missing, cannot be read, or is of another embedder gives `SAFE_HIDING`.
    """
    try:
        stored = json.loads((folder / FILE_NAME).read_text("utf-8"))
        safe = stored["weakest_safe"] if stored["model"] == model_id else None
        if safe is not None:
            return Hiding.chosen(safe["method"], safe["strength"]), True
    except (OSError, ValueError, KeyError, TypeError, InvalidInput):
        pass
    return SAFE_HIDING, False


def save_default(folder: Path, measure: RedactionMeasure) -> None:
    """Store a measurement; the weakest setting that was safe is the default from now on, `SAFE_HIDING` without one.

    Raises:
        StorageFull: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_atomically(folder / FILE_NAME, json.dumps(measure_json(measure), indent=2))
    except OSError as error:
        raise StorageFull(
            "The measurement could not be stored in {folder}: {reason}. Choose another place.",
            folder=folder,
            reason=describe_os_error(error),
        ) from error
