"""Encrypts an export with a passphrase, and reads it in place without writing it out. Knows `cryptography`.

    8 bytes   "SLSEALED"
    1 byte    version, 1
    1 byte    logarithm of scrypt's cost (17); r = 8, p = 1
    16 bytes  salt
    32 bytes  HMAC-SHA-256 of all the bytes before, with the second half of the key: tells a wrong passphrase
    chunks    AES-256-GCM, each of 65,536 bytes (the last one of 0 to 65,536) and its tag of 16 bytes

The first half of scrypt's 64 bytes encrypts. A chunk's nonce is its number (11 bytes, big-endian) and one byte, 1
for the last chunk alone (the STREAM construction): chunks cannot be changed, swapped, left out or cut off.
"""

import hmac
import io
import os
from typing import IO, TYPE_CHECKING

from biometric.errors import InvalidInput, WrongPassphrase
from biometric.errors.phrases import Phrase
from biometric.gallery.manifest_stream import refuse

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MAGIC = b"SLSEALED\x01"
CHUNK = 1 << 16
SHORTEST_PASSPHRASE = 10
_COST = 17
_COSTS = range(14, 19)
"""Costs that are read: 2^18 takes 256 MiB."""
_SALT, _MAC, _TAG = 16, 32, 16
_HEADER = len(MAGIC) + 1 + _SALT + _MAC
_SEALED = CHUNK + _TAG


def check_passphrase(passphrase: str) -> None:
    """Raise `InvalidInput` where a passphrase is too short to encrypt with."""
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise InvalidInput("The passphrase needs {least} characters or more.", least=SHORTEST_PASSPHRASE)


def is_sealed(file: IO[bytes]) -> bool:
    """Return whether an open file begins as an encrypted export does; it is at its beginning before and after."""
    start = file.read(len(MAGIC))
    file.seek(0)
    return start == MAGIC


class SealingWriter(io.RawIOBase):
    """Encrypts what is written to it into another file; `close` writes the last chunk."""

    def __init__(self, file: IO[bytes], passphrase: str) -> None:
        check_passphrase(passphrase)
        salt = os.urandom(_SALT)
        start = MAGIC + bytes([_COST]) + salt
        cipher_key, mac_key = _keys(passphrase, salt, _COST)
        file.write(start + hmac.digest(mac_key, start, "sha256"))
        self._file, self._cipher = file, _cipher(cipher_key)
        self._waiting, self._number = bytearray(), 0

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        """Take bytes; whole chunks are written as soon as more follows."""
        self._waiting += data
        while len(self._waiting) > CHUNK:
            self._put(bytes(self._waiting[:CHUNK]), last=False)
            del self._waiting[:CHUNK]
        return len(data)

    def finish(self) -> None:
        """Write the last chunk: without it the file counts as cut off."""
        self._put(bytes(self._waiting), last=True)
        self._waiting.clear()

    def _put(self, chunk: bytes, last: bool) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._number, last), chunk, None))
        self._number += 1


class SealedReader(io.RawIOBase):
    """Reads an encrypted file, anywhere in it, a chunk at a time.

    Raises:
        WrongPassphrase: it does not open the file.
        ArchiveInvalid: the file was changed or cut off.
    """

    def __init__(self, file: IO[bytes], passphrase: str) -> None:
        header = file.read(_HEADER)
        if len(header) < _HEADER or header[len(MAGIC)] not in _COSTS:
            refuse(Phrase("it is damaged, or of a later version"))
        start, mac = header[:-_MAC], header[-_MAC:]
        cipher_key, mac_key = _keys(passphrase, start[-_SALT:], header[len(MAGIC)])
        if not hmac.compare_digest(hmac.digest(mac_key, start, "sha256"), mac):
            raise WrongPassphrase("This passphrase does not open the file. Nothing was imported.")
        self._file, self._cipher = file, _cipher(cipher_key)
        size = file.seek(0, io.SEEK_END) - _HEADER
        self._chunks = max(1, -(-size // _SEALED))
        self._size = size - self._chunks * _TAG
        self._position, self._number, self._chunk = 0, -1, b""
        if self._size < 0:
            refuse(Phrase("it was cut off"))
        self._load(self._chunks - 1)  # shows at once whether the end is there

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the position in what is encrypted."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position in what is encrypted."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise ValueError("negative seek position")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        """Read the next bytes, at most to the end of a chunk; 0 at the end."""
        if self._position >= self._size:
            return 0
        number, offset = divmod(self._position, CHUNK)
        self._load(number)
        data = self._chunk[offset : offset + len(buffer)]
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)

    def _load(self, number: int) -> None:
        from cryptography.exceptions import InvalidTag

        if number == self._number:
            return
        self._file.seek(_HEADER + number * _SEALED)
        sealed = self._file.read(_SEALED)
        try:
            self._chunk = self._cipher.decrypt(_nonce(number, number == self._chunks - 1), sealed, None)
        except (InvalidTag, ValueError):
            refuse(Phrase("it was changed or cut off after it was encrypted"))
        self._number = number


def _keys(passphrase: str, salt: bytes, cost: int) -> tuple[bytes, bytes]:
    from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

    key = Scrypt(salt=salt, length=64, n=1 << cost, r=8, p=1).derive(passphrase.encode("utf-8", "surrogatepass"))
    return key[:32], key[32:]


def _cipher(key: bytes) -> "AESGCM":
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])
