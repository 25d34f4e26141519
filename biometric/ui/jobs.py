"""Work that outlives the page's connection: it runs in a thread of its own, and a reloaded page follows it again.

Gradio ends a handler when its page is gone. A `Job` runs a handler's steps apart from that; the handler only follows
it. A job whose page does not come back in time stops, as one that is cancelled does: at its next step.
"""

import asyncio
import itertools
import logging
import threading
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import closing, suppress

import gradio as gr

from biometric.entities import Progress
from biometric.entities.actors import acting_as, current_actor
from biometric.errors import BiometricError
from biometric.messages.translation import N_
from biometric.ui import job_pace
from biometric.ui.screen import Screen, Updates
from biometric.ui.turns import Place, Ticket, Turns

logger = logging.getLogger(__name__)

Steps = Generator[Updates, None, None]
LEFT = N_("The work was stopped, because the page was away for too long. Nothing was stored.")
_SERIALS = itertools.count(1)
TOLD_WITHIN = 4.0  # seconds in which a page says that it received a job's end
SPACING = 0.1  # seconds between two updates to a page: what comes meanwhile goes together


class _Follower:
    """A handler that hands a job's updates on to its page."""

    def __init__(self, shown: Updates) -> None:
        self.waiting = Screen()
        self.waiting.record(shown)
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()

    def wake(self) -> None:
        """Tell it, from any thread, that there is something to hand on."""
        with suppress(RuntimeError):  # the server has ended
            self._loop.call_soon_threadsafe(self._news.set)

    async def news(self) -> None:
        """Wait until there is something to hand on."""
        await self._news.wait()
        self._news.clear()


class Job:
    """One run of a handler's steps; `start` it once.

    Args:
        make: gives the steps; called in the job's thread.
        screen: what the page shows, which the job's updates change whether or not the page is there.
        turns: whose turn it is for work of this kind.
        away_seconds: how long it goes on while no page follows it.
        waiting: gives the updates that say the job's place in the line.
        stopped: gives the updates that say, by a sentence, that the job did not begin or was not finished.
        size: how many frames there are to read, 0 where that is unknown.
        background: no page needs to follow it: it shows nothing of its own.
        ended: called in the job's thread once it has ended, however it did.
        clock: seconds that only rise.
    """

    def __init__(
        self,
        make: Callable[[], Steps],
        screen: Screen,
        *,
        turns: Turns,
        away_seconds: float,
        waiting: Callable[[Place], Updates],
        stopped: Callable[[str], Updates],
        size: int = 0,
        background: bool = False,
        ended: Callable[[], object] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._make, self._screen, self._turns, self._stopped = make, screen, turns, stopped
        self._waiting, self._away_seconds, self._clock = waiting, away_seconds, clock
        self._pace = job_pace.Pace(clock)
        self._ticket = Ticket(size, self._pace.seconds_left)
        self._shown = Screen()
        self._followers: list[_Follower] = []
        self._alone_since: float | None = clock()
        self._cancelled = False
        self._ended = False
        self._seen = self._background = background
        self._sent = self._told = False
        self.serial = next(_SERIALS)
        self._when_ended = ended
        self._actor = current_actor()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="job", daemon=True)

    @property
    def running(self) -> bool:
        """Whether it waits or works, and is not cancelled."""
        return not (self._ended or self._cancelled)

    @property
    def unseen(self) -> bool:
        """Whether no page follows it, although it runs or its end was not shown; its own page gets a moment to."""
        patience = TOLD_WITHIN if self._sent else 1.0
        shown_elsewhere = self._cancelled and not self._told  # by whoever cancelled it
        return not (self._seen or shown_elsewhere) and self._alone_for() >= patience

    @property
    def progress(self) -> Progress | None:
        """How far it is, None while it waits and where it did not say."""
        return self._pace.latest

    @property
    def place(self) -> Place | None:
        """Its place in the line while it waits."""
        return self._turns.place(self._ticket)

    def mark_seen(self) -> None:
        """Note that a page shows its end, if there is one."""
        self._seen = self._background or self._ended

    def _alone_for(self) -> float:
        """Return for how many seconds no page has followed it."""
        return 0.0 if self._alone_since is None else self._clock() - self._alone_since

    def start(self) -> "Job":
        """Begin; returns itself."""
        self._thread.start()
        return self

    def cancel(self, updates: Updates | None = None) -> None:
        """Stop the work at its next step; it shows these updates last, and nothing any more of its own."""
        self._show(updates or {})
        with self._lock:
            self._cancelled = True
            followers = list(self._followers)
        for follower in followers:
            follower.wake()

    def stop(self, sentence: str) -> None:
        """Cancel it; what it shows last says so by a sentence, also on a page that does not follow it just now."""
        self._told = True
        self.cancel(self._stopped(sentence))

    def join(self, seconds: float) -> None:
        """Wait until it has ended, at most so long."""
        if self._thread.ident is not None:
            self._thread.join(seconds)

    async def follow(self, receipt: Updates | None = None) -> AsyncGenerator[Updates, None]:
        """Yield what the job has shown so far, then what it shows, until it ends or this is closed.

        Each part is sent as the screen has it by then, which is newer where something else changed it since.

        Args:
            receipt: sent at the end, which counts as shown once `Jobs.note_shown` is told that this arrived: what is
                sent may get lost. Without one it counts when it was sent.
        """
        with self._lock:
            follower = _Follower(self._shown.updates())
            self._followers.append(follower)
            self._alone_since = None
        last: Updates = {}
        try:
            while True:
                ended = not self.running
                # What a press has sent meanwhile is newer than what the job showed before it.
                updates = self._screen.latest(follower.waiting.take())
                if updates:
                    last = dict.fromkeys(updates, gr.skip())
                    yield updates
                    await asyncio.sleep(SPACING)
                elif ended:
                    self._sent = True
                    if receipt is None:
                        self.mark_seen()
                    if last or receipt:  # Gradio sends the last update twice: it must not undo what came meanwhile
                        yield {**last, **(receipt or {})}
                    return
                else:
                    await follower.news()
        finally:
            with self._lock:
                self._followers.remove(follower)
                if not self._followers:
                    self._alone_since = self._clock()

    def _run(self) -> None:
        job_pace.use(self._pace)
        turn = self._turns.turn(self._unwanted, lambda place: self._show(self._waiting(place)), self._ticket)
        try:
            with acting_as(self._actor), turn as granted:
                finished = granted and self._work()
                if finished:
                    self._turns.note_finished(self._ticket)
            if not finished:
                self._show(self._stopped(LEFT))
        except BiometricError as error:
            self._show(self._stopped(str(error)))
        except Exception:  # steps tell their own errors; this is a defect, and a thread has nobody to raise it to
            logger.exception("a job of the page failed")
        finally:
            with self._lock:
                self._ended = True
                followers = list(self._followers)
            for follower in followers:
                follower.wake()
            self._when_ended()

    def _work(self) -> bool:
        """Run the steps; False when they were stopped before their end."""
        steps = self._make()
        with closing(steps):
            while not self._unwanted():
                try:
                    updates = next(steps)
                except StopIteration:
                    return True
                self._show(updates)
        return False

    def _unwanted(self) -> bool:
        return self._cancelled or self._alone_for() >= self._away_seconds

    def _show(self, updates: Updates) -> None:
        """Record updates and pass them on, unless the job was cancelled."""
        with self._lock:
            if self._cancelled:
                return
            self._screen.record(updates)
            self._shown.record(updates)
            for follower in self._followers:
                follower.waiting.record(updates)
                follower.wake()
