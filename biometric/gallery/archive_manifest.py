"""What an export's gallery.json says: how records become JSON, and the check of JSON from anywhere.

Version 1: {"format", "version", "model_id", "dimension", "identities": [{"id", "name", "created_at", "updated_at",
"references": [{"id", "template", "sample_count", "clip_digest", "clip_name", "first_frame", "last_frame",
"created_at", "samples": [{"name", "quality", "frame_index", "embedding"}]}]}]}. `template` and `embedding` are base64
of D little-endian float32 numbers. Times are ISO 8601. No other keys, each key once.
"""

import base64
import json
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Annotated, Any, TypeVar

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator, ValidationError, ValidationInfo

from biometric.entities import Template, Vector, clean_label, clean_name
from biometric.entities.enrolled import CROP_NAME
from biometric.errors import InvalidName
from biometric.gallery.files import OPAQUE_ID
from biometric.gallery.manifest_stream import LISTS, describe_place, read_elements, refuse
from biometric.gallery.records import IdentityRecord, ReferenceRecord, SampleRecord

FORMAT = "sightline-gallery"
VERSION = 1
MAX_DIMENSION = 65536
_MAX_INTEGER = 2**53

Read = Callable[[int], bytes]
"""Returns up to so many of a file's next bytes, none at its end."""


def _check_pattern(pattern: Any) -> AfterValidator:
    def check(text: str) -> str:
        if pattern.fullmatch(text) is None:
            raise ValueError
        return text

    return AfterValidator(check)


def _check_time(text: str) -> str:
    datetime.fromisoformat(text)
    return text


def _check_no_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError
    return text


def _decode_vector(value: object, info: ValidationInfo) -> Vector:
    """Return the (D,) unit float32 vector of a base64 text; D is the context's "dimension"."""
    size = 4 * int(info.context["dimension"]) if info.context else 0
    if not isinstance(value, str) or len(value) != 4 * -(-size // 3):
        raise ValueError
    data = base64.b64decode(value, validate=True)
    if len(data) != size:
        raise ValueError
    vector = np.frombuffer(data, dtype="<f4").astype(np.float32)
    if not abs(float(np.linalg.norm(vector)) - 1.0) < 1e-3:  # false for NaN, too
        raise ValueError
    return vector


_Text = Annotated[str, Field(max_length=500), AfterValidator(_check_no_nul)]
_Id = Annotated[str, Field(max_length=32), _check_pattern(OPAQUE_ID)]
_CropName = Annotated[str, Field(max_length=30), _check_pattern(CROP_NAME)]
_Time = Annotated[str, Field(max_length=64), AfterValidator(_check_time)]
_Count = Annotated[int, Field(ge=0, le=_MAX_INTEGER)]
_Vector = Annotated[Any, PlainValidator(_decode_vector)]


class _Checked(BaseModel):
    # hide_input_in_errors: what is wrong may be large, and is never shown.
    model_config = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True)


class _Header(_Checked):
    format: _Text
    version: Annotated[int, Field(ge=VERSION, le=VERSION)]
    model_id: _Text
    dimension: Annotated[int, Field(ge=1, le=MAX_DIMENSION)]


class _Identity(_Checked):
    id: _Id
    name: _Text
    created_at: _Time
    updated_at: _Time


class _Sample(_Checked):
    name: _CropName
    quality: Annotated[float, Field(gt=-_MAX_INTEGER, lt=_MAX_INTEGER, allow_inf_nan=False)]
    frame_index: _Count
    embedding: _Vector


class _Reference(_Checked):
    id: _Id
    template: _Vector
    sample_count: Annotated[int, Field(ge=1, le=_MAX_INTEGER)]
    clip_digest: _Text
    clip_name: Annotated[str, Field(max_length=10_000), AfterValidator(_check_no_nul)]
    first_frame: _Count
    last_frame: _Count
    created_at: _Time
    samples: list[_Sample]


@dataclass(frozen=True, slots=True)
class ManifestSummary:
    """A checked gallery.json without its references."""

    model_id: str
    dimension: int
    identities: tuple[IdentityRecord, ...]


def read_summary(open_manifest: Callable[[], Read], crops: set[str]) -> ManifestSummary:
    """Check a gallery.json completely, keeping no vector.

    Args:
        open_manifest: opens it anew, to be read from its start.
        crops: "<reference id>/<crop name>" of the crops that the file holds.

    Raises:
        ArchiveInvalid: it is no JSON, of another format or version, any value is not as described above, or it does
            not list exactly these crops.
    """
    header = _read_header(open_manifest(), len(crops))
    identities: list[IdentityRecord] = []
    keys: set[str] = set()
    seen: set[str] = set()
    unlisted = crops.copy()
    references = 0
    for place, values in read_elements(open_manifest(), len(crops)):
        if len(place) == 2:
            reference = _reference(place, values, header)
            _add_once(seen, reference.id, "reference")
            references += 1
            _require_crops(unlisted, reference)
        elif len(place) == 1:
            identity = _identity(place, values)
            _add_once(seen, f"identity {identity.id}", "identity")
            # Version 0.1 told names apart by what shows nothing; importing gives one of two such people a number.
            _add_once(keys, unicodedata.normalize("NFC", identity.name.casefold()), "name")
            if not references:
                refuse(f"{describe_place(place)} has no references")
            identities.append(identity)
            references = 0
    if not identities:
        refuse("it holds no identities")
    for unexpected in sorted(unlisted):
        refuse(f"{unexpected!r:.120} is not announced in gallery.json")
    return ManifestSummary(header.model_id, header.dimension, tuple(identities))


