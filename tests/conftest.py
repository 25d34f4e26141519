"""Fixtures shared by all tests: where the real clips and weights are, and clips made at run time."""

import os
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
SHARED = Path(os.environ.get("SIGHTLINE_SHARED") or PROJECT.parent / "shared")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real clips and weights; the test is skipped, with a reason, where it is absent."""
    if not (SHARED / "clips").is_dir() or not (SHARED / "models").is_dir():
        pytest.skip(f"real clips and weights are not at {SHARED} (set SIGHTLINE_SHARED)")
    return SHARED
