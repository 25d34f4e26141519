"""The folder of a training run: what was asked, with what, how it goes, and where to go on from.

config.json       command, seed, settings, versions of everything that computes
metrics.csv       one row an epoch; metrics.json holds the same
curves.png        the same as pictures
checkpoint.pt     the state after the last whole epoch: a killed run goes on from it
result.json       what came out, once the run has ended
card.md           the same for people
"""

import csv
import fcntl
import io
import json
import math
import os
import platform
import shlex
import sys
import tempfile
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from biometric.errors import RunConflict, StorageFull

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
_FREE_TO_CHANGE = {"device", "threads", "workers"}
"""Settings that a resumed run may change: they say where it computes, not what."""


class RunFolder:
    """A run of `kind` in `folder`, held by this process alone until `close` or the end of the process.

    Args:
        folder: made if absent.
        kind: "distill", "finetune", …
        settings: everything that decides the outcome, as JSON values; "seed" among them.
        resume: go on with the run that is there; where none is, begin.
        quiet: neither lock nor write (all but the first process of a distributed run).

    Raises:
        RunConflict: a run is there and `resume` is not given, or it was begun with other settings, or is in use.
        StorageFull: the folder cannot be written.
    """

    def __init__(
        self, folder: Path, kind: str, settings: Mapping[str, Any], resume: bool = False, quiet: bool = False
    ) -> None:
        self.folder, self.kind, self.quiet = folder, kind, quiet
        self.rows: list[dict[str, float]] = []
        if quiet:
            return
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = (folder / ".lock").open("w")
        except OSError as error:
            raise StorageFull(f"The folder {folder} cannot be written: {error.strerror}.") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            raise RunConflict(f"Another process trains in {folder}. Wait for it, or choose another --run.") from error
        try:
            self._begin(json.loads(json.dumps(dict(settings))), resume)
        except BaseException:
            self._lock.close()
            raise

    def _begin(self, settings: dict[str, Any], resume: bool) -> None:
        file = self.folder / "config.json"
        if not file.is_file():
            self.began = {"kind": self.kind, "settings": settings, **circumstances()}
            self.write("config.json", _json(self.began))
            return
        if not resume:
            raise RunConflict(f"{self.folder} holds a run. Go on with it by --resume, or choose another --run.")
        try:
            there = json.loads(file.read_text("utf-8"))
            begun, kind = dict(there["settings"]), there["kind"]
            self.began = there
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise RunConflict(f"{file} cannot be read. Choose another --run.") from error
        changed = sorted(
            name
            for name in begun.keys() | settings.keys()
            if begun.get(name) != settings.get(name) and name not in _FREE_TO_CHANGE
        )
        if kind != self.kind or changed:
            what = f"with other settings ({', '.join(changed)})" if kind == self.kind else f"as another kind ({kind})"
            raise RunConflict(
                f"The run in {self.folder} was begun {what}. Repeat its settings, or choose another --run."
            )
        self.rows = _rows(self.folder / "metrics.json")

    @property
    def checkpoint(self) -> Path:
        """Where the state after the last whole epoch is."""
        return self.folder / "checkpoint.pt"

    def forget_after(self, epoch: int) -> None:
        """Drop rows of epochs that the checkpoint does not know: they will be run again."""
        self.rows = [row for row in self.rows if row["epoch"] <= epoch]

    def record(self, row: Row) -> None:
        """Add an epoch's row ("epoch" and quantities; not-a-number and infinity become null in the JSON)."""
        self.rows.append({name: float(value) for name, value in row.items()})
        if self.quiet:
            return
        names = list(dict.fromkeys(name for each in self.rows for name in each))
        text = io.StringIO()
        table = csv.DictWriter(text, names, restval="", lineterminator="\n")
        table.writeheader()
        table.writerows(self.rows)
        self.write("metrics.csv", text.getvalue().encode())
        finite = [{name: value for name, value in each.items() if math.isfinite(value)} for each in self.rows]
        self.write("metrics.json", _json(finite))

    def finish(self, result: Mapping[str, Any], card: Sequence[str]) -> None:
        """Write what came out, the curves and the card (lines of Markdown)."""
        if self.quiet:
            return
        from biometric.training.curves import draw

        self.write("result.json", _json({**result, "ended": _now()}))
        if self.rows:
            self.write("curves.png", draw(self.rows, f"{self.kind}: {self.folder.name}"))
        self.write("card.md", ("\n".join(card) + "\n").encode())

    def write(self, name: str, content: bytes) -> Path:
        """Write a file of the run whole or not at all. Raises `StorageFull`."""
        return write_whole(self.folder / name, content)

    def __enter__(self) -> "RunFolder":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let other processes have the run."""
        if not self.quiet:
            self._lock.close()


def _rows(table: Path) -> list[dict[str, float]]:
    """The rows of former epochs. Raises `RunConflict` where they cannot be read."""
    if not table.is_file():
        return []
    try:
        return [{"epoch": row["epoch"], **row} for row in json.loads(table.read_text("utf-8"))]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunConflict(f"{table} cannot be read. Choose another --run.") from error


def write_whole(path: Path, content: bytes) -> Path:
    """Write under a temporary name, push to the disk, rename. Raises `StorageFull`."""
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent)
        temporary = Path(name)
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        raise StorageFull(f"{path} cannot be written: {error.strerror}. Make room or choose another folder.") from error
    return path


def circumstances() -> dict[str, Any]:
    """Command, time, machine and versions, for the record."""
    versions = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    command = shlex.join(["python", "-m", "biometric", *sys.argv[1:]])  # the card's: it must work as it stands there
    return {"command": command, "begun": _now(), "processor": platform.machine(), "versions": versions}


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()
