"""A crash never reads as an answer: statuses, streams and messages when something fails."""

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from biometric import cli
from biometric.cli import command_support, recognition_commands
from tests.conftest import PROJECT
from tests.test_service import ServiceSetup


@pytest.fixture
def setup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    setup = ServiceSetup(tmp_path)
    for module in (command_support, recognition_commands):
        monkeypatch.setattr(module, "build_service", lambda options: setup.service)
    yield setup
    setup.service.close()


def run_process(
    folder: Path, *arguments: str | bytes, shell: str = "", **environment: str
) -> subprocess.CompletedProcess[bytes]:
    """Run a command on the fakes in a process of its own; `shell` redirects its streams."""
    command = ["sh", "-c", f'exec "$0" "$@" {shell}', sys.executable, "-m", "tests.cli_with_fakes", str(folder)]
    everything = {**os.environ, **environment}
    return subprocess.run([*command, *arguments], capture_output=True, cwd=PROJECT, env=everything, check=False)


@pytest.mark.parametrize("failure", [RuntimeError("boom"), MemoryError(), OSError(28, "No space left"), KeyError("x")])
def test_an_unforeseen_failure_is_status_70_and_one_sentence(setup: ServiceSetup, capsys, monkeypatch, failure) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise failure

    assert cli.main(["enroll", str(setup.clip), "Ada"]) == 0
    capsys.readouterr()
    monkeypatch.setattr(setup.service, "verify", fail)
    assert cli.main(["verify", str(setup.clip), "Ada"]) == 70
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "not an answer" in captured.err
    assert "--debug" in captured.err
    assert "Traceback" not in captured.err
    for arguments in (["--debug", "verify"], ["verify", "--debug"]):
        assert cli.main([*arguments, str(setup.clip), "Ada"]) == 70
        assert "Traceback" in capsys.readouterr().err


def test_a_library_that_ends_the_program_does_not_choose_the_status(setup: ServiceSetup, capsys, monkeypatch) -> None:
    assert cli.main(["enroll", str(setup.clip), "Ada"]) == 0
    monkeypatch.setattr(setup.service, "verify", lambda *arguments, **options: sys.exit(1))
    assert cli.main(["verify", str(setup.clip), "Ada"]) == 70


def test_a_wrong_input_shows_its_traceback_only_for_debugging(setup: ServiceSetup, capsys) -> None:
    assert cli.main(["verify", "gone.mp4", "Ada"]) == 2
    assert "Traceback" not in capsys.readouterr().err
    assert cli.main(["verify", "gone.mp4", "Ada", "--debug"]) == 2
    assert "Traceback" in capsys.readouterr().err


@pytest.fixture(scope="module")
def enrolled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a clip of one person, who is enrolled as Ada."""
    folder = tmp_path_factory.mktemp("enrolled")
    done = run_process(folder, "enroll", "clip.mp4", "Ada")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("shell", ["2>&-", "<&-", "<&- 2>&-", "2>/dev/full", ">&- 2>&-"])
def test_streams_that_are_closed_or_full_do_not_change_a_match(enrolled: Path, shell: str) -> None:
    assert run_process(enrolled, "verify", "clip.mp4", "Ada", shell=shell).returncode == 0


def test_output_to_a_full_device_is_no_answer(enrolled: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    commands = ("verify clip.mp4 Ada", "verify clip.mp4 Ada --json", "gallery list", "--version", "verify --help")
    for arguments, unbuffered in itertools.product(commands, ("", "1")):
        done = run_process(enrolled, *arguments.split(), shell=">/dev/full", PYTHONUNBUFFERED=unbuffered)
        assert done.returncode == 70, arguments
        assert b"could not be written" in done.stderr
        assert b"Traceback" not in done.stderr


def test_a_reader_that_goes_away_is_neither_match_nor_no_match(enrolled: Path) -> None:
    command = '"$0" -m tests.cli_with_fakes "$1" verify clip.mp4 Ada | true; exit ${PIPESTATUS[0]}'
    done = subprocess.run(
        ["bash", "-c", command, sys.executable, str(enrolled)], capture_output=True, cwd=PROJECT, check=False
    )
    assert done.returncode == 141, done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_terminals_without_utf_8_get_every_answer(enrolled: Path, encoding: str) -> None:
    environment = {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "LC_ALL": "C"}
    done = run_process(enrolled, "identify", "clip.mp4", "--output", "out", **environment)
    assert done.returncode == 0, done.stderr
    assert b"Person 1" in done.stdout
    done = run_process(enrolled, "verify", "clip.mp4", "Ada", "--json", **environment)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["decision"] == "match"
    done = run_process(enrolled, "verify", "clip.mp4", "Zoë–Ω", **environment)
    assert done.returncode == 2, done.stderr
    assert b"Traceback" not in done.stderr


def test_a_current_folder_that_is_gone_is_said(setup: ServiceSetup, capsys, tmp_path: Path, monkeypatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert cli.main(["verify", str(setup.clip), "Ada"]) == 2
    assert "no longer exists" in capsys.readouterr().err
