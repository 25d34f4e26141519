"""What is noted of a page, and what a reloaded page is sent."""

import asyncio
import threading
from types import SimpleNamespace
from typing import Any

import gradio as gr
from gradio.state_holder import SessionState

from biometric.ui.recording_blocks import RecordingBlocks
from biometric.ui.screen import Screen, records_itself, renders_again
from tests.own_loop import run_coroutine


def test_the_latest_value_of_each_property_counts() -> None:
    screen = Screen()
    screen.record({"a": "old", "b": gr.update(visible=False, value=3)})
    screen.record({"a": gr.update(visible=True), "b": gr.update(value=4)})
    screen.record({"a": "new", "c": gr.skip()})
    assert screen.updates() == {
        "a": gr.update(value="new", visible=True),
        "b": gr.update(value=4, visible=False),
    }


def test_news_are_updates_that_change_something() -> None:
    screen = Screen()
    screen.record({"a": "same", "b": "old"})
    assert screen.news({"a": "same", "b": "new", "c": ""}) == {"b": "new", "c": ""}
    assert screen.news({"a": gr.update(visible=False)}) == {"a": gr.update(visible=False)}


def test_what_was_drawn_before_a_later_step_is_not_sent_after_it() -> None:
    screen = Screen()
    earlier, press = screen.begin(), screen.begin()
    screen.sent({"people": "chosen", "note": gr.skip()}, press)
    assert screen.newest({"people": "not chosen", "note": "new", "list": "new"}, earlier) == {
        "note": "new",
        "list": "new",
    }
    later = screen.begin()
    assert screen.newest({"people": "newer"}, later) == {"people": "newer"}


def test_updates_that_are_sent_late_have_the_values_noted_last_of_the_same_properties() -> None:
    screen = Screen()
    screen.record({"note": "refused", "name": gr.update(value="Ad", interactive=False)})
    screen.record({"note": gr.update(value="", visible=False), "name": gr.update(value="Ada", interactive=True)})
    late = {"note": "refused", "name": gr.update(interactive=False), "other": "not noted", "same": gr.skip()}
    assert screen.latest(late) == {
        "note": gr.update(value=""),
        "name": gr.update(interactive=True),  # what somebody types stays
        "other": gr.update(value="not noted"),
        "same": gr.skip(),
    }


def test_taking_forgets() -> None:
    screen = Screen()
    screen.record({"a": 1})
    assert screen.take() == {"a": gr.update(value=1)}
    assert screen.take() == {}


def test_a_press_is_not_undone_by_what_was_drawn_anew_meanwhile() -> None:
    run_coroutine(_overtake)


async def _overtake() -> None:
    screen, going = Screen(), asyncio.Event()
    with RecordingBlocks(analytics_enabled=False) as blocks:
        place, count, button = gr.HTML(), gr.HTML(), gr.Button()

        @renders_again
        async def draw() -> Any:
            await going.wait()
            return {place: "as before", count: "2"}

        button.click(draw, None, [place, count])
        button.click(lambda: {place: "chosen"}, None, [place])
    blocks.screen_of = lambda request: screen
    drawing, pressing = blocks.fns.values()
    late = asyncio.ensure_future(blocks.call_function(drawing, []))
    await asyncio.sleep(0)
    assert (await blocks.call_function(pressing, []))["prediction"] == {place: "chosen"}
    going.set()
    assert (await late)["prediction"] == {count: "2"}


def test_a_press_before_and_during_a_drawing_are_told_from_each_other() -> None:
    screen = Screen()
    press, drawing = screen.begin(), screen.begin()
    assert not screen.crossed(["people"], drawing)
    screen.sent({"people": "chosen", "note": gr.skip()}, press)
    assert screen.crossed(["people"], drawing)  # it may have been drawn from what the press had not done yet
    assert not screen.crossed(["note"], drawing)
    screen.sent({"people": "drawn"}, drawing)
    assert not screen.crossed(["people"], drawing)
    later = screen.begin()
    screen.sent({"people": "chosen again"}, later)
    assert not screen.crossed(["people"], drawing)
    assert not screen.crossed(["people"], screen.begin())


def test_what_was_drawn_anew_is_not_drawn_over_a_press_that_is_answered_faster() -> None:
    run_coroutine(_overtake_while_it_is_made)


