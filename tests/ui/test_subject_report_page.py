"""The subject report by the API and on the person's page: one file with everything, for admins."""

import base64
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from biometric.accounts.roles import Role
from biometric.entities.audit import AuditQuery
from biometric.errors import InvalidInput
from biometric.ui import people_actions
from biometric.ui.permissions import ACTIONS, CALLS
from biometric.ui.subject_reports import SubjectEndpoints
from tests.ui.accessibility import axe_faults
from tests.ui.serving import Server
from tests.ui.test_tabs import Clips, Desk, desk_with_two_enrolled
from tests.ui.visiting import Visitor


@pytest.fixture
def desk(tmp_path: Path, clips: Clips, monkeypatch: pytest.MonkeyPatch) -> Any:
    with desk_with_two_enrolled(tmp_path, clips, monkeypatch) as desk:
        yield desk


def test_the_api_gives_one_file_with_everything_and_leaves_none(desk: Desk) -> None:
    api, gallery = SubjectEndpoints(desk.page), desk.service.gallery()
    told = api.subject_report("ada")
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(told["zip"]))) as archive:
        data = json.loads(archive.read("data.json"))
        pictures = [name for name in archive.namelist() if name.endswith(".jpg")]
        assert b"Ben" not in archive.read("report.html")
    identity = gallery.find("Ada")
    assert (told["name"], told["identity"], told["encrypted"]) == ("Ada", identity.id, False)
    assert len(data["references"]) == told["counts"]["references"] == 1
    assert len(data["references"][0]["samples"]) == identity.sample_count
    assert told["counts"]["pictures"] == len(pictures) >= identity.sample_count
    assert told["missing_pictures"] == 0
    assert not list(desk.page.uploads.root.rglob("*.zip"))
    assert not list(desk.page.uploads.root.glob("call-*"))
    [record], total = gallery.audit.records(AuditQuery(action="subject_reported"))
    assert (total, record.people) == (1, (identity.id,))
    with pytest.raises(Exception, match="Did you mean Ada"):
        api.subject_report("Adaa")


def test_the_report_needs_an_admin() -> None:
    assert CALLS["subject_report"] == ACTIONS["people_tab"]["subject-report"] == Role.ADMIN


def test_a_click_of_a_page_that_has_moved_on_writes_nothing(desk: Desk) -> None:
    state, gallery = desk.session.people, desk.service.gallery()
    state.new_folder = desk.session.new_folder
    people_actions.act(desk.people.desk, state, "open", gallery.find("Ada").id)
    with pytest.raises(InvalidInput):
        people_actions.act(desk.people.desk, state, "subject-report", gallery.find("Ben").id)
    assert gallery.audit.records(AuditQuery(action="subject_reported"))[1] == 0


@pytest.mark.browser
def test_the_page_of_a_person_offers_the_report(server: Server, visitor: Visitor, clips: Clips) -> None:
    visitor.enroll(clips["one"], "Ada")
    page = visitor.page
    people = visitor.people()
    people.get_by_role("button", name="Ada").first.click()
    people.get_by_role("button", name="Subject report").click()
    banner = page.locator("#people-undo")
    banner.get_by_text("The subject report is ready").wait_for()
    assert "not encrypted" in banner.inner_text()
    with page.expect_download() as waiting:
        banner.get_by_role("link", name="Download the report").click()
    with zipfile.ZipFile(waiting.value.path()) as archive:
        data = json.loads(archive.read("data.json"))
        written = archive.read("report.html").decode()
    assert data["name"] == "Ada"
    assert axe_faults(page) == []
    people.get_by_role("button", name="Rename").click()
    banner.get_by_text("The subject report is ready").wait_for(state="hidden")
    report = page.context.new_page()
    report.set_content(written)
    assert report.get_by_role("heading", name="Biometric references").is_visible()
    images = report.locator("img")
    assert images.count() >= 1
    assert all(images.evaluate_all("(found) => found.map((one) => one.naturalWidth > 0)"))
    assert axe_faults(report) == []
    report.set_viewport_size({"width": 390, "height": 800})
    assert report.evaluate("document.documentElement.scrollWidth <= innerWidth")
    report.close()
