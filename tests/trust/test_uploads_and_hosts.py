"""Attacks on uploads, connections and names of the host, each against the running application over raw sockets."""

import http.client
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from tests.ui.serving import Server, serving
from tests.waiting import wait_for

LIMIT_MB = 2
QUOTA = 10_000_000
"""What five uploads of the limit take."""
PATIENCE = 0.2
"""The server waits one fifth of the usual time for what comes slowly: a busy machine is slow, too."""
EDGE = b"edge"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root = tmp_path_factory.mktemp("edge") / "data"
    with serving(root, max_upload_mb=LIMIT_MB, patience=PATIENCE) as running:
        yield running
        assert running.process.poll() is None, running.log.read_text()
        assert "Traceback" not in running.log.read_text()


@pytest.fixture(autouse=True)
def _nothing_left(server: Server) -> Iterator[None]:
    """Each attack leaves room for the next: what nobody took is used up."""
    yield
    for path in waiting(server):
        spend(server, path)
    wait_for(lambda: not files(server), 20)


def files(server: Server) -> list[Path]:
    """All files of uploads, complete or not."""
    found = [Path(place, name) for place, _, names in os.walk(server.root / "temp") for name in names]
    return [path for path in found if "private-" in str(path) and path.is_file()]


def waiting(server: Server) -> list[Path]:
    return [path for path in files(server) if "arriving" not in path.parts]


def stored(server: Server) -> int:
    return sum(path.stat().st_size for path in files(server))


def form(size: int, name: str = "clip.mp4") -> tuple[bytes, bytes]:
    """Return beginning and end of a form with a file of `size` bytes between them."""
    begin = b'--edge\r\nContent-Disposition: form-data; name="files"; filename="%s"\r\n' % name.encode()
    return begin + b"Content-Type: application/octet-stream\r\n\r\n", b"\r\n--edge--\r\n"


def head(server: Server, length: int | None, *more: str, path: str = "/gradio_api/upload") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Content-Type: multipart/form-data; boundary=edge", *more]
    if not any(line.lower().startswith("host:") for line in more):
        lines.insert(1, f"Host: 127.0.0.1:{server.port}")
    if length is not None:
        lines.append(f"Content-Length: {length}")
    return "\r\n".join([*lines, "", ""]).encode()


def connected(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=30)


def answer_of(connection: socket.socket) -> bytes:
    """Read what comes until the other side closes or has answered."""
    data = b""
    try:
        while b"\r\n\r\n" not in data or not _whole(data):
            chunk = connection.recv(65536)
            if not chunk:
                break
            data += chunk
    except (ConnectionResetError, BrokenPipeError):
        pass
    return data


def _whole(data: bytes) -> bool:
    top, _, body = data.partition(b"\r\n\r\n")
    for line in top.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return len(body) >= int(line.split(b":")[1])
    return False


def status(data: bytes) -> int:
    return int(data.split(b" ", 2)[1]) if data.startswith(b"HTTP/1.1 ") else 0


