"""Exports are signed, and nobody becomes somebody else by importing one."""

import io
import json
import shutil
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from biometric.cli import main
from biometric.entities.audit import AuditQuery
from biometric.entities.exports import SignerKind
from biometric.errors import ArchiveInvalid, AttachRefused, InvalidInput, WrongPassphrase
from biometric.gallery.repository import SQLiteGallery
from biometric.gallery.sealed_files import CHUNK, SealedReader, SealingWriter
from tests.made_galleries import check, reference, template, unit

PASSPHRASE = "correct horse battery"


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    return tmp_path / "clips"


@pytest.fixture
def source(tmp_path: Path, clips: Path) -> SQLiteGallery:
    made = SQLiteGallery(tmp_path / "source")
    made.enroll("Ada", reference(clips, 1))
    made.enroll("Ben", reference(clips, 2))
    return made


@pytest.fixture
def target(tmp_path: Path) -> SQLiteGallery:
    return SQLiteGallery(tmp_path / "target")


@pytest.fixture
def export(source: SQLiteGallery, tmp_path: Path) -> Path:
    return source.export(tmp_path / "export.zip")


def rewritten(path: Path, change: Callable[[dict[str, bytes]], None], comment: bytes | None = None) -> Path:
    """Write an export anew with other members; the comment, its signature, stays unless another is given."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
        kept = archive.comment
    change(members)
    forged = path.with_name("forged.zip")
    with zipfile.ZipFile(forged, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
        archive.comment = kept if comment is None else comment
    return forged


def renamed(members: dict[str, bytes]) -> None:
    members["gallery.json"] = members["gallery.json"].replace(b'"Ada"', b'"Eve"')


def test_promise_22_an_export_is_signed_and_imported_as_signed(target: SQLiteGallery, export: Path) -> None:
    preview = target.preview_import(export)
    assert (preview.signer.kind, preview.identities, preview.references) == (SignerKind.UNKNOWN, 2, 2)
    assert not target.folder.exists()
    assert target.import_(export).signer.kind is SignerKind.UNKNOWN
    assert target.preview_import(export).signer.kind is SignerKind.KNOWN
    assert check(target) == {"Ada": 1, "Ben": 1}


def test_a_gallery_knows_its_own_exports_also_after_its_key_was_changed(source: SQLiteGallery, export: Path) -> None:
    assert source.preview_import(export).signer.kind is SignerKind.OWN
    source.audit.rotate_key()
    assert source.preview_import(export).signer.kind is SignerKind.OWN


def test_a_gallery_whose_key_is_another_one_is_said(source: SQLiteGallery, target: SQLiteGallery, export: Path) -> None:
    target.import_(export)
    source.audit.rotate_key()
    other = source.export(export.with_name("other.zip"))
    assert target.preview_import(other).signer.kind is SignerKind.CHANGED


FORGERIES: dict[str, Callable[[dict[str, bytes]], None]] = {
    "a name": renamed,
    "a picture": lambda members: members.update(
        {name: data + b"\0" for name, data in members.items() if name.endswith(".jpg")}
    ),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_promise_22_a_signed_export_that_was_changed_is_refused(
    target: SQLiteGallery, export: Path, forgery: str
) -> None:
    forged = rewritten(export, FORGERIES[forgery])
    for ask in (target.preview_import, target.import_):
        with pytest.raises(ArchiveInvalid, match="changed after it was signed"):
            ask(forged)
    assert target.is_empty()


def test_a_signature_of_another_key_or_another_file_is_refused(
    source: SQLiteGallery, target: SQLiteGallery, export: Path, clips: Path
) -> None:
    with zipfile.ZipFile(export) as archive:
        statement = json.loads(archive.comment)
    source.enroll("Cleo", reference(clips, 3))
    with zipfile.ZipFile(source.export(export.with_name("later.zip"))) as archive:
        later = archive.comment
    stranger = {**statement, "public_key": "ab" * 32}
    for comment in (later, json.dumps(stranger).encode(), b"a comment", b"{" * 5000):
        with pytest.raises(ArchiveInvalid):
            target.import_(rewritten(export, lambda members: None, comment))


def test_an_unsigned_export_comes_in_and_is_said(target: SQLiteGallery, export: Path) -> None:
    """Exports of earlier versions, and those whose signature was taken off."""
    unsigned = rewritten(export, renamed, b"")
    assert target.preview_import(unsigned).signer.kind is SignerKind.UNSIGNED
    assert target.import_(unsigned).references == 2
    imported = target.audit.records(AuditQuery(action="imported"))[0][0]
    assert imported.details["signer"] == "unsigned"


def forged_for(gallery: SQLiteGallery, stranger: np.ndarray, folder: Path, clips: Path) -> Path:
    """An export, signed by its maker, that gives a person of a gallery a stranger's template."""
    maker = SQLiteGallery(folder / "maker")
    maker.enroll("Eve", reference(clips, 9))
    ada, eve = gallery.find("Ada").id, maker.find("Eve").id
    export = maker.export(folder / "made.zip")
    return rewritten(
        export,
        lambda members: members.update({"gallery.json": members["gallery.json"].replace(eve.encode(), ada.encode())}),
        b"",
    )


