"""Opens a page with what it showed before, and keeps it in step with what happens elsewhere."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Any, Protocol

import gradio as gr

from biometric.errors import BiometricError
from biometric.messages.translation import gettext as _
from biometric.ui import elements, problems
from biometric.ui.browser_input import event
from biometric.ui.clients import owner_of
from biometric.ui.components import asset
from biometric.ui.page import FOLLOWS_JOB, QUIET, Page, Updates
from biometric.ui.recording_blocks import RecordingBlocks
from biometric.ui.screen import Screen, is_recording_itself, records_itself, renders_again
from biometric.ui.session import Session
from biometric.ui.session_store import Opening
from biometric.ui.text_format import escape


class AnsweringTab(Protocol):
    """A tab whose answer names people of the gallery."""

    @property
    def panel(self) -> Any:
        """Its footage panel."""

    def answer_after_edit(self, session: Session) -> Updates:
        """Return the answer as it would be given now."""


class PageSync:
    """The invisible part of the page that talks to `change_feed`; build it inside the page's blocks."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.notice = gr.HTML("", apply_default_css=False, elem_id="workspace-notice")
        self._mark = gr.HTML("", js_on_load=asset("sync.js"), apply_default_css=False, elem_id="workspace-sync")
        self.page.receipts.render()
        self._visit = gr.Textbox(visible=False, label="Workspace")
        self._tabs: Sequence[AnsweringTab] = ()
        self._restore: Callable[[Session], Updates] = lambda session: {}
        self._problem_place: Any = self.notice

    def connect(
        self,
        blocks: RecordingBlocks,
        tabs: Sequence[AnsweringTab],
        restore: Callable[[Session], Updates],
        problem_place: Any,
    ) -> None:
        """Attach the events; call when all other handlers of the page are attached.

        Args:
            tabs: those whose answers follow the gallery.
            restore: gives the updates that a reloaded page needs besides what was sent to it before.
            problem_place: component that says that the gallery cannot be read.
        """
        self._tabs, self._restore, self._problem_place = tabs, restore, problem_place
        blocks.screen_of = self._screen
        outputs = list(dict.fromkeys([*blocks.remembered(), *self.outputs, *blocks.limits.fields]))
        blocks.rendered_anew = frozenset(
            [*self.page.followers.components, self._mark, self.page.receipts, self.notice, self._visit]
        )
        blocks.load(self.on_opened, [self._visit], outputs, js=asset("load.js"), **QUIET)
        followers = [function for function in blocks.fns.values() if is_recording_itself(function.fn)]
        for function in followers:
            function.outputs = [*function.outputs, self.page.receipts]
        followed = list(dict.fromkeys(part for function in followers for part in function.outputs))
        self._mark.resumed(self.on_resumed, None, followed, **FOLLOWS_JOB)
        self._mark.changed(self.on_changed, None, self.outputs, **{**QUIET, "trigger_mode": "always_last"})

    @property
    def outputs(self) -> list[Any]:
        """All components that `on_changed` may change."""
        answers = [part for tab in self._tabs for part in tab.panel.answers]
        own = [self._problem_place, self.notice, self._mark]
        return list(dict.fromkeys([*self.page.followers.components, *answers, *own]))

    def after(self, event: Any) -> None:
        """Render what follows the gallery after an event that changes it; call `connect` first."""
        event.then(self.on_changed, None, self.outputs, **QUIET)

    def _screen(self, request: Any) -> Screen | None:
        try:
            return self.page.session(request).screen
        except BiometricError:
            return None  # a call of the API

    def on_opened(self, visit: Any, request: gr.Request) -> Updates:
        """The page was loaded: it shows what it showed before, or says that this is gone."""
        key, returning = _parse_visit(visit)
        session, opening = self.page.sessions.open(request.session_hash, key, returning, *owner_of(request))
        shown = Screen()
        if opening is Opening.RESTORED:
            session.screen.record(self._restore(session))
            session.screen.record(self._answers(session))
            session.jobs.mark_seen()
            shown.record(session.screen.updates())
        shown.record(self._gallery(session))
        shown.record({self.notice: self._gone() if opening is Opening.GONE else ""})
        return shown.updates()

    @renders_again
    def on_changed(self, request: gr.Request) -> Updates:
        """The gallery or its thresholds have changed, here or elsewhere: lists and answers follow."""
        session = self.page.session(request)
        return {**self._gallery(session), **session.screen.news(self._answers(session))}

    @records_itself
    async def on_resumed(self, data: gr.EventData, request: gr.Request) -> AsyncGenerator[Updates, None]:
        """A job runs that no page follows, or ended so: show it from here on.

        Its end may have been shown already, and only the word of that be late. What was pressed since then stays:
        parts are sent as they were noted last, and those that are not noted, because they follow the gallery, are
        rendered anew.
        """
        session = self.page.session(request)
        job = session.jobs.latest(event(data)[1])
        if job is None:
            return
        following = frozenset(self.page.followers.components)
        async with aclosing(job.follow(self.page.receipt(job))) as shown:
            async for updates in shown:
                anew = following.intersection(part for part, update in updates.items() if update != gr.skip())
                rendered = await asyncio.to_thread(self.page.followers.render_some, session, anew) if anew else {}
                yield {**session.screen.latest(updates), **rendered}  # asked again: rendering takes a while

    def answers(self, session: Session) -> Updates:
        """Return the updates that show a workspace's answers as they would be given now."""
        return self._answers(session)

    def _gallery(self, session: Session) -> Updates:
        revision = self.page.revision(session)  # first, so that a change during the rest is not missed
        updates, problem = self.page.followers.render(session)
        if problem is not None:
            updates[self._problem_place] = problems.problem(problem)
        return {**updates, self._mark: f'<i hidden data-revision="{escape(revision)}"></i>'}

    def _answers(self, session: Session) -> Updates:
        updates: Updates = {}
        for tab in self._tabs:
            if session.jobs.get(tab.panel.tab) is None:  # a job's answer is about the gallery as it is then
                updates.update(tab.answer_after_edit(session))
        return updates

    def _gone(self) -> str:
        minutes = self.page.service.settings.session_minutes
        text = _(
            "The server was restarted, or the page was away for more than {minutes} minutes. Choose the "
            "footage again; the gallery is as it was."
        ).format(minutes=minutes)
        return elements.banner("info", _("The footage and the answers of this page are gone"), text)


def _parse_visit(visit: object) -> tuple[object, bool]:
    """Return (key, whether the tab had it before and had used it) of what `load.js` sends; nothing is trusted."""
    try:
        sent = json.loads(visit) if isinstance(visit, str) and len(visit) < 1000 else None
    except (ValueError, RecursionError):
        sent = None
    if not isinstance(sent, dict):
        return None, False
    return sent.get("key"), sent.get("returning") is True
