"""The range is chosen on the timeline by mouse, keyboard and finger, in a real browser."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ui.serving import Server
from tests.ui.visiting import Visitor

pytestmark = pytest.mark.browser
Clips = dict[str, Path]


@pytest.fixture
def visitor(chromium: Any, server: Server, clips: Clips) -> Iterator[Visitor]:
    visitor = Visitor(chromium, server.url)
    visitor.upload(clips["one"])
    visitor.opened()
    visitor.page.wait_for_function("document.querySelector('.sl-card video').readyState >= 1")
    yield visitor
    visitor.close()


def handle(visitor: Visitor, end: str) -> Any:
    return visitor.page.locator(f"[data-handle={end}]:visible")


def drag(visitor: Visitor, end: str, share: float) -> None:
    """Drag a handle to a share of the timeline."""
    rail = visitor.page.locator(".sl-rail:visible").bounding_box()
    box = handle(visitor, end).bounding_box()
    mouse = visitor.page.mouse
    mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    mouse.down()
    mouse.move(rail["x"] + rail["width"] * share, rail["y"] + 10, steps=5)
    mouse.up()


def test_handles_are_dragged_and_the_numbers_follow(visitor: Visitor) -> None:
    drag(visitor, "last", 0.5)  # 2 of 4 seconds
    visitor.page.wait_for_selector("text=/frames 0–(19|20) · 0:00.0–0:0(1.9|2.0) · (20|21) frames/")
    drag(visitor, "first", 0.25)
    visitor.page.wait_for_selector("text=/frames (9|10)–(19|20) · /")
    assert visitor.page.get_by_label("From frame", exact=True).input_value() in ("9", "10")
    assert handle(visitor, "first").get_attribute("aria-valuetext") in ("frame 9, 0:00.9", "frame 10, 0:01.0")
    drag(visitor, "first", 0.9)  # stops at the other one
    visitor.page.wait_for_selector("text=/· 1 frame$/")


def test_handles_are_moved_by_keys_quickly_and_keep_the_focus(visitor: Visitor) -> None:
    page = visitor.page
    handle(visitor, "first").focus()
    for key in ("ArrowRight", "ArrowRight", "ArrowUp", "ArrowLeft"):
        page.keyboard.press(key)
    page.wait_for_selector("text=frames 2–39 · 0:00.2–0:03.9 · 38 frames")
    page.wait_for_function("document.activeElement.dataset.handle === 'first'")
    page.keyboard.press("PageUp")
    page.wait_for_selector("text=frames 12–39 · ")
    page.wait_for_function("document.activeElement.dataset.handle === 'first'")
    page.keyboard.press("Home")
    page.wait_for_selector("text=frames 0–39 · ")
    handle(visitor, "last").focus()
    page.keyboard.press("PageDown")
    page.wait_for_selector("text=frames 0–29 · ")
    page.wait_for_function("document.activeElement.dataset.handle === 'last'")
    page.keyboard.press("End")
    page.wait_for_selector("text=frames 0–39 · ")


def test_start_here_and_end_here_take_the_frame_in_the_player(visitor: Visitor) -> None:
    page = visitor.page
    page.evaluate("document.querySelector('.sl-card video').currentTime = 1.25")
    page.wait_for_selector(".sl-now >> text=Player at 0:01.")
    page.get_by_role("button", name="Start here").click()
    page.wait_for_selector("text=frames 12–39 · 0:01.2–")
    page.evaluate("document.querySelector('.sl-card video').currentTime = 3.05")
    page.wait_for_selector(".sl-now >> text=Player at 0:03.")
    page.get_by_role("button", name="End here").click()
    page.wait_for_selector("text=frames 12–30 · ")
    visitor.name("By Timeline")
    visitor.submit("enrollment")
    visitor.banner("enrollment", "By Timeline is enrolled|is enrolled already")


def test_a_finger_moves_a_handle_on_a_telephone(chromium: Any, server: Server, clips: Clips) -> None:
    visitor = Visitor(chromium, server.url, 390, has_touch=True, is_mobile=True)
    page = visitor.page
    visitor.upload(clips["one"])
    visitor.opened()
    rail = page.locator(".sl-rail:visible")
    rail.scroll_into_view_if_needed()
    box, start = rail.bounding_box(), handle(visitor, "last").bounding_box()
    assert box
    assert start
    touch = page.context.new_cdp_session(page)
    y = start["y"] + start["height"] / 2
    points = [start["x"] + start["width"] / 2, box["x"] + box["width"] * 0.6, box["x"] + box["width"] * 0.5]
    touch.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": points[0], "y": y}]})
    for x in points[1:]:
        touch.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x, "y": y}]})
    touch.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_selector("text=/frames 0–(19|20) · /")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    visitor.close()
