"""How one gallery's folder is protected: which key its database has, and pictures encrypted and opened.

An encrypted file is AES-256-GCM (`cryptography`), whose associated data is the file's place (`place_of`), so that files
cannot be exchanged for one another unnoticed:

    8 bytes   "SLCRYPT" and the version, 1
    8 bytes   which keys (`Generation.id`)
    12 bytes  nonce, random
    rest      what was encrypted, and 16 bytes by which a change shows
"""

import os
import threading
from pathlib import Path

from biometric.errors import GalleryCorrupt, GalleryNotEncrypted, KeyMissing
from biometric.gallery.encryption_keys import (
    HEADER_NAME,
    Generation,
    KeyRing,
    KeySource,
    MasterKey,
    read_header,
    write_header,
)
from biometric.storage.lock_keeping_reads import open_keeping_locks
from biometric.storage.sqlite_files import opens_with

DATABASE_NAME = "gallery.sqlite3"
MAGIC = b"SLCRYPT\x01"
_ID, _NONCE = 8, 12
_PLAIN_DATABASE = b"SQLite format 3\x00"


class GalleryProtection:
    """The protection of one folder; looked up anew at each use, because another process may change it.

    Args:
        folder: the gallery's folder; need not exist.
        source: where its master key comes from; None: it is not encrypted.

    Any method may raise:
        KeyMissing, WrongKey, GalleryNotEncrypted: the gallery and `source` do not fit.
        InvalidSetting: the key file cannot be used.
        GalleryCorrupt: `encryption.json` is damaged.
        OSError: it cannot be read.
    """

    def __init__(self, folder: Path, source: KeySource | None = None) -> None:
        self.folder = folder
        self.source = source
        self._lock = threading.Lock()
        self._read: tuple[tuple[int, int, int], KeyRing] | None = None

    def ring(self) -> KeyRing | None:
        """Return the keys; None for a gallery that is not encrypted."""
        header = self.folder / HEADER_NAME
        try:
            status = header.stat()
        except (FileNotFoundError, NotADirectoryError):
            self._require_new()
            return None
        if self.source is None:
            raise KeyMissing(
                "The gallery in {folder} is encrypted. Set SIGHTLINE_KEY_FILE to its key file, or SIGHTLINE_PASSPHRASE "
                "to its passphrase.",
                folder=self.folder,
            )
        state = (status.st_ino, status.st_mtime_ns, status.st_size)
        with self._lock:
            if self._read is None or self._read[0] != state:
                found = read_header(self.folder)
                if found is None:  # removed just now
                    return None
                self._read = (state, found.open(MasterKey.of(found.recipe, self.source)))
            return self._read[1]

    def is_on(self) -> bool:
        """Whether the gallery is encrypted, or is being encrypted or decrypted."""
        return self.ring() is not None

    def begin(self) -> None:
        """Lay the keys of a gallery that is made now. Only while nobody else makes it."""
        if self.source is not None and self.ring() is None:
            write_header(self.folder, new_ring(Generation.make()), MasterKey.make(self.source))

    def database_key(self) -> bytes | None:
        """Return the key that opens the database as it is now, None for one that is not encrypted."""
        ring = self.ring()
        if ring is None:
            return None
        if not ring.changing:
            return ring.generations[0].database
        path = self.folder / DATABASE_NAME
        if is_plain_database(path):
            return None
        keys = [item.database for item in ring.generations]
        return next((key for key in keys if opens_with(path, key)), keys[-1])

    def seal(self, data: bytes, place: str) -> bytes:
        """Return what is to be written to a file of that place: see `place_of`."""
        ring = self.ring()
        return data if ring is None or ring.writing is None else seal_with(ring.writing, data, place)

    def open(self, data: bytes, place: str) -> bytes:
        """Return what is in a file that `seal` made.

        Raises:
            GalleryCorrupt: it was changed, cut off, exchanged for another one, or is not encrypted as the gallery is.
        """
        ring = self.ring()
        if not is_sealed(data):
            if ring is None or (ring.changing and len(ring.generations) == 1):  # encrypted or decrypted just now
                return data
            raise _changed(place)
        generation = None if ring is None else ring.find(data[len(MAGIC) : len(MAGIC) + _ID].hex())
        if generation is None:
            raise _changed(place)
        return _open_with(generation, data, place)

    def _require_new(self) -> None:
        """Raise where a key was given for a database that is there and has no header."""
        database = self.folder / DATABASE_NAME
        if self.source is None or not has_contents(database):
            return
        if is_plain_database(database):
            raise GalleryNotEncrypted(
                "The gallery in {folder} is not encrypted, but a key is set. Encrypt it with gallery encrypt, or start "
                "without the key.",
                folder=self.folder,
            )
        raise GalleryCorrupt(
            "The file {name}, which holds the gallery's keys, is missing from {folder}, or the database is damaged. "
            "Restore that file from a backup of the gallery.",
            name=HEADER_NAME,
            folder=self.folder,
        )