def test_promise_22_a_forged_export_does_not_make_a_stranger_somebody(
    source: SQLiteGallery, tmp_path: Path, clips: Path
) -> None:
    ada = source.find("Ada").id
    before = source.scores(template(9), ada)[0][1]
    forged = forged_for(source, unit(9), tmp_path, clips)
    assert source.preview_import(forged).attaching == (("Ada", 1),)
    with pytest.raises(AttachRefused, match="people who are here already: Ada"):
        source.import_(forged)
    assert source.scores(template(9), ada) == [(source.references(ada)[0].id, before)]
    report = source.import_(forged, separate=True)
    assert (report.identities, report.renamed) == (1, ())
    assert source.scores(template(9), ada)[0][1] == before
    assert check(source) == {"Ada": 1, "Ben": 1, "Eve": 1}


def test_attaching_is_done_where_somebody_says_so(source: SQLiteGallery, tmp_path: Path, clips: Path) -> None:
    forged = forged_for(source, unit(9), tmp_path, clips)
    report = source.import_(forged, attach=True)
    assert (report.attached, report.identities, report.references) == (("Ada",), 0, 1)
    assert check(source) == {"Ada": 2, "Ben": 1}
    assert source.audit.records(AuditQuery(action="imported"))[0][0].details["attached"] == 1


def test_somebody_in_the_trash_gets_no_new_references_either(
    source: SQLiteGallery, tmp_path: Path, clips: Path
) -> None:
    forged = forged_for(source, unit(9), tmp_path, clips)
    export = source.export(tmp_path / "own.zip")
    source.remove(source.find("Ada").id)
    with pytest.raises(AttachRefused, match="Ada"):
        source.import_(forged)
    assert source.preview_import(export).from_trash == ("Ada",)
    assert source.import_(export).references == 1  # what was theirs comes back


def test_what_is_here_stays_although_the_file_has_another_template(source: SQLiteGallery, export: Path) -> None:
    manifest = json.loads(zipfile.ZipFile(export).read("gallery.json"))
    first, second = (identity["references"][0]["template"] for identity in manifest["identities"])
    forged = rewritten(
        export,
        lambda members: members.update(
            {"gallery.json": members["gallery.json"].replace(first.encode(), second.encode())}
        ),
        b"",
    )
    assert (source.preview_import(forged).already_there, source.preview_import(forged).differing) == (2, 1)
    ada = source.find("Ada").id
    before = source.references(ada)[0].template.vector
    source.import_(forged)
    assert (source.references(ada)[0].template.vector == before).all()


# --- encryption ------------------------------------------------------------------------------------------------------


def test_an_encrypted_export_opens_with_its_passphrase_alone(
    source: SQLiteGallery, target: SQLiteGallery, tmp_path: Path
) -> None:
    sealed = source.export(tmp_path / "sealed.zip", passphrase=PASSPHRASE)
    data = sealed.read_bytes()
    assert not zipfile.is_zipfile(sealed)
    assert b"Ada" not in data
    assert b"gallery.json" not in data
    with pytest.raises(WrongPassphrase, match="encrypted"):
        target.import_(sealed)
    with pytest.raises(WrongPassphrase, match="does not open"):
        target.import_(sealed, passphrase="wrong horse battery")
    assert target.preview_import(sealed, passphrase=PASSPHRASE).encrypted
    assert target.import_(sealed, passphrase=PASSPHRASE).references == 2
    assert check(target) == {"Ada": 1, "Ben": 1}
    assert source.audit.records(AuditQuery(action="exported"))[0][0].details["encrypted"] is True


def test_a_passphrase_that_is_too_short_is_refused(source: SQLiteGallery, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="10 characters"):
        source.export(tmp_path / "sealed.zip", passphrase="short")
    assert not (tmp_path / "sealed.zip").exists()


def sealed_bytes(data: bytes) -> bytes:
    file = io.BytesIO()
    writer = SealingWriter(file, PASSPHRASE)
    writer.write(data)
    writer.finish()
    return file.getvalue()


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_sealed_files_of_all_sizes_read_back(size: int) -> None:
    data = np.random.default_rng(size).bytes(size)
    reader = SealedReader(io.BytesIO(sealed_bytes(data)), PASSPHRASE)
    assert reader.read() == data
    reader.seek(-min(size, 5), io.SEEK_END)
    assert reader.read() == data[size - min(size, 5) :]


