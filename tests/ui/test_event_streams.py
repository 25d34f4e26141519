"""What a page has waiting is dropped when the page is gone, and not because an older stream of it has ended."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from biometric.ui import event_streams
from biometric.ui.event_streams import EventStreams
from tests.own_loop import run_coroutine


class Queue:
    """Notes what is dropped."""

    def __init__(self) -> None:
        self.dropped: list[tuple[str | None, str | None]] = []

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

        streams = EventStreams(app, blocks=SimpleNamespace(_queue=queue))
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

        streams = EventStreams(app, blocks=SimpleNamespace(_queue=queue))
        await streams(scope("page"), None, None)  # type: ignore[arg-type]
        assert queue.dropped == []  # the page may be about to open its next stream
        await asyncio.sleep(0.15)
        assert queue.dropped == [("page", None)]
        await queue.clean_events(event_id="one")
        assert queue.dropped[-1] == (None, "one"), "a single event that is cancelled goes at once"

    run_coroutine(visit)
