"""SQL about verdicts, in place and in the trash. Works inside the caller's transaction.

A verdict about somebody who is in the trash stays where it is and is not read until that person comes back.
"""

# ruff: noqa: S608 - names of tables and columns are constants of this module

import json
from collections.abc import Collection, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from biometric.domain.comparison import score
from biometric.domain.constraints import equal_templates, same_person_by_crops
from biometric.entities import (
    Decision,
    NewVerdict,
    ProbeRecord,
    ScoreAdaptation,
    Template,
    Verdict,
    VerdictWord,
    clean_label,
)
from biometric.entities.actors import current_actor
from biometric.errors import GalleryCorrupt, UnknownVerdict
from biometric.gallery import journal
from biometric.gallery.reference_rows import blob, unblob

TABLES = ("verdicts", "trashed_verdicts")
_COLUMNS = (
    "number, identity_number, reference_number, word, purpose, score, threshold, decision, created_at, clip_digest, "
    "clip_name, person, track, model_id, sample_count, vector, adaptation, given_by, given_by_user"
)
_TRACK = np.dtype([("frame", "<i4"), ("box_index", "<i4"), ("box", "<f4", (4,))])
"""One row of a stored track."""
_LISTED = "(SELECT value FROM json_each(?))"
_POSSIBLY_SAME = 0.5
"""Of somebody who is erased, a verdict of the same clip goes, too, where crops say nothing and the score is so high."""

Row = dict[str, Any]


def create_tables(db: Database) -> None:
    """Make the tables: a migration, which is never edited."""
    columns = """
        identity_number INTEGER NOT NULL,
        reference_number INTEGER,
        word TEXT NOT NULL,
        purpose TEXT NOT NULL,
        score REAL NOT NULL,
        threshold REAL NOT NULL,
        decision TEXT NOT NULL,
        created_at TEXT NOT NULL,
        clip_digest TEXT NOT NULL,
        clip_name TEXT NOT NULL,
        person INTEGER NOT NULL,
        track BLOB NOT NULL CHECK (typeof(track) = 'blob'),
        model_id TEXT NOT NULL,
        sample_count INTEGER NOT NULL,
        vector BLOB NOT NULL CHECK (typeof(vector) = 'blob')
    """
    db.execute(f"CREATE TABLE verdicts (number INTEGER PRIMARY KEY AUTOINCREMENT, {columns})")
    journal = "change INTEGER NOT NULL REFERENCES journal (id)"
    db.execute(f"CREATE TABLE trashed_verdicts (number INTEGER PRIMARY KEY, {journal}, {columns})")
    for table in ("verdicts", "trashed_verdicts"):
        db.execute(f"CREATE INDEX {table}_of_identity ON {table} (identity_number)")
    db.execute("CREATE INDEX trashed_verdicts_of_change ON trashed_verdicts (change)")


def add_givers(db: Database) -> None:
    """Say who gave a verdict, "" for all earlier ones: a migration, which is never edited."""
    for table in TABLES:
        db.execute(f"ALTER TABLE {table} ADD COLUMN given_by TEXT NOT NULL DEFAULT ''")
        db.execute(f"ALTER TABLE {table} ADD COLUMN given_by_user INTEGER NOT NULL DEFAULT 0")


def insert_verdict(
    db: Database, verdict: NewVerdict, identity_number: int, reference_number: int | None, created_at: str
) -> int:
    """Add a verdict of whoever acts, and return its row number."""
    probe, actor = verdict.probe, current_actor()
    inserted: Any = (
        db.table("verdicts")
        .insert(
            {
                "identity_number": identity_number,
                "reference_number": reference_number,
                "word": verdict.word.value,
                "purpose": verdict.purpose,
                "score": verdict.score,
                "threshold": verdict.threshold,
                "decision": verdict.decision.value,
                "created_at": created_at,
                "clip_digest": probe.clip_digest,
                "clip_name": clean_label(probe.clip_name),
                "person": probe.person,
                "track": packed_track(probe),
                "model_id": probe.template.model_id,
                "sample_count": probe.template.sample_count,
                "vector": blob(probe.template.vector),
                "adaptation": str(verdict.adaptation),
                "given_by": actor.name,
                "given_by_user": int(actor.is_user),
            }
        )
        .last_pk
    )
    return int(inserted)


