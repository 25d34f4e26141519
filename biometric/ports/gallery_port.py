"""The store of enrolled people."""

from collections.abc import Generator
from pathlib import Path
from typing import Protocol

from biometric.entities import (
    AS_THEY_ARE,
    Adapting,
    BiometricReference,
    Calibration,
    Candidate,
    GalleryChange,
    Identity,
    ImportReport,
    KeptCohort,
    LearntAdaptation,
    NewReference,
    NewVerdict,
    Progress,
    RecordedVerdict,
    ScoreAdaptation,
    StoredEnrollment,
    Template,
    TrashItem,
    Verdict,
)
from biometric.entities.calibration_footage import StoredCalibration
from biometric.entities.exports import ImportPreview
from biometric.ports.audit_port import AuditTrail
from biometric.ports.backup_port import GalleryBackups
from biometric.ports.erasing_port import ErasingGallery
from biometric.ports.group_port import SightingGroups
from biometric.ports.life_cycle_port import LifeCycle
from biometric.ports.sightings_port import SightingStore

ANY_OWNER = "*"
"""For `Gallery.enroll`: whoever has the name gets the reference, without asking. No identity has this id."""


class Gallery(ErasingGallery, LifeCycle, Protocol):
    """The store of identities and references (adapter: `gallery/repository.py`); the database is authoritative."""

    @property
    def folder(self) -> Path:
        """The gallery's folder."""

    @property
    def backups(self) -> GalleryBackups:
        """What writes and restores backups of it."""

    @property
    def audit(self) -> AuditTrail:
        """Who did what in it; changes record themselves."""

    @property
    def sightings(self) -> SightingStore:
        """Who was seen in kept footage."""

    @property
    def groups(self) -> SightingGroups:
        """Who of the unknown people seen is one person."""

    def is_empty(self) -> bool:
        """Whether nobody is enrolled."""

    def size(self) -> int:
        """Number of identities."""

    def reference_count(self) -> int:
        """Number of biometric references of all identities."""

    def identities(self) -> list[Identity]:
        """All identities, by name (case-insensitive)."""

    def find(self, name: str) -> Identity:
        """The identity of that name, compared by `name_key`. Raises `UnknownIdentity`, naming close ones."""

    def references(self, identity_id: str) -> list[BiometricReference]:
        """All references of an identity, oldest first. Raises `UnknownIdentity`."""

    def cameras(self) -> list[str]:
        """The names of the cameras by which references were seen, in order; the unknown one is left out."""

    def revision(self) -> str:
        """An opaque text that differs after any change, also by another process or a restored backup; cheap.

        "" when there is no gallery yet. For pages that ask every few seconds whether they show the present state.
        """

    # Changes. Each is one transaction and one line of the history. What it takes away goes to the trash for
    # `SIGHTLINE_TRASH_DAYS` and is neither searched nor counted, listed, exported or calibrated with meanwhile.

    def enroll(self, name: str, reference: NewReference, *, owner: str | None = ANY_OWNER) -> StoredEnrollment:
        """Store a reference under a name, in one transaction with its files.

        Args:
            owner: id of the identity that has the name, None where nobody has it; checked in the transaction.

        Raises:
            NameTaken: somebody else than `owner` has the name.
            UnknownIdentity: nobody has the name any more.
            BasisMissing: the reference has no basis, and the gallery no default.
            ModelMismatch: the gallery holds templates of another model.
        """

    def rename(self, identity_id: str, name: str) -> GalleryChange:
        """Give an identity another name. Raises `UnknownIdentity`, `NameTaken`."""

    def merge(self, source_id: str, target_id: str) -> GalleryChange:
        """Move all references of `source` to `target`; `source` goes to the trash. Raises `UnknownIdentity`."""

    def remove(self, identity_id: str) -> GalleryChange:
        """Put an identity with all references into the trash. Raises `UnknownIdentity`."""

    def remove_reference(self, reference_id: str) -> GalleryChange:
        """Put one reference into the trash, and its identity where that was the last one. Raises `UnknownReference`."""

    def remove_sample(self, reference_id: str, sample: str) -> GalleryChange:
        """Put one sample (its `NumFrame_BB.jpg`) into the trash; the template is pooled anew from those that remain.

        With its last sample the reference goes, too, and with its last reference the identity.

        Raises:
            UnknownReference: there is no such reference or sample.
        """

    def move_reference(
        self, reference_id: str, identity_id: str | None = None, *, new_name: str | None = None
    ) -> GalleryChange:
        """Give a reference to another identity: one that is there, or a new one of the name `new_name`.

        An identity that loses its last reference goes to the trash.

        Raises:
            UnknownReference, UnknownIdentity: one of them is not there.
            NameTaken: somebody is called `new_name` already.
            InvalidInput: not exactly one of both is given, or the reference is theirs already.
        """

    def set_cover(self, identity_id: str, reference_id: str, sample: str) -> GalleryChange:
        """Let a sample's crop stand for an identity as its `Identity.thumbnail`, else the best of the oldest reference.

        Raises:
            UnknownIdentity, UnknownReference: there is no such identity, or no such sample of it.
        """

    def set_camera(self, reference_id: str, camera: str) -> GalleryChange:
        """Say which camera a reference was seen by; "" for the unknown one.

        Raises:
            UnknownReference: there is no such reference.
            InvalidCamera: the name cannot be used.
            InvalidInput: the reference has that camera already.
        """

    def undo(self, change_id: int | None = None) -> GalleryChange:
        """Take a change back: everything is as before it. None: the latest that can be taken back.

        Undoing an enrollment puts it into the trash. The result is of kind `undone`, and undoing that one makes the
        change again (kind `redone`).

        Raises:
            UndoRefused: there is no such change, it is undone, expired or no kind that can be undone, or a later
                change of the same people still stands (`blocked_by`).
            NameTaken: somebody else has the name that would come back.
            ModelMismatch: meanwhile the gallery holds templates of another model.
        """

    def changes(self, limit: int = 100) -> list[GalleryChange]:
        """The history, newest first, each with whether it can still be undone."""

    def trash(self) -> list[TrashItem]:
        """What is in the trash, by the change that put it there, newest first."""

    def find_in_trash(self, name: str) -> list[str]:
        """The ids of people of that name in the trash, compared by `name_key`, the latest first; for `erase`."""

    def save_verdict(self, verdict: NewVerdict) -> RecordedVerdict:
        """Store what somebody said of a comparison; an earlier verdict on the same one goes to the trash.

        Raises:
            UnknownIdentity: the identity was removed meanwhile.
            ModelMismatch: the gallery holds templates of another model.
        """

    def remove_verdict(self, verdict_id: int) -> GalleryChange:
        """Put a verdict into the trash. Raises `UnknownVerdict`."""

    def verdicts(self) -> list[Verdict]:
        """The verdicts about everybody enrolled, the latest first. Exports do not hold them."""

    def search(self, template: Template, count: int, adapting: Adapting = AS_THEY_ARE) -> list[Candidate]:
        """The `count` best identities, exact, highest score first; [] when empty. Expired references are left out.

        Args:
            adapting: the adaptation that scores are made with, and the probe's camera; of a reference it is its clip's.

        Raises:
            ModelMismatch: the gallery holds templates of another model.
            GalleryCorrupt: what that adaptation needs is not in this gallery.
            CohortGone: that is a cohort, which has expired or was deleted.
        """

    def load_search(self, adapting: Adapting = AS_THEY_ARE) -> Generator[Progress, None, None]:
        """Read into memory what a search with that adaptation needs, which the first search does otherwise.

        Raises `GalleryCorrupt`, as of `search`.
        """

    def scores(self, template: Template, identity_id: str, adapting: Adapting = AS_THEY_ARE) -> list[tuple[str, float]]:
        """(reference id, comparison score) of one identity's references, best first; arguments as of `search`.

        Raises:
            ModelMismatch, GalleryCorrupt, CohortGone: as of `search`.
        """

    def learnt(self, adaptation: ScoreAdaptation) -> LearntAdaptation | None:
        """What a calibration of this gallery learnt for an adaptation; None for scores as they are.

        Raises:
            GalleryCorrupt: it is not in this gallery.
            CohortGone: that is a cohort, which has expired or was deleted.
        """

    def is_kept(self, adaptation: ScoreAdaptation) -> bool:
        """Whether scores of an adaptation can be made: a cohort expires, or is deleted."""

    def cohorts(self) -> list[KeptCohort]:
        """The cohorts of strangers that are kept, the one that expires last first."""

    def delete_cohorts(self) -> GalleryChange:
        """Delete all cohorts at once and for good. Raises `InvalidInput`: none is kept."""

    def export(self, destination: Path, *, passphrase: str | None = None) -> Path:
        """Write the whole gallery as one signed file, from one consistent snapshot, atomically.

        Args:
            passphrase: encrypts it. Raises `InvalidInput`: too short.
        """

    def sweep_copies(self) -> None:
        """Remove what killed processes left of copies of the gallery, also where backups and exports were written."""

    def preview_import(self, archive: Path, *, passphrase: str | None = None) -> ImportPreview:
        """What importing an export would do, and who signed it. Raises as `import_`, but `AttachRefused`."""

    def import_(
        self,
        archive: Path,
        *,
        resurrect: bool = False,
        attach: bool = False,
        separate: bool = False,
        passphrase: str | None = None,
    ) -> ImportReport:
        """Add an export's identities and references; all or nothing. Raises `ArchiveInvalid`, `ModelMismatch`.

        Args:
            resurrect: also those that were deleted here for good, which are left out otherwise.
            attach: people who are here already get references that are not here; else `AttachRefused` is raised.
            separate: such references become people of their own instead.
            passphrase: opens an encrypted file; else `WrongPassphrase` is raised.
        """

    def check_model(self, model_id: str) -> None:
        """Raise `ModelMismatch`, naming both models and what to do, unless empty or of that model."""

    def calibration(self, model_id: str) -> Calibration | None:
        """The calibration in force for that model, or None where the model card's thresholds are."""

    def calibrations(self, limit: int = 100) -> list[StoredCalibration]:
        """The latest calibrations of all models, newest first; a damaged one without its contents."""

    def save_calibration(self, calibration: Calibration, learnt: LearntAdaptation | None = None) -> GalleryChange:
        """Store a calibration and put it in force for its model.

        Args:
            learnt: what its scores are adapted with, if they are; a cohort is kept until it expires.

        Raises:
            ModelMismatch: the gallery holds templates of another model.
        """

    def use_calibration(self, number: int | None, model_id: str) -> GalleryChange:
        """Put an earlier calibration of that model in force again, or the model card's thresholds (None).

        Raises:
            CalibrationUnusable: there is no such calibration, it is of another model, damaged, or in force already.
            ModelMismatch: the gallery holds templates of another model.
        """

    def close(self) -> None:
        """Release the database."""
