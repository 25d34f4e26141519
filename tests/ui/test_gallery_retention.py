"""How long references last and legal holds, set on the page and by the API: shown before anything is set."""

from pathlib import Path
from typing import Any

import pytest

from biometric.accounts.roles import Role
from biometric.entities import Retention
from biometric.ui.permissions import CALLS
from biometric.ui.retention_api import RetentionEndpoints
from tests.ui.accessibility import axe_faults
from tests.ui.serving import Server
from tests.ui.test_tabs import Clips, Desk, desk_with_two_enrolled
from tests.ui.visiting import Visitor


@pytest.fixture
def desk(tmp_path: Path, clips: Clips, monkeypatch: pytest.MonkeyPatch) -> Any:
    with desk_with_two_enrolled(tmp_path, clips, monkeypatch) as desk:
        yield desk


def test_the_api_tells_what_would_change_before_it_sets_days(desk: Desk) -> None:
    api, gallery = RetentionEndpoints(desk.page), desk.service.gallery()
    shown = api.retention()
    assert (shown["matching_days"], shown["keeping_days"]) == (7, 30)
    assert [person["name"] for person in shown["people"]] == ["Ada", "Ben"]
    told = api.set_retention(keeping_days=8.0)
    assert told["set"] is False
    assert told["text"][0].startswith("References of 2 people are deleted sooner than now")
    assert [person["keeping_days"] for person in told["people"]] == [8, 8]
    assert gallery.retention() == Retention(7, 30), "nothing was set"
    assert api.retention() == shown
    before = gallery.revision()
    told = api.set_retention(matching_days=9.0, keeping_days=40.0, name="ada", confirm=True)
    assert told["set"] is True
    assert [person["name"] for person in told["people"]] == ["Ada"]
    assert told["text"][0] == "Nothing is deleted sooner than now."
    assert gallery.retention() == Retention(7, 30)
    assert gallery.revision() != before
    own = {item.name: (item.retention, item.is_own) for item in gallery.lifetimes()}
    assert own == {"Ada": (Retention(9, 40), True), "Ben": (Retention(7, 30), False)}
    api.set_retention(name="Ada", as_gallery=True, confirm=True)
    assert not any(item.is_own for item in gallery.lifetimes())


@pytest.mark.parametrize(
    "values", [{}, {"as_gallery": True}, {"matching_days": "7"}, {"matching_days": 0.0}, {"keeping_days": 1.0}], ids=str
)
def test_the_api_refuses_days_that_cannot_be(desk: Desk, values: dict[str, Any]) -> None:
    with pytest.raises(Exception, match=r"[Dd]ays|as_gallery"):
        RetentionEndpoints(desk.page).set_retention(**values, confirm=True)
    assert desk.service.gallery().retention() == Retention(7, 30)


def test_the_api_holds_and_releases(desk: Desk) -> None:
    api, gallery = RetentionEndpoints(desk.page), desk.service.gallery()
    api.hold("Ben", "file 12")
    [held] = [item for item in gallery.lifetimes() if item.is_held]
    assert (held.name, held.hold_reason, held.next_purge) == ("Ben", "file 12", "")
    assert api.retention()["people"][1]["hold_reason"] == "file 12"
    with pytest.raises(Exception, match=r"under a legal hold already"):
        api.hold("Ben")
    api.release("Ben")
    assert not any(item.is_held for item in gallery.lifetimes())


def test_looking_needs_a_viewer_and_setting_an_admin() -> None:
    assert CALLS["retention"] is Role.VIEWER
    assert {CALLS[name] for name in ("set_retention", "hold", "release")} == {Role.ADMIN}


@pytest.mark.browser
def test_days_and_holds_are_set_on_the_people_tab(chromium: Any, server: Server, clips: Clips) -> None:
    visitor = Visitor(chromium, server.url)
    page = visitor.page
    visitor.enroll(clips["one"], "Mary Seacole")
    visitor.people()
    page.get_by_text("Retention and legal holds").click()
    place = page.locator("#gallery-retention")
    place.get_by_text("References are matched with for").wait_for()
    visitor.settle()
    page.locator("#retention-keeping input").fill("8")
    page.get_by_role("button", name="Show what would change").click()
    place.get_by_text("deleted sooner than now").wait_for()
    assert page.locator("#people-main").get_by_text("deleted after 30 days").count(), "nothing is set yet"
    page.locator("#retention-keeping input").fill("9")
    page.get_by_role("button", name="Set these days").click()
    place.get_by_text("Look at them again").wait_for()
    page.get_by_role("button", name="Show what would change").click()
    place.get_by_text("deleted sooner than now").wait_for()
    assert axe_faults(page, "#gallery-retention") == []
    page.get_by_role("button", name="Set these days").click()
    place.get_by_text("The days are set").wait_for()
    page.locator("#people-main").get_by_text("deleted after 9 days").wait_for()
    page.locator("#retention-person input").click()
    page.get_by_role("option", name="Mary Seacole").click()
    visitor.settle()
    page.locator("#retention-reason :is(input, textarea)").fill("file 12")
    page.get_by_role("button", name="Put under a legal hold").click()
    page.locator("#people-main").get_by_text("legal hold").first.wait_for()
    assert "file 12" in page.locator("#retention-now").inner_text()
    page.get_by_role("button", name="Release the hold").click()
    place.get_by_text("The legal hold is released").wait_for()
    page.locator("#people-main").get_by_text("legal hold").first.wait_for(state="detached")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    visitor.close()
