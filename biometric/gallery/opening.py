"""Opens galleries as the settings say, reads their pictures, and changes how the configured one is protected."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from biometric.entities.audit import AuditAction, AuditEvent
from biometric.errors import KeyMissing
from biometric.gallery import protecting
from biometric.gallery.audit_log import HeadFolder
from biometric.gallery.database import translate_errors
from biometric.gallery.encryption_keys import KeySource, make_key_file, read_header
from biometric.gallery.protection import StoredPictures
from biometric.settings import Settings

if TYPE_CHECKING:
    from biometric.gallery.repository import SQLiteGallery


def open_gallery(settings: Settings, folder: Path) -> "SQLiteGallery":
    """Return the gallery in a folder. Raises `InvalidSetting` where the settings name two keys."""
    return _gallery(settings, folder, key_source(settings))


def stored_pictures(settings: Settings) -> StoredPictures:
    """Return what reads the pictures of the galleries that `open_gallery` opens, and others."""
    return StoredPictures(key_source(settings))


def key_source(settings: Settings) -> KeySource | None:
    """Return where the key of galleries comes from; None: they are not encrypted. Raises `InvalidSetting`."""
    if settings.key_file is None and settings.passphrase is None:
        return None
    passphrase = None if settings.passphrase is None else settings.passphrase.get_secret_value()
    return KeySource(settings.key_file, passphrase)


class ProtectionChanges:
    """Encrypts and decrypts the configured gallery, and gives it other keys: `ports.ProtectionAdministration`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._folder = settings.gallery

    def wants_passphrase(self) -> bool:
        """Whether the gallery is encrypted with a passphrase, and no key is set. Raises `GalleryCorrupt`."""
        if key_source(self._settings) is not None:
            return False
        with translate_errors():
            header = read_header(self._folder)
        return header is not None and header.has_passphrase

    def make_key_file(self, path: Path) -> None:
        """Write a new key file, which must not be there, and not in the gallery's folder. Raises `InvalidInput`."""
        protecting.require_outside(self._folder, path)
        make_key_file(path)

    def encrypt(self) -> int:
        """Encrypt the gallery with the key of the settings: see `protecting.encrypt`."""
        key = self._key()
        count = protecting.encrypt(self._folder, key)
        self._note(AuditAction.ENCRYPTED, key)
        return count

    def decrypt(self) -> int:
        """Decrypt the gallery: see `protecting.decrypt`."""
        count = protecting.decrypt(self._folder, self._key())
        self._note(AuditAction.DECRYPTED, None)
        return count

    def rekey(self, key_file: Path | None = None, passphrase: str | None = None) -> int:
        """Encrypt the gallery anew, under another master key: see `protecting.rekey`."""
        new = KeySource(key_file, passphrase)
        count = protecting.rekey(self._folder, self._key(), new)
        self._note(AuditAction.ENCRYPTION_KEY_CHANGED, new)
        return count

    def _key(self) -> KeySource:
        key = key_source(self._settings)
        if key is None:
            raise KeyMissing(
                "No key is set. Set SIGHTLINE_KEY_FILE to a key file (gallery new-key makes one), or "
                "SIGHTLINE_PASSPHRASE to a passphrase."
            )
        return key

    def _note(self, action: AuditAction, key: KeySource | None) -> None:
        _gallery(self._settings, self._folder, key).audit.record(AuditEvent(action.value))


def _gallery(settings: Settings, folder: Path, key: KeySource | None) -> "SQLiteGallery":
    # It loads FAISS, which a start does not wait for.
    from biometric.gallery.repository import SQLiteGallery

    every = timedelta(minutes=settings.audit_head_minutes)
    heads = None if settings.audit_heads is None else HeadFolder(settings.audit_heads, every)
    return SQLiteGallery(folder, trash_time=timedelta(days=settings.trash_days), heads=heads, key=key)
