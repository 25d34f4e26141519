""" "Look at every frame" on the page: where it is offered, what it does, and what an answer says without it."""

from pathlib import Path

import pytest

from tests.ui.test_tabs import AS_BY_DEFAULT, Clips, Desk, run, sit_down


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    desk = sit_down(tmp_path, monkeypatch, skips=True)
    yield desk
    desk.service.close()


SAID = "People were looked for in "


def test_answers_say_what_was_skipped_unless_every_frame_is_looked_at(desk: Desk, clips: Clips) -> None:
    assert SAID in desk.enroll("Ada", clips["one"])
    for tab in (desk.identification, desk.verification):
        desk.open(tab, clips["again"])
    desk.claim("Ada")
    for answer in (desk.identify()[desk.identification.answer], desk.verify()[desk.verification.answer]):
        assert SAID in answer
    for tab, ask in ((desk.identification, desk.identify), (desk.verification, desk.verify)):
        before = desk.session.footage(tab.panel.tab).observed
        first, last, accept, camera, _ = desk.footage(tab)
        words = ("", "") if tab is desk.identification else ()
        updates = run(tab.submit(*words, first, last, accept, camera, True, desk.request))
        assert SAID not in updates[tab.answer]
        after = desk.session.footage(tab.panel.tab).observed
        assert before is not None
        assert after is not None
        assert (before.looks is None, after.looks is None) == (False, True)
        assert SAID not in ask()[tab.answer], "the tick stays until it is taken away"
    desk.written()


def test_taking_the_tick_away_forgets_the_observation(desk: Desk, clips: Clips) -> None:
    desk.open(desk.identification, clips["one"])
    footage = desk.session.footage("identification")
    for thorough in (True, False):
        run(desk.identification.submit("", "", 0, 39, False, None, thorough, desk.request))
        assert footage.observed is not None
        assert (footage.observed.looks is None) is thorough
    desk.written()


@pytest.mark.parametrize(
    ("changes", "offered"), [({}, True), ({"thorough": True}, False), ({"analysis_fps": 0}, False)], ids=str
)
def test_it_is_offered_where_frames_would_be_skipped(
    changes: dict[str, object], offered: bool, clips: Clips, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = sit_down(tmp_path, monkeypatch, skips=True, **changes)
    panel = desk.enrollment.panel
    updates = run(panel.on_clip_uploaded(str(desk.upload(clips["one"])), desk.request))
    assert updates[panel.thorough]["visible"] is offered
    assert panel.on_another_clip(desk.request)[panel.thorough]["visible"] is False
    [several] = [part for part in desk.interface.blocks.blocks.values() if part.elem_id == "batch-thorough"]
    assert several.visible is offered
    desk.service.close()


def test_the_tick_of_several_clips_goes_with_them(desk: Desk, clips: Clips) -> None:
    handlers = {handler.fn.__qualname__: handler for handler in desk.interface.blocks.fns.values() if handler.fn}
    uploaded = handlers["batch_panel.<locals>.uploaded"]
    assert [part.elem_id for part in uploaded.inputs] == ["batch-files", "batch-camera", "batch-thorough"]
    for ticked in (True, False):
        uploaded.fn([str(desk.upload(clips["one"]))], None, ticked, desk.request)
    assert [clip.thorough for clip in desk.session.batch.clips] == [True, False]
    desk.session.batch.cancel()


def test_a_tick_that_is_no_tick_is_none(desk: Desk, clips: Clips) -> None:
    desk.open(desk.enrollment, clips["one"])
    run(desk.enrollment.submit(desk.request, "Ada", *AS_BY_DEFAULT, 0, 39, False, None, "yes"))
    assert not desk.session.footage("enrollment").thorough
