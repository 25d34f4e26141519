"""Encrypts a gallery that is there, decrypts it, and gives it new keys, while others may have it open.

All of it is done with the database's write lock held, in an order by which a kill at any instant leaves a gallery that
the former key opens, or the new one, and that can be read as a whole:

1. `encryption.json` names the former keys and the new ones, wrapped by the key that opens the gallery now.
2. Each picture is encrypted anew and takes the place of the former file.
3. The database is written anew beside the former file and takes its place.
4. `encryption.json` names the new keys alone, wrapped by the new master key; or it is removed.

Calling the same again after a kill goes on with what is left. The last step is one rename: from then on, only the new
master key opens the gallery. Whoever waited for the lock notices that the database was replaced (`database`).
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from biometric.entities.enrolled import CROP_NAME
from biometric.errors import EmptyGallery, GalleryBusy, GalleryNotEncrypted, InvalidInput
from biometric.gallery.database import translate_errors
from biometric.gallery.encryption_keys import (
    HEADER_NAME,
    Generation,
    KeyRing,
    KeySource,
    MasterKey,
    read_header,
    write_header,
)
from biometric.gallery.files import OPAQUE_ID, RESTORING
from biometric.gallery.protection import (
    DATABASE_NAME,
    GalleryProtection,
    has_contents,
    is_plain_database,
    is_sealed_with,
    new_ring,
    place_of,
    seal_with,
)
from biometric.gallery.signing_key import KEY_NAME
from biometric.gallery.working_copies import sweep_copies
from biometric.storage import atomic_path, is_held, remove_leftovers, sync_folder, write_atomically
from biometric.storage.cipher_files import export_database, open_with_cipher
from biometric.storage.lock_keeping_reads import register_database
from biometric.storage.sqlite_files import BUSY_SECONDS, opens_with


def encrypt(folder: Path, key: KeySource) -> int:
    """Encrypt a gallery; return how many pictures were.

    Raises:
        InvalidInput: it is encrypted already, or the key file lies in the gallery's folder.
        EmptyGallery: there is none; one that is made with a key is encrypted from the start.
        InvalidSetting: the key file cannot be used.
        GalleryError: it cannot be read or written; the same command goes on later.
    """
    _check(folder, key)
    with translate_errors():
        if read_header(folder) is None:
            with _locked(folder, None):
                generation, master = Generation.make(), MasterKey.make(key)
                write_header(folder, KeyRing((generation,), generation, changing=True), master)
                return _convert(GalleryProtection(folder, key), generation, master)
        protection = GalleryProtection(folder, key)
        ring = protection.ring()
        if ring is None or not ring.changing:
            raise InvalidInput(
                "The gallery in {folder} is encrypted already. To give it another key, use gallery rekey.",
                folder=folder,
            )
        with _locked(folder, protection.database_key()):
            return _go_on(protection, ring.writing or ring.generations[0], key)


def rekey(folder: Path, key: KeySource, new: KeySource) -> int:
    """Encrypt a gallery anew, with new keys, under another master key; return how many pictures were.

    Raises:
        WrongKey, KeyMissing, GalleryNotEncrypted: `key` and the gallery do not fit.
        InvalidInput: encrypting or decrypting it was interrupted, and is to be completed first; or the new key file
            lies in the gallery's folder.
        InvalidSetting: a key file cannot be used.
        GalleryError: as of `encrypt`.
    """
    _check(folder, new)
    with translate_errors():
        protection = GalleryProtection(folder, key)
        ring = _opened(protection)
        if ring.changing and (len(ring.generations) == 1 or ring.writing is None):
            raise InvalidInput(
                "Encrypting or decrypting the gallery was interrupted. Complete it first: gallery encrypt, or gallery "
                "decrypt."
            )
        master = MasterKey.make(new)
        with _locked(folder, protection.database_key()):
            ring = _opened(protection)
            target = ring.writing if ring.changing and ring.writing is not None else Generation.make()
            if not ring.changing:
                both = KeyRing((*ring.generations, target), target, changing=True)
                write_header(folder, both, _master(folder, key))
            return _convert(protection, target, master)


def decrypt(folder: Path, key: KeySource) -> int:
    """Decrypt a gallery; return how many pictures were.

    Raises:
        WrongKey, KeyMissing, GalleryNotEncrypted: `key` and the gallery do not fit.
        GalleryError: as of `encrypt`.
    """
    _check(folder, None)
    with translate_errors():
        protection = GalleryProtection(folder, key)
        _opened(protection)
        with _locked(folder, protection.database_key()):
            ring = _opened(protection)
            write_header(folder, replace(ring, writing=None, changing=True), _master(folder, key))
            return _convert(protection, None, None)


def bring_under(staged: Path, key: KeySource | None, gallery: GalleryProtection) -> None:
    """Let a gallery that nobody else uses be encrypted as another one is, or is to be; it has the same keys then.

    Args:
        staged: its folder, complete: changing its protection was not interrupted.
        key: that opens it; None: it is not encrypted.
        gallery: the other one; where it does not exist, what is to be in its place.

    Raises:
        KeyMissing, WrongKey, GalleryNotEncrypted: `key` does not fit `staged`, or the other one's key the other one.
    """
    own, target = GalleryProtection(staged, key), gallery.ring()
    former = own.ring()
    if gallery.source is None and former is None:
        return
    with translate_errors():
        if target is not None and target.writing is not None:
            generation, header = target.writing, (gallery.folder / HEADER_NAME).read_bytes()
            if former is None or former.writing != generation:
                _convert_pictures(own, generation)
                _convert_database(own, generation)
            write_atomically(staged / HEADER_NAME, header)
        elif gallery.source is None:
            decrypt(staged, key) if key is not None else None
        elif former is None:
            encrypt(staged, gallery.source)
        elif key is not None and key != gallery.source:
            rekey(staged, key, gallery.source)


def _go_on(protection: GalleryProtection, target: Generation, key: KeySource) -> int:
    """Encrypt what is not encrypted yet with keys that the header has already."""
    master = _master(protection.folder, key)
    ring = _opened(protection)
    write_header(protection.folder, replace(ring, writing=target, changing=True), master)
    return _convert(protection, target, master)


def _convert(protection: GalleryProtection, target: Generation | None, master: MasterKey | None) -> int:
    """Encrypt everything with one generation, or decrypt it (None), and let that be all that the header says."""
    count = _convert_pictures(protection, target)
    _convert_database(protection, target)
    if target is None or master is None:
        (protection.folder / HEADER_NAME).unlink()
        sync_folder(protection.folder)
    else:
        write_header(protection.folder, new_ring(target), master)
    return count


def _convert_pictures(protection: GalleryProtection, target: Generation | None) -> int:
    count = 0
    for path in _files(protection.folder):
        data, place = path.read_bytes(), KEY_NAME if path.name == KEY_NAME else place_of(path)
        if not is_sealed_with(data, target):
            plain = protection.open(data, place)
            write_atomically(path, plain if target is None else seal_with(target, plain, place))
            count += path.name != KEY_NAME
    return count


def _convert_database(protection: GalleryProtection, target: Generation | None) -> None:
    database = protection.folder / DATABASE_NAME
    key = None if target is None else target.database
    done = is_plain_database(database) if key is None else not is_plain_database(database) and opens_with(database, key)
    if not done:
        with atomic_path(database) as partial:
            export_database(database, protection.database_key(), partial, key)


def _files(folder: Path) -> Iterator[Path]:
    """Yield the files of a gallery that are encrypted, but its database; remove what killed writers left."""
    sweep_copies(folder)
    remove_leftovers(folder)
    if (folder / KEY_NAME).is_file():
        yield folder / KEY_NAME
    for identity in _folders(folder):
        for reference in _folders(identity):
            remove_leftovers(reference)
            for path in sorted(reference.iterdir()):
                if CROP_NAME.fullmatch(path.name) and path.is_file() and not path.is_symlink():
                    yield path


def _folders(parent: Path) -> list[Path]:
    opaque = (path for path in sorted(parent.iterdir()) if OPAQUE_ID.fullmatch(path.name))
    return [path for path in opaque if path.is_dir() and not path.is_symlink()]


@contextmanager
def _locked(folder: Path, key: bytes | None) -> Iterator[None]:
    """Hold the write lock of the database that is there now, by SQLCipher's library.

    Not by SQLite's own: closing a file in the one would end the locks that the other holds on it in this process.
    """
    database = folder / DATABASE_NAME
    register_database(database)
    before = database.stat()
    with closing(open_with_cipher(database, key)) as db:
        db.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
        db.execute("PRAGMA journal_mode = DELETE")  # no journal of another file must be beside the new one
        db.execute("BEGIN IMMEDIATE")
        after, journal = database.stat(), db.execute("PRAGMA journal_mode").fetchone()[0]
        if (before.st_dev, before.st_ino) != (after.st_dev, after.st_ino) or journal != "delete":
            raise GalleryBusy("Another process is using the gallery. Try again in a moment.")
        try:
            yield
        finally:
            with suppress(Exception):
                db.rollback()


def _opened(protection: GalleryProtection) -> KeyRing:
    ring = protection.ring()
    if ring is None:
        raise GalleryNotEncrypted("The gallery in {folder} is not encrypted.", folder=protection.folder)
    return ring


def _master(folder: Path, key: KeySource) -> MasterKey:
    header = read_header(folder)
    if header is None:
        raise GalleryNotEncrypted("The gallery in {folder} is not encrypted.", folder=folder)
    return MasterKey.of(header.recipe, key)


def _check(folder: Path, key: KeySource | None) -> None:
    """Refuse what cannot be meant, before anything is changed."""
    if not has_contents(folder / DATABASE_NAME):
        raise EmptyGallery(
            "There is no gallery in {folder} yet. One that is made while a key is set is encrypted from the start.",
            folder=folder,
        )
    if is_held(folder / RESTORING):
        raise GalleryBusy("Another process is using the gallery. Try again in a moment.")
    if key is not None and key.key_file is not None:
        require_outside(folder, key.key_file)


def require_outside(folder: Path, key_file: Path) -> None:
    """Raise `InvalidInput` where a key file lies, or would lie, in the folder of the gallery that it is for."""
    if key_file.resolve().is_relative_to(folder.resolve()):
        raise InvalidInput(
            "The key file {path} lies in the gallery's own folder: whoever has the folder would have the key. Move it "
            "to another place, such as a stick of its own.",
            path=key_file,
        )
