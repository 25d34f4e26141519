"""Reads cards of models from TOML: `models/manifest.toml`, and the description of a file that no manifest lists.

`card_tables` is the file format; what the tables become are the value types of `entities.model_cards`.
"""

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from pydantic import ValidationError

from biometric.entities.model_cards import (
    IMAGENET,
    NOT_MEASURED,
    Card,
    CardFile,
    DefaultThreshold,
    InputFormat,
    LinkingThreshold,
    Role,
)
from biometric.errors import InvalidSetting
from biometric.errors.phrases import Phrase
from biometric.models.card_tables import (
    CardTable,
    DescriptionTable,
    FileTable,
    InputTable,
    LinkingTable,
    Table,
    ThresholdTable,
)

_EXPECTED = {
    "string_type": Phrase("text"),
    "int_type": Phrase("a whole number"),
    "int_from_float": Phrase("a whole number"),
    "float_type": Phrase("a number"),
    "bool_type": Phrase("true or false"),
    "list_type": Phrase("a list"),
    "model_type": Phrase("a table"),
    "too_short": Phrase("three numbers"),
    "too_long": Phrase("three numbers"),
}
"""What a key must be, by pydantic's type of error."""

ARCHITECTURE_ALIASES = {
    "osnet_x0_75_placed": "osnet_x0_75_gdc",
    "osnet_x0_5_placed": "osnet_x0_5_gdc",
    "osnet_x0_25_placed": "osnet_x0_25_gdc",
    "resnet14_placed": "resnet14_gdc",
    "lite0": "efficientnet_lite0_gdc",
    "lite1": "efficientnet_lite1_gdc",
    "lite2": "efficientnet_lite2_gdc",
}
"""Former names of architectures, which stand in weight files, cards and runs made before; and short names."""


def canonical_architecture(name: str) -> str:
    """Return the present name of an architecture; other names are returned as they are."""
    return ARCHITECTURE_ALIASES.get(name, name)


_AnyTable = TypeVar("_AnyTable", bound=Table)
_Made = TypeVar("_Made")


def read_manifest(path: Path) -> tuple[Card, ...]:
    """Read `models/manifest.toml`.

    Raises:
        InvalidSetting: the manifest cannot be read, or a card is invalid; names the card and the key.
    """
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidSetting("The list of models {path} cannot be read: {error}.", path=path, error=error) from error
    for key in content:
        if key != "card":
            raise InvalidSetting("{file}: the key {key!r} is not known.", file=path.name, key=key)
    tables = content.get("card")
    if not isinstance(tables, list):
        raise InvalidSetting("{file}: expected one [[card]] or more, got {tables!r}.", file=path.name, tables=tables)
    cards = tuple(_card(path.name, number, table) for number, table in enumerate(tables, 1))
    names = [card.id for card in cards]
    for name in names:
        if names.count(name) > 1:
            raise InvalidSetting("{file}: card {name!r}: the key 'id' is used twice.", file=path.name, name=name)
    for role in Role:
        if sum(card.role is role and card.recommended for card in cards) != 1:
            raise InvalidSetting(
                "{file}: exactly one {role} must have the key 'recommended'.", file=path.name, role=role
            )
        if sum(card.role is role and card.starter for card in cards) > 1:
            raise InvalidSetting("{file}: at most one {role} may have the key 'starter'.", file=path.name, role=role)
    for card in cards:
        if card.successor and (card.role, card.successor) not in {
            (other.role, other.id) for other in cards if not other.successor
        }:
            raise InvalidSetting(
                "{file}: card {name!r}: the key 'successor' must name a {role} that has none itself, got {given!r}.",
                file=path.name,
                name=card.id,
                role=card.role,
                given=card.successor,
            )
    return cards


def read_manifests(paths: Sequence[Path]) -> tuple[Card, ...]:
    """Read the program's manifest, the first of `paths`, and add the cards of people's own, where these are there.

    The program's own cards win over others of their id, and alone are recommended or starters: a copy that was made
    for an older version must not bring its choices back.

    Raises:
        InvalidSetting: a manifest is invalid.
    """
    cards = {card.id: card for card in read_manifest(paths[0])}
    for path in paths[1:]:
        for card in read_manifest(path) if path.exists() else ():
            cards.setdefault(card.id, replace(card, recommended=False, starter=False))
    return tuple(cards.values())


