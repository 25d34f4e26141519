"""Writes cards: as an entry of `models/manifest.toml`, as the table beside a file, as metadata inside one.

The manifest is written by hand, with comments; it is edited so that everything else stays byte for byte, and read back
before it gets its name.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.items import AoT, Array, Comment, Item, Null, Table, Whitespace

from biometric.entities.model_cards import NOT_MEASURED, Card, CardFile, DefaultThreshold
from biometric.errors import InvalidSetting, StorageFull
from biometric.models.cards import read_manifest
from biometric.storage import describe_os_error, file_lock
from biometric.training.runs import write_file

MANIFEST = "manifest.toml"
LOCK = ".manifest.lock"
"""Held while the manifest is changed; stays in the folder of models."""


def entry(card: Card) -> str:
    """The card as a `[[card]]` of the manifest."""
    document = tomlkit.document()
    cards = tomlkit.aot()
    cards.append(_entry_table(card))
    document.add("card", cards)
    return tomlkit.dumps(document)


def beside(card: Card) -> str:
    """The table that stands beside an embedder's file (`name.onnx` → `name.toml`)."""
    return tomlkit.dumps({**_described(card), **_input(card), **_thresholds(card)})


def _entry_table(card: Card) -> Table:
    table = tomlkit.table()
    table.update(
        {
            "id": card.id,
            "role": card.role.value,
            "title": card.title,
            "format": card.format.value,
            "architecture": card.architecture,
            "licence": card.licence,
            "source": card.source,
            **{name: True for name in ("recommended", "starter") if getattr(card, name)},
            **({} if card.dimension is None else {"dimension": card.dimension}),
        }
    )
    table.add("files", _file_array(card.files))
    if card.graph:
        table.add("graph", _file_array(card.graph))
    for name, values in {"input": _input(card), **_thresholds(card)}.items():
        if values:
            table.add(name, tomlkit.item(values))
    return table


def _file_array(files: Sequence[CardFile]) -> Array:
    array = tomlkit.array()
    for file in files:
        listed = tomlkit.inline_table()
        listed.update({"name": file.name, "size": file.size, file.algorithm: file.checksum})
        array.append(listed)
    return array.multiline(True)


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


def install_card(card: Card, files: Mapping[str, bytes], models: Path, replace: bool = False) -> Path:
    """Put files and the card's entry into a folder of models; return its manifest.

    Args:
        files: what is copied, by name; the card's own among them.
        replace: an entry of the same id is replaced, and files of these names.

    Raises:
        InvalidSetting: the id is taken, a file of the name is there or belongs to another card, the folder has no
            manifest, or the manifest would not be valid (such as with two starters of a role). Nothing was
            changed.
        StorageFull: the folder cannot be written.
    """
    path = models / MANIFEST
    if not path.is_file():
        raise InvalidSetting(f"The list of models {path} cannot be read: there is no such file.")
    with _locked(models):
        before = read_manifest(path)
        is_taken = any(other.id == card.id for other in before)
        if is_taken and not replace:
            raise InvalidSetting(f"{path} has a card {card.id} already. Choose another --id, or give --replace.")
        _check_names(card, files, before, models, replace)
        text = _with_entry(path.read_text("utf-8"), card)
        _check(text, card, before, models)
        for name, content in files.items():
            write_file(models / name, content)
        return write_file(path, text.encode())


def _check_names(card: Card, files: Mapping[str, bytes], before: tuple[Card, ...], models: Path, replace: bool) -> None:
    """Refuse names of other files and of other cards' files: weights cannot easily be made again."""
    for other in before:
        names = files.keys() & {file.name for file in (*other.files, *other.graph)}
        if other.id != card.id and names:
            raise InvalidSetting(f"{names.pop()} is a file of the card {other.id}. Choose another --id.")
    for name, content in files.items():
        path = models / name
        if not replace and path.exists() and not (path.is_file() and path.read_bytes() == content):
            raise InvalidSetting(f"{path} is there already. Choose another --id, or give --replace.")


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Let one process at a time change the manifest."""
    try:
        with file_lock(folder / LOCK, timeout=60):
            yield
    except TimeoutError as error:
        raise StorageFull(f"Another process is changing {folder / MANIFEST}. Try again when it has ended.") from error


def _with_entry(text: str, card: Card) -> str:
    """The manifest's text with the card in place of the one of its id, or after the last one of its role."""
    document = tomlkit.parse(text)
    cards = document["card"]
    if not isinstance(cards, AoT):
        raise InvalidSetting(f"The list of models does not hold [[card]] tables, but {type(cards).__name__}.")
    table = _entry_table(card)
    same = [number for number, other in enumerate(cards) if other["id"] == card.id]
    of_role = [number for number, other in enumerate(cards) if other["role"] == card.role.value]
    if same:
        _move_comments(cards[same[0]], table)
        cards[same[0]] = table
    else:
        number = of_role[-1] if of_role else len(cards) - 1
        _move_comments(cards[number], table)
        _innermost(cards[number]).value.body.append((None, Whitespace("\n")))
        cards.insert(number + 1, table)
    return tomlkit.dumps(document)


def _move_comments(source: Table, target: Table) -> None:
    """Move blank lines and comments at the end of a card, which belong to the card that follows, to another card."""
    body = _innermost(source).value.body
    first = len(body)
    while first and isinstance(body[first - 1][1], Comment | Whitespace | Null):
        first -= 1
    moved, body[first:] = body[first:], []
    _innermost(target).value.body.extend(moved)


def _innermost(table: Table) -> Table:
    """The last table within a table, which holds what stands at its end; the table itself where there is none."""
    items: list[Item] = [item for _, item in table.value.body if not isinstance(item, Comment | Whitespace | Null)]
    return _innermost(items[-1]) if items and isinstance(items[-1], Table) else table


def _check(text: str, card: Card, before: tuple[Card, ...], models: Path) -> None:
    """Read the new manifest as the app would: it holds the card as meant, and all others as they were."""
    try:
        with tempfile.TemporaryDirectory(prefix=".checking-", dir=models) as scratch:
            path = Path(scratch) / MANIFEST
            path.write_text(text, "utf-8")
            after = read_manifest(path)
    except OSError as error:
        raise StorageFull(f"{models} cannot be written: {describe_os_error(error)}.") from error
    other_cards = [other for other in after if other.id != card.id]
    if card not in after or other_cards != [other for other in before if other.id != card.id]:
        raise InvalidSetting(
            f"The card {card.id} cannot be added to {models / MANIFEST} automatically. Copy its entry there by hand."
        )
