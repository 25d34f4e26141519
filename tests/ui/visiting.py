"""Somebody who uses the page in a real browser."""

import re
from pathlib import Path
from typing import Any

from playwright.sync_api import TimeoutError as NotInTime

from tests.ui.settling import FOLLOW_EVENTS, wait_until_settled

LONG = 30_000
"""Milliseconds to wait for an answer."""


class Visitor:
    """One open page. Errors of scripts and requests to other machines fail the test when the page closes."""

    def __init__(self, browser: Any, url: str, width: int = 1280, **options: Any) -> None:
        self.context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        self.context.add_init_script(FOLLOW_EVENTS)
        self.page = self.context.new_page()
        self.page.set_default_timeout(LONG)
        self.errors: list[str] = []
        self.elsewhere: list[str] = []
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", self._note)
        self.page.goto(url)
        self.page.wait_for_selector("#enrollment-submit")
        self.page.wait_for_selector("#workspace-sync [data-revision]", state="attached")
        self.settle()

    def _note(self, request: Any) -> None:
        if not request.url.startswith(("http://127.0.0.1", "data:", "blob:")):
            self.elsewhere.append(request.url)

    def tab(self, name: str) -> None:
        self.page.get_by_role("tab", name=name).click()
        self.page.wait_for_selector(f"#{name.lower()}-submit:visible")
        self.settle()

    def settle(self) -> None:
        """Wait until the page has the answers to what it has sent."""
        wait_until_settled(self.page)

    def wait_for_about(self, words: str, **options: Any) -> None:
        """Wait until "About this system" says something, which it may do while it is closed."""
        told = "(words) => document.querySelector('#about-system').textContent.replace(/\\s+/g, ' ').includes(words)"
        self.page.wait_for_function(told, arg=words, **options)

    def open_jobs(self) -> None:
        """Open the list of jobs; a click while the bar is drawn anew, as each second, may be lost."""
        bar = self.page.locator("#job-bar")
        for _ in range(5):
            bar.locator("summary").click()
            try:
                return bar.locator("details[open]").wait_for(timeout=2_000)
            except NotInTime:
                continue
        raise AssertionError("the list of jobs does not open")

    def people(self) -> Any:
        """Open the People tab; return what it shows."""
        self.page.get_by_role("tab", name="People").click()
        self.page.wait_for_selector("#people-main [data-turn]:visible")
        self.settle()
        return self.page.locator("#people-main")

    def upload(self, clip: Path) -> None:
        self.page.locator("[role=tabpanel]:visible .sl-drop input[type=file]").first.set_input_files(clip)

    def opened(self) -> None:
        self.page.wait_for_selector(".sl-clip:visible")
        self.settle()

    def name(self, text: str) -> None:
        self.page.locator("#enrollment-name :is(input, textarea)").fill(text)

    def submit(self, tab: str) -> None:
        self.page.click(f"#{tab}-submit:not([disabled])")

    def banner(self, tab: str, words: str) -> str:
        """Wait for a banner with these words in its title; return all it says."""
        title = self.page.locator(f"#{tab}-answer .sl-banner h3", has_text=re.compile(words)).first
        title.wait_for()
        return self.page.locator(f"#{tab}-answer").inner_text()

    def shown(self, selector: str) -> str:
        """Return the text that people see there: Gradio keeps the state of its events in the page, unseen.

        The event of a cancelled job may say "queue" or "Error" in it for a moment, when its stream is closed.
        """
        clone = "e => { const c = e.cloneNode(true); c.querySelectorAll('[data-testid=status-tracker].hide')"
        return self.page.locator(selector).evaluate(f"{clone}.forEach(t => t.remove()); return c.textContent; }}")

    def choose(self, clip: Path) -> None:
        """Let the tab have this clip, in place of the one that it has."""
        another = self.page.get_by_role("button", name="Choose another clip").locator("visible=true")
        field = self.page.locator("[role=tabpanel]:visible .sl-drop input[type=file]").first
        for wait in (2_000, 2_000, LONG):
            if another.count():
                another.first.click()
                self.page.wait_for_selector(".sl-drop:visible")
            try:
                field.set_input_files(clip, timeout=wait)
            except NotInTime:
                continue  # the clip of the former tab came only now, and took the place of the field
            return self.opened()
        raise AssertionError("there is no place to drop a clip on")

    def identify_three(self, clip: Path) -> None:
        """Identify the people of a clip of three, one of whom is enrolled."""
        self.tab("Identification")
        self.choose(clip)
        self.submit("identification")
        self.banner("identification", "1 of 3 people identified")

    def ask_about_three(self, clip: Path, name: str) -> None:
        """Enroll from a clip of three, so that the page asks who of them is meant."""
        self.upload(clip)
        self.opened()
        self.name(name)
        self.submit("enrollment")
        self.banner("enrollment", "3 people can be enrolled")

    def enroll(self, clip: Path, name: str) -> str:
        self.tab("Enrollment")
        self.choose(clip)
        self.name(name)
        self.submit("enrollment")
        return self.banner("enrollment", "is enrolled|another reference")

    def close(self) -> None:
        self.context.close()
        assert not self.errors
        assert not self.elsewhere
