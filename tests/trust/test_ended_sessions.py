"""Requests that stay open end when whoever sent them may no longer be here."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import httpx
import pytest

from biometric.accounts.roles import Role
from biometric.accounts.user_database import UserDatabase
from biometric.errors import UsersUnreadable
from biometric.ui import open_requests
from biometric.ui.open_requests import OpenRequests
from tests.own_loop import run_coroutine
from tests.ui.serving import Server, serving

PASSWORD = "correct horse battery"
SOON = 8.0
"""Seconds in which a stream ends; a look is made every two."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root = tmp_path_factory.mktemp("ended") / "data"
    root.mkdir()
    users = UserDatabase(root / "users.db")
    for name, role in (("boss", Role.ADMIN), ("ada", Role.OPERATOR), ("eve", Role.OPERATOR)):
        users.add(name, role, PASSWORD)
    with serving(root) as running:
        yield running
        assert running.process.poll() is None, running.log.read_text()
        assert "Traceback" not in running.log.read_text()


class Stream:
    """A stream that somebody has open; `seconds` until it ended, None while it is open."""

    def __init__(self, client: httpx.Client, path: str) -> None:
        self._client, self._path = client, path
        self.seconds: float | None = None
        self.began = threading.Event()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        assert self.began.wait(10)

    def _read(self) -> None:
        with self._client.stream("GET", self._path, timeout=60) as answer:
            assert answer.status_code == 200, answer.status_code
            opened = time.monotonic()
            self.began.set()
            for _part in answer.iter_raw():
                pass
            self.seconds = time.monotonic() - opened

    def wait(self) -> float | None:
        self._thread.join(SOON)
        return self.seconds


def sign_in(server: Server, name: str) -> httpx.Client:
    client = httpx.Client(base_url=server.url, timeout=60)
    assert client.post("/login", data={"username": name, "password": PASSWORD}).status_code == 200
    return client


def open_streams(client: httpx.Client, page: str) -> list[Stream]:
    """Open the streams that an open page has: of its events, and the one that says that it is there."""
    handler = next(one for one in client.get("/config").json()["dependencies"] if not one["inputs"] and one["targets"])
    body = {"fn_index": handler["id"], "data": [], "session_hash": page}
    assert client.post("/gradio_api/queue/join", json=body).status_code == 200
    address = f"/gradio_api/queue/data?session_hash={page}"
    client.get(address)  # ends with the event; the next one waits for others
    return [Stream(client, address), Stream(client, f"/gradio_api/heartbeat/{page}")]


def test_promise_7_open_streams_end_with_their_session(server: Server) -> None:
    with (
        closing(sign_in(server, "ada")) as ada,
        closing(sign_in(server, "eve")) as eve,
        closing(sign_in(server, "boss")) as boss,
    ):
        end_sessions_of(server, ada, eve, boss)


def end_sessions_of(server: Server, ada: httpx.Client, eve: httpx.Client, boss: httpx.Client) -> None:
    users = UserDatabase(server.root / "users.db")
    of_ada, of_eve, of_boss = (open_streams(client, f"page-{n}") for n, client in enumerate((ada, eve, boss)))
    time.sleep(2 * open_requests.LOOK_EVERY + 0.5)
    assert [one.seconds for one in (*of_ada, *of_eve, *of_boss)] == [None] * 6
    users.end_sessions("ada")
    users.remove("eve")
    assert all(one.wait() is not None for one in (*of_ada, *of_eve))
    assert [one.seconds for one in of_boss] == [None] * 2
    boss.post("/logout")
    assert all(one.wait() is not None for one in of_boss)


class Answer:
    """Collects what an app sends; the app sends `first`, and then waits for ever."""

    def __init__(self, *first: dict[str, Any]) -> None:
        self.first = first
        self.sent: list[Any] = []
        self.cancelled = False
        self.looks = 0

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        for message in self.first:
            await send(message)
        try:
            await asyncio.sleep(0.2)
        except asyncio.CancelledError:
            self.cancelled = True
            await send({"type": "http.response.body", "body": b"secret"})
            raise

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    def serve(self, known: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(open_requests, "LOOK_EVERY", 0.02)

        def look() -> bool:
            self.looks += 1
            return bool(known())

        requests = OpenRequests()
        scope = {"type": "http", "path": "/x"}
        run_coroutine(lambda: requests.serve(self.app, scope, None, self.send, "one", look))  # type: ignore[arg-type]


def test_a_stream_gets_nothing_more_once_its_sender_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = Answer({"type": "http.response.start", "status": 200, "headers": []})
    answer.serve(lambda: False, monkeypatch)
    assert answer.cancelled
    assert answer.sent[1:] == [{"type": "http.response.body", "body": b"", "more_body": False}]


def test_a_request_without_an_answer_is_told_to_sign_in(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = Answer()
    answer.serve(lambda: False, monkeypatch)
    assert answer.sent[0]["status"] == 401


def test_nobody_is_known_while_the_users_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable() -> bool:
        raise UsersUnreadable("The file of users cannot be read.")

    answer = Answer()
    answer.serve(unreadable, monkeypatch)
    assert answer.sent[0]["status"] == 401


def test_a_file_on_its_way_arrives_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = Answer({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"9")]})
    answer.serve(lambda: False, monkeypatch)
    assert not answer.cancelled


def test_a_request_of_somebody_known_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    answer = Answer()
    answer.serve(lambda: True, monkeypatch)
    assert not answer.cancelled
    assert 1 < answer.looks < 12
    assert answer.sent == []


def test_requests_of_one_sender_share_a_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_requests, "LOOK_EVERY", 0.05)
    looks: list[float] = []
    requests, answer = OpenRequests(), Answer()

    async def serve() -> None:
        scope = {"type": "http", "path": "/x"}
        await requests.serve(answer.app, scope, None, answer.send, "one", lambda: not looks.append(0.0))  # type: ignore

    async def visit() -> None:
        await asyncio.gather(*(serve() for _ in range(10)))

    run_coroutine(visit)
    assert len(looks) <= 8
