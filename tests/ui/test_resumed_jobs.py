"""A page follows a job again, late: it shows what is so by then, whatever it received before. No browser, no server.

Handlers run as Gradio runs them, in an order that the test forces; `Shown` is what a page has of what it was sent.
"""

from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from biometric.ui.field_errors import Field
from biometric.ui.page import Updates
from tests.own_loop import run_coroutine
from tests.ui.test_tabs import AS_BY_DEFAULT, Clips, Desk, desk  # noqa: F401 - a fixture

PAGE: Any = gr.Request(session_hash="page")
WHOLE = (0, 39, False, None, False)
"""Frames of the clips, and no ticks."""


def clicked(action: str, value: object) -> gr.EventData:
    return gr.EventData(None, {"action": action, "value": str(value)})


class Shown:
    """What one page shows, of what its handlers sent."""

    def __init__(self, sitting: Desk) -> None:
        self.desk = sitting
        self.blocks = sitting.interface.blocks
        self.blocks.create_limiter()
        self.parts: dict[Any, dict[str, Any]] = {}

    async def press(self, component: Any, event: str, *values: Any, data: Any = None, lost: bool = False) -> Updates:
        """Run what an event of a component triggers, to its end; `lost`: the page receives nothing of it."""
        functions = self.blocks.fns.values()
        function = next(f for f in functions if (component._id, event) in f.targets and f.fn is not None)
        sent: Updates = {}
        iterator = None
        while True:
            step = await self.blocks.call_function(function, list(values), iterator, PAGE, event_data=data)
            iterator = step["iterator"]
            if isinstance(step["prediction"], dict):
                sent.update({part: value for part, value in step["prediction"].items() if value != gr.skip()})
            if iterator is None:
                break
        for part, update in {} if lost else sent.items():
            properties = update if isinstance(update, dict) else {"value": update}
            self.parts.setdefault(part, {}).update(properties)
        return sent

    async def resume(self, name: str) -> Updates:
        """Follow a job again, as `sync.js` does when the server says that its end is not shown."""
        mark = next(part for part in self.blocks.blocks.values() if part.elem_id == "workspace-sync")
        return await self.press(mark, "resumed", data=clicked("resume", name))

    def value(self, part: Any) -> str:
        return str(self.parts[part].get("value"))


@pytest.fixture
def shown(desk: Desk) -> Shown:  # noqa: F811 - the fixture
    return Shown(desk)


async def refused_then_opened(shown: Shown, clip: Path, *, lost: bool) -> Any:
    """Press Enroll without a clip, then choose one; returns the note that said the error."""
    panel = shown.desk.enrollment.panel
    await shown.press(panel.submit, "click", "", *AS_BY_DEFAULT, 0, 0, False, None, False)
    note = next(part for part in shown.parts if getattr(part, "elem_id", "") == f"enrollment-{Field.FOOTAGE}-note")
    assert "No clip yet" in shown.value(note)
    await shown.press(panel.drop, "upload", str(shown.desk.upload(clip)), lost=lost)
    return note


def test_a_refusal_does_not_come_back_over_a_clip_that_was_chosen_since(shown: Shown, clips: Clips) -> None:
    async def visit() -> None:
        note = await refused_then_opened(shown, clips["one"], lost=False)
        assert shown.value(note) == ""
        sent = await shown.resume("enrollment")
        assert shown.desk.page.receipts in sent
        assert shown.value(note) == ""
        assert shown.desk.session.screen.updates()[note]["value"] == "", "a reloaded page must not get it either"

    run_coroutine(visit)


def test_what_a_page_lost_of_a_later_press_reaches_it_with_the_job(shown: Shown, clips: Clips) -> None:
    async def visit() -> None:
        note = await refused_then_opened(shown, clips["one"], lost=True)
        assert "No clip yet" in shown.value(note)
        await shown.resume("enrollment")
        assert shown.value(note) == ""

    run_coroutine(visit)


def test_parts_that_follow_the_gallery_are_rendered_anew(shown: Shown, clips: Clips) -> None:
    async def visit() -> None:
        tab = shown.desk.enrollment
        await shown.press(tab.panel.drop, "upload", str(shown.desk.upload(clips["one"])))
        await shown.press(tab.panel.submit, "click", "Ada", *AS_BY_DEFAULT, *WHOLE)
        assert "Undo" in shown.value(tab.undo.line)
        number, _ = shown.desk.session.noted_changes["enrollment"]
        await shown.press(tab.undo.line, "act", data=clicked("undo", number))
        undone = shown.value(tab.undo.line)
        assert "Redo" in undone
        await shown.resume("enrollment")
        assert shown.value(tab.undo.line) == undone
        assert "is enrolled" not in shown.value(tab.answer)

    run_coroutine(visit)
