"""A reloaded page has its workspace again, two browsers see each other's changes, and a page at rest rests."""

import http.client
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from biometric.gallery.repository import SQLiteGallery
from biometric.ui.change_feed import PATH
from tests.ui.serving import Server, serving
from tests.ui.visiting import Visitor

pytestmark = pytest.mark.browser
Clips = dict[str, Path]
READING = "#enrollment-status >> text=/Reading frame .* of 40/"


@pytest.fixture(scope="module")
def slow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose detector takes a third of a second for a frame; jobs go on for 3 seconds without their page."""
    with serving(tmp_path_factory.mktemp("slow") / "data", delay=0.3, away_seconds=3) as running:
        yield running


def reload(visitor: Visitor) -> None:
    visitor.page.reload()
    visitor.page.wait_for_selector("#workspace-sync [data-revision]", state="attached")


def frame(visitor: Visitor) -> int:
    found = re.search(r"Reading frame (\d+)", visitor.page.locator("#enrollment-status").inner_text())
    assert found
    return int(found[1])


def test_a_reload_brings_back_tab_clip_range_fields_and_answers(visitor: Visitor, clips: Clips) -> None:
    page = visitor.page
    said = visitor.enroll(clips["one"], "Ada Lovelace")
    visitor.tab("Identification")
    page.get_by_role("button", name="Choose another clip").locator("visible=true").click()
    visitor.upload(clips["three"])
    visitor.opened()
    page.get_by_label("To frame", exact=True).locator("visible=true").fill("29")
    page.keyboard.press("Tab")
    page.wait_for_selector("text=frames 0–29 · 0:00.0–0:02.9 · 30 frames")
    visitor.submit("identification")
    visitor.banner("identification", "1 of 3 people identified")
    page.wait_for_selector("#identification-files a")
    page.locator("#identification-sheet .sl-tile", has_text="Ada Lovelace").first.click()
    page.wait_for_selector("#identification-sheet .sl-evidence-box")
    visitor.tab("Verification")
    page.get_by_text("Details: threshold").locator("visible=true").click()
    field = page.get_by_label("number input for Threshold").locator("visible=true")
    field.fill("0.9")
    field.press("Tab")
    visitor.wait_for_about("Threshold 0.90, set by you.")
    visitor.tab("Enrollment")
    visitor.name("Grace Hop")
    visitor.tab("Identification")

    reload(visitor)
    visitor.banner("identification", "1 of 3 people identified")
    assert page.get_by_role("tab", name="Identification").get_attribute("aria-selected") == "true"
    page.wait_for_selector("#identification-sheet .sl-evidence-box img[src^='data:image/jpeg']")
    page.wait_for_selector("text=frames 0–29 · 0:00.0–0:02.9 · 30 frames")
    assert page.get_by_label("To frame", exact=True).locator("visible=true").input_value() == "29"
    page.wait_for_function("document.querySelector('#annotated video').readyState >= 1")
    page.wait_for_function("document.querySelector('.sl-player').readyState >= 1")
    with page.expect_download() as download:
        page.locator("#identification-files a", has_text="CSV").click()
    assert "Ada Lovelace" in Path(download.value.path()).read_text()
    page.locator("#identification-sheet .sl-tile", has_text="unknown").first.click()  # it can be worked with
    page.wait_for_selector("#identification-sheet >> text=Enroll this person")
    visitor.tab("Enrollment")
    assert page.locator("#enrollment-name :is(input, textarea)").input_value() == "Grace Hop"
    assert visitor.banner("enrollment", "Ada Lovelace is enrolled") == said
    visitor.tab("Verification")
    page.get_by_text("Details: threshold").locator("visible=true").click()
    assert field.input_value() == "0.9"


def test_two_tabs_are_two_workspaces_and_keys_are_not_shown(visitor: Visitor, clips: Clips) -> None:
    addresses: list[str] = []
    visitor.context.on("request", lambda request: addresses.append(request.url))
    visitor.upload(clips["one"])
    visitor.opened()
    second = visitor.context.new_page()
    second.goto(visitor.page.url)
    second.wait_for_selector("#workspace-sync [data-revision]", state="attached")
    assert not second.locator(".sl-clip").count()
    keys = {page.evaluate("window.sightlineWorkspace") for page in (visitor.page, second)}
    assert len(keys) == 2
    assert all(re.fullmatch("[0-9a-f]{64}", key) for key in keys)
    stored = visitor.page.evaluate("JSON.stringify([{...sessionStorage}, {...localStorage}, document.cookie])")
    for key in keys:
        assert key not in stored  # so that a duplicated tab does not get it
        assert not [address for address in addresses if key in address]
        assert key not in visitor.page.content()


def test_a_job_goes_on_over_a_reload_and_can_be_cancelled_then(chromium: Any, clips: Clips, slow: Server) -> None:
    first, second = Visitor(chromium, slow.url), Visitor(chromium, slow.url)
    for visitor, clip in ((first, "one"), (second, "three")):
        visitor.upload(clips[clip])
        visitor.opened()
        visitor.name("Somebody")
    first.submit("enrollment")
    first.page.wait_for_selector(READING)
    second.submit("enrollment")
    second.page.wait_for_selector("#enrollment-status >> text=Waiting for its turn")
    before = frame(first)
    reload(first)
    reload(second)
    first.page.wait_for_selector(READING)
    assert frame(first) >= before
    assert first.page.locator("#enrollment-submit").is_disabled()
    second.page.wait_for_selector("#enrollment-status >> text=Waiting for its turn")
    first.banner("enrollment", "Somebody is enrolled")
    first.page.wait_for_selector("#enrollment-submit:not([disabled])")
    second.page.wait_for_selector(READING)
    reload(second)
    second.page.wait_for_selector(READING)
    second.page.click("#enrollment-cancel:not([disabled])")
    second.page.wait_for_selector("#enrollment-status >> text=Cancelled. Nothing was stored.")
    second.settle()
    assert "Cancelled" in second.page.locator("#enrollment-status").inner_text()
    assert not list((slow.root / "temp").rglob("*.part"))
    first.close()
    second.close()


def test_a_job_whose_page_stays_away_stops_and_the_page_says_so(chromium: Any, clips: Clips, slow: Server) -> None:
    visitor = Visitor(chromium, slow.url)
    visitor.upload(clips["other"])
    visitor.opened()
    visitor.name("Abandoned")
    visitor.submit("enrollment")
    visitor.page.wait_for_selector(READING)
    visitor.page.goto("about:blank")
    visitor.page.wait_for_timeout(8000)
    visitor.page.go_back()
    visitor.page.wait_for_selector("#enrollment-status >> text=the page was away for too long")
    assert visitor.page.locator("#enrollment-submit").is_enabled()
    assert "Abandoned" not in [identity.name for identity in SQLiteGallery(slow.root / "gallery").identities()]
    visitor.close()


def test_a_second_browser_sees_changes_within_seconds(chromium: Any, clips: Clips, tmp_path: Path) -> None:
    with serving(tmp_path / "two") as server:
        first, second = Visitor(chromium, server.url), Visitor(chromium, server.url)
        first.enroll(clips["other"], "Ben")
        second.tab("Identification")
        second.upload(clips["one"])
        second.opened()
        second.submit("identification")
        second.banner("identification", "0 of 1 person identified")
        second.page.wait_for_selector("#identification-files a")
        first.enroll(clips["again"], "Ada")
        quick = {"timeout": 3500}
        second.wait_for_about("2 people, 2 references", **quick)
        second.page.wait_for_selector("#identification-sheet >> text=Ada", **quick)
        second.banner("identification", "1 of 1 person identified")

        gallery = SQLiteGallery(server.root / "gallery")  # as the command line does, in another process
        gallery.rename(gallery.find("Ada").id, "Countess")
        second.page.wait_for_selector("#identification-sheet >> text=Countess", **quick)
        first.page.wait_for_selector("#enrollment-answer >> text=The gallery was changed", **quick)
        first.people()
        first.page.wait_for_selector("#people-main >> text=Countess", **quick)
        gallery.rename(gallery.find("Countess").id, "Lady")
        first.page.wait_for_selector("#people-main >> text=Lady", **quick)
        first.tab("Verification")
        first.page.wait_for_selector("#verification-claims >> text=Lady", **quick)
        gallery.rename(gallery.find("Lady").id, "Countess")
        first.page.wait_for_selector("#verification-claims >> text=Countess", **quick)

        second.page.evaluate(  # a hidden page does not ask; it catches up when it is seen again
            "Object.defineProperty(document, 'visibilityState', {value: 'hidden', configurable: true});"
            "document.dispatchEvent(new Event('visibilitychange'))"
        )
        gallery.remove(gallery.find("Countess").id)
        first.page.wait_for_selector("#verification-claims >> text=Countess", state="detached", **quick)
        assert "2 people" in second.page.locator("#about-system").text_content()
        second.page.evaluate("delete document.visibilityState; document.dispatchEvent(new Event('visibilitychange'))")
        second.wait_for_about("1 person, 1 reference", **quick)
        first.close()
        second.close()


def test_a_page_says_that_its_workspace_is_gone_after_a_restart(chromium: Any, clips: Clips, tmp_path: Path) -> None:
    root = tmp_path / "restarted"
    with serving(root) as server:
        visitor, unused = Visitor(chromium, server.url), Visitor(chromium, server.url)
        visitor.upload(clips["one"])
        visitor.opened()
        port = server.port
        server.stop()
    with serving(root, at=port):
        visitor.page.wait_for_selector("#workspace-notice >> text=The footage and the answers of this page are gone")
        assert visitor.page.locator("#enrollment-video").is_visible()
        assert not visitor.page.locator(".sl-clip").count()
        reload(visitor)
        assert not visitor.page.locator("#workspace-notice .sl-banner").count()  # said once
        reload(unused)
        assert not unused.page.locator("#workspace-notice .sl-banner").count()  # it had nothing to lose
        for one in (visitor, unused):
            one.context.close()


def test_an_answer_comes_although_the_pages_stream_closes_under_the_question(visitor: Visitor) -> None:
    page = visitor.page
    visitor.settle()
    page.wait_for_timeout(500)  # the stream of the loading page has ended
    closed: list[str] = []

    def close_at_once(route: Any) -> None:
        closed.append(route.request.url)
        route.fulfill(content_type="text/event-stream", body='data: {"msg": "close_stream"}\n\n')

    page.route("**/queue/data*", close_at_once, times=1)
    visitor.submit("enrollment")
    page.locator("#enrollment-footage-note .sl-field-error", has_text="No clip yet").wait_for(timeout=10_000)
    assert len(closed) == 1


def test_a_page_at_rest_asks_for_nothing(visitor: Visitor, clips: Clips) -> None:
    visitor.upload(clips["one"])
    visitor.opened()
    visitor.page.locator("#enrollment-name :is(input, textarea)").press_sequentially("Ada")
    visitor.page.keyboard.press("Tab")
    visitor.settle()
    visitor.page.wait_for_timeout(1_000)
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url))
    visitor.page.wait_for_timeout(4_000)
    assert not asked


def changes(server: Server, method: str = "GET", **headers: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    try:
        connection.request(method, PATH, headers={name.replace("_", "-"): value for name, value in headers.items()})
        return connection.getresponse().status
    finally:
        connection.close()


def test_changes_are_told_to_pages_with_a_workspace_only(visitor: Visitor, server: Server) -> None:
    key = visitor.page.evaluate("window.sightlineWorkspace")
    assert changes(server, X_Sightline_Workspace=key, X_Sightline_Revision="old") == 200
    for other in ("", "0" * 64, "x", key[:-1], key.upper() + "0"):
        assert changes(server, X_Sightline_Workspace=other) == 410
    assert changes(server) == 410
    assert changes(server, "POST", X_Sightline_Workspace=key) == 405
    assert changes(server, X_Sightline_Workspace=key, Origin="https://evil.example") == 403
    revision = visitor.page.locator("#workspace-sync [data-revision]").get_attribute("data-revision")
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        changes(server, X_Sightline_Workspace=key, X_Sightline_Revision=str(revision))
    assert time.monotonic() - started >= 5  # nothing has changed
