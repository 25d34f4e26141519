"""Export and import of a gallery as one zip file. Knows the file, not the database.

    gallery.json                                 format, model, identities, references, samples (vectors in base64)
    crops/<reference id>/NumFrame_BB.jpg         the samples' crops, as they are in the gallery

An archive may come from any source, so everything in it is checked: only these member names, each once and each
announced by gallery.json; limits on sizes and on compression; every value checked (`archive_manifest`). No member is
ever extracted under a name of its own, and no more is in memory than one reference and one crop.
"""

import errno
import hashlib
import io
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from biometric.entities.exports import ExportSigner
from biometric.errors import ArchiveInvalid, GalleryCorrupt, InvalidInput, StorageFull, WrongPassphrase
from biometric.errors.phrases import Phrase
from biometric.gallery.archive_manifest import ManifestSummary, read_references, read_summary, write_manifest
from biometric.gallery.export_signatures import HashingWriter, read_signer
from biometric.gallery.manifest_stream import refuse
from biometric.gallery.records import IdentityRecord, ReferenceRecord
from biometric.gallery.sealed_files import SealedReader, SealingWriter, is_sealed
from biometric.storage import atomic_path, describe_os_error

MANIFEST = "gallery.json"
MAX_MANIFEST_BYTES = 4_000_000_000
MAX_CROP_BYTES = 32_000_000
MAX_TOTAL_BYTES = 200_000_000_000
MAX_MEMBERS = 20_000_000
MAX_MANIFEST_RATIO = 40
"""Most that gallery.json may grow when unpacked; the base64 of real vectors grows by a third."""
MAX_CROP_RATIO = 10
"""Most that a crop may grow when unpacked; exports do not compress them, and JPEGs do not shrink."""
_RATIO_FREE_BYTES = 1_000_000

_CROPS = "crops/"
_JPEG_START = b"\xff\xd8\xff"
_FIXED_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Archive:
    """An opened, checked export."""

    summary: ManifestSummary
    crop_count: int
    signer: ExportSigner
    encrypted: bool
    _file: zipfile.ZipFile

    @property
    def model_id(self) -> str:
        """The model of all its templates."""
        return self.summary.model_id

    @property
    def dimension(self) -> int:
        """D of all its vectors."""
        return self.summary.dimension

    @property
    def identities(self) -> tuple[IdentityRecord, ...]:
        """Its identities, ids and names different, each with at least one reference."""
        return self.summary.identities

    def references(self) -> Iterator[tuple[IdentityRecord, ReferenceRecord]]:
        """Yield each reference with its identity, read one at a time. Raises `ArchiveInvalid`."""
        return read_references(_manifest_opener(self._file), self.summary, self.crop_count)

    def crop(self, reference_id: str, name: str) -> bytes:
        """Return a crop's JPEG. Raises `ArchiveInvalid` when it is damaged or no JPEG."""
        member = _member(reference_id, name)
        with _translate_zip_errors(), self._file.open(member) as file:
            data = file.read(MAX_CROP_BYTES + 1)
        if not data.startswith(_JPEG_START):
            refuse(Phrase("{member} is not a JPEG picture", member=member))
        return data


def check_destination(destination: Path, gallery: Path) -> None:
    """Refuse a destination that no export can have, before anything is read.

    Raises:
        InvalidInput: it is a folder, a device, a name that is too long, or inside the gallery's own folder.
        StorageFull: its folder is missing or cannot be looked at.
    """
    try:
        if destination.is_dir():
            raise InvalidInput("The export needs a file name, not a folder. Add a name such as gallery.zip.")
        if destination.exists() and not destination.is_file():
            raise InvalidInput(
                "{destination} is a device or a pipe. The export needs the name of a file.", destination=destination
            )
        if not destination.parent.is_dir():
            raise _export_error(
                destination,
                FileNotFoundError(errno.ENOENT, Phrase("there is no folder {folder}", folder=destination.parent)),
            )
        if destination.resolve().is_relative_to(gallery.resolve()):
            raise InvalidInput("The export cannot be in the gallery's own folder. Choose a file outside of it.")
    except (OSError, RuntimeError, ValueError) as error:
        raise _export_error(destination, error) from error


