"""A running page on drawn people, and a browser to look at it."""

import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from biometric.entities import FrameRange, ObservedClip, Progress
from tests.ui.crowd import make_crowd_service, write_crowd
from tests.ui.scenery import write_people
from tests.ui.serving import Server, serving
from tests.ui.visiting import Visitor


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Clips of drawn people: `one` (red coat), `again` (red), `other` (blue), `three` (red, green, blue), `avi`."""
    folder = tmp_path_factory.mktemp("clips")
    clips = {
        "one": write_people(folder / "one.mp4", [0]),
        "again": write_people(folder / "again.mp4", [0], 30),
        "other": write_people(folder / "other.mp4", [120]),
        "three": write_people(folder / "three.mp4", [0, 60, 120]),
        "avi": write_people(folder / "one.avi", [0], codec="mpeg4"),
        "nobody": write_people(folder / "nobody.mp4", []),
    }
    whole = clips["one"].read_bytes()
    clips["text"] = folder / "notes.mp4"
    clips["text"].write_text("not a video at all\n" * 50)
    clips["empty"] = folder / "empty.mp4"
    clips["empty"].write_bytes(b"")
    clips["again"].touch()
    assert whole
    return clips


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("page") / "data") as running:
        yield running


@pytest.fixture
def visitor(chromium: Any, server: Server) -> Iterator[Visitor]:
    visitor = Visitor(chromium, server.url)
    yield visitor
    visitor.close()


@pytest.fixture
def first_visitor(chromium: Any, tmp_path: Path) -> Iterator[Visitor]:
    """Somebody at a page of their own, where nobody is enrolled: for tests that count on that, at each try."""
    with serving(tmp_path / "first" / "data") as running:
        visitor = Visitor(chromium, running.url)
        yield visitor
        visitor.close()


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip of a hundred drawn people."""
    return write_crowd(tmp_path_factory.mktemp("crowd") / "crowd.mp4")


def observed_by(work: Generator[Progress, None, ObservedClip]) -> ObservedClip:
    """Run an observation to its end."""
    while True:
        try:
            next(work)
        except StopIteration as stop:
            return cast(ObservedClip, stop.value)


@pytest.fixture(scope="module")
def crowd_server(crowd: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A page that sees the hundred people of the clip `crowd`, one of whom, Ada, is enrolled."""
    root = tmp_path_factory.mktemp("crowd-page") / "data"
    service = make_crowd_service(root)
    service.enroll(observed_by(service.observe(crowd, FrameRange.inclusive(0, 9))), "Ada", 1)
    service.close()
    with serving(root, command=[sys.executable, "-m", "tests.ui.crowd", str(root)]) as server:
        yield server
