"""The keys of an encrypted gallery, and the file of its folder that holds them, wrapped. Knows `cryptography`.

    <gallery>/encryption.json

What the gallery is encrypted with are keys of its own: one for the database, one for pictures. A master key wraps both
(RFC 3394): the 32 bytes of a key file, or 32 bytes that scrypt makes of a passphrase and of the salt in this file.

While the protection is being changed, the file names both generations of keys, and the one that is written with, so
that whoever has the former master key can read everything at every instant.
"""

import json
import os
import re
import secrets
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from biometric.errors import GalleryCorrupt, InvalidInput, InvalidSetting, StorageFull, WrongKey
from biometric.errors.phrases import Phrase
from biometric.gallery.sealed_files import check_passphrase
from biometric.storage import describe_os_error, sync_folder, write_atomically

HEADER_NAME = "encryption.json"
KEY_BYTES = 32
_FORMAT, _VERSION = "sightline-encryption", 1
_FILE, _PASSPHRASE = "file", "passphrase"
_COST = 17
_COSTS = range(14, 19)
"""Logarithms of scrypt's cost that are accepted: 2^18 takes 256 MiB; r = 8, p = 1."""
_ID = re.compile(r"[0-9a-f]{16}", re.ASCII)
_MOST_BYTES = 100_000


@dataclass(frozen=True, slots=True)
class KeySource:
    """Where a master key comes from: exactly one of both.

    Raises:
        InvalidSetting: both are given, or none.
    """

    key_file: Path | None = None
    passphrase: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if (self.key_file is None) == (self.passphrase is None):
            raise InvalidSetting("A gallery has one key: give either a key file or a passphrase, not both.")
        if self.passphrase is not None:  # the same, whichever way and on whichever keyboard it was typed
            object.__setattr__(self, "passphrase", unicodedata.normalize("NFC", self.passphrase.strip()))


@dataclass(frozen=True, slots=True)
class Generation:
    """Keys that a gallery is encrypted with.

    Attributes:
        id: 16 hexadecimal digits; encrypted pictures name it.
        database, pictures: 32 bytes each.
    """

    id: str
    database: bytes = field(repr=False)
    pictures: bytes = field(repr=False)

    @classmethod
    def make(cls) -> "Generation":
        """Return new random keys."""
        return cls(secrets.token_hex(8), os.urandom(KEY_BYTES), os.urandom(KEY_BYTES))


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The opened keys of a gallery.

    Attributes:
        generations: all that its files may be encrypted with.
        writing: what new files are encrypted with; None: they are not.
        changing: whether the protection is being changed; else everything is encrypted with `writing`.
    """

    generations: tuple[Generation, ...]
    writing: Generation | None
    changing: bool = False

    def find(self, generation_id: str) -> Generation | None:
        """Return the generation of an id, None where the gallery has none such."""
        return next((item for item in self.generations if item.id == generation_id), None)


@dataclass(frozen=True, slots=True)
class MasterKey:
    """What wraps a gallery's keys, and how it is made again: "kind", and for a passphrase "salt" and "cost"."""

    recipe: Mapping[str, Any]
    key: bytes = field(repr=False)

    @classmethod
    def make(cls, source: KeySource) -> "MasterKey":
        """Return the master key for a gallery that is newly encrypted. Raises `InvalidSetting`, `InvalidInput`."""
        if source.key_file is not None:
            return cls({"kind": _FILE}, read_key_file(source.key_file))
        check_passphrase(source.passphrase or "")
        salt = os.urandom(16)
        recipe = {"kind": _PASSPHRASE, "salt": salt.hex(), "cost": _COST}
        return cls(recipe, _scrypt(source.passphrase or "", salt, _COST))

    @classmethod
    def of(cls, recipe: Mapping[str, Any], source: KeySource) -> "MasterKey":
        """Return the master key of a gallery whose file has this recipe.

        Raises:
            WrongKey: the gallery is encrypted with a key of the other kind.
            InvalidSetting: the key file cannot be read.
        """
        if recipe["kind"] == _FILE:
            if source.key_file is None:
                raise WrongKey(
                    "The gallery is encrypted with a key file, not with a passphrase. Name it in SIGHTLINE_KEY_FILE."
                )
            return cls(recipe, read_key_file(source.key_file))
        if source.passphrase is None:
            raise WrongKey(
                "The gallery is encrypted with a passphrase, not with a key file. Give it in SIGHTLINE_PASSPHRASE."
            )
        return cls(recipe, _scrypt(source.passphrase, bytes.fromhex(recipe["salt"]), recipe["cost"]))


