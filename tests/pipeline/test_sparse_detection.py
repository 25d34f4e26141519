"""Looking for people only where something may be new: what is skipped, and that nobody is missed."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from biometric.clips.crops import small_grey
from biometric.domain.bridging import CROWDED_OVERLAP
from biometric.entities import Box, Detection, Frame, Image
from biometric.entities.boxes import iou
from biometric.pipeline.small_pictures import SmallPictures
from biometric.pipeline.sparse_detection import OCCUPIED_SECONDS, LookIntervals, SparseDetector
from biometric.pipeline.streaming import Found

WIDTH, HEIGHT, FPS = 640, 360, 10
USUAL = LookIntervals()
Where = Callable[[float], Box | None]
Scene = Callable[[Image, float, np.random.Generator], Image]


class Oracle:
    """A detector that sees everybody who is there, in boxes that tremble as those of a network do."""

    def __init__(self, *people: Where) -> None:
        self.people, self.frames, self._random = people, list[int](), np.random.default_rng(1)

    def detect(self, frames: Sequence[Frame]) -> list[list[Detection]]:
        self.frames += [frame.index for frame in frames]
        return [self._one(frame) for frame in frames]

    def _one(self, frame: Frame) -> list[Detection]:
        boxes = [box for person in self.people if (box := person(frame.seconds)) is not None]
        moved = [np.asarray(box) + self._random.normal(0, 0.01, 4) * (box[3] - box[1]) for box in boxes]
        return [
            Detection(frame.index, tuple(edges.tolist()), 0.8, number, frame.seconds)
            for number, edges in enumerate(moved)
        ]


def still(picture: Image, seconds: float, random: np.random.Generator) -> Image:
    return picture


def noisy(picture: Image, seconds: float, random: np.random.Generator) -> Image:
    return _bytes(picture + NOISE[random.integers(len(NOISE))])


def flickering(picture: Image, seconds: float, random: np.random.Generator) -> Image:
    return noisy(_bytes(picture * (1 + 0.06 * np.sin(seconds * 17))), seconds, random)


def darkening(picture: Image, seconds: float, random: np.random.Generator) -> Image:
    return noisy(_bytes(picture * (1 - 0.5 * seconds / 60)), seconds, random)


def windy(picture: Image, seconds: float, random: np.random.Generator) -> Image:
    """Leaves in a corner grow lighter and darker, each part in its own time."""
    phases = np.arange(6 * 10).reshape(6, 10, 1)
    moved = picture.astype(np.float32)
    moved[:120, :200] += 6 * np.kron(np.sin(seconds * 5 + phases), np.ones((20, 20, 1)))
    return noisy(_bytes(moved), seconds, random)


NOISE = np.random.default_rng(5).normal(0, 6, (20, HEIGHT, WIDTH, 1)).astype(np.float32)
"""A sensor's, as at night: one sample for all three colours, which is more than independent ones would be."""
SCENES = (still, noisy, flickering, darkening, windy)


