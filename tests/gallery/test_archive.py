"""Export and import: a round trip, and every way in which a file can be wrong."""

import base64
import errno
import json
import os
import struct
import subprocess
import sys
import tracemalloc
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biometric.errors import ArchiveInvalid, GalleryCorrupt, InvalidInput, ModelMismatch, StorageFull
from biometric.gallery import archive as gallery_archive
from biometric.gallery import archive_manifest, exporting, import_keeping
from biometric.gallery.manifest_stream import read_elements
from biometric.gallery.repository import SQLiteGallery
from tests.made_galleries import JPEG, check, reference, template, unit

Document = dict[str, Any]


@pytest.fixture
def gallery(tmp_path: Path, clips: Path) -> SQLiteGallery:
    """Ada with two references, Zoë with one."""
    gallery = SQLiteGallery(tmp_path / "gallery")
    for seed, name in enumerate(["Ada", "Zoë", "Ada"], start=1):
        gallery.enroll(name, reference(clips, seed))
    return gallery


@pytest.fixture
def export(gallery: SQLiteGallery, tmp_path: Path) -> Path:
    return gallery.export(tmp_path / "export.zip")


@pytest.fixture
def target(tmp_path: Path) -> SQLiteGallery:
    return SQLiteGallery(tmp_path / "target")


def everything(gallery: SQLiteGallery) -> list[object]:
    return [
        (
            replace(one, thumbnail=None),
            replace(reference, template=None, crops=(), best_crop=None),  # type: ignore[arg-type]
            (reference.template.vector.tolist(), reference.template.sample_count, reference.template.model_id),
            [(crop.name, crop.read_bytes()) for crop in reference.crops],
        )
        for one in gallery.identities()
        for reference in gallery.references(one.id)
    ]


def test_a_round_trip_keeps_everything(gallery: SQLiteGallery, export: Path, target: SQLiteGallery) -> None:
    report = target.import_(export)
    assert (report.identities, report.references, report.already_there, report.renamed) == (2, 3, 0, ())
    assert everything(target) == everything(gallery)
    assert check(target) == {"Ada": 2, "Zoë": 1}
    assert target.search(template(3), 1)[0].identity.name == "Ada"
    again = target.export(export.with_name("again.zip"))
    assert contents(again) == contents(export)


def contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_cameras_are_exported_where_they_are_known(
    gallery: SQLiteGallery, tmp_path: Path, target: SQLiteGallery
) -> None:
    gallery.enroll("Yves", replace(reference(tmp_path / "yves", 91), camera="Yard"))
    archive = gallery.export(tmp_path / "cameras.zip")
    document = json.loads(contents(archive)["gallery.json"])
    listed = [item.get("camera") for person in document["identities"] for item in person["references"]]
    assert set(listed) == {None, "Yard"}
    target.import_(archive)
    assert target.cameras() == ["Yard"]


def test_an_export_is_private_atomic_and_replaces_an_older_one(gallery: SQLiteGallery, tmp_path: Path) -> None:
    destination = tmp_path / "out" / "export.zip"
    destination.parent.mkdir()
    destination.write_bytes(b"older")
    assert gallery.export(destination) == destination
    assert destination.stat().st_mode & 0o777 == 0o600
    assert list(destination.parent.iterdir()) == [destination]
    assert zipfile.is_zipfile(destination)


def test_an_export_that_fails_leaves_nothing(gallery: SQLiteGallery, tmp_path: Path) -> None:
    destination = tmp_path / "out" / "export.zip"
    with pytest.raises(StorageFull, match="Check that its folder exists"):
        gallery.export(destination)
    destination.parent.mkdir()
    with pytest.raises(InvalidInput, match="not a folder"):
        gallery.export(destination.parent)
    gallery.references(gallery.find("Ada").id)[1].crops[0].unlink()
    with pytest.raises(GalleryCorrupt, match="is missing from the gallery"):
        gallery.export(destination)
    assert list(destination.parent.iterdir()) == []


def test_a_merged_gallery_round_trips(gallery: SQLiteGallery, target: SQLiteGallery, tmp_path: Path) -> None:
    gallery.merge(gallery.find("Zoë").id, gallery.find("Ada").id)
    assert target.import_(gallery.export(tmp_path / "merged.zip")).references == 3
    assert check(target) == {"Ada": 3}


