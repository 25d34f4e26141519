"""Who signs in, and what users are made, is recorded; admins see the trail on a page of its own."""

import os
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from biometric.accounts.account_types import SignedIn
from biometric.accounts.roles import Role
from biometric.accounts.user_database import UserDatabase
from biometric.cli import main
from biometric.entities.actors import Actor, Channel, acting_as
from biometric.entities.audit import AuditEvent, AuditQuery
from biometric.gallery.repository import SQLiteGallery
from biometric.ui.audit_page import AuditPage
from tests.made_galleries import reference
from tests.ui.serving import serving

ADMIN = SignedIn("ada", Role.ADMIN, "session:1")
PASSWORD = "a long password"


@pytest.fixture
def gallery(tmp_path: Path) -> SQLiteGallery:
    return SQLiteGallery(tmp_path / "gallery")


def actions(gallery: SQLiteGallery) -> list[tuple[str, str, object]]:
    records, _ = gallery.audit.records(AuditQuery())
    return [(item.action, item.who, item.details.get("account")) for item in reversed(records)][1:]


def test_promise_25_sign_ins_and_changes_of_users_are_recorded(gallery: SQLiteGallery, tmp_path: Path) -> None:
    users = UserDatabase(tmp_path / "users.db", record=gallery.audit.record)
    with acting_as(Actor("root", Channel.COMMAND)):
        users.add("ada", Role.ADMIN, PASSWORD)
    secret = users.sign_in("ADA", PASSWORD, "10.0.0.7")
    assert secret is not None
    assert users.sign_in("ada", "a wrong password", "10.0.0.8") is None
    assert users.sign_in("my secret password", "ada", "10.0.0.8") is None
    users.sign_out(secret)
    with acting_as(Actor("ada", Channel.PAGE, is_user=True)):
        token, _ = users.add_token("ada", Role.VIEWER, 3)
        users.remove_token(token)
        users.set_password("ada", PASSWORD + "!")
        users.end_sessions("ada")
        users.set_role("ada", Role.ADMIN)
        users.remove("ada")
    assert actions(gallery) == [
        ("user_added", "root", "ada"),
        ("signed_in", "ada", "ada"),
        ("sign_in_failed", "", "ada"),
        ("sign_in_failed", "", ""),  # what was typed as a name may be a password
        ("signed_out", "ada", "ada"),
        ("token_added", "ada", "ada"),
        ("token_removed", "ada", ""),
        ("user_password_set", "ada", "ada"),
        ("sessions_ended", "ada", "ada"),
        ("user_role_set", "ada", "ada"),
        ("user_removed", "ada", "ada"),
    ]
    assert gallery.audit.verify().intact
    assert b"secret password" not in (gallery.folder / "gallery.sqlite3").read_bytes()


def test_a_user_that_a_command_adds_is_recorded(
    gallery: SQLiteGallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import io

    monkeypatch.setenv("SIGHTLINE_DATA", str(tmp_path))
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD + "\n"))
    assert main(["users", "add", "ada", "--role", "admin", "--password-stdin"]) == 0
    [record] = gallery.audit.records(AuditQuery(action="user_added"))[0]
    assert (record.through, record.is_user, record.details["role"]) == ("command", False, "admin")


def asked(gallery: SQLiteGallery, query: str = "", method: str = "GET") -> str:
    status, html = AuditPage(lambda: gallery)(ADMIN, {"method": method, "query_string": query.encode()}, b"")
    assert status == (422 if 'class="problem"' in html and method == "GET" else 200)
    return html


def test_the_page_shows_filters_and_verifies(gallery: SQLiteGallery, tmp_path: Path) -> None:
    assert "Nothing was recorded." in asked(gallery)
    with acting_as(Actor("<b>eve</b>", Channel.API, is_user=True)):
        gallery.enroll("Ada <i>Lovelace</i>", reference(tmp_path / "clips", 1))
        for number in range(60):
            gallery.audit.record(AuditEvent("identified", details={"threshold": "0.530000", "n": number}))
    html = asked(gallery, "what=enrolled&who=&day=&person=")
    assert "Enrolled: Ada &lt;i&gt;Lovelace&lt;/i&gt;" in html
    assert "&lt;b&gt;eve&lt;/b&gt; (API)" in html
    assert "<i>Lovelace" not in html
    assert "Identified people</strong>" not in html
    first = asked(gallery)
    assert first.count("<strong>Identified people") == 50
    older = re.search(r'href="([^"]+)">Older', first)
    assert older is not None
    rest = asked(gallery, older[1].replace("&amp;", "&").partition("?")[2])
    assert rest.count("<strong>Identified people") == 10
    assert "Nothing was recorded." in asked(gallery, "day=2001-01-01")
    assert "neither a day" in asked(gallery, "day=tomorrow")
    assert "The audit trail is intact: 62 records." in asked(gallery, method="POST")


@pytest.mark.parametrize("query", ["from=-1", "from=9999999999999999999", "from=x", "what=%00", "a=" + "x" * 5000])
def test_odd_addresses_of_the_page_are_harmless(gallery: SQLiteGallery, query: str) -> None:
    asked(gallery, query)


def status_of(address: str, prepare: Callable[[urllib.request.Request], None] = lambda request: None) -> int:
    request = urllib.request.Request(address)
    prepare(request)
    try:
        with urllib.request.urlopen(request) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.browser
def test_the_page_is_shown_on_this_machine_and_to_admins(tmp_path: Path, chromium: Any) -> None:
    root = tmp_path / "data"
    gallery = SQLiteGallery(root / "gallery")
    gallery.enroll("Ada", reference(tmp_path / "clips", 1))
    with serving(root) as server:
        page = chromium.new_page(viewport={"width": 1280, "height": 720})
        page.goto(f"{server.url}/sightline/audit")
        page.get_by_text("Enrolled: Ada").wait_for()
        page.get_by_role("button", name="Check whether it is intact").click()
        page.get_by_text("The audit trail is intact").wait_for()
        if os.environ.get("SHOTS"):
            for width, height in ((1440, 900), (1280, 720), (390, 844)):
                page.set_viewport_size({"width": width, "height": height})
                for scheme in ("light", "dark"):
                    page.emulate_media(color_scheme=scheme)
                    page.screenshot(path=f"{os.environ['SHOTS']}/audit-{width}-{scheme}.png")
        users = UserDatabase(root / "users.db")
        users.add("ada", Role.ADMIN, PASSWORD)
        users.add("vic", Role.VIEWER, PASSWORD)
        assert status_of(f"{server.url}/sightline/audit") == 401
        for name, expected in (("vic", 403), ("ada", 200)):
            _, secret = users.add_token(name, users_role(name), 1)
            bearer = f"Bearer {secret}"
            assert (
                status_of(f"{server.url}/sightline/audit", lambda r, b=bearer: r.add_header("authorization", b))
                == expected
            )
        page.close()


def users_role(name: str) -> Role:
    return Role.ADMIN if name == "ada" else Role.VIEWER
