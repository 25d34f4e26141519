"""Downloads, from a real server on this machine: what is kept is right, and what goes wrong leaves nothing."""

import hashlib
import http.server
import io
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

from biometric.entities.model_cards import Card, CardFile, Format, Role
from biometric.errors import StorageFull, WeightsCorrupt, WeightsMissing
from biometric.models.fetching import Readable, fetch_card, open_https

CONTENT = bytes(range(256)) * 3000


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = {"/good": CONTENT, "/changed": CONTENT[:-1] + b"!", "/long": CONTENT + b"x"}.get(self.path, CONTENT)
        if self.path == "/absent":
            self.send_error(404)
            return
        if self.path == "/silent":
            self.server.released.wait(5)  # type: ignore[attr-defined]
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.path == "/hang":
            self.wfile.write(body[:1000])
            self.server.released.wait(5)  # type: ignore[attr-defined]
        else:
            self.wfile.write(body[: len(body) // 2] if self.path == "/short" else body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[http.server.ThreadingHTTPServer]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as running:
        running.released = threading.Event()  # type: ignore[attr-defined]
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield running
        running.released.set()  # type: ignore[attr-defined]
        running.shutdown()
        thread.join()


class Opener:
    """Opens the local server where an https address is asked for; remembers what was asked."""

    def __init__(self, server: http.server.ThreadingHTTPServer) -> None:
        self.port = server.server_address[1]
        self.people_shown: list[str] = []
        self.timeout: float | None = None

    def __call__(self, url: str, timeout: float) -> AbstractContextManager[Readable]:
        self.people_shown.append(url)
        address = url.replace("https://weights.example", f"http://127.0.0.1:{self.port}")
        return urllib.request.urlopen(address, timeout=self.timeout or timeout)  # type: ignore[no-any-return]


def card(path: str = "/good", content: bytes = CONTENT) -> Card:
    url = f"https://weights.example{path}" if path else ""
    checksum = hashlib.sha256(content).hexdigest()
    file = CardFile("folder/w.pt", len(content), "sha256", checksum, url)
    return Card("w", Role.DETECTOR, "W", Format.ULTRALYTICS, "", (file,), "MIT", "https://weights.example")


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file()]


def test_a_file_is_fetched_with_progress(server: http.server.ThreadingHTTPServer, tmp_path: Path) -> None:
    steps = list(fetch_card(card(), tmp_path, Opener(server)))
    assert (tmp_path / "folder" / "w.pt").read_bytes() == CONTENT
    assert leftovers(tmp_path) == ["w.pt"]
    assert (steps[-1].done, steps[-1].total) == (768, 768)
    assert [step.done for step in steps] == sorted(step.done for step in steps)
    assert "w.pt" in str(steps[0])


def test_what_is_there_is_not_fetched_again(server: http.server.ThreadingHTTPServer, tmp_path: Path) -> None:
    opener = Opener(server)
    list(fetch_card(card(), tmp_path, opener))
    list(fetch_card(card(), tmp_path, opener))
    assert len(opener.people_shown) == 1


@pytest.mark.parametrize("path", ["/changed", "/long"])
def test_promise_16_a_wrong_download_is_not_kept(
    server: http.server.ThreadingHTTPServer, tmp_path: Path, path: str
) -> None:
    with pytest.raises(WeightsCorrupt, match=r"weights\.example"):
        list(fetch_card(card(path), tmp_path, Opener(server)))
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize(("path", "reason"), [("/absent", "404|Not Found"), ("/short", "broke off|failed")])
def test_a_broken_download_names_file_source_and_folder(
    server: http.server.ThreadingHTTPServer, tmp_path: Path, path: str, reason: str
) -> None:
    with pytest.raises(WeightsMissing, match=reason) as caught:
        list(fetch_card(card(path), tmp_path, Opener(server)))
    for part in ("w.pt", f"https://weights.example{path}", str(tmp_path)):
        assert part in str(caught.value)
    assert leftovers(tmp_path) == []


def test_a_silent_server_is_given_up(server: http.server.ThreadingHTTPServer, tmp_path: Path) -> None:
    opener = Opener(server)
    opener.timeout = 0.2
    with pytest.raises(WeightsMissing, match="timed out"):
        list(fetch_card(card("/hang"), tmp_path, opener))
    assert leftovers(tmp_path) == []


def test_closing_in_the_middle_leaves_nothing(server: http.server.ThreadingHTTPServer, tmp_path: Path) -> None:
    running = fetch_card(card(), tmp_path, Opener(server))
    next(running)
    assert leftovers(tmp_path)
    running.close()
    assert leftovers(tmp_path) == []


def test_a_file_that_nobody_offers_is_missing(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match="no download address"):
        list(fetch_card(card(""), tmp_path))


def test_a_folder_that_cannot_be_made_is_told(server: http.server.ThreadingHTTPServer, tmp_path: Path) -> None:
    (tmp_path / "folder").write_text("a file where the folder should be")
    with pytest.raises(StorageFull, match="cannot be written"):
        list(fetch_card(card(), tmp_path, Opener(server)))


def test_only_https_is_opened() -> None:
    for url in ("http://example.org/x", "file:///etc/passwd", "ftp://example.org/x"):
        with pytest.raises(OSError, match="https"):
            open_https(url, 1.0)


def test_a_redirection_away_from_https_is_refused() -> None:
    from biometric.models.fetching import _HttpsOnly

    request = urllib.request.Request("https://weights.example/w.pt")
    with pytest.raises(OSError, match="not https"):
        _HttpsOnly().redirect_request(request, None, 302, "", {}, "http://weights.example/w.pt")  # type: ignore[arg-type]
    followed = _HttpsOnly().redirect_request(request, None, 302, "", {}, "https://b.example/w.pt")  # type: ignore[arg-type]
    assert followed is not None


class Hanging:
    """Opens nothing until it is let go, as a name resolution without a network does."""

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.people_shown = 0
        self.closed = threading.Event()

    @contextmanager
    def __call__(self, url: str, timeout: float) -> Iterator[Readable]:
        self.people_shown += 1
        self.let_go.wait(20)
        try:
            yield io.BytesIO(CONTENT)
        finally:
            self.closed.set()


def test_a_name_resolution_that_hangs_is_given_up_in_time_and_closed_when_it_ends(tmp_path: Path) -> None:
    opener, started = Hanging(), time.monotonic()
    with pytest.raises(WeightsMissing, match=r"no answer within 0\.1 seconds"):
        list(fetch_card(card(), tmp_path, opener, patience=0.1))
    assert time.monotonic() - started < 2
    assert leftovers(tmp_path) == []
    assert not opener.closed.is_set()
    opener.let_go.set()
    assert opener.closed.wait(5)


def test_a_server_that_sends_nothing_is_given_up_in_time(
    server: http.server.ThreadingHTTPServer, tmp_path: Path
) -> None:
    started = time.monotonic()
    with pytest.raises(WeightsMissing, match="no answer within"):
        list(fetch_card(card("/silent"), tmp_path, Opener(server), patience=0.2))
    assert time.monotonic() - started < 2


def test_a_mistake_in_an_opener_is_not_swallowed(tmp_path: Path) -> None:
    def broken(url: str, timeout: float) -> AbstractContextManager[Readable]:
        raise ValueError("a mistake")

    with pytest.raises(ValueError, match="a mistake"):
        list(fetch_card(card(), tmp_path, broken))
    assert leftovers(tmp_path) == []
