"""Lets the workspaces of a running server forget people who are erased, on a page or by another process.

A page in sight is rendered anew as after any change of the gallery. What else the server holds of a page (what it
noted of it, so that a reload shows the same) is searched for the person's name and id; observations whose pictures
were deleted go. To know the names of people whom another process erases, the watch keeps those of the gallery.
"""

import logging
import os
import threading
from collections.abc import Callable, Collection
from pathlib import Path

from biometric.entities import ObservedClip
from biometric.errors import BiometricError
from biometric.ports import Gallery
from biometric.service import Sightline
from biometric.ui.screen import Updates
from biometric.ui.session import TABS, Session
from biometric.ui.session_store import Sessions

logger = logging.getLogger(__name__)

LOOK_EVERY = 2.0
"""Seconds between two looks at the files of the galleries that workspaces use; one `stat` each."""


class ErasureWatch:
    """Watches the galleries of all workspaces.

    Args:
        service: the service of the page.
        sessions: all workspaces.
        answers: gives the updates that show a workspace's answers as they would be given now.
    """

    def __init__(self, service: Sightline, sessions: Sessions, answers: Callable[[Session], Updates]) -> None:
        self._service = service
        self._sessions = sessions
        self._answers = answers
        self._marks: dict[Path | None, object] = {}
        self._seen: dict[Path | None, tuple[str, int]] = {}
        self._names: dict[str, set[str]] = {}
        self._ended = threading.Event()
        self._lock = threading.Lock()

    def start(self) -> None:
        """Look from now on, until `stop`."""
        threading.Thread(target=self._run, name="erasures", daemon=True).start()

    def stop(self) -> None:
        """Look no more."""
        self._ended.set()

    def look(self) -> None:
        """Look now whether somebody was erased."""
        with self._lock:
            sessions = self._sessions.all()
            for folder in {None, *(session.gallery for session, _ in sessions)}:
                try:
                    self._look_at(folder)
                except (BiometricError, OSError) as error:
                    logger.warning("Erasures of a gallery could not be looked for: %s", error)

    def _run(self) -> None:
        while not self._ended.wait(LOOK_EVERY):
            self.look()

    def _look_at(self, folder: Path | None) -> None:
        gallery = self._service.gallery(folder)
        mark = _mark(gallery)
        if mark == self._marks.get(folder):
            return
        revision, latest = gallery.revision(), gallery.latest_erasure()
        self._marks[folder] = mark
        seen, number = self._seen.get(folder, ("", -1))
        if (revision, latest) == (seen, number):  # what was written is no change of people: a record of an answer
            return
        self._seen[folder] = revision, latest
        here = {identity.id: identity.name for identity in gallery.identities()}
        gone = [known for known in self._names if known not in here] if latest > number >= 0 else []
        erased = [identity_id for identity_id in gone if gallery.erasure_of(identity_id) is not None]
        for identity_id, name in here.items():
            self._names.setdefault(identity_id, set()).add(name)
        if latest > number >= 0:
            texts = {text for identity_id in erased for text in (identity_id, *self._names.pop(identity_id))}
            self._forget(texts)

    def _forget(self, texts: Collection[str]) -> None:
        self._service.eraser.forget_observations()
        for session, in_sight in self._sessions.all():
            forget(session, texts, in_sight)
            if not in_sight:
                session.screen.record(self._answers(session))
                session.screen.forget(texts)


def forget(session: Session, texts: Collection[str], in_sight: bool) -> None:
    """Let a workspace forget people: what it noted that holds one of these texts, and observations without pictures."""
    session.screen.forget(texts)
    session.jobs.forget_ended(but_unseen=in_sight)
    for tab in TABS:
        footage = session.footage(tab)
        if footage.observed is not None and _lost_pictures(footage.observed):
            footage.forget()
    if session.claimed in texts:
        session.claimed = None
    session.claim_search = ""
    if session.people.identity in texts:
        session.people.go("everybody")
    session.people.query = ""


def _lost_pictures(observed: ObservedClip) -> bool:
    crops = [sample.crop for person in observed.observations for sample in person.samples]
    return any(crop is not None and not crop.is_file() for crop in crops)


def _mark(gallery: Gallery) -> object:
    """Return what differs after any write to a gallery's database; None without one."""
    found = []
    for name in ("gallery.sqlite3", "gallery.sqlite3-wal"):
        try:
            status = os.stat(gallery.folder / name)  # noqa: PTH116
        except OSError:
            continue
        found.append((status.st_ino, status.st_size, status.st_mtime_ns))
    return tuple(found) or None