class StoredPictures:
    """Reads pictures wherever they lie; those of encrypted galleries are opened.

    Args:
        source: where the galleries' master key comes from; None: they are not encrypted.
    """

    def __init__(self, source: KeySource | None) -> None:
        self._source = source
        self._protections: dict[Path, GalleryProtection] = {}

    def read(self, path: Path) -> bytes:
        """Return a picture's bytes.

        Raises:
            OSError: it cannot be read.
            GalleryLocked, GalleryCorrupt: see `GalleryProtection.open`.
        """
        data = path.read_bytes()
        if len(path.parents) < 3 or not (path.parents[2] / HEADER_NAME).exists():
            return data
        folder = path.parents[2]
        protection = self._protections.setdefault(folder, GalleryProtection(folder, self._source))
        return protection.open(data, place_of(path))


class CopyProtection(GalleryProtection):
    """The protection of a working copy of a gallery, encrypted with the keys that the gallery had when it was begun.

    Args:
        folder: of the copy.
        gallery: the protection of the gallery.
        key: that opens the copy's database, None: it is not encrypted.
    """

    def __init__(self, folder: Path, gallery: GalleryProtection, key: bytes | None) -> None:
        super().__init__(folder, gallery.source)
        self._ring, self._key = gallery.ring(), key

    @classmethod
    def for_new(cls, folder: Path, gallery: GalleryProtection) -> "CopyProtection":
        """Return that of a copy that is made empty."""
        ring = gallery.ring()
        return cls(folder, gallery, None if ring is None or ring.writing is None else ring.writing.database)

    def ring(self) -> KeyRing | None:
        """Return the gallery's keys."""
        return self._ring

    def begin(self) -> None:
        """Lay no keys: they are the gallery's."""

    def database_key(self) -> bytes | None:
        """Return the key of the copy's database."""
        return self._key


def place_of(path: Path) -> str:
    """Return what an encrypted picture is bound to: the id of its reference or sighting, and its name.

    Not the folder above, which says who was enrolled with it: an import may put a reference below another one.
    """
    return "/".join(path.parts[-2:])


def new_ring(generation: Generation) -> KeyRing:
    """Return the keys of a gallery that is encrypted with one generation."""
    return KeyRing((generation,), generation)


def is_sealed(data: bytes) -> bool:
    """Whether the bytes of a file begin as those of an encrypted file do."""
    return data.startswith(MAGIC)


def is_sealed_with(data: bytes, generation: Generation | None) -> bool:
    """Whether the bytes of a file are encrypted with a generation; None: whether they are not encrypted."""
    if generation is None:
        return not is_sealed(data)
    return data.startswith(MAGIC + bytes.fromhex(generation.id))


def seal_with(generation: Generation, data: bytes, place: str) -> bytes:
    """Return the bytes of an encrypted file."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    start, nonce = MAGIC + bytes.fromhex(generation.id), os.urandom(_NONCE)
    return start + nonce + AESGCM(generation.pictures).encrypt(nonce, data, start + place.encode())


def _open_with(generation: Generation, data: bytes, place: str) -> bytes:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    size = len(MAGIC) + _ID
    start, nonce, sealed = data[:size], data[size : size + _NONCE], data[size + _NONCE :]
    try:
        return AESGCM(generation.pictures).decrypt(nonce, sealed, start + place.encode())
    except (InvalidTag, ValueError) as error:  # ValueError: cut off within the nonce
        raise _changed(place) from error


def has_contents(path: Path) -> bool:
    """Whether a file is there and not empty."""
    try:
        return path.stat().st_size > 0
    except OSError:
        return False


def is_plain_database(path: Path) -> bool:
    """Whether a file begins as a database that is not encrypted; False where there is none."""
    try:
        with open_keeping_locks(path) as file:
            return file.read(len(_PLAIN_DATABASE)) == _PLAIN_DATABASE
    except OSError:
        return False


def _changed(place: str) -> GalleryCorrupt:
    return GalleryCorrupt(
        "The file {place} in the gallery's folder is not what was stored there: it was changed, cut off or exchanged. "
        "Restore it from a backup, or remove the person it belongs to.",
        place=place,
    )
