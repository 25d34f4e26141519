"""Promises about data with a life cycle: without a basis nothing is stored; what is old matches nobody, and goes.

Each test tries to get around one of them, with a clock of its own, on a real gallery.
"""

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from biometric.domain import recognition
from biometric.entities import (
    ChangeKind,
    Decision,
    EnrollmentBasis,
    EntryPoint,
    GivenBasis,
    Identity,
    LegalBasis,
    NewReference,
    NoticeCode,
    PersonLifetime,
    Purpose,
    Retention,
    Threshold,
    ThresholdSource,
)
from biometric.entities.enrollment_basis import complete_basis
from biometric.entities.erasure import DerivativeKind, NewDerivative
from biometric.erasing.derivative_register import DerivativeRegister
from biometric.errors import (
    BasisMissing,
    GalleryBusy,
    InvalidBasis,
    InvalidInput,
    InvalidRetention,
    OnLegalHold,
    UnknownIdentity,
)
from biometric.gallery.backing_up import back_up, restore
from biometric.gallery.repository import SQLiteGallery
from biometric.messages import describe
from biometric.retention_duty import RetentionDuty, delete_overdue
from tests.builders import axis, observed_clip, person
from tests.gallery.test_migrations import written_by
from tests.lawful import without_default
from tests.made_galleries import reference, template
from tests.test_service import ServiceSetup
from tests.waiting import wait_for

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
DOOR = EnrollmentBasis(LegalBasis.CONSENT, "door of the studio", "Grace Hopper", "forms in the safe")


class Clock:
    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **delay: float) -> None:
        self.now += timedelta(**delay)


@pytest.fixture(autouse=True)
def no_default() -> Iterator[None]:
    with without_default():
        yield


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gallery(tmp_path: Path, clock: Clock) -> SQLiteGallery:
    return SQLiteGallery(tmp_path / "gallery", clock=clock)


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    return tmp_path / "crops"


def without_basis(made: NewReference) -> NewReference:
    return NewReference(made.template, made.samples, made.clip_digest, made.clip_name, 0, 9)


def threshold(purpose: Purpose) -> Threshold:
    return Threshold(0.5, ThresholdSource.MODEL_CARD)


def enroll_observed(gallery: SQLiteGallery, folder: Path, number: int, name: str, **options):
    observed = observed_clip(folder, person(1, folder, axis(number)))
    return recognition.enroll(gallery, observed, name, None, (), threshold, **options)


def lifetime(gallery: SQLiteGallery, name: str) -> PersonLifetime:
    [found] = [item for item in gallery.lifetimes() if item.name == name]
    return found


def crops(gallery: SQLiteGallery) -> list[Path]:
    return sorted(gallery.folder.rglob("*.jpg"))


def rows(gallery: SQLiteGallery, table: str) -> int:
    with closing(sqlite3.connect(gallery.folder / "gallery.sqlite3")) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


# --- basis ---------------------------------------------------------------------------------------------------------


def test_promise_24_without_a_basis_nothing_is_stored(gallery: SQLiteGallery, clips: Path, tmp_path: Path) -> None:
    with pytest.raises(BasisMissing, match="no legal basis") as refused:
        gallery.enroll("Ada", without_basis(reference(clips, 1)))
    assert isinstance(refused.value, InvalidInput)
    with pytest.raises(BasisMissing):
        enroll_observed(gallery, tmp_path, 0, "Ada")
    assert gallery.is_empty()
    assert not crops(gallery)
    assert gallery.changes() == []


def test_the_default_is_recorded_with_each_enrollment_and_what_is_said_wins(
    gallery: SQLiteGallery, clips: Path, tmp_path: Path, clock: Clock
) -> None:
    gallery.set_default_basis(DOOR)
    usual = enroll_observed(gallery, tmp_path, 0, "Ada").reference
    assert usual.basis is not None
    assert (usual.basis.basis, usual.basis.entry_point) == (DOOR, EntryPoint.LIBRARY)
    assert usual.basis.recorded_at == usual.created_at
    study = complete_basis(DOOR, basis="research protocol", note="EK 12/2026")
    assert study == EnrollmentBasis(LegalBasis.RESEARCH_PROTOCOL, DOOR.purpose, DOOR.responsible, "EK 12/2026")
    stored = enroll_observed(gallery, tmp_path, 1, "Ben", given=GivenBasis(study, EntryPoint.COMMAND)).reference
    assert stored.basis is not None
    assert (stored.basis.basis, stored.basis.entry_point) == (study, EntryPoint.COMMAND)
    gallery.set_default_basis(None)
    with pytest.raises(BasisMissing):
        enroll_observed(gallery, tmp_path, 2, "Cid")
    assert gallery.references(gallery.find("Ada").id)[0].basis == usual.basis, "a later default changes nothing"


