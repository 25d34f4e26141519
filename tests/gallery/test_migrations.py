"""Each older schema becomes the newest with its data, at once or not at all."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlite_utils import Database

from biometric.entities import (
    Calibration,
    FitBasis,
    FittedThreshold,
    GenuineScores,
    Histogram,
    LikelihoodRatio,
    Notice,
    NoticeCode,
)
from biometric.errors import GalleryCorrupt, ModelMismatch
from biometric.gallery import database as gallery_database
from biometric.gallery import migrations as gallery_migrations
from biometric.gallery.migrations import APPLICATION_ID, MIGRATIONS, migrate, schema_version
from biometric.gallery.repository import SQLiteGallery
from tests.made_galleries import check, reference, template, unit

VERSION_1 = """
INSERT INTO identities (id, name, name_key, created_at, updated_at)
    VALUES ('{identity}', 'Ada', 'ada', '2024-01-01T00:00:00+00:00', '2024-01-01T00:00:00+00:00');
INSERT INTO clips (digest, name) VALUES ('d', 'old.mp4');
INSERT INTO biometric_references (id, identity_number, clip_number, folder, first_frame, last_frame, created_at,
    sample_count, model_id, vector)
    VALUES ('{reference}', 1, 1, '{identity}', 3, 9, '2024-01-01T00:00:00+00:00', 1, 'model-a', X'{vector}');
INSERT INTO samples (reference_number, name, quality, frame_index, embedding)
    VALUES (1, '00000003_00.jpg', 0.5, 3, X'{vector}');
"""
"""Rows as version 1 wrote them; never edited, like the migration itself."""


def written_by(version: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a gallery file as the release with that many migrations did."""
    folder.mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(gallery_migrations, "MIGRATIONS", MIGRATIONS[:version])
        with closing(Database(str(folder / "gallery.sqlite3"), execute_plugins=False)) as db:
            db.begin()
            migrate(db)
            db.commit()
            vector = unit(1).astype("<f4").tobytes().hex()
            db.conn.executescript(VERSION_1.format(identity="a" * 32, reference="b" * 32, vector=vector))
    return folder


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS) + 1))
def test_every_older_schema_is_brought_up_with_its_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    soon_after = datetime(2024, 1, 3, tzinfo=UTC)
    gallery = SQLiteGallery(written_by(version, tmp_path / "gallery", monkeypatch), clock=lambda: soon_after)
    ada = gallery.find("ada")
    assert (ada.id, ada.name, ada.reference_count, ada.sample_count) == ("a" * 32, "Ada", 1, 1)
    [held] = gallery.references(ada.id)
    assert held.template.vector.tolist() == unit(1).tolist()
    assert (held.clip_name, held.first_frame, held.last_frame, held.camera) == ("old.mp4", 3, 9, "")
    assert held.crops == (gallery.folder / ("a" * 32) / ("b" * 32) / "00000003_00.jpg",)
    assert gallery.search(template(1), 1)[0].score == pytest.approx(1.0)
    gallery.enroll("Ada", reference(tmp_path / "crops", 2))
    assert gallery.find("Ada").reference_count == 2
    gallery.remove(ada.id)
    assert gallery.search(template(1), 1) == []
    gallery.undo()
    assert gallery.search(template(1), 1)[0].score == pytest.approx(1.0)
    gallery.remove_reference(held.id)
    assert [gallery.undo().undoes, gallery.undo().undoes] == [4, 1]
    assert [change.names for change in gallery.changes()[-1:]] == [("Ada",)]  # nothing is known from before
    gallery.erase(ada.id)
    assert gallery.is_empty()


def test_schema_1_becomes_the_newest_and_takes_a_calibration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gallery = SQLiteGallery(written_by(1, tmp_path / "gallery", monkeypatch))
    assert gallery.calibration("model-a") is None
    assert [identity.name for identity in gallery.identities()] == ["Ada"]
    gallery.save_calibration(calibration("model-a", 0.4))
    gallery.save_calibration(calibration("model-a", 0.5))
    with pytest.raises(ModelMismatch):
        gallery.save_calibration(calibration("model-b", 0.6))
    again = SQLiteGallery(gallery.folder)
    assert again.calibration("model-a") == calibration("model-a", 0.5)
    assert again.calibration("model-b") is None
    with closing(sqlite3.connect(gallery.folder / "gallery.sqlite3")) as connection, connection:
        connection.execute("UPDATE calibrations SET document = '{}'")
    with pytest.raises(GalleryCorrupt, match="Calibrate again"):
        again.calibration("model-a")


def calibration(model_id: str, value: float) -> Calibration:
    fitted = FittedThreshold(value, 0.01, 0, 300, 0.01, 0.3, 0.6, FitBasis.PAIRS)
    return Calibration(
        *(model_id, "2026-03-01T12:00:00+00:00", fitted, None, 1, 25, 300, 300, 1, 60.0, {"same time": 300}),
        (GenuineScores("same visit", 10, 12, 1, 0.0, 0.3),),
        LikelihoodRatio(10.0, -5.0, 0.1, 100.0, Notice(NoticeCode.LIKELIHOOD_BASIS, people=10, pairs=20)),
        Histogram((300, 0), (2, 10)),
        (Notice(NoticeCode.STORED_NOTE, text="A note."), Notice(NoticeCode.SAME_VISIT_FLATTERS)),
    )


