"""People of an answer joined and split by clicks, on a real service and drawn people: no browser."""

import json
import shutil
from pathlib import Path

import pytest

from biometric.ui.session import Footage
from tests.ui.test_grid_actions import Grid
from tests.ui.test_tabs import Clips, Desk, desk  # noqa: F401 - a fixture
from tests.ui.visits import TWICE, write_visits


class Editor(Grid):
    """Somebody who looks at the answer about people 1 and 2, who are one, and 3, who is seen beside 2."""

    @property
    def footage(self) -> Footage:
        return self.desk.session.footage("identification")

    @property
    def people(self) -> list[tuple[int, str | None]]:
        """Number and name of everybody in the answer."""
        return [
            (answer.observation.person, answer.identity.name if answer.identity is not None else None)
            for answer in self.desk.session.identifications
        ]

    def select(self, *people: int) -> None:
        for person in people:
            self.click("select", person)


BEFORE = [(1, "Ada"), (2, "Ada"), (3, None)]


@pytest.fixture
def editor(desk: Desk, clips: Clips, tmp_path: Path) -> Editor:  # noqa: F811 - the fixture
    desk.enroll("Ada", clips["one"])
    at = Editor(desk, write_visits(tmp_path / "twice.mp4", TWICE))
    assert at.people == BEFORE
    return at


def test_two_tiles_of_one_person_become_one_and_an_undo_brings_them_back(editor: Editor) -> None:
    editor.click("select", 1)
    assert "Same person" not in editor.html, "one tile is joined with nobody"
    shown = editor.click("select", 2)
    assert "Same person" in shown
    shown = editor.click("join")
    assert editor.people == [(1, "Ada"), (3, None)]
    assert "Person 1 was joined by hand from the people 1, 2." in shown
    assert "1 of 2 people identified" in editor.answer
    assert "joined by hand" not in editor.answer, "said once"
    assert 'data-focus="open:1"' in editor.html
    assert "0–39" in str(editor.said[editor.tab.times])
    bars = str(editor.said[editor.tab.panel.presence])
    assert "Person 2" not in bars
    assert "Person 3" in bars
    assert "selected" not in shown

    shown = editor.click("edit_undo", 1)
    assert editor.people == BEFORE
    assert "Undone: the people are as before." in shown
    assert "Undo" not in shown.replace("Undone", "")
    editor.click("edit_undo", 1)
    assert "undone already" in editor.refusal


def test_strangers_are_joined_only_after_a_second_step(editor: Editor) -> None:
    editor.select(1, 3)
    shown = editor.click("join")
    assert editor.people == BEFORE, "nothing has happened yet"
    assert "People 1, 3 look like different people" in shown
    assert 'data-focus="joining"' in editor.html
    assert "look like different people" not in editor.click("keep_apart")
    editor.click("join_anyway")
    assert editor.people == BEFORE, "there is no question any more"
    editor.click("join")
    editor.click("join_anyway")
    assert [person for person, _ in editor.people] == [1, 2]


def test_people_seen_at_the_same_time_are_not_joined(editor: Editor) -> None:
    editor.select(2, 3)
    editor.click("join")
    assert "Person 2 and person 3 are two people" in editor.refusal
    assert editor.people == BEFORE
    editor.click("join_anyway")
    assert editor.people == BEFORE


def test_a_person_of_two_is_split_between_samples_and_nothing_is_read_again(
    editor: Editor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(editor.desk.service, "observe", lambda *_, **__: pytest.fail("the clip was read again"))
    editor.select(1, 3)
    editor.click("join")
    editor.click("join_anyway")
    assert "Split here" in editor.click("open", 1)
    assert 'data-value="1:22"' in editor.html, "where the other one comes"
    shown = editor.click("split", "1:22")
    assert "From frame 22 on, person 1 was split by hand: that is person 3 now." in shown
    assert editor.people == BEFORE
    editor.click("edit_undo", 2)
    assert [person for person, _ in editor.people] == [1, 2]
    editor.click("edit_undo", 1)
    assert editor.people == BEFORE


def test_who_was_joined_is_split_into_the_tracks_and_an_undo_joins_them_again(editor: Editor) -> None:
    assert "Split into" not in editor.click("open", 1), "one track is nothing to split into tracks"
    editor.select(1, 2)
    editor.click("join")
    shown = editor.click("open", 1)
    assert "put together from several tracks" in shown
    assert 'data-action="split_tracks" data-value="1"' in editor.html
    shown = editor.click("split_tracks", 1)
    assert editor.people == BEFORE
    assert "Person 1 was split by hand into tracks, which are people of their own now: 2." in shown
    assert "split by hand" not in editor.answer, "said once"
    editor.click("edit_undo", 2)
    assert editor.people == [(1, "Ada"), (3, None)]
    for value in ("3", "9", "x", ""):
        editor.click("split_tracks", value)
        assert editor.refusal, value
        assert editor.people == [(1, "Ada"), (3, None)]


@pytest.mark.parametrize("value", ["1:0", "1:99", "7:5", "1", "x:y", "1:5:5", ""])
def test_a_split_that_cannot_be_is_refused(editor: Editor, value: str) -> None:
    editor.click("split", value)
    assert editor.refusal
    assert editor.people == BEFORE


def test_files_and_handing_over_follow_the_edit(editor: Editor) -> None:
    editor.select(1, 2)
    editor.click("join")
    for _updates in editor.tab.rewrite("", editor.desk.request):
        pass
    editor.desk.written()
    (written,) = Path(editor.desk.service.settings.query).rglob("*.json")
    found = json.loads(written.read_text("utf-8"))
    assert [item["person"] for item in found["people"]] == [1, 3]
    assert "Person 1 was joined by hand from the people 1, 2." in found["made_from"]["warnings"]

    editor.click("enroll", 1)
    handed_over = editor.desk.session.footage("enrollment")
    assert handed_over.person == 1
    assert handed_over.observed == editor.footage.observed
    assert "Bea is enrolled" in editor.desk.enroll("Bea")
    assert editor.desk.service.gallery().find("Bea").sample_count == 11


def test_frames_read_again_get_the_same_edits(editor: Editor) -> None:
    editor.select(1, 2)
    editor.click("join")
    observed = editor.footage.observed
    assert observed is not None
    assert editor.desk.page.keeping.wait(20)
    shutil.rmtree(observed.folder)
    editor.desk.identify()
    assert editor.people == [(1, "Ada"), (3, None)]
    assert editor.footage.readable is not None
    editor.footage.choose_frames(0, 20)
    assert editor.footage.edits == ()
