"""What the library keeps of one person: telling them, and forgetting it."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path

from biometric.entities import ObservedClip
from biometric.entities.subject_parts import SubjectItem, SubjectPart, SubjectPicture
from biometric.errors import KeptFootageError
from biometric.footage_store import forgetting, observation_files, subject_rows
from biometric.footage_store import library_rows as rows
from biometric.footage_store.library_database import translate_errors
from biometric.footage_store.library_transactions import LibraryTransactions


class PeopleKept:
    """The part of a library that knows what is kept of somebody."""

    def __init__(self, folder: Path, transactions: LibraryTransactions) -> None:
        self._folder = folder
        self._transactions = transactions
        self._files = transactions.files

    def forget_identity(self, identity_id: str) -> int:
        """Let kept answers no longer say who an identity is; return how many people it was."""
        with self._transactions.reading() as existing:
            if existing is None:
                return 0
        with self._transactions.writing() as (db, _):
            sql = "UPDATE answered_people SET identity_id = NULL, erased = 1 WHERE identity_id = ?"
            return int(db.execute(sql, [identity_id]).rowcount)

    def forget_person(self, identity_id: str, crops: Mapping[str, Collection[str]]) -> int:
        """Let kept answers and observations hold nothing that was measured of an identity: see `ports`."""
        with self._transactions.reading() as existing:
            if existing is None:
                return 0
        count = 0
        with self._transactions.writing() as (db, _), translate_errors(self._folder):
            for row in forgetting.observations_of(db, identity_id, list(crops)):
                folder = self._files.clip_folder(row["clip_id"]) / row["id"]
                try:
                    observed = self._observation(row["clip_id"], row["id"], row["file"], row["label"])
                except KeptFootageError:
                    continue  # it cannot be read, so nothing of it is used
                if forgetting.strip(folder, observed, json.loads(row["people"]), crops.get(row["digest"], ())):
                    count += 1  # what is left is no answer to whoever looks at the same frames again
                    db.execute("UPDATE observations SET made_with = '' WHERE number = ?", [row["number"]])
        self.forget_identity(identity_id)
        return count

    def answered_identities(self) -> set[str]:
        """Return the ids of all identities that kept answers are about."""
        with self._transactions.reading() as db:
            sql = "SELECT DISTINCT identity_id AS id FROM answered_people WHERE identity_id IS NOT NULL"
            return set() if db is None else {str(row["id"]) for row in rows.query(db, sql)}

    def held_of_person(self, identity_ids: Collection[str], crops: Mapping[str, Collection[str]]) -> SubjectPart:
        """Return what kept answers and observations hold of a person: see `ports.FootageLibrary`."""
        told: tuple[SubjectItem, ...] = ()
        items: list[SubjectItem] = []
        pictures: list[SubjectPicture] = []
        with self._transactions.reading() as db:
            if db is not None:
                told = tuple(subject_rows.answers(db, identity_ids))
                for row in subject_rows.rows_of(db, identity_ids, list(crops)):
                    try:
                        observed = self._observation(row["clip_id"], row["id"], row["file"], row["label"])
                    except KeptFootageError:
                        if json.loads(row["people"]):  # nothing of it is used, but it may be there
                            clip = {"clip_name": row["label"], "clip_sha256": row["digest"]}
                            items.append({**clip, "unreadable": True})
                        continue
                    for item, seen in subject_rows.measured(row, observed, crops.get(row["digest"], ())):
                        items.append(item)
                        pictures += seen
        return SubjectPart("", {"kept_answers": told, "kept_observations": tuple(items)}, tuple(pictures))

    def _observation(self, clip_id: str, observation_id: str, file: str, label: str) -> ObservedClip:
        folder = self._files.clip_folder(clip_id)
        path = folder / observation_id / observation_files.OBSERVATION_NAME
        return observation_files.read(path, folder / file, label)
