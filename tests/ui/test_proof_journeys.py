"""What people do with the page, by click and by keyboard alone, in few actions, with every answer in view.

At three sizes, light and dark; part of the twelve ways is marked slow (journeys.py).
Elsewhere: slips of the hand that must not spoil an identity (test_addition_page.py, test_tabs.py), a hundred
people (test_people_grid.py), errors (test_errors_at_fields.py), a reload in the middle and two browsers
(test_workspaces.py).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ui.journeys import SETTINGS, WAYS, Person, Setting
from tests.ui.scenery import write_people
from tests.ui.serving import Server, serving

pytestmark = pytest.mark.browser

SHIFTS = """window.shifted = 0; new PerformanceObserver((list) => list.getEntries().forEach((entry) => {
  if (!entry.hadRecentInput) window.shifted += entry.value;
})).observe({ type: 'layout-shift', buffered: true });"""


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server for each group of settings: people of two groups wear the same coats."""
    with serving(tmp_path_factory.mktemp(f"proof-{request.param}") / "data") as running:
        yield running


@pytest.mark.parametrize(
    ("own_server", "setting"),
    [pytest.param(way.values[0].group, *way.values, id=way.id, marks=way.marks) for way in WAYS],
    indirect=["own_server"],
)
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
    person.opened()
    person.press("#enrollment-submit")
    person.in_view("#enrollment-name-note .sl-field-error")
    person.actions -= 1  # that was an error on purpose
    person.type(field, setting.name)
    person.press("#enrollment-submit")
    person.banner("enrollment", f"{setting.name} is enrolled")
    person.in_view("#enrollment-answer .sl-banner h3")
    person.did(3)

    person.open_tab("Verification")
    person.submit("verification")
    person.in_view("#verification-claim-note .sl-field-error")
    person.actions -= 1
    person.press(f"[role=radio]:has-text('{setting.name}')")
    page.wait_for_selector(f"[role=radio][aria-checked=true]:has-text('{setting.name}')")
    person.press("#verification-submit")
    person.banner("verification", f"Match: this is {setting.name}")
    person.in_view("#verification-answer .sl-banner h3")
    person.did(3)

    person.open_tab("Identification")
    person.press("button:has-text('Choose another clip'):visible")
    page.wait_for_selector("#identification-video:visible")
    person.actions = 0  # the clip at hand is answered by the tab and one action
    person.choose_clip(pair)
    person.opened()
    person.press("#identification-submit")
    person.banner("identification", "1 of 2 people identified")
    person.in_view("#identification-answer .sl-banner h3")
    person.did(2)

    name_field = "#identification-sheet form[data-action] input[name=text]"
    person.type(name_field, f"Second {setting.hue}")
    person.enter()
    page.wait_for_selector(f"#identification-sheet >> text=Second {setting.hue}")
    person.banner("identification", "2 of 2 people identified")
    person.in_view(".sl-tile:has-text('Second')")
    person.did(2)
    person.close()


@pytest.mark.parametrize("own_server", [0], indirect=True)
@pytest.mark.parametrize("setting", SETTINGS[1:3], ids=lambda setting: f"{setting.width}")
def test_nothing_jumps_while_the_page_loads(chromium: Any, own_server: Server, setting: Setting) -> None:
    context = chromium.new_context(viewport={"width": setting.width, "height": setting.height})
    page = context.new_page()
    page.add_init_script(SHIFTS)
    page.goto(own_server.url)
    page.wait_for_selector("#workspace-sync [data-revision]", state="attached")
    page.wait_for_timeout(1500)
    assert page.evaluate("window.shifted") < 0.1
    context.close()
