"""Calls of the API that are malformed, each against the running application: a sentence, and one line in the log."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.ui.serving import Server, serving

STRANGE: list[Any] = [5, True, "x", {"path": 3}, {"a": {}}, [[1]], None]
"""Values of kinds that most fields and parameters do not take."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("calls") / "data") as running:
        yield running
        assert running.process.poll() is None, running.log.read_text()
        assert "Traceback" not in running.log.read_text()


@pytest.fixture(scope="module")
def client(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{server.url}/gradio_api/", timeout=60) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "body", "status", "words"),
    [
        ("call/identities", {"data": []}, 400, "/identities takes 1 value, got 0."),
        ("call/identities/", {"data": [None, None]}, 400, "/identities takes 1 value, got 2."),
        ("call/verify", {"data": [None]}, 400, "values, got 1."),
        ("call/identities", {"data": "x"}, 400, "as a list named data"),
        ("call/identities", {"data": None}, 400, "as a list named data"),
        ("call/identities", {}, 400, "as a list named data"),
        ("call/identities", [], 400, "must be a JSON object"),
        ("call/nothing", {"data": []}, 404, "There is no endpoint /nothing."),
        ("call/v2/nothing", {}, 404, "There is no endpoint /nothing."),
        ("call/v2/identities", {"x": 1}, 400, "Parameter `x` is not a valid"),
        ("call/v2/verify", {}, 400, "required argument: clip"),
        ("call/v2/verify", "x", 400, "must be a JSON object"),
        ("queue/join", {"fn_index": 99999, "data": [], "session_hash": "x"}, 404, "There is no endpoint 99999."),
        ("queue/join", {"fn_index": -1, "data": [], "session_hash": "x"}, 404, "There is no endpoint -1."),
        ("queue/join", {"fn_index": 0, "data": "x", "session_hash": "x"}, 400, "as a list named data"),
        ("component_server", {"data": 1, "component_id": 99999, "session_hash": "x", "fn_name": "y"}, 400, "be read"),
    ],
)
def test_what_cannot_be_read_is_answered_with_a_sentence(
    server: Server, client: httpx.Client, path: str, body: Any, status: int, words: str
) -> None:
    before = len(server.log.read_text())
    answer = client.post(path, json=body)
    assert answer.status_code == status, answer.text
    assert words in answer.json()["detail"]
    logged = server.log.read_text()[before:].strip().splitlines()
    logged = [line for line in logged if not line.startswith("Sightline is at ")]  # it answers before it says so
    assert len([line for line in logged if "refused a call" in line]) == 1, logged
    assert len(logged) == 1, logged


@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_json_is_refused(client: httpx.Client, body: bytes) -> None:
    for path in ("call/identities", "call/v2/identities", "queue/join", "cancel", "component_server"):
        answer = client.post(path, content=body)
        assert answer.status_code == 400
        assert "must be a JSON object" in answer.json()["detail"]
    assert client.post("component_server", data={"a": "b"}, files={"c": b"x"}).status_code == 400


def test_values_of_another_kind_are_refused_with_a_sentence(client: httpx.Client) -> None:
    endpoints = [one for one in client.get("../config").json()["dependencies"] if one["inputs"]]
    named = [one for one in endpoints if one["api_visibility"] == "public"]
    assert len(named) > 10
    for one in named:
        for value in STRANGE:
            data = [value] * len(one["inputs"])
            call = client.post(f"call/{one['api_name']}", json={"data": data}).json()["event_id"]
            answer = client.get(f"call/{one['api_name']}/{call}").text
            assert "Something went wrong" not in answer, (one["api_name"], value)
            assert "event: complete" in answer or '"error": "' in answer, (one["api_name"], value, answer)


def test_handlers_of_the_page_are_sent_strange_values(client: httpx.Client) -> None:
    """What they make of it is theirs; the server goes on, and its log tells no place in the code."""
    handlers = [one for one in client.get("../config").json()["dependencies"] if one["inputs"] and one["targets"]]
    for one in handlers:
        for value in STRANGE[2:6]:
            data = [value] * len(one["inputs"])
            body = {"fn_index": one["id"], "data": data, "session_hash": f"strange-{one['id']}"}
            assert client.post("queue/join", json=body).status_code in {200, 503}
    assert client.post("call/v2/identities", json={}).status_code in {200, 503}
