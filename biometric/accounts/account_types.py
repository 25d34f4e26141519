"""What is known of users, tokens, and of who sends a request."""

import unicodedata
from dataclasses import dataclass

from biometric.accounts.roles import Role
from biometric.errors import InvalidInput

LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class User:
    """Somebody who may sign in. `created_at` is in seconds since 1970."""

    name: str
    role: Role
    created_at: float
    sessions: int = 0
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Token:
    """What a program may use in place of a password. Times are in seconds since 1970, or None."""

    id: str
    user: str
    label: str
    role: Role
    created_at: float
    expires_at: float
    used_at: float | None


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who sends a request: name, what they may do, and the id of the session or token that says so."""

    name: str
    role: Role
    by: str


def clean_user_name(name: str) -> str:
    """Return a name as it is stored. Raises `InvalidInput`: it is empty, too long, or has control characters."""
    name = unicodedata.normalize("NFC", name.strip())
    if not 0 < len(name) <= LONGEST_NAME or not name.isprintable() or ":" in name:
        raise InvalidInput(
            "A user's name must have 1 to {longest} visible characters and no colon.", longest=LONGEST_NAME
        )
    return name


def name_key(name: str) -> str:
    """Return what two spellings of one name have in common."""
    return unicodedata.normalize("NFKC", name.strip()).casefold()
