"""What people do with the page, by click and by keyboard alone, in few actions, with every answer in view.

Elsewhere: slips of the hand that must not spoil an identity (test_addition_page.py, test_tabs.py), a hundred people
answered, filtered and one of them named in under ten actions (test_people_grid.py), a reload in the middle and two
browsers (test_workspaces.py).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.ui.scenery import write_people
from tests.ui.serving import Server, serving
from tests.ui.visiting import Visitor

pytestmark = pytest.mark.browser

IN_VIEW = """(selector) => {
  const box = document.querySelector(selector)?.getBoundingClientRect();
  if (!box || !box.height) return false;
  const there = document.elementFromPoint(box.x + Math.min(box.width / 2, 40), box.y + box.height / 2);
  return Boolean(there?.closest(selector)) && box.top >= 0 && box.bottom <= innerHeight;
}"""
SHIFTS = """window.shifted = 0; new PerformanceObserver((list) => list.getEntries().forEach((entry) => {
  if (!entry.hadRecentInput) window.shifted += entry.value;
})).observe({ type: 'layout-shift', buffered: true });"""


@dataclass(frozen=True)
class Setting:
    """How somebody works with the page, and the colour of the coat of whom they enroll."""

    width: int
    height: int
    scheme: str
    keyboard: bool
    hue: int

    @property
    def name(self) -> str:
        return f"Coat {self.hue}"


SETTINGS = (
    Setting(1440, 900, "light", keyboard=False, hue=0),
    Setting(1280, 720, "dark", keyboard=True, hue=60),
    Setting(390, 844, "dark", keyboard=False, hue=120),
)


class Person(Visitor):
    """A visitor who counts actions, and does them by click or by keys alone."""

    def __init__(self, browser: Any, url: str, setting: Setting) -> None:
        super().__init__(browser, url, setting.width, color_scheme=setting.scheme)
        self.page.set_viewport_size({"width": setting.width, "height": setting.height})
        self.by_keys = setting.keyboard
        self.actions = 0

    def tab_to(self, selector: str) -> None:
        """Press the Tab key until the keyboard is there."""
        for _ in range(60):
            if self.page.locator(selector).evaluate_all("(found) => found.includes(document.activeElement)"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"the Tab key does not lead to {selector}")

    def press(self, selector: str) -> None:
        self.actions += 1
        if self.by_keys:
            self.page.wait_for_selector(f"{selector}:not([disabled])")
            self.tab_to(selector)
            self.page.keyboard.press("Enter")
        else:
            self.page.locator(selector).locator("visible=true").first.click()

    def type(self, selector: str, text: str) -> None:
        self.actions += 1
        if self.by_keys:
            self.tab_to(selector)
        else:
            self.page.locator(selector).click()
        self.page.keyboard.type(text)

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
        self.page.wait_for_timeout(300)

    def in_view(self, selector: str) -> None:
        """Wait until something is to be seen without scrolling."""
        self.page.wait_for_function(IN_VIEW, arg=selector)

    def did(self, most: int) -> None:
        """Check the number of actions since the last check."""
        assert self.actions <= most
        self.actions = 0


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("proof") / "data") as running:
        yield running


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: f"{setting.width}-{setting.scheme}")
def test_enroll_verify_identify_and_name_in_few_actions(
    chromium: Any, own_server: Server, tmp_path: Path, setting: Setting
) -> None:
    alone = write_people(tmp_path / "alone.mp4", [setting.hue])
    pair = write_people(tmp_path / "pair.mp4", [setting.hue, setting.hue + 30])
    person = Person(chromium, own_server.url, setting)
    page, field = person.page, "#enrollment-name :is(input, textarea)"

    person.press("#enrollment-submit")
    person.in_view("#enrollment-footage-note .sl-field-error")
    person.actions = 0

    person.choose_clip(alone)
    person.press("#enrollment-submit")
    person.in_view("#enrollment-name-note .sl-field-error")
    person.actions -= 1  # that was an error on purpose
    person.type(field, setting.name)
    person.press("#enrollment-submit")
    person.banner("enrollment", f"{setting.name} is enrolled")
    person.in_view("#enrollment-answer .sl-banner h3")
    person.did(3)

    person.open_tab("Verification")
    person.press(f"[role=radio]:has-text('{setting.name}')")
    page.wait_for_selector(f"[role=radio][aria-checked=true]:has-text('{setting.name}')")
    person.press("#verification-submit")
    person.banner("verification", f"Match: this is {setting.name}")
    person.in_view("#verification-answer .sl-banner h3")
    person.did(3)

    person.open_tab("Identification")
    person.actions = 0  # the answer to the clip at hand would be the second action
    another = page.get_by_role("button", name="Choose another clip").locator("visible=true")
    another.focus()
    page.keyboard.press("Enter")
    page.wait_for_selector("#identification-video:visible")
    person.choose_clip(pair)
    person.press("#identification-submit")
    person.banner("identification", "1 of 2 people identified")
    person.in_view("#identification-answer .sl-banner h3")
    person.did(2)

    name_field = "#identification-sheet form[data-action] input[name=text]"
    person.type(name_field, f"Second {setting.hue}")
    person.actions += 1
    page.keyboard.press("Enter")
    page.wait_for_selector(f"#identification-sheet >> text=Second {setting.hue}")
    person.banner("identification", "2 of 2 people identified")
    person.did(2)
    assert page.evaluate("document.documentElement.scrollWidth") <= setting.width
    person.close()


@pytest.mark.parametrize("setting", SETTINGS[1:], ids=lambda setting: f"{setting.width}")
def test_nothing_jumps_while_the_page_loads(chromium: Any, own_server: Server, setting: Setting) -> None:
    context = chromium.new_context(viewport={"width": setting.width, "height": setting.height})
    page = context.new_page()
    page.add_init_script(SHIFTS)
    page.goto(own_server.url)
    page.wait_for_selector("#workspace-sync [data-revision]", state="attached")
    page.wait_for_timeout(1500)
    assert page.evaluate("window.shifted") < 0.1
    context.close()
