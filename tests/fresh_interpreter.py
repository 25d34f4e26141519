"""What code loads and needs in an interpreter of its own, in which no other test has imported anything."""

import json
import subprocess
import sys
from collections.abc import Iterable

from tests.conftest import PROJECT

PEAK_KB = "int(open('/proc/self/status').read().split('VmHWM:')[1].split()[0])"
"""An expression: the most memory, in kB, of the process that evaluates it (Linux). What `getrusage` gives begins with
the memory of the process that started it."""

OFFLINE = ("biometric.training", "biometric.evaluation")


def packages_loaded_by(code: str, packages: Iterable[str]) -> set[str]:
    """Run code in a fresh interpreter; return those of the packages of which it loaded anything."""
    report = f"import json, sys\n{code}\nprint(json.dumps(list(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", report], check=True, cwd=PROJECT, stdout=subprocess.PIPE, text=True)
    loaded = json.loads(done.stdout.splitlines()[-1])
    return {package for package in packages if any(f"{name}.".startswith(f"{package}.") for name in loaded)}
