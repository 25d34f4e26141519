"""An empty gallery, and a folder for the crops of references."""

from pathlib import Path

import pytest

from biometric.gallery.repository import SQLiteGallery


@pytest.fixture
def gallery(tmp_path: Path) -> SQLiteGallery:
    return SQLiteGallery(tmp_path / "gallery")


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    return tmp_path / "crops"
