"""Promise 25: every operation that touches people's data leaves a record; a new one has to say here how it does."""

import inspect
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from biometric.calibration.gallery_calibration import GalleryCalibration
from biometric.domain.verdict_desk import VerdictDesk
from biometric.entities import Retention
from biometric.entities.audit import AuditQuery
from biometric.entities.erasure import DerivativeKind, NewDerivative
from biometric.erasing.people_eraser import PeopleEraser
from biometric.erasing.subject_reporter import SubjectReporter
from biometric.footage_keeper import FootageKeeper
from biometric.gallery.repository import SQLiteGallery
from biometric.ports import Gallery
from biometric.ports.backup_port import GalleryBackups
from biometric.redactor import Redactor
from biometric.service import Sightline
from tests.lawful import TEST_BASIS
from tests.made_galleries import reference

Done = Callable[[SQLiteGallery, Path], object]


def public(kind: type) -> set[str]:
    """The public operations of a class, those that it inherits among them."""
    return {name for name, member in inspect.getmembers(kind) if callable(member) and not name.startswith("_")}


def first(gallery: SQLiteGallery, name: str = "Ada") -> Any:
    return gallery.references(gallery.find(name).id)[0]


def moved(gallery: SQLiteGallery, folder: Path) -> None:
    gallery.move_reference(first(gallery).id, gallery.find("Ben").id)


def imported(gallery: SQLiteGallery, folder: Path) -> None:
    other = SQLiteGallery(folder / "other")
    other.enroll("Cleo", reference(folder / "crops", 9))
    gallery.import_(other.export(folder / "other.zip"))


def purged(gallery: SQLiteGallery, folder: Path) -> None:
    gallery.set_retention(Retention(1e-9, 1e-9))
    later = SQLiteGallery(gallery.folder, clock=lambda: inspect_time() + timedelta(days=5))
    later.purge_overdue()


def inspect_time() -> Any:
    from biometric.gallery.records import current_time

    return current_time()


def results_purged(gallery: SQLiteGallery, folder: Path) -> None:
    from biometric.storage import file_digest

    path = folder / "query" / "00000000-00000009.json"
    path.parent.mkdir()
    path.write_text("{}")
    gallery.record(NewDerivative(DerivativeKind.RESULTS, {path.resolve(): file_digest(path)}))
    later = SQLiteGallery(gallery.folder, clock=lambda: inspect_time() + timedelta(days=9))
    assert later.purge_results(folder / "query", timedelta(days=1)) == 1


def restored(gallery: SQLiteGallery, folder: Path) -> None:
    gallery.backups.back_up(folder / "b.zip")
    gallery.backups.restore(folder / "b.zip", replace=True)


RECORDED: dict[str, tuple[str, Done]] = {
    "enroll": ("enrolled", lambda gallery, folder: gallery.enroll("Cleo", reference(folder / "crops", 3))),
    "rename": ("renamed", lambda gallery, folder: gallery.rename(gallery.find("Ada").id, "Adele")),
    "merge": ("merged", lambda gallery, folder: gallery.merge(gallery.find("Ada").id, gallery.find("Ben").id)),
    "remove": ("removed", lambda gallery, folder: gallery.remove(gallery.find("Ada").id)),
    "remove_reference": ("reference_removed", lambda gallery, folder: gallery.remove_reference(first(gallery).id)),
    "remove_sample": (
        "sample_removed",
        lambda gallery, folder: gallery.remove_sample(first(gallery).id, first(gallery).crops[0].name),
    ),
    "move_reference": ("reference_moved", moved),
    "set_cover": (
        "cover_chosen",
        lambda gallery, folder: gallery.set_cover(
            gallery.find("Ada").id, first(gallery).id, first(gallery).crops[0].name
        ),
    ),
    "set_camera": ("camera_named", lambda gallery, folder: gallery.set_camera(first(gallery).id, "Hall")),
    "undo": ("undone", lambda gallery, folder: gallery.undo()),
    "erase": ("erased", lambda gallery, folder: gallery.erase(gallery.find("Ada").id)),
    "empty_trash": ("trash_emptied", lambda gallery, folder: gallery.empty_trash()),
    "export": ("exported", lambda gallery, folder: gallery.export(folder / "e.zip")),
    "import_": ("imported", imported),
    "set_default_basis": ("basis_chosen", lambda gallery, folder: gallery.set_default_basis(TEST_BASIS)),
    "set_retention": ("retention_set", lambda gallery, folder: gallery.set_retention(Retention(3, 9))),
    "hold": ("held", lambda gallery, folder: gallery.hold(gallery.find("Ada").id)),
    "release": (
        "released",
        lambda gallery, folder: (gallery.hold(gallery.find("Ada").id), gallery.release(gallery.find("Ada").id)),
    ),
    "purge_overdue": ("purged", purged),
    "purge_results": ("results_purged", results_purged),
    "back_up": ("backed_up", lambda gallery, folder: gallery.backups.back_up(folder / "b.zip")),
    "restore": ("restored", restored),
}

