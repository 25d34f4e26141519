"""What the role of whoever is signed in may not do is switched off on the page; a refusal is a sentence."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from biometric.accounts.roles import Role
from biometric.accounts.user_database import UserDatabase
from tests.ui.serving import Server, serving
from tests.ui.visiting import Visitor

pytestmark = pytest.mark.browser
PASSWORD = "correct horse battery"
SENTENCE = "This needs the role {role}. Ask an admin for it."


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root = tmp_path_factory.mktemp("roles") / "data"
    root.mkdir()
    users = UserDatabase(root / "users.db")
    for role in reversed(Role):
        users.add(role.value, role, PASSWORD)
    note = root / "library" / "queues" / "former-1.json"
    note.parent.mkdir(parents=True)
    note.write_text(json.dumps({"begun": "2026-11-27T10:00:00+00:00", "missing": ["hall.mp4"], "total": 2}))
    with serving(root) as running:
        yield running
        assert "Traceback" not in running.log.read_text()


def visitor(chromium: Any, server: Server, role: Role) -> Visitor:
    """Open the page as a user of a role."""
    with httpx.Client(base_url=server.url, timeout=60) as client:
        assert client.post("/login", data={"username": role.value, "password": PASSWORD}).status_code == 200
        secret = client.cookies["sightline-session"]
    kept = {"name": "sightline-session", "value": secret, "domain": "127.0.0.1", "path": "/", "expires": -1}
    cookie = {**kept, "httpOnly": True, "secure": False, "sameSite": "Lax"}
    return Visitor(chromium, server.url, storage_state={"cookies": [cookie], "origins": []})


def off(page: Any, words: str) -> bool:
    return bool(page.get_by_role("button", name=words).locator("visible=true").first.is_disabled())


def test_each_role_sees_what_it_may_not_do_switched_off(chromium: Any, server: Server, clips: dict[str, Path]) -> None:
    operator = visitor(chromium, server, Role.OPERATOR)
    operator.enroll(clips["one"], "Ada")
    page = operator.page
    operator.people().locator("button.sl-face").first.click()
    operator.settle()
    assert not off(page, "Rename")
    assert off(page, "Erase")
    erase = page.get_by_role("button", name="Erase").locator("visible=true").first
    assert erase.get_attribute("title") == SENTENCE.format(role="admin")
    assert "exporting" in page.locator(".who-bar").inner_text()
    page.get_by_role("tab", name="Calibration").click()
    operator.settle()
    assert page.locator("#calibration-start").is_disabled()
    operator.close()

    viewer = visitor(chromium, server, Role.VIEWER)
    page = viewer.page
    assert page.locator("#enrollment-submit").is_disabled()
    assert "looks at people" in page.locator(".who-bar").inner_text()
    for tab in ("verification", "identification"):
        page.get_by_role("tab", name=tab.capitalize()).click()
        viewer.settle()
        assert page.locator(f"#{tab}-submit").is_disabled()
    viewer.people().locator("button.sl-face").first.click()
    viewer.settle()
    rename = page.get_by_role("button", name="Rename").locator("visible=true").first
    assert rename.get_attribute("title") == SENTENCE.format(role="operator")
    remove = page.locator("#people-main [data-action=remove]").first
    assert remove.is_disabled()
    remove.evaluate(
        "button => ['disabled', 'aria-disabled'].forEach((name) => button.removeAttribute(name))"
    )  # as somebody may whose page is older than the role
    remove.click()
    page.get_by_text(SENTENCE.format(role="operator")).first.wait_for()
    viewer.close()


def test_a_drop_box_says_why_nothing_can_be_put_in(chromium: Any, server: Server) -> None:
    for role, needed in ((Role.VIEWER, "examiner"), (Role.EXAMINER, "")):
        opened = visitor(chromium, server, role)
        opened.page.get_by_role("tab", name="Identification").click()
        opened.settle()
        box = opened.page.locator("#identification-video")
        if needed:
            assert SENTENCE.format(role=needed) in box.inner_text()
            assert box.locator("input[type=file]").count() == 0
        else:
            assert "This needs" not in box.inner_text()
            assert box.locator("input[type=file]").count() == 1
        opened.close()


def test_what_follows_jobs_is_switched_off_in_what_is_pushed_too(chromium: Any, server: Server) -> None:
    """A queue that a server before has left is shown to everybody, and put away by those who may."""
    for role, is_off in ((Role.VIEWER, True), (Role.EXAMINER, False)):
        opened = visitor(chromium, server, role)
        opened.page.get_by_role("tab", name="Library").click()
        script = """async () => {
          const headers = { 'x-sightline-workspace': window.sightlineWorkspace, 'x-sightline-revision': 'another' };
          return (await (await fetch('sightline/changes', { headers })).json()).parts['library-batch'];
        }"""
        pushed = opened.page.evaluate(script)
        [button] = re.findall(r"<button[^>]*data-action=.forget.[^>]*>", pushed)
        assert ("disabled" in button) is is_off, button
        assert (SENTENCE.format(role="examiner") in button) is is_off
        forget = opened.page.locator("#library-batch [data-action=forget]")
        forget.wait_for()
        assert forget.is_disabled() is is_off
        opened.close()


def test_a_page_whose_session_has_ended_shows_nobody_and_the_way_back(
    chromium: Any, server: Server, clips: dict[str, Path]
) -> None:
    users = UserDatabase(server.root / "users.db")
    open_page = visitor(chromium, server, Role.OPERATOR)
    page = open_page.page
    open_page.enroll(clips["one"], "Mary Seacole")
    assert "Mary Seacole" in open_page.people().inner_text()
    users.end_sessions("operator")
    page.wait_for_url("**/login?ended")
    assert "You are signed out" in page.locator("[role=status]").inner_text()
    assert "Mary Seacole" not in page.content()
    page.goto(server.url)  # nor does the address of the page show more
    page.wait_for_url("**/login?ended")
    assert "Mary Seacole" not in page.content()
    page.fill("[name=username]", "operator")
    page.fill("[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_selector("#people-main :text('Mary Seacole')")  # the tab that was open, with what it showed
    open_page.close()


def test_the_pages_of_our_own_lead_to_signing_in_once_the_session_has_ended(server: Server) -> None:
    with httpx.Client(base_url=server.url, timeout=60) as client:
        assert client.post("/login", data={"username": "admin", "password": PASSWORD}).status_code == 200
        UserDatabase(server.root / "users.db").end_sessions("admin")
        for method, path in (
            ("GET", "/"),
            ("GET", "/sightline/users"),
            ("POST", "/sightline/audit"),
            ("POST", "/logout"),
        ):
            answer = client.request(method, path)
            assert (answer.status_code, answer.headers["location"]) == (303, "/login?ended"), path
        assert client.get("/config").status_code == 401
        assert "You are signed out" in client.get("/login?ended").text
        assert "You are signed out" not in client.get("/login").text


def test_an_admin_and_a_page_without_users_have_everything(
    chromium: Any, server: Server, clips: dict[str, Path]
) -> None:
    admin = visitor(chromium, server, Role.ADMIN)
    admin.enroll(clips["one"], "Grace")
    admin.people().locator("button.sl-face").first.click()
    admin.settle()
    assert not off(admin.page, "Erase")
    admin.page.get_by_role("tab", name="Calibration").click()
    admin.settle()
    assert not admin.page.locator("#calibration-start").is_disabled()
    admin.close()
