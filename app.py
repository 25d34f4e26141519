"""Starts Sightline's page: settings, service, page."""

import sys

from biometric.bootstrap import build, make_demo
from biometric.errors import BiometricError
from biometric.settings import Settings
from biometric.ui import serve


def main() -> int:
    """Serve the page as the environment says; return the exit status."""
    try:
        settings = Settings.from_environment()
        serve(build(settings), lambda: make_demo(settings.data / "demo"))
    except BiometricError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
