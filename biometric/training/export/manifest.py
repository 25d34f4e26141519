"""Writes cards: as an entry of `models/manifest.toml`, as the table beside a file, as metadata inside one.

The manifest is written by hand, with comments; it is changed as text, and read back before it takes its name.
"""

import fcntl
import json
import os
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from biometric.errors import InvalidSetting, StorageFull
from biometric.models.cards import NOT_MEASURED, Card, DefaultThreshold, read_manifest
from biometric.training.runs import write_whole

MANIFEST = "manifest.toml"
_START = "[[card]]"


def entry(card: Card) -> str:
    """The card as a `[[card]]` of the manifest."""
    head: dict[str, Any] = {
        "id": card.id,
        "role": card.role.value,
        "title": card.title,
        "format": card.format.value,
        "architecture": card.architecture,
        "licence": card.licence,
        "source": card.source,
    }
    head |= {name: True for name in ("recommended", "starter") if getattr(card, name)}
    head |= {} if card.dimension is None else {"dimension": card.dimension}
    files = [
        f"    {{ name = {_text(file.name)}, size = {file.size}, {file.algorithm} = {_text(file.checksum)} }},"
        for file in card.files
    ]
    lines = [_START, *_lines(head), "files = [", *files, "]"]
    tables = {"input": _input(card), **_thresholds(card)}
    for name, values in tables.items():
        lines += [f"[card.{name}]", *_lines(values)] if values else []
    return "\n".join(lines) + "\n"


def beside(card: Card) -> str:
    """The table that stands beside an embedder's file (`name.onnx` → `name.toml`)."""
    lines = _lines({**_described(card), **_input(card)})
    for name, values in _thresholds(card).items():
        lines += [f"[{name}]", *_lines(values)]
    return "\n".join(lines) + "\n"


def inside(card: Card) -> dict[str, str]:
    """The same as metadata inside a file: texts as they are, everything else as JSON."""
    values = {**_described(card), **_input(card), **_thresholds(card)}
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in values.items()}


def _described(card: Card) -> dict[str, Any]:
    values: dict[str, Any] = {"architecture": card.architecture, "title": card.title, "licence": card.licence}
    return values if card.dimension is None else {**values, "dimension": card.dimension}


def _input(card: Card) -> dict[str, Any]:
    form = card.input
    if form is None:
        return {}
    sizes: dict[str, Any] = {"height": form.height, "width": form.width, "colour": form.colour, "scale": form.scale}
    return {**sizes, "mean": list(form.mean), "std": list(form.std)}


def _thresholds(card: Card) -> dict[str, dict[str, Any]]:
    pairs = (("verification", card.verification), ("identification", card.identification))
    return {name: _threshold(value) for name, value in pairs if value != NOT_MEASURED}


def _threshold(threshold: DefaultThreshold) -> dict[str, Any]:
    rate = {} if threshold.fmr is None else {"fmr": threshold.fmr}
    return {"value": threshold.value, **rate, "evidence": threshold.evidence}


def _lines(values: Mapping[str, Any]) -> list[str]:
    return [f"{name} = {_value(value)}" for name, value in values.items()]


def _value(value: Any) -> str:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value)


def _text(text: str) -> str:
    """A TOML string; JSON's escapes are TOML's, but for the delete character, which TOML wants escaped."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def install(card: Card, files: Mapping[str, bytes], models: Path, replace: bool = False) -> Path:
    """Put files and the card's entry into a folder of models; return its manifest.

    Args:
        files: what is copied, by name; the card's own among them.
        replace: an entry of the same id gives way, and files of these names.

    Raises:
        InvalidSetting: the id is taken, a file of the name is there or belongs to another card, the folder has no
            manifest, or the manifest would not be a good one (such as with two starters of a role). Nothing was
            changed.
        StorageFull: the folder cannot be written.
    """
    path = models / MANIFEST
    with _held(models):
        before = read_manifest(path)
        taken = any(other.id == card.id for other in before)
        if taken and not replace:
            raise InvalidSetting(f"{path} has a card {card.id} already. Choose another --id, or give --replace.")
        _check_names(card, files, before, models, replace)
        text = _with_entry(path.read_text("utf-8"), card)
        _check(text, card, before, models)
        for name, content in files.items():
            write_whole(models / name, content)
        return write_whole(path, text.encode())


def _check_names(card: Card, files: Mapping[str, bytes], before: tuple[Card, ...], models: Path, replace: bool) -> None:
    """Refuse names under which something else lies, or another card's file would: weights are not easily had again."""
    for other in before:
        names = files.keys() & {file.name for file in other.files}
        if other.id != card.id and names:
            raise InvalidSetting(f"{names.pop()} is a file of the card {other.id}. Choose another --id.")
    for name, content in files.items():
        path = models / name
        if not replace and path.exists() and not (path.is_file() and path.read_bytes() == content):
            raise InvalidSetting(f"{path} is there already. Choose another --id, or give --replace.")


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """One process at a time changes the manifest."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError as error:
        raise InvalidSetting(f"The folder of models {folder} cannot be opened: {error.strerror}.") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _with_entry(text: str, card: Card) -> str:
    """The manifest's text with the card in place of the one of its id, or after the last one of its role."""
    lines = text.splitlines()
    blocks = list(_blocks(lines))
    same = [block for block in blocks if block[2]["id"] == card.id]
    role = [block for block in blocks if block[2]["role"] == card.role]
    new = entry(card).splitlines()
    if same:
        start, stop, _ = same[0]
        lines[start:stop] = new
    else:
        place = (role or blocks)[-1][1]
        lines[place:place] = ["", *new]
    return "\n".join(lines) + "\n"


def _blocks(lines: list[str]) -> Iterator[tuple[int, int, dict[str, Any]]]:
    """First line, line behind the last, and content of each card; comments between cards belong to none."""
    starts = [number for number, line in enumerate(lines) if line.strip() == _START]
    for start, following in zip(starts, [*starts[1:], len(lines)], strict=True):
        stop = following
        while lines[stop - 1].strip() == "" or lines[stop - 1].lstrip().startswith("#"):
            stop -= 1
        yield start, stop, tomllib.loads("\n".join(lines[start:stop]))["card"][0]


def _check(text: str, card: Card, before: tuple[Card, ...], models: Path) -> None:
    """Read the new manifest as the app would: it holds the card as meant, and all others as they were."""
    try:
        with tempfile.TemporaryDirectory(prefix=".checking-", dir=models) as scratch:
            path = Path(scratch) / MANIFEST
            path.write_text(text, "utf-8")
            after = read_manifest(path)
    except OSError as error:
        raise StorageFull(f"{models} cannot be written: {error.strerror}. Make room or give rights.") from error
    others = [other for other in after if other.id != card.id]
    if card not in after or others != [other for other in before if other.id != card.id]:
        raise InvalidSetting(
            f"The card {card.id} cannot be entered into {models / MANIFEST} by itself. Copy its entry there by hand."
        )