def read_key_file(path: Path) -> bytes:
    """Return the 32 bytes of a key file. Raises `InvalidSetting` where it is missing or no key file."""
    try:
        with path.open("rb") as file:
            key = file.read(KEY_BYTES + 1)
    except OSError as error:
        raise InvalidSetting(
            "The key file {path} cannot be read: {reason}. Without it nobody can read the gallery; use its copy.",
            path=path,
            reason=describe_os_error(error),
        ) from error
    if len(key) != KEY_BYTES:
        raise InvalidSetting(
            "{path} is no key file: it needs exactly {bytes} bytes. Make one with gallery new-key.",
            path=path,
            bytes=KEY_BYTES,
        )
    return key


def make_key_file(path: Path) -> None:
    """Write a new key file, for the owner alone. Raises `InvalidInput`, `StorageFull`."""
    try:
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(os.urandom(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        sync_folder(path.absolute().parent)
    except FileExistsError as error:
        raise InvalidInput("{path} is there already. A key file is never replaced.", path=path) from error
    except OSError as error:
        raise StorageFull(
            "The key file {path} could not be written: {reason}. Choose another place.",
            path=path,
            reason=describe_os_error(error),
        ) from error


class Header:
    """The file `encryption.json` of a gallery's folder, read and checked but not opened.

    Raises:
        GalleryCorrupt: it is damaged, or of a later version.
        OSError: it cannot be read.
    """

    def __init__(self, data: bytes) -> None:
        try:
            stored = json.loads(data)
            if stored["format"] != _FORMAT or stored["version"] != _VERSION:
                raise ValueError("of another version")
            self.recipe = _checked_recipe(stored["master"])
            self._wrapped = {str(item["id"]): bytes.fromhex(item["keys"]) for item in stored["generations"]}
            self._writing = stored["writing"]
            self._changing = bool(stored["changing"])
            known = all(map(_ID.fullmatch, self._wrapped)) and (self._writing is None or self._writing in self._wrapped)
            if not known or not self._wrapped or (self._writing is None and not self._changing):
                raise ValueError("not what it should hold")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise GalleryCorrupt(
                "The file {name} in the gallery's folder, which holds its keys, is damaged or of a later version. "
                "Restore that file from a backup of the gallery.",
                name=HEADER_NAME,
            ) from error

    @property
    def has_passphrase(self) -> bool:
        """Whether a passphrase opens it, rather than a key file."""
        return bool(self.recipe["kind"] == _PASSPHRASE)

    def open(self, master: MasterKey) -> KeyRing:
        """Return the keys. Raises `WrongKey` where this master key does not open them."""
        from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap

        try:
            opened = {name: aes_key_unwrap(master.key, wrapped) for name, wrapped in self._wrapped.items()}
        except InvalidUnwrap as error:
            kind = Phrase("passphrase") if self.has_passphrase else Phrase("key file")
            raise WrongKey(
                "This is not the {kind} that the gallery is encrypted with. Nothing was changed.", kind=kind
            ) from error
        generations = {name: Generation(name, keys[:KEY_BYTES], keys[KEY_BYTES:]) for name, keys in opened.items()}
        writing = None if self._writing is None else generations[self._writing]
        return KeyRing(tuple(generations.values()), writing, self._changing)


def write_header(folder: Path, ring: KeyRing, master: MasterKey) -> None:
    """Write `encryption.json`, durably, in the place of one that is there. Raises `OSError`."""
    from cryptography.hazmat.primitives.keywrap import aes_key_wrap

    stored = {
        "format": _FORMAT,
        "version": _VERSION,
        "master": dict(master.recipe),
        "generations": [
            {"id": item.id, "keys": aes_key_wrap(master.key, item.database + item.pictures).hex()}
            for item in ring.generations
        ],
        "writing": None if ring.writing is None else ring.writing.id,
        "changing": ring.changing,
    }
    write_atomically(folder / HEADER_NAME, json.dumps(stored, indent=1))


def read_header(folder: Path) -> Header | None:
    """Return the header of a gallery's folder, None where there is none. Raises `GalleryCorrupt`, `OSError`."""
    try:
        with (folder / HEADER_NAME).open("rb") as file:
            return Header(file.read(_MOST_BYTES))
    except (FileNotFoundError, NotADirectoryError):
        return None


def _checked_recipe(stored: Any) -> Mapping[str, Any]:
    if stored["kind"] == _FILE:
        return {"kind": _FILE}
    if stored["kind"] != _PASSPHRASE or stored["cost"] not in _COSTS or len(bytes.fromhex(stored["salt"])) != 16:
        raise ValueError("no master key")
    return {"kind": _PASSPHRASE, "salt": str(stored["salt"]), "cost": int(stored["cost"])}


@lru_cache(maxsize=8)
def _scrypt(passphrase: str, salt: bytes, cost: int) -> bytes:
    """Return 32 bytes; remembered, because a program opens its gallery more than once, and this takes a moment."""
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    return Scrypt(salt=salt, length=KEY_BYTES, n=1 << cost, r=8, p=1).derive(
        passphrase.encode("utf-8", "surrogatepass")
    )