def write_archive(
    destination: Path,
    model_id: str,
    dimension: int,
    people: Iterable[tuple[IdentityRecord, Iterable[ReferenceRecord]]],
    sign: Callable[[Mapping[str, str]], bytes],
    passphrase: str | None = None,
    told: Callable[[Path], object] = lambda written: None,
    read_crop: Callable[[Path], bytes] = Path.read_bytes,
) -> None:
    """Write an export, readable by its owner only; the file appears complete or not at all.

    Args:
        destination: where; an older file there is replaced.
        model_id, dimension: of all templates.
        people: each identity with its references, each sample with the path of its crop.
        sign: makes the file's comment, the signature, from the SHA-256 of each member.
        passphrase: encrypts the file; None: anybody can read it.
        told: called with the complete file before it gets its name; where it raises, there is no file.
        read_crop: reads a picture of the gallery. May raise `OSError`.

    Raises:
        GalleryCorrupt: a crop is not on disk.
        InvalidInput: the file's name is too long.
        StorageFull: the file could not be written.
    """
    try:
        with atomic_path(destination) as partial:
            with (
                partial.open("wb") as file,
                _sealed(file, passphrase) as target,
                zipfile.ZipFile(target, "w", zipfile.ZIP_STORED, allowZip64=True) as archive,
            ):
                digests: dict[str, str] = {}
                with archive.open(_info(MANIFEST, zipfile.ZIP_DEFLATED), "w", force_zip64=True) as member:
                    hashing = HashingWriter(member)
                    crops = write_manifest(hashing, model_id, dimension, people)
                digests[MANIFEST] = hashing.digest
                for reference_id, name, crop in crops:
                    data, place = _read_crop(crop, read_crop), _member(reference_id, name)
                    archive.writestr(_info(place, zipfile.ZIP_STORED), data)
                    digests[place] = hashlib.sha256(data).hexdigest()
                archive.comment = sign(digests)
            told(partial)
    except OSError as error:
        raise _export_error(destination, error) from error


@contextmanager
def _sealed(file: IO[bytes], passphrase: str | None) -> Iterator[IO[bytes]]:
    if passphrase is None:
        yield file
        return
    writer = SealingWriter(file, passphrase)
    yield writer  # type: ignore[misc]
    writer.finish()


@contextmanager
def open_archive(path: Path, passphrase: str | None = None) -> Iterator[Archive]:
    """Open an export and check everything but the contents of its crops, which `Archive.crop` checks.

    Raises:
        ArchiveInvalid: the file is missing, damaged, unsafe, of an unknown version, not as it was signed, or not a
            gallery export.
        WrongPassphrase: it is encrypted, and this passphrase does not open it.
    """
    with ExitStack() as opened:
        with _translate_zip_errors():
            if path.exists() and not path.is_file():  # opening a pipe would wait for ever
                refuse(Phrase("it cannot be read: it is a folder, a device or a pipe"))
            plain: IO[bytes] = opened.enter_context(path.open("rb"))
            encrypted = is_sealed(plain)
            if encrypted:
                if passphrase is None:
                    raise WrongPassphrase("This export is encrypted. Give its passphrase. Nothing was imported.")
                plain = io.BufferedReader(SealedReader(plain, passphrase), 1 << 16)  # type: ignore[type-var]
            file = opened.enter_context(zipfile.ZipFile(plain))
        crops = _check_members(file, path.stat().st_size)
        summary = read_summary(_manifest_opener(file), crops)
        with _translate_zip_errors():
            signer = read_signer(file)
        yield Archive(summary, len(crops), signer, encrypted, file)


