"""axe finds nothing on the pages for signing in, users and the audit trail, and none is wider than the window."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from biometric.accounts.roles import Role
from biometric.accounts.user_database import UserDatabase
from tests.ui.accessibility import axe_faults
from tests.ui.serving import Server, serving
from tests.ui.test_proof_axe import OPTIONS

pytestmark = pytest.mark.browser
PASSWORD = "correct horse battery"
SIZES = [(1440, 900, "light"), (1280, 720, "dark"), (390, 844, "light"), (390, 844, "dark")]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root = tmp_path_factory.mktemp("own") / "data"
    root.mkdir()
    users = UserDatabase(root / "users.db")
    users.add("boss", Role.ADMIN, PASSWORD)
    users.add("somebody with a name that is rather long", Role.VIEWER, PASSWORD)
    users.add_token("boss", Role.EXAMINER, 30, "night job")
    with serving(root) as running:
        yield running


@pytest.mark.parametrize(("width", "height", "scheme"), SIZES)
def test_axe_finds_nothing_on_our_own_pages(
    chromium: Any, server: Server, tmp_path: Path, width: int, height: int, scheme: str
) -> None:
    context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page = context.new_page()
    found: dict[str, Any] = {}

    def look(name: str) -> None:
        page.screenshot(path=tmp_path / f"{name}.png", full_page=True)
        if faults := axe_faults(page, options=OPTIONS):
            found[name] = faults
        if page.evaluate("document.documentElement.scrollWidth") > width:
            found[f"{name}, width"] = page.evaluate("document.documentElement.scrollWidth")

    page.goto(f"{server.url}/login")
    look("sign in")
    page.fill("[name=username]", "boss")
    page.fill("[name=password]", PASSWORD)
    page.locator("form button").first.click()
    page.wait_for_selector(".who-bar")
    page.goto(f"{server.url}/sightline/users")
    look("users")
    page.goto(f"{server.url}/sightline/audit")
    look("audit")
    context.close()
    assert not found
