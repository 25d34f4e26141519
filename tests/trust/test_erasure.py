"""Erasing somebody while a page is open: their name, templates and pictures are found nowhere afterwards."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biometric.entities.erasure import Unreached
from tests.ui.scenery import make_service, write_people
from tests.ui.serving import Server, serving
from tests.ui.visiting import Visitor
from tests.waiting import wait_for

pytestmark = pytest.mark.browser
NAME = "Zenobia Quill"


@pytest.fixture
def clips(tmp_path: Path) -> dict[str, Path]:
    hues = {"one": [0], "three": [0, 60, 120], "other": [120]}
    return {name: write_people(tmp_path / f"{name}.mp4", coats) for name, coats in hues.items()}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path / "data") as running:
        yield running


@pytest.fixture
def visitor(chromium: Any, server: Server) -> Iterator[Visitor]:
    visitor = Visitor(chromium, server.url)
    yield visitor
    visitor.close()


class Marks:
    """By what somebody is recognised: their name, the bytes of their vectors, and their pictures."""

    def __init__(self, service: Any, name: str) -> None:
        gallery = service.gallery()
        self.id = gallery.find(name).id
        references = gallery.references(self.id)
        self.vectors = [reference.template.vector.tobytes() for reference in references]
        crops = [crop for reference in references for crop in reference.crops]
        self.pictures = {hashlib.sha256(crop.read_bytes()).hexdigest() for crop in crops}
        assert self.vectors
        assert self.pictures

    def found_below(self, root: Path) -> list[str]:
        """What is found of them in the bytes of all files, also in compressed observations."""
        found = []
        for path in sorted(path for path in root.rglob("*") if path.is_file()):
            data = path.read_bytes()
            if path.suffix == ".npz":
                with np.load(path) as stored:
                    data += b"".join(array.tobytes() for array in stored.values())
            held = NAME.encode() in data or any(vector in data for vector in self.vectors)
            if held or hashlib.sha256(data).hexdigest() in self.pictures:
                found.append(str(path.relative_to(root)))
        return found


def work_with_them(visitor: Visitor, clips: dict[str, Path]) -> None:
    """Enroll two people, identify one of them, have the files written, a report made and an export offered."""
    page = visitor.page
    visitor.enroll(clips["one"], NAME)
    visitor.enroll(clips["other"], "Ben")
    visitor.tab("Identification")
    visitor.choose(clips["three"])
    visitor.submit("identification")
    visitor.banner("identification", "2 of 3 people identified")
    page.locator("#identification-files a").first.wait_for()
    page.click("#identification-report:visible")
    page.locator("#identification-report-files a").first.wait_for()
    visitor.settle()


def test_promise_23_erasing_from_another_process_reaches_a_page_that_is_away(
    server: Server, visitor: Visitor, clips: dict[str, Path], tmp_path: Path
) -> None:
    work_with_them(visitor, clips)
    service = make_service(server.root, temp=server.root)
    marks = Marks(service, NAME)
    before = marks.found_below(server.root)
    for place in ("gallery/", "query/", "library/", "observations/", "temp/"):
        assert any(path.startswith(place) for path in before), f"{place} holds nothing to look for: {before}"
    export = service.gallery().export(tmp_path / "handed-out.zip")
    visitor.page.goto("about:blank")
    _, certificate = service.eraser.erase(marks.id)
    wait_for(lambda: marks.found_below(server.root) == [], 20)
    assert [file.path for file in certificate.unreached if file.why is Unreached.HANDED_OUT] == [str(export)]
    assert NAME not in json.dumps(certificate.as_dict())
    check = service.eraser.check(certificate, names=[NAME])
    assert check.passed
    assert [file.path for file in check.unreached] == [str(export)]
    service.close()
    visitor.page.go_back()
    visitor.page.wait_for_selector("#workspace-sync [data-revision]", state="attached")
    visitor.settle()
    assert NAME not in visitor.page.content()
    report = make_service(server.root).gallery().import_(export)
    assert (report.left_out_people, report.references) == (1, 0)


def test_promise_23_erasing_on_the_page_says_what_it_did(
    server: Server, visitor: Visitor, clips: dict[str, Path]
) -> None:
    work_with_them(visitor, clips)
    marks = Marks(make_service(server.root), NAME)
    page = visitor.page
    people = visitor.people()
    people.get_by_role("button", name=NAME).first.click()
    people.get_by_role("button", name="Erase …").click()
    question = people.locator(".sl-bad")
    question.get_by_text("answers and reports that name this person").wait_for()
    question.get_by_role("button", name="Erase for good").click()
    banner = page.locator("#people-undo")
    banner.get_by_text("A person was erased for good").wait_for()
    with page.expect_download() as waiting:
        banner.get_by_role("link", name="Certificate").click()
    certificate = json.loads(waiting.value.path().read_text("utf-8"))
    assert certificate["counts"]["references"] == 1
    assert certificate["counts"]["files"] > 0
    wait_for(lambda: not [path for path in marks.found_below(server.root) if "observations/" not in path], 20)
    for tab in ("Enrollment", "Identification"):
        page.get_by_role("tab", name=tab).click()
        visitor.settle()
    page.wait_for_function("(name) => !document.body.innerText.includes(name)", arg=NAME)
    page.reload()
    page.wait_for_selector("#workspace-sync [data-revision]", state="attached")
    visitor.settle()
    assert NAME not in page.content()
