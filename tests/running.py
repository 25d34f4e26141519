"""Commands run in the test's own process, and a service with one kept clip for them to tell of."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from biometric import cli
from biometric.cli import command_support
from biometric.entities.progress import finish
from tests.test_service import ServiceSetup


def run_command(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    """Return a command's exit status, and what it wrote to standard output and standard error."""
    status = cli.main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


def kept_answers_of_ada(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServiceSetup]:
    """Ada is enrolled and identified in one clip, which is kept with both answers; commands use the service."""
    made = ServiceSetup(folder)
    monkeypatch.setattr(command_support, "build_service", lambda options: made.service)
    observed = finish(made.service.observe(made.clip))
    made.service.library.keep(observed, made.service.enroll(observed, "Ada"))
    made.service.library.keep(observed, made.service.identify(observed))
    yield made
    made.service.close()
