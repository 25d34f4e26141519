"""Attacks by callers who go away and by pages that do not exist, each against the running application."""

import base64
import json
import os
import re
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.ui.scenery import write_people
from tests.ui.serving import Server, serving
from tests.waiting import wait_for

pytest.importorskip("mcp")
MCP = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A page with tools that takes a fifth of a second for each frame."""
    with serving(tmp_path_factory.mktemp("callers") / "data", delay=0.2, mcp=1) as running:
        yield running
        assert running.process.poll() is None, running.log.read_text()
        assert "Traceback" not in running.log.read_text()


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_people(tmp_path_factory.mktemp("clip") / "clip.mp4", [0], 30)


def message(tool: str, **arguments: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": tool, "arguments": arguments}}


def on_the_wire(server: Server, tool: str, **arguments: Any) -> bytes:
    body = json.dumps(message(tool, **arguments)).encode()
    lines = ["POST /gradio_api/mcp/ HTTP/1.1", f"Host: 127.0.0.1:{server.port}", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in MCP.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def data_address(clip: Path) -> str:
    return f"data:video/mp4;base64,{base64.b64encode(clip.read_bytes()).decode()}"


def names(server: Server) -> list[str]:
    called = httpx.post(f"{server.url}/gradio_api/call/identities", json={"data": [None]}).json()["event_id"]
    answer = httpx.get(f"{server.url}/gradio_api/call/identities/{called}", timeout=60).text
    [[identities]] = [json.loads(text) for text in re.findall(r"event: complete\ndata: (.*)", answer)]
    return [identity["identity"] for identity in identities]


def working(server: Server) -> list[Path]:
    walked = os.walk(server.root / "temp")  # `rglob` raises where a folder vanishes
    return [Path(place, name) for place, folders, _ in walked for name in folders if name.startswith("call-")]


def test_promise_6_a_tool_whose_caller_is_gone_stops_and_stores_nothing(server: Server, clip: Path) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as caller:
        caller.sendall(on_the_wire(server, "enroll", clip=data_address(clip), name="Gone"))
        wait_for(lambda: working(server), 60)
        since = time.monotonic()
    wait_for(lambda: not working(server), 60)
    assert time.monotonic() - since < 4, "the work went on to its end"
    assert names(server) == []


def test_promise_6_a_tool_whose_caller_waits_is_answered(server: Server, clip: Path) -> None:
    called = message("enroll", clip=data_address(clip), to_frame=20, name="Here")
    answer = httpx.post(f"{server.url}/gradio_api/mcp/", json=called, headers=MCP, timeout=60)
    assert '"isError":false' in answer.text, answer.text
    assert names(server) == ["Here"]


def test_promise_5_invented_pages_push_nobody_out(server: Server, clip: Path) -> None:
    config = httpx.get(f"{server.url}/config").json()
    for dependency in config["dependencies"]:
        if not dependency["targets"] or dependency["targets"][0][1] != "upload" or len(dependency["inputs"]) != 1:
            continue
        [path] = httpx.post(f"{server.url}/gradio_api/upload", files={"files": ("clip.mp4", clip.read_bytes())}).json()
        join(server, dependency["id"], [{"path": path, "meta": {"_type": "gradio.FileData"}}], "victim")
    kept = [path for path in (server.root / "temp").rglob("page-*/*/*") if path.is_file()]
    assert kept
    for number in range(105):
        join(server, config["dependencies"][0]["id"], [None], f"invented-{number}")
        httpx.get(f"{server.url}/gradio_api/queue/data", params={"session_hash": f"also-{number}"})
    assert all(path.is_file() for path in kept)


def join(server: Server, index: int, data: list[Any], page: str) -> str:
    body = {"fn_index": index, "data": data, "session_hash": page}
    if httpx.post(f"{server.url}/gradio_api/queue/join", json=body).status_code != 200:
        return ""
    return httpx.get(f"{server.url}/gradio_api/queue/data", params={"session_hash": page}, timeout=60).text


def test_promise_4_a_page_or_call_that_nobody_knows_leaves_no_traceback(server: Server) -> None:
    unknown = httpx.get(f"{server.url}/gradio_api/queue/data", params={"session_hash": "nobody"})
    assert '"session_not_found":true' in unknown.text.replace(" ", "")
    for path in ("call/identify/nothing", "call/v2/identify/nothing", "call/identify/../nothing"):
        httpx.get(f"{server.url}/gradio_api/{path}")
    httpx.post(f"{server.url}/gradio_api/cancel", json={"session_hash": "x", "fn_index": 0, "event_id": "y"})
    httpx.post(f"{server.url}/gradio_api/cancel", json={})
    time.sleep(0.3)
    assert "Traceback" not in server.log.read_text()
