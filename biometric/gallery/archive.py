"""Export and import of a gallery as one zip file. Knows the file, not the database.

    gallery.json                                 format, model, identities, references, samples (vectors in base64)
    crops/<reference id>/NumFrame_BB.jpg         the samples' crops, as they are in the gallery

An archive comes from anywhere, so reading one trusts nothing: only these member names, each once and each announced
by gallery.json; limits on sizes and on compression; every value checked (`gallery_archive_format`). No member is ever
extracted under a name of its own.
"""

import json
import os
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from uuid import uuid4

from biometric.errors import ArchiveInvalid, GalleryCorrupt, StorageFull
from biometric.gallery.archive_format import (
    Contents,
    IdentityRecord,
    ReferenceRecord,
    SampleRecord,
    header,
    parse,
    to_json,
)

__all__ = ["Archive", "IdentityRecord", "ReferenceRecord", "SampleRecord", "opened", "write_archive"]

MANIFEST = "gallery.json"
MAX_MANIFEST_BYTES = 4_000_000_000
MAX_CROP_BYTES = 32_000_000
MAX_TOTAL_BYTES = 200_000_000_000
MAX_MEMBERS = 20_000_000
MAX_RATIO = 200
"""Most that a member may grow when unpacked; JPEGs do not shrink, and base64 vectors shrink to three quarters."""
_RATIO_FREE_BYTES = 1_000_000

_JPEG_START = b"\xff\xd8\xff"
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Archive:
    """An opened, checked export."""

    contents: Contents
    _file: zipfile.ZipFile

    @property
    def model_id(self) -> str:
        """The model of all its templates."""
        return self.contents.model_id

    @property
    def dimension(self) -> int:
        """D of all its vectors."""
        return self.contents.dimension

    @property
    def identities(self) -> tuple[IdentityRecord, ...]:
        """Its identities, ids and names different, each with at least one reference."""
        return self.contents.identities

    def crop(self, reference_id: str, name: str) -> bytes:
        """Return a crop's JPEG. Raises `ArchiveInvalid` when it is damaged or no JPEG."""
        member = _member(reference_id, name)
        with _checked(), self._file.open(member) as file:
            data = file.read(MAX_CROP_BYTES + 1)
        if not data.startswith(_JPEG_START):
            raise _invalid(f"{member} is not a JPEG picture")
        return data


def write_archive(destination: Path, model_id: str, dimension: int, identities: Iterable[IdentityRecord]) -> None:
    """Write an export, readable by its owner only; the file appears complete or not at all.

    Args:
        destination: where; an older file there is replaced.
        model_id, dimension: of all templates.
        identities: each sample with the path of its crop.

    Raises:
        GalleryCorrupt: a crop is not on disk.
        StorageFull: the file could not be written.
    """
    partial = destination.with_name(f".{destination.name[:100]}.{uuid4().hex}.part")
    try:
        with os.fdopen(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600), "w+b") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
                _write_members(archive, model_id, dimension, identities)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(destination)
    except OSError as error:
        raise StorageFull(
            f"The export could not be written ({error.strerror or error}). "
            "Check that its folder exists, is writable and has space, then try again."
        ) from error
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """Open an export and check everything but the contents of its crops, which `Archive.crop` checks.

    Raises:
        ArchiveInvalid: the file is missing, damaged, unsafe, of an unknown version or not a gallery export.
    """
    with _checked():
        file = zipfile.ZipFile(path)
    with file:
        names = _check_members(file, path.stat().st_size)
        with _checked(), file.open(MANIFEST) as manifest:
            contents = parse(manifest.read(MAX_MANIFEST_BYTES))
        announced = {
            _member(reference.id, sample.name)
            for identity in contents.identities
            for reference in identity.references
            for sample in reference.samples
        }
        for unexpected in sorted(announced ^ (names - {MANIFEST})):
            state = "missing" if unexpected in announced else "not announced in gallery.json"
            raise _invalid(f"{unexpected!r:.120} is {state}")
        yield Archive(contents, file)


