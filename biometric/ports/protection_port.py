"""How the configured gallery is protected at rest."""

from pathlib import Path
from typing import Protocol


class ProtectionAdministration(Protocol):
    """Encrypts and decrypts a gallery (adapter: `gallery/opening.py`). May raise the `GalleryError` family.

    What was interrupted goes on when the same is called again; meanwhile, the key that opened the gallery before opens
    it, and with `decrypt` until the end.
    """

    def wants_passphrase(self) -> bool:
        """Whether the gallery is encrypted with a passphrase, and the settings have no key. Raises `GalleryCorrupt`."""

    def make_key_file(self, path: Path) -> None:
        """Write a new key file for the owner alone. Raises `InvalidInput`: it is there, or in the gallery."""

    def encrypt(self) -> int:
        """Encrypt the gallery with the key of the settings; return how many pictures were.

        Raises `KeyMissing`: the settings have no key; `InvalidInput`: it is encrypted already, or its key lies in it.
        """

    def decrypt(self) -> int:
        """Decrypt the gallery; return how many pictures were. Raises the `GalleryLocked` family."""

    def rekey(self, key_file: Path | None = None, passphrase: str | None = None) -> int:
        """Encrypt the gallery anew, with new keys under another master key; return how many pictures were.

        Raises the `GalleryLocked` family; `InvalidInput`: encrypting or decrypting was interrupted before.
        """
