"""The part of a gallery that knows on what basis people are enrolled, and for how long."""

from datetime import timedelta
from pathlib import Path
from typing import Protocol

from biometric.entities import EnrollmentBasis, GalleryChange, PersonLifetime, PurgeReport, Retention


class LifeCycle(Protocol):
    """Basis and retention of a gallery (adapter: `gallery/life_cycle_keeping.py`).

    Of a reference, both times count from when it was enrolled: until the first it is matched with, until the second it
    is kept. A legal hold keeps everything of a person, but lets nothing match that has expired.
    """

    def default_basis(self) -> EnrollmentBasis | None:
        """What enrollments without a basis of their own are recorded with; None: they are refused."""

    def set_default_basis(self, basis: EnrollmentBasis | None) -> GalleryChange:
        """Say what enrollments without a basis of their own are recorded with; None: they are refused again."""

    def retention(self) -> Retention:
        """How long references of everybody for whom nothing else was set are matched with and kept."""

    def set_retention(self, retention: Retention | None, identity_id: str | None = None) -> GalleryChange:
        """Set that for everybody, or for one identity (None: as everybody); what is overdue by that stays for a day.

        Raises:
            UnknownIdentity: there is no such identity.
            InvalidInput: None for everybody.
        """

    def preview_retention(self, retention: Retention | None, identity_id: str | None = None) -> list[PersonLifetime]:
        """What `lifetimes` would say after `set_retention` with these arguments; nothing is changed.

        Raises:
            UnknownIdentity: there is no such identity.
            InvalidInput: None for everybody.
        """

    def hold(self, identity_id: str, reason: str = "") -> GalleryChange:
        """Put an identity under a legal hold: until `release`, nothing of it is deleted or removed.

        Raises:
            UnknownIdentity: there is no such identity.
            InvalidInput: the reason cannot be used, or the identity is held already.
        """

    def release(self, identity_id: str) -> GalleryChange:
        """End an identity's legal hold; what is overdue stays for a day. Raises `UnknownIdentity`, `InvalidInput`."""

    def lifetimes(self) -> list[PersonLifetime]:
        """Until when the references of everybody enrolled are matched with and kept, by name."""

    def count_expired_people(self) -> int:
        """How many people are enrolled with whom nothing is compared, because all their references have expired."""

    def mark_purges_shown(self) -> bool:
        """Say that people saw what `lifetimes` says, which what an earlier version or an import brought waits for.

        It goes seven days later. Returns whether anything waited.
        """

    def purge_results(self, folder: Path, keep: timedelta) -> int:
        """Delete files of identifications below a folder that are older than `keep` and as they were written.

        Returns how many. Files that are not in the register stay.
        """

    def purge_overdue(self) -> PurgeReport:
        """Delete for good the references that were kept long enough, with people of whom nothing is left."""
