"""Promises about the web, each tried against a really running server with plain HTTP."""

import http.client
import json
import os
import re
import signal
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from biometric.gallery.repository import SQLiteGallery
from tests.ui.scenery import write_people
from tests.ui.serving import Server, serving

API = "/gradio_api"
Answer = tuple[int, dict[str, str], bytes]


def ask(server: Server, method: str, path: str, body: bytes | None = None, **headers: str) -> Answer:
    """Send one request exactly as written (no normalising of `..`)."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        connection.putrequest(method, path, skip_host="Host" in headers)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        if body is not None and "Content_Length" not in headers:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, response.read()
    finally:
        connection.close()


def upload(server: Server, name: str, data: bytes, **headers: str) -> Answer:
    form = (
        f'--edge\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    ).encode()
    body = form + data + b"\r\n--edge--\r\n"
    return ask(server, "POST", f"{API}/upload", body, Content_Type="multipart/form-data; boundary=edge", **headers)


def uploaded(server: Server, path: Path) -> dict[str, Any]:
    status, _, body = upload(server, path.name, path.read_bytes())
    assert status == 200, body
    return {"path": json.loads(body)[0], "meta": {"_type": "gradio.FileData"}, "orig_name": path.name}


def call(server: Server, endpoint: str, *data: Any) -> tuple[str, Any]:
    """Call a named endpoint; return the kind of its last event ("complete" or "error") and its data.

    Of parameters that are left out at the end the defaults are sent, as Gradio's clients do.
    """
    endpoints = json.loads(ask(server, "GET", f"{API}/info")[2])["named_endpoints"]
    left_out = endpoints[f"/{endpoint}"]["parameters"][len(data) :]
    body = json.dumps({"data": [*data, *(parameter["parameter_default"] for parameter in left_out)]}).encode()
    status, _, answer = ask(server, "POST", f"{API}/call/{endpoint}", body, Content_Type="application/json")
    assert status == 200, answer
    event = json.loads(answer)["event_id"]
    _, _, stream = ask(server, "GET", f"{API}/call/{endpoint}/{event}")
    events = re.findall(r"event: (\w+)\ndata: (.*)", stream.decode())
    kind, text = events[-1]
    return kind, json.loads(text)


def join(server: Server, index: int, data: list[Any], event_data: Any = None, session: str = "hostile") -> str:
    """Run a private handler of the page by its number, as its own page would; return all it answers."""
    request = {"fn_index": index, "data": data, "event_data": event_data, "session_hash": session}
    body = json.dumps(request).encode()
    status, _, answer = ask(server, "POST", f"{API}/queue/join", body, Content_Type="application/json")
    if status != 200:
        return answer.decode()
    _, _, stream = ask(server, "GET", f"{API}/queue/data?session_hash={session}")
    return stream.decode()


@pytest.fixture(scope="module")
def enrolled(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Server:
    """The server with somebody in its gallery."""
    clip = write_people(tmp_path_factory.mktemp("clip") / "clip.mp4", [0])
    kind, answer = call(
        server, "enroll", uploaded(server, clip), "Ada Lovelace", None, None, None, None, False, False, False
    )
    assert kind == "complete", answer
    return server


def crops(server: Server) -> list[Path]:
    found = sorted((server.root / "gallery").rglob("*.jpg"))
    assert found
    return found


def test_promise_1_no_address_reaches_gallery_or_database(enrolled: Server) -> None:
    crop = crops(enrolled)[0]
    database = next((enrolled.root / "gallery").glob("*.db"), crop)
    for path in (
        str(crop),
        str(database),
        f"{enrolled.root}/temp/../gallery/{crop.relative_to(enrolled.root / 'gallery')}",
        f"/proc/self/cwd/{os.path.relpath(crop)}",
        f"/proc/self/root{crop}",
        "/etc/passwd",
        "../../../../../../etc/passwd",
        "http://127.0.0.1:1/x",
        "https://example.org/",
        "//etc/passwd",
        "file:///etc/passwd",
    ):
        for address in (f"{API}/file={path}", f"{API}/file/{path}", f"{API}/file={path.replace('/', '%2f')}"):
            status, _, body = ask(enrolled, "GET", address)
            assert status in {400, 403, 404}, (address, status)
            assert b"root:" not in body
            assert b"\xff\xd8\xff" not in body
    for address in (f"{API}/proxy=http://127.0.0.1:1/", "/static/../../../etc/passwd", "/assets/..%2f..%2fapp.py"):
        assert ask(enrolled, "GET", address)[0] in {400, 403, 404}


@pytest.mark.parametrize("path", ["/etc/passwd", "../../../etc/passwd", "/proc/self/environ", "", "a\x00b"])
def test_promise_1_no_request_body_reads_a_file_of_the_server(enrolled: Server, path: str, tmp_path: Path) -> None:
    data = {"path": path, "url": path, "meta": {"_type": "gradio.FileData"}}
    kind, answer = call(enrolled, "identify", data, None, None, None, None, None, False, False)
    assert kind == "error"
    assert "root:" not in json.dumps(answer)
    stored = str(crops(enrolled)[0])
    elsewhere = write_people(tmp_path / "elsewhere.mp4", [0])  # a good clip, but nobody uploaded it
    kind, answer = call(
        enrolled, "identify", {**data, "path": str(elsewhere)}, None, None, None, None, None, False, False
    )
    assert kind == "error"
    kind, answer = call(enrolled, "identify", {**data, "path": stored}, None, None, None, None, None, False, False)
    assert kind == "error"


@pytest.mark.parametrize("path", ["http://127.0.0.1:1/clip.mp4", "https://example.org/clip.mp4", "ftp://example.org/c"])
def test_promise_1_no_request_body_makes_the_server_fetch_an_address(server: Server, path: str) -> None:
    file = {"path": path, "meta": {"_type": "gradio.FileData"}}
    for where, body in (
        ("call/identify", {"data": [file]}),
        ("call/verify", {"data": [{"deep": [file]}, "Ada"]}),
        ("queue/join", {"fn_index": 0, "data": [[file]], "session_hash": "x"}),
        ("//queue/join", {"fn_index": 0, "data": [file], "session_hash": "x"}),
    ):
        for text in (json.dumps(body), json.dumps(body).replace("/", "\\/"), json.dumps(body).replace("/", "\\u002f")):
            status, _, answer = ask(server, "POST", f"{API}/{where}", text.encode(), Content_Type="application/json")
            assert status == 400, (where, text, answer)
            assert b"Upload the file" in answer
    too_long = b'{"data": ["' + b"x" * 4_100_000 + b'"]}'
    assert ask(server, "POST", f"{API}/queue/join", too_long, Content_Type="application/json")[0] == 413


def test_promise_1_paths_of_gallery_and_query_stay_inside_their_roots(enrolled: Server, clips: dict[str, Path]) -> None:
    for gallery in ("/etc", "../..", "~", "http://example.org"):
        kind, answer = call(enrolled, "identities", gallery)
        assert kind == "error", answer
    clip = uploaded(enrolled, clips["one"])
    kind, answer = call(enrolled, "identify", clip, None, None, None, None, "../elsewhere", True, False)
    assert kind == "error"
    assert not (enrolled.root / "elsewhere").exists()


def test_promise_2_shown_crops_do_not_become_public_copies(enrolled: Server) -> None:
    config = json.loads(ask(enrolled, "GET", "/config")[2])
    for dependency in config["dependencies"]:
        if dependency["targets"] and dependency["targets"][0][1] == "load":
            said = join(enrolled, dependency["id"], [None for _ in dependency["inputs"]], session="looker")
            assert "data:image/jpeg" in said  # pictures travel inside the page
            break
    else:
        pytest.fail("nothing shows the gallery")
    contents = {crop.read_bytes() for crop in crops(enrolled)}
    served = [path for path in (enrolled.root / "temp").rglob("*") if path.is_file() and path.suffix != ".mp4"]
    assert not [path for path in served if path.read_bytes() in contents or path.read_bytes()[:3] == b"\xff\xd8\xff"]


def test_promise_3_uploads_do_not_outlive_a_crash(tmp_path: Path, clips: dict[str, Path]) -> None:
    root = tmp_path / "crash"
    with serving(root) as first:
        path = Path(uploaded(first, clips["one"])["path"])
        assert path.is_file()
        folder = next((root / "temp").glob("private-*"))
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE((root / "temp").stat().st_mode) == 0o700
        first.process.send_signal(signal.SIGKILL)
        first.process.wait(10)
        assert path.is_file()  # nothing could be cleaned up
    with serving(root) as second:
        assert not path.exists()
        assert not folder.exists()
        second.process.send_signal(signal.SIGTERM)
        second.process.wait(20)
    assert not list((root / "temp").glob("private-*"))  # an orderly end leaves nothing


def test_promise_4_private_handlers_answer_hostile_input_with_words(enrolled: Server) -> None:
    config = json.loads(ask(enrolled, "GET", "/config")[2])
    hostile: list[Any] = [
        "<script>",
        {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}},
        None,
        1e308,
        [],
        True,
    ]
    before = [crop.read_bytes() for crop in crops(enrolled)]
    finished = 0
    for dependency in config["dependencies"]:
        if dependency["api_name"] in {"enroll", "verify", "identify", "identities"} or dependency["cancels"]:
            continue
        for value in hostile[:3]:
            data = [value for _ in dependency["inputs"]]
            said = join(enrolled, dependency["id"], data, {"action": value, "value": value}, f"h{dependency['id']}")
            finished += "process_completed" in said
            assert "Traceback" not in said
            assert "root:" not in said
            assert "site-packages" not in said
    assert [crop.read_bytes() for crop in crops(enrolled)] == before
    assert [one.name for one in SQLiteGallery(enrolled.root / "gallery").identities()] == ["Ada Lovelace"]
    assert finished > 50
    assert "a handler of the page failed" not in enrolled.log.read_text()


@pytest.mark.parametrize(
    ("name", "words"),
    [("", "empty"), ("x" * 300, "300 characters"), ("a\u0000b", "control"), ("a\u202eb", "control|invis")],
)
def test_promise_4_names_are_checked_on_the_server(
    enrolled: Server, clips: dict[str, Path], name: str, words: str
) -> None:
    kind, answer = call(
        enrolled, "enroll", uploaded(enrolled, clips["one"]), name, None, None, None, None, False, False, False
    )
    assert kind == "error"
    assert re.search(words, json.dumps(answer))


def test_promise_5_load_is_bounded(enrolled: Server) -> None:
    for path in (f"{API}/run/predict", f"{API}/api/enroll", f"{API}/run/identify", f"{API}//run/predict"):
        assert ask(enrolled, "POST", path, b"{}", Content_Type="application/json")[0] in {403, 404, 405}
    config = json.loads(ask(enrolled, "GET", "/config")[2])
    assert config["enable_queue"]
    too_large = str(25_000_000)
    assert (
        ask(
            enrolled,
            "POST",
            f"{API}/upload",
            b"",
            Content_Length=too_large,
            Content_Type="multipart/form-data; boundary=e",
        )[0]
        == 413
    )
    assert ask(enrolled, "POST", f"{API}/upload", None, Content_Type="multipart/form-data; boundary=e")[0] == 411


def test_promise_5_uploads_have_a_quota_together(tmp_path: Path) -> None:
    with serving(tmp_path / "quota") as server:
        for number in range(7):  # each is given back with its call, which refuses it
            data = os.urandom(18_000_000)
            status, _, body = upload(server, f"{number}.mp4", data)
            assert status == 200
            path = json.loads(body)[0]
            file = {"path": path, "meta": {"_type": "gradio.FileData"}, "orig_name": "x.mp4"}
            assert call(server, "identify", file, None, None, None, None, None, False, False)[0] == "error"
            assert not Path(path).parent.exists()
        statuses = [upload(server, f"{number}.mp4", os.urandom(18_000_000))[0] for number in range(7)]
        assert statuses[0] == 200
        assert statuses[-1] == 507


def test_promise_5_one_clip_of_two_people_serves_both_calls(enrolled: Server, clips: dict[str, Path]) -> None:
    first, second = uploaded(enrolled, clips["again"]), uploaded(enrolled, clips["again"])
    assert first["path"] != second["path"]
    for file in (first, second):
        assert Path(file["path"]).is_file()
        kind, answer = call(enrolled, "verify", file, "Ada Lovelace", None, None, None, None, None, False)
        assert kind == "complete", answer
    assert not Path(first["path"]).exists()
    assert not list((enrolled.root / "temp").rglob("call-*"))


def test_promise_8_other_web_sites_cannot_write(enrolled: Server) -> None:
    host = f"127.0.0.1:{enrolled.port}"
    before = sum(path.is_file() for path in (enrolled.root / "temp").rglob("*"))
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Origin": f"http://{host}.evil.example"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Host": "evil.example"},
    ):
        assert upload(enrolled, "a.mp4", b"data", **headers)[0] == 403, headers
        join_headers = {"Content_Type": "application/json", **headers}
        assert ask(enrolled, "POST", f"{API}/queue/join", b"{}", **join_headers)[0] == 403
    assert sum(path.is_file() for path in (enrolled.root / "temp").rglob("*")) == before
    assert upload(enrolled, "a.mp4", b"data", Origin=f"http://{host}")[0] == 200
    assert ask(enrolled, "GET", "/", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate")[0] == 200


def test_promise_9_nothing_is_recorded_or_sent_elsewhere(enrolled: Server) -> None:
    status, headers, body = ask(enrolled, "GET", "/")
    assert status == 200
    config = json.loads(ask(enrolled, "GET", "/config")[2])
    assert config.get("analytics_enabled") is False
    assert not config.get("run_history")
    policy = headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "http" not in policy
    assert headers["referrer-policy"] == "same-origin"
    for path in ("/monitoring", f"{API}/runs", f"{API}/run-history/records", "/docs", f"{API}/openapi.json"):
        assert ask(enrolled, "GET", path)[0] in {401, 403, 404}, path
    assert b"fonts.googleapis.com" not in ask(enrolled, "GET", "/theme.css")[2] + body


def test_a_login_is_asked_for_where_one_is_set(tmp_path: Path) -> None:
    with serving(tmp_path / "login", login="ada:correct-horse") as server:
        assert ask(server, "GET", "/config")[0] == 401
        assert ask(server, "POST", f"{API}/upload", b"")[0] in {400, 401}
        started = time.monotonic()
        assert ask(server, "GET", f"{API}/info")[0] == 401
        assert ask(server, "GET", f"{API}/openapi.json")[0] == 403  # closed, whoever asks
        assert ask(server, "GET", "/openapi.json")[0] == 403
        assert time.monotonic() - started < 10


@pytest.fixture(scope="module", autouse=True)
def _stopped(server: Server) -> Iterator[None]:
    yield
    assert server.process.poll() is None, server.log.read_text()
