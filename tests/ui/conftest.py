"""A running page on drawn people, and a browser to look at it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

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