def _manifest_opener(file: zipfile.ZipFile) -> Callable[[], Callable[[int], bytes]]:
    def open_manifest() -> Callable[[int], bytes]:
        with _translate_zip_errors():
            manifest = file.open(MANIFEST)

        def read(count: int) -> bytes:
            with _translate_zip_errors():
                return manifest.read(count)

        return read

    return open_manifest


def _read_crop(crop: Path, read: Callable[[Path], bytes]) -> bytes:
    try:
        return read(crop)
    except OSError as error:
        state = Phrase("is missing from") if isinstance(error, FileNotFoundError) else Phrase("cannot be read in")
        raise GalleryCorrupt(
            "The crop {crop} {state} the gallery's folder. Restore the folder from a "
            "backup, or remove the person it belongs to, then export again.",
            crop=f"{crop.parent.parent.name}/{crop.parent.name}/{crop.name}",
            state=state,
        ) from error


def _export_error(destination: Path, error: Exception) -> InvalidInput | StorageFull:
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        return InvalidInput(
            "The name of the export, {name:.60}…, is too long. Choose a shorter one.", name=destination.name
        )
    if isinstance(error, OSError):
        return StorageFull(
            "The export could not be written: {reason}. Check that its folder exists, is writable and "
            "has space, then try again.",
            reason=describe_os_error(error),
        )
    return InvalidInput("The export's name cannot be used. Choose a plain file name such as gallery.zip.")


def _info(name: str, compression: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _FIXED_TIME)
    info.compress_type = compression
    info.external_attr = 0o600 << 16
    return info


def _member(reference_id: str, name: str) -> str:
    return f"{_CROPS}{reference_id}/{name}"


def _check_members(file: zipfile.ZipFile, size: int) -> set[str]:
    """Check the members' names and sizes; return those of the crops, without their folder."""
    members = file.infolist()
    if len(members) > MAX_MEMBERS:
        refuse(
            Phrase(
                "it has {members_count} members; at most {max_members} are allowed",
                members_count=len(members),
                max_members=MAX_MEMBERS,
            )
        )
    names = {member.filename for member in members}
    if len(names) != len(members):
        refuse(Phrase("it holds two members of one name"))
    if MANIFEST not in names:
        refuse(Phrase("it holds no gallery.json"))
    for member in members:
        _check_member(member)
    # Members that share bytes of the file are a known bomb: together they would be larger than the file.
    if sum(member.compress_size for member in members) > size:
        refuse(Phrase("its members overlap"))
    if sum(member.file_size for member in members) > MAX_TOTAL_BYTES:
        refuse(Phrase("it unpacks to more than is allowed"))
    return {name.removeprefix(_CROPS) for name in names if name != MANIFEST}


def _check_member(member: zipfile.ZipInfo) -> None:
    is_manifest = member.filename == MANIFEST
    if not is_manifest and not member.filename.startswith(_CROPS):
        refuse(Phrase("{filename!r:.120} is not announced in gallery.json", filename=member.filename))
    limit, ratio = (MAX_MANIFEST_BYTES, MAX_MANIFEST_RATIO) if is_manifest else (MAX_CROP_BYTES, MAX_CROP_RATIO)
    if member.flag_bits & 0x1:
        refuse(Phrase("it is encrypted"))
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        refuse(Phrase("it is compressed in a way that exports are not"))
    grown = member.file_size > _RATIO_FREE_BYTES and member.file_size > ratio * max(1, member.compress_size)
    if member.file_size > limit or grown:
        refuse(Phrase("{filename!r:.120} unpacks to more than is allowed", filename=member.filename))


@contextmanager
def _translate_zip_errors() -> Iterator[None]:
    """Turn what zipfile raises on damaged files into `ArchiveInvalid`."""
    try:
        yield
    except FileNotFoundError as error:
        raise ArchiveInvalid("There is no such file to import. Check its name.") from error
    except OSError as error:
        refuse(Phrase("it cannot be read: {reason}", reason=describe_os_error(error)))
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        refuse(Phrase("it is damaged or no zip file: {error}", error=error))
