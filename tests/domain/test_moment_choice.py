"""Few moments of somebody who walks on are embedded; wherever somebody else comes into a track, all that are needed."""

from dataclasses import replace

import numpy as np
import pytest

from biometric.domain.continuity import AppearanceHistory
from biometric.domain.moment_choice import EVERY, FEWEST, STRETCH, EmbeddedSoFar, MomentStretch
from biometric.domain.selection import Pick
from biometric.entities import Detection
from tests.domain.test_continuity import BOX, DIMENSION, SIMILARITY, embeddings, wavering

MOST = 8


def choose(rows: list[np.ndarray], greys: list[int] | None = None, unusable: frozenset[int] = frozenset()):
    """The frames that are embedded of a track of one moment a frame, and the people that its history then shows."""
    greys = greys or [100] * len(rows)
    history, so_far, frames = AppearanceHistory(SIMILARITY, MOST), EmbeddedSoFar(MOST), []
    for start in range(0, len(rows), STRETCH):
        stretch = MomentStretch(SIMILARITY, so_far)
        for frame in range(start, min(start + STRETCH, len(rows))):
            image = np.full((8, 4, 3), greys[frame], np.uint8)
            stretch.append(Pick(Detection(frame, BOX, 0.9), image, 0.9, 100.0, usable=frame not in unusable))
        while wanted := stretch.wanted():
            for place in wanted:
                stretch.give(place, rows[stretch[place].frame])
        for pick in stretch.close():
            history.add(pick)
            frames.append(pick.frame)
            assert pick.row is rows[pick.frame]
    segments = [segment for segment in history.segments() if segment.is_person]
    return frames, [{frame for first, last in segment.runs for frame in range(first, last + 1)} for segment in segments]


def same(count: int) -> list[np.ndarray]:
    row = np.zeros(DIMENSION, np.float32)
    row[0] = 1.0
    return [row] * count


def test_a_few_moments_of_somebody_who_always_looks_the_same_are_embedded() -> None:
    frames, people = choose(same(160))
    assert len(frames) < 160 / 5
    assert people == [set(range(min(frames), max(frames) + 1))]
    assert max(np.diff([0, *frames, 159])) < 2 * EVERY


@pytest.mark.parametrize("count", range(1, FEWEST + 1))
def test_of_somebody_seen_briefly_everything_is_embedded(count: int) -> None:
    assert choose(same(count))[0] == list(range(count))


def test_more_moments_are_embedded_while_they_move_the_template_and_at_most_as_many_as_are_wanted() -> None:
    assert FEWEST < len(choose(wavering(STRETCH, 0.66, seed=0))[0]) <= MOST


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("place", [5, 8, 12, 20, 28, 34])
def test_somebody_else_is_found_where_they_come(place: int, seed: int) -> None:
    rows = embeddings(3, place, seed) + embeddings(5, 40 - place, seed)
    frames, (first, second) = choose(rows)
    assert max(first) < place <= min(second)
    assert {place - 1, place} <= set(frames), "the border is known to the moment"
    assert len(frames) < 30


@pytest.mark.parametrize("order", ["AB", "BAB", "ABA"])
@pytest.mark.parametrize("short", [9, 12, 30])
def test_the_people_of_a_track_are_those_that_embedding_every_moment_shows(order: str, short: int) -> None:
    lengths, rows, labels = {"A": 40, "B": short}, [], []
    for segment, letter in enumerate(order):
        rows += embeddings(3 if letter == "A" else 5, lengths[letter], seed=segment)
        labels += [letter] * lengths[letter]
    _, people = choose(rows)
    assert sorted(
        {labels[frame] for frame in frames} == {letter} for frames, letter in zip(people, order, strict=False)
    )
    assert len(people) == 2


def test_somebody_of_other_colours_who_comes_between_two_moments_is_seen() -> None:
    rows, greys = same(16), [100] * 16
    other = np.zeros(DIMENSION, np.float32)
    other[1] = 1.0
    rows[6:8], greys[6:8] = [other, other], [180, 180]
    frames, people = choose(rows, greys)
    assert {5, 6, 7, 8} <= set(frames)
    assert [6 in person for person in people] == [False, True]


@pytest.mark.parametrize("place", [2, 38])
def test_somebody_of_other_colours_at_either_end_is_seen(place: int) -> None:
    rows = embeddings(3, place) + embeddings(5, 40 - place)
    _, people = choose(rows, [100] * place + [130] * (40 - place))
    assert [max(frames) < place for frames in people] == [True, False]


def test_blurred_moments_are_embedded_only_where_no_other_serves() -> None:
    stretch, blurred = MomentStretch(SIMILARITY, EmbeddedSoFar(MOST)), {0, 3, 4, 9, 12}
    for place in range(16):
        pick = Pick(Detection(place, BOX, 0.9), np.zeros((8, 4, 3), np.uint8), 0.9, 100.0)
        if place in blurred:
            pick = replace(pick, quality=1.0, sharpness=30.0)
        stretch.append(pick)
    assert not blurred & set(stretch.wanted())
    stretch = MomentStretch(SIMILARITY, EmbeddedSoFar(MOST))
    for place in range(3):
        stretch.append(Pick(Detection(place, BOX, 0.9), np.zeros((8, 4, 3), np.uint8), 0.9, 10.0 if place else 100.0))
    assert stretch.wanted() == [0, 1, 2], "of somebody seen briefly every moment counts"


def test_several_unusable_moments_in_a_row_are_not_passed_over() -> None:
    rows, other = same(16), np.zeros(DIMENSION, np.float32)
    other[1] = 1.0
    rows[6:10] = [other] * 4
    frames, people = choose(rows, unusable=frozenset(range(6, 10)))
    assert {5, 6, 9, 10} <= set(frames)
    assert [7 in person for person in people] == [False, True]


def test_usable_moments_are_preferred_and_unusable_ones_do_not_make_a_template_certain() -> None:
    frames, _ = choose(same(16), unusable=frozenset(range(0, 16, 2)))
    assert all(frame % 2 for frame in frames)
    so_far = EmbeddedSoFar(MOST)
    stretch = MomentStretch(SIMILARITY, so_far)
    stretch.append(Pick(Detection(0, BOX, 0.9), np.zeros((8, 4, 3), np.uint8), 0.9, 100.0, usable=False))
    stretch.give(0, same(1)[0])
    assert not so_far.is_certain
    assert so_far == EmbeddedSoFar(MOST)
