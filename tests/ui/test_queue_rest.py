"""The queue of a server that nobody asks anything rests, and works at once when somebody does."""

import asyncio
import time
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from biometric.ui.queue_rest import REST_SECONDS, WAIT_SECONDS, rest_when_idle
from tests.own_loop import run_coroutine
from tests.ui.serving import Server, serving


class Queue:
    """Looks for work as Gradio's queue does: one event after the other, each as long as `busy` says."""

    sleep_when_free = 0.001

    def __init__(self) -> None:
        self.looks = 0
        self.waiting: list[str] = []
        self.taken: list[str] = []
        self.busy = False
        self.lock = asyncio.Lock()

    def __len__(self) -> int:
        return len(self.waiting)

    async def push(self, event: str) -> str:
        self.waiting.append(event)
        return event

    async def start_processing(self) -> None:
        while True:
            self.looks += 1
            if not self.waiting or self.busy:
                await asyncio.sleep(self.sleep_when_free)
                continue
            async with self.lock:
                self.taken.append(self.waiting.pop(0))


def test_an_idle_queue_rests_and_is_woken() -> None:
    async def visit() -> None:
        queue = Queue()
        rest_when_idle(SimpleNamespace(_queue=queue))
        loop = asyncio.ensure_future(queue.start_processing())
        await asyncio.sleep(0.3)
        assert queue.looks <= 3, "it looks once a second"
        assert await queue.push("first") == "first"
        await asyncio.sleep(0.01)
        assert queue.taken == ["first"]
        queue.busy = True
        await queue.push("second")
        await asyncio.sleep(0.05)
        queue.busy = False
        await asyncio.sleep(0.05)
        assert queue.taken == ["first", "second"], "what waits for its turn is looked at often"
        looks = queue.looks
        await asyncio.sleep(0.2)
        assert queue.looks <= looks + 2
        loop.cancel()
        with pytest.raises(asyncio.CancelledError):
            await loop

    run_coroutine(visit)


def test_what_a_loop_awaits_beside_its_sleep_is_left_alone() -> None:
    async def visit() -> None:
        queue = Queue()
        rest_when_idle(SimpleNamespace(_queue=queue))
        loop = asyncio.ensure_future(queue.start_processing())
        await queue.lock.acquire()
        await queue.push("first")
        await asyncio.sleep(0.01)
        await queue.push("second")
        await asyncio.sleep(0.01)
        assert queue.taken == [], "the lock is held by somebody else"
        queue.lock.release()
        await asyncio.sleep(0.01)
        assert queue.taken == ["first", "second"]
        loop.cancel()

    run_coroutine(visit)


def test_a_sleep_that_is_over_is_not_ended_once_more(caplog: pytest.LogCaptureFixture) -> None:
    async def visit() -> None:
        queue = Queue()
        rest_when_idle(SimpleNamespace(_queue=queue))
        loop = asyncio.ensure_future(queue.start_processing())
        for _ in range(5):
            await asyncio.sleep(0)
            await queue.push("event")
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            late = asyncio.ensure_future(queue.push("late"))
            time.sleep(WAIT_SECONDS + 0.01)  # the loop runs it next, and then a timer that is due
            await late
            await asyncio.sleep(0.03)
        assert queue.taken == ["event", "late"] * 5
        loop.cancel()

    run_coroutine(visit)
    assert "invalid state" not in caplog.text


def test_another_queue_keeps_its_ways() -> None:
    queue = SimpleNamespace(sleep_when_free=0.001)
    rest_when_idle(SimpleNamespace(_queue=queue))
    assert queue.sleep_when_free == 0.001
    rest_when_idle(SimpleNamespace())


def switches(server: Server) -> int:
    """Return how often threads of the server went to sleep by themselves."""
    lines = [
        line
        for status in Path(f"/proc/{server.process.pid}/task").glob("*/status")
        for line in status.read_text().splitlines()
        if line.startswith("voluntary_ctxt_switches")
    ]
    return sum(int(line.split()[1]) for line in lines)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="the system does not tell what threads do in /proc")
def test_an_idle_server_sleeps_and_answers_at_once(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server, httpx.Client(base_url=server.url, timeout=30) as client:
        times = []
        for pause in (1.0, 0.0, 2.0):  # the first one loads what is needed
            time.sleep(pause)
            began = time.monotonic()
            call = client.post("/gradio_api/call/identities", json={"data": [None]}).json()["event_id"]
            assert "complete" in client.get(f"/gradio_api/call/identities/{call}").text
            times.append(time.monotonic() - began)
        assert times[2] < times[1] + REST_SECONDS / 3, times
        time.sleep(1.0)
        before = switches(server)
        time.sleep(2.0)
        assert (switches(server) - before) / 2.0 < 35, "looking every 20 ms alone is 50 times a second"