async def _overtake_while_it_is_made() -> None:
    """Gradio makes a message component by component, in threads; a press comes there, begun earlier or later."""
    screen, state, at = Screen(), {"chosen": "nobody"}, threading.Event()
    go_on, drawn = threading.Event(), 0

    with RecordingBlocks(analytics_enabled=False) as blocks:
        place, count, button = gr.HTML(), gr.HTML(), gr.Button()
        make = count.postprocess

        def make_slowly(value: Any) -> Any:
            at.set()
            assert go_on.wait(20)
            return make(value)

        count.postprocess = make_slowly

        @renders_again
        def draw() -> Any:
            nonlocal drawn
            drawn += 1
            return {place: state["chosen"], count: "2"}

        def press() -> Any:
            state["chosen"] = "Ada"
            return {place: state["chosen"]}

        async def early() -> Any:
            await begun.wait()
            return press()

        button.click(draw, None, [place, count])
        button.click(press, None, [place])
        button.click(early, None, [place])
    blocks.create_limiter()
    blocks.screen_of = lambda request: screen
    drawing, pressing, waiting = blocks.fns.values()
    begun = asyncio.Event()
    for handler, times in ((pressing, 1), (waiting, 2)):
        state["chosen"], drawn = "nobody", 0
        at.clear()
        go_on.clear()
        begun.clear()
        sooner = asyncio.ensure_future(blocks.process_api(handler, [])) if handler is waiting else None
        await asyncio.sleep(0)
        late = asyncio.ensure_future(blocks.process_api(drawing, []))
        assert await asyncio.to_thread(at.wait, 20)
        begun.set()
        pressed = await (sooner or blocks.process_api(handler, []))
        assert pressed["data"] == ["Ada"]
        go_on.set()
        shown = (await late)["data"]
        assert shown[0] in (gr.skip(), "Ada")
        assert shown[1] == "2"
        assert drawn == times  # a press that began earlier may know less than what was drawn: drawn again


def test_blocks_note_what_handlers_send_and_were_sent() -> None:
    run_coroutine(_note)


async def _note() -> None:
    screen = Screen()
    with RecordingBlocks(analytics_enabled=False) as blocks:
        name, note, other, secret = gr.Textbox(), gr.HTML(), gr.HTML(), gr.Textbox()
        upload, button = gr.File(), gr.Button()

        def steps(name: str, upload: Any, key: str) -> Any:
            yield {note: f"one {name}", secret: "x"}
            yield {note: f"two {name}"}

        @records_itself
        async def itself() -> Any:
            yield {other: "not noted"}

        button.click(steps, [name, upload, secret], [note, secret])
        button.click(lambda: ("left", "right"), None, [note, other])
        button.click(lambda: "alone", None, [other])
        button.click(itself, None, [other])
    assert set(blocks.remembered()) == {name, note, other, secret}
    blocks.create_limiter()
    blocks.screen_of = lambda request: screen if request is not None else None
    blocks.rendered_anew = frozenset([secret])
    request: Any = SimpleNamespace(session_hash="page")
    functions = list(blocks.fns.values())

    async def call(number: int, *values: Any, asked: Any = request) -> None:
        iterator = None
        while True:
            result = await blocks.call_function(functions[number], list(values), iterator, asked)
            iterator = result["iterator"]
            if iterator is None:
                return

    await call(0, "Ada", "/tmp/upload", "secret")
    assert screen.updates() == {name: gr.update(value="Ada"), note: gr.update(value="two Ada")}
    await call(3)
    assert other not in screen.updates()
    await call(1)
    assert screen.updates()[other] == gr.update(value="right")
    await call(2, asked=None)
    assert screen.updates()[other] == gr.update(value="right")
    await call(2)
    assert screen.updates()[other] == gr.update(value="alone")


def test_a_handler_without_a_step_to_make_changes_nothing() -> None:
    run_coroutine(_end_at_once)


async def _end_at_once() -> None:
    with RecordingBlocks(analytics_enabled=False) as blocks:
        note, other, button = gr.HTML("kept"), gr.HTML("kept"), gr.Button()

        def none() -> Any:
            yield from ()

        button.click(none, None, [note, other])
        button.click(none, None, [note])
    blocks.create_limiter()
    for function in blocks.fns.values():
        sent = await blocks.process_api(function, [], SessionState(blocks), session_hash="page")
        assert len(sent["data"]) == len(function.outputs)
        assert all("value" not in update for update in sent["data"]), "null would empty the parts"


def test_an_update_is_sent_whole_and_not_as_a_change_of_one_that_may_wait() -> None:
    run_coroutine(_several_updates)


async def _several_updates() -> None:
    with RecordingBlocks(analytics_enabled=False) as blocks:
        note, other, button = gr.HTML(), gr.HTML(), gr.Button()

        def steps() -> Any:
            yield {note: "answer"}
            yield {other: "files"}

        button.click(steps, None, [note, other])
    blocks.create_limiter()
    (function,) = blocks.fns.values()
    state, iterator, sent = SessionState(blocks), None, []
    while not sent or iterator is not None:
        step = await blocks.process_api(function, [], state, iterator=iterator, session_hash="page", event_id="event")
        iterator = step["iterator"]
        sent.append(step["data"])
    first, (((action, path, second),), _), last = sent
    assert first[0] == "answer"
    assert (action, path) == ("replace", [])
    assert "value" not in second
    assert "value" not in last[0]


def test_a_passphrase_is_not_noted() -> None:
    run_coroutine(_pass)


async def _pass() -> None:
    with RecordingBlocks(analytics_enabled=False) as blocks:
        name, passphrase, note = gr.Textbox(), gr.Textbox(type="password"), gr.HTML()
        gr.Button().click(lambda name, passphrase: "done", [name, passphrase], [note])
    assert set(blocks.remembered()) == {name, note}
    screen = Screen()
    blocks.create_limiter()
    blocks.screen_of = lambda request: screen
    [function] = blocks.fns.values()
    await blocks.call_function(function, ["Ada", "correct horse battery"])
    assert screen.updates() == {name: gr.update(value="Ada"), note: gr.update(value="done")}