def complete_card(card: Card, where: str, values: Mapping[str, object], default: InputFormat) -> Card:
    """Return the card completed by its owner's description.

    Args:
        where: what the description is called in messages, such as a file name.
        values: the description's keys and values.
        default: the input format of keys that the description leaves out.

    Raises:
        InvalidSetting: a key is not known, or a value cannot be used; names both.
    """
    table = _parse(DescriptionTable, where, dict(values))
    try:
        return replace(
            card,
            architecture=table.architecture,
            title=table.title or card.title,
            licence=table.licence or card.licence,
            dimension=table.dimension,
            input=_input_format(where, table, default),
            verification=_threshold(_key(where, "verification"), table.verification),
            identification=_threshold(_key(where, "identification"), table.identification),
            linking=_linking(_key(where, "linking"), table.linking),
        )
    except ValueError as error:
        raise InvalidSetting("{where}: {error}.", where=where, error=error) from error


def _card(manifest: str, number: int, values: Any) -> Card:
    name = values.get("id") if isinstance(values, dict) else None
    where = Phrase("{manifest}: card {name!r}", manifest=manifest, name=name if isinstance(name, str) else number)
    table = _parse(CardTable, where, values)
    for key in ("input", "dimension"):
        is_set = key in table.model_fields_set
        if is_set != (table.role is Role.EMBEDDER):
            raise InvalidSetting(
                "{where}: the key {key!r} is {problem}.",
                where=where,
                key=key,
                problem=Phrase("for embedders only") if is_set else Phrase("missing"),
            )
    form = None if table.input is None else _input_format(_key(where, "input"), table.input, IMAGENET)
    files = tuple(_file(_key(where, "files"), file) for file in table.files)
    graph = tuple(_file(_key(where, "graph"), file) for file in table.graph)
    verification = _threshold(_key(where, "verification"), table.verification)
    identification = _threshold(_key(where, "identification"), table.identification)
    try:
        return Card(
            id=table.id,
            role=table.role,
            title=table.title,
            format=table.format,
            architecture=table.architecture,
            files=files,
            licence=table.licence,
            source=table.source,
            graph=graph,
            input=form,
            dimension=table.dimension,
            recommended=table.recommended,
            starter=table.starter,
            successor=table.successor,
            verification=verification,
            identification=identification,
            linking=_linking(_key(where, "linking"), table.linking),
        )
    except ValueError as error:
        raise InvalidSetting("{where}: {error}.", where=where, error=error) from error


def _key(where: str, name: str) -> str:
    return Phrase("{where}, key {name!r}", where=where, name=name)


def _file(where: str, table: FileTable) -> CardFile:
    if (table.sha256 is None) == (table.sha384 is None):
        raise InvalidSetting(
            "{where}: expected the key 'sha256' or the key 'sha384', for {name!r}.", where=where, name=table.name
        )
    algorithm = "sha384" if table.sha256 is None else "sha256"
    checksum = table.sha256 or table.sha384 or ""
    return _checked(where, lambda: CardFile(table.name, table.size, algorithm, checksum, table.url))


def _input_format(where: str, table: InputTable, default: InputFormat) -> InputFormat:
    names = table.model_fields_set & InputTable.model_fields.keys()
    values = {name: getattr(table, name) for name in names}
    values |= {name: tuple(values[name]) for name in ("mean", "std") if name in values}
    return _checked(where, lambda: replace(default, **values))


def _threshold(where: str, table: ThresholdTable | None) -> DefaultThreshold:
    if table is None:
        return NOT_MEASURED
    return _checked(where, lambda: DefaultThreshold(table.value, table.evidence, table.fmr))


def _linking(where: str, table: LinkingTable | None) -> LinkingThreshold | None:
    if table is None:
        return None
    return _checked(where, lambda: LinkingThreshold(table.value, table.perhaps, table.evidence))


def _checked(where: str, make: Callable[[], _Made]) -> _Made:
    try:
        return make()
    except ValueError as error:
        raise InvalidSetting("{where}: {error}.", where=where, error=error) from error


def _parse(kind: type[_AnyTable], where: str, values: Any) -> _AnyTable:
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        _refuse(where, error)


def _refuse(where: str, error: ValidationError) -> NoReturn:
    """Raise `InvalidSetting` for the first mistake, naming the table and the key."""
    mistake = error.errors(include_url=False)[0]
    *outer, key = [segment for segment in mistake["loc"] if isinstance(segment, str)] or [""]
    place = where
    for name in outer:
        place = _key(place, name)
    if mistake["type"] == "missing":
        raise InvalidSetting("{place}: the key {key!r} is missing.", place=place, key=key) from error
    if mistake["type"] == "extra_forbidden":
        raise InvalidSetting("{place}: the key {key!r} is not known.", place=place, key=key) from error
    expected = mistake.get("ctx", {}).get("expected") or _EXPECTED.get(mistake["type"], mistake["msg"])
    named = Phrase("the key {key!r} must be", key=key) if key else Phrase("it must be")
    raise InvalidSetting(
        "{place}: {named} {expected}, got {given!r}.",
        place=place,
        named=named,
        expected=expected,
        given=mistake["input"],
    ) from error
