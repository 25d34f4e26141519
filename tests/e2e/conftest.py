"""The real service on real clips with real weights."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from biometric.bootstrap import build
from biometric.entities import FrameRange, ObservedClip
from biometric.service import Sightline
from biometric.settings import Settings


@pytest.fixture(scope="module")
def service(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sightline]:
    """A service with the shared weights and an empty gallery."""
    folder = tmp_path_factory.mktemp("sightline")
    settings = Settings(
        gallery=folder / "gallery",
        query=folder / "query",
        library=folder / "library",
        temp=folder / "temp",
        models=shared / "models",
        offline=True,
        device="cpu",
    )
    service = build(settings)
    yield service
    service.close()


@pytest.fixture(scope="module")
def observe(service: Sightline) -> Callable[..., ObservedClip]:
    """Observe a range of a clip to its end."""

    def observed(clip: Path, first: int | None = None, last: int | None = None, **options: bool) -> ObservedClip:
        frames = None if first is None or last is None else FrameRange.inclusive(first, last)
        work = service.observe(clip, frames, **options)
        while True:
            try:
                next(work)
            except StopIteration as finished:
                return finished.value

    return observed