def read_verdicts(db: Database, number: int | None = None) -> list[Verdict]:
    """Return the verdicts about everybody enrolled, the latest first, or the one of that row number."""
    where = "" if number is None else "WHERE v.number = ?"
    sql = (
        "SELECT v.*, i.id AS identity_id, i.name AS identity_name, r.id AS reference_id FROM verdicts v "
        "JOIN identities i ON i.number = v.identity_number "
        f"LEFT JOIN biometric_references r ON r.number = v.reference_number {where} ORDER BY v.number DESC"
    )
    return [_verdict(row) for row in db.query(sql, [] if number is None else [number])]


def probes_of_clip(db: Database, digest: str) -> Iterator[tuple[int, ProbeRecord]]:
    """Yield number and probe of each verdict, in place or in the trash, about a clip."""
    for table in TABLES:
        for row in list(db.query(f"SELECT * FROM {table} WHERE clip_digest = ?", [digest])):
            yield row["number"], _probe(row)


def owner_of(db: Database, number: int) -> int:
    """Return the row number of the enrolled identity that a verdict is about. Raises `UnknownVerdict`."""
    sql = "SELECT i.number FROM verdicts v JOIN identities i ON i.number = v.identity_number WHERE v.number = ?"
    row = db.execute(sql, [number]).fetchone() if 0 < number < 2**63 else None
    if row is None:
        raise UnknownVerdict(
            "There is no verdict {number} in this gallery. List the verdicts for their numbers.", number=number
        )
    return int(row[0])


def numbers_about(db: Database, identity_number: int) -> list[int]:
    """Return the row numbers of all verdicts about an identity, those in the trash among them."""
    sql = " UNION ".join(f"SELECT number FROM {table} WHERE identity_number = ?" for table in TABLES)
    return [int(row[0]) for row in db.execute(f"{sql} ORDER BY number", [identity_number] * len(TABLES))]


def set_owner(db: Database, number: int, identity_number: int) -> int | None:
    """Let a verdict, wherever it is, be about another identity; return the former, None where it is gone."""
    for table in TABLES:
        row = db.execute(f"SELECT identity_number FROM {table} WHERE number = ?", [number]).fetchone()
        if row is not None:
            db.execute(f"UPDATE {table} SET identity_number = ? WHERE number = ?", [identity_number, number])
            return int(row[0])
    return None


def trash_verdict(db: Database, number: int, change: int) -> bool:
    """Move a verdict into the trash; return whether it was there."""
    return _move(db, number, "verdicts", "trashed_verdicts", f"{_COLUMNS}, change", f"{_COLUMNS}, {int(change)}")


def restore_verdict(db: Database, number: int) -> bool:
    """Move a verdict out of the trash; return whether it was there."""
    return _move(db, number, "trashed_verdicts", "verdicts", _COLUMNS, _COLUMNS)


def _move(db: Database, number: int, source: str, target: str, columns: str, values: str) -> bool:
    if db.execute(f"SELECT 1 FROM {source} WHERE number = ?", [number]).fetchone() is None:
        return False
    db.execute(f"INSERT INTO {target} ({columns}) SELECT {values} FROM {source} WHERE number = ?", [number])
    db.execute(f"DELETE FROM {source} WHERE number = ?", [number])
    return True


def delete_of_changes(db: Database, changes: Collection[int]) -> None:
    """Delete the verdicts that these changes put into the trash."""
    db.execute(f"DELETE FROM trashed_verdicts WHERE change IN {_LISTED}", [json.dumps(list(changes))])


def delete_of_people(db: Database, identities: Collection[int], references: Collection[int]) -> None:
    """Delete the verdicts about identities, and those whose probe is the person whom a reference shows.

    Call it while the references are still there. What undoing needs of these verdicts goes, too.
    """
    gone: set[int] = set()
    listed = json.dumps(list(identities))
    for table in TABLES:
        sql = f"SELECT number FROM {table} WHERE identity_number IN {_LISTED}"
        gone |= {int(row[0]) for row in db.execute(sql, [listed])}
    probes = {int(row["number"]): _probe(row) for table in TABLES for row in db.query(f"SELECT * FROM {table}")}
    if probes:
        for digest, boxes, template in shown(db, references):
            gone |= {number for number, probe in probes.items() if may_show(probe, digest, boxes, template)}
    numbers = json.dumps(sorted(gone))
    for table in TABLES:
        db.execute(f"DELETE FROM {table} WHERE number IN {_LISTED}", [numbers])
        sql = f"UPDATE {table} SET reference_number = NULL WHERE reference_number IN {_LISTED}"
        db.execute(sql, [json.dumps(list(references))])
    journal.forget_verdicts(db, gone)


