"""Renews the pictures of docs/trust.md, of drawn people: `python -m tests.ui.trust_pictures docs`."""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
from PIL import Image
from playwright.sync_api import sync_playwright

from biometric.accounts.roles import Role
from biometric.accounts.user_database import UserDatabase
from tests.browser_setup import find
from tests.ui.scenery import write_people
from tests.ui.serving import Server, serving
from tests.ui.visiting import Visitor

PASSWORD = "correct horse battery"
COLOURS = 64
"""Of a picture, which keeps it small."""


def main(folder: Path) -> None:
    """Write users.png, retention.png and audit.png into a folder."""
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        root = Path(name) / "data"
        root.mkdir()
        users = UserDatabase(root / "users.db")
        for user, role in (("grace", Role.ADMIN), ("ada", Role.OPERATOR), ("mary", Role.VIEWER)):
            users.add(user, role, PASSWORD)
        with serving(root) as server:
            browser = playwright.chromium.launch(executable_path=find(), args=["--no-sandbox"])
            visitor = _visitor(browser, server, "grace")
            visitor.enroll(write_people(Path(name) / "door.mp4", [0]), "Ada Lovelace")
            visitor.enroll(write_people(Path(name) / "hall.mp4", [120]), "Mary Seacole")
            _retention(visitor)
            _keep(visitor, folder / "retention.png", lambda: visitor.page.locator("#gallery-retention"))
            for place in ("users", "audit"):
                visitor.page.goto(f"{server.url}/sightline/{place}")
                _keep(visitor, folder / f"{place}.png", lambda: visitor.page.locator("main"))
            visitor.close()


def _visitor(browser: Any, server: Server, user: str) -> Visitor:
    with httpx.Client(base_url=server.url, timeout=60) as client:
        client.post("/login", data={"username": user, "password": PASSWORD}).raise_for_status()
        kept = {"name": "sightline-session", "value": client.cookies["sightline-session"], "url": server.url}
    return Visitor(browser, server.url, storage_state={"cookies": [_whole(kept)], "origins": []})


def _whole(kept: dict[str, str]) -> dict[str, object]:
    rest = {"domain": "127.0.0.1", "path": "/", "expires": -1, "httpOnly": True, "secure": False, "sameSite": "Lax"}
    return {"name": kept["name"], "value": kept["value"], **rest}


def _retention(visitor: Visitor) -> None:
    page = visitor.page
    visitor.people()
    page.get_by_text("Retention and legal holds").click()
    page.locator("#gallery-retention").get_by_text("References are matched with for").wait_for()
    visitor.settle()
    page.locator("#retention-keeping input").fill("8")
    page.get_by_role("button", name="Show what would change").click()
    page.locator("#gallery-retention").get_by_text("deleted sooner than now").wait_for()
    visitor.settle()


def _keep(visitor: Visitor, path: Path, part: Callable[[], Any]) -> None:
    part().screenshot(path=path)
    with Image.open(path) as picture:
        picture.convert("RGB").quantize(COLOURS).save(path, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
