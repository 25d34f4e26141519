"""The report of an answer, made by a click on the page and downloaded."""

import io
import re
from pathlib import Path

import pypdf
import pytest

from tests.ui.visiting import Visitor

pytestmark = pytest.mark.browser


def downloaded(visitor: Visitor, tab: str) -> dict[str, bytes]:
    """Make the report of a tab and download its files, by ending."""
    page = visitor.page
    page.click(f"#{tab}-report:visible")
    links = page.locator(f"#{tab}-report-files a")
    links.first.wait_for()
    files = {}
    for link in links.all():
        with page.expect_download() as waiting:
            link.click()
        files[Path(waiting.value.suggested_filename).suffix] = waiting.value.path().read_bytes()
    return files


def test_reports_of_a_verification_and_an_identification(visitor: Visitor, clips: dict[str, Path]) -> None:
    page = visitor.page
    assert page.locator("#verification-report:visible").count() == 0
    visitor.enroll(clips["one"], "Ada <b>Lovelace</b>")
    visitor.tab("Verification")
    page.wait_for_selector(".sl-clip:visible")
    assert page.locator("#verification-report:visible").count() == 0, "there is no answer yet"
    page.get_by_role("radio", name="Ada <b>Lovelace</b>").click()
    visitor.submit("verification")
    visitor.banner("verification", "Match: this is Ada")
    files = downloaded(visitor, "verification")
    assert sorted(files) == [".html", ".pdf"]
    assert "Ada &lt;b&gt;Lovelace&lt;/b&gt;" in files[".html"].decode("utf-8")
    text = re.sub(r"\s+", " ", pypdf.PdfReader(io.BytesIO(files[".pdf"])).pages[0].extract_text())
    assert "Match: this is Ada <b>Lovelace</b>" in text
    page.get_by_role("button", name="Choose another clip").locator("visible=true").click()
    page.wait_for_selector("#verification-report", state="hidden")
    assert page.locator("#verification-report-files a:visible").count() == 0

    visitor.identify_three(clips["three"])
    files = downloaded(visitor, "identification")
    assert "1 of 3 people identified" in files[".html"].decode("utf-8")
    assert files[".pdf"].startswith(b"%PDF")
