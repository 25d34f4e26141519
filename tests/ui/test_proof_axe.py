"""axe finds nothing on the whole page, on each tab and in each state, at two sizes, light and dark.

The rules are all of WCAG 2.2 A and AA, best practices, and the experimental ones.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ui.accessibility import Fault, axe_faults
from tests.ui.serving import Server, serving
from tests.ui.visiting import Visitor

pytestmark = pytest.mark.browser
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice", "experimental"]
OPTIONS = {"runOnly": RULES, "resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}
UNSTICK = """document.querySelectorAll('body *').forEach((part) => {
    if (getComputedStyle(part).position !== 'sticky') return;
    part.dataset.unstuck = '';
    part.style.setProperty('position', 'static', 'important');
})"""
"""A sticky button covers something at any place of scrolling; axe takes what is half covered for small."""
STICK = """document.querySelectorAll('[data-unstuck]').forEach((part) => {
    delete part.dataset.unstuck;
    part.style.removeProperty('position');
})"""


class Auditor(Visitor):
    """A visitor who has axe look at what is there."""

    faults: dict[str, list[Fault]]

    def look(self, state: str) -> None:
        self.settle()
        self.page.evaluate(UNSTICK)
        if found := axe_faults(self.page, options=OPTIONS):
            self.faults[state] = found
        self.page.evaluate(STICK)


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("axe") / "data") as running:
        yield running


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_axe_finds_nothing_on_any_tab_in_any_state(
    chromium: Any, audited: Server, clips: dict[str, Path], width: int, scheme: str
) -> None:
    auditor = Auditor(chromium, audited.url, width, color_scheme=scheme)
    auditor.faults, page = {}, auditor.page
    auditor.look("enrollment, empty")
    auditor.submit("enrollment")
    page.wait_for_selector("#enrollment-footage-note .sl-field-error")
    auditor.look("enrollment, no clip")
    page.locator(".sl-about").click()
    auditor.look("about this system")
    page.keyboard.press("Escape")
    auditor.ask_about_three(clips["three"], f"Ada {width}")
    auditor.look("enrollment, who of three")
    auditor.submit("enrollment")
    auditor.banner("enrollment", "is enrolled")
    auditor.look("enrollment, enrolled")
    auditor.choose(clips["one"])
    auditor.name(f"Ada {width}")
    auditor.submit("enrollment")
    page.wait_for_selector("#enrollment-answer .sl-question, #enrollment-answer .sl-banner")
    auditor.look("enrollment, a name that somebody has")

    auditor.tab("Verification")
    auditor.look("verification, claims")
    page.get_by_role("radio", name=f"Ada {width}").click()
    auditor.submit("verification")
    page.wait_for_selector("#verification-answer .sl-banner")
    auditor.look("verification, answered")

    auditor.tab("Identification")
    auditor.choose(clips["three"])
    auditor.look("identification, a clip")
    auditor.submit("identification")
    auditor.banner("identification", "of 3 people identified")
    auditor.look("identification, answered")
    page.locator("#identification-sheet .sl-tile").first.click()
    page.wait_for_selector("#identification-sheet .sl-evidence-box")
    auditor.look("identification, evidence")
    page.keyboard.press("Escape")

    for tab in ("Library", "People", "Calibration"):
        page.get_by_role("tab", name=tab).click()
        auditor.look(tab)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert not auditor.faults, "\n".join(
        f"{state}: {fault}" for state, found in auditor.faults.items() for fault in found
    )
    auditor.close()
