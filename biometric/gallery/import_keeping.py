"""Importing exports of other galleries, or of this one, and telling before what that would do."""

from pathlib import Path

from biometric.entities import ImportReport
from biometric.entities.exports import ImportPreview
from biometric.gallery import rows
from biometric.gallery.archive import open_archive
from biometric.gallery.editing import GalleryEditing
from biometric.gallery.import_preview import preview_import
from biometric.gallery.importing import import_archive


class ImportKeeping(GalleryEditing):
    """The part of a gallery that takes exports in."""

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
        with open_archive(archive, passphrase) as source, self._transactions.writing() as write:
            own = self._transactions.audit.keys.key()
            return import_archive(write, source, resurrect, attach=attach, separate=separate, own=own)
