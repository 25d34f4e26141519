"""The state that the server keeps of each open page: its footage, observations and answers. The browser has none of it.

A page is known by Gradio's session hash, which only that page has. Sessions live in memory, are bounded in number,
and take their files with them when they end.
"""

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from biometric.entities import Identification, ObservedClip, VideoInfo
from biometric.errors import InvalidInput
from biometric.storage import remove_quietly

SESSIONS = 100
"""Most sessions kept; the one unused for longest goes first."""
KEPT_AFTER_CLOSE = 3600.0
"""Seconds for which a closed page's session is kept, because telephones close connections when a page is hidden."""

TABS = ("enrollment", "verification", "identification")

CHANGED = "The frames were changed while they were read. Press Submit again."
REPLACED = "The clip was replaced while it was read. Nothing was stored."


@dataclass(slots=True)
class Footage:
    """One tab's clip, the chosen frames, and the observation of them.

    An observation is attached to, and given out for, exactly the clip, frames and acceptance of damage that it was made
    from; changing one of them drops it, so that callers need not check.

    Attributes:
        clip: the uploaded file, which is what is analysed, or None before an upload.
        label: its name for people (not escaped).
        player: a file that browsers play: the clip itself or its proxy, or None while there is none.
        first, last: chosen frames, 0-based, inclusive.
        accept_damaged: the person said that a damaged clip may be used.
        person: the chosen person's number, or None.
        picked: the person was chosen by a click, not by being the most prominent.
        dropped: crop names of samples that the person took out.
        people_shown: the contact sheet has been shown, so that the next Submit acts on the choice.
        gallery: gallery folder that the chosen person came from and goes to, or None for the configured one.
        replaced: another clip has taken this one's place in its tab; work for it is to stop.
    """

    clip: Path | None = None
    label: str = ""
    info: VideoInfo | None = None
    player: Path | None = None
    first: int = 0
    last: int = 0
    accept_damaged: bool = False
    person: int | None = None
    picked: bool = False
    dropped: set[str] = field(default_factory=set)
    people_shown: bool = False
    gallery: Path | None = None
    replaced: bool = False
    _observed: ObservedClip | None = None

    @property
    def observed(self) -> ObservedClip | None:
        """People of exactly this clip, range and acceptance of damage, or None."""
        observation = self._observed
        return observation if observation is not None and self._fits(observation) else None

    @property
    def readable(self) -> ObservedClip | None:
        """`observed` while its crops are on disk, which the service keeps for the latest observations only."""
        observed = self.observed
        return observed if observed is not None and observed.folder.is_dir() else None

    def _fits(self, observed: ObservedClip) -> bool:
        return (
            not self.replaced
            and self.info is not None
            and observed.video.digest == self.info.digest
            and (observed.frames.first, observed.frames.last) == (self.first, self.last)
            and observed.damage_accepted == self.accept_damaged
        )

    def choose_frames(self, first: int, last: int) -> bool:
        """Take another range and drop the observation of the former one; True when it is another."""
        if (first, last) == (self.first, self.last):
            return False
        self.first, self.last = first, last
        self.forget()
        return True

    def accept(self, damaged: bool) -> None:
        """Set whether a damaged clip may be used; a change drops the observation."""
        if damaged != self.accept_damaged:
            self.accept_damaged = damaged
            self.forget()

    def forget(self) -> None:
        """Drop the observation and every choice that belongs to it (the service may remember the observation)."""
        self._observed = None
        self.gallery = None
        self._choose_anew(None)

    def observe(self, observed: ObservedClip) -> ObservedClip:
        """Keep an observation and return it; the most prominent usable person is chosen.

        Choices stay where the same people were only read again, because their crops had been cleared away.

        Raises:
            InvalidInput: it is not of this clip and these frames, because they were changed while it was made.
        """
        self.check_wanted()
        if not self._fits(observed):
            raise InvalidInput(CHANGED)
        former, self._observed = self._observed, observed
        if former is None or _samples(former) != _samples(observed):
            best = observed.most_prominent
            self._choose_anew(None if best is None else best.person)
        return observed

    def _choose_anew(self, person: int | None) -> None:
        self.person, self.picked = person, False
        self.dropped, self.people_shown = set(), False

    def check_wanted(self) -> None:
        """Raise `InvalidInput` when another clip has taken this one's place, so that work for it stops."""
        if self.replaced:
            raise InvalidInput(REPLACED)

    def copy(self) -> "Footage":
        """Return a copy for another tab: the clip and its observation, without choices about samples."""
        return replace(self, dropped=set(), people_shown=False, picked=False, gallery=None, replaced=False)


def _samples(observed: ObservedClip) -> list[tuple[int, list[str]]]:
    """Return what choices refer to: the people's numbers with the names of their kept crops."""
    return [
        (observation.person, [sample.detection.crop_name for sample in observation.kept])
        for observation in observed.observations
    ]


@dataclass(slots=True)
class Session:
    """One open page.

    Attributes:
        folder: private files of this page (clips, proxies, downloads), made on first use.
        latest: the tab whose footage was changed last.
        thresholds: what the person set on the sliders, by purpose; absent means the default.
        claimed: id of the identity claimed in Verification, or None.
        answered: Verification has answered for the footage, so that another claim or person re-decides at once.
        gallery: gallery folder chosen in Identification, or None for the configured one.
        identifications: the last answer of Identification.
        opened: person number whose evidence is shown.
        enrolled: what the last enrollment was made from, and its identity and reference, so that a second press of
            Submit does not enroll twice.
        enrollment_shown: the answer of Enrollment names people of the gallery.
        written_at: threshold with which the files of the last identification were written, or None.
        row: identity id on which the gallery sidebar acts.
    """

    folder: Path
    _tabs: dict[str, Footage] = field(default_factory=lambda: {tab: Footage() for tab in TABS})
    latest: str | None = None
    thresholds: dict[str, float] = field(default_factory=dict)
    claimed: str | None = None
    answered: bool = False
    gallery: Path | None = None
    identifications: tuple[Identification, ...] = ()
    opened: int | None = None
    enrolled: tuple[tuple[object, ...], str, str] | None = None
    enrollment_shown: bool = False
    written_at: float | None = None
    row: str | None = None
    closed_at: float | None = None

    def footage(self, tab: str) -> Footage:
        """Return a tab's footage.

        Raises:
            InvalidInput: there is no such tab.
        """
        if tab not in self._tabs:
            raise InvalidInput("There is no such tab.")
        return self._tabs[tab]

    @property
    def tabs(self) -> Mapping[str, Footage]:
        """Footage by tab, to look at; `put` changes it."""
        return MappingProxyType(self._tabs)

    def put(self, tab: str, footage: Footage) -> Footage:
        """Give a tab other footage and return the former, which takes work for it and the tab's answer along."""
        former = self.footage(tab)
        former.replaced = True
        self._tabs[tab] = footage
        self.forget_answer(tab)
        return former

    def forget_answer(self, tab: str) -> None:
        """Forget what a tab answered, because its clip or frames are no longer those."""
        if tab == "enrollment":
            self.enrollment_shown = False
        elif tab == "verification":
            self.answered = False
        else:
            self.identifications, self.opened, self.written_at = (), None, None

    def carry(self, tab: str) -> bool:
        """Give a tab without footage the latest of another tab; True when it received some."""
        if self.footage(tab).clip is not None or self.latest is None or self.latest == tab:
            return False
        source = self._tabs[self.latest]
        if source.clip is None:
            return False
        self.put(tab, source.copy())
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