def _bytes(picture: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> Image:
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def background() -> Image:
    """A wall, a ground and patches of several greys and colours."""
    random = np.random.default_rng(7)
    coarse = random.integers(40, 200, (HEIGHT // 20, WIDTH // 20, 3))
    return np.kron(coarse, np.ones((20, 20, 1))).astype(np.uint8)


def swaying(picture: Image, seconds: float, random: np.random.Generator) -> Image:
    """Each part of the whole picture grows lighter and darker by 6 grey levels, in its own time."""
    phases = np.arange(HEIGHT // 20 * WIDTH // 20).reshape(HEIGHT // 20, WIDTH // 20, 1)
    return noisy(_bytes(picture + 6 * np.kron(np.sin(seconds * 5 + phases), np.ones((20, 20, 1)))), seconds, random)


def footage(seconds: float, scene: Scene, *people: Where, start: float = 0.0, contrast: int = 25) -> list[Frame]:
    """The analysed frames of a made clip; somebody is a box lighter or darker than the wall by `contrast`."""
    random, wall, frames = np.random.default_rng(3), background(), []
    for number in range(round(seconds * FPS)):
        at = start + number / FPS
        picture = wall.copy()
        for person in people:
            if (box := person(at)) is not None:
                x1, y1, x2, y2 = (round(edge) for edge in box)
                part = picture[max(0, y1) : y2, max(0, x1) : x2]
                part[:] = np.where(part < 120, part + contrast, part - contrast)
        frames.append(Frame(number * 3, scene(picture, at, random), at))
    return frames


def find(
    detector: Oracle, frames: Sequence[Frame], intervals: LookIntervals = USUAL
) -> tuple[SparseDetector, list[Found]]:
    sparse = SparseDetector(detector, SmallPictures(small_grey), intervals)
    return sparse, [found for first in range(0, len(frames), 8) for found in sparse.find(frames[first : first + 8])]


def walker(
    begin: float, end: float, height: float = 120.0, speed: float = 60.0, x: float = 40.0, y: float = 200.0
) -> Where:
    def where(seconds: float) -> Box | None:
        left = x + speed * (seconds - begin)
        return (left, y, left + height * 0.4, y + height) if begin <= seconds < end else None

    return where


@pytest.mark.parametrize("scene", SCENES)
def test_an_empty_scene_is_looked_at_in_a_slow_beat(scene: Scene) -> None:
    oracle = Oracle()
    sparse, found = find(oracle, footage(45, scene))
    assert not any(item.detections for item in found)
    first_and_beat = 1 + 45 / USUAL.quiet
    assert len(oracle.frames) == sparse.counts.looked <= first_and_beat + 60
    later = [frame for frame in oracle.frames if frame >= 20 * FPS * 3]
    assert len(later) <= 25 / USUAL.quiet + 6, "what is restless has not been learnt"
    assert sparse.counts.looked + sparse.counts.unchanged == len(found)


@pytest.mark.parametrize("scene", SCENES)
@pytest.mark.parametrize(
    "person",
    [
        walker(31.3, 32.3),
        walker(33.0, 34.0, height=30, speed=20),
        walker(31.0, 36.0, height=200, speed=100, y=100),
        walker(34.05, 35.1, height=40, speed=180, x=60, y=50),
    ],
    ids=["one second", "far", "near", "runs past the leaves"],
)
def test_whoever_is_seen_for_a_second_is_found(scene: Scene, person: Where) -> None:
    frames = footage(10, scene, person, start=30.0)
    _, found = find(Oracle(person), frames)
    truth = [person(frame.seconds) for frame in frames]
    for box, item in zip(truth, found, strict=True):
        assert [1] * len(item.detections) == [1 for detection in item.detections if box is not None]
    seen = [
        iou(box, item.detections[0].box) > 0.5 if item.detections else False
        for box, item in zip(truth, found, strict=True)
        if box is not None
    ]
    assert sum(seen) >= len(seen) - 1, f"{sum(seen)} of {len(seen)} frames"


@pytest.mark.parametrize(("height", "speed"), [(120.0, 60.0), (60.0, 30.0)])
def test_who_differs_by_twice_what_sways_is_found_at_once_in_cells_known_to_be_restless(
    height: float, speed: float
) -> None:
    """Somebody fainter may wait for the slow beat: README says so."""
    person = walker(41.3, 43.3, height=height, speed=speed, y=100)
    frames = footage(45, swaying, person, contrast=12)
    oracle = Oracle(person)
    _, found = find(oracle, frames)
    seen = [frame.seconds for frame, item in zip(frames, found, strict=True) if item.detections]
    assert seen[0] - 41.3 < 0.5
    assert len(seen) >= 15
    assert sum(frame >= 20 * FPS * 3 for frame in oracle.frames) < 60, "the cells are not known to be restless"


def test_somebody_who_stands_still_from_the_beginning_is_seen_all_the_time() -> None:
    def standing(seconds: float) -> Box:
        return 300.0, 150.0, 350.0, 300.0

    frames = footage(20, noisy, standing)
    sparse, found = find(Oracle(standing), frames)
    assert all(len(item.detections) == 1 for item in found)
    assert sparse.counts.looked <= 8 + 20 / OCCUPIED_SECONDS
    assert [item.detections[0].frame_index for item in found] == [frame.index for frame in frames]
    assert [item.detections[0].seconds for item in found] == [frame.seconds for frame in frames]


def test_who_walks_on_is_looked_at_now_and_then_and_the_frames_between_are_filled() -> None:
    person = walker(0.0, 9.0)
    frames = footage(9, noisy, person)
    sparse, found = find(Oracle(person), frames)
    assert sparse.counts.bridged >= len(frames) / 2
    for frame, item in zip(frames, found, strict=True):
        box = person(frame.seconds)
        assert box is not None
        assert iou(box, item.detections[0].box) > 0.7
    gaps = np.diff([frame.seconds for frame, item in zip(frames, found, strict=True) if item.looked])
    assert gaps.max() <= USUAL.bridged + 0.01


@pytest.mark.parametrize(
    ("people", "what"),
    [
        ((walker(0.0, 4.0), walker(0.0, 4.0, x=300, speed=-60)), "two who cross"),
        ((walker(0.0, 4.0), walker(2.15, 4.0, x=400)), "somebody comes"),
        ((walker(0.0, 4.0), walker(0.0, 2.15, x=400, speed=10)), "somebody goes"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_nothing_is_filled_in_where_people_meet_come_or_go(people: tuple[Where, ...], what: str) -> None:
    frames = footage(4, still, *people)
    _, found = find(Oracle(*people), frames)
    for frame, item in zip(frames, found, strict=True):
        there = [box for person in people if (box := person(frame.seconds)) is not None]
        assert len(item.detections) == len(there), f"{what} at {frame.seconds} s"
        crossing = len(there) == 2 and iou(there[0], there[1]) > CROWDED_OVERLAP + 0.05
        assert item.looked or not crossing


def test_a_moving_camera_has_each_frame_looked_at() -> None:
    leaves = np.random.default_rng(2).integers(0, 255, (HEIGHT // 6, WIDTH // 3, 3))
    wall = np.kron(leaves, np.ones((6, 6, 1))).astype(np.uint8)
    frames = [
        Frame(number, np.ascontiguousarray(wall[:, 8 * number : 8 * number + WIDTH]), number / FPS)
        for number in range(40)
    ]
    sparse, _ = find(Oracle(), frames)
    assert sparse.counts.looked == sparse.counts.moved == len(frames)


def test_a_covered_camera_and_another_size_do_no_harm() -> None:
    black = [Frame(number, np.zeros((HEIGHT, WIDTH, 3), np.uint8), number / FPS) for number in range(16)]
    small = [Frame(number, np.full((90, 160, 3), 9, np.uint8), number / FPS) for number in range(16, 32)]
    sparse, found = find(Oracle(), [*black, *small])
    assert len(found) == 32
    assert sparse.counts.looked == 2
