"""One name in two places at once, on tracks made by hand."""

from dataclasses import replace
from itertools import permutations

import pytest

from biometric import messages
from biometric.domain.conflicts import frames_apart, resolve_name_conflicts
from biometric.entities import (
    Candidate,
    Decision,
    Detection,
    Identification,
    Identity,
    Notice,
    NoticeCode,
    Observation,
    Threshold,
    ThresholdSource,
    Tracklet,
)

ADA, BEN = (Identity(name[0].lower() * 32, name, 1, 4, "2026-01-01", "2026-01-01") for name in ("Ada", "Ben"))
LIMIT = Threshold(0.5, ThresholdSource.MODEL_CARD)


def answer(person: int, score: float, frames: range, left: float, identity: Identity | None = ADA) -> Identification:
    track = Tracklet(person, tuple(Detection(frame, (left, 0.0, left + 100, 200.0), 0.9, person) for frame in frames))
    candidates = (Candidate(identity or ADA, score, 1, "r"), Candidate(BEN, score - 0.1, 2, "s"))
    decision = Decision.UNKNOWN if identity is None else Decision.IDENTIFIED
    reason = Notice(NoticeCode.BEST_REACHES_THRESHOLD)
    observation = Observation(person, track, (), None)
    return Identification(observation, decision, identity, score, LIMIT, 0.1, candidates, reason)


def names(answers: tuple[Identification, ...]) -> list[str | None]:
    return [None if item.identity is None else item.identity.name for item in answers]


def test_the_weaker_of_two_places_is_undecided_and_both_say_so() -> None:
    strong, weak = resolve_name_conflicts([answer(1, 0.9, range(50), 0), answer(2, 0.8, range(40, 90), 300)])
    assert (strong.decision, strong.identity) == (Decision.IDENTIFIED, ADA)
    assert (weak.decision, weak.identity) == (Decision.NO_DECISION, None)
    assert [item.identity.name for item in weak.candidates] == ["Ada", "Ben"], "candidates are kept, none is promoted"
    assert weak.reason == Notice(
        NoticeCode.NAME_IN_TWO_PLACES, name="Ada", person=1, frames=10, score=0.9, own_score=0.8
    )
    assert [warning.code for warning in strong.warnings] == [NoticeCode.NAME_ALSO_ELSEWHERE]
    assert "Person 2, seen elsewhere in 10 of the same frames" in messages.describe(strong.warnings[0])


@pytest.mark.parametrize(
    "other",
    [
        answer(2, 0.8, range(50, 90), 300),  # later
        answer(2, 0.8, range(50), 300, BEN),  # another name
        answer(2, 0.8, range(50), 20),  # two boxes of one person
        answer(2, 0.4, range(50), 300, None),  # unknown
    ],
)
def test_no_conflict_changes_nothing(other: Identification) -> None:
    answers = (answer(1, 0.9, range(50), 0), other)
    assert resolve_name_conflicts(answers) == answers


def test_the_order_of_the_answers_and_ties_do_not_matter() -> None:
    answers = [answer(1, 0.8, range(50), 0), answer(2, 0.8, range(50), 300), answer(3, 0.7, range(50), 600)]
    for order in permutations(answers):
        resolved = resolve_name_conflicts(order)
        assert [item.observation.person for item in resolved] == [item.observation.person for item in order]
        assert [item.observation.person for item in resolved if item.identity is not None] == [1]


def test_of_three_each_yields_to_a_stronger_one_in_its_frames() -> None:
    chain = [answer(1, 0.9, range(30), 0), answer(2, 0.8, range(20, 60), 300), answer(3, 0.7, range(50, 90), 600)]
    resolved = resolve_name_conflicts(chain)
    assert names(resolved) == ["Ada", None, None]
    assert [item.reason["person"] for item in resolved[1:]] == [1, 2]


def test_a_double_detection_shares_the_fate_of_its_twin() -> None:
    twins = [answer(1, 0.9, range(50), 0), answer(3, 0.6, range(50), 10)]
    assert names(resolve_name_conflicts([*twins, answer(2, 0.8, range(50), 300)])) == ["Ada", "Ada", None]
    assert names(resolve_name_conflicts([*twins, answer(2, 0.95, range(50), 300)])) == [None, None, "Ada"]


def test_boxes_that_only_cross_are_two_people() -> None:
    first = answer(1, 0.9, range(50), 0).observation.tracklet
    crossing = tuple(
        replace(detection, box=(300.0 - 12 * detection.frame_index, 0.0, 400.0 - 12 * detection.frame_index, 200.0))
        for detection in first.detections
    )
    assert frames_apart(first, Tracklet(2, crossing)) == 50
    assert frames_apart(first, first) == 0