def ask(server: Server, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


def upload(server: Server, data: bytes, name: str = "clip.mp4", **headers: str) -> tuple[int, bytes]:
    begin, end = form(len(data), name)
    kind = "multipart/form-data; boundary=edge"
    return ask(server, "POST", "/gradio_api/upload", begin + data + end, Content_Type=kind, **headers)


def file(path: Path | str) -> dict[str, Any]:
    return {"path": str(path), "meta": {"_type": "gradio.FileData"}, "orig_name": "clip.mp4"}


def identify(server: Server, path: Path | str, **headers: str) -> tuple[int, str]:
    """Identify an upload; return the status of the call, and what came of it."""
    body = json.dumps({"clip": file(path)}).encode()
    json_headers = {"Content_Type": "application/json", **headers}
    code, said = ask(server, "POST", "/gradio_api/call/v2/identify", body, **json_headers)
    if code != 200:
        return code, said.decode()
    event = json.loads(said)["event_id"]
    return code, ask(server, "GET", f"/gradio_api/call/identify/{event}", **headers)[1].decode()


def spend(server: Server, path: Path) -> None:
    """Use an upload up."""
    identify(server, path)


# --- lengths ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", ["length first", "chunked first"])
@pytest.mark.parametrize("coding", ["chunked", "Chunked", "identity", "gzip, chunked"])
def test_promise_5_two_lengths_are_refused_and_nothing_is_stored(server: Server, order: str, coding: str) -> None:
    lengths = ["Content-Length: 10", f"Transfer-Encoding: {coding}"]
    with connected(server) as attacker:
        attacker.sendall(head(server, None, *(lengths if order == "length first" else lengths[::-1])))
        begin, _ = form(0)
        try:
            for chunk in [begin, *[b"x" * 100_000] * 60]:
                attacker.sendall(b"%x\r\n%s\r\n" % (len(chunk), chunk))
        except OSError:
            pass  # the server has closed
        said = answer_of(attacker)
    assert status(said) in {0, 400, 501}  # 0: it was reset while it sent
    assert not files(server)
    assert upload(server, b"honest")[0] == 200  # nobody else is held up


def test_promise_5_an_upload_without_a_length_is_refused(server: Server) -> None:
    with connected(server) as attacker:
        attacker.sendall(head(server, None, "Transfer-Encoding: chunked"))
        assert status(answer_of(attacker)) == 411
    assert not files(server)


@pytest.mark.parametrize("length", ["-1", "+5", "1e3", "0x10", "5, 6", "²"])
def test_promise_5_a_length_that_is_none_is_refused(server: Server, length: str) -> None:
    with connected(server) as attacker:
        attacker.sendall(head(server, None, f"Content-Length: {length}") + b"x" * 50)
        assert status(answer_of(attacker)) in {400, 411}
    assert not files(server)


def test_promise_5_a_path_written_otherwise_is_no_way_around(server: Server) -> None:
    big = LIMIT_MB * 1_000_000 + 500_000
    for path in ("/gradio_api/upload%0a", "/gradio_api//upload", "/gradio_api/./upload", "/gradio_api/upload/"):
        with connected(server) as attacker:
            attacker.sendall(head(server, big, path=path))
            assert status(answer_of_refusal(attacker, big)) in {307, 400, 404, 405, 413}, path
    assert not files(server)


def answer_of_refusal(connection: socket.socket, length: int) -> bytes:
    begin, _ = form(length)
    with suppress(OSError):
        connection.sendall(begin + b"x" * (length - len(begin)))
    return answer_of(connection)


# --- quota -----------------------------------------------------------------------------------------------------------


def test_promise_5_uploads_on_their_way_count(server: Server) -> None:
    size = 1_800_000
    begin, end = form(size)
    length = len(begin) + size + len(end)
    answers: list[int] = []
    started = threading.Barrier(12)

    def attack() -> None:
        with connected(server) as attacker:
            started.wait(30)
            attacker.sendall(head(server, length) + begin + b"x" * 1000)
            time.sleep(0.5)  # all have begun
            with suppress(OSError):
                attacker.sendall(b"x" * (size - 1000) + end)
            answers.append(status(answer_of(attacker)))

    attackers = [threading.Thread(target=attack) for _ in range(12)]
    for one in attackers:
        one.start()
    for one in attackers:
        one.join(60)
    assert sorted(set(answers)) == [200, 507], answers
    assert stored(server) < QUOTA


def test_promise_5_room_is_given_back_when_an_upload_fails(server: Server) -> None:
    for _ in range(8):  # each reserves nearly a fifth of all room
        with connected(server) as attacker:
            attacker.sendall(head(server, LIMIT_MB * 1_000_000) + form(0)[0] + b"x" * 100)
    wait_for(lambda: not files(server), 30)
    assert upload(server, b"x" * 1_800_000)[0] == 200


# --- what breaks off -------------------------------------------------------------------------------------------------


def test_promise_3_an_upload_that_breaks_off_leaves_nothing(server: Server) -> None:
    begin, _ = form(0)
    with connected(server) as attacker:
        attacker.sendall(head(server, 1_900_000) + begin + b"x" * 1_200_000)
        wait_for(lambda: files(server), 10)
    wait_for(lambda: not files(server), 30)


def test_promise_3_an_upload_that_stops_is_given_up(server: Server) -> None:
    begin, _ = form(0)
    with connected(server) as attacker:  # its other end is gone without a word
        attacker.sendall(head(server, 1_900_000) + begin + b"x" * 1_200_000)
        wait_for(lambda: files(server), 10)
        since = time.monotonic()
        assert answer_of(attacker) == b""
        wait_for(lambda: not files(server), 30)
        assert time.monotonic() - since < 30


def test_promise_3_a_form_that_ends_early_is_refused(server: Server) -> None:
    begin, _ = form(0)
    body = begin + b"x" * 1000  # no closing boundary
    kind = "multipart/form-data; boundary=edge"
    assert ask(server, "POST", "/gradio_api/upload", body, Content_Type=kind)[0] == 400
    for kind in ("multipart/form-data", "text/plain", "multipart/form-data; boundary="):
        assert ask(server, "POST", "/gradio_api/upload", body, Content_Type=kind)[0] == 400
    assert not files(server)


def test_promise_3_an_upload_serves_the_page_as_before(server: Server) -> None:
    code, said = upload(server, b"data", name="../../Mein Clip (1).mp4")
    [path] = json.loads(said)
    assert code == 200
    assert Path(path).name == "Mein Clip (1).mp4"
    assert Path(path).read_bytes() == b"data"
    assert Path(path).stat().st_mode & 0o077 == 0


def test_an_upload_tells_its_progress(server: Server) -> None:
    begin, end = form(0)
    size = 600_000
    with connected(server) as sender:
        sender.sendall(
            head(server, len(begin) + size + len(end), path="/gradio_api/upload?upload_id=abc") + begin + b"x" * size
        )
        told: list[bytes] = []
        listener = threading.Thread(
            target=lambda: told.append(ask(server, "GET", "/gradio_api/upload_progress?upload_id=abc")[1])
        )
        listener.start()
        time.sleep(0.5)
        sender.sendall(end)
        assert status(answer_of(sender)) == 200
        listener.join(10)
    messages = [json.loads(line[6:]) for line in told[0].decode().split("\n\n") if line]
    assert messages[-1] == {"msg": "done"}
    assert {one["orig_name"] for one in messages[:-1]} == {"clip.mp4"}
    assert ask(server, "GET", "/gradio_api/upload_progress?upload_id=none")[0] == 404
    code, late = ask(server, "GET", "/gradio_api/upload_progress?upload_id=abc")  # a small one ends before it is asked
    assert (code, late.decode().split("\n\n")[-2:]) == (200, ['data: {"msg": "done"}', ""])
    assert ask(server, "GET", "/gradio_api/upload_progress?upload_id=abc", **browser("a"))[0] == 404


# --- slow requests and many connections ------------------------------------------------------------------------------


@pytest.mark.parametrize("sent", [b"", b"G", b"GET / HTTP/1.1\r\nHost: localhost\r\n"])
def test_promise_5_a_request_that_never_comes_is_given_up(server: Server, sent: bytes) -> None:
    with connected(server) as attacker:
        attacker.sendall(sent)
        since = time.monotonic()
        assert answer_of(attacker) == b""
        assert time.monotonic() - since < 30


def test_promise_5_a_request_that_comes_too_slowly_is_given_up(server: Server) -> None:
    for begin in (
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
        head(server, 1_900_000) + form(0)[0],
        head(server, 3_000_000, path="/gradio_api/queue/join"),
    ):
        with connected(server) as attacker:
            attacker.sendall(begin)
            since = time.monotonic()
            with suppress(OSError):  # reset, or a broken pipe
                while time.monotonic() - since < 60:
                    attacker.sendall(b"x")
                    time.sleep(0.1)
            assert time.monotonic() - since < 50
    wait_for(lambda: not files(server), 30)


def test_promise_5_one_client_cannot_hold_all_connections(server: Server) -> None:
    attackers = []
    try:
        for _ in range(200):
            attackers.append(connected(server))
            attackers[-1].sendall(b"GET /gradio_api/heartbeat/a%d HTTP/1.1\r\nHost: localhost\r\n\r\n" % len(attackers))
        time.sleep(0.5)
        refused = 0
        for one in attackers:
            one.settimeout(2)
            try:
                refused += one.recv(12).endswith(b"503")
            except OSError:
                refused += 1
        assert 60 <= refused <= 110
    finally:
        for one in attackers:
            one.close()
    wait_for(lambda: ask(server, "GET", "/")[0] == 200, 10)


# --- whose a file is -------------------------------------------------------------------------------------------------


def browser(letter: str) -> dict[str, str]:
    return {"Cookie": f"sightline-sender={letter * 43}"}


def test_promise_1_nobody_uses_or_removes_the_upload_of_another(server: Server) -> None:
    [path] = json.loads(upload(server, b"mine", **browser("a"))[1])
    config = json.loads(ask(server, "GET", "/config")[1])
    imports = [one["id"] for one in config["dependencies"] if "import" in json.dumps(one["targets"])]
    for spelling in (
        path,
        f"{Path(path).parent}/./{Path(path).name}",
        f"{Path(path).parent}/../{'/'.join(Path(path).parts[-2:])}",
    ):
        for attacker in ({}, browser("b"), {"Cookie": "sightline-sender=a"}):
            assert identify(server, spelling, **attacker)[0] == 403
            for number in [*imports, *range(0, len(config["dependencies"]), 7)]:
                body = {"fn_index": number, "data": [file(spelling)], "session_hash": "attacker"}
                code, said = ask(
                    server,
                    "POST",
                    "/gradio_api/queue/join",
                    json.dumps(body).encode(),
                    Content_Type="application/json",
                    **attacker,
                )
                assert code == 403, said
    assert Path(path).read_bytes() == b"mine"
    assert identify(server, path, **browser("a"))[0] == 200
    assert not Path(path).exists()


def test_promise_1_an_upload_cannot_be_found_by_its_contents(server: Server) -> None:
    first, second = (json.loads(upload(server, b"same")[1])[0] for _ in range(2))
    assert Path(first).parent != Path(second).parent
    spend(server, Path(first))
    assert Path(second).is_file()


def test_promise_1_a_browser_gets_a_cookie_that_scripts_and_other_sites_do_not_see(server: Server) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.request("GET", "/")
    response = connection.getresponse()
    cookie = response.getheader("set-cookie") or ""
    response.read()
    connection.close()
    assert cookie.startswith("sightline-sender=")
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


# --- names of the host -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "evil.com@127.0.0.1",
        "evil.com:80@127.0.0.1",
        "127.0.0.1#evil.com",
        "127.0.0.1/evil.com",
        "127.0.0.1?evil.com",
        "127.0.0.1\\evil.com",
        "127.0.0.1 evil.com",
        "127.0.0.1,evil.com",
        "127.0.0.1:80:80",
        "127.0.0.1:99999999",
        "127.0.0.1:",
        "[::1",
        "[::1]evil.com",
        "[::ffff:1.2.3.4]",
        "localhost.evil.com",
        "evil.com",
        "0x7f000001.evil.com",
        "",
        "127.0.0.1\tevil.com",
        "localhost%00.evil.com",
        "127。0。0。1",
    ],
)
def test_promise_8_a_host_that_is_not_this_machine_is_refused(server: Server, host: str) -> None:
    with connected(server) as attacker:
        attacker.sendall(b"GET /config HTTP/1.1\r\nHost: " + host.encode() + b"\r\n\r\n")
        said = answer_of(attacker)
    assert status(said) in {400, 403}, said[:200]
    assert b"evil.com" not in said


