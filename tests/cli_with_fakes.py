"""Run the command line on fake models, in a process of its own: `python -m tests.cli_with_fakes FOLDER COMMAND …`."""

import sys
from pathlib import Path

import pytest

from biometric import cli
from biometric.cli import calibrate, command_support, gallery, recognition_commands
from tests.lawful import give_galleries_a_default
from tests.test_service import ServiceSetup


def run(folder: Path, arguments: list[str]) -> int:
    """Run one command in `folder`, which holds a made clip afterwards."""
    give_galleries_a_default()
    setup = ServiceSetup(folder)
    with pytest.MonkeyPatch.context() as patched:  # tests call this in their own process, too
        for module in (calibrate, command_support, gallery, recognition_commands):
            patched.setattr(module, "build_service", lambda options: setup.service)
        patched.chdir(folder)
        return cli.main(arguments)


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1]), sys.argv[2:]))