def shown(db: Database, references: Iterable[int]) -> Iterator[tuple[str, dict[int, int], Template]]:
    """Yield of each reference, in place or in the trash, its clip, the person's box number by frame, its template."""
    for number in references:
        for table in ("biometric_references", "trashed_references"):
            sql = f"SELECT r.*, c.digest FROM {table} r JOIN clips c ON c.number = r.clip_number WHERE r.number = ?"
            for row in db.query(sql, [number]):
                names = " UNION ".join(
                    f"SELECT name FROM {samples} WHERE reference_number = :number"
                    for samples in ("samples", "trashed_samples")
                )
                boxes = dict(map(_frame_and_box, (name for (name,) in db.execute(names, {"number": number}))))
                yield row["digest"], boxes, _template(row)


def _frame_and_box(crop_name: str) -> tuple[int, int]:
    frame, box = crop_name.removesuffix(".jpg").split("_")
    return int(frame), int(box)


def may_show(probe: ProbeRecord, digest: str, boxes: dict[int, int], template: Template) -> bool:
    """Return whether a reference that goes may show the person of a probe: in doubt the verdict goes, too."""
    if equal_templates(probe.template, template):
        return True
    if probe.clip_digest != digest:
        return False
    certain = same_person_by_crops(probe, boxes)
    if certain is not None:
        return certain
    same_model = probe.template.model_id == template.model_id
    return not same_model or score(probe.template, template) >= _POSSIBLY_SAME


def packed_track(probe: ProbeRecord) -> bytes:
    """Return the boxes of a probe as they are stored."""
    track = np.zeros(len(probe.frames), _TRACK)
    track["frame"], track["box_index"], track["box"] = probe.frames, probe.box_indices, probe.boxes
    return track.tobytes()


def unpacked_track(stored: bytes) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.float32]]:
    """Return frames, box numbers and boxes, (N,), (N,) and (N, 4), of stored boxes. Raises `ValueError`."""
    track = np.frombuffer(stored, _TRACK)
    return track["frame"].astype(np.int32), track["box_index"].astype(np.int32), track["box"].astype(np.float32)


def _verdict(row: Row) -> Verdict:
    try:
        return Verdict(
            word=VerdictWord(row["word"]),
            identity_id=row["identity_id"],
            reference_id=row["reference_id"],
            probe=_probe(row),
            purpose=row["purpose"],
            score=row["score"],
            threshold=row["threshold"],
            decision=Decision(row["decision"]),
            adaptation=ScoreAdaptation.read(row["adaptation"]),
            id=row["number"],
            name=row["identity_name"],
            created_at=row["created_at"],
            by=row["given_by"],
            by_user=bool(row["given_by_user"]),
        )
    except (TypeError, ValueError) as error:
        raise _damaged(error) from error


def _probe(row: Row) -> ProbeRecord:
    try:
        frames, box_indices, boxes = unpacked_track(row["track"])
        return ProbeRecord(
            clip_digest=row["clip_digest"],
            clip_name=row["clip_name"],
            person=row["person"],
            frames=frames,
            box_indices=box_indices,
            boxes=boxes,
            template=_template(row),
        )
    except (TypeError, ValueError) as error:
        raise _damaged(error) from error


def _template(row: Row) -> Template:
    try:
        return Template(unblob(row["vector"]), row["model_id"], row["sample_count"])
    except (TypeError, ValueError) as error:
        raise _damaged(error) from error


def _damaged(error: Exception) -> GalleryCorrupt:
    return GalleryCorrupt(
        "The gallery's database is damaged (a verdict cannot be read: {error}). Restore its folder "
        "from a backup, or import an export into a new gallery folder.",
        error=error,
    )
