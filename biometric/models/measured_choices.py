"""What was measured once on this machine for some weights, kept in the cache: which way to run a network is fastest."""

import json
import logging
import os
import platform
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from biometric.models.parallel_inference import usable_cores
from biometric.storage import write_atomically

logger = logging.getLogger(__name__)


class MeasuredChoices:
    """Answers of measurements by their name. A cache that cannot be read or written only costs measuring again.

    Args:
        folder: of the cache, or None to keep nothing.
        weights: digest of the weights.
        library: name and version of what runs them.
    """

    def __init__(self, folder: Path | None, weights: str, library: str) -> None:
        machine = f"{_processor()} {usable_cores()} {library} {os.environ.get('ONEDNN_MAX_CPU_ISA', '')}"
        name = f"{weights[:16]}-{sha256(machine.encode()).hexdigest()[:16]}.json"
        self._file = None if folder is None else folder / "measured" / name
        self._answers = self._read()

    def get(self, question: str, measure: Callable[[], str]) -> str:
        """Return the kept answer, or measure it now and keep it."""
        if question not in self._answers:
            self._answers[question] = measure()
            self._write()
        return self._answers[question]

    def _read(self) -> dict[str, str]:
        if self._file is None:
            return {}
        try:
            content = json.loads(self._file.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        pairs = content.items() if isinstance(content, dict) else ()
        return {key: value for key, value in pairs if isinstance(key, str) and isinstance(value, str)}

    def _write(self) -> None:
        if self._file is None:
            return
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._file, json.dumps(self._answers, indent=1))
        except OSError as error:
            logger.warning("what was measured cannot be kept in %s: %s", self._file, error)


def _processor() -> str:
    """The processor's model and what it can do, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").partition("\n\n")[0].splitlines()
    except OSError:
        return f"{platform.machine()} {platform.processor()}"
    wanted = ("vendor_id", "cpu family", "model\t", "model name", "flags", "Features")
    return " ".join(line for line in lines if line.startswith(wanted))
