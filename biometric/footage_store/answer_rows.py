"""The SQL of the library: answers and their people, as entities and back."""

import json
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from biometric.entities import (
    AnsweredPerson,
    AnswerKind,
    Decision,
    KeptAnswer,
    NewAnswer,
    Notice,
    RateKind,
    ScoreAdaptation,
    ScoreBand,
    Threshold,
    ThresholdSource,
)
from biometric.footage_store.library_rows import Row, insert, query

_ANSWERS = """
SELECT answers.number, answers.id, kind, given_at, gallery, threshold, observations.id AS observation_id,
       first_frame, last_frame, model_id, clips.id AS clip_id, label
FROM answers JOIN observations ON observation_number = observations.number JOIN clips ON clip_number = clips.number
"""


def insert_answer(db: Database, answer_id: str, observation: int, answer: NewAnswer, now: str) -> None:
    """Add an answer with its people."""
    columns = {
        "id": answer_id,
        "observation_number": observation,
        "kind": str(answer.kind),
        "given_at": now,
        "gallery": None if answer.gallery is None else str(answer.gallery),
        "threshold": None if answer.threshold is None else json.dumps(_threshold_json(answer.threshold)),
    }
    number = insert(db, "answers", columns)
    for person in answer.people:
        insert(
            db,
            "answered_people",
            {
                "answer_number": number,
                "person": person.person,
                "decision": None if person.decision is None else str(person.decision),
                "band": str(person.band),
                "identity_id": person.identity_id,
                "erased": int(person.erased),
                "found": int(person.found),
                "score": person.score,
                "margin": person.margin,
                "first_frame": person.first_frame,
                "last_frame": person.last_frame,
                "first_seconds": person.first_seconds,
                "last_seconds": person.last_seconds,
                "stretches": json.dumps(person.stretches),
            },
        )


def replace_answer(db: Database, answer_id: str, kind: AnswerKind, observation: int) -> None:
    """Delete an answer that another one of the same kind and observation takes the place of."""
    sql = "DELETE FROM answers WHERE id = ? AND kind = ? AND observation_number = ?"
    db.execute(sql, [answer_id, str(kind), observation])


def answers_of_clips(db: Database, clips: Iterable[str]) -> dict[str, list[KeptAnswer]]:
    """Return all answers of these clips, newest first, by clip id."""
    where = "WHERE clips.id IN (SELECT value FROM json_each(?)) ORDER BY given_at DESC, answers.number DESC"
    rows = query(db, f"{_ANSWERS} {where}", [json.dumps(list(clips))])
    by_clip: dict[str, list[KeptAnswer]] = defaultdict(list)
    for answer in _answers(db, rows):
        by_clip[answer.clip_id].append(answer)
    return by_clip


def recent_answers(
    db: Database, since: str, kind: AnswerKind | None, limit: int, offset: int
) -> tuple[list[KeptAnswer], int]:
    """Return answers about clips used after `since`, newest first, and how many there are without the limit."""
    where = "WHERE used_at > :since" + ("" if kind is None else " AND kind = :kind")
    values = {"since": since, "kind": None if kind is None else str(kind), "limit": limit, "offset": offset}
    total = query(db, f"SELECT count(*) AS n FROM ({_ANSWERS} {where})", values)[0]["n"]  # noqa: S608
    rows = query(
        db, f"{_ANSWERS} {where} ORDER BY given_at DESC, answers.number DESC LIMIT :limit OFFSET :offset", values
    )
    return _answers(db, rows), int(total)


def answer(db: Database, answer_id: str) -> KeptAnswer | None:
    """Return an answer."""
    rows = query(db, f"{_ANSWERS} WHERE answers.id = ?", [answer_id])
    return next(iter(_answers(db, rows)), None)


def _answers(db: Database, rows: list[Row]) -> list[KeptAnswer]:
    people: dict[int, list[AnsweredPerson]] = defaultdict(list)
    sql = (
        "SELECT * FROM answered_people WHERE answer_number IN (SELECT value FROM json_each(?)) "
        "ORDER BY answer_number, person"
    )
    for row in query(db, sql, [json.dumps([row["number"] for row in rows])]):
        people[row["answer_number"]].append(_person(row))
    return [
        KeptAnswer(
            id=row["id"],
            clip_id=row["clip_id"],
            observation_id=row["observation_id"],
            clip_label=row["label"],
            kind=AnswerKind(row["kind"]),
            when=row["given_at"],
            first_frame=row["first_frame"],
            last_frame=row["last_frame"],
            model_id=row["model_id"],
            people=tuple(people[row["number"]]),
            threshold=None if row["threshold"] is None else _threshold(json.loads(row["threshold"])),
            gallery=None if row["gallery"] is None else Path(row["gallery"]),
        )
        for row in rows
    ]


def _person(row: Row) -> AnsweredPerson:
    return AnsweredPerson(
        person=row["person"],
        decision=None if row["decision"] is None else Decision(row["decision"]),
        band=ScoreBand(row["band"]),
        identity_id=row["identity_id"],
        score=row["score"],
        margin=row["margin"],
        first_frame=row["first_frame"],
        last_frame=row["last_frame"],
        first_seconds=row["first_seconds"],
        last_seconds=row["last_seconds"],
        erased=bool(row["erased"]),
        stretches=tuple((float(first), float(last)) for first, last in json.loads(row["stretches"])),
    )


def _threshold_json(threshold: Threshold) -> dict[str, Any]:
    return {
        "value": threshold.value,
        "source": str(threshold.source),
        "evidence": [notice.as_dict() for notice in threshold.evidence],
        "rate": threshold.rate,
        "rate_kind": str(threshold.rate_kind),
        "calibrated_on": threshold.calibrated_on,
        "interval_low": threshold.interval_low,
        "adaptation": str(threshold.adaptation),
    }


def _threshold(stored: dict[str, Any]) -> Threshold:
    return Threshold(
        stored["value"],
        ThresholdSource(stored["source"]),
        tuple(Notice.from_dict(notice) for notice in stored["evidence"]),
        stored["rate"],
        RateKind(stored["rate_kind"]),
        stored["calibrated_on"],
        None,
        stored["interval_low"],
        ScoreAdaptation.read(stored.get("adaptation", "")),  # earlier versions knew none
    )
