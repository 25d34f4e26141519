"""People joined and split on Enrollment's contact sheet, on a real service and drawn people: no browser."""

import shutil
from pathlib import Path

import pytest

from biometric.ui.session import Footage
from tests.ui.test_grid_actions import refusal
from tests.ui.test_tabs import Desk, act, desk  # noqa: F401 - a fixture
from tests.ui.visits import TWICE, write_visits


class Sheet:
    """Somebody at the choice of people 1 and 2, who are one, and 3, who is seen beside 2."""

    def __init__(self, desk: Desk, clip: Path) -> None:  # noqa: F811 - the fixture
        self.desk, self.tab = desk, desk.enrollment
        self.answer = desk.enroll("Ada", clip)
        self.html = str(self.tab.show_people(self.footage)[self.tab.contact_sheet])
        self.name: object = None

    @property
    def footage(self) -> Footage:
        return self.desk.session.footage("enrollment")

    @property
    def people(self) -> list[int]:
        assert self.footage.observed is not None
        return [person.person for person in self.footage.observed.observations]

    def click(self, action: str, value: object = "") -> str:
        """Return the sheet after a click; where the click changed nothing it is the former one."""
        said = self.tab.chose("Ada", act(action, value), self.desk.request)
        self.answer = str(said.get(self.tab.answer, self.answer))
        self.html = str(said.get(self.tab.contact_sheet, self.html))
        self.name = said.get(self.tab.name)
        return self.html

    @property
    def refusal(self) -> str:
        return refusal(self.html)

    def select(self, *people: int) -> None:
        for person in people:
            self.click("select", person)


@pytest.fixture
def sheet(desk: Desk, tmp_path: Path) -> Sheet:  # noqa: F811 - the fixture
    at = Sheet(desk, write_visits(tmp_path / "twice.mp4", TWICE))
    assert at.people == [1, 2, 3]
    assert "3 people can be enrolled from these frames" in at.answer
    return at


def test_tiles_of_one_person_are_joined_and_the_reference_has_the_samples_of_all(sheet: Sheet) -> None:
    assert "Same person" not in sheet.click("select", 1), "one tile is joined with nobody"
    assert "Same person" in sheet.click("select", 2)
    assert 'aria-checked="true" aria-label="Select Person 2"' in sheet.html
    shown = sheet.click("join")
    assert sheet.people == [1, 3]
    assert "Person 1 was joined by hand from the people 1, 2." in shown
    assert 'data-focus="person:1"' in shown
    assert "Person 1: 11 of 11 samples will be used" in shown
    assert "selected" not in shown
    assert "2 people can be enrolled from these frames" in sheet.answer
    assert "Person 1 is chosen." in sheet.answer
    assert "Ada is enrolled" in sheet.desk.enroll("Ada")
    assert sheet.desk.service.gallery().find("Ada").sample_count == 11


def test_an_undo_brings_the_people_back(sheet: Sheet) -> None:
    sheet.select(1, 2)
    assert 'data-action="edit_undo" data-value="1"' in sheet.click("join")
    shown = sheet.click("edit_undo", 1)
    assert sheet.people == [1, 2, 3]
    assert "Undone: the people are as before." in shown
    assert "edit_undo" not in shown
    sheet.click("edit_undo", 1)
    assert "undone already" in sheet.refusal


def test_of_a_person_who_is_two_the_chosen_part_is_enrolled(sheet: Sheet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheet.desk.service, "observe", lambda *_, **__: pytest.fail("the clip was read again"))
    sheet.select(1, 3)
    assert "People 1, 3 look like different people" in sheet.click("join")
    assert 'data-focus="joining"' in sheet.html
    assert sheet.people == [1, 2, 3], "nothing has happened yet"
    assert "look like different people" not in sheet.click("keep_apart")
    sheet.click("join_anyway")
    assert sheet.people == [1, 2, 3], "there is no question any more"
    sheet.click("join")
    sheet.click("join_anyway")
    assert sheet.people == [1, 2]
    assert "Are these two people?" in sheet.html
    assert 'data-value="1:22"' in sheet.html, "where the other one comes"
    shown = sheet.click("split", "1:22")
    assert "From frame 22 on, person 1 was split by hand: that is person 3 now." in shown
    assert sheet.people == [1, 2, 3]
    sheet.click("person", 3)
    assert sheet.footage.person == 3
    monkeypatch.undo()
    assert "Bea is enrolled" in sheet.desk.enroll("Bea")
    assert sheet.desk.service.gallery().find("Bea").sample_count == 5
    (reference,) = sheet.desk.service.gallery().references(sheet.desk.service.gallery().find("Bea").id)
    assert reference.first_frame >= 22


