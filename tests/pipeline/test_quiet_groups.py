"""Groups of frames are passed over only while packets and pictures both say that nothing happens."""

import numpy as np
import pytest

from biometric.clips.crops import small_grey
from biometric.entities import Frame, Image
from biometric.entities.frame_groups import FrameGroup
from biometric.pipeline.quiet_groups import QuietGroups
from biometric.pipeline.small_pictures import SmallPictures

FPS, FRAMES = 10, 20
SIZE = (180, 320)
Person = tuple[int, int]
"""First and last group in which somebody is."""


def wall() -> Image:
    coarse = np.random.default_rng(7).integers(40, 200, (9, 16, 3))
    return np.kron(coarse, np.ones((20, 20, 1))).astype(np.uint8)


def picture(random: np.random.Generator, light: float = 1.0, at: int | None = None, shift: int = 0) -> Image:
    image = np.roll(wall(), shift, axis=1).astype(np.float64) * light
    if at is not None:
        image[100:150, at : at + 20] = 230
    return np.clip(image + random.normal(0, 2, (*SIZE, 1)), 0, 255).astype(np.uint8)


def watched(count: int, told: bool = True, usual: float = 300.0, **scene) -> tuple[QuietGroups, list[bool]]:
    """Groups that follow each other: which of them are decoded. `scene` gives `at`, `shift`, `light` of a time."""
    random = np.random.default_rng(5)
    choice, needed = QuietGroups(SmallPictures(small_grey), scene.pop("most", 5.0)), []
    length = scene.pop("length", FRAMES / FPS)

    def frame(number: int) -> Frame:
        seconds = number / FRAMES * length
        return Frame(number, picture(random, **{name: rule(seconds) for name, rule in scene.items()}), seconds)

    first = frame(0)
    for group in range(count):
        numbers = np.arange(group * FRAMES, (group + 1) * FRAMES)
        sizes = random.normal(usual, 20, FRAMES)
        if told and "at" in scene:
            sizes += [150.0 * (scene["at"](number / FRAMES * length) is not None) for number in numbers]
        following = frame((group + 1) * FRAMES)
        known = FrameGroup(int(numbers[0]), sizes.astype(np.int64), numbers / FRAMES * length)
        needed.append(choice.needs(known, first, following))
        if needed[-1]:
            for number in numbers:
                choice.take(frame(int(number)))
        else:
            choice.skip(FRAMES - 1)
        first = following
    return choice, needed


def test_a_quiet_scene_is_passed_over_once_it_is_known() -> None:
    choice, needed = watched(60)
    assert all(needed[:10])
    assert sum(needed[12:]) < 12
    assert choice.passed_over == (60 - sum(needed)) * (FRAMES - 1)
    assert choice.reason == ""


def test_a_slow_change_of_light_is_passed_over() -> None:
    _, needed = watched(80, light=lambda seconds: 1 - seconds / 400)
    assert sum(needed[20:]) < 20


@pytest.mark.parametrize(("begin", "end"), [(70.3, 71.3), (81.0, 82.0), (70.0, 74.5)])
def test_who_is_seen_for_a_second_is_decoded(begin: float, end: float) -> None:
    def at(seconds: float) -> int | None:
        return 30 + int((seconds - begin) * 40) if begin <= seconds < end else None

    _, needed = watched(60, at=at)
    assert all(needed[int(begin / 2) : int(np.ceil(end / 2))])


def test_who_comes_between_looks_and_stays_is_decoded_also_where_packets_say_nothing() -> None:
    _, needed = watched(60, told=False, at=lambda seconds: 200 if seconds >= 71 else None)
    assert needed[35], "between these two key frames somebody came"


def test_packets_that_never_tell_are_not_believed() -> None:
    choice, needed = watched(70, told=False, at=lambda seconds: int(seconds * 70) % 280 if 40 <= seconds < 60 else None)
    assert choice.reason == "sizes"
    assert all(needed[32:])


def test_a_moving_camera_has_everything_decoded() -> None:
    choice, needed = watched(40, shift=lambda seconds: int(seconds * 30))
    assert all(needed)
    assert choice.passed_over == 0


def test_groups_longer_than_the_slow_beat_are_decoded() -> None:
    assert all(watched(30, length=6.0)[1])
    assert not all(watched(30, length=6.0, most=7.0)[1])


def test_the_last_group_is_decoded() -> None:
    choice, _ = watched(30)
    known = FrameGroup(600, np.full(FRAMES, 300), (600 + np.arange(FRAMES)) / FPS)
    assert choice.needs(known, Frame(600, picture(np.random.default_rng(1)), 60.0), None)
