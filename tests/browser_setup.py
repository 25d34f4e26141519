"""Makes sure that Chromium is there for the browser tests; on Debian as root it installs it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

# The shell is the same browser without windows: a page costs two thirds of the processor time.
SHELL = "chromium-headless-shell"
NAMES = (SHELL, "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find() -> str | None:
    """Return the path of a Chromium, or None. `CHROMIUM` names one explicitly."""
    named = os.environ.get("CHROMIUM")
    if named:
        return named if Path(named).is_file() else None
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def main() -> int:
    """Install Chromium where that is possible; otherwise say how to get it."""
    if os.environ.get("CHROMIUM") or shutil.which(SHELL):
        return 0 if find() is not None else _missing()
    if Path("/etc/debian_version").exists() and os.geteuid() == 0:
        print("Installing Chromium for the browser tests …", flush=True)
        _install()
    return 0 if find() is not None else _missing()


def _install() -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "check": False, "env": environment}
    patience = ["-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=20"]
    subprocess.run(["apt-get", "update", "-q", *patience], **quiet)
    for package in (SHELL, "chromium"):
        if find() is None or package == SHELL:
            subprocess.run(["apt-get", "install", "-y", "-q", *patience, package], **quiet)


def _missing() -> int:
    print(
        "The browser tests need Chromium, which is not installed. Install it "
        "(Debian, Ubuntu: apt install chromium-headless-shell; Fedora: dnf install chromium; "
        "macOS: brew install chromium), or set CHROMIUM to its path.",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
