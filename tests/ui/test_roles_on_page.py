"""What the role of whoever is signed in may not do is switched off on the page; a refusal is a sentence."""

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
