"""The format of an export's gallery.json: how records become JSON, and the check of JSON from any source.

Version 1: {"format", "version", "model_id", "dimension", "identities": [{"id", "name", "created_at", "updated_at",
"references": [{"id", "template", "sample_count", "clip_digest", "clip_name", "first_frame", "last_frame",
"created_at", "camera", "legal_basis", "purpose", "responsible", "basis_note", "basis_recorded_at", "entry_point",
"samples": [{"name", "quality", "frame_index", "embedding"}]}]}]}. `template` and `embedding`
are base64 of D little-endian float32 numbers. Times are ISO 8601. No other keys, each key once; "camera" is left out
where it is unknown, and the six keys of the basis where none was recorded, so that earlier versions can read the file.
"""

import base64
import json
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from biometric.entities import Template, Vector, clean_camera, clean_label, clean_name
from biometric.errors import InvalidCamera, InvalidName
from biometric.errors.phrases import Phrase
from biometric.gallery.manifest_basis import basis_to_json, read_basis
from biometric.gallery.manifest_schema import (
    FORMAT,
    VERSION,
    HeaderEntry,
    IdentityEntry,
    ReferenceEntry,
    check_entry,
)
from biometric.gallery.manifest_stream import LISTS, describe_place, read_elements, refuse
from biometric.gallery.records import IdentityRecord, ReferenceRecord, SampleRecord


class TakesBytes(Protocol):
    """What a manifest is written to."""

    def write(self, data: bytes, /) -> int:
        """Take bytes."""


Read = Callable[[int], bytes]
"""Returns up to so many of a file's next bytes, none at its end."""


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
            # Version 0.1 took names that differ in invisible characters for two; importing gives one of them a number.
            _add_once(keys, unicodedata.normalize("NFC", identity.name.casefold()), "name")
            if not references:
                refuse(Phrase("{place} has no references", place=describe_place(place)))
            identities.append(identity)
            references = 0
    if not identities:
        refuse(Phrase("it holds no identities"))
    for unexpected in sorted(unlisted):
        refuse(Phrase("{unexpected!r:.120} is not announced in gallery.json", unexpected=unexpected))
    return ManifestSummary(header.model_id, header.dimension, tuple(identities))


def read_references(
    open_manifest: Callable[[], Read], summary: ManifestSummary, max_samples: int
) -> Iterator[tuple[IdentityRecord, ReferenceRecord]]:
    """Yield each reference with its identity, one at a time. Raises `ArchiveInvalid`."""
    for place, values in read_elements(open_manifest(), max_samples):
        if len(place) == 2:
            if place[0] >= len(summary.identities):
                refuse(Phrase("it was changed while it was read"))
            yield summary.identities[place[0]], _reference(place, values, summary)


def write_manifest(
    file: TakesBytes,
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


def _read_header(read: Read, max_samples: int) -> HeaderEntry:
    values: dict[str, Any] = {}
    for place, values in read_elements(read, max_samples):
        if not place and set(values) >= set(HeaderEntry.model_fields):
            break  # exports write it first
    if values.get("format") != FORMAT:
        refuse(Phrase("gallery.json does not describe a gallery"))
    version = values.get("version")
    if isinstance(version, int) and not isinstance(version, bool) and version != VERSION:
        refuse(
            Phrase(
                "it has format version {version}, and this Sightline reads version {version_2}",
                version=version,
                version_2=VERSION,
            )
        )
    return check_entry(HeaderEntry, (), values, None)


def _identity(place: tuple[int, ...], values: dict[str, Any]) -> IdentityRecord:
    checked = check_entry(IdentityEntry, place, values, None)
    try:
        name = clean_name(checked.name)
    except InvalidName as error:
        refuse(f"{describe_place(place)}: {error}".rstrip("."))
    return IdentityRecord(checked.id, name, checked.created_at, checked.updated_at)


def _reference(
    place: tuple[int, ...], values: dict[str, Any], header: HeaderEntry | ManifestSummary
) -> ReferenceRecord:
    checked = check_entry(ReferenceEntry, place, values, {"dimension": header.dimension})
    if checked.last_frame < checked.first_frame:
        refuse(Phrase("{place}: last_frame is not as an export writes it", place=describe_place(place)))
    try:
        camera = clean_camera(checked.camera)
    except InvalidCamera as error:
        refuse(f"{describe_place(place)}: {error}".rstrip("."))
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
        camera=camera,
        basis=read_basis(checked, describe_place(place)),
    )


def _add_once(values: set[str], value: str, what: str) -> None:
    if value in values:
        refuse(Phrase("gallery.json holds one {what} twice", what=what))
    values.add(value)


def _require_crops(unlisted: set[str], reference: ReferenceRecord) -> None:
    for sample in reference.samples:
        crop = f"{reference.id}/{sample.name}"
        if crop not in unlisted:
            refuse(Phrase("the picture {crop} is missing", crop=crop))
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
        **({"camera": reference.camera} if reference.camera else {}),
        **basis_to_json(reference.basis),
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
