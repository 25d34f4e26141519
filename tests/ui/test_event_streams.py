"""What a page has waiting is dropped when the page is gone, and not because an older stream of it has ended."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from biometric.ui import event_streams
from biometric.ui.event_streams import EventStreams, OpenStreams
from tests.own_loop import run_coroutine


class Queue:
    """Notes what is dropped."""

    def __init__(self) -> None:
        self.dropped: list[tuple[str | None, str | None]] = []
        self.pending_messages_per_session: dict[str, asyncio.Queue[str]] = {}

    async def clean_events(self, *, session_hash: str | None = None, event_id: str | None = None) -> None:
        self.dropped.append((session_hash, event_id))


def scope(page: str) -> dict[str, Any]:
    return {"type": "http", "path": event_streams.PATH, "query_string": f"session_hash={page}".encode()}


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Queue:
    monkeypatch.setattr(event_streams, "MOMENT", 0.05)
    return Queue()


def test_an_old_stream_that_ends_late_takes_nothing_of_the_next_one_along(queue: Queue) -> None:
    async def visit() -> None:
        done = asyncio.Event()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            if b"old" in scope["query_string"]:
                await queue.clean_events(session_hash="page")
            else:
                await done.wait()

        streams = EventStreams(app, streams=OpenStreams(SimpleNamespace(_queue=queue)))
        newer = asyncio.ensure_future(streams(scope("page"), None, None))  # type: ignore[arg-type]
        await asyncio.sleep(0)
        await streams({**scope("page"), "query_string": b"session_hash=page&old=1"}, None, None)  # type: ignore[arg-type]
        await asyncio.sleep(0.15)
        assert queue.dropped == []
        done.set()
        await newer

    run_coroutine(visit)


def test_what_a_page_that_is_gone_has_waiting_is_dropped(queue: Queue) -> None:
    async def visit() -> None:
        async def app(scope: Any, receive: Any, send: Any) -> None:
            await queue.clean_events(session_hash="page")

        streams = EventStreams(app, streams=OpenStreams(SimpleNamespace(_queue=queue)))
        await streams(scope("page"), None, None)  # type: ignore[arg-type]
        assert queue.dropped == []  # the page may be about to open its next stream
        await asyncio.sleep(0.15)
        assert queue.dropped == [("page", None)]
        await queue.clean_events(event_id="one")
        assert queue.dropped[-1] == (None, "one"), "a single event that is cancelled goes at once"

    run_coroutine(visit)


def test_a_page_whose_messages_wait_without_a_stream_is_told_of(queue: Queue) -> None:
    now = [0.0]
    streams = OpenStreams(SimpleNamespace(_queue=queue), clock=lambda: now[0])
    streams.opened("page")
    assert not streams.stalled("page")
    queue.pending_messages_per_session["page"] = asyncio.Queue()
    queue.pending_messages_per_session["page"].put_nowait("answer")
    now[0] = 10.0
    assert not streams.stalled("page"), "the stream will bring it"
    streams.closed("page")
    assert not streams.stalled("page"), "the next stream may be on its way"
    now[0] = 10.0 + event_streams.MOMENT
    assert streams.stalled("page")
    assert not streams.stalled("another page")
    streams.opened("page")
    assert not streams.stalled("page")


def test_a_stream_that_its_page_closes_gets_a_moment_to_finish(queue: Queue) -> None:
    async def visit() -> None:
        async def receive() -> dict[str, str]:
            return {"type": "http.disconnect"}

        async def app(scope: Any, receive: Any, send: Any) -> None:
            listening = asyncio.ensure_future(receive())
            await asyncio.sleep(0.01)
            assert not listening.done(), "Gradio would forget the messages of the page's next stream"
            assert (await listening)["type"] == "http.disconnect"

        streams = OpenStreams(SimpleNamespace(_queue=queue))
        await EventStreams(app, streams=streams)(scope("page"), receive, None)  # type: ignore[arg-type]

    run_coroutine(visit)
