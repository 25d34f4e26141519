"""A track that is several people is cut, a person who turns, is half hidden or blurred for a moment is not."""

import numpy as np
import pytest

from biometric.domain.continuity import (
    BLOCKS,
    AppearanceHistory,
    TrackSegment,
    assign_frames,
    colour_change,
    colour_grid,
    jumps,
)
from biometric.domain.selection import Pick
from biometric.entities import Detection

IMAGE = np.zeros((2, 2, 3), np.uint8)
SIMILARITY, DIMENSION = 0.5, 64
BOX = (100.0, 100.0, 200.0, 400.0)


def embeddings(person: int, count: int, seed: int = 0, spread: float = 0.5) -> list[np.ndarray]:
    """Embeddings of one person in time order: neighbours score about .93, distant ones .75, other people about .3."""
    rng = np.random.default_rng([person, seed])
    common = np.ones(DIMENSION) / DIMENSION**0.5
    own = np.random.default_rng(person).normal(size=DIMENSION)
    own = 0.55 * common + 0.84 * own / np.linalg.norm(own)
    pose = rng.normal(size=DIMENSION)
    rows = []
    for _ in range(count):
        pose = 0.9 * pose + 0.44 * rng.normal(size=DIMENSION)
        row = own + spread * pose / DIMENSION**0.5 + 0.2 * rng.normal(size=DIMENSION) / DIMENSION**0.5
        rows.append((row / np.linalg.norm(row)).astype(np.float32))
    return rows


def history(rows: list[np.ndarray], samples: int = 8) -> AppearanceHistory:
    """A history of one embedding a frame."""
    looks = AppearanceHistory(SIMILARITY, samples)
    for frame, row in enumerate(rows):
        looks.add(Pick(Detection(frame, BOX, 0.9), IMAGE, 0.9, 100.0, row))
    return looks


def people(rows: list[np.ndarray]) -> list[set[int]]:
    """The frames of each person's runs."""
    return [
        {frame for first, last in segment.runs for frame in range(first, last + 1)}
        for segment in history(rows).segments()
        if segment.is_person
    ]


@pytest.mark.parametrize("places", [(3, 5), (5, 3), (3, 9), (9, 5)])
@pytest.mark.parametrize("short", [2, 3, 4, 8])
@pytest.mark.parametrize("long", [4, 20, 300])
@pytest.mark.parametrize("order", ["AB", "BA", "BAB", "ABC"])
def test_property_a_switch_gives_two_people_whatever_the_lengths(places, short: int, long: int, order: str) -> None:
    lengths = {"A": short, "B": long, "C": long}
    numbers = {"A": places[0], "B": places[1], "C": 20}
    rows, labels = [], []
    for segment, letter in enumerate(order):
        rows += embeddings(numbers[letter], lengths[letter], seed=segment)
        labels += [letter] * lengths[letter]
    found = people(rows)
    assert [{labels[frame] for frame in frames} for frames in found] == [{letter} for letter in sorted(
        set(order), key=order.index
    )]  # fmt: skip
    assert sorted(frame for frames in found for frame in frames) == list(range(len(rows)))


@pytest.mark.parametrize("position", [0, 10, 20])
def test_a_single_embedding_of_somebody_else_leaves_the_track(position: int) -> None:
    rows = embeddings(1, 20)
    rows.insert(position, embeddings(2, 1)[0])
    segments = history(rows).segments()
    assert sorted(segment.is_person for segment in segments) == [False, True]
    (person,) = people(rows)
    assert person == set(range(21)) - {position}


@pytest.mark.parametrize("length", [3, 6])
def test_a_gradual_change_to_somebody_else_is_cut(length: int) -> None:
    before, after = embeddings(1, 12), embeddings(2, 40)
    mixed = [(1 - share) * before[-1] + share * after[0] for share in np.linspace(0, 1, length + 2)[1:-1]]
    rows = [*before, *(row / np.linalg.norm(row) for row in np.asarray(mixed, np.float32)), *after]
    first, second = people(rows)
    assert set(range(10)) <= first
    assert set(range(12 + length + 2, len(rows))) <= second
    assert max(first) < min(second)


