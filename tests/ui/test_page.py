"""The page in a real browser, on drawn people: journeys by upload and click, keyboard and telephone."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.browser_setup import find
from tests.ui.scenery import write_people
from tests.ui.serving import Server, serving
from tests.ui.visiting import Visitor

pytestmark = pytest.mark.browser
Clips = dict[str, Path]


def test_enroll_verify_and_identify_by_upload_and_click(first_visitor: Visitor, clips: Clips) -> None:
    visitor = first_visitor
    page = visitor.page
    assert "Nobody is enrolled yet" in visitor.people().inner_text()

    said = visitor.enroll(clips["one"], "Ada Lovelace")
    assert re.search(r"\d+ samples kept from frames \d+–\d+", said)
    assert page.locator("#enrollment-answer .sl-sample img[src^='data:image/jpeg']").count() >= 4
    visitor.people().get_by_text("Ada Lovelace").wait_for()
    visitor.tab("Enrollment")

    visitor.submit("enrollment")
    visitor.banner("enrollment", "Already enrolled")

    visitor.tab("Verification")
    page.wait_for_selector(".sl-clip:visible")  # the footage came along
    page.get_by_role("radio", name="Ada Lovelace").click()
    page.wait_for_selector("[role=radio][aria-checked=true]:has-text('Ada Lovelace')")
    visitor.submit("verification")
    said = visitor.banner("verification", "Match: this is Ada Lovelace")
    assert "threshold 0.514 (model card)" in said

    visitor.identify_three(clips["three"])
    page.wait_for_selector("#identification-files a")
    assert page.locator("#identification-files a").count() == 4
    assert page.locator("#identification-presence .sl-bar").count() == 3
    assert page.evaluate("document.querySelector('#annotated video').readyState >= 0")
    page.locator("#identification-presence .sl-bar").nth(2).click()
    player = (
        "document.querySelector('#identification-presence').closest('[role=tabpanel]').querySelector('.sl-card video')"
    )
    page.wait_for_function(f"{player}.currentTime > 1")

    page.locator("#identification-sheet .sl-tile", has_text="unknown").first.click()
    page.get_by_role("button", name="Enroll this person").click()
    page.wait_for_selector("#enrollment-sheet [role=radio][aria-checked=true]")
    visitor.page.wait_for_function("document.activeElement.closest('#enrollment-name')")
    visitor.name("Grace Hopper")
    visitor.submit("enrollment")
    visitor.banner("enrollment", "Grace Hopper is enrolled")


def test_several_people_are_asked_about_and_samples_dropped(first_visitor: Visitor, clips: Clips) -> None:
    visitor = first_visitor
    page = visitor.page
    visitor.ask_about_three(clips["three"], "Third Person")
    page.locator("#enrollment-sheet [role=radio]").nth(2).click()
    page.wait_for_selector("#enrollment-sheet [data-key='person:3'][aria-checked=true]")
    sample = page.locator("#enrollment-sheet .sl-sample").first
    sample.click()
    page.wait_for_selector("#enrollment-sheet .sl-sample[aria-checked=false]")
    counted = re.search(r"Person 3: (\d+) of (\d+) samples", page.locator("#enrollment-sheet").inner_text())
    assert counted
    assert int(counted[1]) == int(counted[2]) - 1
    visitor.submit("enrollment")
    said = visitor.banner("enrollment", "Third Person is enrolled")
    assert f"{counted[1]} samples kept" in said


def test_the_contact_sheet_is_worked_by_keyboard(visitor: Visitor, clips: Clips) -> None:
    page = visitor.page
    visitor.upload(clips["three"])
    visitor.opened()
    visitor.name("Keyboard")
    page.keyboard.press("Enter")  # in the name field
    visitor.banner("enrollment", "3 people can be enrolled")
    page.locator("#enrollment-sheet [role=radio][aria-checked=true]").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_selector("#enrollment-sheet [data-key='person:2'][aria-checked=true]")
    page.wait_for_function("document.activeElement.dataset.key === 'person:2'")


def test_a_clip_that_browsers_cannot_play_gets_a_preview(visitor: Visitor, clips: Clips) -> None:
    visitor.upload(clips["avi"])
    visitor.opened()
    visitor.page.wait_for_selector("video:visible")
    visitor.page.wait_for_function("document.querySelector('.sl-player').readyState >= 1")
    assert "mpeg4" in visitor.page.locator(".sl-facts").first.inner_text()
    visitor.name("From AVI")
    visitor.submit("enrollment")
    visitor.banner("enrollment", "From AVI is enrolled")


@pytest.mark.parametrize(("clip", "words"), [("text", "not a video|no video"), ("empty", "empty")])
def test_what_is_no_video_is_told_at_upload(visitor: Visitor, clips: Clips, clip: str, words: str) -> None:
    visitor.upload(clips[clip])
    status = visitor.page.locator("#enrollment-footage-note .sl-field-error")
    status.wait_for()
    assert re.search(words, status.inner_text(), re.IGNORECASE)


def test_missing_things_are_said_in_words(visitor: Visitor, clips: Clips) -> None:
    visitor.name("Somebody")
    visitor.submit("enrollment")
    visitor.page.wait_for_selector("#enrollment-footage-note >> text=No clip yet")
    visitor.upload(clips["nobody"])
    visitor.opened()
    visitor.submit("enrollment")
    assert "Nobody was found" in visitor.banner("enrollment", "Nobody in these frames")
    visitor.name("  ")
    visitor.submit("enrollment")
    visitor.page.wait_for_selector("#enrollment-name-note >> text=Name missing")


def test_frame_fields_and_previews_follow_each_other(visitor: Visitor, clips: Clips) -> None:
    page = visitor.page
    visitor.upload(clips["one"])
    visitor.opened()
    field = page.get_by_label("To frame", exact=True)
    field.fill("19")
    field.press("Tab")
    page.wait_for_selector("text=frames 0–19 · 0:00.0–0:01.9 · 20 frames")
    slider = page.get_by_role("slider", name="First frame of the range").locator("visible=true")
    slider.focus()
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    page.wait_for_selector("text=frames 3–19 · 0:00.3–0:01.9 · 17 frames")
    page.get_by_label("From frame", exact=True).fill("30")
    page.keyboard.press("Tab")
    page.wait_for_selector("text=From frame 30 comes after To frame 19")
    visitor.name("Reversed")
    visitor.submit("enrollment")
    visitor.page.wait_for_selector("#enrollment-range-note >> text=Frames out of range")


def test_a_bystander_does_not_pass_silently_and_the_threshold_decides_at_once(visitor: Visitor, clips: Clips) -> None:
    page = visitor.page
    visitor.enroll(clips["one"], "Claimed Person")
    visitor.tab("Verification")
    page.get_by_role("button", name="Choose another clip").locator("visible=true").click()
    page.wait_for_selector(".sl-drop:visible")
    visitor.upload(clips["three"])
    visitor.opened()
    page.get_by_role("radio", name="Claimed Person").click()
    page.wait_for_selector("[role=radio][aria-checked=true]:has-text('Claimed Person')")
    visitor.submit("verification")
    visitor.banner("verification", "3 people are in these frames")
    page.locator("#verification-sheet .sl-tile").nth(1).click()
    said = visitor.banner("verification", "No match")
    assert "2 other people were not compared." in said
    page.get_by_text("Details: threshold").locator("visible=true").click()
    field = page.get_by_label("number input for Threshold").locator("visible=true")
    field.fill("0")
    field.press("Tab")
    assert "set by you" in visitor.banner("verification", "^Match|^No decision")
    visitor.wait_for_about("Threshold 0.00, set by you.")
    field.fill("7")
    field.press("Tab")
    page.wait_for_selector("#verification-answer >> text=threshold 1.00 (set by you)")
    assert field.input_value() == "1"
    assert not page.locator(".toast-body").count()
    page.get_by_role("button", name="Back to the default").locator("visible=true").click()
    page.wait_for_selector("#verification-answer >> text=threshold 0.514 (model card)")


def test_names_are_shown_as_they_are_and_do_nothing(visitor: Visitor, clips: Clips) -> None:
    hostile = "<img src=x onerror=alert(1)>${1+1}{{value}}"
    dialogs: list[str] = []
    visitor.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    visitor.enroll(clips["other"], hostile)
    row = visitor.people().locator(".sl-name", has_text="onerror")
    row.wait_for()
    assert row.inner_text() == hostile
    visitor.tab("Verification")
    assert visitor.page.locator("#verification-claims .sl-name", has_text="onerror").inner_text() == hostile
    assert not dialogs


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_telephone_shows_all_tabs_without_scrolling_sideways(chromium: Any, server: Server, scheme: str) -> None:
    visitor = Visitor(chromium, server.url, 390, color_scheme=scheme)
    for tab in ("Verification", "Identification", "Enrollment"):
        visitor.tab(tab)
        assert visitor.page.evaluate("document.documentElement.scrollWidth") <= 390
    visitor.people()
    assert visitor.page.evaluate("document.documentElement.scrollWidth") <= 390
    tops = [place["y"] for tab in visitor.page.get_by_role("tab").all() if (place := tab.bounding_box())]
    assert (len(tops), len(set(tops))) == (6, 1), "the tabs stand in one row"
    visitor.close()


def test_cancel_stops_the_work_and_a_second_job_waits(chromium: Any, clips: Clips, tmp_path: Path) -> None:
    with serving(tmp_path / "slow", delay=0.2) as slow:
        first, second = Visitor(chromium, slow.url), Visitor(chromium, slow.url)
        for visitor, clip in ((first, "one"), (second, "other")):
            visitor.upload(clips[clip])
            visitor.opened()
            visitor.name("Somebody")
        first.submit("enrollment")
        first.page.wait_for_selector("#enrollment-status >> text=/Reading frame .* of 40/")
        for label in ("From frame", "To frame"):
            assert first.page.get_by_label(label, exact=True).locator("visible=true").is_disabled()
        assert first.page.get_by_role("button", name="Choose another clip").locator("visible=true").is_disabled()
        second.submit("enrollment")
        second.page.wait_for_selector("#enrollment-status >> text=Waiting for its turn")
        first.page.click("#enrollment-cancel")
        first.page.wait_for_selector("#enrollment-status >> text=Cancelled. Nothing was stored.")
        assert first.page.get_by_label("From frame", exact=True).locator("visible=true").is_enabled()
        for place in ("status", "answer", "sheet"):
            said = first.shown(f"#enrollment-{place}")
            assert not re.search("error|queue", said, re.IGNORECASE), said
        second.page.wait_for_selector("#enrollment-status >> text=/Reading frame/")
        second.banner("enrollment", "Somebody is enrolled")
        assert "Somebody is enrolled" not in first.page.locator("#enrollment-answer").inner_text()
        assert not list((tmp_path / "slow" / "temp").rglob("*.part"))
        first.close()
        second.close()


def test_the_page_answers_and_says_that_weights_are_missing(chromium: Any, clips: Clips, tmp_path: Path) -> None:
    with serving(tmp_path / "missing", missing=1) as server:
        visitor = Visitor(chromium, server.url)
        visitor.page.wait_for_selector("#system-notices >> text=coats.pt is missing")
        visitor.upload(clips["one"])
        visitor.opened()
        visitor.name("Nobody")
        visitor.submit("enrollment")
        assert "coats.pt" in visitor.banner("enrollment", "A model is missing")
        visitor.close()


def test_the_page_answers_before_models_are_loaded_and_follows_when_starters_serve(
    chromium: Any, tmp_path: Path
) -> None:
    hold = tmp_path / "loading" / "hold"
    hold.parent.mkdir()
    hold.touch()
    with serving(hold.parent, starter=1) as server:
        visitor = Visitor(chromium, server.url)
        assert "loading models" in visitor.page.locator("#header").inner_text()
        assert not visitor.page.locator("#system-notices").is_visible()
        visitor.tab("Verification")
        visitor.page.get_by_text("Details: threshold").locator("visible=true").click()
        field = visitor.page.get_by_label("number input for Threshold").locator("visible=true")
        assert field.input_value() == "0.514"
        hold.unlink()
        visitor.page.wait_for_function("!document.querySelector('#header').innerText.includes('loading models')")
        visitor.page.wait_for_selector("#system-notices >> text=less accurate than the recommended ones")
        visitor.page.wait_for_function(
            "[...document.querySelectorAll('#verification-threshold input')].some(field => field.value === '0.714')"
        )
        assert field.input_value() == "0.714"
        visitor.page.get_by_role("tab", name="Calibration").click()
        evidence = visitor.page.locator("details#thresholds", has_text="Thresholds and their evidence")
        assert "0.772" in evidence.text_content()
        visitor.close()


def test_a_recording_of_the_webcam_becomes_the_clip(chromium: Any, server: Server) -> None:
    fake = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    browser = chromium.browser_type.launch(executable_path=find(), args=fake)
    visitor = Visitor(browser, server.url, permissions=["camera"])
    page = visitor.page
    page.get_by_text("Record with the webcam").first.click()
    page.get_by_text("Click to Access Webcam").first.click()
    record = page.get_by_role("button", name="start recording").first
    record.click()
    page.wait_for_timeout(2000)
    record.click()  # its name stays the same while it records
    visitor.opened()
    assert re.search(r"\d+ frames", page.locator(".sl-facts").first.inner_text())
    visitor.close()
    browser.close()


def test_an_example_is_offered_and_opened(chromium: Any, clips: Clips, tmp_path: Path) -> None:
    root = tmp_path / "examples"
    root.mkdir()
    (root / "example-1.mp4").write_bytes(clips["one"].read_bytes())
    with serving(root) as server:
        visitor = Visitor(chromium, server.url)
        visitor.page.get_by_role("button", name="One person in a yellow coat").first.click()
        visitor.opened()
        visitor.page.wait_for_selector("#enrollment-status >> text=Type the name “Yellow coat”")
        assert (root / "example-1.mp4").is_file()
        visitor.close()


def test_somebody_who_looks_like_an_enrolled_person_is_shown_beside_them(first_visitor: Visitor, clips: Clips) -> None:
    visitor = first_visitor
    visitor.enroll(clips["one"], "First Red Coat")
    said = visitor.enroll(clips["again"], "Second Red Coat")
    assert "Second Red Coat looks like First Red Coat" in said
    assert visitor.page.locator("#enrollment-answer .sl-warning .sl-pair img[src^='data:image/jpeg']").count() >= 2
    assert said.count("First Red Coat, who is already enrolled") == 0


def test_a_damaged_clip_is_told_at_upload_and_used_only_when_the_person_says_so(
    visitor: Visitor, clips: Clips, tmp_path: Path
) -> None:
    page = visitor.page
    whole = write_people(tmp_path / "whole.avi", [30], 60, codec="mpeg4").read_bytes()
    damaged = tmp_path / "damaged.avi"
    damaged.write_bytes(whole[: len(whole) * 6 // 10])
    visitor.upload(damaged)
    visitor.opened()
    page.wait_for_selector(".sl-card >> text=This clip is damaged")
    visitor.name("From Damage")
    visitor.submit("enrollment")
    page.wait_for_selector("#enrollment-clip-note >> text=This clip is damaged")
    page.get_by_label("Use it anyway, although it is damaged").check()
    visitor.submit("enrollment")
    visitor.banner("enrollment", "From Damage is enrolled")