@pytest.mark.parametrize("version", [1, 2])
def test_names_that_became_twins_stay_two_people(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, version: int
) -> None:
    folder = written_by(version, tmp_path / "gallery", monkeypatch)
    former = [
        *(("Bob \u2764", "c"), ("Bob \u2764\ufe0f", "d"), ("Bob \u2764 (2)", "e")),
        *(("Zo\u034fe", "f"), ("\u3164", "b"), ("\u2800", "9")),
    ]
    with closing(sqlite3.connect(folder / "gallery.sqlite3")) as connection, connection:
        for name, letter in former:
            row = (letter * 32, name, name.casefold(), "2024-01-01T00:00:00+00:00", "2024-01-01T00:00:00+00:00")
            connection.execute(
                "INSERT INTO identities (id, name, name_key, created_at, updated_at) VALUES (?, ?, ?, ?, ?)", row
            )
    gallery = SQLiteGallery(folder)
    names = {identity.id[0]: identity.name for identity in gallery.identities()}
    assert names == {
        "a": "Ada",
        "c": "Bob \u2764",
        "d": "Bob \u2764\ufe0f (3)",
        "e": "Bob \u2764 (2)",
        "f": "Zo\u034fe",
        "b": "Unnamed",
        "9": "Unnamed (2)",
    }
    assert gallery.find("bob \u2764\ufe0f").id == "c" * 32
    assert gallery.find("ZOE").id == "f" * 32
    assert "is now called Bob \u2764\ufe0f (3)" in caplog.text


def test_all_versions_end_in_the_same_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    schemas = set()
    for version in range(len(MIGRATIONS) + 1):
        folder = written_by(version, tmp_path / str(version), monkeypatch) if version else tmp_path / "new"
        SQLiteGallery(folder).enroll("Ben", reference(tmp_path / "crops", 2))
        with closing(sqlite3.connect(folder / "gallery.sqlite3")) as connection:
            statements = [row[0] for row in connection.execute("SELECT sql FROM sqlite_master WHERE sql NOT NULL")]
            schemas.add("\n".join(sorted(statements)))
            assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
            assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    assert len(schemas) == 1


def add_column(db: Database) -> None:
    db.execute("ALTER TABLE identities ADD COLUMN note TEXT NOT NULL DEFAULT ''")


def fails_late(db: Database) -> None:
    add_column(db)
    raise sqlite3.DatabaseError("in the middle")


def future(monkeypatch: pytest.MonkeyPatch, migration: object) -> None:
    """Act as a later release with one migration more."""
    longer = (*MIGRATIONS, migration)
    monkeypatch.setattr(gallery_migrations, "MIGRATIONS", longer)
    monkeypatch.setattr(gallery_database, "MIGRATIONS", longer)


def columns(gallery: SQLiteGallery) -> list[str]:
    with closing(sqlite3.connect(gallery.folder / "gallery.sqlite3")) as connection:
        return [row[1] for row in connection.execute("PRAGMA table_info(identities)")]


def test_a_new_migration_is_applied_on_the_first_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gallery = SQLiteGallery(tmp_path / "gallery")
    gallery.enroll("Ada", reference(tmp_path / "crops", 1))
    future(monkeypatch, add_column)
    assert [identity.name for identity in gallery.identities()] == ["Ada"]
    assert "note" in columns(gallery)
    assert check(gallery) == {"Ada": 1}


def test_a_failing_migration_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gallery = SQLiteGallery(tmp_path / "gallery")
    gallery.enroll("Ada", reference(tmp_path / "crops", 1))
    with monkeypatch.context() as patch:
        future(patch, fails_late)
        with pytest.raises(GalleryCorrupt):
            gallery.identities()
    assert "note" not in columns(gallery)
    assert check(gallery) == {"Ada": 1}


def test_a_newer_gallery_is_refused_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gallery = SQLiteGallery(tmp_path / "gallery")
    with monkeypatch.context() as patch:
        future(patch, add_column)
        gallery.enroll("Ada", reference(tmp_path / "crops", 1))
    for ask in (gallery.identities, lambda: gallery.enroll("Ben", reference(tmp_path / "crops", 2))):
        with pytest.raises(GalleryCorrupt, match="newer version of Sightline"):
            ask()


def test_another_applications_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "gallery.sqlite3"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE mine (x)")
    before = path.read_bytes()
    gallery = SQLiteGallery(tmp_path)
    for ask in (gallery.identities, lambda: gallery.enroll("Ada", reference(tmp_path / "crops", 1))):
        with pytest.raises(GalleryCorrupt, match="not a Sightline gallery"):
            ask()
    assert path.read_bytes() == before


def test_an_empty_file_has_version_0() -> None:
    with closing(Database(memory=True, execute_plugins=False)) as db:
        assert schema_version(db) == 0
        migrate(db)
        assert schema_version(db) == len(MIGRATIONS)


def test_changes_rise_with_every_kind_of_change_and_keep_one_row_a_reference(tmp_path: Path) -> None:
    gallery = SQLiteGallery(tmp_path / "gallery")

    def changes() -> list[tuple[int, int]]:
        with closing(sqlite3.connect(gallery.folder / "gallery.sqlite3")) as connection:
            return connection.execute("SELECT revision, reference_number FROM changes ORDER BY revision").fetchall()

    ada, _, _, _ = gallery.enroll("Ada", reference(tmp_path / "crops", 1))
    ben, _, _, _ = gallery.enroll("Ben", reference(tmp_path / "crops", 2))
    assert changes() == [(1, 1), (2, 2)]
    gallery.rename(ben.id, "Benjamin")  # the index holds no names
    assert changes() == [(1, 1), (2, 2)]
    gallery.merge(ada.id, ben.id)
    assert changes() == [(2, 2), (3, 1)]
    gallery.remove(ben.id)
    assert sorted(number for _, number in changes()) == [1, 2]
    assert max(revision for revision, _ in changes()) == 5
    gallery.enroll("Cy", reference(tmp_path / "crops", 3))
    assert changes()[-1] == (6, 3)  # numbers are never used again
