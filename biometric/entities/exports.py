"""Who signed an export, and what importing it would do."""

from dataclasses import dataclass, field
from enum import StrEnum


class SignerKind(StrEnum):
    """What is known of whoever signed an export. The values stand in JSON."""

    UNSIGNED = "unsigned"
    OWN = "own"
    KNOWN = "known"
    UNKNOWN = "unknown"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class ExportSigner:
    """Who signed an export; the signature itself is valid, else the file is refused.

    Attributes:
        kind: OWN: this gallery; KNOWN: one whose export was imported before; CHANGED: one that is known with another
            key; UNKNOWN: neither.
        public_key: 64 hexadecimal digits, "" where it is not signed.
        gallery: id of the gallery that it says it is from.
        time: when it says it was written, ISO 8601, UTC.
    """

    kind: SignerKind
    public_key: str = ""
    gallery: str = ""
    time: str = ""


UNSIGNED = ExportSigner(SignerKind.UNSIGNED)
"""Of a file that nobody signed."""


@dataclass(frozen=True, slots=True)
class ImportPreview:
    """What importing an export would do.

    Attributes:
        signer: who signed it.
        encrypted: whether it is encrypted.
        identities, references: how many would be added, without the following.
        attaching: names of people who are here, or in the trash, that would get references which are not here, and
            how many: whoever made the file decides then who is taken for them.
        from_trash: names of people who would come out of the trash.
        erased, erased_references: people who were erased here, and their references: left out unless somebody says so.
        already_there: references that are here.
        differing: how many of these have another template in the file; those here stay.
    """

    signer: ExportSigner
    encrypted: bool = False
    identities: int = 0
    references: int = 0
    attaching: tuple[tuple[str, int], ...] = field(default=())
    from_trash: tuple[str, ...] = ()
    erased: int = 0
    erased_references: int = 0
    already_there: int = 0
    differing: int = 0
