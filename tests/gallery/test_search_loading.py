"""Loading and refreshing a large gallery's index: step by step, while others write, without reading all again."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from biometric.domain import search_loading
from biometric.domain.search_loading import load_searches
from biometric.entities import Purpose, Threshold, ThresholdSource
from biometric.entities.progress import finish
from biometric.errors import GalleryCorrupt
from biometric.gallery import search as module
from biometric.gallery.index import Hit
from biometric.gallery.repository import SQLiteGallery
from tests.made_galleries import reference, template
from tests.test_service import ServiceSetup

PEOPLE = 30


@pytest.fixture(params=[10, 100_000], ids=["compact", "exact"])
def limit(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture
def opened(tmp_path: Path, limit: int, monkeypatch: pytest.MonkeyPatch) -> SQLiteGallery:
    """A gallery of thirty references, read seven at a time."""
    monkeypatch.setattr(module, "_CHUNK", 7)
    gallery = SQLiteGallery(tmp_path / "gallery")
    for seed in range(PEOPLE):
        gallery.enroll(f"P{seed % 20}", reference(tmp_path / "crops", seed, samples=1))
    return SQLiteGallery(tmp_path / "gallery", compact_above=limit)


def found(gallery: SQLiteGallery, seed: int = 7000) -> list[tuple[str, float]]:
    return [(item.identity.name, item.score) for item in gallery.search(template(seed), 50)]


def expected(gallery: SQLiteGallery, seed: int = 7000) -> list[tuple[str, float]]:
    """Comparing one by one, with what the database holds now."""
    probe = template(seed).vector
    best = {
        person.name: max(float(held.template.vector @ probe) for held in gallery.references(person.id))
        for person in gallery.identities()
    }
    return [(name, pytest.approx(best[name], abs=1e-6)) for name in sorted(best, key=lambda name: -best[name])]


def test_progress_is_told_and_the_answer_is_complete(opened: SQLiteGallery) -> None:
    steps = list(opened.load_search())
    assert [(step.done, step.total) for step in steps] == [(7, 30), (14, 30), (21, 30), (28, 30), (30, 30)]
    assert str(steps[0]) == "Loading the gallery: reference 7 of 30"
    assert list(opened.load_search()) == []
    assert found(opened) == expected(opened)


def test_a_search_completes_what_loading_has_begun(opened: SQLiteGallery) -> None:
    loading = opened.load_search()
    next(loading)
    assert found(opened) == expected(opened)
    assert list(loading) == []


def test_what_others_change_while_it_loads_counts(opened: SQLiteGallery, tmp_path: Path) -> None:
    other = SQLiteGallery(opened.folder)
    changes = [
        lambda: other.enroll("New", reference(tmp_path / "crops", 90)),
        lambda: other.remove(other.find("P2").id),
        lambda: other.merge(other.find("P3").id, other.find("P19").id),
        lambda: other.undo(other.changes()[1].id),
        lambda: other.enroll("P2", reference(tmp_path / "crops", 91)),
    ]
    for _, change in zip(opened.load_search(), changes, strict=False):
        change()
    assert found(opened) == expected(opened)
    for change in (lambda: other.erase(other.find("New").id), lambda: other.remove(other.find("P4").id)):
        change()
        assert found(opened) == expected(opened)


def test_refresh_reads_only_what_changed(
    opened: SQLiteGallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found(opened)
    sizes: list[int] = []
    read = module.GallerySearch._read

    def counted(search: module.GallerySearch, cursor: sqlite3.Cursor, dimension: int) -> Iterator[object]:
        for part in read(search, cursor, dimension):
            sizes.append(len(part[0]))
            yield part

    def no_candidates(self: object, query: np.ndarray, count: int, read: object = None) -> list[Hit]:
        return []

    monkeypatch.setattr(module.GallerySearch, "_read", counted)
    monkeypatch.setattr("biometric.gallery.index.FlatIndex.search", no_candidates)
    SQLiteGallery(opened.folder).enroll("New", reference(tmp_path / "crops", 90))
    opened.search(template(1), 5)
    assert sizes == [1]


def test_an_index_that_grows_beyond_the_limit_becomes_compact(tmp_path: Path) -> None:
    gallery = SQLiteGallery(tmp_path / "gallery", compact_above=12)
    for seed in range(20):
        gallery.enroll(f"P{seed}", reference(tmp_path / "crops", seed, samples=0))
        assert found(gallery) == expected(gallery)


def test_a_vector_that_is_damaged_later_is_said_not_compared(opened: SQLiteGallery, limit: int) -> None:
    assert found(opened)
    with closing(sqlite3.connect(opened.folder / "gallery.sqlite3")) as connection, connection:
        connection.execute("DROP TRIGGER reference_changed")
        connection.execute("UPDATE biometric_references SET vector = zeroblob(64)")
    if limit < PEOPLE:  # the best are scored from the database
        with pytest.raises(GalleryCorrupt, match="Restore"):
            found(opened)
    else:
        assert found(opened)


def threshold(purpose: Purpose) -> Threshold:
    return Threshold(0.5, ThresholdSource.MODEL_CARD)


def test_only_a_large_gallery_is_loaded_ahead(opened: SQLiteGallery, monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(load_searches(opened, threshold)) == []
    monkeypatch.setattr(search_loading, "LOADED_AT_ONCE", 20)
    assert len(list(load_searches(opened, threshold))) == 5
    assert list(load_searches(opened, threshold)) == []


def test_a_gallery_that_cannot_be_loaded_stops_no_observing(
    opened: SQLiteGallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_loading, "LOADED_AT_ONCE", 20)
    with closing(sqlite3.connect(opened.folder / "gallery.sqlite3")) as connection, connection:
        connection.execute("UPDATE biometric_references SET vector = zeroblob(64) WHERE number = 10")
    assert len(list(load_searches(opened, threshold))) == 1
    with pytest.raises(GalleryCorrupt):
        found(opened)


def test_observing_tells_that_a_large_gallery_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_loading, "LOADED_AT_ONCE", 0)
    setup = ServiceSetup(tmp_path)
    try:
        observed = finish(setup.service.observe(setup.clip))
        setup.service.enroll(observed, "Ada")
        steps = [step.stage for step in setup.service.observe(setup.clip)]
        assert steps[0] == "Loading the gallery: reference"
    finally:
        setup.service.close()