def test_importing_twice_adds_only_what_is_new(
    gallery: SQLiteGallery, export: Path, target: SQLiteGallery, clips: Path
) -> None:
    target.import_(export)
    target.remove(target.find("Zoë").id)
    target.rename(target.find("Ada").id, "Ada King")
    gallery.enroll("Ada", reference(clips, 9))
    report = target.import_(gallery.export(export), attach=True)
    assert (report.identities, report.references, report.already_there, report.renamed) == (1, 2, 2, ())
    assert check(target) == {"Ada King": 3, "Zoë": 1}
    assert target.import_(export).already_there == 4


def test_references_that_moved_by_a_merge_are_not_imported_again(gallery: SQLiteGallery, export: Path) -> None:
    gallery.merge(gallery.find("Zoë").id, gallery.find("Ada").id)
    report = gallery.import_(export)
    assert (report.identities, report.references, report.already_there) == (0, 0, 3)
    assert check(gallery) == {"Ada": 3}


def test_somebody_else_of_the_same_name_gets_a_number(export: Path, target: SQLiteGallery, clips: Path) -> None:
    target.enroll("ADA", reference(clips, 20))
    target.enroll("Ada (2)", reference(clips, 21))
    report = target.import_(export)
    assert report.renamed == (("Ada", "Ada (3)"),)
    assert check(target) == {"ADA": 1, "Ada (2)": 1, "Ada (3)": 2, "Zoë": 1}


def test_a_given_number_never_takes_a_name_of_the_archive(
    gallery: SQLiteGallery, target: SQLiteGallery, clips: Path, tmp_path: Path
) -> None:
    gallery.enroll("Ada (2)", reference(clips, 8))
    gallery.enroll("x" * 100, reference(clips, 10))
    for seed, name in enumerate(["Ada", "x" * 100]):
        target.enroll(name, reference(clips, 20 + seed))
    report = target.import_(gallery.export(tmp_path / "export.zip"))
    assert report.renamed == (("Ada", "Ada (3)"), ("x" * 100, "x" * 96 + " (2)"))
    assert check(target)["Ada (2)"] == 1


def test_names_of_an_older_export_that_look_alike_come_in_as_two_people(export: Path, target: SQLiteGallery) -> None:
    report = target.import_(edited(export, lambda d: d["identities"][1].update(name="A\u034fda")))
    assert report.renamed == (("A\u034fda", "A\u034fda (2)"),)
    assert check(target) == {"Ada": 2, "A\u034fda (2)": 1}


def test_another_models_export_is_refused(export: Path, target: SQLiteGallery, clips: Path) -> None:
    target.enroll("Ben", reference(clips, 5, model_id="model-b"))
    with pytest.raises(ModelMismatch, match=r"model-b.*model-a"):
        target.import_(export)
    assert check(target) == {"Ben": 1}


# What can be wrong with the file itself


