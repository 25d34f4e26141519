"""Keeps the answers of the page in the library, beside the page's work: an answer is shown without waiting for it."""

import logging
import os
import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from biometric.entities import (
    AnswerKind,
    Enrollment,
    Identification,
    KeptAnswer,
    NewAnswer,
    ObservedClip,
    Verification,
)
from biometric.errors import BiometricError
from biometric.footage_keeper import FootageKeeper
from biometric.storage import remove_quietly
from biometric.ui.session import Session

logger = logging.getLogger(__name__)

Answer = Enrollment | Verification | Sequence[Identification]


@dataclass(slots=True)
class KeptNote:
    """What a tab has noted last: a question, its answer, and the id of that in the library, None before it is kept."""

    question: tuple[object, ...]
    answer: NewAnswer
    answer_id: str | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    note: KeptNote
    observed: ObservedClip
    folder: Path


class AnswerKeeping:
    """Takes note of answers; one thread keeps them in order. Safe for several threads.

    Args:
        keeper: the service's.
        root: private folder on the disk of the uploads.

    Attributes:
        problem: why the latest answer could not be kept, None where it was.
    """

    def __init__(self, keeper: FootageKeeper, root: Path) -> None:
        self._keeper = keeper
        self._root = root
        self._waiting: OrderedDict[tuple[object, ...], _Waiting] = OrderedDict()
        self._at_work = False
        self._quiet: set[int] = set()
        self._thread: threading.Thread | None = None
        self._changed = threading.Condition()
        self.problem: BiometricError | None = None

    def note(self, session: Session, tab: str, observed: ObservedClip, answer: Answer, gallery: Path | None) -> None:
        """Keep an answer of a tab soon; the same answer to the same question again is no other event.

        Another answer to the same question (another threshold) takes the place of the former one.
        """
        if id(session) in self._quiet:
            self.settle(session, tab, observed, answer, gallery)
            return
        new, question = NewAnswer.of(answer, gallery), _question(observed, answer, gallery)
        former = session.kept.get(tab)
        same = former is not None and former.question == question and new.kind is not AnswerKind.ENROLLMENT
        if same and former is not None and former.answer == new:
            return
        note = KeptNote(question, new)
        if same and former is not None:
            note = former
            note.answer = new
        session.kept[tab] = note
        if self._keeper.keeps_anything:
            with suppress(OSError):
                self._add((id(session), tab, question) if same else (object(),), note, observed)

    @contextmanager
    def quiet(self, session: Session) -> Iterator[None]:
        """Let what a session answers inside the block count as kept already: it comes from the library."""
        self._quiet.add(id(session))
        try:
            yield
        finally:
            self._quiet.discard(id(session))

    def settle(self, session: Session, tab: str, observed: ObservedClip, answer: Answer, gallery: Path | None) -> None:
        """Remember an answer that comes from the library, so that it is not kept anew; another one will be."""
        session.kept[tab] = KeptNote(_question(observed, answer, gallery), NewAnswer.of(answer, gallery))

    def wait(self, seconds: float) -> bool:
        """Wait until everything that was noted is kept; False when it took too long."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._waiting and not self._at_work, seconds)

    def _add(self, key: tuple[object, ...], note: KeptNote, observed: ObservedClip) -> None:
        folder = self._root / f"keep-{secrets.token_urlsafe(12)}"
        folder.mkdir(mode=0o700)
        clip = folder / observed.path.name
        try:
            os.link(observed.path, clip)  # the tab may let go of its clip before this one's turn
        except OSError:
            clip = observed.path
        with self._changed:
            superseded = self._waiting.pop(key, None)
            self._waiting[key] = _Waiting(note, replace(observed, path=clip), folder)
            if self._thread is None:
                self._thread = threading.Thread(target=self._work, name="keep", daemon=True)
                self._thread.start()
            self._changed.notify_all()
        if superseded is not None:
            remove_quietly(superseded.folder)

    def _work(self) -> None:
        while True:
            with self._changed:
                self._at_work = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: bool(self._waiting))
                _, item = self._waiting.popitem(last=False)
                self._at_work = True
            try:
                self._keep(item)
            finally:
                remove_quietly(item.folder)

    def _keep(self, item: _Waiting) -> None:
        note = item.note
        try:
            kept: KeptAnswer | None = self._keeper.keep(
                item.observed, note.answer, own_file=True, replaces=note.answer_id
            )
        except BiometricError as error:
            logger.warning("an answer could not be kept: %s", error)
            self.problem = error
        except Exception:  # the thread serves all pages: a fault of one answer must not end it
            logger.exception("an answer could not be kept")
        else:
            note.answer_id = None if kept is None else kept.id
            self.problem = None


def _question(observed: ObservedClip, answer: Answer, gallery: Path | None) -> tuple[object, ...]:
    """Return what is asked, apart from the threshold."""
    asked: object = None
    if isinstance(answer, Verification):
        asked = (answer.identity.id, answer.observation.person)
    return (observed.video.digest, observed.frames, observed.model_id, type(answer).__name__, gallery, asked)
