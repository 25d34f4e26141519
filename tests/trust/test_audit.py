"""The audit trail is tamper-evident: attacks on the database by somebody who may write every file but the key."""

import json
import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from biometric.cli import main
from biometric.entities.actors import Actor, Channel, acting_as
from biometric.entities.audit import AuditEvent, AuditQuery, AuditReport
from biometric.errors import GalleryBusy, GalleryUnavailable, InvalidInput
from biometric.gallery.audit_chain import canonical, digest
from biometric.gallery.audit_log import HeadFolder
from biometric.gallery.audit_trail import verify_exported
from biometric.gallery.repository import SQLiteGallery
from biometric.messages.audit_sentences import describe_details, describe_report
from tests.made_galleries import reference

ADA = Actor("ada", Channel.PAGE, is_user=True)


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    return tmp_path / "clips"


@pytest.fixture
def gallery(tmp_path: Path, clips: Path) -> SQLiteGallery:
    """A gallery with eight records: the beginning, two enrollments, four answers, an erasure."""
    made = SQLiteGallery(tmp_path / "gallery")
    with acting_as(ADA):
        made.enroll("Ada Lovelace", reference(clips, 1))
        ben = made.enroll("Ben", reference(clips, 2)).identity
        for number in range(4):
            made.audit.record(AuditEvent("identified", (ben.id,), {"input": f"{number:064x}", "threshold": "0.530000"}))
        made.erase(ben.id)
    return made


def attack(gallery: SQLiteGallery, *statements: str) -> None:
    """Run SQL on the database, as somebody who may write the file: the triggers do not stop them."""
    with closing(sqlite3.connect(gallery.folder / "gallery.sqlite3")) as db:
        db.create_function("sha256", 1, digest)
        db.execute("DROP TRIGGER IF EXISTS audit_records_are_not_changed")
        db.execute("DROP TRIGGER IF EXISTS audit_records_are_not_deleted")
        for statement in statements:
            db.execute(statement)
        db.commit()


def rechained(gallery: SQLiteGallery, change: Callable[[dict[str, object]], None], first: int) -> None:
    """Change a record, then make all later ones follow it, and the end too: all that can be done without the key."""
    with closing(sqlite3.connect(gallery.folder / "gallery.sqlite3")) as db:
        db.execute("DROP TRIGGER audit_records_are_not_changed")
        previous = None
        for number, text in db.execute("SELECT number, record FROM audit_records ORDER BY number").fetchall():
            record = json.loads(text)
            if number == first:
                change(record)
            if previous is not None:
                record["previous"] = previous
            text = canonical(record)
            previous = digest(text)
            db.execute("UPDATE audit_records SET record = ? WHERE number = ?", [text, number])
        db.execute("UPDATE audit_head SET hash = ?", [previous])
        db.commit()


def told(report: AuditReport) -> str:
    return " ".join([*report.problems, *report.notes])


def test_promise_25_who_did_what_is_recorded_and_verifies(gallery: SQLiteGallery) -> None:
    report = gallery.audit.verify()
    assert (report.intact, report.count, report.notes) == (True, 8, ())
    records, total = gallery.audit.records(AuditQuery())
    assert total == 8
    assert [item.action for item in records] == [
        "erased",
        *["identified"] * 4,
        *["enrolled"] * 2,
        "audit_started",
    ]
    assert {(item.who, item.through, item.is_user) for item in records} == {("ada", "page", True)}
    enrolled = records[-2]
    assert enrolled.details["input"] == f"{1:064x}"
    assert enrolled.details["model"] == "model-a"
    assert enrolled.details["reference_ids"] == [enrolled.details["reference"]]


def test_promise_25_no_name_or_template_is_in_the_trail(gallery: SQLiteGallery, tmp_path: Path) -> None:
    gallery.rename(gallery.find("Ada Lovelace").id, "Countess Lovelace")
    gallery.audit.export(tmp_path / "trail.jsonl")
    text = (tmp_path / "trail.jsonl").read_text()
    assert "Lovelace" not in text
    assert "Ben" not in text
    assert "1.mp4" not in text


