"""What a backup of a gallery holds, and what restoring one did."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BackupReport:
    """A backup that was written and read back.

    Attributes:
        made_at: of the moment whose state it holds, ISO 8601, UTC.
        identities, references: how many are enrolled in it.
        files: how many files it has.
        probe_score: comparison score of a stored reference's template that was identified in what was read back; None
            where nobody is enrolled.
        encrypted: whether the gallery was, so that its key is needed to read the backup.
    """

    made_at: str
    identities: int
    references: int
    files: int
    probe_score: float | None
    encrypted: bool = False


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """A backup that was restored.

    Attributes:
        backup: what the backup holds.
        identities, references: how many are enrolled now.
        left_out: how many people and references were not brought back, because they were erased after the backup.
        replaced: whether there was a gallery, which is gone now.
        held: how many people are under a legal hold now, also by holds that are newer than the backup.
    """

    backup: BackupReport
    identities: int
    references: int
    left_out: int
    replaced: bool
    held: int = 0
