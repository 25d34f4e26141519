"""Typed cards of models: what a weight file is, and how its input is prepared. Read from TOML, checked by key.

Only the standard library is needed, so that listing models loads nothing.
"""

import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import TypeVar

from biometric.errors import InvalidSetting

Triple = tuple[float, float, float]
T = TypeVar("T")

_DIGITS = {"sha256": 64, "sha384": 96}
_NOT_MEASURED = "not measured for this model; a cautious value, calibrate it on footage of your own"
CAUTIOUS_THRESHOLD = 0.8
"""Default for models without any measurement: above every impostor score seen with the measured ones but one
(OSNet x0.25 reaches 0.90 between strangers), so it errs towards "no match"."""


ARCHITECTURE_ALIASES = {
    "osnet_x0_75_placed": "osnet_x0_75_gdc",
    "osnet_x0_5_placed": "osnet_x0_5_gdc",
    "osnet_x0_25_placed": "osnet_x0_25_gdc",
    "resnet14_placed": "resnet14_gdc",
}
"""Former names of architectures, which stand in weight files, cards and runs made before they were renamed."""


def canonical_architecture(name: str) -> str:
    """Return the present name of an architecture; other names are returned as they are."""
    return ARCHITECTURE_ALIASES.get(name, name)


class Role(StrEnum):
    """What a model does."""

    DETECTOR = "detector"
    EMBEDDER = "embedder"


class Format(StrEnum):
    """How weights are stored."""

    ULTRALYTICS = "ultralytics"
    OPENVINO = "openvino"
    ONNX = "onnx"
    SAFETENSORS = "safetensors"


@dataclass(frozen=True, slots=True)
class InputFormat:
    """How a crop becomes network input: resized to `height` × `width`, then `(pixel * scale - mean) / std`.

    Attributes:
        height, width: pixels.
        colour: "BGR" or "RGB", the order of the three channels.
        scale: factor on pixels 0…255, such as 1 or 1/255.
        mean, std: per channel, in the order of `colour`, after `scale`.
    """

    height: int
    width: int
    colour: str
    scale: float
    mean: Triple
    std: Triple

    def __post_init__(self) -> None:
        if self.height < 1 or self.width < 1:
            raise ValueError(f"expected an input of at least 1×1 pixels, got {self.height}×{self.width}")
        if self.colour not in ("BGR", "RGB"):
            raise ValueError(f"expected colour BGR or RGB, got {self.colour!r}")
        numbers = (self.scale, *self.mean, *self.std)
        if not all(math.isfinite(number) for number in numbers) or self.scale == 0 or 0 in self.std:
            raise ValueError("expected finite scale, mean and std, with scale and std other than 0")