def test_promise_8_two_hosts_are_refused(server: Server) -> None:
    with connected(server) as attacker:
        attacker.sendall(b"GET /config HTTP/1.1\r\nHost: localhost\r\nHost: evil.com\r\n\r\n")
        assert status(answer_of(attacker)) == 400


@pytest.mark.parametrize(
    "header",
    [
        "X-Forwarded-Host",
        "X-Forwarded-Proto",
        "X-Forwarded-Server",
        "Forwarded",
        "X-Gradio-Server",
        "X-Forwarded-Prefix",
    ],
)
def test_promise_8_nobody_says_for_another_where_the_page_is(server: Server, header: str) -> None:
    value = "host=evil.com" if header == "Forwarded" else "https" if header.endswith("Proto") else "evil.com"
    for path in ("/", "/config", "/gradio_api/info", "/logout", "/login/"):
        code, said = ask(server, "GET", path, **{header.replace("-", "_"): value})
        assert code in {200, 302, 307, 404, 405}
        assert b"evil.com" not in said
        assert b"https://127.0.0.1" not in said


def test_promise_8_websockets_are_refused(server: Server) -> None:
    with connected(server) as attacker:
        attacker.sendall(
            b"GET /gradio_api/queue/join HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nOrigin: http://evil.com\r\n\r\n"
        )
        assert status(answer_of(attacker)) in {400, 403, 404, 405}


def test_promise_7_the_token_is_not_handed_to_scripts(server: Server) -> None:
    assert ask(server, "GET", "/gradio_api/token", Cookie="access-token-x=abc")[0] == 403
    assert ask(server, "GET", "/gradio_api//token/")[0] in {403, 404}
