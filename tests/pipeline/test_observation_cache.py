"""The latest observations are kept with their crops, and no folder of crops is left behind."""

import dataclasses
from pathlib import Path

from biometric.entities import FrameRange, ObservedClip
from biometric.pipeline.observation_cache import ObservationCache, ObservationKey
from tests.builders import observed_clip

KEY = ObservationKey("ab" * 32, FrameRange(0, 100), "detector", "model", 8)


def observation(root: Path, name: str) -> ObservedClip:
    (root / name).mkdir()
    return dataclasses.replace(observed_clip(root), folder=root / name)


def test_of_two_observations_of_the_same_footage_the_first_one_stays(tmp_path: Path) -> None:
    cache = ObservationCache()
    first, second = observation(tmp_path, "first"), observation(tmp_path, "second")
    assert cache.put(KEY, first) is first
    assert cache.put(KEY, second) is first
    assert cache.get(KEY) is first
    assert [path.name for path in tmp_path.iterdir()] == ["first"]
    assert cache.put(KEY, first) is first
    assert first.folder.is_dir()


def test_an_observation_whose_crops_are_gone_is_replaced(tmp_path: Path) -> None:
    cache = ObservationCache()
    first, second = observation(tmp_path, "first"), observation(tmp_path, "second")
    cache.put(KEY, first)
    first.folder.rmdir()
    assert cache.get(KEY) is None
    assert cache.put(KEY, second) is second
    assert cache.get(KEY) is second


def test_the_oldest_leaves_with_its_crops(tmp_path: Path) -> None:
    cache = ObservationCache(size=2)
    keys = [dataclasses.replace(KEY, samples=number) for number in range(1, 4)]
    for key in keys:
        cache.put(key, observation(tmp_path, f"{key.samples}"))
    assert [cache.get(key) is None for key in keys] == [True, False, False]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["2", "3"]
    cache.clear()
    assert list(tmp_path.iterdir()) == []
