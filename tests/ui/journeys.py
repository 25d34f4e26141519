"""Ways of working with the page: by click or by keyboard alone, at three sizes, light and dark; and who works so."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.ui.visiting import Visitor

IN_VIEW = """(nodes) => nodes.some((node) => {
  const box = node.getBoundingClientRect();
  const there = document.elementFromPoint(box.x + Math.min(box.width / 2, 40), box.y + box.height / 2);
  return box.height > 0 && node.contains(there) && box.top >= 0 && box.bottom <= innerHeight;
})"""


@dataclass(frozen=True)
class Setting:
    """How somebody works with the page.

    `hue` is the colour of the coat of whom they enroll: settings of one `group` can share a server.
    """

    width: int
    height: int
    scheme: str
    keyboard: bool
    hue: int
    group: int

    def __str__(self) -> str:
        return f"{self.width}-{self.scheme}-{'keys' if self.keyboard else 'click'}"

    @property
    def name(self) -> str:
        return f"Coat {self.hue}"


def _settings() -> tuple[Setting, ...]:
    """Return the twelve, three sizes a group; the first group has something of everything."""
    first, schemes = ((1440, 900, 0, False), (1280, 720, 1, True), (390, 844, 1, False)), ("light", "dark")
    return tuple(
        Setting(width, height, schemes[(dark + group) % 2], keys != (group > 1), 60 * place, group)
        for group in range(4)
        for place, (width, height, dark, keys) in enumerate(first)
    )


SETTINGS = _settings()
WAYS = [pytest.param(setting, id=str(setting), marks=[pytest.mark.slow] * (setting.group > 0)) for setting in SETTINGS]
"""The settings for `parametrize`: the first group is part of every run of the tests, all of `make test-slow`."""


class Person(Visitor):
    """A visitor who counts actions, and does them by click or by keys alone."""

    def __init__(self, browser: Any, url: str, setting: Setting) -> None:
        super().__init__(browser, url, setting.width, color_scheme=setting.scheme)
        self.page.set_viewport_size({"width": setting.width, "height": setting.height})
        self.setting = setting
        self.by_keys = setting.keyboard
        self.actions = 0

    def tab_to(self, selector: str) -> None:
        """Press the Tab key until the keyboard is there; with Shift where that lies before it."""
        before = (
            "(found) => found.every((node) => node.compareDocumentPosition(document.activeElement) === 4)"
            " && document.activeElement !== document.body"
        )
        key = "Shift+Tab" if self.page.locator(selector).evaluate_all(before) else "Tab"
        for _ in range(60):
            if self.page.locator(selector).evaluate_all("(found) => found.includes(document.activeElement)"):
                return
            self.page.keyboard.press(key)
        raise AssertionError(f"the Tab key does not lead to {selector}")

    def press(self, selector: str, key: str = "Enter") -> None:
        self.actions += 1
        if self.by_keys:
            self.page.wait_for_selector(f"{selector}:not([disabled])")
            self.tab_to(selector)
            self.page.keyboard.press(key)
        else:
            self.page.locator(selector).locator("visible=true").first.click()

    def type(self, selector: str, text: str) -> None:
        self.actions += 1
        if self.by_keys:
            self.tab_to(selector)
        else:
            self.page.locator(selector).locator("visible=true").first.click()
        self.page.keyboard.type(text)

    def enter(self) -> None:
        self.actions += 1
        self.page.keyboard.press("Enter")

    def choose_clip(self, clip: Path) -> None:
        """Take a clip by the box that is in sight."""
        self.actions += 1
        with self.page.expect_file_chooser() as chooser:
            if self.by_keys:
                self.tab_to(".sl-drop button[aria-dropeffect]")
                self.page.keyboard.press("Enter")
            else:
                self.page.locator(".sl-drop button[aria-dropeffect]").locator("visible=true").first.click()
        chooser.value.set_files(clip)

    def another_clip(self, clip: Path) -> None:
        """Take a clip in place of the one that this tab has."""
        self.press("button:has-text('Choose another clip'):visible")
        self.page.wait_for_selector(".sl-drop:visible")
        self.choose_clip(clip)
        self.opened()

    def open_tab(self, name: str) -> None:
        self.actions += 1
        if self.by_keys:
            self.page.keyboard.press("Escape")
            self.page.evaluate("document.activeElement.blur(); window.scrollTo(0, 0)")
            self.tab_to("[role=tab]")
            while self.page.evaluate("document.activeElement.innerText.trim()") != name:
                self.page.keyboard.press("ArrowRight")
        else:
            self.page.get_by_role("tab", name=name).click()
        self.page.wait_for_selector(f"#{name.lower()}-submit:visible")
        self.settle()

    def submit(self, tab: str) -> None:
        self.press(f"#{tab}-submit")

    def in_view(self, selector: str) -> None:
        """Wait until something is to be seen without scrolling, whole and uncovered."""
        found = self.page.locator(selector)
        found.first.wait_for()
        end = time.monotonic() + 20  # the page scrolls smoothly, on a busy machine for seconds
        while not found.evaluate_all(IN_VIEW):
            assert time.monotonic() < end, f"{selector} is not in view"
            self.page.wait_for_timeout(50)

    def did(self, most: int) -> None:
        """Check the number of actions since the last check."""
        assert self.actions <= most
        self.actions = 0

    def close(self) -> None:
        assert self.page.evaluate("document.documentElement.scrollWidth") <= self.setting.width
        super().close()
