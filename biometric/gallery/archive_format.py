"""What an export's gallery.json says: the records, how they become JSON, and the check of JSON from anywhere.

Version 1: {"format", "version", "model_id", "dimension", "identities": [{"id", "name", "created_at", "updated_at",
"references": [{"id", "template", "sample_count", "clip_digest", "clip_name", "first_frame", "last_frame",
"created_at", "samples": [{"name", "quality", "frame_index", "embedding"}]}]}]}. `template` and `embedding` are base64
of D little-endian float32 numbers. Times are ISO 8601.
"""

import base64
import json
import math
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from biometric.entities import Template, Vector, clean_name, name_key
from biometric.errors import ArchiveInvalid, InvalidName
from biometric.gallery.files import CROP_NAME, OPAQUE_ID

FORMAT = "sightline-gallery"
VERSION = 1
MAX_DIMENSION = 65536
_MAX_TEXT = 500
_MAX_INTEGER = 2**53


@dataclass(frozen=True, slots=True)
class SampleRecord:
    """A stored sample; `embedding` is (D,) unit float32; `crop` where its file is, None when not on this disk."""

    name: str
    quality: float
    frame_index: int
    embedding: Vector = field(compare=False)
    crop: Path | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class ReferenceRecord:
    """A stored biometric reference with its samples; frames are 0-based and inclusive."""

    id: str
    template: Template
    clip_digest: str
    clip_name: str
    first_frame: int
    last_frame: int
    created_at: str
    samples: tuple[SampleRecord, ...]


@dataclass(frozen=True, slots=True)
class IdentityRecord:
    """A stored identity with its references, oldest first."""

    id: str
    name: str
    created_at: str
    updated_at: str
    references: tuple[ReferenceRecord, ...]


@dataclass(frozen=True, slots=True)
class Contents:
    """A checked gallery.json."""

    model_id: str
    dimension: int
    identities: tuple[IdentityRecord, ...]


def header(model_id: str, dimension: int) -> dict[str, object]:
    """Return the part of gallery.json that stands before the identities."""
    return {"format": FORMAT, "version": VERSION, "model_id": model_id, "dimension": dimension}


def to_json(identity: IdentityRecord) -> dict[str, object]:
    """Return an identity as it stands in gallery.json."""
    return {
        "id": identity.id,
        "name": identity.name,
        "created_at": identity.created_at,
        "updated_at": identity.updated_at,
        "references": [_reference_to_json(reference) for reference in identity.references],
    }


