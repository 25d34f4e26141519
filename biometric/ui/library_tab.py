"""The Library tab: clips that were answered, with their answers, and the history of all."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from biometric.entities import AnswerKind, ClipOrder, KeptAnswer
from biometric.errors import BiometricError, InvalidInput, UnknownClip
from biometric.messages.translation import gettext as _
from biometric.ui import library_pages, presenters, problems
from biometric.ui.batch_panel import BatchPanel, batch_panel
from biometric.ui.browser_input import NOT_UNDERSTOOD, event, parse_int
from biometric.ui.components import area, on_act
from biometric.ui.library_opening import OpenedClip, open_kept
from biometric.ui.library_state import ANSWERS_AT_ONCE, CLIPS_AT_ONCE, LibraryState
from biometric.ui.page import QUIET, Page, Steps, Updates
from biometric.ui.panel import Panel
from biometric.ui.session import Session
from biometric.ui.step_runs import guarded, run_once

ALL_CLICKS: dict[str, Any] = {**QUIET, "trigger_mode": "multiple"}
LOADING = '<div class="sl-people sl-loading" aria-hidden="true"></div>'
"""Takes the room of what comes, so that nothing jumps."""


@dataclass(frozen=True, slots=True)
class TakingTab:
    """A tab that takes a kept clip.

    Attributes:
        panel: its footage panel.
        also: components beside those of the panel that `reopen` may change.
        reopen: gives the tab's answer about the clip that it has now, from (session, gallery), by arithmetic alone.
    """

    panel: Panel
    also: Sequence[Any]
    reopen: Callable[[Session, Path | None], Updates]


@dataclass(frozen=True, slots=True)
class LibraryTab:
    """The finished tab.

    Attributes:
        batch: several clips at once, above the clips.
    """

    page: Page
    search: gr.Textbox
    problem: gr.HTML
    batch: BatchPanel
    main: gr.HTML

    @property
    def following(self) -> list[Any]:
        """Components that `render` changes."""
        return [self.main]

    def render(self, session: Session) -> Updates:
        """Return the tab as library and gallery are now; an unreadable library is said here and nowhere else."""
        try:
            return {self.main: self._html(session.library)}
        except BiometricError as error:
            return {self.main: problems.problem(error)}

    def after_click(self, session: Session) -> Updates:
        """Return the tab where a click has led."""
        return {**self.render(session), self.problem: ""}

    def search_shown(self, state: LibraryState) -> Any:
        """Return the search box where a click has led to another place; elsewhere somebody may be typing into it."""
        return gr.update(visible=state.place == "clips", value=state.query)

    def _html(self, state: LibraryState) -> str:
        keeper = self.page.service.library
        if state.place == "history":
            answers, total = keeper.history(state.kind, ANSWERS_AT_ONCE, state.page * ANSWERS_AT_ONCE)
            if not answers and state.page:
                state.page = 0
                return self._html(state)
            return library_pages.history(answers, total, self._names(answers), state)
        clips, total = keeper.clips(state.query, state.order, CLIPS_AT_ONCE, state.page * CLIPS_AT_ONCE)
        if not clips and state.page:  # removed meanwhile
            state.page = 0
            return self._html(state)
        names = self._names(answer for clip in clips for answer in clip.answers)
        problem = self.page.keeping.problem
        return library_pages.clips(clips, total, keeper.usage(), names, state, self.page.pictures, problem)

    def _names(self, answers: Iterable[KeptAnswer]) -> Mapping[str, str]:
        galleries: set[Path | None] = {answer.gallery for answer in answers}
        names: dict[str, str] = {}
        for gallery in galleries | {None}:
            try:
                names |= self.page.service.library.names([gallery])
            except BiometricError:
                continue  # the header says what is wrong; these people stay without a name
        return names


def library_tab(page: Page, tabs: gr.Tabs, takers: Mapping[str, TakingTab]) -> LibraryTab:
    """Build the tab and attach its events. Call inside its `gr.Tab`.

    Args:
        tabs: of the page.
        takers: the tabs that a clip opens in, by their id.
    """
    batch = batch_panel(page)
    problem = area(elem_id="library-problem")
    search = gr.Textbox(label=_("Search by clip, person or camera"), max_lines=1, elem_id="library-search")
    main = area(LOADING, elem_id="library-main")
    tab = LibraryTab(page, search, problem, batch, main)
    panels = [taker.panel for taker in takers.values()]

    def on_click(data: gr.EventData, request: gr.Request) -> Updates:
        session = page.session(request)

        def run() -> Updates:
            action, value = event(data)
            state = session.library
            place = state.place
            state.clicks, state.focus, state.said = state.clicks + 1, "", ""
            try:
                if action == "open":
                    return {**_open(page, session, takers, value), tabs: gr.Tabs(selected=session.tab), problem: ""}
                _act(page, state, action, value)
            except UnknownClip as error:  # gone meanwhile: show what is there instead
                return {**tab.after_click(session), problem: problems.refusal(error)}
            moved = {search: tab.search_shown(state)} if state.place != place else {}
            return {**tab.after_click(session), **moved}

        return run_once(run, problem)

    def on_search(text: Any, request: gr.Request) -> Updates:
        session = page.session(request)
        query = text if isinstance(text, str) else ""
        if query == session.library.query:  # set by a click, which has rendered it
            return {problem: gr.skip()}
        session.library.query, session.library.page = query, 0
        return run_once(lambda: tab.render(session), problem)

    def on_opened(request: gr.Request) -> Steps:
        session = page.session(request)
        for panel in panels:
            if session.footage(panel.tab).ends_later:
                yield from guarded(panel.show_ends_later(session), panel.status)
        yield {problem: gr.skip()}

    taken = [tabs, search, problem, main]
    for taker in takers.values():
        taken += [*taker.panel.components, *taker.panel.answers, *taker.also]
    # One after the other, and none is lost: by default Gradio drops what comes before the former is answered.
    clicked = on_act(
        main,
        on_click,
        outputs=list(dict.fromkeys(taken)),
        concurrency_limit=1,
        concurrency_id="library",
        **ALL_CLICKS,
    )
    later = [component for panel in panels for component in (*panel.components, panel.status)]
    ends = list(dict.fromkeys([problem, *later]))
    clicked.then(on_opened, None, ends, **ALL_CLICKS)

    def opener(session: Session, value: str) -> Updates:
        opened = _open(page, session, takers, f"{AnswerKind.IDENTIFICATION}/{value}")
        return {**opened, tabs: gr.Tabs(selected=session.tab), problem: ""}

    batch.connect(opener, taken).then(on_opened, None, ends, **ALL_CLICKS)
    # Not `input`, which Gradio sends after keys only: text is pasted, spoken and completed, too.
    search.change(on_search, [search], [*tab.following, problem], trigger_mode="always_last", **QUIET)
    return tab


def _open(page: Page, session: Session, takers: Mapping[str, TakingTab], value: str) -> Updates:
    """Open a clip in a tab: `value` is "tab/clip id/answer id", the last of which may be empty."""
    name, _slash, rest = value.partition("/")
    clip_id, _slash, answer_id = rest.partition("/")
    taker = takers.get(name)
    if taker is None:
        raise InvalidInput(NOT_UNDERSTOOD)
    opened = open_kept(page, session, name, clip_id, answer_id or None)
    updates = {**taker.panel.render(opened.footage), **taker.panel.reset()}
    if opened.decidable:
        with page.keeping.quiet(session):
            updates.update(_answered(taker, session, opened))
    else:
        updates[taker.panel.status] = presenters.status_message(
            _("What was seen cannot be compared with the model in use. Press the button to look again.")
        )
    return updates


def _answered(taker: TakingTab, session: Session, opened: OpenedClip) -> Updates:
    try:
        return taker.reopen(session, opened.answer.gallery)
    except BiometricError as error:
        return taker.panel.show_failure(session, error)


def _act(page: Page, state: LibraryState, action: str, value: str) -> None:
    """Do what a click asks for.

    Raises:
        InvalidInput: there is no such action.
        UnknownClip: the clip is gone.
        KeptFootageError, StorageFull: the library refused; nothing has changed.
    """
    name, _colon, argument = action.partition(":")
    step = _STEPS.get(name)
    if step is None:
        raise InvalidInput(NOT_UNDERSTOOD)
    step(page, state, argument or value, value)


def _order(page: Page, state: LibraryState, value: str, text: str) -> None:
    if value not in set(ClipOrder):
        raise InvalidInput(NOT_UNDERSTOOD)
    state.order, state.page, state.focus = ClipOrder(value), 0, f"order:{value}"


def _kind(page: Page, state: LibraryState, value: str, text: str) -> None:
    if value not in {"", *AnswerKind}:
        raise InvalidInput(NOT_UNDERSTOOD)
    state.kind, state.page, state.focus = AnswerKind(value) if value else None, 0, f"kind:{value}"


def _turn(page: Page, state: LibraryState, value: str, text: str) -> None:
    state.page, state.focus = max(0, parse_int(value, _("The page"))), "range"


def _clips(page: Page, state: LibraryState, value: str, text: str) -> None:
    state.go("clips", "library")


def _history(page: Page, state: LibraryState, value: str, text: str) -> None:
    state.go("history", "answers")


def _unfold(page: Page, state: LibraryState, clip_id: str, text: str) -> None:
    state.unfolded = None if state.unfolded == clip_id else page.service.library.clip(clip_id).id
    state.question, state.focus = "", f"unfold:{clip_id}"


def _ask_remove(page: Page, state: LibraryState, clip_id: str, text: str) -> None:
    state.unfolded = page.service.library.clip(clip_id).id
    state.question, state.focus = "remove", "remove-question"


def _ask_camera(page: Page, state: LibraryState, clip_id: str, text: str) -> None:
    state.unfolded = page.service.library.clip(clip_id).id
    state.question, state.focus = "camera", "camera-text"


def _never_mind(page: Page, state: LibraryState, clip_id: str, text: str) -> None:
    asked, state.question = state.question, ""
    state.focus = f"ask-{asked}:{clip_id}"


def _remove(page: Page, state: LibraryState, clip_id: str, text: str) -> None:
    if (state.unfolded, state.question) != (clip_id, "remove"):
        raise InvalidInput("Press Remove first; nothing was removed.")
    label = page.service.library.remove(clip_id).label
    state.unfolded, state.question, state.focus = None, "", "said"
    state.said = _("{clip} and its answers are removed for good.").format(clip=label)


def _camera(page: Page, state: LibraryState, clip_id: str, text: str) -> None:
    page.service.library.set_camera(clip_id, text)
    state.question, state.focus = "", f"ask-camera:{clip_id}"


_STEPS: Mapping[str, Callable[[Page, LibraryState, str, str], None]] = {
    "order": _order,
    "kind": _kind,
    "page": _turn,
    "clips": _clips,
    "history": _history,
    "unfold": _unfold,
    "ask-remove": _ask_remove,
    "ask-camera": _ask_camera,
    "never-mind": _never_mind,
    "remove": _remove,
    "camera": _camera,
}
"""What each action does, given (page, state, the action's argument, what was typed)."""
