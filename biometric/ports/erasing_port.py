"""The part of a gallery that deletes people for good, and knows what was written about them elsewhere."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Protocol

from biometric.entities import GalleryChange
from biometric.entities.erasure import Derivative, ErasureCertificate, NewDerivative, PersonTraces, UnreachedFile
from biometric.entities.subject_parts import SubjectPart


class ErasingGallery(Protocol):
    """Part of `Gallery` (adapter: `gallery/erasure_keeping.py`). Any method may raise the `GalleryError` family."""

    def empty_trash(self) -> GalleryChange:
        """Delete everything in the trash now, rows and crops; what needs it can no longer be undone.

        What the register has about people who go with it is deleted, too.
        """

    def erase(self, identity_id: str, by: str = "") -> GalleryChange:
        """Delete an identity, enrolled or in the trash, at once and for good.

        With it go its references, samples and crops, those of it in the trash, its names in the history, and the files
        of the register that name it. Tombstones keep an old export from bringing it back.

        Args:
            by: who does it, where somebody is signed in.

        Raises:
            UnknownIdentity: nobody here or in the trash has that id.
        """

    def record(self, derivative: NewDerivative) -> str | None:
        """Add files that were just written to the register; return the line's id, None when there is no gallery."""

    def record_copies(self, derivative_id: str, files: Mapping[Path, str]) -> None:
        """Add copies of files of a line: paths with the SHA-256 of their bytes."""

    def derivatives(self) -> list[Derivative]:
        """The whole register, oldest first."""

    def traces(self, identity_id: str) -> PersonTraces:
        """By what traces of an identity, enrolled or in the trash, are recognised. Raises `UnknownIdentity`."""

    def held_of_person(self, identity_id: str) -> SubjectPart:
        """Everything held about an identity, enrolled or in the trash, for that person. Raises `UnknownIdentity`.

        Other people are left out. Pictures are read when they are asked for.
        """

    def remaining(self, identity_id: str) -> str:
        """The id of whom an identity was merged into, directly or not; its own where that was not done.

        Raises `UnknownIdentity`: it is neither enrolled nor in the trash.
        """

    def require_erasable(self, identity_id: str) -> None:
        """Raise what `erase` would before it deletes anything: `UnknownIdentity`, `OnLegalHold`."""

    def erasures(self) -> list[ErasureCertificate]:
        """The certificates of all erasures, the latest first."""

    def erasure_of(self, identity_id: str) -> ErasureCertificate | None:
        """The certificate of the erasure that an identity went with; None where it is not known to be erased."""

    def save_erasure(self, certificate: ErasureCertificate) -> None:
        """Store a certificate in place of the one of its id."""

    def latest_erasure(self) -> int:
        """A number that rises with each erasure, 0 before the first; cheap."""

    def remains(self, certificate: ErasureCertificate, answered: Collection[str] = ()) -> Mapping[str, int]:
        """How many rows and files of the gallery are of somebody who was erased, by what they are; all 0 if none.

        The keys are "identities", "references", "templates", "pictures", "answers".

        Args:
            answered: identity ids that other places hold, such as answers that are kept.
        """

    def holding(self, needles: Collection[bytes], unread: list[Path]) -> list[Path]:
        """Files of the gallery that hold one of these byte strings, encrypted files as what they are opened.

        `unread` gets the files and folders that cannot be read.
        """

    def retry_deleting(self) -> list[UnreachedFile]:
        """Try again to delete what could not be deleted, and return what still cannot."""
