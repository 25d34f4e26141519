"""Packets that are larger than in quiet groups are told from noise, at any place behind the key frame."""

import numpy as np
import pytest

from biometric.domain.packet_sizes import KNOWN_GROUPS, PacketSizes
from biometric.entities.frame_groups import FrameGroup

FRAMES, FPS = 50, 25


def group(
    random: np.random.Generator, number: int, mean: float = 400.0, more: float = 0.0, at: slice = slice(0)
) -> FrameGroup:
    sizes = random.normal(mean, 60, FRAMES) * (1 + 0.5 * (np.arange(FRAMES) % 3 == 0))
    sizes[0] = 30_000
    sizes[at] += more
    return FrameGroup(number * FRAMES, sizes.astype(np.int64), (number * FRAMES + np.arange(FRAMES)) / FPS)


def learnt(random: np.random.Generator, count: int = 40) -> PacketSizes:
    known = PacketSizes()
    for number in range(count):
        known.learn(group(random, number))
    return known


def test_nothing_is_usual_before_enough_is_known() -> None:
    random = np.random.default_rng(1)
    known = learnt(random, KNOWN_GROUPS - 1)
    assert known.unusual(group(random, 10))
    known.learn(group(random, 10))
    assert known.knows_enough


def test_of_quiet_groups_few_are_unusual() -> None:
    random = np.random.default_rng(2)
    known = learnt(random)
    assert sum(known.unusual(group(random, number)) for number in range(200)) < 60


@pytest.mark.parametrize("begin", [1, 12, 24])
@pytest.mark.parametrize(("more", "frames"), [(100, 25), (200, 12)])
def test_somebody_who_comes_at_any_time_is_told(begin: int, more: float, frames: int) -> None:
    random = np.random.default_rng(3)
    known = learnt(random)
    told = [known.unusual(group(random, number, more=more, at=slice(begin, begin + frames))) for number in range(50)]
    assert all(told)


def test_a_group_of_another_length_is_unusual() -> None:
    random = np.random.default_rng(4)
    known = learnt(random)
    other = group(random, 1)
    assert known.unusual(FrameGroup(0, other.sizes[:20], other.seconds[:20]))
    assert known.unusual(FrameGroup(0, other.sizes[:1], other.seconds[:1]))


def test_a_group_has_a_time_for_each_size() -> None:
    with pytest.raises(ValueError, match="of one length"):
        FrameGroup(0, np.zeros(3, np.int64), np.zeros(2))