ELSEWHERE = {
    "save_verdict": "test_audit.py", "remove_verdict": "test_audit.py", "save_calibration": "test_audit.py",
    "use_calibration": "test_audit.py", "delete_cohorts": "test_audit.py",
    # GalleryCalibration, VerdictDesk: by the gallery's operations above
    "fit": "gallery", "try_out": "gallery", "use": "gallery", "use_model_card": "gallery", "withdraw": "gallery",
    # Sightline, Redactor, PeopleEraser, SubjectReporter, FootageKeeper
    "verify": "test_audit.py", "identify": "test_audit.py", "calibrate": "gallery", "redact": "test_redactor.py",
    "write_report": "test_audit.py", "write": "test_subject_report.py",
}  # fmt: skip
"""Recorded, and tested there."""

NOT_RECORDED = {
    "they only read the gallery": {
        "is_empty", "size", "reference_count", "identities", "find", "references", "cameras", "revision", "changes",
        "trash", "find_in_trash", "verdicts", "learnt", "is_kept", "cohorts", "preview_import", "check_model",
        "calibration", "calibrations", "default_basis", "retention", "preview_retention", "lifetimes",
        "count_expired_people",
        "derivatives", "traces", "require_erasable", "erasures", "erasure_of", "latest_erasure", "remains", "listed",
        "between", "in_force", "history", "verdict_evidence", "status", "threshold", "gallery", "outlook", "check",
        "holding", "remaining",
    },
    "the answer that they are part of is recorded": {"search", "scores", "load_search"},
    "they are parts of an operation that is recorded": {
        "save_erasure", "retry_deleting", "record", "record_copies", "write_outputs", "evaluate", "propose",
        "read_clip", "read_clips", "held_of_person", "unregistered",
    },
    "they look at footage, and no gallery knows of it": {
        "probe", "remember", "preview", "proxy", "observe", "check_outputs", "check_report", "measure", "chart_file",
        "default_hiding", "reload_models", "forget_observations", "with_camera", "made_with", "clips", "clip",
        "answer", "observation", "is_current", "names", "usage", "answered_identities", "keep", "find", "set_camera",
    },
    "they remove what nobody uses, or nobody's data": {
        "sweep_copies", "mark_purges_shown", "start_sweeping", "close", "forget_person",
    },
}  # fmt: skip


@pytest.fixture
def gallery(tmp_path: Path) -> SQLiteGallery:
    gallery = SQLiteGallery(tmp_path / "gallery")
    for seed, name in enumerate(("Ada", "Ben"), start=1):
        gallery.enroll(name, reference(tmp_path / "crops", seed))
    return gallery


@pytest.mark.parametrize("name", RECORDED)
def test_promise_25_what_changes_or_hands_out_data_is_recorded(
    gallery: SQLiteGallery, tmp_path: Path, name: str
) -> None:
    action, do = RECORDED[name]
    before = gallery.audit.records(AuditQuery(action=action))[1]
    do(gallery, tmp_path)
    assert gallery.audit.records(AuditQuery(action=action))[1] == before + 1
    assert gallery.audit.verify().intact


def test_promise_25_every_operation_says_whether_it_is_recorded() -> None:
    kinds = (Gallery, GalleryBackups, GalleryCalibration, VerdictDesk, Sightline, Redactor)
    kinds += (PeopleEraser, SubjectReporter, FootageKeeper)
    operations = {name for kind in kinds for name in public(kind)}
    told = {*RECORDED, *ELSEWHERE, *(name for names in NOT_RECORDED.values() for name in names)}
    assert operations - told == set(), "say in RECORDED, ELSEWHERE or NOT_RECORDED how these are recorded"