IMAGENET = InputFormat(256, 128, "RGB", 1 / 255, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""The convention of torchreid's and most other re-identification networks (mean and std of ImageNet)."""

RAW_BGR = InputFormat(256, 128, "BGR", 1.0, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
"""The convention of Open Model Zoo's IR files: pixels as they are, normalised inside the network."""


@dataclass(frozen=True, slots=True)
class CardFile:
    """One weight file: relative POSIX `name`, `size` in bytes, `checksum` in hexadecimal by `algorithm`."""

    name: str
    size: int
    algorithm: str
    checksum: str
    url: str = ""

    def __post_init__(self) -> None:
        path = PurePosixPath(self.name)
        if not self.name or path.is_absolute() or ".." in path.parts or "\\" in self.name:
            raise ValueError(f"expected a relative file name without .., got {self.name!r}")
        if self.size < 1:
            raise ValueError(f"expected a size of at least 1 byte, got {self.size}")
        if not re.fullmatch(r"[0-9a-f]+", self.checksum) or len(self.checksum) != _DIGITS.get(self.algorithm):
            raise ValueError(f"expected sha256 or sha384 as lower-case hexadecimal digits, got {self.checksum!r}")
        if self.url and not self.url.startswith("https://"):
            raise ValueError(f"expected an https address, got {self.url!r}")

    @property
    def basename(self) -> str:
        """The name without folders."""
        return PurePosixPath(self.name).name


@dataclass(frozen=True, slots=True)
class DefaultThreshold:
    """A card's threshold: `fmr` is the false match rate measured at exactly `value`, None when not measured."""

    value: float
    evidence: str
    fmr: float | None = None

    def __post_init__(self) -> None:
        if not -1.0 <= self.value <= 1.0:
            raise ValueError(f"expected a threshold in [-1, 1], got {self.value}")
        if not self.evidence:
            raise ValueError("expected a sentence of evidence, got none")
        if self.fmr is not None and not 0.0 <= self.fmr <= 1.0:
            raise ValueError(f"expected fmr in [0, 1], got {self.fmr}")


NOT_MEASURED = DefaultThreshold(CAUTIOUS_THRESHOLD, _NOT_MEASURED)


@dataclass(frozen=True, slots=True)
class Card:
    """One model. `id` also identifies its embeddings: it is the same on every device.

    Attributes:
        files: the first one is the file to open, the others belong to it.
        input: how crops are prepared; None for detectors, which prepare frames themselves.
        dimension: length of the embedding; None for detectors and where only the network knows.
        recommended: used when nothing else is said.
        starter: comes with the program and serves where the recommended weights cannot be had.
        notice: a sentence for people about assumptions made, or "".
    """

    id: str
    role: Role
    title: str
    format: Format
    architecture: str
    files: tuple[CardFile, ...]
    licence: str
    source: str
    input: InputFormat | None = None
    dimension: int | None = None
    recommended: bool = False
    starter: bool = False
    verification: DefaultThreshold = NOT_MEASURED
    identification: DefaultThreshold = NOT_MEASURED
    notice: str = ""

    def __post_init__(self) -> None:
        if not self.files:
            raise ValueError("expected at least one file, got none")
        if self.role is Role.EMBEDDER and self.input is None:
            raise ValueError("expected an input format for an embedder, got none")
        if self.recommended and self.starter:
            raise ValueError("expected a recommended model or a starter, got one that is both")
        if self.dimension is not None and self.dimension < 1:
            raise ValueError(f"expected a dimension of at least 1, got {self.dimension}")

    def threshold(self, purpose: str) -> DefaultThreshold:
        """Default for "verification" or "identification"."""
        if purpose not in ("verification", "identification"):
            raise ValueError(f"expected verification or identification, got {purpose!r}")
        return self.verification if purpose == "verification" else self.identification


class Table:
    """One TOML table read key by key; a mistake names the file, the card and the key, and leftovers are mistakes."""

    def __init__(self, where: str, values: object) -> None:
        self.where = where
        if not isinstance(values, Mapping):
            raise InvalidSetting(f"{where} must be a table, got {values!r}.")
        self._values = dict(values)

    def take(self, key: str, kind: type[T], default: T | None = None) -> T:
        """Remove and return a value of the kind; the default where the key is absent, an error without default."""
        if key not in self._values:
            if default is None:
                raise InvalidSetting(f"{self.where}: the key {key!r} is missing.")
            return default
        value = self._values.pop(key)
        if kind is float and type(value) is int:
            value = float(value)
        if not isinstance(value, kind) or (kind in (int, float) and isinstance(value, bool)):
            raise InvalidSetting(f"{self.where}: the key {key!r} must be a {kind.__name__}, got {value!r}.")
        return value

    def has(self, key: str) -> bool:
        """Whether the key is there and not yet taken."""
        return key in self._values

    def triple(self, key: str, default: Triple) -> Triple:
        """Three numbers, one per channel."""
        values = self.take(key, list, list(default))
        if len(values) != 3 or not all(isinstance(value, int | float) for value in values):
            raise InvalidSetting(f"{self.where}: the key {key!r} must be three numbers, got {values!r}.")
        return (float(values[0]), float(values[1]), float(values[2]))

    def finish(self) -> None:
        """Refuse keys that nobody took: a typo must not pass."""
        if self._values:
            raise InvalidSetting(f"{self.where}: the key {min(self._values)!r} is not known.")


def read_manifest(path: Path) -> tuple[Card, ...]:
    """Read `models/manifest.toml`.

    Raises:
        InvalidSetting: the manifest cannot be read, or a card is invalid; names the card and the key.
    """
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidSetting(f"The list of models {path} cannot be read: {error}.") from error
    manifest = Table(f"{path.name}", content)
    cards = tuple(_card(path.name, number, item) for number, item in enumerate(manifest.take("card", list), 1))
    manifest.finish()
    names = [card.id for card in cards]
    for name in names:
        if names.count(name) > 1:
            raise InvalidSetting(f"{path.name}: card {name!r}: the key 'id' is used twice.")
    for role in Role:
        if sum(card.role is role and card.recommended for card in cards) != 1:
            raise InvalidSetting(f"{path.name}: exactly one {role} must have the key 'recommended'.")
        if sum(card.role is role and card.starter for card in cards) > 1:
            raise InvalidSetting(f"{path.name}: at most one {role} may have the key 'starter'.")
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


def _card(manifest: str, number: int, values: object) -> Card:
    table = Table(f"{manifest}: card {number}", values)
    name = table.take("id", str)
    table.where = f"{manifest}: card {name!r}"
    role = _choice(table, "role", Role)
    try:
        card = Card(
            id=name,
            role=role,
            title=table.take("title", str),
            format=_choice(table, "format", Format),
            architecture=table.take("architecture", str),
            files=tuple(_file(table.where, item) for item in table.take("files", list)),
            licence=table.take("licence", str),
            source=table.take("source", str),
            input=input_format(Table(f"{table.where}, key 'input'", table.take("input", dict)), IMAGENET)
            if role is Role.EMBEDDER
            else None,
            dimension=table.take("dimension", int) if role is Role.EMBEDDER else None,
            recommended=table.take("recommended", bool, False),
            starter=table.take("starter", bool, False),
            verification=default_threshold(table, "verification"),
            identification=default_threshold(table, "identification"),
        )
    except ValueError as error:
        raise InvalidSetting(f"{table.where}: {error}.") from error
    table.finish()
    return card


def _choice(table: Table, key: str, kind: type[T]) -> T:
    text = table.take(key, str)
    try:
        return kind(text)  # type: ignore[call-arg]
    except ValueError as error:
        raise InvalidSetting(f"{table.where}: the key {key!r} must not be {text!r}.") from error


def _file(where: str, values: object) -> CardFile:
    table = Table(f"{where}, key 'files'", values)
    algorithm = "sha256" if table.has("sha256") else "sha384"
    try:
        file = CardFile(
            name=table.take("name", str),
            size=table.take("size", int),
            algorithm=algorithm,
            checksum=table.take(algorithm, str),
            url=table.take("url", str, ""),
        )
    except ValueError as error:
        raise InvalidSetting(f"{table.where}: {error}.") from error
    table.finish()
    return file


def input_format(table: Table, default: InputFormat) -> InputFormat:
    """Read an input format, absent keys as in `default`. Raises `InvalidSetting`."""
    try:
        found = InputFormat(
            height=table.take("height", int, default.height),
            width=table.take("width", int, default.width),
            colour=table.take("colour", str, default.colour),
            scale=table.take("scale", float, default.scale),
            mean=table.triple("mean", default.mean),
            std=table.triple("std", default.std),
        )
    except ValueError as error:
        raise InvalidSetting(f"{table.where}: {error}.") from error
    table.finish()
    return found


def default_threshold(table: Table, key: str) -> DefaultThreshold:
    """Read a threshold table, `NOT_MEASURED` where it is absent. Raises `InvalidSetting`."""
    if not table.has(key):
        return NOT_MEASURED
    inner = Table(f"{table.where}, key {key!r}", table.take(key, dict))
    try:
        threshold = DefaultThreshold(
            value=inner.take("value", float),
            evidence=inner.take("evidence", str),
            fmr=inner.take("fmr", float) if inner.has("fmr") else None,
        )
    except ValueError as error:
        raise InvalidSetting(f"{inner.where}: {error}.") from error
    inner.finish()
    return threshold
