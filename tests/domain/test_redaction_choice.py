"""Whom a redaction shows: only who is surely to be shown."""

from pathlib import Path

import pytest

from biometric.domain.redaction_choice import shown_people
from biometric.entities import (
    Candidate,
    Decision,
    Identification,
    Identity,
    Notice,
    NoticeCode,
    Threshold,
    ThresholdSource,
)
from biometric.entities.redaction import RedactionChoice, WhoIsHidden
from tests.builders import axis, person

LIMIT = Threshold(0.6, ThresholdSource.USER)


def identity(id_: str, name: str) -> Identity:
    return Identity(id_, name, 1, 4, "2026-01-01T00:00:00+00:00", "2026-01-01T00:00:00+00:00")


ADA, BEN = identity("a", "Ada"), identity("b", "Ben")
ALL_BUT_ADA = RedactionChoice(WhoIsHidden.ALL_BUT, ("Ada",))
ONLY_ADA = RedactionChoice(WhoIsHidden.ONLY, ("Ada",))
UNKNOWN = RedactionChoice(WhoIsHidden.UNKNOWN)


def answer(folder: Path, number: int, *scores: tuple[Identity, float], sure: bool = True) -> Identification:
    """An identification whose candidates have these scores; none: nothing to compare; not `sure`: no decision."""
    candidates = tuple(Candidate(found, score, rank, "1") for rank, (found, score) in enumerate(scores, start=1))
    best = candidates[0] if candidates else None
    decision = Decision.UNKNOWN if best is None or best.score < LIMIT.value else Decision.IDENTIFIED
    return Identification(
        person(number, folder, axis(number) if scores else None),
        decision if sure and scores else Decision.NO_DECISION,
        best.identity if best is not None and decision is Decision.IDENTIFIED and sure else None,
        None if best is None else best.score,
        LIMIT,
        None,
        candidates,
        Notice(NoticeCode.NO_GOOD_SAMPLE),
    )


@pytest.fixture
def answers(tmp_path: Path) -> list[Identification]:
    return [
        answer(tmp_path, 1, (ADA, 0.8), (BEN, 0.1)),
        answer(tmp_path, 2, (BEN, 0.8), (ADA, 0.1)),
        answer(tmp_path, 3, (BEN, 0.2), (ADA, 0.1)),
        answer(tmp_path, 4, (ADA, 0.58), (BEN, 0.1)),  # unsure: just below the threshold
        answer(tmp_path, 5),
        answer(tmp_path, 6, (ADA, 0.8), sure=False),
        answer(tmp_path, 7, (BEN, 0.8), (ADA, 0.58)),
    ]


def test_everybody_shows_nobody(answers: list[Identification]) -> None:
    assert shown_people(RedactionChoice(), [], answers).people == frozenset()


def test_all_but_one_shows_only_who_surely_is_that_one(answers: list[Identification]) -> None:
    shown = shown_people(ALL_BUT_ADA, ["a"], answers)
    assert (shown.people, shown.names, shown.unsure) == ({1}, ("Ada",), 3)


def test_whoever_is_surely_enrolled_is_shown(answers: list[Identification]) -> None:
    shown = shown_people(UNKNOWN, [], answers)
    assert (shown.people, shown.names, shown.unsure) == ({1, 2, 7}, ("Ada", "Ben"), 3)


def test_only_one_is_hidden_with_all_who_may_be_that_one(answers: list[Identification]) -> None:
    shown = shown_people(ONLY_ADA, ["a"], answers)
    assert (shown.people, shown.unsure) == ({2, 3}, 4)


def test_who_scores_high_with_more_people_than_are_listed_may_be_one_of_them(tmp_path: Path) -> None:
    others = [(identity(str(number), f"Other {number}"), 0.7) for number in range(5)]
    assert shown_people(ONLY_ADA, ["a"], [answer(tmp_path, 1, *others)]).people == frozenset()
