"""The `Dataset` that all readers return, and the checks that they share."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from biometric.errors import DatasetInvalid
from biometric.evaluation.comparisons import DISTRACTOR, JUNK

PICTURE_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"}
"""Pictures; other files of a data set (`Thumbs.db`, lists, read-me files) are passed over."""

Role = Literal["probe", "reference", "both"]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a picture lies: a file, or the object `inside` an HDF5 file."""

    path: Path
    inside: str = ""

    def __str__(self) -> str:
        return f"{self.path}{self.inside and f' ({self.inside})'}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One picture as a reader found it. `person` None is junk, "" nobody in particular (a distractor)."""

    source: Source
    person: str | None
    camera: str
    role: Role = "both"


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
    """Pictures with person, camera and side.

    Attributes:
        name, protocol: for people, such as "Market-1501" and "standard".
        sources: N pictures.
        identities: (N,) int64, index into `people`, or `JUNK`, `DISTRACTOR`.
        cameras: (N,) int64.
        probes, references: (P,), (G,) int64, indices of the pictures of each side.
        people: names of people as in the data set.
        single_shot: rank one random reference a person (CUHK03's first protocol).
        notes: what the reader of the figures should know, in whole sentences.
    """

    name: str
    protocol: str
    sources: tuple[Source, ...]
    identities: NDArray[np.int64]
    cameras: NDArray[np.int64]
    probes: NDArray[np.int64]
    references: NDArray[np.int64]
    people: tuple[str, ...]
    single_shot: bool = False
    notes: tuple[str, ...] = field(default=())

    @property
    def symmetric(self) -> bool:
        """Whether every picture is probe and reference."""
        return np.array_equal(self.probes, self.references)

    def description(self) -> dict[str, int]:
        """Counts for people: pictures, people, cameras, probes, references, junk, distractors."""
        return {
            "pictures": len(self.sources),
            "people": len(np.unique(self.identities[self.identities >= 0])),
            "cameras": len(np.unique(self.cameras)),
            "probes": len(self.probes),
            "references": len(self.references),
            "junk": int((self.identities == JUNK).sum()),
            "distractors": int((self.identities == DISTRACTOR).sum()),
        }


def assemble(
    name: str, protocol: str, entries: Iterable[Entry], single_shot: bool = False, notes: Sequence[str] = ()
) -> Dataset:
    """Number people and cameras (in the order of their names) and split the sides."""
    listed = list(entries)
    people = sorted({entry.person for entry in listed if entry.person})
    cameras = {camera: number for number, camera in enumerate(sorted({entry.camera for entry in listed}))}
    numbers: dict[str | None, int] = {person: number for number, person in enumerate(people)}
    numbers.update({None: JUNK, "": DISTRACTOR})
    sides = [
        np.array([index for index, entry in enumerate(listed) if entry.role in (role, "both")], np.int64)
        for role in ("probe", "reference")
    ]
    return Dataset(
        name,
        protocol,
        tuple(entry.source for entry in listed),
        np.array([numbers[entry.person] for entry in listed], np.int64),
        np.array([cameras[entry.camera] for entry in listed], np.int64),
        sides[0],
        sides[1],
        tuple(people),
        single_shot,
        tuple(notes),
    )


def invalid(path: Path, problem: str, layout: str) -> DatasetInvalid:
    """Return the error for a bad path."""
    return DatasetInvalid(f"{path} {problem}. Expected layout: {layout}")


def folder(path: Path, layout: str) -> Path:
    """Return a folder that is there, or raise `DatasetInvalid`."""
    if not path.is_dir():
        raise invalid(path, "is not a folder" if path.exists() else "does not exist", layout)
    return path


def file(path: Path, layout: str) -> Path:
    """Return a file that is there, or raise `DatasetInvalid`."""
    if not path.is_file():
        raise invalid(path, "is not a file" if path.exists() else "does not exist", layout)
    return path


def pictures(path: Path, layout: str) -> list[Path]:
    """Pictures directly in a folder, by name; raises `DatasetInvalid` where there is none."""
    files = sorted(candidate for candidate in folder(path, layout).iterdir() if is_picture(candidate))
    if not files:
        raise invalid(path, "holds no picture", layout)
    return files


def is_picture(path: Path) -> bool:
    """Whether a path is a picture by its name; hidden files (macOS leaves `._…` behind) are none."""
    return path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".") and path.is_file()
