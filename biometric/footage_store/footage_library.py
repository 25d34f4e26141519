"""The library of kept footage in SQLite (sqlite-utils) and folders of files.

The database is authoritative; a folder without a row is not there. Beside this module: `library_transactions` (the
write path), `people_kept` (what is kept of one person), `library_database` (schema, opening, locking), `library_rows`
and `answer_rows` (SQL), `clip_files` (folders) and `observation_files` (what was seen).
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from sqlite_utils import Database

from biometric.entities import (
    AnswerKind,
    ClipSearch,
    KeptAnswer,
    KeptClip,
    KeptUsage,
    NewAnswer,
    NewFootage,
    ObservedClip,
    WantedObservation,
    clean_camera,
)
from biometric.errors import KeptFootageError, UnknownClip
from biometric.footage_store import answer_rows
from biometric.footage_store import library_rows as rows
from biometric.footage_store.clip_files import StagedFootage, clip_name, size_of
from biometric.footage_store.library_database import translate_errors
from biometric.footage_store.library_transactions import GONE, Clock, LibraryTransactions
from biometric.footage_store.people_kept import PeopleKept
from biometric.storage import make_private_folder, staged_folder
from biometric.storage.sqlite_files import BUSY_SECONDS


class SQLiteFootageLibrary(PeopleKept):
    """A `ports.FootageLibrary` in a folder. Several threads and processes may use one folder at a time.

    Nothing is created before the first clip is kept.

    Args:
        folder: the library's folder; need not exist.
        days: how long a clip is kept after its latest answer; 0: nothing is kept.
        max_bytes: how much is kept in all; the clips whose latest answers are oldest go first.
        busy_seconds: how long to wait for another process that is writing.
        clock: tells the time, with its zone.
    """

    def __init__(
        self,
        folder: Path,
        days: float,
        max_bytes: int,
        busy_seconds: float = BUSY_SECONDS,
        clock: Clock = lambda: datetime.now(UTC),
    ) -> None:
        super().__init__(folder, LibraryTransactions(folder, timedelta(days=days), busy_seconds, clock))
        self._days = days
        self._max_bytes = max_bytes

    @property
    def folder(self) -> Path:
        """The library's folder."""
        return self._folder

    @property
    def keeps_anything(self) -> bool:
        """Whether the settings let anything be kept."""
        return self._days > 0

    # --- what changes it -----------------------------------------------------------------------------------------

    def keep(self, footage: NewFootage, answer: NewAnswer, replaces: str | None = None) -> KeptAnswer | None:
        """Keep an answer with its observation and its clip: see `ports.FootageLibrary`."""
        if not self.keeps_anything:
            return None
        with translate_errors(self._folder):
            make_private_folder(self._folder)
            with staged_folder(self._folder) as folder:
                staged = StagedFootage(folder, footage)
                with self._transactions.reading() as db:
                    clip = None if db is None else rows.clip_of_digest(db, footage.observed.video.digest)
                # The work that takes time is done here, so that other processes need not wait for it.
                if clip is None:
                    staged.clip()
                staged.observation()
                try:
                    return self._place(staged, footage, answer, replaces)
                except BaseException:
                    self._transactions.try_sweeping()  # what was put in place for rows that are not there now
                    raise

    def _place(
        self, staged: StagedFootage, footage: NewFootage, answer: NewAnswer, replaces: str | None
    ) -> KeptAnswer | None:
        observed, now, answer_id = footage.observed, self._transactions.now(), answer.id or uuid4().hex
        with self._transactions.writing() as (db, removed):
            if answer.id and (kept := answer_rows.answer(db, answer.id)) is not None:
                return kept
            clip = rows.clip_of_digest(db, observed.video.digest)
            number = None if clip is None else clip["number"]
            known = None if number is None else rows.observation_number(db, number, staged.fingerprint)
            size = (size_of(staged.clip()) if clip is None else 0) + (
                size_of(staged.observation()) if known is None else 0
            )
            if (0 if clip is None else clip["size"]) + size > self._max_bytes:
                return None
            removed += rows.make_room(db, size, self._max_bytes, number)
            clip_id = uuid4().hex if clip is None else clip["id"]
            if number is None:
                number = rows.insert_clip(db, clip_id, clip_name(observed.path), observed, 0, now)
                self._files.place(staged.clip(), clip_id)
            elif observed.camera_given and replaces is None:
                rows.set_camera(db, number, observed.camera)
            if known is None:
                observation_id = uuid4().hex
                known = rows.insert_observation(
                    db, number, observation_id, staged.fingerprint, observed, footage.made_with
                )
                self._files.place(staged.observation(), clip_id, observation_id)
            rows.note_use(db, number, size, now)
            if replaces is not None:
                answer_rows.replace_answer(db, replaces, answer.kind, known)
            answer_rows.insert_answer(db, answer_id, known, answer, now)
            return answer_rows.answer(db, answer_id)

    def set_camera(self, clip_id: str, camera: str) -> KeptClip:
        """Write down which camera a clip is from; "" for none.

        Raises:
            UnknownClip: it is not there.
            InvalidCamera: the text cannot be used.
        """
        text = clean_camera(camera)
        with self._transactions.writing_existing() as (db, _):
            rows.set_camera(db, self._require(db, clip_id)["number"], text)
            return self._clips(db, [self._require(db, clip_id)])[0]

    def remove(self, clip_id: str) -> KeptClip:
        """Remove a clip with its observations and answers, at once and for good. Raises `UnknownClip`."""
        with self._transactions.writing_existing() as (db, removed):
            clip = self._clips(db, [self._require(db, clip_id)])[0]
            db.execute("DELETE FROM clips WHERE id = ?", [clip_id])
            removed.append(clip_id)
        return clip

    def sweep(self) -> int:
        """Remove what is expired or beyond the size limit, and what killed processes left; return how many clips."""
        return self._transactions.sweep(self._max_bytes)

    # --- what asks it --------------------------------------------------------------------------------------------

    def clips(self, search: ClipSearch) -> tuple[list[KeptClip], int]:
        """Return the clips of a search with all their answers, and how many there are without its limit."""
        with self._transactions.reading() as db:
            if db is None:
                return [], 0
            found, total = rows.search_clips(db, search, self._transactions.since())
            return self._clips(db, found), total

    def clip(self, clip_id: str) -> KeptClip:
        """Return one clip. Raises `UnknownClip`."""
        with self._transactions.reading() as db:
            if db is None:
                raise UnknownClip(GONE)
            return self._clips(db, [self._require(db, clip_id)])[0]

    def answers(
        self, kind: AnswerKind | None = None, limit: int = 100, offset: int = 0
    ) -> tuple[list[KeptAnswer], int]:
        """Return the history of all clips, newest first, and how many there are without the limit."""
        with self._transactions.reading() as db:
            if db is None:
                return [], 0
            return answer_rows.recent_answers(db, self._transactions.since(), kind, limit, offset)

    def observation(self, answer: KeptAnswer) -> ObservedClip:
        """Return the observation that an answer was decided on; nothing is decoded.

        Raises:
            UnknownClip: it is not there any more.
            KeptFootageCorrupt: it cannot be read.
        """
        with self._transactions.reading() as db:
            clip = self._require(db, answer.clip_id)
        return self._observation(clip["id"], answer.observation_id, clip["file"], clip["label"])

    def find_observation(self, wanted: WantedObservation) -> ObservedClip | None:
        """Return the observation of the same footage with the same models; None without a readable one."""
        with self._transactions.reading() as db:
            row = None if db is None else rows.matching_observation(db, wanted, self._transactions.since())
        if row is None:
            return None
        try:
            return self._observation(row["clip_id"], row["id"], row["file"], row["label"])
        except KeptFootageError:
            return None

    def camera_of(self, digest: str) -> str | None:
        """Return the camera of the clip whose file has that digest, "" for the unknown one; None without the clip."""
        with self._transactions.reading() as db:
            row = None if db is None else rows.clip_of_digest(db, digest)
            return None if row is None or row["used_at"] <= self._transactions.since() else str(row["camera"])

    def usage(self) -> KeptUsage:
        """Return how much is kept, and the limits."""
        with self._transactions.reading() as db:
            clips = answers = size = 0
            if db is not None:
                values = {"since": self._transactions.since()}
                sql = "SELECT count(*) AS n, coalesce(sum(size), 0) AS size FROM clips WHERE used_at > :since"
                [counted] = rows.query(db, sql, values)
                clips, size = counted["n"], counted["size"]
                answers = answer_rows.recent_answers(db, self._transactions.since(), None, 1, 0)[1]
        return KeptUsage(clips, answers, size, self._max_bytes, self._days)

    def revision(self) -> str:
        """Return an opaque text that differs after any change, also by another process; "" without a library."""
        with self._transactions.reading() as db:
            if db is None:
                return ""
            row = rows.query(db, "SELECT id, revision FROM library")[0]
            return f"{row['id']}-{row['revision']}"

    # --- how -----------------------------------------------------------------------------------------------------

    def _require(self, db: Database | None, clip_id: str) -> rows.Row:
        row = None if db is None else rows.clip_row(db, clip_id)
        if row is None or row["used_at"] <= self._transactions.since():
            raise UnknownClip(GONE)
        return row

    def _clips(self, db: Database, found: list[rows.Row]) -> list[KeptClip]:
        answers = answer_rows.answers_of_clips(db, [row["id"] for row in found])
        return [
            KeptClip(
                id=row["id"],
                label=row["label"],
                path=self._files.clip_folder(row["id"]) / row["file"],
                digest=row["digest"],
                size=row["size"],
                duration=row["duration"],
                frame_count=row["frame_count"],
                width=row["width"],
                height=row["height"],
                photograph=bool(row["photograph"]),
                camera=row["camera"],
                recorded_at=row["recorded_at"],
                kept_at=row["kept_at"],
                used_at=row["used_at"],
                expires_at=self._transactions.expiry(row["used_at"]),
                thumbnail=self._files.thumbnail(row["id"]),
                answers=tuple(answers.get(row["id"], ())),
            )
            for row in found
        ]
