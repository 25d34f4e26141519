"""Tables of what pixels cost, one TOML file a model: `robustness/ID.toml` in a folder of weights.

A file of its own, because manifests are written by hand and may be read-only, and because weights that no manifest
lists can have one, too.
"""

import json
import logging
import re
import tomllib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from pydantic import Field, ValidationError

from biometric.entities import PURPOSES
from biometric.entities.robustness import DetailMeasure, MissedShare, RobustnessRow, RobustnessTable
from biometric.errors import InvalidSetting, StorageFull
from biometric.models.card_tables import Table
from biometric.storage import describe_os_error, write_atomically

logger = logging.getLogger(__name__)

FOLDER = "robustness"


class _Missed(Table):
    missed: int
    low: float
    high: float


class _Row(Table):
    start: float
    stop: float | None = None
    people: int
    comparisons: int
    verification: _Missed
    identification: _Missed


class _Thresholds(Table):
    verification: float
    identification: float


class _File(Table):
    model: str
    data: str
    day: str = Field(pattern=r"^\d{4}-\d\d-\d\d$")
    samples: float
    thresholds: _Thresholds
    height: list[_Row] = Field(default_factory=list)
    sharpness: list[_Row] = Field(default_factory=list)


def robustness_path(folder: Path, model_id: str) -> Path:
    """Return where a model's table is, in a folder of weights."""
    return folder / FOLDER / f"{re.sub(r'[^A-Za-z0-9._-]', '-', model_id)}.toml"


def read_robustness(path: Path) -> RobustnessTable:
    """Read a table.

    Raises:
        InvalidSetting: the file cannot be read or is no such table.
    """
    try:
        stored = _File.model_validate(tomllib.loads(path.read_text("utf-8")))
        rows = [
            RobustnessRow(
                measure,
                row.start,
                row.stop,
                row.people,
                row.comparisons,
                MissedShare(**row.verification.model_dump()),
                MissedShare(**row.identification.model_dump()),
            )
            for measure, listed in ((DetailMeasure.HEIGHT, stored.height), (DetailMeasure.SHARPNESS, stored.sharpness))
            for row in listed
        ]
        limits = stored.thresholds
        return RobustnessTable(
            stored.model,
            stored.data,
            stored.day,
            limits.verification,
            limits.identification,
            stored.samples,
            tuple(rows),
        )
    except ValidationError as error:
        mistake = error.errors(include_url=False)[0]
        reason = f"{'.'.join(map(str, mistake['loc']))}: {mistake['msg']}"
        raise InvalidSetting("The table {path} cannot be used: {reason}.", path=path, reason=reason) from error
    except (OSError, ValueError) as error:
        raise InvalidSetting("The table {path} cannot be used: {reason}.", path=path, reason=error) from error


def find_robustness(folders: Sequence[Path], model_id: str) -> RobustnessTable | None:
    """Return a model's table of the first folder that has one that can be used; None where no folder has.

    A file that cannot be used is passed over, with a line in the log: no answer depends on it.
    """
    for folder in folders:
        path = robustness_path(folder, model_id)
        try:
            if not path.is_file():
                continue
            state = path.stat()
            table = _read_once(path, state.st_mtime_ns, state.st_size)
        except (InvalidSetting, OSError) as error:
            logger.warning("%s", error)
            continue
        if table.model_id == model_id:
            return table
        logger.warning("The table %s is of the model %s, not of %s.", path, table.model_id, model_id)
    return None


@lru_cache(maxsize=16)
def _read_once(path: Path, _time: int, _size: int) -> RobustnessTable:
    """Read a table once for each state of its file."""
    return read_robustness(path)


def write_robustness(folder: Path, table: RobustnessTable) -> Path:
    """Write a table into a folder of weights; an older one of the model is replaced.

    Raises:
        StorageFull: the folder cannot be written.
    """
    path = robustness_path(folder, table.model_id)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, robustness_toml(table).encode(), 0o644)
    except OSError as error:
        reason = describe_os_error(error)
        raise StorageFull("{path} cannot be written: {reason}.", path=path, reason=reason) from error
    return path


def robustness_toml(table: RobustnessTable) -> str:
    """Return a table as TOML."""
    lines = [
        "# How often the right person is missed, by pixels and by sharpness (`evaluate --robustness --store`).",
        f"model = {_text(table.model_id)}",
        f"data = {_text(table.data)}",
        f"day = {_text(table.day)}",
        f"samples = {table.samples:.4f}",
        "",
        "[thresholds]",
        f"verification = {table.verification!r}",
        f"identification = {table.identification!r}",
    ]
    for row in table.rows:
        lines += ["", f"[[{row.measure}]]", f"start = {row.start:g}"]
        lines += [] if row.stop is None else [f"stop = {row.stop:g}"]
        lines += [f"people = {row.people}", f"comparisons = {row.comparisons}"]
        for purpose in PURPOSES:
            missed = row.missed(purpose)
            limits = f"low = {missed.low:.6f}, high = {missed.high:.6f}"
            lines.append(f"{purpose} = {{ missed = {missed.missed}, {limits} }}")
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    """A TOML string: JSON's escapes are TOML's, but for DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "")
