"""Signs an export with the gallery's key, and tells who signed one.

The signature is the comment of the zip file, so that earlier versions can read the file: canonical JSON of `format`,
`version`, `gallery`, `time`, `members` (how many), `digest`, `public_key` and `signature`. `digest` is the SHA-256 of
the lines "<member> <SHA-256 of its bytes>" in order of names: no member can be changed, added or left out.
"""

import hashlib
import json
import zipfile
from collections.abc import Mapping
from typing import IO, Any

from sqlite_utils import Database

from biometric.entities.audit import AuditAction
from biometric.entities.exports import ExportSigner, SignerKind
from biometric.errors.phrases import Phrase
from biometric.gallery import audit_rows
from biometric.gallery.audit_chain import canonical
from biometric.gallery.manifest_stream import refuse
from biometric.gallery.signing_key import SigningKey, is_signed

FORMAT, VERSION = "sightline-export", 1


class HashingWriter:
    """Passes bytes on to a file and hashes them."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = hashlib.sha256()

    @property
    def digest(self) -> str:
        """SHA-256 of what was written, hexadecimal."""
        return self._hash.hexdigest()

    def write(self, data: bytes) -> int:
        """Write bytes and hash them."""
        self._hash.update(data)
        return self._file.write(data)


def signed_comment(digests: Mapping[str, str], key: SigningKey, gallery: str, time: str) -> bytes:
    """Return the comment of an export.

    Args:
        digests: SHA-256 of each member's bytes, hexadecimal.
        gallery, time: id of the gallery, and now as it is stored.
    """
    statement = {
        "format": FORMAT,
        "version": VERSION,
        "gallery": gallery,
        "time": time,
        "members": len(digests),
        "digest": _digest(digests),
        "public_key": key.public,
    }
    signature = key.sign(canonical(statement).encode())
    return canonical({**statement, "signature": signature}).encode()


def read_signer(file: zipfile.ZipFile) -> ExportSigner:
    """Return who signed an export, as far as it says itself, once the signature is found to be valid.

    Reads every member once.

    Raises:
        ArchiveInvalid: it says that it is signed, and is not as it was signed.
        zipfile.BadZipFile, OSError: it cannot be read.
    """
    if not file.comment:
        return ExportSigner(SignerKind.UNSIGNED)
    statement = _statement(file.comment)
    signature = str(statement.pop("signature", ""))
    names = ("public_key", "gallery", "time", "digest")
    if statement.get("version") != VERSION or not all(isinstance(statement.get(name), str) for name in names):
        refuse(Phrase("its signature is of a later version, or damaged"))
    digests = {}
    for member in file.infolist():
        with file.open(member) as content:
            digests[member.filename] = hashlib.file_digest(content, "sha256").hexdigest()  # type: ignore[arg-type]
    valid = is_signed(statement["public_key"], signature, canonical(statement).encode())
    if not valid or statement["digest"] != _digest(digests):
        refuse(Phrase("its signature does not fit: it was changed after it was signed"))
    return ExportSigner(SignerKind.UNKNOWN, statement["public_key"], statement["gallery"][:100], statement["time"][:40])


def known_signer(db: Database, signer: ExportSigner, own: SigningKey | None) -> ExportSigner:
    """Return what this gallery knows of a signer."""
    if signer.kind is SignerKind.UNSIGNED:
        return signer
    own_gallery = audit_rows.gallery_id(db) if db["gallery"].count else ""
    keys = _own_keys(db) | ({own.public} if own is not None else set())
    signers = audit_rows.signers(db)
    if signer.public_key in keys:
        kind = SignerKind.OWN
    elif signer.public_key in signers:
        kind = SignerKind.KNOWN
    elif signer.gallery in {own_gallery, *signers.values()}:
        kind = SignerKind.CHANGED
    else:
        kind = SignerKind.UNKNOWN
    return ExportSigner(kind, signer.public_key, signer.gallery, signer.time)


def _own_keys(db: Database) -> set[str]:
    actions = json.dumps([AuditAction.STARTED, AuditAction.KEY_ROTATED, AuditAction.KEY_REPLACED])
    sql = (
        "SELECT json_extract(record, '$.details.public_key') FROM audit_records WHERE json_valid(record) "
        "AND json_extract(record, '$.action') IN (SELECT value FROM json_each(?))"
    )
    return {str(row[0]) for row in db.execute(sql, [actions])}


def _statement(comment: bytes) -> dict[str, Any]:
    try:
        statement = json.loads(comment)
    except (ValueError, RecursionError):
        statement = None
    if not isinstance(statement, dict) or statement.get("format") != FORMAT:
        refuse(Phrase("it is damaged or no zip file: {error}", error=Phrase("its comment is none of an export")))
    return statement


def _digest(digests: Mapping[str, str]) -> str:
    lines = "".join(f"{name} {digest}\n" for name, digest in sorted(digests.items()))
    return hashlib.sha256(lines.encode("utf-8", "surrogatepass")).hexdigest()
