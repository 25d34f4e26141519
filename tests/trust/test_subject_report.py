"""Promise 29: whoever is enrolled gets everything held about them as one file, and nothing about anybody else."""

import hashlib
import json
import sqlite3
import zipfile
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biometric.entities import Decision, NewVerdict, ProbeRecord, Template, VerdictWord
from biometric.entities.audit import AuditEvent, AuditQuery
from biometric.entities.erasure import DerivativeKind, NewDerivative
from biometric.entities.progress import finish
from biometric.entities.subject_parts import IN_REPORT
from biometric.erasing.people_eraser import PeopleEraser
from biometric.erasing.subject_reporter import SubjectReporter
from biometric.errors import InvalidInput, StorageFull, UnknownIdentity
from biometric.footage_store import subject_rows as library_rows
from biometric.gallery import person_traces, subject_rows
from biometric.gallery.erasure_keeping import _same_person
from biometric.gallery.repository import SQLiteGallery
from biometric.messages import translation
from biometric.messages.subject_sentences import HEADINGS
from biometric.storage import file_digest
from tests.cli_with_fakes import run
from tests.made_galleries import MODEL, connected, reference, unit
from tests.made_sightings import analysis, decided, person
from tests.test_service import ServiceSetup

ADA, BEN = "Ada Lovelace", "Benedikt Quill"


@pytest.fixture
def setup(tmp_path: Path) -> ServiceSetup:
    return ServiceSetup(tmp_path)


def gallery_of(setup: ServiceSetup) -> SQLiteGallery:
    gallery = setup.service.gallery()
    assert isinstance(gallery, SQLiteGallery)
    return gallery


def verdict(gallery: SQLiteGallery, identity_id: str, word: VerdictWord, seed: int) -> None:
    probe = ProbeRecord(
        f"{seed:064x}",
        f"{seed}.mp4",
        1,
        np.arange(3, dtype=np.int32),
        np.zeros(3, np.int32),
        np.tile(np.array([0, 0, 80, 200], np.float32), (3, 1)),
        Template(unit(seed), MODEL, 2),
    )
    reference_id = gallery.references(identity_id)[0].id
    gallery.save_verdict(NewVerdict(word, identity_id, reference_id, probe, "verification", 0.9, 0.5, Decision.MATCH))


def fill(gallery: SQLiteGallery, folder: Path) -> tuple[str, str]:
    """Two people with everything that a gallery can hold about them; return their ids."""
    clips = folder / "clips"
    ada = gallery.enroll(ADA, reference(clips, 1, marker=b"ada")).identity.id
    gallery.enroll(ADA, reference(clips, 2, marker=b"ada"))
    ben = gallery.enroll(BEN, reference(clips, 3, marker=b"ben")).identity.id
    trashed = gallery.enroll(ADA, reference(clips, 4, marker=b"ada")).reference.id
    gallery.remove_reference(trashed)
    gallery.remove_sample(gallery.references(ada)[0].id, "00000001_00.jpg")  # its template is pooled anew
    verdict(gallery, ada, VerdictWord.CONFIRMED, 11)
    verdict(gallery, ada, VerdictWord.WRONG, 12)
    people = [
        person(1, 21, digest=f"{20:064x}", decision=decided(ada), with_=(2,)),
        person(2, 22, digest=f"{20:064x}", decision=decided(ben, score=0.8), with_=(1,)),
        person(3, 23, digest=f"{20:064x}", first=50, decision=decided(None, ada, 0.31)),
    ]
    gallery.sightings.keep(analysis(20, people), 24.0)
    query = folder / "query" / "one"
    query.mkdir(parents=True)
    (query / "clip.mp4").write_bytes(b"annotated")
    files = {query / "clip.mp4": file_digest(query / "clip.mp4")}
    gallery.record(NewDerivative(DerivativeKind.RESULTS, files, frozenset({ada, ben})))
    gallery.export(folder / "export.zip")
    gallery.audit.record(
        AuditEvent(
            "identified",
            (ada, ben),
            {
                "input": "f" * 64,
                "answers": [
                    {"person": 1, "decision": "identified", "score": "0.700000", "identity": ada, "closest": ada},
                    {"person": 2, "decision": "identified", "score": "0.812345", "identity": ben, "closest": ben},
                ],
            },
        )
    )
    return ada, ben


def reporter(setup: ServiceSetup) -> SubjectReporter:
    return SubjectReporter(setup.service.gallery, setup.service.library, setup.service.eraser)


