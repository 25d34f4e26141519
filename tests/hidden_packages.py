"""Runs pytest as if packages were not installed: `python tests/hidden_packages.py PACKAGES ARGUMENTS`.

PACKAGES are separated by commas; ARGUMENTS are pytest's.
"""

import sys
from collections.abc import Iterable
from importlib.machinery import ModuleSpec
from typing import Any


class WithoutPackages:
    """A finder of modules that does not find some packages."""

    def __init__(self, finder: Any, packages: Iterable[str]) -> None:
        self._finder, self._packages = finder, frozenset(packages)

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Return what the finder finds, None for the packages."""
        if name.partition(".")[0] in self._packages:
            return None
        found: ModuleSpec | None = self._finder.find_spec(name, path, target)
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._finder, name)


if __name__ == "__main__":
    import pytest

    hidden, *arguments = sys.argv[1:]
    sys.meta_path[:] = [WithoutPackages(finder, hidden.split(",")) for finder in sys.meta_path]  # type: ignore[misc]
    sys.exit(pytest.main(arguments))
