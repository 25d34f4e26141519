"""`python -m biometric gallery …`: new-key, encrypt, decrypt, rekey."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biometric.cli.command_support import DONE, read_passphrase, show, with_passphrase
from biometric.cli.gallery_trash import add_action
from biometric.messages.counted import counted
from biometric.messages.translation import N_
from biometric.messages.translation import gettext as _
from biometric.settings import Settings

if TYPE_CHECKING:
    from biometric.ports.protection_port import ProtectionAdministration

_AGAIN = N_("Run the same command again to complete it")


def add_actions(actions: Any) -> None:
    """Add the commands to the parser of `gallery`."""
    making = add_action(actions, "new-key", "write a key file with which a gallery can be encrypted", _new_key)
    making.add_argument("key", metavar="FILE", type=Path, help="a file that is not there yet, outside of the gallery")
    encrypting = add_action(actions, "encrypt", "encrypt the gallery with the key that is set", _encrypt)
    decrypting = add_action(actions, "decrypt", "decrypt the gallery", _decrypt)
    rekeying = add_action(actions, "rekey", "encrypt the gallery anew, with another key", _rekey)
    new = rekeying.add_mutually_exclusive_group(required=True)
    new.add_argument("--new-key-file", metavar="FILE", type=Path, help="the new key file (see: gallery new-key)")
    new.add_argument("--new-passphrase", action="store_true", help="ask for a new passphrase")
    new.add_argument("--passphrase-stdin", action="store_true", help="read the new passphrase from standard input")
    for parser in (encrypting, decrypting, rekeying):
        parser.set_defaults(when_interrupted=_AGAIN)


def _protection(options: argparse.Namespace) -> tuple["ProtectionAdministration", Path]:
    """Return what changes the protection, and the gallery's folder."""
    from biometric.bootstrap import build_protection

    settings = with_passphrase(Settings.from_environment(None, gallery=options.gallery))
    return build_protection(settings), settings.gallery


def _new_key(options: argparse.Namespace) -> int:
    protection, _folder = _protection(options)
    protection.make_key_file(options.key)
    text = _(
        "{path} was written. Keep a copy at another place: without it nobody can read what is encrypted with it. Set "
        "SIGHTLINE_KEY_FILE to it; then a new gallery is encrypted from the start, and gallery encrypt encrypts one "
        "that is there."
    )
    show(options, {"key_file": str(options.key)}, text.format(path=options.key))
    return DONE


def _encrypt(options: argparse.Namespace) -> int:
    protection, folder = _protection(options)
    count = protection.encrypt()
    text = _(
        "The gallery in {folder} is encrypted: its database, its signing key and {pictures}. Backups, exports and "
        "copies that were made before are not, and what was deleted may still be on the disk: see docs/encryption.md."
    )
    _tell(options, folder, count, True, text)
    return DONE


def _decrypt(options: argparse.Namespace) -> int:
    protection, folder = _protection(options)
    count = protection.decrypt()
    text = _("The gallery in {folder} is not encrypted any more: {pictures}. Start without the key from now on.")
    _tell(options, folder, count, False, text)
    return DONE


def _rekey(options: argparse.Namespace) -> int:
    protection, folder = _protection(options)
    if options.new_key_file is not None:
        count = protection.rekey(key_file=options.new_key_file)
    else:
        count = protection.rekey(passphrase=read_passphrase(options, twice=True))
    text = _(
        "The gallery in {folder} was encrypted anew, {pictures} among it: only the new key opens it. Set it as "
        "SIGHTLINE_KEY_FILE or SIGHTLINE_PASSPHRASE. Keep the former key as long as you keep backups of that time."
    )
    _tell(options, folder, count, True, text)
    return DONE


def _tell(options: argparse.Namespace, folder: Path, count: int, encrypted: bool, text: str) -> None:
    result = {"gallery": str(folder), "encrypted": encrypted, "pictures": count}
    show(options, result, text.format(folder=folder, pictures=counted(count, "picture")))
