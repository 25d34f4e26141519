"""Writes everything that is held about one person as one file, for that person (access and portability)."""

import errno
import json
import zipfile
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from biometric.entities.audit import AuditAction, AuditEvent
from biometric.entities.erasure import DerivativeKind, NewDerivative
from biometric.entities.subject_parts import SubjectItem, SubjectPart
from biometric.erasing.people_eraser import PeopleEraser
from biometric.errors import InvalidInput, StorageFull, UnknownIdentity
from biometric.footage_keeper import FootageKeeper
from biometric.ports import Gallery
from biometric.results.report_files import not_written, refuse_device, require_folder
from biometric.results.subject_report import SubjectReport, now, subject_data, subject_html
from biometric.storage import atomic_path, file_digest

PAGE, DATA = "report.html", "data.json"
_DATE = (1980, 1, 1, 0, 0, 0)
"""Of the files in the archive: when they were written is in the report."""


@dataclass(frozen=True, slots=True)
class WrittenSubjectReport:
    """A report that was written.

    Attributes:
        counts: how much is in it, by section, and "pictures".
        missing_pictures: how many are not on the disk any more, or were changed.
        gallery_encrypted: whether the gallery is encrypted; the report is not.
    """

    path: Path
    name: str
    counts: Mapping[str, int]
    missing_pictures: int
    gallery_encrypted: bool


class SubjectReporter:
    """Writes subject reports.

    Args:
        gallery: the gallery in a folder, None for the configured one.
        library: the kept footage.
        eraser: knows which copies there are that no register has.
    """

    def __init__(self, gallery: Callable[[Path | None], Gallery], library: FootageKeeper, eraser: PeopleEraser) -> None:
        self._gallery = gallery
        self._library = library
        self._eraser = eraser

    def find(self, name: str, gallery: Path | None = None) -> str:
        """Return the id of somebody by name or id: enrolled, else in the trash; of whoever was merged, the other's.

        Raises `UnknownIdentity`.
        """
        opened = self._gallery(gallery)
        try:
            return opened.find(name).id
        except UnknownIdentity:
            for identity_id in (*opened.find_in_trash(name), name):
                with suppress(UnknownIdentity):
                    return opened.remaining(identity_id)
            raise

    def write(
        self, identity_id: str, destination: Path, gallery: Path | None = None, *, replace: bool = False
    ) -> WrittenSubjectReport:
        """Write a report as one ZIP file: a page, data for programs and pictures; it appears complete or not at all.

        It gets its name when it is in the audit trail and in the register of what was written about the person.

        Args:
            identity_id: of somebody enrolled or in the trash.
            replace: an older file there is replaced.

        Raises:
            UnknownIdentity: there is no such person, or they were erased meanwhile.
            InvalidInput: there is a file, and `replace` does not say so; a folder; a file of the gallery's folder.
            StorageFull: it cannot be written.
            GalleryError, KeptFootageError: what is held cannot be read.
        """
        opened = self._gallery(gallery)
        check_destination(destination, opened.folder, replace)
        self._library.usage()  # removes what is expired
        part = self._held(opened, identity_id, gallery)
        try:
            with atomic_path(destination) as partial:
                pictures, missing = _write(partial, part)
                if not replace and destination.exists():
                    raise _taken(destination)
                self._note(opened, identity_id, destination, file_digest(partial))
        except OSError as error:
            raise _storage_error(destination, error) from error
        counts = {name: len(items) for name, items in part.sections.items()}
        return WrittenSubjectReport(destination, part.name, {**counts, "pictures": pictures}, missing, part.encrypted)

    def _held(self, opened: Gallery, identity_id: str, gallery: Path | None) -> SubjectPart:
        own, traces = opened.held_of_person(identity_id), opened.traces(identity_id)
        kept = self._library.library.held_of_person(traces.identity_ids, traces.crops)
        captured = {
            item["clip_sha256"]: item["captured_at"] for item in kept.sections["kept_answers"] if item["captured_at"]
        }
        sections = {**own.sections, **kept.sections}
        sections["references"] = tuple(_with_capture(item, captured) for item in sections["references"])
        sections["copies"] = tuple(_copies(self._eraser.unregistered(traces, gallery)))
        return SubjectPart(own.name, sections, (*own.pictures, *kept.pictures), own.encrypted)

    def _note(self, opened: Gallery, identity_id: str, destination: Path, digest: str) -> None:
        if opened.erasure_of(identity_id) is not None:
            raise UnknownIdentity("This person was erased just now. Nothing was written.")
        event = AuditEvent(AuditAction.SUBJECT_REPORTED, (identity_id,), {"file_sha256": digest})
        opened.audit.record(event)
        files = {destination.resolve(): digest}
        opened.record(NewDerivative(DerivativeKind.SUBJECT_REPORT, files, frozenset({identity_id})))


