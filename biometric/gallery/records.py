"""The gallery's records: the contents of its rows and of an export, and references that are about to be stored.

There is one shape for each state of a reference: `entities.NewReference` while it is made, `ReferenceRecord` as it is
stored and exported, and `entities.BiometricReference` as it is shown to callers.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from biometric.entities import (
    BasisRecord,
    EnrollmentBasis,
    NewReference,
    Template,
    Vector,
    clean_camera,
    clean_label,
)
from biometric.entities.audit import AuditValue
from biometric.entities.enrollment_basis import require_basis
from biometric.errors import InvalidInput

Clock = Callable[[], datetime]
"""Tells the time, with its zone."""


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
    camera: str = ""
    basis: BasisRecord | None = None


@dataclass(frozen=True, slots=True)
class IdentityRecord:
    """A stored identity, without its references: those of a large gallery need not fit into memory."""

    id: str
    name: str
    created_at: str
    updated_at: str


def current_time() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)


def stored_time(time: datetime) -> str:
    """Return a time as it is stored: ISO 8601, UTC, milliseconds. Two such texts compare as their times do."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds")


def make_record(reference: NewReference, created_at: str, default: EnrollmentBasis | None) -> ReferenceRecord:
    """Give a new reference its id, its time and its basis, else the gallery's default, so that it can be stored.

    Raises:
        BasisMissing: it has no basis, and neither has the gallery a default.
    """
    basis = require_basis(reference.given.basis or default)
    samples = tuple(
        SampleRecord(sample.name, sample.quality, sample.frame_index, sample.embedding) for sample in reference.samples
    )
    return ReferenceRecord(
        id=uuid4().hex,
        template=reference.template,
        clip_digest=reference.clip_digest,
        clip_name=clean_label(reference.clip_name),
        first_frame=reference.first_frame,
        last_frame=reference.last_frame,
        created_at=created_at,
        samples=samples,
        camera=clean_camera(reference.camera),
        basis=BasisRecord(basis, created_at, reference.given.entry_point),
    )


def read_crops(reference: NewReference) -> list[tuple[str, bytes]]:
    """Return name and JPEG of a new reference's crops. Raises `InvalidInput` when one is no longer on disk."""
    crops = []
    for sample in reference.samples:
        try:
            crops.append((sample.name, sample.source.read_bytes()))
        except FileNotFoundError as error:
            raise InvalidInput(
                "The picture {name} of this person is no longer on disk. Read the clip again, then enroll.",
                name=sample.name,
            ) from error
    return crops


def input_details(record: ReferenceRecord) -> dict[str, AuditValue]:
    """Return what an audit record says of footage that a reference is from: no name of it, which may be a person's."""
    return {
        "input": record.clip_digest,
        "frames": [record.first_frame, record.last_frame],
        "model": record.template.model_id,
        "reference": record.id,
        "basis": "" if record.basis is None else record.basis.basis.legal_basis.value,
    }
