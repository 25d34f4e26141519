"""Who acts: the user who is signed in, or the account of the operating system; and by which way."""

import getpass
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum


class Channel(StrEnum):
    """By which way somebody acts. The values stand in audit trails."""

    PAGE = "page"
    COMMAND = "command"
    API = "api"
    MCP = "mcp"
    LIBRARY = "library"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts.

    Attributes:
        name: of the user, or of the operating system's account where nobody is asked to sign in.
        through: by which way.
        is_user: whether `name` is of a user who signed in or has a token.
    """

    name: str
    through: Channel
    is_user: bool = False


_actor: ContextVar[Actor | None] = ContextVar("actor", default=None)
_sources: list[Callable[[], Actor | None]] = []


def system_account() -> str:
    """Return the name of the operating system's account that runs this process."""
    try:
        import pwd

        return pwd.getpwuid(os.getuid()).pw_name  # not getpass: that believes what the environment says
    except (ImportError, KeyError):
        pass
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):
        return str(os.getuid()) if hasattr(os, "getuid") else "unknown"


def current_actor() -> Actor:
    """Return who acts in this thread: as `acting_as` says, else as a source knows, else this process's account."""
    actor = _actor.get()
    if actor is not None:
        return actor
    for source in _sources:
        found = source()
        if found is not None:
            return found
    return Actor(system_account(), Channel.LIBRARY)


@contextmanager
def acting_as(actor: Actor) -> Iterator[None]:
    """Say who acts inside the block, in this thread."""
    token = _actor.set(actor)
    try:
        yield
    finally:
        _actor.reset(token)


def add_actor_source(source: Callable[[], Actor | None]) -> None:
    """Let a face tell who sent the request that a thread works on; None: it does not know. Adding twice is fine."""
    if source not in _sources:
        _sources.append(source)