def test_a_basis_becomes_the_default_with_the_enrollment_that_it_came_with_and_not_without(
    gallery: SQLiteGallery, clips: Path
) -> None:
    first = replace(reference(clips, 1), given=GivenBasis(DOOR, EntryPoint.PAGE, becomes_default=True))
    with pytest.raises(UnknownIdentity):
        gallery.enroll("Ada", first, owner="f" * 32)
    assert gallery.default_basis() is None
    gallery.enroll("Ada", first)
    assert gallery.default_basis() == DOOR
    assert [change.kind.value for change in gallery.changes()] == ["basis_chosen", "enrolled"]


def test_the_basis_goes_to_the_trash_and_back_and_is_deleted_with_its_reference(
    gallery: SQLiteGallery, clips: Path
) -> None:
    ada = gallery.enroll("Ada", reference(clips, 1)).identity
    [before] = gallery.references(ada.id)
    gallery.remove(ada.id)
    gallery.undo()
    [after] = gallery.references(ada.id)
    assert (after.basis, after.match_until, after.keep_until) == (before.basis, before.match_until, before.keep_until)
    gallery.erase(ada.id)
    assert [rows(gallery, table) for table in ("reference_bases", "reference_times", "person_retention")] == [0, 0, 0]
    assert b"Tests" not in (gallery.folder / "gallery.sqlite3").read_bytes()


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("", "door"), BasisMissing),
        (("consent", " "), BasisMissing),
        (("because", "door"), InvalidBasis),
        (("consent", "x" * 501), InvalidBasis),
        (("consent", "door\x1b[2J"), InvalidBasis),
        (("consent", "door", "\u202eadA"), InvalidBasis),
        (("consent", "door", "", "y" * 501), InvalidBasis),
    ],
)
def test_a_basis_that_says_nothing_or_cannot_be_shown_is_refused(words: tuple[str, ...], error: type) -> None:
    with pytest.raises(error):
        complete_basis(None, *words)