@pytest.mark.parametrize("person", range(12))
@pytest.mark.parametrize("count", [1, 2, 8, 40, 2000])
def test_one_person_stays_one(person: int, count: int) -> None:
    assert len(people(embeddings(person, count))) == 1


def test_somebody_who_is_only_partly_in_the_picture_at_first_stays_one_person() -> None:
    whole = embeddings(1, 30)
    segment = [row + 0.9 * embeddings(2, 1)[0] for row in embeddings(1, 2, seed=3)]
    assert len(people([*(row / np.linalg.norm(row) for row in segment), *whole])) == 1


def wavering(count: int, score: float, seed: int) -> list[np.ndarray]:
    """Embeddings of one person by a weak model: any two score about `score`."""
    rng = np.random.default_rng(seed)
    own = rng.normal(size=DIMENSION)
    own *= score**0.5 / np.linalg.norm(own)
    noise = rng.normal(size=(count, DIMENSION))
    noise -= np.outer(noise @ own, own) / score
    rows = own + (1 - score) ** 0.5 * noise / np.linalg.norm(noise, axis=1, keepdims=True)
    return list(rows.astype(np.float32))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("count", [3, 4, 8, 40])
def test_somebody_whom_a_weak_model_hardly_knows_again_is_one_person(count: int, seed: int) -> None:
    assert len(people(wavering(count, 0.45, seed))) == 1


def test_a_cut_leaves_two_parts_that_are_each_like_themselves() -> None:
    one, other, third = embeddings(1, 1)[0], embeddings(2, 1)[0], embeddings(3, 1)[0]
    rows = [one, other, third, one, other, third]
    parts = people([row for row in rows for _ in range(3)])
    assert len(parts) == 3, "three who take turns"
    for frames in parts:
        (within,) = {frame // 3 % 3 for frame in frames}
        assert within in (0, 1, 2)


def test_memory_is_bounded_and_samples_of_a_short_part_are_kept() -> None:
    looks = history([*embeddings(1, 3), *embeddings(2, 5000, spread=1.5)])
    assert len(looks.picks) <= 3 * 8
    assert any(pick.frame < 3 for pick in looks.picks)
    frames = [pick.frame for pick in looks.picks]
    assert frames == sorted(frames)
    assert frames[-1] > 4000
    assert sum(len(segment.runs) for segment in looks.segments()) <= BLOCKS


def test_two_single_embeddings_of_two_people_are_two_people() -> None:
    assert people([embeddings(1, 1)[0], embeddings(2, 1)[0]]) == [{0}, {1}]
    assert history([]).segments() == []


def test_the_border_between_two_people_is_where_colours_change_most() -> None:
    segments = [TrackSegment(((0, 2), (8, 9)), True), TrackSegment(((6, 6),), True)]
    changes = [0, 1, 1, 3, 90, 3, 2, 60, 1, 1]
    assert assign_frames(range(10), changes, segments) == [0, 0, 0, 0, 1, 1, 1, 0, 0, 0]


def test_colour_grids_see_another_person_and_not_another_size() -> None:
    rng = np.random.default_rng(0)
    blocks = rng.integers(0, 255, (8, 4, 3), np.uint8)
    person = np.kron(blocks, np.ones((20, 15, 1), np.uint8))
    larger = np.kron(blocks, np.ones((24, 18, 1), np.uint8))
    assert colour_grid(person).shape == (8, 4, 3)
    assert colour_change(colour_grid(person), colour_grid(larger)) < 2
    assert colour_change(colour_grid(person), colour_grid(person[::-1])) > 40
    assert colour_grid(person[:1, :1]).shape == (8, 4, 3)


@pytest.mark.parametrize(
    ("box", "jumped"),
    [
        ((100.0, 100.0, 200.0, 400.0), False),
        ((130.0, 105.0, 230.0, 400.0), False),
        ((400.0, 100.0, 500.0, 400.0), False),
        ((100.0, 100.0, 200.0, 290.0), False),
        ((180.0, 100.0, 230.0, 230.0), True),
        ((100.0, 0.0, 400.0, 700.0), True),
    ],
)
def test_a_jump_is_another_place_and_another_size(box, jumped: bool) -> None:
    assert jumps(Detection(0, BOX, 0.9), Detection(1, box, 0.9)) is jumped
