"""The entries of an export's gallery.json as pydantic models, and the check of one entry from anywhere."""

import base64
from datetime import datetime
from typing import Annotated, Any, TypeVar

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainValidator, ValidationError, ValidationInfo

from biometric.entities import Vector
from biometric.entities.enrolled import CROP_NAME
from biometric.errors.phrases import Phrase
from biometric.gallery.files import OPAQUE_ID
from biometric.gallery.manifest_stream import describe_place, refuse

FORMAT = "sightline-gallery"
VERSION = 1
MAX_DIMENSION = 65536
_MAX_INTEGER = 2**53


def _check_pattern(pattern: Any) -> AfterValidator:
    def check(text: str) -> str:
        if pattern.fullmatch(text) is None:
            raise ValueError
        return text

    return AfterValidator(check)


def _check_time(text: str) -> str:
    datetime.fromisoformat(text)
    return text


def _check_time_or_nothing(text: str) -> str:
    return _check_time(text) if text else ""


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


class ManifestEntry(BaseModel):
    """Any object of a gallery.json: exactly its keys, with values of exactly their types."""

    # hide_input_in_errors: what is wrong may be large, and is never shown.
    model_config = ConfigDict(strict=True, extra="forbid", hide_input_in_errors=True)


class HeaderEntry(ManifestEntry):
    """The first keys, before the identities."""

    format: _Text
    version: Annotated[int, Field(ge=VERSION, le=VERSION)]
    model_id: _Text
    dimension: Annotated[int, Field(ge=1, le=MAX_DIMENSION)]


class IdentityEntry(ManifestEntry):
    """An identity without its references."""

    id: _Id
    name: _Text
    created_at: _Time
    updated_at: _Time


class SampleEntry(ManifestEntry):
    """A sample; `embedding` becomes a (D,) float32 vector of unit length."""

    name: _CropName
    quality: Annotated[float, Field(gt=-_MAX_INTEGER, lt=_MAX_INTEGER, allow_inf_nan=False)]
    frame_index: _Count
    embedding: _Vector


class ReferenceEntry(ManifestEntry):
    """A biometric reference; `template` becomes a (D,) float32 vector of unit length."""

    id: _Id
    template: _Vector
    sample_count: Annotated[int, Field(ge=1, le=_MAX_INTEGER)]
    clip_digest: _Text
    clip_name: Annotated[str, Field(max_length=10_000), AfterValidator(_check_no_nul)]
    first_frame: _Count
    last_frame: _Count
    created_at: _Time
    camera: _Text = ""
    legal_basis: _Text = ""
    purpose: _Text = ""
    responsible: _Text = ""
    basis_note: _Text = ""
    basis_recorded_at: Annotated[str, Field(max_length=64), AfterValidator(_check_time_or_nothing)] = ""
    entry_point: _Text = ""
    samples: list[SampleEntry]


EntryType = TypeVar("EntryType", bound=ManifestEntry)


def check_entry(model: type[EntryType], place: tuple[int, ...], values: dict[str, Any], context: Any) -> EntryType:
    """Return an object of a gallery.json as an entry.

    Args:
        place: where it stands, for the message: see `describe_place`.
        context: {"dimension": D} for entries with vectors.

    Raises:
        ArchiveInvalid: it is not as an export writes it.
    """
    try:
        return model.model_validate(values, context=context)
    except ValidationError as error:
        location = error.errors(include_url=False, include_context=False, include_input=False)[0]["loc"]
        key = ".".join(str(segment) for segment in location)
        # A key that the file made up is not repeated in the message: it may be anything.
        known = location and location[0] in model.model_fields
        if known:
            what = Phrase("{key} is missing or not as an export writes it", key=key)
        else:
            what = Phrase("it has a key that exports do not have")
        refuse(Phrase("{place}: {what}", place=describe_place(place), what=what))
