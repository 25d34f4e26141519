"""Who is enrolled: identities and biometric references as they are stored, and what goes into a gallery."""

import math
import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from biometric.entities.exports import UNSIGNED, ExportSigner
from biometric.entities.footage import Vector
from biometric.entities.life_cycle import NOTHING_GIVEN, BasisRecord, GivenBasis
from biometric.entities.people import Template

CROP_NAME = re.compile(r"[0-9]{8,12}_[0-9]{2,6}\.jpg", re.ASCII)
"""File name of a crop, `NumFrame_BB.jpg`: at least eight digits of frame, two of box (see `Detection.crop_name`)."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody enrolled.

    Attributes:
        id: opaque, 32 hexadecimal digits; also the name of the folder that holds the crops.
        name: as shown to people, NFC.
        reference_count: number of biometric references.
        sample_count: number of samples over all references.
        created_at, updated_at: ISO 8601, UTC.
        thumbnail: the chosen cover, else the best crop of the oldest reference; None where it is not on disk.

    Example:
        >>> [identity.name for identity in service.identities()]
        ['Ada Lovelace']
    """

    id: str
    name: str
    reference_count: int
    sample_count: int
    created_at: str
    updated_at: str
    thumbnail: Path | None = None


@dataclass(frozen=True, slots=True)
class BiometricReference:
    """A stored template with where it came from.

    `crops` are the kept samples' files, in frame order; `camera` is "" for the unknown one. `basis` is None where none
    was recorded. After `match_until` nobody is compared with it, and after `keep_until` it is deleted; both ISO 8601.

    Example:
        >>> (identity,) = service.identities()
        >>> service.references(identity)[0].clip_name
        'visit-1-beige-coat.mp4'
    """

    id: str
    identity_id: str
    template: Template
    clip_digest: str
    clip_name: str
    first_frame: int
    last_frame: int
    created_at: str
    crops: tuple[Path, ...]
    best_crop: Path | None = None
    camera: str = ""
    basis: BasisRecord | None = None
    match_until: str = ""
    keep_until: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An identity as an answer to a probe: its score is its best reference's. `rank` counts from 1.

    Example:
        >>> (person,) = service.identify(observed)
        >>> [(candidate.rank, candidate.identity.name) for candidate in person.candidates]
        [(1, 'Ada Lovelace')]
    """

    identity: Identity
    score: float
    rank: int
    reference_id: str


@dataclass(frozen=True, slots=True)
class NewSample:
    """A kept sample that is to be stored in a gallery.

    Attributes:
        name: its `NumFrame_BB.jpg`.
        source: the crop's file, which is copied.
        quality: finite, higher is better.
        frame_index: 0-based.
        embedding: (D,) unit float32.

    Raises:
        ValueError: a value is not as described.
    """

    name: str
    source: Path
    quality: float
    frame_index: int
    embedding: Vector = field(compare=False, repr=False)

    def __post_init__(self) -> None:
        if CROP_NAME.fullmatch(self.name) is None:
            raise ValueError(f"expected a crop named NumFrame_BB.jpg, got {self.name!r}")
        if not math.isfinite(self.quality):
            raise ValueError(f"expected a finite quality, got {self.quality}")
        if self.frame_index < 0:
            raise ValueError(f"expected a frame of 0 or more, got {self.frame_index}")
        if self.embedding.ndim != 1 or not abs(float(np.linalg.norm(self.embedding)) - 1.0) < 1e-3:  # false for NaN
            raise ValueError(f"expected an embedding of shape (D,) and unit length, got {self.embedding!r:.200}")


@dataclass(frozen=True, slots=True)
class NewReference:
    """A biometric reference that is to be stored in a gallery; frames are 0-based and inclusive.

    `camera` is a name as `clean_camera` returns it, "" for the unknown one; `given` is the basis of the enrollment.

    Raises:
        ValueError: embeddings of another dimension than the template's, one crop name twice, or frames reversed.
    """

    template: Template
    samples: tuple[NewSample, ...]
    clip_digest: str
    clip_name: str
    first_frame: int
    last_frame: int
    camera: str = ""
    given: GivenBasis = NOTHING_GIVEN

    def __post_init__(self) -> None:
        names = [sample.name for sample in self.samples]
        if len(set(names)) != len(names):
            raise ValueError(f"expected each crop name once, got {names}")
        shape = self.template.vector.shape
        if any(sample.embedding.shape != shape for sample in self.samples):
            raise ValueError(f"expected embeddings of the template's shape {shape}")
        if not 0 <= self.first_frame <= self.last_frame:
            raise ValueError(f"expected 0 <= first frame <= last, got {self.first_frame} and {self.last_frame}")


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did.

    Attributes:
        identities, references: how many were added.
        already_there: references that the gallery held before.
        renamed: pairs (name in the file, name given here), where a name was taken.
        left_out_people, left_out_references: how many were left out, because they were deleted here for good.
        attached: names of people who were here and got references.
        signer: who signed the file.
        change_id: of the line in the gallery's history, by which it can be undone; None when nothing was added.
        without_basis, expired: how many of the added references have no recorded basis, and are not matched with any
            more.
    """

    identities: int
    references: int
    already_there: int
    renamed: tuple[tuple[str, str], ...] = ()
    left_out_people: int = 0
    left_out_references: int = 0
    attached: tuple[str, ...] = ()
    signer: ExportSigner = UNSIGNED
    change_id: int | None = field(default=None, compare=False)
    without_basis: int = 0
    expired: int = 0