def test_people_seen_together_are_not_joined(sheet: Sheet) -> None:
    sheet.select(2, 3)
    sheet.click("join")
    assert "Person 2 and person 3 are two people" in sheet.refusal
    sheet.click("deselect")
    assert not sheet.refusal, "it was about the click before"
    assert sheet.people == [1, 2, 3]


@pytest.mark.parametrize(
    ("action", "value"),
    [
        ("split", "1:0"),
        ("split", "7:5"),
        ("split", "x:y"),
        ("split", ""),
        ("select", "9"),
        ("select", "one"),
        ("person", "9"),
        ("join", ""),
        ("join_anyway", ""),
        ("edit_undo", "3"),
        ("dismiss", ""),
        ("", "1"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(sheet: Sheet, action: str, value: str) -> None:
    sheet.click(action, value)
    assert sheet.refusal
    assert "3 people can be enrolled" in sheet.answer
    assert (sheet.people, sheet.footage.person, sheet.footage.edits) == ([1, 2, 3], 2, ())


def test_selected_tiles_are_let_go(sheet: Sheet) -> None:
    sheet.select(1, 2)
    assert 'data-focus="select:1"' in sheet.click("deselect")
    assert "Same person" not in sheet.html
    assert sheet.footage.editing.selected == set()


def test_the_name_of_the_last_enrollment_goes_with_its_person_and_another_enrollment_is_one(sheet: Sheet) -> None:
    sheet.click("person", 1)
    assert "Ada is enrolled" in sheet.desk.enroll("Ada")
    sheet.select(1, 2)
    sheet.click("join")
    assert sheet.name == ""
    assert "Ada is enrolled already" in sheet.desk.enroll("Ada"), "not what was enrolled before"


def test_the_one_person_who_is_left_is_enrolled(desk: Desk, tmp_path: Path) -> None:  # noqa: F811 - the fixture
    sheet = Sheet(desk, write_visits(tmp_path / "alone.mp4", TWICE[:2]))
    sheet.select(1, 2)
    assert "Select Person" not in sheet.click("join")
    assert "1 person can be enrolled from these frames" in sheet.answer
    assert "takes up most" not in sheet.answer
    assert "Undo" in sheet.html
    assert "Ada is enrolled" in sheet.desk.enroll("Ada")


def test_frames_read_again_get_the_same_edits_and_other_frames_none(sheet: Sheet) -> None:
    sheet.select(1, 2)
    sheet.click("join")
    observed = sheet.footage.observed
    assert observed is not None
    shutil.rmtree(observed.folder)
    assert "Ada is enrolled" in sheet.desk.enroll("Ada")
    assert sheet.people == [1, 3]
    sheet.select(1)
    sheet.footage.choose_frames(0, 20)
    assert (sheet.footage.edits, sheet.footage.editing.selected) == ((), set())


def test_another_tab_gets_the_edits_but_not_what_is_selected(sheet: Sheet) -> None:
    sheet.select(1, 2)
    sheet.click("join")
    sheet.select(3)
    sheet.desk.identification.on_tab_opened(sheet.desk.session)
    carried = sheet.desk.session.footage("identification")
    assert carried.observed == sheet.footage.observed
    assert carried.edits == sheet.footage.edits
    assert carried.editing.selected == set()
    assert sheet.footage.editing.selected == {3}
