"""Erases a person from the gallery and from everything that the application wrote about them, and checks it later."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from biometric.entities import GalleryChange, name_key
from biometric.entities.erasure import (
    DerivativeKind,
    ErasureCertificate,
    PersonTraces,
    Unreached,
    UnreachedFile,
)
from biometric.erasing import copies
from biometric.erasing.derivative_register import digests_of
from biometric.footage_keeper import FootageKeeper
from biometric.ports import Gallery
from biometric.storage.byte_search import files_holding


@dataclass(frozen=True, slots=True)
class ErasureOutlook:
    """What erasing somebody will do, by how much there is.

    Attributes:
        references, pictures: in the gallery.
        results, reports: answers that name them, which are deleted.
        handed_out: exports and backups that hold them, which stay.
    """

    references: int
    pictures: int
    results: int
    reports: int
    handed_out: int


@dataclass(frozen=True, slots=True)
class ErasureCheck:
    """What was found of somebody who was erased.

    Attributes:
        rows: rows and files of the gallery, and answers of the library, by what they are; all 0 if nothing is there.
        copies: files of the application's folders that are copies of their pictures, or hold their name.
        unreached: what was not deleted, as it is now: what was handed out and is where it was written, or changed.
        gone: how many files were not where they were written when they were to be deleted.
        unread: files and folders that could not be read, so that it is not known what they hold.
    """

    certificate: ErasureCertificate
    rows: dict[str, int]
    copies: tuple[Path, ...]
    unreached: tuple[UnreachedFile, ...]
    gone: int
    unread: tuple[Path, ...] = ()

    @property
    def found(self) -> bool:
        """Whether something was found that the application could have deleted."""
        left = [file for file in self.unreached if file.why is not Unreached.HANDED_OUT]
        return any(self.rows.values()) or bool(self.copies or left)

    @property
    def passed(self) -> bool:
        """Whether nothing was found, and all was read."""
        return not self.found and not self.unread


class PeopleEraser:
    """Erases people, and checks erasures.

    Args:
        gallery: the gallery in a folder, None for the configured one.
        library: the kept footage.
        folders: where the application writes by itself: the query folder, and that of temporary files.
        forget: called afterwards, so that observations in memory whose pictures are gone go, too.
    """

    def __init__(
        self,
        gallery: Callable[[Path | None], Gallery],
        library: FootageKeeper,
        folders: tuple[Path, Path],
        forget: Callable[[], object],
    ) -> None:
        self._gallery = gallery
        self._library = library
        self._query, self._temp = folders
        self._forget = forget

    def outlook(self, identity_id: str, gallery: Path | None = None) -> ErasureOutlook:
        """Return what erasing somebody, enrolled or in the trash, will do. Raises `UnknownIdentity`."""
        opened = self._gallery(gallery)
        traces = opened.traces(identity_id)
        kinds = [item.kind for item in traces.derivatives]
        handed_out = [item for item in opened.derivatives() if item.everybody and _is_there(item.files)]
        return ErasureOutlook(
            traces.references,
            len(traces.pictures),
            sum(kind in (DerivativeKind.RESULTS, DerivativeKind.REDACTED) for kind in kinds),
            sum(kind in (DerivativeKind.REPORT, DerivativeKind.SUBJECT_REPORT) for kind in kinds),
            len([item for item in handed_out if not self._is_temporary(item.files)]),
        )

    def erase(
        self, identity_id: str, gallery: Path | None = None, by: str = ""
    ) -> tuple[GalleryChange, ErasureCertificate]:
        """Delete somebody, enrolled or in the trash, at once and for good, with all that can be reached.

        Raises:
            UnknownIdentity: they are neither enrolled nor in the trash.
            OnLegalHold: they are under a legal hold; nothing is erased, nor forgotten by the library.
            KeptFootageError, StorageFull: the library cannot be written; nothing is erased then.
            GalleryError: the gallery cannot be written.
        """
        opened = self._gallery(gallery)
        opened.require_erasable(identity_id)
        traces = opened.traces(identity_id)
        observations = sum(self._library.forget_person(item, traces.crops) for item in traces.identity_ids)
        change = opened.erase(identity_id, by)
        deleted, refused = copies.delete(self._copies(opened, traces))
        self._forget()
        certificate = opened.erasure_of(identity_id)
        if certificate is None:
            certificate = ErasureCertificate("", "", change.when)
        kind, why = DerivativeKind.RESULTS, Unreached.REFUSED
        left = [UnreachedFile(kind, certificate.erased_at, why, str(path), "") for path in refused]
        counts = {**certificate.counts, "copies": deleted, "observations": observations}
        certificate = replace(certificate, counts=counts, unreached=(*certificate.unreached, *left))
        certificate = replace(certificate, unreached=tuple(map(_as_it_is, certificate.unreached)))
        opened.save_erasure(certificate)
        return change, certificate

    def unregistered(self, traces: PersonTraces, gallery: Path | None = None) -> list[Path]:
        """Return what the register does not know, and erasing deletes: copies of pictures, and results that name them.

        Args:
            traces: of the person, as that gallery has them.
        """
        known = {path for item in traces.derivatives for path in item.files}
        return [path for path in self._copies(self._gallery(gallery), traces) if path.resolve() not in known]

    def forget_observations(self) -> None:
        """Forget observations in memory whose pictures were deleted, also by another process."""
        self._forget()

    def check(
        self, certificate: ErasureCertificate, gallery: Path | None = None, names: Iterable[str] = ()
    ) -> ErasureCheck:
        """Look for what is left of somebody who was erased; files that could not be deleted are tried again.

        Args:
            names: theirs, which no certificate holds: they are looked for in the bytes of all files.
        """
        opened = self._gallery(gallery)
        self._library.usage()  # removes what is expired
        rows = dict(opened.remains(certificate, self._library.answered_identities()))
        digests = set(certificate.pictures)
        folders = [self._query, self._temp, self._library.folder]
        unread: list[Path] = []
        found = [path for folder in folders for path in copies.pictures_below(folder, digests, unread)]
        # A name from a terminal of another encoding has bytes that are no text; files are searched for just these.
        needles = [name.encode("utf-8", "surrogateescape") for name in names]
        if needles:
            found += copies.results_naming(self._query, list(names))
            found += opened.holding(needles, unread)
            found += [path for folder in folders for path in files_holding(folder, needles, unread)]
        listed = [file for file in certificate.unreached if file.why is Unreached.HANDED_OUT]
        unreached = [file for file in listed if Path(file.path).exists()] + opened.retry_deleting()
        gone = sum(file.why is Unreached.GONE for file in certificate.unreached) + len(listed)
        gone -= sum(file.why is Unreached.HANDED_OUT for file in unreached)
        looked = tuple(dict.fromkeys(found)), tuple(unreached), gone, tuple(dict.fromkeys(unread))
        return ErasureCheck(certificate, rows, *looked)

    def _copies(self, opened: Gallery, traces: PersonTraces) -> list[Path]:
        """Return copies of somebody's pictures, what offers them for downloading, and results that name them.

        A name that they once had and somebody else has now is not looked for: such results are about the other one.
        """
        others = {name_key(identity.name) for identity in opened.identities()}
        names = [name for name in traces.names if name_key(name) not in others and not opened.find_in_trash(name)]
        wanted = set(traces.pictures)
        offered: list[Path] = []
        for item in opened.derivatives():
            if item.everybody and self._is_temporary(item.files):
                offered += [path for path in item.files if path.is_file()]
        wanted |= {(path.stat().st_size, digest) for path, digest in digests_of(offered).items()}
        found = [path for folder in (self._query, self._temp) for path in copies.copies_below(folder, wanted)]
        return list(dict.fromkeys([*found, *copies.results_naming(self._query, names)]))

    def _is_temporary(self, files: Iterable[Path]) -> bool:
        return all(path.is_relative_to(self._temp.resolve()) for path in files)


def _is_there(files: Iterable[Path]) -> bool:
    return any(path.exists() for path in files)


def _as_it_is(file: UnreachedFile) -> UnreachedFile:
    """Return an unreached file, as gone where it is not there any more."""
    if file.why is Unreached.HANDED_OUT and not Path(file.path).exists():
        return replace(file, why=Unreached.GONE, path=str(Path(file.path).parent))
    return file
