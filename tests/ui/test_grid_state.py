"""How the people of an answer are listed, as pure functions: sorted, filtered, folded, in pages."""

import dataclasses
from pathlib import Path

import pytest

from biometric.entities import (
    Candidate,
    Decision,
    Detection,
    Identification,
    Identity,
    Notice,
    NoticeCode,
    Threshold,
    ThresholdSource,
    Tracklet,
)
from biometric.ui.grid_state import (
    FOLDED_FROM,
    ORDERS,
    TILES_A_PAGE,
    GridPage,
    GridState,
    Order,
    arrange,
    not_dismissed,
    number,
    outcome,
    short_below,
    sort,
)
from biometric.ui.people_grid import played
from tests.builders import axis, person
from tests.fresh_interpreter import packages_loaded_by

LIMIT = Threshold(0.6, ThresholdSource.MODEL_CARD)
REASON = Notice(NoticeCode.NOBODY_REACHES_THRESHOLD)
RANGE = 200


def answer(
    tmp_path: Path,
    person_number: int,
    score: float | None = 0.1,
    name: str = "",
    *,
    first: int = 0,
    frames: int = 20,
    height: float = 100,
    undecided: bool = False,
) -> Identification:
    """Somebody who was identified if `name` says so; scores close to the threshold are near misses."""
    observation = person(person_number, tmp_path, axis(1), first)
    boxes = [Detection(first + frame, (0, 0, 40, height), 0.9, 1, (first + frame) / 10) for frame in range(frames)]
    observation = dataclasses.replace(observation, tracklet=Tracklet(person_number, tuple(boxes)))
    ada = Identity("a" * 32, name or "Ada", 1, 3, "2026-01-02T03:04:05+00:00", "2026-01-02T03:04:05+00:00")
    decision = Decision.IDENTIFIED if name else Decision.NO_DECISION if undecided else Decision.UNKNOWN
    candidates = () if score is None else (Candidate(ada, score, 1, "r"),)
    return Identification(observation, decision, ada if name else None, score, LIMIT, None, candidates, REASON)


def crowd(tmp_path: Path, count: int = 57, short: int = 12) -> list[Identification]:
    """So many unknown people, one after another, and short tracks after them."""
    return [
        answer(tmp_path, place, first=place, frames=20 if place <= count else 3)
        for place in range(1, count + short + 1)
    ]


def numbers(page: GridPage) -> list[int]:
    return [number(tile) for tile in page.tiles]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("time", [3, 1, 2, 4]),
        ("name", [2, 4, 1, 3]),  # Ada, zoe; near miss; unknown
        ("score", [4, 2, 1, 3]),  # without a score last
        ("size", [1, 4, 2, 3]),
    ],
)
def test_each_order(tmp_path: Path, order: Order, expected: list[int]) -> None:
    people = [
        answer(tmp_path, 1, 0.58, first=5, height=300),
        answer(tmp_path, 2, 0.7, "Ada", first=10, height=100),
        answer(tmp_path, 3, None, first=0, height=50),
        answer(tmp_path, 4, 0.9, "zoe", first=10, height=200),
    ]
    assert [number(item) for item in sort(people, order)] == expected
    assert [number(item) for item in sort(people[::-1], order)] == expected


def test_every_order_takes_nobody() -> None:
    for order in ORDERS:
        page = arrange([], GridState(order=order), 0)
        assert (page.tiles, page.pages, page.total) == ((), 1, 0)


def test_outcomes_and_filter(tmp_path: Path) -> None:
    people = [
        answer(tmp_path, 1, 0.9, "Ada"),
        answer(tmp_path, 2, 0.58),
        answer(tmp_path, 3, 0.1),
        answer(tmp_path, 4, 0.9, undecided=True),
    ]
    assert [outcome(item) for item in people] == ["identified", "unsure", "unknown", "no decision"]
    page = arrange(people, GridState(outcomes={"unsure", "no decision"}), RANGE)
    assert numbers(page) == [2, 4]
    assert page.counts == {"identified": 1, "unsure": 1, "unknown": 1, "no decision": 1}
    assert numbers(arrange(people, GridState(), RANGE)) == [1, 2, 3, 4]


def test_pages_of_24(tmp_path: Path) -> None:
    people = crowd(tmp_path, 57, 0)
    pages = [arrange(people, GridState(page=place), RANGE) for place in range(3)]
    assert [(page.first, len(page.tiles), page.listed, page.pages) for page in pages] == [
        (0, 24, 57, 3),
        (24, 24, 57, 3),
        (48, 9, 57, 3),
    ]
    assert [item for page in pages for item in numbers(page)] == list(range(1, 58))
    assert TILES_A_PAGE == 24
    assert arrange(people, GridState(page=99), RANGE).page == 2
    assert arrange(people, GridState(page=-1), RANGE).page == 0


def test_short_tracks_are_folded_away_and_come_back(tmp_path: Path) -> None:
    people = crowd(tmp_path)
    folded = arrange(people, GridState(), RANGE)
    assert (folded.listed, folded.short, folded.total) == (57, 12, 69)
    assert arrange(people, GridState(short_shown=True), RANGE).listed == 69
    assert arrange(people, GridState(outcomes={"identified"}), RANGE).short == 0


def test_nobody_who_was_recognised_is_folded_away(tmp_path: Path) -> None:
    people = [*crowd(tmp_path, 10, 0), answer(tmp_path, 11, 0.9, "Ada", frames=1), answer(tmp_path, 12, 0.58, frames=1)]
    assert arrange(people, GridState(), RANGE).short == 0


def test_few_people_and_short_ranges_fold_nothing(tmp_path: Path) -> None:
    short = [answer(tmp_path, place, frames=1) for place in range(1, FOLDED_FROM)]
    assert arrange(short, GridState(), RANGE).listed == FOLDED_FROM - 1
    photograph = [answer(tmp_path, place, frames=1) for place in range(1, 31)]
    assert arrange(photograph, GridState(), 1).listed == 30
    assert [short_below(length) for length in (1, 9, 40, 100, 5000)] == [0, 0, 4, 10, 10]


def test_dismissed_people_count_nowhere(tmp_path: Path) -> None:
    people = crowd(tmp_path, 10, 0)
    state = GridState(dismissed={2, 3})
    assert [number(item) for item in not_dismissed(people, state)] == [1, 4, 5, 6, 7, 8, 9, 10]
    page = arrange(people, state, RANGE)
    assert (page.total, page.counts["unknown"], page.listed) == (8, 8, 8)


def test_people_who_are_gone_are_forgotten() -> None:
    state = GridState(opened=4, selected={1, 4}, dismissed={2, 5}, added_person=4)
    state.keep({1, 2})
    assert (state.opened, state.selected, state.dismissed, state.added_person) == (None, {1}, {2}, None)


@pytest.mark.parametrize(("count", "expected"), [(1, []), (2, [0, 1]), (3, [0, 1, 2]), (10, [0, 3, 6, 9])])
def test_a_tile_plays_few_frames_of_the_whole_track(tmp_path: Path, count: int, expected: list[int]) -> None:
    samples = person(1, tmp_path, axis(1), count=count).samples
    assert [sample.detection.frame_index for sample in played(samples)] == expected


def test_listing_needs_no_gradio() -> None:
    assert packages_loaded_by("import biometric.ui.grid_state", ["gradio"]) == set()
