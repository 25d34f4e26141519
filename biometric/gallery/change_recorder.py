"""Makes a change step by step and records each step, so that undoing is the same steps taken back in reverse.

A step is a list [action, row number, …] with what taking it back needs:

    identity_in N merged_into       came (new, or out of the trash)
    identity_out N                  went to the trash
    identity_set N {column: value}  former values
    reference_in N                  came (new, or out of the trash)
    reference_out N owner           went to the trash; whose it was
    owner N owner                   whose it was
    camera N camera                 its former camera
    template N count base64         the former template: number of samples, (D,) little-endian float32
    sample_in N                     came out of the trash
    sample_out N                    went to the trash
    thresholds N model since        which calibration (0: the model card) was in force, since when (None: never chosen)
    verdict_in N                    came (new, or out of the trash)
    verdict_out N                   went to the trash
    verdict_owner N owner           whom it was about
    grouped, group_…, groups_…      see `group_rows`

Taking a step back is itself such a step, so that an undoing can be undone.
"""

import base64
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from biometric.entities import ChangeKind, GalleryChange
from biometric.entities.audit import AuditValue
from biometric.errors import GalleryCorrupt, NameTaken, UndoRefused
from biometric.gallery import calibration_rows, group_rows, journal, retention_rows, rows, trash_rows, verdict_rows
from biometric.gallery.change_audit import record_change
from biometric.gallery.write_transaction import WriteTransaction


