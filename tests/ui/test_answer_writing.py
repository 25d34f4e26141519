"""The files of an identification are written beside the models' work, and a newer answer's take their place."""

import threading
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest

from biometric.entities import Progress
from biometric.errors import StorageFull
from biometric.ui.session import FILES_JOB
from tests.ui.serving import serving
from tests.ui.test_tabs import Clips, Desk, desk, run  # noqa: F401 - a fixture
from tests.ui.visiting import Visitor


class HeldWriter:
    """Stands before the real writer: each file waits until `go` is set. Notes the thresholds written with."""

    def __init__(self, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
        self.go = threading.Event()
        self.started: list[float] = []
        self.closed = 0
        self._write = desk.service.write_outputs
        monkeypatch.setattr(desk.service, "write_outputs", self.write)

    def write(self, observed: Any, found: Any, folder: Path, gallery: Path | None) -> Generator[Progress, None, Any]:
        self.started.append(found[0].threshold.value)
        try:
            while not self.go.wait(0.01):
                yield Progress("Writing annotated frame", 1, 40)
            return (yield from self._write(observed, found, folder, gallery))
        except GeneratorExit:
            self.closed += 1
            raise


@pytest.fixture
def held(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[HeldWriter]:  # noqa: F811
    writer = HeldWriter(desk, monkeypatch)
    yield writer
    writer.go.set()
    desk.session.jobs.cancel_all()
    desk.session.jobs.join(10)


def wait_for(condition: Any) -> None:
    for _ in range(1000):
        if condition():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it did not happen within 10 seconds")


def identify(desk: Desk) -> Any:  # noqa: F811
    """Press Identify; the files may still be on their way."""
    tab = desk.identification
    return run(tab.submit("", "", *desk.footage(tab), desk.request))


@pytest.fixture
def answered(desk: Desk, held: HeldWriter, clips: Clips) -> Desk:  # noqa: F811
    desk.enroll("Ada", clips["one"])
    desk.open(desk.identification, clips["again"])
    said = identify(desk)
    assert "1 of 1 person identified" in said[desk.identification.answer]
    assert said[desk.identification.panel.submit]["interactive"]
    wait_for(lambda: held.started)
    return desk


def test_the_next_answer_comes_while_the_files_of_the_last_one_are_written(answered: Desk, held: HeldWriter) -> None:
    with answered.page.model_turns.turn() as free:  # models are free meanwhile
        assert free
    answered.identification.panel.on_frames_moved(0, 20, answered.request)
    assert "1 of 1 person identified" in identify(answered)[answered.identification.answer]
    wait_for(lambda: held.closed == 1 and len(held.started) == 2)
    held.go.set()
    updates = answered.written()
    assert "00000000-00000020" in updates[answered.identification.writing.files]
    assert not list(answered.service.settings.query.rglob("00000000-00000029*"))


def test_other_frames_or_another_clip_give_the_files_up(answered: Desk, held: HeldWriter, clips: Clips) -> None:
    answered.identification.panel.on_frames_moved(0, 20, answered.request)
    wait_for(lambda: held.closed == 1)
    identify(answered)
    answered.open(answered.identification, clips["three"])
    wait_for(lambda: held.closed == 2)
    assert answered.session.jobs.get(FILES_JOB) is None


def test_another_threshold_starts_the_files_over(answered: Desk, held: HeldWriter) -> None:
    answered.identification.box.on_slider_moved(0.999, answered.request)
    wait_for(lambda: held.closed == 1 and len(held.started) == 2)
    answered.identification.decide_again(answered.session)  # says the same, so the files go on
    held.go.set()
    updates = answered.written()
    assert "href" in updates[answered.identification.writing.files]
    assert held.started == [0.572, 0.999]
    assert answered.session.written_at.value == 0.999


def test_cancel_stops_the_writing_and_offers_it_again(answered: Desk, held: HeldWriter) -> None:
    tab = answered.identification
    updates = tab.on_cancel(answered.request)
    assert "The answer stands; its files were not written" in updates[tab.panel.status]
    assert updates[tab.writing.again]["visible"]
    wait_for(lambda: held.closed == 1)
    held.go.set()
    run(tab.rewrite("", answered.request))
    assert "href" in answered.written()[tab.writing.files]


def test_files_whose_crops_were_cleared_away_are_offered_again(answered: Desk, held: HeldWriter) -> None:
    tab = answered.identification
    tab.on_cancel(answered.request)
    answered.service.forget_observations()
    tab.writing.begin(answered.session, answered.service.settings.query)
    assert answered.written()[tab.writing.again]["visible"]
    held.go.set()
    run(tab.rewrite("", answered.request))
    assert "href" in answered.written()[tab.writing.files]


def test_what_goes_wrong_while_writing_is_told_and_offered_again(
    answered: Desk, held: HeldWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    tab = answered.identification
    for error, words in ((StorageFull("The disk is full."), "The disk is full."), (RuntimeError(), "Something went")):
        monkeypatch.setattr(held, "_write", Mock(side_effect=error))
        run(tab.rewrite("", answered.request))
        held.go.set()
        updates = answered.written()
        assert words in updates[tab.writing.status]
        assert updates[tab.writing.again]["visible"]


@pytest.mark.browser
def test_a_second_identify_is_answered_while_the_first_ones_clip_is_written(
    chromium: Any, clips: Clips, tmp_path: Path
) -> None:
    with serving(tmp_path / "writing", writing=0.5) as server:  # 20 seconds for the clip
        visitor, other = Visitor(chromium, server.url), Visitor(chromium, server.url)
        visitor.enroll(clips["one"], "Ada")
        visitor.tab("Identification")
        visitor.submit("identification")
        visitor.banner("identification", "1 of 1 person identified")
        visitor.page.wait_for_selector("#identification-writing >> text=/Writing annotated frame/")
        other.tab("Identification")
        other.upload(clips["three"])
        other.opened()
        other.submit("identification")
        other.banner("identification", "1 of 3 people identified")
        other.page.locator("#identification-presence .sl-bar").nth(2).click()  # the annotated clip does not exist yet
        other.page.wait_for_function("document.querySelector('[role=tabpanel] .sl-card video').currentTime > 1")
        visitor.page.wait_for_selector("#identification-writing >> text=/Writing annotated frame ([6-9]|[12].) /")
        visitor.submit("identification")
        visitor.banner("identification", "1 of 1 person identified")
        visitor.page.wait_for_selector("#identification-writing >> text=/Writing annotated frame [1-5] /")
        visitor.page.click("#identification-cancel")
        visitor.page.wait_for_selector("#identification-status >> text=its files were not written")
        visitor.page.get_by_role("button", name="Write the files again").wait_for()
        visitor.close()
        other.close()