def test_exports_carry_the_basis_and_an_export_without_says_so(
    gallery: SQLiteGallery, clips: Path, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery.set_default_basis(DOOR)
    ada = gallery.enroll("Ada", without_basis(reference(clips, 1))).identity
    target = SQLiteGallery(tmp_path / "target", clock=clock)
    report = target.import_(gallery.export(tmp_path / "new.zip"))
    assert (report.without_basis, report.expired) == (0, 0)
    assert target.references(ada.id)[0].basis == gallery.references(ada.id)[0].basis
    assert target.default_basis() is None, "an export says nothing about whom this gallery will enroll"
    earlier = SQLiteGallery(written_by(9, tmp_path / "earlier", monkeypatch), clock=clock)
    with closing(sqlite3.connect(earlier.folder / "gallery.sqlite3")) as connection:
        connection.execute("DELETE FROM samples")  # whose crops are on no disk
        connection.commit()
    report = target.import_(earlier.export(tmp_path / "earlier.zip"))
    assert (report.references, report.without_basis, report.expired) == (1, 1, 1)
    assert lifetime(target, "Ada (2)").without_basis == 1


# --- matching ------------------------------------------------------------------------------------------------------


def test_promise_24_expired_references_match_nobody_and_that_is_said(
    gallery: SQLiteGallery, clips: Path, tmp_path: Path, clock: Clock
) -> None:
    gallery.set_default_basis(DOOR)
    enroll_observed(gallery, tmp_path / "a", 0, "Ada")
    clock.advance(days=3)
    enroll_observed(gallery, tmp_path / "b", 3, "Ben")
    again = observed_clip(tmp_path, person(1, tmp_path / "again", axis(0)))
    limit = threshold("verification")
    assert recognition.verify(gallery, again, "Ada", None, limit).decision is Decision.MATCH
    assert [found.identity.name for found in gallery.search(again.observations[0].template, 5)] == ["Ada", "Ben"]

    clock.advance(days=4, seconds=1)
    verified = recognition.verify(gallery, again, "Ada", None, limit)
    assert (verified.decision, verified.score, verified.reference_id) == (Decision.NO_DECISION, None, None)
    assert verified.reason.code is NoticeCode.REFERENCES_EXPIRED
    assert describe(verified.reason) == "The references of Ada expired on 8 March 2026. Enroll Ada again."
    for opened in (gallery, SQLiteGallery(gallery.folder, clock=clock)):
        assert [found.identity.name for found in opened.search(again.observations[0].template, 5)] == ["Ben"]
    [answer] = recognition.identify(gallery, again, limit)
    assert answer.decision is Decision.UNKNOWN
    assert [notice.code for notice in answer.warnings] == [NoticeCode.PEOPLE_EXPIRED]

    clock.advance(days=3)
    [answer] = recognition.identify(gallery, again, limit)
    assert (answer.decision, answer.reason.code) == (Decision.NO_DECISION, NoticeCode.PEOPLE_EXPIRED)
    assert gallery.size() == 2, "they do not match; they are still kept"
    enroll_observed(gallery, tmp_path / "c", 0, "Ada", add=True, force=True)
    assert recognition.verify(gallery, again, "Ada", None, limit).decision is Decision.MATCH


def test_a_longer_retention_lets_match_again_and_a_person_may_have_their_own(
    gallery: SQLiteGallery, clips: Path, clock: Clock
) -> None:
    ada = gallery.enroll("Ada", reference(clips, 1)).identity
    ben = gallery.enroll("Ben", reference(clips, 2)).identity

    def matched() -> list[str]:
        return sorted(found.identity.name for found in gallery.search(template(1), 5))

    clock.advance(days=8)
    assert matched() == []
    gallery.set_retention(Retention(20, 40), ada.id)
    assert matched() == ["Ada"]
    assert (lifetime(gallery, "Ada").is_own, lifetime(gallery, "Ben").is_own) == (True, False)
    gallery.set_retention(Retention(10, 40))
    assert matched() == ["Ada", "Ben"]
    gallery.merge(ben.id, ada.id)
    clock.advance(days=4)
    assert len(gallery.scores(template(1), ada.id)) == 2, "what Ada has been given is as long as Ada's"
    gallery.set_retention(None, ada.id)
    assert gallery.scores(template(1), ada.id) == []


def test_a_clock_set_back_lets_match_what_had_expired_and_deletes_nothing(
    gallery: SQLiteGallery, clips: Path, clock: Clock
) -> None:
    gallery.enroll("Ada", reference(clips, 1))
    clock.advance(days=8)
    assert gallery.search(template(1), 5) == []
    clock.advance(days=-8)
    assert len(gallery.search(template(1), 5)) == 1
    clock.advance(days=-400)
    assert gallery.purge_overdue().references == 0
    assert gallery.size() == 1
    gallery.enroll("Ben", reference(clips, 2))
    clock.advance(days=400)
    assert gallery.purge_overdue().references == 1, "Ben's clock was wrong; Ada is not older for it"
    assert [identity.name for identity in gallery.identities()] == ["Ada"]


# --- deleting ------------------------------------------------------------------------------------------------------


def test_what_was_kept_long_enough_is_deleted_with_its_files_and_names(
    gallery: SQLiteGallery, clips: Path, clock: Clock
) -> None:
    marker = b"somebody's face"
    ada = gallery.enroll("Ada Marked", reference(clips, 1, marker=marker)).identity
    gallery.enroll("Ben", reference(clips, 2))
    clock.advance(days=20)
    late = gallery.enroll("Ben", reference(clips, 3)).reference
    assert lifetime(gallery, "Ada Marked").next_purge[:10] == "2026-03-31", "it is said before it happens"
    clock.advance(days=9, hours=23)
    assert gallery.purge_overdue().references == 0
    clock.advance(hours=1)
    report = gallery.purge_overdue()
    assert (report.references, report.identity_ids) == (2, (ada.id,))
    with pytest.raises(UnknownIdentity):
        gallery.find("Ada Marked")
    assert [held.id for held in gallery.references(gallery.find("Ben").id)] == [late.id]
    assert crops(gallery) == sorted(late.crops)
    assert all(marker not in path.read_bytes() for path in gallery.folder.rglob("*") if path.is_file())
    assert b"Ada Marked" not in (gallery.folder / "gallery.sqlite3").read_bytes()
    assert gallery.changes()[0].kind is ChangeKind.PURGED
    assert gallery.changes()[0].names == ()
    assert gallery.trash() == []
    assert gallery.purge_overdue().references == 0


def test_the_trash_keeps_nothing_longer_than_the_retention(tmp_path: Path, clips: Path, clock: Clock) -> None:
    patient = SQLiteGallery(tmp_path / "gallery", trash_time=timedelta(days=365), clock=clock)
    ada = patient.enroll("Ada", reference(clips, 1)).identity
    patient.enroll("Ben", reference(clips, 2))
    patient.remove(ada.id)
    clock.advance(days=31)
    assert patient.purge_overdue().references == 2
    assert patient.trash() == []
    assert crops(patient) == []


def test_a_legal_hold_stops_deleting_of_every_kind_but_lets_nothing_match(
    gallery: SQLiteGallery, clips: Path, clock: Clock
) -> None:
    ada = gallery.enroll("Ada", reference(clips, 1)).identity
    spare = gallery.enroll("Ada", reference(clips, 2)).reference
    ben = gallery.enroll("Ben", reference(clips, 3)).identity
    gallery.remove_reference(spare.id)
    gallery.hold(ada.id, "court file 7")
    held = gallery.references(ada.id)[0]
    clock.advance(days=40)
    assert gallery.search(template(1), 5) == []
    assert gallery.purge_overdue().identity_ids == (ben.id,)
    assert len(gallery.references(ada.id)) == 1
    assert len(crops(gallery)) == 4, "what had been in the trash before stays, too"
    cid = gallery.enroll("Cid", reference(clips, 4)).identity
    attempts = [
        lambda: gallery.remove(ada.id),
        lambda: gallery.erase(ada.id),
        lambda: gallery.remove_reference(held.id),
        lambda: gallery.remove_sample(held.id, held.crops[0].name),
        lambda: gallery.merge(ada.id, cid.id),
        lambda: gallery.move_reference(held.id, cid.id),
        lambda: gallery.move_reference(held.id, new_name="Dan"),
    ]
    for attempt in attempts:
        with pytest.raises(OnLegalHold, match="Ada is under a legal hold"):
            attempt()
    gallery.empty_trash()
    assert len(crops(gallery)) == 6
    shown = lifetime(gallery, "Ada")
    assert (shown.hold_reason, shown.next_purge) == ("court file 7", "")
    with pytest.raises(InvalidInput, match="already"):
        gallery.hold(ada.id)

    gallery.release(ada.id)
    assert gallery.purge_overdue().references == 0, "a day to look at it"
    clock.advance(days=1)
    assert gallery.purge_overdue().identity_ids == (ada.id,)
    assert {path.parent.parent.name for path in crops(gallery)} == {cid.id}


def test_shortening_deletes_nothing_before_a_day_is_over(gallery: SQLiteGallery, clips: Path, clock: Clock) -> None:
    gallery.enroll("Ada", reference(clips, 1))
    clock.advance(days=10)
    gallery.set_retention(Retention(1, 2))
    assert gallery.purge_overdue().references == 0
    assert lifetime(gallery, "Ada").next_purge[:10] == "2026-03-12"
    clock.advance(days=1)
    assert gallery.purge_overdue().references == 1


@pytest.mark.parametrize("days", [(0, 1), (-1, 5), (7, 6), (float("nan"), 9), (1, float("inf")), (1, 4000)])
def test_days_that_cannot_be_are_refused(days: tuple[float, float]) -> None:
    with pytest.raises(InvalidRetention):
        Retention(*days)


def test_a_gallery_of_an_earlier_version_loses_nothing_before_that_was_shown(
    tmp_path: Path, clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    earlier = SQLiteGallery(written_by(9, tmp_path / "gallery", monkeypatch), clock=clock)  # enrolled in 2024
    ada = earlier.find("Ada")
    new = earlier.enroll("Ben", reference(clips, 2)).identity
    clock.advance(days=400)
    assert earlier.purge_overdue().identity_ids == (new.id,), "what this version enrolled has its ordinary time"
    shown = lifetime(earlier, "Ada")
    assert (shown.without_basis, shown.has_expired, shown.next_purge, shown.waits_until_shown) == (1, True, "", 1)
    assert earlier.references(ada.id)[0].basis is None
    earlier.set_retention(Retention(2, 5))
    clock.advance(days=400)
    assert earlier.purge_overdue().references == 0, "it was not shown yet"

    assert earlier.mark_purges_shown()
    assert not earlier.mark_purges_shown(), "once"
    assert lifetime(earlier, "Ada").next_purge == (clock.now + timedelta(days=7)).isoformat(timespec="milliseconds")
    clock.advance(days=6, hours=23)
    assert earlier.purge_overdue().references == 0
    clock.advance(hours=1)
    assert earlier.purge_overdue().identity_ids == (ada.id,)


def test_an_old_export_is_not_deleted_before_that_was_shown_either(
    gallery: SQLiteGallery, clips: Path, tmp_path: Path, clock: Clock
) -> None:
    ada: Identity = gallery.enroll("Ada", reference(clips, 1)).identity
    exported = gallery.export(tmp_path / "export.zip")
    gallery.erase(ada.id)
    clock.advance(days=100)
    report = gallery.import_(exported, resurrect=True)
    assert (report.references, report.expired) == (1, 1)
    assert gallery.search(template(1), 5) == [], "an export is no way around the time"
    assert gallery.purge_overdue().references == 0
    gallery.mark_purges_shown()
    clock.advance(days=7)
    assert gallery.purge_overdue().references == 1


# --- results, and when it happens ----------------------------------------------------------------------------------


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_results_go_after_their_time_and_only_what_was_written_there(
    gallery: SQLiteGallery, clips: Path, tmp_path: Path, clock: Clock
) -> None:
    gallery.enroll("Ada", reference(clips, 1))
    query, elsewhere = tmp_path / "query", tmp_path / "handed-over"
    places = [query / "clip-1" / "00000001_00.jpg", query / "clip-1" / "0-9.csv", elsewhere / "0-9.csv"]
    changed, linked = query / "clip-2" / "0-9.csv", query / "clip-2" / "0-9.json"
    for place in (*places, changed, linked):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f"written by Sightline: {place.name}")
        os.utime(place, (START.timestamp(), START.timestamp()))
    written = {place: digest(place) for place in (*places, changed, linked)}
    gallery.record(NewDerivative(DerivativeKind.RESULTS, written, frozenset(), "a" * 64))
    of_somebody = query / "clip-1" / "notes.txt"
    of_somebody.write_text("mine")
    changed.write_text("corrected by hand")
    linked.rename(tmp_path / "aside.json")
    linked.symlink_to(tmp_path / "aside.json")

    def purge() -> int:
        return gallery.purge_results(query, timedelta(hours=72))

    clock.advance(hours=71)
    assert purge() == 0
    clock.advance(days=-30)
    assert purge() == 0, "a clock set back deletes nothing"
    clock.advance(days=30, hours=2)
    assert purge() == 2
    assert [path.exists() for path in places] == [False, False, True]
    assert of_somebody.read_text() == "mine"
    assert changed.read_text() == "corrected by hand"
    assert linked.is_symlink()
    assert (tmp_path / "aside.json").exists()
    assert purge() == 0


def old_file(place: Path, written: datetime) -> dict[Path, str]:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text("a crop, the same each time")
    os.utime(place, (written.timestamp(), written.timestamp()))
    return {place: digest(place)}


def test_results_written_anew_have_their_whole_time_though_they_are_the_same(
    gallery: SQLiteGallery, clips: Path, tmp_path: Path, clock: Clock
) -> None:
    """Somebody identifies a clip again on the third day: its crops are those of the first day, byte for byte."""
    gallery.enroll("Ada", reference(clips, 1))
    query = tmp_path / "query"
    own, of_another_gallery = query / "clip-1" / "00000001_00.jpg", query / "clip-2" / "00000001_00.jpg"
    for place in (own, of_another_gallery):
        gallery.record(NewDerivative(DerivativeKind.RESULTS, old_file(place, START), frozenset(), "a" * 64))
    clock.advance(hours=71)
    gallery.record(NewDerivative(DerivativeKind.RESULTS, old_file(own, START), frozenset(), "a" * 64))
    old_file(of_another_gallery, clock.now)
    clock.advance(hours=2)
    assert gallery.purge_results(query, timedelta(hours=72)) == 0
    assert own.exists()
    assert of_another_gallery.exists()
    clock.advance(hours=71)
    assert gallery.purge_results(query, timedelta(hours=72)) == 2
    assert list(query.rglob("*.jpg")) == []


def test_redacted_clips_are_not_results_that_go_after_their_time(
    gallery: SQLiteGallery, clips: Path, tmp_path: Path, clock: Clock
) -> None:
    ada = gallery.enroll("Ada", reference(clips, 1)).identity
    hidden = tmp_path / "query" / "clip-1" / "0-9-hidden.mp4"
    old_file(hidden, START)
    DerivativeRegister(lambda _: gallery).hidden_clip(hidden, {ada.id}, "a" * 64, None)
    clock.advance(days=30)
    assert gallery.purge_results(tmp_path / "query", timedelta(hours=72)) == 0
    assert hidden.exists()
    gallery.erase(ada.id)
    assert not hidden.exists(), "it shows somebody who was erased"


def test_an_old_backup_is_not_deleted_before_that_was_shown(
    gallery: SQLiteGallery, clips: Path, tmp_path: Path, clock: Clock
) -> None:
    gallery.enroll("Ada", reference(clips, 1))
    backup = tmp_path / "gallery.backup"
    back_up(gallery, backup)
    clock.advance(days=100)
    restored = SQLiteGallery(tmp_path / "restored", clock=clock)
    restore(backup, restored)
    assert restored.purge_overdue().references == 0, "a start after restoring deletes nothing yet"
    assert lifetime(restored, "Ada").waits_until_shown == 1
    restored.mark_purges_shown()
    clock.advance(days=7)
    assert restored.purge_overdue().references == 1


def test_a_program_deletes_what_is_overdue_when_it_starts_and_a_server_every_day(
    tmp_path: Path, clips: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    setup = ServiceSetup(tmp_path)
    service = setup.service
    folder = service.settings.gallery
    late = SQLiteGallery(folder, clock=lambda: datetime.now(UTC) - timedelta(days=31))
    late.enroll("Ada", reference(clips, 1))
    late.enroll("Ben", reference(clips, 2))
    late.hold(late.find("Ben").id)
    assert service.gallery().size() == 2
    duty = RetentionDuty(service, every=timedelta(seconds=0.05))
    duty.start()
    assert [identity.name for identity in service.gallery().identities()] == ["Ben"]
    late.enroll("Cid", reference(clips, 3))
    wait_for(lambda: [identity.name for identity in service.gallery().identities()] == ["Ben"])
    duty.stop()
    (folder / "gallery.sqlite3").write_bytes(b"no database")
    assert delete_overdue(service).references == 0, "what is damaged stops no program"
    monkeypatch.setattr(service, "gallery", lambda: 1 / 0)
    assert delete_overdue(service).references == 0, "nor does a fault of ours"
    service.close()


def test_a_purge_that_cannot_write_changes_nothing_and_the_next_one_does_it(
    tmp_path: Path, clips: Path, clock: Clock
) -> None:
    gallery = SQLiteGallery(tmp_path / "gallery", busy_seconds=0.1, clock=clock)
    gallery.enroll("Ada", reference(clips, 1))
    clock.advance(days=31)
    with closing(sqlite3.connect(gallery.folder / "gallery.sqlite3")) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(GalleryBusy):
            gallery.purge_overdue()
        assert len(crops(gallery)) == 2
    assert gallery.purge_overdue().references == 1
    assert json.dumps([str(path) for path in crops(gallery)]) == "[]"