def check_destination(destination: Path, gallery: Path, replace: bool) -> None:
    """Refuse a file that no report can have, before anything is read. Raises `InvalidInput`, `StorageFull`."""
    try:
        if destination.is_dir():
            raise InvalidInput("The report needs a file name, not a folder. Add a name such as report.zip.")
        if destination.suffix.lower() != ".zip":
            raise InvalidInput("The report {name!r} must end in .zip.", name=destination.name)
        refuse_device(destination)
        if destination.exists() and not replace:
            raise _taken(destination)
        if destination.resolve().is_relative_to(gallery.resolve()):
            raise InvalidInput("The report cannot be in the gallery's own folder. Choose a file outside of it.")
        require_folder(destination)
    except OSError as error:
        raise _storage_error(destination, error) from error


def _write(partial: Path, part: SubjectPart) -> tuple[int, int]:
    """Write the archive; return how many pictures are in it, and how many could not be read."""
    pictures: dict[str, bytes] = {}
    missing: list[str] = []
    for picture in {item.name: item for item in part.pictures}.values():
        data = picture.load()
        if data:
            pictures[picture.name] = data
        else:
            missing.append(picture.name)
    report = SubjectReport(part.name, now(), part.encrypted, part.sections, pictures, tuple(missing))
    with zipfile.ZipFile(partial, "w") as archive:
        for name, text in ((PAGE, subject_html(report)), (DATA, _text(subject_data(report)))):
            archive.writestr(_entry(name), text, zipfile.ZIP_DEFLATED)
        for path, jpeg in pictures.items():
            archive.writestr(_entry(path), jpeg, zipfile.ZIP_STORED)
    return len(pictures), len(missing)


def _text(data: Mapping[str, Any]) -> str:
    return json.dumps(data, ensure_ascii=False, indent=1, allow_nan=False)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _DATE)
    entry.external_attr = 0o600 << 16
    return entry


def _with_capture(item: SubjectItem, captured: Mapping[str, str]) -> SubjectItem:
    """Return a reference with the time at which its clip was recorded, where only the library knows it."""
    known = captured.get(item["clip_sha256"])
    if item["captured_at"] is not None or known is None:
        return item
    return {**item, "captured_at": known, "captured_by": "file metadata"}


def _copies(paths: Iterable[Path]) -> Iterable[SubjectItem]:
    for path in paths:
        try:
            yield {"ending": path.suffix, "sha256": file_digest(path), "bytes": path.stat().st_size}
        except OSError:
            continue  # it went meanwhile


def _taken(destination: Path) -> InvalidInput:
    return InvalidInput("{path} exists already. Nothing was written; choose another name.", path=destination)


def _storage_error(destination: Path, error: OSError) -> InvalidInput | StorageFull:
    if error.errno == errno.ENAMETOOLONG:
        return InvalidInput("The name {name:.60}… is too long. Choose a shorter one.", name=destination.name)
    return not_written(destination, error)