def rewrite(export: Path, change: Callable[[dict[str, bytes]], object]) -> Path:
    members = contents(export)
    change(members)
    with zipfile.ZipFile(export, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return export


def refuse(export: Path, target: SQLiteGallery, match: str) -> None:
    """The import is refused, says so, and leaves neither rows nor files, in an empty and in a filled gallery."""
    before = check(target) if target.folder.exists() else None
    with pytest.raises(ArchiveInvalid, match=match):
        target.import_(export)
    if before is None:
        assert target.identities() == []
        assert [path for path in target.folder.rglob("*") if path.is_file() and path.name != "gallery.sqlite3"] == []
    else:
        assert check(target) == before


@pytest.mark.parametrize(
    "member",
    [
        "../evil.jpg",
        "/etc/evil",
        "crops/../../evil.jpg",
        "C:\\evil.jpg",
        "crops/" + "0" * 32 + "/00000000_00.jpg",
        "extra.txt",
        "crops/",
    ],
)
def test_unexpected_members_are_refused(export: Path, target: SQLiteGallery, tmp_path: Path, member: str) -> None:
    rewrite(export, lambda members: members.update({member: JPEG}))
    refuse(export, target, "not announced")
    assert not list(tmp_path.rglob("evil*"))


def test_duplicate_members_are_refused(export: Path, target: SQLiteGallery) -> None:
    name = next(name for name in contents(export) if name.startswith("crops/"))
    with zipfile.ZipFile(export, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr(name, JPEG)
    refuse(export, target, "two members of one name")


def test_a_missing_crop_is_refused(export: Path, target: SQLiteGallery) -> None:
    name = next(name for name in contents(export) if name.startswith("crops/"))
    rewrite(export, lambda members: members.pop(name))
    refuse(export, target, "is missing")


def test_a_crop_that_is_no_jpeg_undoes_the_whole_import(export: Path, target: SQLiteGallery, clips: Path) -> None:
    last = list(contents(export))[-1]
    rewrite(export, lambda members: members.update({last: b"<svg onload=alert(1)>"}))
    refuse(export, target, "not a JPEG")
    target.enroll("Ben", reference(clips, 30))
    refuse(export, target, "not a JPEG")


def test_limits_on_size_hold(export: Path, target: SQLiteGallery, monkeypatch: pytest.MonkeyPatch) -> None:
    for limit, match in (
        ("MAX_MEMBERS", "members; at most 3"),
        ("MAX_CROP_BYTES", "unpacks to more"),
        ("MAX_TOTAL_BYTES", "unpacks to more"),
        ("MAX_MANIFEST_BYTES", "gallery.json' unpacks to more"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(gallery_archive, limit, 3)
            refuse(export, target, match)


def test_a_bomb_is_refused_before_it_is_unpacked(export: Path, target: SQLiteGallery) -> None:
    name = next(name for name in contents(export) if name.startswith("crops/"))
    rewrite(export, lambda members: members.update({name: JPEG + bytes(20_000_000)}))
    assert export.stat().st_size < 100_000
    refuse(export, target, "unpacks to more")


def test_members_that_overlap_are_refused(export: Path, target: SQLiteGallery) -> None:
    data = bytearray(export.read_bytes())
    # Let one member's entry in the central directory claim most of the file.
    entry = data.rindex(b"PK\x01\x02")
    data[entry + 20 : entry + 24] = struct.pack("<I", len(data) - 10)
    export.write_bytes(data)
    refuse(export, target, "overlap|unpacks|damaged")


def test_damage_anywhere_is_refused(export: Path, target: SQLiteGallery) -> None:
    whole = export.read_bytes()
    for damaged in (b"", b"PK", b"not a zip", whole[: len(whole) // 2], whole[:-1]):
        export.write_bytes(damaged)
        refuse(export, target, "damaged or no zip file")
    for place in range(0, len(whole), max(1, len(whole) // 60)):
        flipped = bytearray(whole)
        flipped[place] ^= 0xFF
        export.write_bytes(flipped)
        copy = SQLiteGallery(target.folder.with_name(f"copy{place}"))
        try:
            copy.import_(export)
        except ArchiveInvalid:
            assert copy.identities() == []
        else:
            assert check(copy) == {"Ada": 2, "Zoë": 1}  # the byte told nothing, such as a date


def test_an_encrypted_file_is_refused(export: Path, target: SQLiteGallery) -> None:
    data = bytearray(export.read_bytes())
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    export.write_bytes(data)
    refuse(export, target, "encrypted")


def test_a_missing_file_or_a_folder_is_refused(tmp_path: Path, target: SQLiteGallery) -> None:
    refuse(tmp_path / "none.zip", target, "no such file")
    refuse(tmp_path, target, "cannot be read")
    assert not target.folder.exists()


# What can be wrong in gallery.json


def edited(export: Path, edit: Callable[[Document], object]) -> Path:
    def change(members: dict[str, bytes]) -> None:
        document = json.loads(members["gallery.json"])
        edit(document)
        members["gallery.json"] = json.dumps(document).encode()

    return rewrite(export, change)


def ada(document: Document) -> Document:
    return document["identities"][0]


def first_reference(document: Document) -> Document:
    return ada(document)["references"][0]


def sample(document: Document) -> Document:
    return first_reference(document)["samples"][0]


def encoded(vector: np.ndarray) -> str:
    return base64.b64encode(vector.astype("<f4").tobytes()).decode()


BAD = {
    "another format": lambda d: d.update(format="other"),
    "a newer version": lambda d: d.update(version=2),
    "a version that is text": lambda d: d.update(version="1"),
    "no identities": lambda d: d.update(identities=[]),
    "identities that are no list": lambda d: d.update(identities={"a": 1}),
    "an identity that is no object": lambda d: d["identities"].append(3),
    "no model": lambda d: d.pop("model_id"),
    "a model that is a number": lambda d: d.update(model_id=5),
    "dimension 0": lambda d: d.update(dimension=0),
    "another dimension": lambda d: d.update(dimension=8),
    "a dimension that is true": lambda d: d.update(dimension=True),
    "a huge dimension": lambda d: d.update(dimension=10**9),
    "one identity twice": lambda d: d["identities"].append(d["identities"][0]),
    "one name twice": lambda d: d["identities"][1].update(name="aDA"),
    "one reference twice": lambda d: ada(d)["references"].append(first_reference(d)),
    "one sample twice": lambda d: first_reference(d)["samples"].append(sample(d)),
    "an empty name": lambda d: ada(d).update(name=" "),
    "a name with NUL": lambda d: ada(d).update(name="a\0b"),
    "a name with a lone surrogate": lambda d: ada(d).update(name="\ud800"),
    "a long name": lambda d: ada(d).update(name="a" * 300),
    "an identity id that is a path": lambda d: ada(d).update(id="../../../../etc"),
    "a short reference id": lambda d: first_reference(d).update(id="abc"),
    "no references": lambda d: ada(d).update(references=[]),
    "a time that is none": lambda d: ada(d).update(created_at="yesterday"),
    "a negative frame": lambda d: first_reference(d).update(first_frame=-1),
    "a last frame before the first": lambda d: first_reference(d).update(first_frame=10),
    "a frame of many digits": lambda d: first_reference(d).update(last_frame=10**30),
    "a frame that is a fraction": lambda d: first_reference(d).update(first_frame=0.5),
    "no samples counted": lambda d: first_reference(d).update(sample_count=0),
    "a digest that is null": lambda d: first_reference(d).update(clip_digest=None),
    "a template that is no base64": lambda d: first_reference(d).update(template="%%%%"),
    "a short template": lambda d: first_reference(d).update(template=encoded(unit(1)[:-1])),
    "a template with NaN": lambda d: first_reference(d).update(template=encoded(np.full(16, np.nan))),
    "a template of zeros": lambda d: first_reference(d).update(template=encoded(np.zeros(16))),
    "a template of length 2": lambda d: first_reference(d).update(template=encoded(2 * unit(1))),
    "a template that is a list": lambda d: first_reference(d).update(template=[1.0]),
    "an embedding with infinity": lambda d: sample(d).update(embedding=encoded(np.full(16, np.inf))),
    "a crop name that is a path": lambda d: sample(d).update(name="../00000000_00.jpg"),
    "a quality that is text": lambda d: sample(d).update(quality="good"),
    "a quality that is NaN": lambda d: sample(d).update(quality=float("nan")),
    "a quality beyond all numbers": lambda d: sample(d).update(quality=10**400),
    "a key of its own": lambda d: sample(d).update(note="x"),
    "an object in place of a text": lambda d: ada(d).update(name={"a": "b"}),
    "a name longer than any value": lambda d: ada(d).update(name="a" * 5_000_000),
    "a clip's name of a megabyte": lambda d: first_reference(d).update(clip_name="a" * 1_000_000),
    "a frame that is missing": lambda d: sample(d).pop("frame_index"),
}


@pytest.mark.parametrize("edit", BAD.values(), ids=BAD.keys())
def test_a_bad_manifest_is_refused(export: Path, target: SQLiteGallery, edit: Callable[[Document], object]) -> None:
    refuse(edited(export, edit), target, r"cannot be imported: .+\. Nothing was imported")


def test_an_unknown_version_is_named(export: Path, target: SQLiteGallery) -> None:
    refuse(edited(export, BAD["a newer version"]), target, "format version 2, and this Sightline reads version 1")


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"null", b"{", b"\xff\xfe", b"[" * 100_000, b'{"version": ' + b"9" * 10_000 + b"}"]
)
def test_a_manifest_that_is_no_json_object_is_refused(export: Path, target: SQLiteGallery, text: bytes) -> None:
    refuse(rewrite(export, lambda members: members.update({"gallery.json": text})), target, "gallery.json")


def test_a_repeated_key_is_refused(export: Path, target: SQLiteGallery) -> None:
    def repeat(members: dict[str, bytes]) -> None:
        members["gallery.json"] = members["gallery.json"].replace(b'"name": "Ada"', b'"name": "Ada", "name": "Eve"')

    refuse(rewrite(export, repeat), target, "a key twice")


@pytest.mark.parametrize("number", ["0.5", "-0.5", "12", "1e-05", "2.5E+3"])
def test_a_number_may_be_cut_anywhere_by_the_pieces_that_a_file_is_read_in(number: str) -> None:
    data = b'{"identities": [{"references": [{"samples": [{"quality": %s}]}]}]}' % number.encode()
    for cut in range(1, len(data)):
        pieces = iter([data[:cut], data[cut:], b""])
        place, values = next(element for element in read_elements(lambda _, p=pieces: next(p), 9) if element[0])
        assert (place, values) == ((0, 0), {"samples": [{"quality": float(number)}]}), cut


def test_keys_may_stand_in_any_order(export: Path, target: SQLiteGallery) -> None:
    def sort(members: dict[str, bytes]) -> None:
        document = json.loads(members["gallery.json"])
        members["gallery.json"] = json.dumps(document, sort_keys=True, indent=1).encode()

    target.import_(rewrite(export, sort))
    assert check(target) == {"Ada": 2, "Zoë": 1}


HEAD = b'{"format": "sightline-gallery", "version": 1, "model_id": "m", "dimension": 16, "identities": '
CRAFTED = {
    "zeros": lambda: bytes(38_000_000),
    "blanks": lambda: HEAD + b" " * 38_000_000,
    "a long text": lambda: HEAD + b'[{"name": "' + b"a" * 38_000_000,
    "deep nesting": lambda: HEAD + b"[" * 38_000_000,
    "nested objects": lambda: b'{"a":' * 7_000_000,
    "empty objects": lambda: HEAD + b"[" + b"{}," * 12_000_000,
    "empty references": lambda: HEAD + b'[{"references": [' + b"{}," * 12_000_000,
    "many numbers": lambda: HEAD + b"[" + b"0," * 18_000_000,
    "a number of many digits": lambda: HEAD + b"9" * 38_000_000,
    "many keys": lambda: b"{" + b", ".join(b'"%d": 0' % number for number in range(3_000_000)),
    "many samples": lambda: HEAD + b'[{"references": [{"samples": [' + b'{"name": "x"},' * 2_600_000,
}


@pytest.mark.parametrize("craft", CRAFTED.values(), ids=CRAFTED.keys())
def test_a_crafted_manifest_uses_little_memory(
    export: Path, target: SQLiteGallery, craft: Callable[[], bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gallery_archive, "MAX_MANIFEST_RATIO", 10**6)  # what stands behind the limit holds alone
    rewrite(export, lambda members: members.update({"gallery.json": craft()}))
    tracemalloc.start()
    try:
        refuse(export, target, "gallery.json")
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_a_manifest_that_grows_too_much_is_refused_unread(export: Path, target: SQLiteGallery) -> None:
    rewrite(export, lambda members: members.update({"gallery.json": members["gallery.json"] + b" " * 5_000_000}))
    refuse(export, target, "unpacks to more")


def test_a_large_gallery_is_imported_without_being_held_in_memory(
    tmp_path: Path, clips: Path, target: SQLiteGallery
) -> None:
    source = SQLiteGallery(tmp_path / "large")
    for seed in range(60):
        source.enroll(f"P{seed % 3}", reference(clips, seed, dimension=32_768, samples=1))
    export = source.export(tmp_path / "large.zip")
    assert export.stat().st_size > 12_000_000
    tracemalloc.start()
    try:
        target.import_(export)
        assert tracemalloc.get_traced_memory()[1] < 6_000_000
    finally:
        tracemalloc.stop()
    assert check(target) == {"P0": 20, "P1": 20, "P2": 20}


def test_a_pipe_is_refused_without_waiting(tmp_path: Path, target: SQLiteGallery) -> None:
    os.mkfifo(tmp_path / "pipe")
    refuse(tmp_path / "pipe", target, "a folder, a device or a pipe")


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("x" * 300 + ".zip", InvalidInput),
        ("x" * 255, None),
        ("ü" * 127, None),
        ("missing/export.zip", StorageFull),
        ("file/export.zip", StorageFull),
        ("pipe", InvalidInput),
        ("gallery/gallery.sqlite3", InvalidInput),
        ("gallery/export.zip", InvalidInput),
        (".", InvalidInput),
        ("a\0b", InvalidInput),
    ],
)
def test_an_export_goes_to_a_file_or_says_why_not(
    gallery: SQLiteGallery, tmp_path: Path, name: str, error: type[Exception] | None
) -> None:
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    before = check(gallery)
    if error is None:
        assert zipfile.is_zipfile(gallery.export(tmp_path / name))
    else:
        with pytest.raises(error, match=r"^The .+ .+\.$|^/.+ is a device"):
            gallery.export(tmp_path / name)
    assert check(gallery) == before
    assert not [path for path in tmp_path.iterdir() if path.suffix in {".partial", ".lock"}]
    assert not (tmp_path / "missing").exists()


def test_a_full_disk_is_said_and_leaves_nothing(
    gallery: SQLiteGallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    (tmp_path / "out").mkdir()
    with monkeypatch.context() as patch:
        patch.setattr(zipfile.ZipFile, "writestr", full)
        with pytest.raises(StorageFull, match="the disk is full"):
            gallery.export(tmp_path / "out" / "export.zip")
    assert list((tmp_path / "out").iterdir()) == []


def test_what_a_killed_export_left_goes_with_the_next_one(gallery: SQLiteGallery, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    script = (
        "import os, sys, zipfile; from pathlib import Path; from biometric.gallery.repository import SQLiteGallery\n"
        "zipfile.ZipFile.writestr = lambda *_: os.kill(os.getpid(), 9)\n"
        "SQLiteGallery(Path(sys.argv[1])).export(Path(sys.argv[2]))"
    )
    destination = tmp_path / "out" / "export.zip"
    done = subprocess.run([sys.executable, "-c", script, str(gallery.folder), str(destination)], check=False)
    assert done.returncode == -9
    assert list(destination.parent.iterdir())
    gallery.export(destination)
    assert list(destination.parent.iterdir()) == [destination]


def test_an_archive_without_manifest_is_refused(export: Path, target: SQLiteGallery) -> None:
    refuse(rewrite(export, lambda members: members.pop("gallery.json")), target, "no gallery.json")


def test_the_formats_description_names_every_key(export: Path) -> None:
    description = archive_manifest.__doc__ or ""

    def keys(value: object) -> set[str]:
        if isinstance(value, dict):
            return set(value).union(*map(keys, value.values()))
        return set().union(*map(keys, value)) if isinstance(value, list) else set()

    for key in keys(json.loads(contents(export)["gallery.json"])):
        assert f'"{key}"' in description


# Others write meanwhile


def write_meanwhile(gallery: SQLiteGallery, clips: Path, name: str = "Meanwhile") -> None:
    """Enroll somebody as another process would, without waiting for anybody."""
    SQLiteGallery(gallery.folder, busy_seconds=0).enroll(name, reference(clips, 77))


def test_others_enroll_while_an_export_is_written(
    gallery: SQLiteGallery, target: SQLiteGallery, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, real = everything(gallery), gallery_archive._read_crop

    def read_crop(crop: Path, read: Any) -> bytes:
        if gallery.size() == 2:
            write_meanwhile(gallery, clips)
        return real(crop, read)

    monkeypatch.setattr(gallery_archive, "_read_crop", read_crop)
    target.import_(gallery.export(tmp_path / "export.zip"))
    assert len(everything(target)) == len(before), "what came meanwhile is not in it"
    assert sum(check(gallery).values()) == len(before) + 1


def test_an_export_does_not_hold_who_was_erased_while_it_was_written(
    gallery: SQLiteGallery, target: SQLiteGallery, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = [gallery.enroll("Erased", reference(clips, 50)).identity.id]
    real = gallery_archive._read_crop

    def read_crop(crop: Path, read: Any) -> bytes:
        if gone:
            gallery.erase(gone.pop())
        return real(crop, read)

    monkeypatch.setattr(gallery_archive, "_read_crop", read_crop)
    target.import_(gallery.export(tmp_path / "export.zip"))
    assert {one.name for one in target.identities()} == {"Ada", "Zoë"}
    assert len([line for line in gallery.derivatives() if line.everybody]) == 1
    check(gallery)


def test_an_export_whose_crops_always_go_takes_them_along(
    gallery: SQLiteGallery, target: SQLiteGallery, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, tries = exporting._write, 0

    def write(copy: Any, *arguments: Any) -> None:
        nonlocal tries
        tries += 1
        name = f"Erased {tries}"
        if (gone := [one for one in gallery.identities() if one.name == name]) != []:
            gallery.erase(gone[0].id)
        real(copy, *arguments)

    for number in range(1, 5):
        gallery.enroll(f"Erased {number}", reference(clips, 50 + number))
    monkeypatch.setattr(exporting, "_write", write)
    target.import_(gallery.export(tmp_path / "export.zip"))
    assert tries == 4
    assert {one.name for one in target.identities()} == {"Ada", "Zoë", "Erased 4"}
    assert {one.name for one in gallery.identities()} == {"Ada", "Zoë"}
    check(gallery)


def test_an_export_that_the_audit_trail_does_not_take_is_not_there(
    gallery: SQLiteGallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(event: object) -> None:
        raise StorageFull("no room for the record")

    monkeypatch.setattr(gallery.transactions, "record", refuse)
    with pytest.raises(StorageFull):
        gallery.export(tmp_path / "export.zip")
    assert not list(tmp_path.glob("*export*"))
    check(gallery)


def test_others_enroll_while_an_export_is_read_for_importing(
    export: Path, target: SQLiteGallery, clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target.enroll("Here", reference(clips, 60))
    real, reads = gallery_archive.Archive.crop, 0

    def crop(archive: gallery_archive.Archive, reference_id: str, name: str) -> bytes:
        nonlocal reads
        reads += 1
        if reads == 1:
            write_meanwhile(target, clips)
        return real(archive, reference_id, name)

    monkeypatch.setattr(gallery_archive.Archive, "crop", crop)
    report = target.import_(export)
    assert (report.references, reads) == (3, 6), "all of it is read before others have to wait"
    assert check(target) == {"Ada": 2, "Zoë": 1, "Here": 1, "Meanwhile": 1}


def test_what_went_meanwhile_is_imported_from_the_export_itself(
    gallery: SQLiteGallery, export: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its crops were not prepared, because it was there when the import began."""
    ada = gallery.find("Ada").id
    real = import_keeping.stage_import

    def stage(*arguments: Any) -> Any:
        staged = real(*arguments)
        gallery.erase(ada)
        return staged

    monkeypatch.setattr(import_keeping, "stage_import", stage)
    assert gallery.import_(export, resurrect=True).references == 2
    assert check(gallery) == {"Ada": 2, "Zoë": 1}


def test_a_prepared_import_that_is_refused_leaves_nothing(
    gallery: SQLiteGallery, export: Path, clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise StorageFull("the disk is full")

    gallery.erase(gallery.find("Zoë").id)
    monkeypatch.setattr("biometric.gallery.importing.retention_rows.wait_until_shown", fail)
    with pytest.raises(StorageFull):
        gallery.import_(export, resurrect=True)
    assert check(gallery) == {"Ada": 2}


@pytest.mark.parametrize("separate", [False, True])
def test_prepared_crops_go_to_whoever_gets_the_references(
    gallery: SQLiteGallery, target: SQLiteGallery, clips: Path, tmp_path: Path, separate: bool
) -> None:
    target.import_(gallery.export(tmp_path / "export.zip"))
    gallery.enroll("Ada", reference(clips, 90))
    later = gallery.export(tmp_path / "later.zip")
    target.import_(later, attach=not separate, separate=separate)
    assert check(target) == ({"Ada": 2, "Ada (2)": 1, "Zoë": 1} if separate else {"Ada": 3, "Zoë": 1})
