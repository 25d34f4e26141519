"""What the application writes about people outside the gallery's rows, and what erasing somebody leaves to say."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any


class DerivativeKind(StrEnum):
    """What was written about people; `messages` has words for each."""

    RESULTS = "results"
    """The files of an identification: crops, table, data, timeline, annotated clip, and copies for downloading."""
    REDACTED = "redacted"
    """A clip or photograph in which others are hidden; made to be kept, so no retention deletes it."""
    REPORT = "report"
    SUBJECT_REPORT = "subject_report"
    """All that is held about one person, for that person."""
    EXPORT = "export"
    BACKUP = "backup"

    @property
    def is_handed_out(self) -> bool:
        """Whether it is made to be kept elsewhere, and about others as well: erasing lists it and leaves it."""
        return self in (DerivativeKind.EXPORT, DerivativeKind.BACKUP)


class Unreached(StrEnum):
    """Why a file about somebody who was erased was not deleted."""

    HANDED_OUT = "handed_out"
    """It is an export or a backup, which holds others, too."""
    GONE = "gone"
    """It is not where it was written: deleted, or moved away."""
    CHANGED = "changed"
    """It is not what was written there."""
    REFUSED = "refused"
    """The system did not let it be deleted."""


@dataclass(frozen=True, slots=True)
class NewDerivative:
    """Files that were just written about people.

    Attributes:
        files: absolute paths with the SHA-256 of their bytes, each once.
        identity_ids: whom the files name.
        clip_digest: of the clip that they were made from; "" where there is none. Crops among the files have the
            names that they would have in the gallery, by which somebody who is enrolled later is found.
        everybody: they hold all who were enrolled then.
    """

    kind: DerivativeKind
    files: Mapping[Path, str]
    identity_ids: frozenset[str] = frozenset()
    clip_digest: str = ""
    everybody: bool = False


@dataclass(frozen=True, slots=True)
class Derivative:
    """One line of the register: what was written, when and where. `written_at` is ISO 8601, UTC."""

    id: str
    kind: DerivativeKind
    written_at: str
    files: Mapping[Path, str]
    everybody: bool


@dataclass(frozen=True, slots=True)
class UnreachedFile:
    """A file about somebody who was erased that was not deleted.

    Attributes:
        path: where it is, or was written; of one that is gone only the folder, since the name may hold a person's.
        digest: SHA-256 of what was written.
    """

    kind: DerivativeKind
    written_at: str
    why: Unreached
    path: str
    digest: str

    def as_dict(self) -> dict[str, str]:
        """Return it as JSON."""
        return {
            "kind": str(self.kind),
            "written_at": self.written_at,
            "why": str(self.why),
            "path": self.path,
            "sha256": self.digest,
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> "UnreachedFile":
        """Read what `as_dict` returned. Raises `ValueError`, `KeyError`."""
        texts = [str(stored[name]) for name in ("written_at", "path", "sha256")]
        return cls(DerivativeKind(stored["kind"]), texts[0], Unreached(stored["why"]), texts[1], texts[2])


FORMAT = "sightline-erasure"
VERSION = 1


@dataclass(frozen=True, slots=True)
class ErasureCertificate:
    """What was erased of one person, and what could not be. It holds neither a name nor a template.

    Attributes:
        id: 32 hexadecimal digits.
        gallery_id: of the gallery.
        erased_at: ISO 8601, UTC.
        by: who did it, where somebody was signed in.
        expired: nobody erased them; their time in the trash was over, or it was emptied.
        digests: keyed digests (HMAC-SHA-256 with a key of the gallery) by what they are of: "identity", "reference",
            "template" (each stored vector).
        pictures: SHA-256 of their crops.
        counts: how much was deleted, by what it is: "references", "samples", "files" …
        unreached: what was not deleted.
    """

    id: str
    gallery_id: str
    erased_at: str
    by: str = ""
    expired: bool = False
    digests: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    pictures: tuple[str, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    unreached: tuple[UnreachedFile, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "format": FORMAT,
            "version": VERSION,
            "id": self.id,
            "gallery": self.gallery_id,
            "erased_at": self.erased_at,
            "by": self.by,
            "expired": self.expired,
            "counts": dict(self.counts),
            "unreached": [file.as_dict() for file in self.unreached],
            "digests": {kind: list(values) for kind, values in self.digests.items()},
            "pictures_sha256": list(self.pictures),
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> "ErasureCertificate":
        """Read what `as_dict` returned. Raises `ValueError`, `KeyError`, `TypeError`, `AttributeError`."""
        if stored["format"] != FORMAT or stored["version"] != VERSION:
            raise ValueError(f"expected {FORMAT} of version {VERSION}")
        return cls(
            id=str(stored["id"]),
            gallery_id=str(stored["gallery"]),
            erased_at=str(stored["erased_at"]),
            by=str(stored["by"]),
            expired=bool(stored["expired"]),
            digests={str(kind): tuple(map(str, values)) for kind, values in stored["digests"].items()},
            pictures=tuple(map(str, stored["pictures_sha256"])),
            counts={str(what): int(count) for what, count in stored["counts"].items()},
            unreached=tuple(UnreachedFile.from_dict(file) for file in stored["unreached"]),
        )


@dataclass(frozen=True, slots=True)
class PersonTraces:
    """Where somebody is to be looked for outside the gallery, before they are erased.

    Attributes:
        identity_ids: theirs, and of those merged into them.
        names: that they have or had, as far as the history knows.
        references: how many they have.
        crops: names of their crops by the digest of the clip that they are from.
        pictures: size and SHA-256 of their crops' bytes.
        derivatives: what the register has about them.
    """

    identity_ids: tuple[str, ...]
    names: tuple[str, ...]
    references: int
    crops: Mapping[str, frozenset[str]]
    pictures: frozenset[tuple[int, str]]
    derivatives: tuple[Derivative, ...]
