"""Several clips at once in a browser: a queue with a clip that fails, one table, and what a restart leaves."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ui.scenery import write_people
from tests.ui.serving import Server, serving
from tests.ui.visiting import Visitor

pytestmark = pytest.mark.browser
Clips = dict[str, Path]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def cameras(tmp_path: Path) -> Path:
    cameras = tmp_path / "cameras"
    cameras.mkdir()
    return cameras


@pytest.fixture
def server(root: Path, cameras: Path) -> Iterator[Server]:
    """A server whose detector takes a fifth of a second for a frame."""
    with serving(root, delay=0.2, footage=cameras) as running:
        yield running


def library(visitor: Visitor) -> Any:
    visitor.page.get_by_role("tab", name="Library").click()
    choice = visitor.page.get_by_text("Several clips at once")
    choice.wait_for()
    if not visitor.page.locator("#batch-choice input[type=file]").count():
        choice.click()
    return visitor.page.locator("#library-batch")


def seen_at(visitor: Visitor) -> float:
    script = "document.querySelector('[role=tabpanel]:has(#identification-submit) .sl-card video').currentTime"
    return float(visitor.page.evaluate(script))


def test_three_clips_one_of_them_damaged_give_one_table_through_a_reload(
    visitor: Visitor, clips: Clips, tmp_path: Path
) -> None:
    page = visitor.page
    visitor.enroll(clips["one"], "Ada")
    damaged = tmp_path / "cut.mp4"
    damaged.write_bytes(clips["three"].read_bytes()[:9000])
    sources = [write_people(tmp_path / "hall.mp4", [0, 60, 120], 90), damaged, clips["again"]]
    batch = library(visitor)
    page.locator("#batch-files input[type=file]").set_input_files(sources)
    batch.get_by_text(re.compile(r"Reading frame \d+ of 90")).wait_for()
    assert batch.get_by_text("next in line").count() == 1

    visitor.tab("Verification")
    page.locator("#job-bar summary", has_text="1 job").wait_for()
    visitor.open_jobs()
    page.locator("#job-bar li", has_text=re.compile(r"Several clips: \d of 3")).wait_for()
    page.reload()
    page.wait_for_selector("#workspace-sync [data-revision]", state="attached")
    page.locator("#job-bar summary").wait_for()
    batch = library(visitor)
    batch.get_by_text("2 of 3 clips are done, 1 failed").wait_for()
    assert "The clip is damaged" in batch.locator("ol > li", has_text="cut.mp4").inner_text()
    assert "Ada, 2 unknown" in batch.locator("ol > li", has_text="hall.mp4").inner_text()

    row = batch.locator("details", has_text="Ada")
    assert row.locator("summary").inner_text().split("\n")[:2] == ["Ada", "2 clips"]
    with page.expect_download() as download:
        batch.get_by_text("Table (CSV)").click()
    table = Path(download.value.path()).read_text(encoding="utf-8").splitlines()
    assert table[1].startswith("Ada,2,2,")

    unknown = batch.locator("details", has_text="Unknown (2)")
    unknown.locator("summary").click()
    unknown.get_by_role("button", name=re.compile("Person 3, hall.mp4")).click()
    visitor.banner("identification", "1 of 3 people identified")
    page.wait_for_function(
        "document.querySelector('[role=tabpanel]:has(#identification-submit) .sl-card video')?.currentTime > 1"
    )
    assert seen_at(visitor) == pytest.approx(3.0, abs=0.5), "the third person comes in after a third of the clip"


def test_a_folder_of_the_server_is_worked_through_and_one_outside_is_refused(
    visitor: Visitor, clips: Clips, cameras: Path
) -> None:
    page = visitor.page
    visitor.enroll(clips["one"], "Ada")
    for name in ("a.mp4", "b.mp4"):
        write_people(cameras / name, [0, 60], 60)
    batch = library(visitor)
    folder = page.locator("#batch-folder :is(input, textarea)")
    folder.fill("../data/gallery")
    page.click("#batch-add")
    page.locator("#batch-problem", has_text="This path cannot be used").wait_for()
    folder.fill(str(cameras))
    page.click("#batch-add")
    batch.locator("ol > li", has_text="b.mp4").get_by_role("button", name="Cancel").click()
    batch.locator("ol > li", has_text="b.mp4").get_by_text("cancelled").wait_for()
    batch.get_by_text("1 of 2 clips are done").wait_for()
    batch.locator("ol > li", has_text="b.mp4").get_by_role("button", name="Try again").click()
    batch.get_by_text("2 of 2 clips are done").wait_for()
    batch.get_by_role("button", name="Clear what ended").click()
    batch.locator("li").first.wait_for(state="detached")


def test_a_camera_for_all_is_suggested_shown_and_remembered(
    visitor: Visitor, clips: Clips, cameras: Path, tmp_path: Path
) -> None:
    page = visitor.page
    visitor.upload(clips["one"])
    visitor.opened()
    page.fill("#enrollment-camera input", "Hall")
    page.press("#enrollment-camera input", "Enter")
    visitor.name("Ada")
    visitor.submit("enrollment")
    visitor.banner("enrollment", "Ada is enrolled")
    batch = library(visitor)
    page.click("#batch-camera input")
    page.get_by_role("option", name="Hall").click()
    page.locator("#batch-files input[type=file]").set_input_files(clips["again"])
    batch.locator("ol > li", has_text="again.mp4").get_by_text("Hall").wait_for()
    (cameras / "yard").mkdir()
    write_people(cameras / "yard" / "a.mp4", [0], 10)
    page.get_by_label("Each folder is a camera").check()
    page.locator("#batch-folder :is(input, textarea)").fill(str(cameras))
    page.click("#batch-add")
    batch.locator("ol > li", has_text="a.mp4").get_by_text("yard", exact=True).wait_for()
    page.reload()
    page.wait_for_selector("#workspace-sync [data-revision]", state="attached")
    library(visitor)
    page.wait_for_function("document.querySelector('#batch-camera input')?.value === 'Hall'")
    assert page.get_by_label("Each folder is a camera").is_checked()


def test_after_a_restart_the_page_says_what_was_not_done(
    chromium: Any, root: Path, clips: Clips, tmp_path: Path
) -> None:
    long = [write_people(tmp_path / f"{name}.mp4", [0, hue], 60) for name, hue in (("x", 60), ("y", 90), ("z", 120))]
    with serving(root, delay=0.2) as running:
        visitor = Visitor(chromium, running.url)
        visitor.enroll(clips["one"], "Ada")
        batch = library(visitor)
        visitor.page.locator("#batch-files input[type=file]").set_input_files(long)
        batch.get_by_text("1 of 3 clips are done").wait_for()
        running.process.kill()
        running.process.wait(10)
        visitor.context.close()
    with serving(root, delay=0.05) as running:
        visitor = Visitor(chromium, running.url)
        batch = library(visitor)
        batch.get_by_text(re.compile(r"2 of 3 clips of a list of .* were not done, .*: y.mp4, z.mp4")).wait_for()
        visitor.page.locator("#library-main", has_text="x.mp4").wait_for()
        batch.get_by_role("button", name="Put away").click()
        batch.locator(".sl-banner").wait_for(state="detached")
        visitor.close()
