"""The program that people start, ended by a signal: a status that says so, and nothing left behind."""

import ctypes
import platform
import signal
import sys
from pathlib import Path

import pytest

from tests.ui.serving import Server, serving

TGKILL = {"x86_64": 234, "aarch64": 131}.get(platform.machine()) if sys.platform == "linux" else None
"""The number of the system call that sends a signal to one thread, where it is known."""


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="this system has no SIGHUP")
@pytest.mark.parametrize("ending", ["SIGTERM", "SIGHUP"])
def test_a_signal_ends_the_server_with_its_status_and_leaves_nothing(tmp_path: Path, ending: str) -> None:
    number = getattr(signal, ending)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = {
        "SIGHTLINE_GALLERY": str(tmp_path / "gallery"),
        "SIGHTLINE_QUERY": str(tmp_path / "query"),
        "SIGHTLINE_LIBRARY": str(tmp_path / "library"),
        "SIGHTLINE_OFFLINE": "1",
        "TMPDIR": str(temporary),
    }
    # Who started the tests may ignore SIGHUP (nohup does), and an ignored signal stays ignored.
    former = signal.signal(number, signal.SIG_DFL)
    try:
        server = Server(tmp_path / "server", [sys.executable, "app.py"], environment)
    finally:
        signal.signal(number, former)
    server.process.send_signal(number)  # while models load
    assert server.process.wait(60) == 128 + number
    assert "Ended by a signal." in server.log.read_text()
    assert "Traceback" not in server.log.read_text()
    assert [path for path in temporary.rglob("*") if path.is_file() or path.name.startswith("private-")] == []


@pytest.mark.skipif(TGKILL is None, reason="how to send a signal to one thread is known for Linux only")
def test_a_signal_that_another_thread_gets_ends_the_server(tmp_path: Path) -> None:
    """A system may give a signal to any of a process's threads."""
    with serving(tmp_path / "served") as server:
        threads = sorted(int(task.name) for task in Path(f"/proc/{server.process.pid}/task").iterdir())
        other = next(thread for thread in threads if thread != server.process.pid)
        assert ctypes.CDLL(None, use_errno=True).syscall(TGKILL, server.process.pid, other, signal.SIGTERM) == 0
        assert server.process.wait(15) == 128 + signal.SIGTERM
