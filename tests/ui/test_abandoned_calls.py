"""A call of the API whose caller is gone stops, stores nothing, and gives the models back."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from biometric.gallery.repository import SQLiteGallery
from tests.ui.serving import Server, serving
from tests.ui.test_calibration_api import crowd  # noqa: F401 - a fixture
from tests.waiting import wait_for

gradio_client = pytest.importorskip("gradio_client")
SECONDS = 60


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A page that takes a quarter of a second for each frame: ten for the clip `one`."""
    with serving(tmp_path_factory.mktemp("slow") / "data", delay=0.25) as running:
        yield running


def borrowed(server: Server) -> list[Path]:
    """The clips that calls work on."""
    return [path for path in server.root.rglob("call-*") if path.is_dir()]


def uploaded(server: Server, clip: Path) -> dict[str, object]:
    [path] = httpx.post(f"{server.url}/gradio_api/upload", files={"files": (clip.name, clip.read_bytes())}).json()
    return {"path": path, "orig_name": clip.name, "meta": {"_type": "gradio.FileData"}}


@contextmanager
def program(server: Server, api_name: str, **values: object) -> Iterator[None]:
    """A program that has called an endpoint and reads the stream of answers, as long as the context lasts."""
    called = httpx.post(f"{server.url}/gradio_api/call/v2/{api_name}", json=values).json()
    address = f"{server.url}/gradio_api/call/{api_name}/{called['event_id']}"
    with httpx.stream("GET", address, timeout=SECONDS):
        wait_for(lambda: borrowed(server), SECONDS)
        yield


@contextmanager
def page(server: Server, api_name: str, *values: object) -> Iterator[None]:
    """The same by the queue, as Gradio's own clients call."""
    [endpoint] = [
        one["id"] for one in httpx.get(f"{server.url}/config").json()["dependencies"] if one["api_name"] == api_name
    ]
    body = {"data": values, "fn_index": endpoint, "session_hash": f"gone-{time.monotonic_ns()}"}
    httpx.post(f"{server.url}/gradio_api/queue/join", json=body).raise_for_status()
    address = f"{server.url}/gradio_api/queue/data?session_hash={body['session_hash']}"
    with httpx.stream("GET", address, timeout=SECONDS):
        wait_for(lambda: borrowed(server), SECONDS)
        yield


def stopped_early(server: Server, since: float) -> None:
    wait_for(lambda: not borrowed(server), SECONDS)
    assert time.monotonic() - since < 9, "the work went on to its end"


def test_nobody_is_enrolled_for_a_program_that_is_gone(server: Server, clips: dict[str, Path]) -> None:
    since = time.monotonic()
    with program(server, "enroll", clip=uploaded(server, clips["one"]), name="Gone"):
        pass
    stopped_early(server, since)
    clip, since = uploaded(server, clips["again"]), time.monotonic()
    values = ("Gone", *[None] * 4, False, False, False, None, None, False, *[None] * 4)
    with page(server, "enroll", clip, *values):
        pass
    stopped_early(server, since)
    client = gradio_client.Client(server.url, verbose=False)
    since = time.monotonic()
    job = client.submit(clip=gradio_client.handle_file(clips["other"]), name="Gone", api_name="/enroll")
    wait_for(lambda: borrowed(server), SECONDS)
    job.cancel()
    stopped_early(server, since)
    assert client.predict(api_name="/identities") == []
    client.close()


def test_nothing_is_written_for_a_program_that_is_gone(
    server: Server,
    crowd: SQLiteGallery,  # noqa: F811 - the fixture
    clips: dict[str, Path],
) -> None:
    since = time.monotonic()
    with program(server, "identify", clip=uploaded(server, clips["three"]), gallery="crowd", write_files=True):
        pass
    stopped_early(server, since)
    assert not list((server.root / "query").rglob("*"))


def test_no_calibration_is_stored_for_a_program_that_is_gone(
    server: Server,
    crowd: SQLiteGallery,  # noqa: F811 - the fixture
    clips: dict[str, Path],
) -> None:
    since = time.monotonic()
    clip = uploaded(server, clips["one"])
    with program(server, "calibrate", clips=[clip], target_fmr="possible", force=True, gallery="crowd"):
        pass
    stopped_early(server, since)
    client = gradio_client.Client(server.url, verbose=False)
    assert client.predict(gallery="crowd", api_name="/calibrations") == []
    client.close()


def test_a_caller_who_waits_is_answered(server: Server, crowd: SQLiteGallery, clips: dict[str, Path]) -> None:  # noqa: F811
    clip = uploaded(server, clips["again"])
    called = httpx.post(f"{server.url}/gradio_api/call/v2/identify", json={"clip": clip, "gallery": "crowd"}).json()
    time.sleep(2)  # nobody fetches yet, who may come later
    answer = httpx.get(f"{server.url}/gradio_api/call/identify/{called['event_id']}", timeout=SECONDS).text
    assert "event: complete" in answer
    assert '"people"' in answer
