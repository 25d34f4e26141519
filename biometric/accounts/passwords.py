"""Passwords as Argon2id hashes (argon2-cffi, its defaults: 64 MiB and three passes)."""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from biometric.errors import InvalidInput

SHORTEST, LONGEST = 10, 256
_hasher = PasswordHasher()
_nobody: list[str] = []


def hash_password(password: str) -> str:
    """Return what is stored of a password. Raises `InvalidInput`: it is too short or too long."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise InvalidInput(
            "The password must have {shortest} to {longest} characters.", shortest=SHORTEST, longest=LONGEST
        )
    return _hasher.hash(password)


def is_password(password: str, stored: str | None) -> bool:
    """Return whether a password is the stored one; takes as long where nothing is stored (nobody of that name)."""
    if stored is None:
        if not _nobody:
            _nobody.append(_hasher.hash("nobody has this"))
        stored, known = _nobody[0], False
    else:
        known = True
    try:
        return _hasher.verify(stored, password[: LONGEST + 1]) and known
    except (VerificationError, InvalidHashError):
        return False
