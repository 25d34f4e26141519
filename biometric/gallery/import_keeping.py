"""Importing exports of other galleries, or of this one, and telling before what that would do."""

from pathlib import Path

from biometric.entities import ImportReport
from biometric.entities.exports import ImportPreview
from biometric.gallery import rows
from biometric.gallery.archive import open_archive
from biometric.gallery.database import check_folder, translate_errors
from biometric.gallery.editing import GalleryEditing
from biometric.gallery.import_preview import preview_import
from biometric.gallery.import_staging import stage_import
from biometric.gallery.importing import import_archive
from biometric.gallery.working_copies import sweep_copies, working_folder


class ImportKeeping(GalleryEditing):
    """The part of a gallery that takes exports in."""

    def sweep_copies(self) -> None:
        """Remove what killed processes left of copies of the gallery."""
        sweep_copies(self._folder)

    def preview_import(self, archive: Path, *, passphrase: str | None = None) -> ImportPreview:
        """Return what importing an export would do, and who signed it. Raises as `import_`, but `AttachRefused`."""
        with open_archive(archive, passphrase) as source, self._transactions.reading_or_empty() as db:
            rows.check_model(db, source.model_id, source.dimension)
            return preview_import(db, source, self._transactions.audit.keys.key())

    def import_(
        self,
        archive: Path,
        *,
        resurrect: bool = False,
        attach: bool = False,
        separate: bool = False,
        passphrase: str | None = None,
    ) -> ImportReport:
        """Add an export's identities and references; all or nothing.

        Somebody else of a name that is taken comes in as "Name (2)". Who was erased here, or was in the trash for its
        whole time, is left out.

        Args:
            resurrect: bring them back, too.
            attach: people who are here already (by id) get the references that are not here.
            separate: such references become people of their own instead.
            passphrase: opens an encrypted file.

        Raises:
            ArchiveInvalid: the file is damaged, unsafe, not as it was signed, or not a gallery export.
            WrongPassphrase: it is encrypted, and the passphrase does not open it.
            AttachRefused: people who are here would get references, and neither `attach` nor `separate` was said.
            ModelMismatch: its templates are of another model than the gallery's.
        """
        own = self._transactions.audit.keys.key
        choice = {"attach": attach, "separate": separate}
        with open_archive(archive, passphrase) as source:
            with self._transactions.reading_or_empty() as db:  # what is refused anyway, before anything is written
                rows.check_model(db, source.model_id, source.dimension)
            with translate_errors():
                check_folder(self._folder)
            with translate_errors(), working_folder(self._folder) as folder:
                staged = stage_import(source, folder, self._transactions)
                with self._transactions.writing() as write:
                    return import_archive(write, staged, resurrect, own=own(), **choice)