def read(path: Path) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The data of a report, and all its files."""
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        files = {name: archive.read(name) for name in archive.namelist()}
    return json.loads(files["data.json"]), files


def vectors_in(value: Any) -> set[bytes]:
    """Every vector in the data, as the bytes that a gallery stores."""
    if isinstance(value, dict):
        own = value.get("vector")
        found = {np.array(own, "<f4").tobytes()} if own else set()
        return found.union(*(vectors_in(item) for key, item in value.items() if key != "vector"))
    if isinstance(value, list):
        return set().union(*map(vectors_in, value)) if value else set()
    return set()


def tables(connection: sqlite3.Connection) -> set[str]:
    sql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    return {row[0] for row in connection.execute(sql)}


def test_promise_29_all_that_erasing_looks_for_is_in_the_report(setup: ServiceSetup, tmp_path: Path) -> None:
    gallery = gallery_of(setup)
    ada, _ = fill(gallery, tmp_path)
    gallery.hold(ada, "file 7 of 2026")
    with gallery.transactions.reading_or_empty() as db:
        owned = person_traces.read_owned(db, gallery.transactions.files, _same_person(db, ada))
    written = reporter(setup).write(ada, tmp_path / "ada.zip")
    data, files = read(tmp_path / "ada.zip")
    assert set(owned.vectors) <= vectors_in(data)
    assert unit(1).tobytes() not in owned.vectors
    assert unit(1).tobytes() in vectors_in(data), "the former template, which undoing would bring back"
    digests = {hashlib.sha256(content).hexdigest() for name, content in files.items() if name.endswith(".jpg")}
    assert {digest for _, digest in owned.traces.pictures} == digests
    assert {item["id"] for item in data["references"]} == set(owned.reference_ids)
    assert {item["id"] for item in data["sightings"]} == set(owned.sighting_ids)
    assert {file["sha256"] for item in data["files"] for file in item["files"]} >= {
        digest for item in owned.traces.derivatives for digest in item.files.values()
    }
    assert data["missing_pictures"] == []
    assert written.counts["references"] == 3
    assert written.counts["pictures"] == len(digests) == 7
    [identity] = data["identity"]
    assert (identity["name"], identity["id"], identity["in_trash"]) == (ADA, ada, False)
    first = next(item for item in data["references"] if item["clip_name"] == "1.mp4")
    assert first["basis"]["legal_basis"] == "consent"
    assert first["basis"]["responsible"] == "Sightline"
    assert first["template"]["model"] == MODEL
    assert first["template"]["dimension"] == len(first["template"]["vector"]) == 16
    assert first["match_until"] < first["keep_until"]
    assert [item["in_trash"] for item in data["references"]].count(True) == 1
    assert data["retention"][0]["legal_hold_reason"] == "file 7 of 2026"
    assert {item["what"] for item in data["files"]} == {"results", "export"}
    assert {item["said"] for item in data["verdicts"]} == {"confirmed", "wrong"}
    assert {"enrolled", "identified", "held"} <= {item["done"] for item in data["audit"]}
    assert all(data[name] for name in HEADINGS if name not in ("kept_answers", "kept_observations", "copies"))


def test_promise_29_nobody_else_is_in_the_report(setup: ServiceSetup, tmp_path: Path) -> None:
    gallery = gallery_of(setup)
    ada, ben = fill(gallery, tmp_path)
    gallery.rename(ben, "Benedikt Quill-Otto")
    reporter(setup).write(ada, tmp_path / "ada.zip")
    data, files = read(tmp_path / "ada.zip")
    everything = b"".join(files.values())
    with gallery.transactions.reading_or_empty() as db:
        theirs = person_traces.read_owned(db, gallery.transactions.files, _same_person(db, ben))
    assert not set(theirs.vectors) & vectors_in(data)
    strangers = {unit(12).tobytes(), unit(23).tobytes()}  # said to be somebody else, and seen without a name
    assert not strangers & vectors_in(data)
    for secret in (b"Quill", ben.encode(), b"0.812345", b"3.mp4", b"12.mp4", str(tmp_path).encode(), b"0.800"):
        assert secret not in everything
    assert not {digest for _, digest in theirs.traces.pictures} & {
        hashlib.sha256(content).hexdigest() for content in files.values()
    }
    assert data["comparisons"] == [{**data["comparisons"][0], "score": pytest.approx(0.31), "decision": "unknown"}]
    assert [item["others_in_view"] for item in data["sightings"]] == [1]
    [record] = [item for item in data["audit"] if item["done"] == "identified"]
    assert record["other_people"] == 1
    assert record["details"]["answers"] == [{"identified": True, "decision": "identified", "score": "0.700000"}]


def test_every_table_is_in_the_report_or_named_with_a_reason(setup: ServiceSetup, tmp_path: Path) -> None:
    gallery = gallery_of(setup)
    fill(gallery, tmp_path)
    with closing(connected(gallery)) as connection:
        assert tables(connection) == set(subject_rows.TABLES)
    (tmp_path / "other").mkdir()
    other = ServiceSetup(tmp_path / "other")
    observed = finish(other.service.observe(other.clip))
    other.service.enroll(observed, ADA)
    other.service.library.keep(observed, other.service.identify(observed))
    with closing(sqlite3.connect(other.service.library.folder / "library.sqlite3")) as connection:
        assert tables(connection) == set(library_rows.TABLES)
    for reason in (*subject_rows.TABLES.values(), *library_rows.TABLES.values()):
        assert reason.strip()
        if reason.startswith(IN_REPORT):
            assert reason.removeprefix(IN_REPORT) in HEADINGS


def test_promise_29_what_is_kept_with_footage_is_in_the_report(setup: ServiceSetup, tmp_path: Path) -> None:
    service = setup.service
    observed = finish(service.observe(setup.clip))
    enrolled = service.enroll(observed, ADA)
    service.library.keep(observed, service.identify(observed))
    finish(service.write_outputs(observed, service.identify(observed)))
    reporter(setup).write(enrolled.identity.id, tmp_path / "ada.zip")
    data, files = read(tmp_path / "ada.zip")
    [answer] = data["kept_answers"]
    assert (answer["decision"], answer["clip_name"]) == ("identified", "clip.mp4")
    [measured] = data["kept_observations"]
    assert measured["template"]["vector"]
    assert {sample["picture"] for sample in measured["samples"] if "picture" in sample} <= set(files)
    assert [item["what"] for item in data["files"]] == ["results"]
    [stored] = service.library.folder.rglob("observation.npz")
    stored.write_bytes(b"damaged")
    reporter(setup).write(enrolled.identity.id, tmp_path / "again.zip")
    [damaged] = read(tmp_path / "again.zip")[0]["kept_observations"]
    assert (damaged["clip_name"], damaged["unreadable"]) == ("clip.mp4", True)


def test_promise_29_the_report_is_recorded_and_goes_when_the_person_is_erased(
    setup: ServiceSetup, tmp_path: Path
) -> None:
    gallery = gallery_of(setup)
    ada, ben = fill(gallery, tmp_path)
    path = tmp_path / "ada.zip"
    reporter(setup).write(ada, path)
    assert path.stat().st_mode & 0o777 == 0o600
    [record], total = gallery.audit.records(AuditQuery(action="subject_reported"))
    assert (total, record.people, record.details) == (1, (ada,), {"file_sha256": file_digest(path)})
    assert setup.service.eraser.outlook(ada).reports == 1
    reporter(setup).write(ada, tmp_path / "again.zip")
    data, _ = read(tmp_path / "again.zip")
    assert "subject_report" in {item["what"] for item in data["files"]}
    gallery.erase(ben)
    assert path.exists()
    _, certificate = setup.service.eraser.erase(ada)
    assert not path.exists()
    assert not (tmp_path / "again.zip").exists()
    assert setup.service.eraser.check(certificate, names=[ADA]).passed
    with pytest.raises(UnknownIdentity):
        reporter(setup).write(ada, path)
    assert not path.exists()


def test_a_person_in_the_trash_and_one_who_was_merged_are_reported(setup: ServiceSetup, tmp_path: Path) -> None:
    gallery = gallery_of(setup)
    ada, ben = fill(gallery, tmp_path)
    gallery.merge(ben, ada)
    reporter(setup).write(ada, tmp_path / "merged.zip")
    data, _ = read(tmp_path / "merged.zip")
    assert {item["name"]: item.get("merged_into") for item in data["identity"]} == {ADA: None, BEN: ada}
    assert reporter(setup).find(BEN) == reporter(setup).find(ben) == ada
    assert "3.mp4" in {item["clip_name"] for item in data["references"]}
    gallery.remove(ada)
    assert reporter(setup).find(ADA) == reporter(setup).find(ada) == ada
    reporter(setup).write(ada, tmp_path / "trash.zip")
    data, _ = read(tmp_path / "trash.zip")
    assert data["name"] == ADA
    assert data["identity"][0]["in_trash"]
    assert all(item["in_trash"] and item["in_trash_until"] for item in data["references"])


def test_whom_somebody_was_merged_into_is_followed_to_the_end(setup: ServiceSetup, tmp_path: Path) -> None:
    gallery = gallery_of(setup)
    ada, ben = fill(gallery, tmp_path)
    gallery.enroll("Cleo", reference(tmp_path / "crops", 8))
    cleo = gallery.find("Cleo").id
    gallery.merge(cleo, ben)
    gallery.merge(ben, ada)
    assert [gallery.remaining(item) for item in (ada, ben, cleo)] == [ada] * 3
    gallery.erase(ada)
    with pytest.raises(UnknownIdentity):
        gallery.remaining(cleo)


def test_promise_29_an_encrypted_gallery_is_read_and_the_report_says_that_it_is_not(
    setup: ServiceSetup, tmp_path: Path
) -> None:
    pytest.importorskip("sqlcipher3")
    from biometric.gallery.encryption_keys import KeySource, make_key_file

    make_key_file(tmp_path / "key")
    gallery = SQLiteGallery(tmp_path / "sealed", key=KeySource(tmp_path / "key"))
    ada, _ = fill(gallery, tmp_path)
    folders = tmp_path / "query", tmp_path / "temp"
    eraser = PeopleEraser(lambda folder: gallery, setup.service.library, folders, lambda: None)
    sealed = SubjectReporter(lambda folder: gallery, setup.service.library, eraser)
    written = sealed.write(ada, tmp_path / "ada.zip")
    assert written.gallery_encrypted
    data, files = read(tmp_path / "ada.zip")
    assert (data["encrypted"], data["gallery_encrypted"]) == (False, True)
    crops = [content for name, content in files.items() if name.endswith(".jpg")]
    assert len(crops) == 7
    assert all(content.startswith(b"\xff\xd8") for content in crops)
    assert b"this file is not" in files["report.html"]
    changed = gallery.references(ada)[0].crops[0]
    content = changed.read_bytes()
    changed.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    written = sealed.write(ada, tmp_path / "again.zip")
    assert written.missing_pictures == 1
    assert len(read(tmp_path / "again.zip")[0]["missing_pictures"]) == 1


def test_nothing_is_replaced_or_left_half_written(
    setup: ServiceSetup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gallery = gallery_of(setup)
    ada, _ = fill(gallery, tmp_path)
    target = tmp_path / "reports" / "ada.zip"
    with pytest.raises(StorageFull):
        reporter(setup).write(ada, target)
    target.parent.mkdir()
    target.write_bytes(b"mine")
    with pytest.raises(InvalidInput, match="exists already"):
        reporter(setup).write(ada, target)
    for wrong in (tmp_path, tmp_path / "ada.txt", gallery.folder / "ada.zip"):
        with pytest.raises(InvalidInput):
            reporter(setup).write(ada, wrong)

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(zipfile.ZipFile, "writestr", full)
        with pytest.raises(StorageFull):
            reporter(setup).write(ada, target, replace=True)
    assert target.read_bytes() == b"mine"
    assert list(target.parent.iterdir()) == [target]
    assert gallery.audit.records(AuditQuery(action="subject_reported"))[1] == 0
    reporter(setup).write(ada, target, replace=True)
    assert zipfile.is_zipfile(target)


def test_the_command_writes_a_report_and_asks_before_it_replaces(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    setup = ServiceSetup(tmp_path)
    fill(gallery_of(setup), tmp_path)
    assert run(tmp_path, ["gallery", "subject-report", ADA, "ada.zip", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["name"], shown["encrypted"], shown["counts"]["references"]) == (ADA, False, 3)
    before = file_digest(tmp_path / "ada.zip")
    assert run(tmp_path, ["gallery", "subject-report", ADA, "ada.zip"]) == 2
    assert "exists already. Replace it?" in capsys.readouterr().err
    assert file_digest(tmp_path / "ada.zip") == before
    assert run(tmp_path, ["gallery", "subject-report", ADA, "ada.zip", "--yes"]) == 0
    assert "not encrypted" in capsys.readouterr().out
    assert run(tmp_path, ["gallery", "subject-report", "Ada Lovelaec", "other.zip"]) == 2
    assert f"Did you mean {ADA}?" in capsys.readouterr().err
    assert not (tmp_path / "other.zip").exists()


def test_the_page_is_in_the_language_of_the_process_and_escapes_names(setup: ServiceSetup, tmp_path: Path) -> None:
    gallery = gallery_of(setup)
    ada, _ = fill(gallery, tmp_path)
    gallery.rename(ada, "<img src=x onerror=alert(1)>")
    translation.activate("de")
    try:
        reporter(setup).write(ada, tmp_path / "ada.zip")
    finally:
        translation.activate("en")
    page = read(tmp_path / "ada.zip")[1]["report.html"].decode()
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page
    assert 'lang="de"' in page
    assert "Rechtsgrundlage" in page
    assert "Legal basis" not in page
    assert 'src="http' not in page
