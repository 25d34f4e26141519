"""Starts Sightline's page: settings, service, page."""

import atexit
import os
import sys

from biometric.bootstrap import build, make_demo
from biometric.cli.command_support import EndedBySignal, signals_unwind, with_passphrase
from biometric.errors import BiometricError
from biometric.messages import describe_error
from biometric.settings import Settings
from biometric.ui import serve


def main() -> int:
    """Serve the page as the environment says; return the exit status."""
    ended: list[int] = []
    # Registered before all others, so it runs after them. Libraries' threads that still compute for a job would end
    # the process with a status of their own while Python is taken down.
    atexit.register(lambda: os._exit(ended[0]) if ended else None)
    try:
        with signals_unwind():
            settings = with_passphrase(Settings.from_environment())
            serve(build(settings), lambda: make_demo(settings.data / "demo"))
    except EndedBySignal as error:
        print("Ended by a signal.", file=sys.stderr)
        ended.append(error.status)
        return error.status
    except BiometricError as error:
        print(describe_error(error), file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
