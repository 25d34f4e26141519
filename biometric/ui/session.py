"""What the server remembers of each open page: its footage, observations and answers. Nothing of it is in the browser.

A page is known by Gradio's session hash, which only that page has. Sessions live in memory, are bounded in number,
and take their files with them when they end.
"""

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from biometric.entities import Identification, ObservedClip, VideoInfo
from biometric.errors import InvalidInput
from biometric.private_folder import remove_quietly

SESSIONS = 100
"""Most sessions kept; the one unused for longest goes first."""
KEPT_AFTER_CLOSE = 3600.0
"""Seconds for which a closed page's session is kept, because telephones close connections when a page is hidden."""

TABS = ("enrollment", "verification", "identification")


@dataclass(slots=True)
class Footage:
    """One tab's clip, the chosen frames, and what was learnt from them.

    Attributes:
        clip: the uploaded file, which is what is analysed, or None before an upload.
        label: its name for people (not escaped).
        player: a file that browsers play: the clip itself or its proxy, or None while there is none.
        first, last: chosen frames, 0-based, inclusive.
        accept_damaged: the person said that a damaged clip may be used.
        observed: people of exactly this clip and range, or None.
        person: the chosen person's number, or None.
        dropped: crop names of samples that the person took out.
        asked: the contact sheet has been shown, so that the next Submit acts on the choice.
        version: rises with every new clip, so that late answers about an older one are recognised.
    """

    clip: Path | None = None
    label: str = ""
    info: VideoInfo | None = None
    player: Path | None = None
    first: int = 0
    last: int = 0
    accept_damaged: bool = False
    observed: ObservedClip | None = None
    person: int | None = None
    dropped: set[str] = field(default_factory=set)
    version: int = 0
    asked: bool = False

    def choose_frames(self, first: int, last: int) -> None:
        """Take another range; an observation of the former one is forgotten here (the service may remember it)."""
        if (first, last) != (self.first, self.last):
            self.first, self.last = first, last
            self.forget()

    def forget(self) -> None:
        """Drop the observation and every choice that belongs to it."""
        self.observed = None
        self.asked = False
        self.person = None
        self.dropped = set()

    def observe(self, observed: ObservedClip) -> None:
        """Keep an observation; the most prominent usable person is chosen."""
        if observed is not self.observed:
            self.observed = observed
            best = observed.most_prominent
            self.person = None if best is None else best.person
            self.dropped = set()
            self.asked = False

    def copy(self) -> "Footage":
        """Return a copy for another tab: the clip and what was learnt from it, without choices about samples."""
        return replace(self, dropped=set(), asked=False)


@dataclass(slots=True)
class Session:
    """One open page.

    Attributes:
        folder: private files of this page (clips, proxies, downloads), made on first use.
        tabs: footage by tab.
        latest: the tab whose footage was changed last.
        thresholds: what the person set on the sliders, by purpose; absent means the default.
        claimed: id of the identity claimed in Verification, or None.
        answered: Verification has answered for the footage, so that another claim or person re-decides at once.
        gallery: gallery folder chosen in Identification, or None for the configured one.
        identifications: the last answer of Identification.
        opened: person number whose evidence is shown.
        enrolled: what the last enrollment was made from, and its identity and reference, so that a second press of
            Submit does not enroll twice.
        written_at: threshold with which the files of the last identification were written, or None.
        row: identity id on which the gallery sidebar acts.
    """

    folder: Path
    tabs: dict[str, Footage] = field(default_factory=lambda: {tab: Footage() for tab in TABS})
    latest: str | None = None
    thresholds: dict[str, float] = field(default_factory=dict)
    claimed: str | None = None
    answered: bool = False
    gallery: Path | None = None
    identifications: tuple[Identification, ...] = ()
    opened: int | None = None
    enrolled: tuple[tuple[object, ...], str, str] | None = None
    written_at: float | None = None
    row: str | None = None
    closed_at: float | None = None

    def footage(self, tab: str) -> Footage:
        """Return a tab's footage.

        Raises:
            InvalidInput: there is no such tab.
        """
        if tab not in self.tabs:
            raise InvalidInput("There is no such tab.")
        return self.tabs[tab]

    def carry(self, tab: str) -> bool:
        """Give a tab without footage the latest of another tab; True when it received some."""
        if self.footage(tab).clip is not None or self.latest is None or self.latest == tab:
            return False
        source = self.tabs[self.latest]
        if source.clip is None:
            return False
        self.tabs[tab] = source.copy()
        return True

    def new_folder(self, kind: str) -> Path:
        """Make a folder of an unguessable name within the session's."""
        folder = self.folder / f"{kind}-{secrets.token_urlsafe(12)}"
        folder.mkdir(mode=0o700, parents=True)
        return folder

    def close(self) -> None:
        """Remove the session's files."""
        remove_quietly(self.folder)


class Sessions:
    """All open pages, by Gradio's session hash; safe for several threads.

    Args:
        root: private folder of this process.
        clock: seconds that only rise.
    """

    def __init__(self, root: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._root = root
        self._clock = clock
        self._sessions: OrderedDict[str, Session] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, key: str | None) -> Session:
        """Return the session of a page, made on first use.

        Raises:
            InvalidInput: the request carries no session hash (it does not come from the page).
        """
        if not isinstance(key, str) or not 0 < len(key) <= 200:
            raise InvalidInput("This request does not come from an open page. Reload the page and try again.")
        with self._lock:
            self._sweep()
            session = self._sessions.get(key)
            if session is None:
                session = Session(self._root / f"page-{secrets.token_urlsafe(16)}")
                self._sessions[key] = session
            session.closed_at = None
            self._sessions.move_to_end(key)
            while len(self._sessions) > SESSIONS:
                _, oldest = self._sessions.popitem(last=False)
                oldest.close()
            return session

    def closed(self, key: str | None) -> None:
        """Note that a page's connection ended; its session goes after `KEPT_AFTER_CLOSE` seconds."""
        with self._lock:
            session = self._sessions.get(key or "")
            if session is not None:
                session.closed_at = self._clock()
            self._sweep()

    def __len__(self) -> int:
        return len(self._sessions)

    def _sweep(self) -> None:
        now = self._clock()
        for key, session in list(self._sessions.items()):
            if session.closed_at is not None and now - session.closed_at >= KEPT_AFTER_CLOSE:
                self._sessions.pop(key).close()
