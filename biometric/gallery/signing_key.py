"""The gallery's own key (Ed25519), which signs heads of the audit trail and exports. Knows `cryptography`."""

import os
import threading
from pathlib import Path

from biometric.errors import GalleryUnavailable
from biometric.gallery.protection import GalleryProtection
from biometric.storage import describe_os_error, write_atomically

KEY_NAME = "signing-key.pem"
"""File in the gallery's folder; readable by its owner alone."""


class SigningKey:
    """A private key and its public half. Raises `GalleryUnavailable` where its file cannot be used."""

    def __init__(self, pem: bytes, path: Path) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        try:
            key = load_pem_private_key(pem, password=None)
        except (ValueError, TypeError) as error:
            raise _unusable(path, "it is no key in PEM format") from error
        if not isinstance(key, Ed25519PrivateKey):
            raise _unusable(path, "it is a key of another kind")
        self._key = key
        self.public = key.public_key().public_bytes_raw().hex()

    def sign(self, data: bytes) -> str:
        """Return the signature of some bytes: 128 hexadecimal digits."""
        return self._key.sign(data).hex()


class KeyFile:
    """The key file of one gallery's folder. Safe for several threads; making and replacing need the write lock."""

    def __init__(self, protection: GalleryProtection) -> None:
        self.path = protection.folder / KEY_NAME
        self._protection = protection
        self._lock = threading.Lock()
        self._read: tuple[tuple[int, int, int], SigningKey] | None = None

    def key(self) -> SigningKey | None:
        """Return the key, None where there is no file."""
        try:
            status = self.path.stat()
            state = (status.st_ino, status.st_mtime_ns, status.st_size)
            with self._lock:
                if self._read is None or self._read[0] != state:
                    self._read = (state, SigningKey(self._pem(), self.path))
                return self._read[1]
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _unusable(self.path, describe_os_error(error)) from error

    def make(self) -> SigningKey:
        """Make a new key, which takes the place of one that is there, and return it."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_atomically(self.path, self._protection.seal(pem, KEY_NAME), 0o600)
        made = self.key()
        if made is None:
            raise _unusable(self.path, os.strerror(2))
        return made

    def _pem(self) -> bytes:
        return self._protection.open(self.path.read_bytes(), KEY_NAME)


def is_signed(public_key: str, signature: str, data: bytes) -> bool:
    """Return whether a signature of some bytes was made with the private half of a public key."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key)).verify(bytes.fromhex(signature), data)
    except (InvalidSignature, ValueError):
        return False
    return True


def _unusable(path: Path, reason: str) -> GalleryUnavailable:
    return GalleryUnavailable(
        "The gallery's signing key {path} cannot be used: {reason}. Restore it from a backup; or move it away, then a "
        "new one is made, and the audit trail says so.",
        path=path,
        reason=reason,
    )
