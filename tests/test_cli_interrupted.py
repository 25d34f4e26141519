"""What is said, and what is left, when a command is interrupted or its files cannot be written."""

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from biometric import cli
from biometric.cli import command_support, recognition_commands
from biometric.errors import StorageFull
from biometric.gallery.repository import SQLiteGallery
from tests.conftest import PROJECT
from tests.made_galleries import reference
from tests.test_service import ServiceSetup


@pytest.fixture(autouse=True)
def signals_end_a_process() -> Iterator[None]:
    """Whoever runs the tests may ignore signals (nohup does), and ignored ones stay ignored."""
    former = {number: signal.signal(number, signal.SIG_DFL) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in former.items():
        signal.signal(number, handler)


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServiceSetup]:
    setup = ServiceSetup(tmp_path)
    for module in (command_support, recognition_commands):
        monkeypatch.setattr(module, "build_service", lambda options: setup.service)
    assert cli.main(["enroll", str(setup.clip), "Ada"]) == 0
    yield setup
    setup.service.close()


def identify(setup: ServiceSetup, capsys: pytest.CaptureFixture[str], *options: str) -> tuple[int, str, str]:
    capsys.readouterr()
    status = cli.main(["identify", str(setup.clip), *options])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def interrupt() -> None:
    raise KeyboardInterrupt


def break_writing(monkeypatch: pytest.MonkeyPatch, setup: ServiceSetup, failure: Callable[[], None]) -> None:
    """Let the annotated clip fail at its tenth frame."""

    def writing(destination: Path, frames: Iterator[object], longest_gap: float) -> Iterator[int]:
        destination.write_bytes(b"half")
        for count, _ in enumerate(frames, start=1):
            if count == 10:
                failure()
            yield count

    monkeypatch.setattr(setup.writer, "writing", writing)


def left_in_query(setup: ServiceSetup) -> list[Path]:
    return list(setup.service.settings.query.rglob("*"))


@pytest.mark.parametrize(
    ("failure", "status", "words"),
    [
        (interrupt, 130, "Interrupted. The answer stands; its files were not written."),
        (lambda: os.kill(os.getpid(), signal.SIGTERM), 143, "Ended by a signal. The answer stands; its files were"),
        (lambda: os.kill(os.getpid(), signal.SIGHUP), 129, "Ended by a signal. The answer stands; its files were"),
    ],
    ids=["interrupted", "terminated", "hung-up"],
)
def test_a_command_that_is_stopped_while_it_writes_has_answered_and_leaves_nothing(
    setup: ServiceSetup, capsys, monkeypatch: pytest.MonkeyPatch, failure: Callable[[], None], status: int, words: str
) -> None:
    break_writing(monkeypatch, setup, failure)
    handler = signal.getsignal(signal.SIGTERM)
    given, out, err = identify(setup, capsys)
    assert (given, left_in_query(setup)) == (status, [])
    assert "Ada. Score 1.00" in out
    assert words in err
    given, out, _ = identify(setup, capsys, "--json")
    answer = json.loads(out)
    assert (given, answer["people"][0]["identity"]) == (status, "Ada")
    assert set(answer["outputs"].values()) == {None}
    assert signal.getsignal(signal.SIGTERM) == handler


def test_a_disk_that_fills_up_does_not_cost_the_answer(
    setup: ServiceSetup, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill() -> None:
        raise StorageFull("The disk is full.")

    break_writing(monkeypatch, setup, fill)
    status, out, err = identify(setup, capsys)
    assert (status, "Ada. Score 1.00" in out, "The disk is full." in err) == (2, True, True)
    assert left_in_query(setup) == []


def test_a_stopped_analysis_stored_nothing(setup: ServiceSetup, capsys, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(setup.service, "observe", lambda *_, **__: os.kill(os.getpid(), signal.SIGTERM))
    assert identify(setup, capsys) == (143, "", "Ended by a signal. Nothing was stored.\n")


def test_a_target_that_takes_no_files_is_refused_before_the_analysis(
    setup: ServiceSetup, capsys, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()

    def analyse(*_: object, **__: object) -> None:
        raise AssertionError("analysed although the files cannot be written")

    with monkeypatch.context() as patch:
        patch.setattr(setup.service, "observe", analyse)
        for folder in (tmp_path / "file" / "query", Path("/proc/query")):
            status, out, err = identify(setup, capsys, "--output", str(folder))
            assert (status, out, "cannot be written" in err) == (2, "", True)
    status, out, _ = identify(setup, capsys, "--output", "/proc/query", "--no-files")
    assert (status, "Ada. Score 1.00" in out, "csv:" in out) == (0, True, False)


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    former = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with command_support.signals_unwind():
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, former)


# Asked for a passphrase


_ON_TERMINAL = (
    "import fcntl, os, sys, termios; os.setsid(); fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    "os.execv(sys.argv[1], sys.argv[1:])"
)
"""Takes standard input as the terminal by which it is interrupted. Forking here would copy the threads of models."""


def at_terminal(arguments: list[str], key: bytes, tmp_path: Path) -> tuple[int, str]:
    """Run a command on a terminal of its own and press a key where it asks; return its status and what it showed."""
    terminal, other = pty.openpty()
    folders = {f"SIGHTLINE_{name.upper()}": str(tmp_path / name) for name in ("gallery", "query", "temp", "data")}
    environment = {**os.environ, **folders, "PYTHONPATH": str(PROJECT), "LANG": "C"}
    command = [sys.executable, "-c", _ON_TERMINAL, sys.executable, "-m", "biometric", *arguments]
    process = subprocess.Popen(command, stdin=other, stdout=other, stderr=other, env=environment)
    os.close(other)
    shown, pressed = b"", False
    while True:
        try:
            shown += os.read(terminal, 1000)
        except OSError:  # it has ended
            break
        if not pressed and (b"assphrase: " in shown or b"assword: " in shown):
            os.write(terminal, key)
            pressed = True
    os.close(terminal)
    return process.wait(), shown.decode().replace("\r", "")


@pytest.mark.parametrize(
    ("key", "status", "said"),
    [
        (b"\x04", 2, "The input ended before anything was typed. Nothing was done."),
        (b"\x03", 130, "Interrupted. Nothing was stored."),
    ],
    ids=["Ctrl+D", "Ctrl+C"],
)
@pytest.mark.parametrize("arguments", [["gallery", "export", "e.zip", "--encrypt"], ["users", "add", "ada"]])
def test_ending_the_input_at_a_passphrase_is_said_in_a_line_of_its_own(
    tmp_path: Path, key: bytes, status: int, said: str, arguments: list[str]
) -> None:
    SQLiteGallery(tmp_path / "gallery").enroll("Ada", reference(tmp_path / "crops", 1))
    ended, shown = at_terminal(arguments, key, tmp_path)
    assert (ended, said in shown.splitlines()) == (status, True), shown
    assert "Traceback" not in shown
    assert not list(tmp_path.rglob("e.zip"))