def read_references(
    open_manifest: Callable[[], Read], summary: ManifestSummary, max_samples: int
) -> Iterator[tuple[IdentityRecord, ReferenceRecord]]:
    """Yield each reference with its identity, one at a time. Raises `ArchiveInvalid`."""
    for place, values in read_elements(open_manifest(), max_samples):
        if len(place) == 2:
            if place[0] >= len(summary.identities):
                refuse("it was changed while it was read")
            yield summary.identities[place[0]], _reference(place, values, summary)


def write_manifest(
    file: IO[bytes],
    model_id: str,
    dimension: int,
    people: Iterable[tuple[IdentityRecord, Iterable[ReferenceRecord]]],
) -> list[tuple[str, str, Path]]:
    """Write gallery.json piece by piece; return (reference id, name, file) of the crops that belong to it."""
    crops: list[tuple[str, str, Path]] = []
    header = {"format": FORMAT, "version": VERSION, "model_id": model_id, "dimension": dimension}
    file.write(_json(header)[:-1] + b', "identities": [')
    for position, (identity, references) in enumerate(people):
        values = {
            "id": identity.id,
            "name": identity.name,
            "created_at": identity.created_at,
            "updated_at": identity.updated_at,
        }
        file.write((b",\n" if position else b"\n") + _json(values)[:-1] + b', "references": [')
        for number, reference in enumerate(references):
            file.write((b", " if number else b"") + _json(_reference_to_json(reference)))
            crops += [(reference.id, sample.name, sample.crop) for sample in reference.samples if sample.crop]
        file.write(b"]}")
    file.write(b"\n]}\n")
    return crops


def _read_header(read: Read, max_samples: int) -> _Header:
    values: dict[str, Any] = {}
    for place, values in read_elements(read, max_samples):
        if not place and set(values) >= set(_Header.model_fields):
            break  # exports tell it first
    if values.get("format") != FORMAT:
        refuse("gallery.json does not describe a gallery")
    version = values.get("version")
    if isinstance(version, int) and not isinstance(version, bool) and version != VERSION:
        refuse(f"it has format version {version}, and this Sightline reads version {VERSION}")
    return _check(_Header, (), values, None)


def _identity(place: tuple[int, ...], values: dict[str, Any]) -> IdentityRecord:
    checked = _check(_Identity, place, values, None)
    try:
        name = clean_name(checked.name)
    except InvalidName as error:
        refuse(f"{describe_place(place)}: {error}".rstrip("."))
    return IdentityRecord(checked.id, name, checked.created_at, checked.updated_at)


def _reference(place: tuple[int, ...], values: dict[str, Any], header: _Header | ManifestSummary) -> ReferenceRecord:
    checked = _check(_Reference, place, values, {"dimension": header.dimension})
    if checked.last_frame < checked.first_frame:
        refuse(f"{describe_place(place)}: last_frame is not as an export writes it")
    names: set[str] = set()
    for sample in checked.samples:
        _add_once(names, sample.name, "sample")
    return ReferenceRecord(
        id=checked.id,
        template=Template(checked.template, header.model_id, checked.sample_count),
        clip_digest=checked.clip_digest,
        clip_name=clean_label(checked.clip_name),
        first_frame=checked.first_frame,
        last_frame=checked.last_frame,
        created_at=checked.created_at,
        samples=tuple(
            SampleRecord(sample.name, sample.quality, sample.frame_index, sample.embedding)
            for sample in checked.samples
        ),
    )


_Model = TypeVar("_Model", bound=_Checked)


def _check(model: type[_Model], place: tuple[int, ...], values: dict[str, Any], context: Any) -> _Model:
    try:
        return model.model_validate(values, context=context)
    except ValidationError as error:
        location = error.errors(include_url=False, include_context=False, include_input=False)[0]["loc"]
        key = ".".join(str(segment) for segment in location)
        # A key of the file's own is not repeated: it may be anything.
        known = location and location[0] in model.model_fields
        what = f"{key} is missing or not as an export writes it" if known else "it has a key that exports do not have"
        refuse(f"{describe_place(place)}: {what}")


def _add_once(values: set[str], value: str, what: str) -> None:
    if value in values:
        refuse(f"gallery.json holds one {what} twice")
    values.add(value)


def _require_crops(unlisted: set[str], reference: ReferenceRecord) -> None:
    for sample in reference.samples:
        crop = f"{reference.id}/{sample.name}"
        if crop not in unlisted:
            refuse(f"the picture {crop} is missing")
        unlisted.remove(crop)


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
        LISTS[2]: [
            {
                "name": sample.name,
                "quality": sample.quality,
                "frame_index": sample.frame_index,
                "embedding": _base64(sample.embedding),
            }
            for sample in reference.samples
        ],
    }


def _json(values: Mapping[str, object]) -> bytes:
    return json.dumps(values, ensure_ascii=False).encode()


def _base64(vector: Vector) -> str:
    return base64.b64encode(np.asarray(vector, dtype="<f4").tobytes()).decode("ascii")