class ChangeRecorder:
    """One change under way inside a write transaction.

    Args:
        write: the transaction.
        kind: what is done.
        undoes: the change that is taken back.
        trash_change: the change in whose name things go to the trash; None: this one.
    """

    def __init__(
        self,
        write: WriteTransaction,
        kind: ChangeKind,
        *people: int,
        undoes: int | None = None,
        trash_change: int | None = None,
    ) -> None:
        self.db = write.db
        self.id = journal.insert_change(self.db, kind, write.now, write.expires, undoes)
        self.steps: journal.Steps = []
        self.now = write.now
        self._write = write
        self._details: dict[str, AuditValue] = {}
        self._trash_change = self.id if trash_change is None else trash_change
        self.add_people(*people)

    def add_people(self, *numbers: int) -> None:
        """Say whom the change concerns, as they are called now."""
        for number in numbers:
            journal.add_person(self.db, self.id, number)

    def note(self, **details: AuditValue) -> None:
        """Say what the audit record also holds: opaque ids and numbers, no names."""
        self._details |= details

    def finish(
        self, references: int, samples: int, *, can_be_undone: bool = True, gone: Iterable[str] = ()
    ) -> GalleryChange:
        """Store the steps, record the change in the audit trail and return it.

        Args:
            gone: ids of identities that it concerned and that are gone now.
        """
        journal.set_counts(self.db, self.id, references, samples)
        if can_be_undone:
            journal.set_steps(self.db, self.id, self.steps)
        change = journal.read_change(self.db, self.id)
        if change is None:
            raise GalleryCorrupt("The gallery's history lost a row. Restore its folder from a backup.")
        record_change(self._write, change, self.steps, gone, self._details)
        return change

    def abandon(self) -> None:
        """Forget a change that turned out to do nothing."""
        self.db.execute("DELETE FROM journal_people WHERE change = ?", [self.id])
        self.db.execute("DELETE FROM journal WHERE id = ?", [self.id])

    # --- identities ----------------------------------------------------------------------------------------------

    def add_identity(self, name: str) -> int:
        """Add an identity, which gets its references next; returns its row number."""
        number = rows.insert_identity(self.db, uuid4().hex, name, self.now, self.now)
        self.note_new_identity(number)
        return number

    def note_new_identity(self, number: int) -> None:
        """Record that an identity was added."""
        self.steps.append(["identity_in", number, None])

    def touch(self, number: int) -> None:
        """Say that an identity changed now."""
        self.update_identity(number, updated_at=self.now)

    def update_identity(self, number: int, **values: str | None) -> None:
        """Set columns of an identity."""
        names = ", ".join(values)
        row = self._row(f"SELECT {names} FROM identities WHERE number = ?", number)  # noqa: S608
        self.steps.append(["identity_set", number, dict(zip(values, row, strict=True))])
        self.db.table("identities").update(number, values)

    def trash_identity(self, number: int, merged_into: int | None = None) -> None:
        """Put an identity without references into the trash."""
        trash_rows.trash_identity(self.db, number, self._trash_change, merged_into)
        self.steps.append(["identity_out", number])

    def restore_identity(self, number: int) -> None:
        """Bring an identity back. Raises `NameTaken`, `UndoRefused`."""
        self._require_in_trash("identities", number)
        sql = "SELECT name, name_key, merged_into FROM trashed_identities WHERE number = ?"
        name, key, merged_into = self.db.execute(sql, [number]).fetchone()
        _require_free(self.db, name, key, number)
        trash_rows.restore_identity(self.db, number)
        self.steps.append(["identity_in", number, merged_into])

    # --- references and samples ----------------------------------------------------------------------------------

    def note_new_reference(self, number: int) -> None:
        """Record that a reference was added."""
        self.steps.append(["reference_in", number])

    def trash_reference(self, number: int) -> None:
        """Put a reference with its samples into the trash. Raises `OnLegalHold`."""
        retention_rows.require_no_hold(self.db, [self._owner(number)])
        self.steps.append(["reference_out", number, self._owner(number)])
        trash_rows.trash_reference(self.db, number, self._trash_change)

    def restore_reference(self, number: int, owner: int) -> None:
        """Bring a reference back to an identity. Raises `ModelMismatch`, `UndoRefused`."""
        self._require_in_trash("references", number)
        sql = "SELECT model_id, length(vector) FROM trashed_references WHERE number = ?"
        model_id, length = self.db.execute(sql, [number]).fetchone()
        rows.check_model(self.db, model_id, length // 4)
        trash_rows.restore_reference(self.db, number, owner)
        self.steps.append(["reference_in", number])

    def set_owner(self, number: int, owner: int) -> None:
        """Give a reference to another identity. Raises `OnLegalHold`: the former is held, and the other is not."""
        if not retention_rows.held_identities(self.db, [owner]):
            retention_rows.require_no_hold(self.db, [self._owner(number)])
        self.steps.append(["owner", number, self._owner(number)])
        self.db.execute("UPDATE biometric_references SET identity_number = ? WHERE number = ?", [owner, number])

    def set_template(self, number: int, vector: bytes, sample_count: int) -> None:
        """Replace a reference's template; `vector` as it is stored."""
        sql = "SELECT sample_count, vector FROM biometric_references WHERE number = ?"
        former_count, former = self._row(sql, number)
        self.steps.append(["template", number, former_count, base64.b64encode(former).decode("ascii")])
        self.db.execute(
            "UPDATE biometric_references SET vector = ?, sample_count = ? WHERE number = ?",
            [vector, sample_count, number],
        )

    def set_camera(self, number: int, camera: str) -> str:
        """Say which camera a reference was seen by; returns the former one."""
        former = str(self._row("SELECT camera FROM biometric_references WHERE number = ?", number)[0])
        self.steps.append(["camera", number, former])
        # The vector is set, too, so that indices that centre by camera take the reference for a changed one.
        sql = "UPDATE biometric_references SET camera = ?, vector = vector WHERE number = ?"
        self.db.execute(sql, [camera, number])
        return former

    def trash_sample(self, number: int) -> None:
        """Put a sample into the trash; its reference stays. Raises `OnLegalHold`."""
        [reference] = self._row("SELECT reference_number FROM samples WHERE number = ?", number)
        retention_rows.require_no_hold(self.db, [self._owner(reference)])
        trash_rows.trash_sample(self.db, number, self._trash_change, with_reference=False)
        self.steps.append(["sample_out", number])

    def restore_sample(self, number: int) -> None:
        """Bring a sample back to its reference. Raises `UndoRefused`."""
        self._require_in_trash("samples", number)
        trash_rows.restore_sample(self.db, number)
        self.steps.append(["sample_in", number])

    # --- thresholds ----------------------------------------------------------------------------------------------

    def set_thresholds(self, model_id: str, in_force: calibration_rows.InForce | None) -> None:
        """Put a calibration or the model card in force for a model."""
        former = calibration_rows.read_in_force(self.db, model_id)
        number, since = (None, None) if former is None else former
        calibration_rows.set_in_force(self.db, model_id, in_force)
        journal.mark_thresholds(self.db, self.id)
        self.steps.append(["thresholds", number or 0, model_id, since])

    # --- verdicts ------------------------------------------------------------------------------------------------

    def note_new_verdict(self, number: int) -> None:
        """Record that a verdict was added."""
        self.steps.append(["verdict_in", number])

    def trash_verdict(self, number: int) -> None:
        """Put a verdict into the trash. Raises `UndoRefused`: it is not there."""
        _require_verdict(verdict_rows.trash_verdict(self.db, number, self._trash_change))
        self.steps.append(["verdict_out", number])

    def restore_verdict(self, number: int) -> None:
        """Bring a verdict back. Raises `UndoRefused`."""
        _require_verdict(verdict_rows.restore_verdict(self.db, number))
        self.steps.append(["verdict_in", number])

    def set_verdict_owner(self, number: int, owner: int) -> None:
        """Let a verdict be about another identity; one that was deleted meanwhile is in nobody's way."""
        former = verdict_rows.set_owner(self.db, number, owner)
        if former is not None:
            self.steps.append(["verdict_owner", number, former])

    # --- undoing -------------------------------------------------------------------------------------------------

    def take_back(self, steps: journal.Steps) -> None:
        """Take steps back, the last one first. Raises `NameTaken`, `ModelMismatch`, `UndoRefused`."""
        for action, number, *values in reversed(steps):
            self._take_back(action, number, values)

    def _take_back(self, action: str, number: int, values: list[Any]) -> None:
        match action:
            case "identity_in":
                self.trash_identity(number, values[0])
            case "identity_out":
                self.restore_identity(number)
            case "identity_set":
                if "name_key" in values[0]:
                    _require_free(self.db, values[0]["name"], values[0]["name_key"], number)
                self.update_identity(number, **values[0])
            case "reference_in":
                self.trash_reference(number)
            case "reference_out":
                self.restore_reference(number, values[0])
            case "owner":
                self.set_owner(number, values[0])
            case "camera":
                self.set_camera(number, values[0])
            case "template":
                self.set_template(number, base64.b64decode(values[1]), values[0])
            case "sample_in":
                self.trash_sample(number)
            case "sample_out":
                self.restore_sample(number)
            case "thresholds":
                model_id, since = values
                self.set_thresholds(model_id, None if since is None else (number or None, since))
            case "verdict_in":
                self.trash_verdict(number)
            case "verdict_out":
                self.restore_verdict(number)
            case "verdict_owner":
                self.set_verdict_owner(number, values[0])
            case step if step in group_rows.STEPS:
                group_rows.take_back(self.db, self.steps, action, number, values)
            case _:
                raise GalleryCorrupt("The gallery's history cannot be read. Restore its folder from a backup.")

    def _owner(self, number: int) -> int:
        sql = "SELECT identity_number FROM biometric_references WHERE number = ?"
        return int(self._row(sql, number)[0])

    def _row(self, sql: str, number: int) -> Any:
        row = self.db.execute(sql, [number]).fetchone()
        if row is None:
            raise UndoRefused("What this change concerns is not there any more, so it cannot be undone.")
        return row

    def _require_in_trash(self, table: str, number: int) -> None:
        if not trash_rows.is_in_trash(self.db, table, number):
            raise UndoRefused("What this change removed is not in the trash any more, so it cannot be undone.")


def _require_verdict(was_there: bool) -> None:
    if not was_there:
        raise UndoRefused(
            "This verdict was replaced, withdrawn or deleted since. Undo that first, or give the verdict again."
        )


def _require_free(db: Any, name: str, key: str, number: int) -> None:
    if rows.number_by_key(db, key) not in (None, number):
        raise NameTaken(
            "Somebody else is called {name} now, so this cannot be undone. Give that person another name, then undo.",
            name=name,
        )