def test_promise_25_a_reader_sees_names_until_somebody_is_erased(gallery: SQLiteGallery) -> None:
    ada = gallery.find("Ada Lovelace").id
    records, _ = gallery.audit.records(AuditQuery(action="enrolled"))
    people = [person for record in records for person in record.people]
    assert sorted(gallery.audit.names(people).items()) == [(ada, "Ada Lovelace")]  # Ben is erased
    assert len(people) == 2
    assert gallery.audit.records(AuditQuery(person=ada))[1] == 1


ATTACKS: dict[str, tuple[tuple[str, ...], str]] = {
    "a word of a record": (
        ("UPDATE audit_records SET record = replace(record, '0.530000', '0.430000') WHERE number = 5",),
        "Record 6 does not follow the one before",
    ),
    "who did it": (
        ("UPDATE audit_records SET record = replace(record, '\"ada\"', '\"eve\"') WHERE number = 3",),
        "Record 4 does not follow the one before",
    ),
    "the last record": (
        ("UPDATE audit_records SET record = replace(record, '\"ada\"', '\"eve\"') WHERE number = 8",),
        "The trail's end is not as it was signed",
    ),
    "the last record and the end": (
        (
            "UPDATE audit_records SET record = replace(record, '\"ada\"', '\"eve\"') WHERE number = 8",
            "UPDATE audit_head SET hash = (SELECT sha256(record) FROM audit_records WHERE number = 8)",
        ),
        "The signature of the trail's end is not valid",
    ),
    "a record is deleted": (
        ("DELETE FROM audit_records WHERE number = 4",),
        "Where record 4 should be there is record 5",
    ),
    "a record is deleted and the others move up": (
        (
            "DELETE FROM audit_records WHERE number = 4",
            "UPDATE audit_records SET number = number - 1 WHERE number > 4",
        ),
        "Record 4 does not follow the one before",
    ),
    "the trail is cut off": (("DELETE FROM audit_records WHERE number > 5",), "The trail was cut off"),
    "the trail is cut off with its end": (
        (
            "DELETE FROM audit_records WHERE number > 5",
            "UPDATE audit_head SET number = 5, count = 5, "
            "hash = (SELECT sha256(record) FROM audit_records WHERE number = 5)",
        ),
        "The signature of the trail's end is not valid",
    ),
    "a record is nested without end": (
        ("UPDATE audit_records SET record = replace(printf('%100000s', ''), ' ', '[') WHERE number = 4",),
        "Record 4 cannot be read",
    ),
    "a record is no text": (
        ("UPDATE audit_records SET record = CAST(x'ff7b' AS TEXT) WHERE number = 4",),
        "Record 4 cannot be read",
    ),
    "a threshold is a word": (
        ("UPDATE audit_records SET record = replace(record, '0.530000', 'much') WHERE number = 5",),
        "Record 6 does not follow the one before",
    ),
    "a key is none": (("UPDATE audit_head SET public_key = 'none', hash = x'00'",), "signature of the trail's end"),
    "the end is taken away": (("DELETE FROM audit_head",), "The trail has no signed end"),
    "two records change places": (
        (
            "UPDATE audit_records SET number = -4 WHERE number = 4",
            "UPDATE audit_records SET number = 4 WHERE number = 5",
            "UPDATE audit_records SET number = 5 WHERE number = -4",
        ),
        "Where record 4 should be",
    ),
    "a record is added": (
        (
            "INSERT INTO audit_records SELECT 9, replace(replace(record, '\"number\":8', '\"number\":9'), "
            "'erased', 'enrolled') FROM audit_records WHERE number = 8",
        ),
        "Record 9 does not follow the one before",
    ),
    "a record becomes unreadable": (
        ("UPDATE audit_records SET record = 'gone' WHERE number = 4",),
        "Record 4 cannot be read",
    ),
    "a key is written twice": (
        (
            'UPDATE audit_records SET record = replace(record, \'{"action"\', \'{"action":"enrolled","action"\') '
            "WHERE number = 4",
        ),
        "Record 4 is not in canonical form",
    ),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_promise_25_an_attack_on_the_rows_shows(gallery: SQLiteGallery, name: str) -> None:
    statements, problem = ATTACKS[name]
    attack(gallery, *statements)
    report = gallery.audit.verify()
    assert not report.intact
    assert problem in told(report)
    assert describe_report(report)[0] == "The audit trail was changed."
    records, total = gallery.audit.records(AuditQuery())  # they are shown all the same
    assert len([describe_details(record) for record in records]) == total


@pytest.mark.parametrize("name", ATTACKS)
def test_promise_25_going_on_does_not_cover_an_attack(gallery: SQLiteGallery, clips: Path, name: str) -> None:
    statements, _ = ATTACKS[name]
    attack(gallery, *statements)
    gallery.enroll("Cleo", reference(clips, 3))
    gallery.audit.record(AuditEvent("identified"))
    assert not gallery.audit.verify().intact


def test_promise_25_the_triggers_keep_mistakes_out(gallery: SQLiteGallery) -> None:
    with closing(sqlite3.connect(gallery.folder / "gallery.sqlite3")) as db:
        for statement in ("DELETE FROM audit_records", "UPDATE audit_records SET record = ''"):
            with pytest.raises(sqlite3.DatabaseError, match="audit records are not"):
                db.execute(statement)


def test_promise_25_a_chain_made_anew_without_the_key_shows(gallery: SQLiteGallery, clips: Path) -> None:
    rechained(gallery, lambda record: record.update(who="eve"), 3)
    assert "The signature of the trail's end is not valid" in told(gallery.audit.verify())
    gallery.enroll("Cleo", reference(clips, 3))
    assert "the end of the trail was not as it had been signed" in told(gallery.audit.verify())


def test_promise_25_a_chain_made_anew_with_the_key_shows_by_an_earlier_head(
    gallery: SQLiteGallery, clips: Path, tmp_path: Path
) -> None:
    """Whoever has the key can write anything: only what was kept elsewhere says so."""
    head = tmp_path / "head.json"
    gallery.audit.export_head(head)
    rechained(gallery, lambda record: record.update(who="eve"), 3)
    attack(gallery, "DELETE FROM audit_head", "DELETE FROM audit_records WHERE number > 8")
    with closing(sqlite3.connect(gallery.folder / "gallery.sqlite3")) as db:
        [(text,)] = db.execute("SELECT record FROM audit_records WHERE number = 8").fetchall()
    _sign_end(gallery, 8, text)
    assert gallery.audit.verify().intact
    gallery.enroll("Cleo", reference(clips, 3))
    assert gallery.audit.verify().intact
    report = gallery.audit.verify([head])
    assert not report.intact
    assert "up to record 8 the trail is not what it was" in told(report)


def _sign_end(gallery: SQLiteGallery, number: int, text: str) -> None:
    from biometric.gallery.audit_log import AuditLog
    from biometric.gallery.protection import GalleryProtection

    with gallery._transactions.writing() as write:
        key = AuditLog(GalleryProtection(gallery.folder)).keys.key()
        assert key is not None
        AuditLog._sign(write.db, (number, text), key, "2026-11-28T00:00:00.000+00:00")


def test_promise_25_a_copy_put_back_shows_by_a_later_head(gallery: SQLiteGallery, clips: Path, tmp_path: Path) -> None:
    shutil.copy(gallery.folder / "gallery.sqlite3", tmp_path / "earlier.sqlite3")
    gallery.enroll("Cleo", reference(clips, 3))
    head = tmp_path / "head.json"
    gallery.audit.export_head(head)
    shutil.copy(tmp_path / "earlier.sqlite3", gallery.folder / "gallery.sqlite3")
    assert gallery.audit.verify().intact  # nothing here shows it
    report = gallery.audit.verify([head])
    assert not report.intact
    assert "The trail was cut off: it had 9 records" in told(report)


def test_promise_25_another_key_shows(gallery: SQLiteGallery, clips: Path, tmp_path: Path) -> None:
    head = tmp_path / "head.json"
    gallery.audit.export_head(head)
    stranger = SQLiteGallery(tmp_path / "stranger")
    stranger.enroll("Eve", reference(clips, 4))
    shutil.copy(stranger.folder / "signing-key.pem", gallery.folder / "signing-key.pem")
    assert "The key file of the gallery is another one" in told(gallery.audit.verify())
    gallery.enroll("Cleo", reference(clips, 3))
    report = gallery.audit.verify([head])
    assert "another took its place" in told(report)
    assert report.heads == 1  # what the former key signed still holds
    # A whole trail that somebody made with a key of their own:
    other_head = tmp_path / "other.json"
    stranger.audit.export_head(other_head)
    assert "another gallery" in told(gallery.audit.verify([other_head]))
    attack(gallery, "DELETE FROM audit_records", "DELETE FROM audit_head")
    gallery.rename(gallery.find("Cleo").id, "Cleopatra")
    assert gallery.audit.verify().intact
    assert "signed with a key that this trail does not know" in told(gallery.audit.verify([head]))


def test_promise_25_a_lost_key_is_replaced_and_that_is_said(gallery: SQLiteGallery, clips: Path) -> None:
    (gallery.folder / "signing-key.pem").unlink()
    gallery.enroll("Cleo", reference(clips, 3))
    report = gallery.audit.verify()
    assert report.intact
    assert "The key was lost before record 9" in told(report)


def test_a_rotated_key_is_signed_by_the_former_one(gallery: SQLiteGallery, clips: Path, tmp_path: Path) -> None:
    before, after = tmp_path / "before.json", tmp_path / "after.json"
    former = gallery.audit.export_head(before)
    assert gallery.audit.rotate_key().public_key != former.public_key
    gallery.enroll("Cleo", reference(clips, 3))
    gallery.audit.export_head(after)
    report = gallery.audit.verify([before, after])
    assert (report.intact, report.notes, report.heads) == (True, (), 2)
    rotated = gallery.audit.records(AuditQuery(action="key_rotated"))[0][0].number
    attack(
        gallery,
        f'UPDATE audit_records SET record = replace(record, \'"signature":"\', \'"signature":"00\') '
        f"WHERE number = {rotated}",
    )
    assert "the former key did not sign that" in told(gallery.audit.verify())


def test_promise_25_a_clock_that_is_set_back_shows(tmp_path: Path, clips: Path) -> None:
    now = [datetime(2026, 11, 28, 12, tzinfo=UTC)]
    gallery = SQLiteGallery(tmp_path / "gallery", clock=lambda: now[0])
    gallery.enroll("Ada", reference(clips, 1))
    now[0] -= timedelta(days=3)
    gallery.enroll("Ben", reference(clips, 2))
    report = gallery.audit.verify()
    assert report.intact
    assert "The clock was set back before record 3" in told(report)


def test_promise_25_a_change_and_its_record_stand_or_fall_together(
    gallery: SQLiteGallery, clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise OSError(28, "no space")

    monkeypatch.setattr("biometric.gallery.audit_rows.write_end", fails)
    with pytest.raises(Exception, match="disk is full"):
        gallery.enroll("Cleo", reference(clips, 3))
    monkeypatch.undo()
    assert [item.name for item in gallery.identities()] == ["Ada Lovelace"]
    assert gallery.audit.verify().count == 8


def test_the_key_is_private_and_a_damaged_one_is_said(gallery: SQLiteGallery) -> None:
    key = gallery.folder / "signing-key.pem"
    assert key.stat().st_mode & 0o777 == 0o600
    key.write_bytes(b"nothing")
    with pytest.raises(GalleryUnavailable, match="signing key"):
        gallery.audit.record(AuditEvent("identified"))


def test_an_exported_trail_verifies_by_itself(
    gallery: SQLiteGallery, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trail, head = tmp_path / "trail.jsonl", tmp_path / "head.json"
    gallery.audit.export(trail)
    gallery.audit.export_head(head)
    assert verify_exported(trail, [head]).intact
    assert main(["audit", "verify", str(trail), str(head), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["records"] == 8
    lines = trail.read_text().splitlines(keepends=True)
    forgeries = {
        "a word": [*lines[:4], lines[4].replace("0.53", "0.43"), *lines[5:]],
        "a line less": [*lines[:4], *lines[5:]],
        "cut off": lines[:6],
        "no end": lines[:-1],
        "an end of before": [*lines[:5], lines[-1]],
    }
    for name, forged in forgeries.items():
        trail.write_text("".join(forged))
        assert not verify_exported(trail).intact, name
    assert main(["audit", "verify", str(trail)]) == 1
    assert "The audit trail was changed." in capsys.readouterr().out


def test_heads_are_written_to_a_folder_at_set_times(tmp_path: Path, clips: Path) -> None:
    heads = tmp_path / "heads"
    gallery = SQLiteGallery(tmp_path / "gallery", heads=HeadFolder(heads, timedelta(hours=1)))
    gallery.enroll("Ada", reference(clips, 1))
    gallery.enroll("Ben", reference(clips, 2))
    [written] = heads.iterdir()
    assert gallery.audit.verify([written]).heads == 1
    always = SQLiteGallery(tmp_path / "gallery", heads=HeadFolder(heads, timedelta(0)))
    always.audit.record(AuditEvent("identified"))
    assert len(list(heads.iterdir())) == 2
    assert always.audit.verify(sorted(heads.iterdir())).heads == 2


def test_a_folder_for_heads_that_cannot_be_written_stops_nothing(tmp_path: Path, clips: Path) -> None:
    (tmp_path / "heads").write_text("a file")
    gallery = SQLiteGallery(tmp_path / "gallery", heads=HeadFolder(tmp_path / "heads", timedelta(0)))
    gallery.enroll("Ada", reference(clips, 1))
    assert gallery.audit.verify().count == 2


def test_recording_an_answer_does_not_refresh_pages(gallery: SQLiteGallery) -> None:
    before = gallery.revision()
    gallery.audit.record(AuditEvent("identified"))
    assert gallery.revision() == before


def test_an_answer_waits_longer_for_an_export_than_a_change_does(gallery: SQLiteGallery, clips: Path) -> None:
    hasty = SQLiteGallery(gallery.folder, busy_seconds=0.1)
    with closing(sqlite3.connect(gallery.folder / "gallery.sqlite3", check_same_thread=False)) as db:
        db.execute("BEGIN IMMEDIATE")
        with pytest.raises(GalleryBusy):
            hasty.enroll("Cleo", reference(clips, 3))
        timer = threading.Timer(0.25, db.rollback)
        timer.start()
        hasty.audit.record(AuditEvent("identified"))
        timer.join()
    assert gallery.audit.records(AuditQuery(action="identified"))[1] == 5


def test_nothing_is_recorded_where_nothing_is(tmp_path: Path) -> None:
    gallery = SQLiteGallery(tmp_path / "gallery")
    assert gallery.audit.verify() == AuditReport(0, (), (), None)
    assert gallery.audit.records(AuditQuery()) == ([], 0)
    with pytest.raises(InvalidInput, match="Nothing was recorded"):
        gallery.audit.export(tmp_path / "trail.jsonl")
    assert not gallery.folder.exists()


def test_records_hold_no_floating_point_numbers() -> None:
    assert canonical({"b": [1, None, True], "a": 'ä"\n\x7f'}) == '{"a":"ä\\"\\n\x7f","b":[1,null,true]}'
    with pytest.raises(ValueError, match="floating-point"):
        canonical({"a": [{"b": 0.5}]})


def test_show_filters_what_was_done(gallery: SQLiteGallery, capsys: pytest.CaptureFixture[str]) -> None:
    folder = ["--gallery", str(gallery.folder)]
    assert main(["audit", "show", *folder, "--what", "enroll", "--who", "ADA"]) == 0
    text = capsys.readouterr().out
    assert "Enrolled: Ada Lovelace" in text
    assert "Enrolled: erased person" in text
    assert "Identified" not in text
    assert main(["audit", "show", *folder, "--person", "Ada Lovelace", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["total"] == 1
    assert main(["audit", "show", *folder, "--since", "2999-01-01"]) == 0
    assert "Nothing was recorded." in capsys.readouterr().out
    assert main(["audit", "show", *folder, "--since", "yesterday"]) == 2
    assert main(["audit", "verify", *folder, str(gallery.folder / "signing-key.pem")]) == 2