def _write_members(
    archive: zipfile.ZipFile, model_id: str, dimension: int, identities: Iterable[IdentityRecord]
) -> None:
    crops: list[tuple[str, Path]] = []
    with archive.open(_info(MANIFEST, zipfile.ZIP_DEFLATED), "w", force_zip64=True) as manifest:
        _write_manifest(manifest, header(model_id, dimension), identities, crops)
    for member, crop in crops:
        try:
            data = crop.read_bytes()
        except FileNotFoundError as error:
            raise GalleryCorrupt(
                f"The crop {crop.parent.parent.name}/{crop.parent.name}/{crop.name} is missing from the gallery's "
                "folder. Restore the folder from a backup, or remove the person it belongs to, then export again."
            ) from error
        archive.writestr(_info(member, zipfile.ZIP_STORED), data)


def _write_manifest(
    manifest: IO[bytes],
    head: dict[str, object],
    identities: Iterable[IdentityRecord],
    crops: list[tuple[str, Path]],
) -> None:
    # Written piece by piece: a large gallery's vectors need not fit into memory as text.
    manifest.write(json.dumps(head, ensure_ascii=False)[:-1].encode() + b', "identities": [')
    for position, identity in enumerate(identities):
        manifest.write((b",\n" if position else b"\n") + json.dumps(to_json(identity), ensure_ascii=False).encode())
        for reference in identity.references:
            crops += [(_member(reference.id, s.name), s.crop) for s in reference.samples if s.crop is not None]
    manifest.write(b"\n]}\n")


def _info(name: str, compression: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _FIXED_TIME)
    info.compress_type = compression
    info.external_attr = 0o600 << 16
    return info


def _member(reference_id: str, name: str) -> str:
    return f"crops/{reference_id}/{name}"


def _check_members(file: zipfile.ZipFile, size: int) -> set[str]:
    members = file.infolist()
    if len(members) > MAX_MEMBERS:
        raise _invalid(f"it has {len(members)} members; at most {MAX_MEMBERS} are allowed")
    names = {member.filename for member in members}
    if len(names) != len(members):
        raise _invalid("it holds two members of one name")
    if MANIFEST not in names:
        raise _invalid("it holds no gallery.json")
    for member in members:
        _check_member(member)
    # Members that share bytes of the file are a known bomb: together they would be larger than the file.
    if sum(member.compress_size for member in members) > size:
        raise _invalid("its members overlap")
    if sum(member.file_size for member in members) > MAX_TOTAL_BYTES:
        raise _invalid("it unpacks to more than is allowed")
    return names


def _check_member(member: zipfile.ZipInfo) -> None:
    limit = MAX_MANIFEST_BYTES if member.filename == MANIFEST else MAX_CROP_BYTES
    if member.flag_bits & 0x1:
        raise _invalid("it is encrypted")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _invalid("it is compressed in a way that exports are not")
    grown = member.file_size > _RATIO_FREE_BYTES and member.file_size > MAX_RATIO * max(1, member.compress_size)
    if member.file_size > limit or grown:
        raise _invalid(f"{member.filename!r:.120} unpacks to more than is allowed")


@contextmanager
def _checked() -> Iterator[None]:
    """Turn what zipfile raises on damaged files into `ArchiveInvalid`."""
    try:
        yield
    except FileNotFoundError as error:
        raise ArchiveInvalid("There is no such file to import. Check its name.") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise _invalid(f"it is damaged or no zip file: {error}") from error
    except OSError as error:
        raise _invalid(f"it cannot be read: {error.strerror or error}") from error


def _invalid(detail: str) -> ArchiveInvalid:
    return ArchiveInvalid(
        f"This file cannot be imported: {detail}. Nothing was imported; choose a file made by exporting a gallery."
    )
