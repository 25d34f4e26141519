"""The folder of a training run: its settings, its progress, its checkpoint and its results.

config.json       command, seed, settings, versions of everything that computes
metrics.csv       one row an epoch; metrics.json holds the same
curves.png        the same as pictures
checkpoint.pt     the state from which an interrupted run continues
best.pt           the weights that were best on held-back data, where the training keeps them
result.json       the results, once the run has ended
card.md           the same for people
"""

import csv
import io
import json
import math
import platform
import shlex
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from biometric.errors import RunConflict, StorageFull
from biometric.models.cards import canonical_architecture
from biometric.storage import describe_os_error, file_lock, write_atomically

Row = Mapping[str, float]

_LIBRARIES = (
    "torch",
    "torchvision",
    "ultralytics",
    "lightly",
    "pytorch-metric-learning",
    "timm",
    "lmdb",
    "openvino",
    "opencv-python",
    "numpy",
)
_FREE_TO_CHANGE = {"crops_on", "device", "threads", "workers"}
"""Settings that a resumed run may change: they say where it computes, not what."""

_ARCHITECTURE_SETTINGS = {"architecture", "student"}

BEST_WEIGHTS = "best.pt"

_CURVES_DPI = 100
_CURVE_COLUMNS = 3


class RunFolder:
    """A run of `kind` in `folder`, held by this process alone until `close` or the end of the process.

    Args:
        folder: made if absent.
        kind: "distill", "finetune", …
        settings: everything that decides the outcome, as JSON values; "seed" among them.
        resume: continue the run in the folder; where there is none, start one.
        quiet: neither lock nor write (all but the first process of a distributed run).

    Raises:
        RunConflict: a run is there and `resume` is not given, or it was started with other settings, or is in use.
        StorageFull: the folder cannot be written.
    """

    def __init__(
        self, folder: Path, kind: str, settings: Mapping[str, Any], resume: bool = False, quiet: bool = False
    ) -> None:
        self.folder, self.kind, self.quiet = folder, kind, quiet
        self.rows: list[dict[str, float]] = []
        if quiet:
            return
        self._lock = ExitStack()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock.enter_context(file_lock(folder / ".lock", timeout=0))
        except TimeoutError as error:
            raise RunConflict(
                f"Another process is training in {folder}. Wait until it ends, or choose another --run."
            ) from error
        except OSError as error:
            raise StorageFull(f"The folder {folder} cannot be written: {describe_os_error(error)}.") from error
        try:
            self._begin(json.loads(json.dumps(dict(settings))), resume)
        except BaseException:
            self._lock.close()
            raise

    def _begin(self, settings: dict[str, Any], resume: bool) -> None:
        file = self.folder / "config.json"
        if not file.is_file():
            self.config = {"kind": self.kind, "settings": settings, **asdict(run_metadata())}
            self.write("config.json", _json(self.config))
            return
        if not resume:
            raise RunConflict(f"{self.folder} already holds a run. Continue it with --resume, or choose another --run.")
        try:
            config = json.loads(file.read_text("utf-8"))
            before, kind = dict(config["settings"]), config["kind"]
            self.config = config
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunConflict(f"{file} cannot be read. Choose another --run.") from error
        changed = sorted(
            name
            for name in before.keys() | settings.keys()
            if not _same_setting(name, before.get(name), settings.get(name)) and name not in _FREE_TO_CHANGE
        )
        if kind != self.kind or changed:
            what = f"with other settings ({', '.join(changed)})" if kind == self.kind else f"as another kind ({kind})"
            raise RunConflict(
                f"The run in {self.folder} was started {what}. Repeat its settings, or choose another --run."
            )
        self.rows = _rows(self.folder / "metrics.json")

    @property
    def checkpoint(self) -> Path:
        """Path of the state from which the run continues."""
        return self.folder / "checkpoint.pt"

    @property
    def best(self) -> Path:
        """Path of the best weights so far; only some trainings keep them."""
        return self.folder / BEST_WEIGHTS

    def forget_after(self, epoch: int) -> None:
        """Drop rows of epochs that the checkpoint does not know: they will be run again."""
        self.rows = [row for row in self.rows if row["epoch"] <= epoch]

    def record(self, row: Row) -> None:
        """Add an epoch's row ("epoch" and quantities; not-a-number and infinity become null in the JSON)."""
        self.rows.append({name: float(value) for name, value in row.items()})
        if self.quiet:
            return
        names = list(dict.fromkeys(name for row in self.rows for name in row))
        text = io.StringIO()
        table = csv.DictWriter(text, names, restval="", lineterminator="\n")
        table.writeheader()
        table.writerows(self.rows)
        self.write("metrics.csv", text.getvalue().encode())
        finite = [{name: value for name, value in row.items() if math.isfinite(value)} for row in self.rows]
        self.write("metrics.json", _json(finite))

    def finish(self, result: Mapping[str, Any], card: Sequence[str]) -> None:
        """Write the results, the curves and the card (lines of Markdown)."""
        if self.quiet:
            return
        self.write("result.json", _json({**result, "ended": _now()}))
        if self.rows:
            self.write("curves.png", draw_curves(self.rows, f"{self.kind}: {self.folder.name}"))
        self.write("card.md", ("\n".join(card) + "\n").encode())

    def write(self, name: str, content: bytes) -> Path:
        """Write a file of the run atomically. Raises `StorageFull`."""
        return write_file(self.folder / name, content)

    def __enter__(self) -> "RunFolder":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the run for other processes."""
        if not self.quiet:
            self._lock.close()


def draw_curves(rows: Sequence[Row], title: str) -> bytes:
    """Draw every quantity of the rows but "epoch" as a PNG, one panel a quantity, over epochs.

    An axis is logarithmic where positive values span more than a factor of a hundred.
    """
    from matplotlib.figure import Figure  # draws without a display

    names = [name for name in dict.fromkeys(name for row in rows for name in row) if name != "epoch"]
    columns = min(_CURVE_COLUMNS, max(1, len(names)))
    lines = max(1, math.ceil(len(names) / columns))
    figure = Figure(figsize=(4.2 * columns, 3.0 * lines), dpi=_CURVES_DPI, layout="constrained")
    for number, name in enumerate(names, 1):
        axes = figure.add_subplot(lines, columns, number)
        points = [(row["epoch"], row[name]) for row in rows if name in row and math.isfinite(row[name])]
        axes.plot([epoch for epoch, _ in points], [value for _, value in points], marker="o", markersize=3)
        smallest, largest = (
            min((value for _, value in points), default=0),
            max((value for _, value in points), default=0),
        )
        if smallest > 0 and largest / smallest > 100:
            axes.set_yscale("log")
        axes.set_title(name)
        axes.set_xlabel("epoch")
        axes.grid(visible=True, alpha=0.3)
    figure.suptitle(title)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def _same_setting(name: str, before: Any, now: Any) -> bool:
    """Whether a setting is unchanged; an architecture may have been renamed since the run was started."""
    if name in _ARCHITECTURE_SETTINGS and isinstance(before, str) and isinstance(now, str):
        return canonical_architecture(before) == canonical_architecture(now)
    return bool(before == now)


def _rows(table: Path) -> list[dict[str, float]]:
    """The rows of earlier epochs. Raises `RunConflict` where they cannot be read."""
    if not table.is_file():
        return []
    try:
        return [{"epoch": row["epoch"], **row} for row in json.loads(table.read_text("utf-8"))]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunConflict(f"{table} cannot be read. Choose another --run.") from error


def write_file(path: Path, content: bytes, mode: int = 0o644) -> Path:
    """Write a file atomically, and make the folders above it that are missing. Raises `StorageFull`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, content, mode)
    except OSError as error:
        raise StorageFull(
            f"{path} cannot be written: {describe_os_error(error)}. Free some space or choose another folder."
        ) from error
    return path


@dataclass(frozen=True, slots=True)
class RunMetadata:
    """How a run was started, for its config.json.

    Attributes:
        command: the command line, such that it works when repeated.
        started: ISO 8601 time in UTC.
        processor: architecture of the processor.
        versions: of Python and of the libraries that compute.
    """

    command: str
    started: str
    processor: str
    versions: dict[str, str]


def run_metadata() -> RunMetadata:
    """Collect command, time, machine and versions."""
    versions = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    command = shlex.join(["python", "-m", "biometric", *sys.argv[1:]])
    return RunMetadata(command, _now(), platform.machine(), versions)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()
