"""All open workspaces: found by Gradio's session hash while a page is open, by the browser tab's own key afterwards.

Gradio gives a page another session hash with each load. So that a reload brings the workspace back, each browser tab
makes a random key and keeps it for itself; the server keeps a digest of it. A key opens one workspace and no other.
"""

import hashlib
import re
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from biometric.errors import InvalidInput
from biometric.messages.translation import N_
from biometric.ui.session import Session

SESSIONS = 100
"""Most sessions kept; one without footage, work and an open page goes first, of those the one unused for longest."""
SESSIONS_OF_ONE = 50
"""Most sessions of one client; beyond them its own go first."""
PAGES = 8
"""Most page loads remembered of one session; the earliest goes first."""
STOPPING = 10.0
"""Most seconds that ending waits for work to stop: vendor libraries abort when they are cut off."""
_KEY = re.compile(r"[0-9a-f]{64}")
"""256 random bits, which nobody guesses."""


NOT_THE_PAGE = N_("This request does not come from an open page. Reload the page and try again.")


class Opening(StrEnum):
    """What a page finds: a fresh workspace, its former one, or a fresh one in place of one that is gone."""

    FRESH = "fresh"
    RESTORED = "restored"
    GONE = "gone"


@dataclass(slots=True, eq=False)
class _Entry:
    """A session with what it is known by: its key's digest, and the page loads (True while connected).

    `owner` is whoever is signed in there, and `client` the address that it was made for.
    """

    session: Session
    used_at: float
    owner: str = ""
    client: str = ""
    digest: bytes | None = None
    pages: OrderedDict[str, bool] = field(default_factory=OrderedDict)