def test_every_change_of_a_sealed_file_shows() -> None:
    data = np.random.default_rng(1).bytes(3 * CHUNK)
    sealed = sealed_bytes(data)
    header = len(sealed) - 3 * (CHUNK + 16)
    chunks = [sealed[header + number * (CHUNK + 16) :][: CHUNK + 16] for number in range(3)]
    forged = {
        "cut off at a chunk": sealed[:header] + chunks[0] + chunks[1],
        "cut off in a chunk": sealed[:-100],
        "nothing but the header": sealed[:header],
        "swapped": sealed[:header] + chunks[1] + chunks[0] + chunks[2],
        "one left out": sealed[:header] + chunks[0] + chunks[2],
        "one twice": sealed + chunks[2],
        "a bit": sealed[: header + 5] + bytes([sealed[header + 5] ^ 1]) + sealed[header + 6 :],
        "half a header": sealed[:30],
        "an expensive cost": sealed[:9] + b"\x1f" + sealed[10:],
    }
    for name, changed in forged.items():
        try:
            SealedReader(io.BytesIO(changed), PASSPHRASE).read()
        except ArchiveInvalid:
            continue
        pytest.fail(name)


def test_commands_ask_before_they_attach(
    source: SQLiteGallery,
    tmp_path: Path,
    clips: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    forged = forged_for(source, unit(9), tmp_path, clips)
    folder = ["--gallery", str(source.folder)]
    assert main(["gallery", "import", *folder, str(forged), "--preview"]) == 0
    assert "Warning: it would give references to people who are here already: Ada (1)" in capsys.readouterr().out
    assert main(["gallery", "import", *folder, str(forged)]) == 2
    assert "--attach" in capsys.readouterr().err
    assert main(["gallery", "import", *folder, str(forged), "--attach"]) == 0
    assert "is not signed" in capsys.readouterr().out
    sealed = tmp_path / "sealed.zip"
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSPHRASE + "\n"))
    assert main(["gallery", "export", *folder, str(sealed), "--passphrase-stdin"]) == 0
    monkeypatch.setattr("sys.stdin", io.StringIO("another passphrase\n"))
    shutil.copy(sealed, tmp_path / "copy.zip")
    assert main(["gallery", "import", *folder, str(sealed), "--passphrase-stdin", "--json"]) == 2
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSPHRASE + "\n"))
    capsys.readouterr()
    assert main(["gallery", "import", *folder, str(sealed), "--passphrase-stdin", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["signer"]["kind"] == "own"


def test_a_reference_in_the_trash_is_not_given_to_somebody_else(
    source: SQLiteGallery, export: Path, tmp_path: Path
) -> None:
    ada, ben = source.find("Ada").id, source.find("Ben").id
    source.remove(ben)
    swapped = rewritten(
        export,
        lambda members: members.update(
            {
                "gallery.json": members["gallery.json"]
                .replace(ada.encode(), b"x")
                .replace(ben.encode(), ada.encode())
                .replace(b'"x"', b'"' + ben.encode() + b'"')
            }
        ),
        b"",
    )
    with pytest.raises(AttachRefused, match="Ada"):
        source.import_(swapped)


def test_an_erased_reference_comes_back_to_somebody_who_is_here_only_when_told(
    source: SQLiteGallery, tmp_path: Path, clips: Path
) -> None:
    """A stranger's template under the id of a reference of Ada's that was deleted for good."""
    ada = source.find("Ada")
    old = source.references(ada.id)[0].id
    forger = SQLiteGallery(tmp_path / "forger")
    forger.import_(source.export(tmp_path / "export.zip"))
    with closing(sqlite3.connect(forger.folder / "gallery.sqlite3")) as connection:
        connection.execute("UPDATE biometric_references SET vector = ? WHERE id = ?", [unit(9).tobytes(), old])
        connection.commit()
    forged = forger.export(tmp_path / "forged.zip")
    source.enroll("Ada", reference(clips, 5))
    change = source.remove_reference(old)
    with source.transactions.writing() as write:
        write.purge([change.id])
    assert source.import_(forged).left_out_references == 1
    with pytest.raises(AttachRefused, match="Ada"):
        source.import_(forged, resurrect=True)
    assert check(source) == {"Ada": 1, "Ben": 1}
    source.import_(forged, resurrect=True, separate=True)
    assert check(source) == {"Ada": 1, "Ada (2)": 1, "Ben": 1}
