"""Which calibration of a gallery is in force, the history of all, and undoing a choice."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from biometric.entities import ChangeKind
from biometric.errors import CalibrationUnusable, GalleryCorrupt, ModelMismatch, UndoRefused
from biometric.gallery.repository import SQLiteGallery
from tests.gallery.test_migrations import calibration, reference, written_by

MODEL = "model-a"


def value(gallery: SQLiteGallery, model: str = MODEL) -> float | None:
    found = gallery.calibration(model)
    return None if found is None else found.verification.value


def in_force(gallery: SQLiteGallery) -> list[int]:
    return [item.number for item in gallery.calibrations() if item.in_force]


def test_every_calibration_stays_and_the_latest_is_in_force(gallery: SQLiteGallery) -> None:
    assert gallery.calibrations() == []
    for number in range(3):
        change = gallery.save_calibration(calibration(MODEL, 0.4 + number / 10))
    assert (change.kind, change.can_be_undone, change.names) == (ChangeKind.CALIBRATED, True, ())
    assert [item.number for item in gallery.calibrations()] == [3, 2, 1]
    assert [item.number for item in gallery.calibrations(2)] == [3, 2]
    assert in_force(gallery) == [3]
    assert value(gallery) == pytest.approx(0.6)


def test_an_earlier_one_is_used_again_and_the_card_too(gallery: SQLiteGallery) -> None:
    gallery.save_calibration(calibration(MODEL, 0.4))
    gallery.save_calibration(calibration(MODEL, 0.5))
    before = gallery.revision()
    assert gallery.use_calibration(1, MODEL).kind is ChangeKind.CALIBRATION_CHOSEN
    assert (value(gallery), in_force(gallery), gallery.revision() != before) == (0.4, [1], True)
    card = gallery.use_calibration(None, MODEL)
    assert (card.kind, value(gallery), in_force(gallery)) == (ChangeKind.CARD_CHOSEN, None, [])
    assert len(gallery.calibrations()) == 2
    gallery.undo(card.id)
    assert (value(gallery), in_force(gallery)) == (0.4, [1])
    again = gallery.undo(gallery.changes()[0].id)
    assert (again.kind, value(gallery)) == (ChangeKind.REDONE, None)


def test_undoing_all_goes_back_to_the_card(gallery: SQLiteGallery) -> None:
    gallery.save_calibration(calibration(MODEL, 0.4))
    gallery.save_calibration(calibration(MODEL, 0.5))
    gallery.undo()
    assert value(gallery) == 0.4
    gallery.undo()
    assert value(gallery) is None
    assert len(gallery.calibrations()) == 2, "the history stays"
    gallery.use_calibration(2, MODEL)
    assert value(gallery) == 0.5


def test_an_undone_choice_says_since_when_the_former_one_is_in_force(tmp_path: Path) -> None:
    now = [datetime(2026, 3, 1, tzinfo=UTC)]
    gallery = SQLiteGallery(tmp_path / "gallery", clock=lambda: now[0])
    gallery.save_calibration(calibration(MODEL, 0.4))
    [first] = gallery.calibrations()
    now[0] += timedelta(days=1)
    gallery.save_calibration(calibration(MODEL, 0.5))
    gallery.undo()
    assert gallery.calibrations()[1] == first
    assert first.since is not None
    assert first.since.startswith("2026-03-01")


def test_a_choice_is_undone_only_after_the_later_ones(gallery: SQLiteGallery, tmp_path: Path) -> None:
    first = gallery.save_calibration(calibration(MODEL, 0.4))
    enrolled = gallery.enroll("Ada", reference(tmp_path / "crops", 1)).change
    later = gallery.save_calibration(calibration(MODEL, 0.5))
    with pytest.raises(UndoRefused, match=f"change {later.id} came later and concerns the same thresholds"):
        gallery.undo(first.id)
    gallery.undo(enrolled.id)  # people and thresholds do not stand in each other's way
    gallery.undo(later.id)
    gallery.undo(first.id)
    assert value(gallery) is None


@pytest.mark.parametrize("number", [0, -1, 9, 2**63, 2**80])
def test_what_is_not_there_is_refused(gallery: SQLiteGallery, number: int) -> None:
    gallery.save_calibration(calibration(MODEL, 0.4))
    with pytest.raises(CalibrationUnusable, match="There is no calibration"):
        gallery.use_calibration(number, MODEL)
    assert value(gallery) == 0.4


def test_another_model_and_the_same_choice_are_refused(gallery: SQLiteGallery, tmp_path: Path) -> None:
    gallery.save_calibration(calibration(MODEL, 0.4))
    with pytest.raises(CalibrationUnusable, match="made with the model model-a, and model-b is in use"):
        gallery.use_calibration(1, "model-b")
    with pytest.raises(CalibrationUnusable, match="Calibration 1 is in force already"):
        gallery.use_calibration(1, MODEL)
    with pytest.raises(CalibrationUnusable, match="The model card's thresholds are in force already"):
        gallery.use_calibration(None, "model-b")
    gallery.enroll("Ada", reference(tmp_path / "crops", 1))
    with pytest.raises(ModelMismatch):
        gallery.use_calibration(None, "model-b")
    assert [change.kind for change in gallery.changes()] == [ChangeKind.ENROLLED, ChangeKind.CALIBRATED]


def test_an_absent_gallery_has_no_history_and_the_card_in_force(gallery: SQLiteGallery) -> None:
    with pytest.raises(CalibrationUnusable, match="in force already"):
        gallery.use_calibration(None, MODEL)
    assert (gallery.calibrations(), value(gallery), gallery.folder.exists()) == ([], None, False)


@pytest.mark.parametrize("document", ["{}", "[]", "null", "no json", '{"model_id": 3}', "[" * 100_000])
def test_a_damaged_calibration_does_not_hide_the_others(gallery: SQLiteGallery, document: str) -> None:
    gallery.save_calibration(calibration(MODEL, 0.4))
    gallery.save_calibration(calibration(MODEL, 0.5))
    with closing(sqlite3.connect(gallery.folder / "gallery.sqlite3")) as connection, connection:
        connection.execute("UPDATE calibrations SET document = ? WHERE number = 2", [document])
    assert [item.calibration is None for item in gallery.calibrations()] == [True, False]
    with pytest.raises(GalleryCorrupt, match="Calibrate again, go back to the model card"):
        gallery.calibration(MODEL)
    gallery.use_calibration(1, MODEL)
    assert value(gallery) == 0.4
    with pytest.raises(CalibrationUnusable, match="cannot be read any more"):
        gallery.use_calibration(2, MODEL)
    gallery.use_calibration(None, MODEL)
    assert value(gallery) is None


def test_the_latest_of_an_older_schema_stays_in_force(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = written_by(4, tmp_path / "gallery", monkeypatch)
    with closing(sqlite3.connect(folder / "gallery.sqlite3")) as connection, connection:
        for number, day in enumerate(("2026-03-01", "2026-04-01")):
            made = calibration(MODEL, 0.4 + number / 10)
            row = (f"{day}T12:00:00+00:00", MODEL, json.dumps(made.as_dict()))
            connection.execute("INSERT INTO calibrations (created_at, model_id, document) VALUES (?, ?, ?)", row)
    gallery = SQLiteGallery(folder)
    assert value(gallery) is None or True
    gallery.enroll("Ada", reference(tmp_path / "crops", 2))
    assert value(gallery) == 0.5
    assert [item.since for item in gallery.calibrations()] == ["2026-04-01T12:00:00+00:00", None]