class Sessions:
    """All open workspaces; safe for several threads.

    Args:
        root: private folder of this process.
        kept_seconds: how long a session is kept after its page is gone.
        clock: seconds that only rise.

    Attributes:
        is_open: tells whether a page, by Gradio's session hash, holds a connection at the moment.
    """

    def __init__(self, root: Path, kept_seconds: float = 3600.0, clock: Callable[[], float] = time.monotonic) -> None:
        self.is_open: Callable[[str], bool] = lambda page: False
        self._root = root
        self._kept = kept_seconds
        self._clock = clock
        self._entries: OrderedDict[_Entry, None] = OrderedDict()
        self._pages: dict[str, _Entry] = {}
        self._keys: dict[bytes, _Entry] = {}
        self._timer: threading.Timer | None = None
        self._lock = threading.RLock()

    def of(self, page: str | None, owner: str = "", client: str = "") -> Session:
        """Return the session of a page, by Gradio's session hash; made on first use.

        Args:
            owner: who is signed in, "" where nobody is asked to.
            client: address of the page.

        Raises:
            InvalidInput: the request carries no session hash (it does not come from the page), or that of somebody
                else's page; or too many pages are open.
        """
        name = _checked(page)
        with self._lock:
            self._sweep()
            entry = self._pages.get(name)
            if entry is not None and entry.owner != owner:
                raise InvalidInput(NOT_THE_PAGE)
            return self._used(self._attach(self._made(owner, client), name) if entry is None else entry).session

    def open(
        self, page: str | None, key: object, returning: bool = False, owner: str = "", client: str = ""
    ) -> tuple[Session, Opening]:
        """Return the session of a page that was loaded, under the key of its browser tab.

        A key of another form than the page makes is worth nothing: the page works, and a reload starts afresh.

        Args:
            key: 64 hexadecimal digits, random.
            returning: the tab had the key from an earlier load.
            owner, client: as of `of`; somebody else's workspace is not given out, whatever the key.

        Raises:
            InvalidInput: as `of`.
        """
        name, digest = _checked(page), _digest(key)
        with self._lock:
            self._sweep()
            known, entry = None if digest is None else self._keys.get(digest), self._pages.get(name)
            if entry is not None and entry.owner != owner:
                raise InvalidInput(NOT_THE_PAGE)
            if known is not None and known.owner != owner:
                known.digest, known = None, None
            if known is not None:
                if entry is not None and entry is not known:
                    self._leave(entry, name)
                return self._used(self._attach(known, name)).session, Opening.RESTORED
            if entry is None or entry.digest is not None:
                if entry is not None:
                    self._leave(entry, name)
                entry = self._attach(self._made(owner, client), name)
            if digest is not None:
                entry.digest = digest
                self._keys[digest] = entry
            return self._used(entry).session, Opening.GONE if returning else Opening.FRESH

    def find(self, key: object, owner: str = "") -> Session | None:
        """Return the session under a key of whoever is signed in; this counts as a sign of life.

        None where there is none: somebody else's workspace is not given out, whatever the key.
        """
        digest = _digest(key)
        with self._lock:
            entry = None if digest is None else self._keys.get(digest)
            return None if entry is None or entry.owner != owner else self._used(entry).session

    def pages(self, key: object) -> tuple[str, ...]:
        """Return Gradio's session hashes of the pages that are open with the session under a key."""
        digest = _digest(key)
        with self._lock:
            entry = None if digest is None else self._keys.get(digest)
            return () if entry is None else tuple(page for page, connected in entry.pages.items() if connected)

    def closed(self, page: str | None) -> None:
        """Note that a page's connection ended; its session goes after `kept_seconds`, unless a page of it is open.

        The page may come back without a load: telephones close connections when a page is hidden.
        """
        with self._lock:
            entry = self._pages.get(page or "")
            if entry is not None and page is not None:
                entry.pages[page] = False
                entry.used_at = self._clock()
                self._sweep_later()
            self._sweep()

    def close(self) -> None:
        """End all sessions; returns when their work has stopped, at most `STOPPING` seconds later."""
        deadline = time.monotonic() + STOPPING
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            entries = list(self._entries)
            for entry in entries:
                self._drop(entry)
        for entry in entries:
            entry.session.jobs.join(max(0.0, deadline - time.monotonic()))

    def all(self) -> list[tuple[Session, bool]]:
        """Return all sessions, each with whether a page of it holds a connection."""
        with self._lock:
            return [(entry.session, any(map(self.is_open, entry.pages))) for entry in self._entries]

    def __len__(self) -> int:
        return len(self._entries)

    def _made(self, owner: str, client: str) -> _Entry:
        mine = [entry for entry in self._entries if entry.client == client]
        if len(mine) >= SESSIONS_OF_ONE:
            self._drop_least_needed(mine)
        if len(self._entries) >= SESSIONS:
            self._drop_least_needed(list(self._entries))
        entry = _Entry(Session(self._root / f"page-{secrets.token_urlsafe(16)}"), self._clock(), owner, client)
        self._entries[entry] = None
        return entry

    def _drop_least_needed(self, entries: list[_Entry]) -> None:
        """End one of these, listed from the one unused for longest. Raises `InvalidInput`: all have an open page."""
        spare = [entry for entry in entries if not any(map(self.is_open, entry.pages))]
        if not spare:
            raise InvalidInput("Too many pages are open. Close one, then try again.")
        self._drop(min(spare, key=_holds_something))

    def _attach(self, entry: _Entry, page: str) -> _Entry:
        entry.pages[page] = True
        entry.pages.move_to_end(page)
        self._pages[page] = entry
        while len(entry.pages) > PAGES:
            former, _ = entry.pages.popitem(last=False)
            self._pages.pop(former, None)
        return entry

    def _leave(self, entry: _Entry, page: str) -> None:
        """Take a page out of a session, which goes when nothing leads to it any more."""
        entry.pages.pop(page, None)
        if not entry.pages and entry.digest is None:
            self._drop(entry)

    def _used(self, entry: _Entry) -> _Entry:
        entry.used_at = self._clock()
        self._entries.move_to_end(entry)
        return entry

    def _drop(self, entry: _Entry) -> None:
        self._entries.pop(entry, None)
        for page in entry.pages:
            self._pages.pop(page, None)
        if entry.digest is not None:
            self._keys.pop(entry.digest, None)
        entry.session.close()

    def _sweep(self) -> None:
        now = self._clock()
        for entry in list(self._entries):
            if not any(entry.pages.values()) and now - entry.used_at >= self._kept:
                self._drop(entry)

    def _sweep_later(self) -> None:
        """Sweep once the page that was just closed may go, although nobody asks for anything meanwhile."""
        if self._timer is not None:
            return

        def sweep() -> None:
            with self._lock:
                self._timer = None
                self._sweep()
                if any(not any(entry.pages.values()) for entry in self._entries):
                    self._sweep_later()

        self._timer = threading.Timer(self._kept + 1, sweep)
        self._timer.daemon = True
        self._timer.start()


def _holds_something(entry: _Entry) -> bool:
    return bool(entry.session.jobs.running()) or entry.session.folder.exists()


def _checked(page: object) -> str:
    if not isinstance(page, str) or not 0 < len(page) <= 200:
        raise InvalidInput(NOT_THE_PAGE)
    return page


def _digest(key: object) -> bytes | None:
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        return None
    return hashlib.sha256(key.encode()).digest()