def parse(data: bytes) -> Contents:
    """Check a gallery.json completely.

    Raises:
        ArchiveInvalid: it is not JSON, of another format or version, or any value is not as described above.
    """
    try:
        document = json.loads(data, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise _invalid("gallery.json is not valid JSON") from error
    root = _Reader(document, "gallery.json")
    if root.value("format") != FORMAT:
        raise _invalid("gallery.json does not describe a gallery")
    version = root.integer("version")
    if version != VERSION:
        raise _invalid(f"it has format version {version}, and this Sightline reads version {VERSION}")
    model_id, dimension = root.text("model_id"), root.integer("dimension", 1, MAX_DIMENSION)
    identities = tuple(_identity(reader, model_id, dimension) for reader in root.items("identities"))
    if not identities:
        raise _invalid("it holds no identities")
    _check_unique("identity", [identity.id for identity in identities])
    _check_unique("name", [name_key(identity.name) for identity in identities])
    _check_unique("reference", [reference.id for identity in identities for reference in identity.references])
    return Contents(model_id, dimension, identities)


class _Reader:
    """Takes typed values out of a JSON object, or says where it is wrong."""

    def __init__(self, document: object, where: str) -> None:
        if not isinstance(document, dict):
            raise _invalid(f"{where} is not an object")
        self._document: dict[str, Any] = document
        self.where = where

    def value(self, key: str) -> object:
        if key not in self._document:
            raise _invalid(f"{self.where} lacks {key}")
        return self._document[key]

    def text(self, key: str) -> str:
        value = self.value(key)
        if not isinstance(value, str) or len(value) > _MAX_TEXT or not _is_plain(value):
            self.refuse(key)
        return value

    def opaque(self, key: str) -> str:
        value = self.text(key)
        if OPAQUE_ID.fullmatch(value) is None:
            self.refuse(key)
        return value

    def time(self, key: str) -> str:
        value = self.text(key)
        try:
            datetime.fromisoformat(value)
        except ValueError:
            self.refuse(key)
        return value

    def integer(self, key: str, low: int = 0, high: int = _MAX_INTEGER) -> int:
        value = self.value(key)
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            self.refuse(key)
        return value

    def number(self, key: str) -> float:
        value = self.value(key)
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < _MAX_INTEGER:
            self.refuse(key)
        return float(value)

    def vector(self, key: str, dimension: int) -> Vector:
        value = self.value(key)
        if not isinstance(value, str) or len(value) > 4 * (4 * dimension // 3 + 4):
            self.refuse(key)
        try:
            data = base64.b64decode(value, validate=True)
        except ValueError:
            self.refuse(key)
        if len(data) != 4 * dimension:
            self.refuse(key)
        vector = np.frombuffer(data, dtype="<f4").astype(np.float32)
        length = float(np.linalg.norm(vector))
        if not (math.isfinite(length) and abs(length - 1.0) < 1e-3):
            self.refuse(key)
        return vector

    def items(self, key: str) -> list["_Reader"]:
        value = self.value(key)
        if not isinstance(value, list):
            self.refuse(key)
        return [_Reader(item, f"{self.where}: {key}[{position}]") for position, item in enumerate(value)]

    def refuse(self, key: str) -> NoReturn:
        raise _invalid(f"{self.where}: {key} is not as an export writes it")


def _identity(reader: _Reader, model_id: str, dimension: int) -> IdentityRecord:
    try:
        name = clean_name(reader.text("name"))
    except InvalidName as error:
        raise _invalid(f"{reader.where}: {error}".rstrip(".")) from error
    references = tuple(_reference(each, model_id, dimension) for each in reader.items("references"))
    if not references:
        reader.refuse("references")
    return IdentityRecord(reader.opaque("id"), name, reader.time("created_at"), reader.time("updated_at"), references)


def _reference(reader: _Reader, model_id: str, dimension: int) -> ReferenceRecord:
    first = reader.integer("first_frame")
    samples = tuple(_sample(each, dimension) for each in reader.items("samples"))
    _check_unique("sample", [sample.name for sample in samples])
    return ReferenceRecord(
        id=reader.opaque("id"),
        template=Template(reader.vector("template", dimension), model_id, reader.integer("sample_count", 1)),
        clip_digest=reader.text("clip_digest"),
        clip_name=reader.text("clip_name"),
        first_frame=first,
        last_frame=reader.integer("last_frame", first),
        created_at=reader.time("created_at"),
        samples=samples,
    )


def _sample(reader: _Reader, dimension: int) -> SampleRecord:
    name = reader.text("name")
    if CROP_NAME.fullmatch(name) is None:
        reader.refuse("name")
    return SampleRecord(
        name, reader.number("quality"), reader.integer("frame_index"), reader.vector("embedding", dimension)
    )


def _reference_to_json(reference: ReferenceRecord) -> dict[str, object]:
    return {
        "id": reference.id,
        "template": _base64(reference.template.vector),
        "sample_count": reference.template.sample_count,
        "clip_digest": reference.clip_digest,
        "clip_name": reference.clip_name,
        "first_frame": reference.first_frame,
        "last_frame": reference.last_frame,
        "created_at": reference.created_at,
        "samples": [
            {
                "name": sample.name,
                "quality": sample.quality,
                "frame_index": sample.frame_index,
                "embedding": _base64(sample.embedding),
            }
            for sample in reference.samples
        ],
    }


def _base64(vector: Vector) -> str:
    return base64.b64encode(np.asarray(vector, dtype="<f4").tobytes()).decode("ascii")


def _is_plain(text: str) -> bool:
    # Lone surrogates cannot be stored, and NUL ends strings elsewhere.
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _check_unique(what: str, values: list[str]) -> None:
    if len(set(values)) != len(values):
        raise _invalid(f"gallery.json holds one {what} twice")


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not JSON")


def _invalid(detail: str) -> ArchiveInvalid:
    return ArchiveInvalid(
        f"This file cannot be imported: {detail}. Nothing was imported; choose a file made by exporting a gallery."
    )
