"""What was changed in a gallery, whether it can still be undone, and what the trash holds."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

from biometric.entities.enrolled import BiometricReference, Identity


class ChangeKind(StrEnum):
    """What a change of the gallery did; `messages` has a sentence for each."""

    ENROLLED = "enrolled"
    IMPORTED = "imported"
    REMOVED = "removed"
    REFERENCE_REMOVED = "reference_removed"
    SAMPLE_REMOVED = "sample_removed"
    REFERENCE_MOVED = "reference_moved"
    MERGED = "merged"
    RENAMED = "renamed"
    COVER_CHOSEN = "cover_chosen"
    CAMERA_NAMED = "camera_named"
    CALIBRATED = "calibrated"
    CALIBRATION_CHOSEN = "calibration_chosen"
    CARD_CHOSEN = "card_chosen"
    COHORT_DELETED = "cohort_deleted"
    VERDICT_CONFIRMED = "verdict_confirmed"
    VERDICT_WRONG = "verdict_wrong"
    VERDICT_UNDECIDED = "verdict_undecided"
    VERDICT_WITHDRAWN = "verdict_withdrawn"
    UNDONE = "undone"
    REDONE = "redone"
    BASIS_CHOSEN = "basis_chosen"
    RETENTION_SET = "retention_set"
    HELD = "held"
    RELEASED = "released"
    PURGED = "purged"
    ERASED = "erased"
    TRASH_EMPTIED = "trash_emptied"
    GROUPS_JOINED = "groups_joined"
    GROUP_SPLIT = "group_split"
    GROUP_IGNORED = "group_ignored"
    GROUP_NOTICED = "group_noticed"
    GROUP_NAMED = "group_named"

    @property
    def is_verdict(self) -> bool:
        """Whether it changed a verdict: that depends on no other change of the same people, nor they on it."""
        return self.value.startswith("verdict_")


@dataclass(frozen=True, slots=True)
class GalleryChange:
    """One line of a gallery's history.

    Attributes:
        id: rises with every change of the gallery; what `undo` takes.
        kind: what was done.
        when: ISO 8601, UTC.
        names: of the people concerned, as they were called then. `renamed`: former and new name; `merged` and
            `reference_moved`: from whom, to whom; `undone` and `redone`: of the change that was undone. Names of
            somebody who is neither enrolled nor in the trash are not kept.
        identity_ids: of the people concerned, each once, in the order of `names`.
        references, samples: how many it concerned.
        expires: until when it can be undone, ISO 8601, UTC; until then what it removed is in the trash. None: it
            cannot be undone (any more).
        undoes: id of the change that this one took back (`undone`) or that it made again (`redone`).
        undone_by: id of the change that took this one back, or None.
        blocked_by: id of the latest change that came after it, concerns one of the same people, or the thresholds in
            force as this one does, and still stands: it has to be undone first. None: nothing is in the way.

    Example:
        >>> change = service.remove(service.identities()[0])
        >>> change.kind.value, change.names, change.can_be_undone
        ('removed', ('Ada Lovelace',), True)
    """

    id: int
    kind: ChangeKind
    when: str
    names: tuple[str, ...]
    identity_ids: tuple[str, ...]
    references: int
    samples: int
    expires: str | None
    undoes: int | None = None
    undone_by: int | None = None
    blocked_by: int | None = None

    @property
    def can_be_undone(self) -> bool:
        """Whether `undo` takes it now, as far as names that were given to others meanwhile allow."""
        return self.expires is not None and self.undone_by is None and self.blocked_by is None


@dataclass(frozen=True, slots=True)
class TrashItem:
    """What one change put into the trash and is still there; undoing `change` brings it back.

    Attributes:
        change: names, and when the trash lets go of it (`expires`).
        references, samples: how many are in the trash because of it; samples of those references are counted, too.
        pictures: the best of their crops on disk, best first, at most eight.
    """

    change: GalleryChange
    references: int
    samples: int
    pictures: tuple[Path, ...]


class StoredEnrollment(NamedTuple):
    """What the gallery stored; `existed` says that the identity was there before and got another reference."""

    identity: Identity
    reference: BiometricReference
    existed: bool
    change: GalleryChange
