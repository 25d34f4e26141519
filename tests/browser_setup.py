"""Makes sure that Chromium is there for the browser tests; on Debian as root it installs it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find() -> str | None:
    """Return the path of a Chromium, or None. `CHROMIUM` names one explicitly."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named if Path(named).is_file() else None
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def main() -> int:
    """Install Chromium where that is possible; otherwise say how to get it."""
    if find() is not None:
        return 0
    if Path("/etc/debian_version").exists() and os.geteuid() == 0:
        print("Installing Chromium for the browser tests …", flush=True)
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "update", "-q"], ["apt-get", "install", "-y", "-q", "chromium"]):
            if subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=False).returncode != 0:
                break
        if find() is not None:
            return 0
    print(
        "The browser tests need Chromium, which is not installed. Install it (Debian, Ubuntu: apt install chromium; "
        "Fedora: dnf install chromium; macOS: brew install chromium), or set CHROMIUM to its path.",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
