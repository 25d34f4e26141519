"""Runs pytest as if packages were not installed: `python tests/hidden_packages.py PACKAGES ARGUMENTS`.

PACKAGES are separated by commas; ARGUMENTS are pytest's.
"""

import sys
from collections.abc import Iterable
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec


class Hiding(MetaPathFinder):
    """Finds nothing of the packages, and says so as Python does for what is not installed."""

    def __init__(self, packages: Iterable[str]) -> None:
        self._packages = frozenset(packages)

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Raise `ModuleNotFoundError` for the packages; leave all else to the other finders."""
        if name.partition(".")[0] in self._packages:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None


if __name__ == "__main__":
    import pytest

    hidden, *arguments = sys.argv[1:]
    sys.meta_path.insert(0, Hiding(hidden.split(",")))
    sys.exit(pytest.main(arguments))
