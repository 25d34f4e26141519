"""What clicks on the people of an answer do, on a real service and drawn people: no browser."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from biometric.ui.page import Updates
from tests.ui.test_tabs import Clips, Desk, act, desk  # noqa: F401 - a fixture
from tests.ui.test_templating import HOSTILE, Seen


def refusal(html: str) -> str:
    """Return what a sheet says of a click that was refused; the keyboard goes there."""
    said = re.findall(r'<p [^>]*data-key="refusal">(.*?)</p>', html)
    assert bool(said) == ('data-focus="refusal"' in html)
    return Seen("".join(said)).text


class Grid:
    """Somebody who looks at the answer about three people, of whom the first is enrolled as Ada."""

    def __init__(self, at: Desk, clip: Path) -> None:
        self.desk, self.tab = at, at.identification
        self.said: Updates = {}
        at.open(self.tab, clip)
        self.first = at.identify()

    def click(self, action: str, value: Any = "") -> str:
        """Return what a reader sees of the people."""
        self.said = self.tab.on_grid_clicked(act(action, value), self.desk.request)
        return Seen(self.html).text

    @property
    def html(self) -> str:
        return str(self.said.get(self.tab.contact_sheet, ""))

    @property
    def answer(self) -> str:
        return str(self.said.get(self.tab.answer, ""))

    @property
    def refusal(self) -> str:
        """Return what stands where the people are, because the last click was refused."""
        return refusal(self.html)

    @property
    def line(self) -> str:
        return Seen(str(self.said.get(self.tab.undo.line, ""))).text

    def undo(self, change: str | None = None) -> str:
        """Press the button of the line; return the number of the change."""
        html = self.tab.undo.render(self.desk.session)[self.tab.undo.line]
        number = change or re.findall(r'data-action="undo" data-value="(\d+)"', html)[0]
        self.said = self.tab.undo.pressed(act("undo", number), self.desk.request)
        return number

    def references(self, name: str) -> int:
        return self.desk.service.gallery().find(name).reference_count


@pytest.fixture
def grid(desk: Desk, clips: Clips) -> Grid:  # noqa: F811 - the fixture
    desk.enroll("Ada", clips["one"])
    return Grid(desk, clips["three"])


def test_a_name_on_a_tile_enrolls_and_the_answer_follows(grid: Grid) -> None:
    assert "1 of 3 people identified" in str(grid.first[grid.tab.answer])
    shown = grid.click("name:2", "  Grace   Hopper ")
    assert grid.desk.names() == ["Ada", "Grace Hopper"]
    assert "2 of 3 people identified" in grid.answer
    assert "Grace Hopper" in shown
    assert "Grace Hopper was enrolled with " in grid.line
    assert 'data-focus="open:2"' in grid.html
    assert "Grace Hopper" in str(grid.said[grid.tab.times])
    change = grid.undo()
    assert grid.desk.names() == ["Ada"]
    assert "1 of 3 people identified" in grid.answer
    grid.undo(change)
    assert "about another change by now" in grid.answer
    grid.undo()
    assert grid.desk.names() == ["Ada", "Grace Hopper"]


def test_a_name_that_is_entered_twice_is_given_once(grid: Grid) -> None:
    grid.click("name:2", "Grace Hopper")
    assert "Looks like" not in grid.click("name:2", "Grace Hopper")
    assert grid.references("Grace Hopper") == 1
    grid.undo()
    grid.click("name:2", "Grace Hopper")
    assert grid.references("Grace Hopper") == 1, "after an undo the same name is a new wish"


def test_a_name_that_somebody_has_is_asked_about_with_both_pictures(grid: Grid) -> None:
    shown = grid.click("name:3", "ada")
    assert "Looks like a different person" in shown
    assert grid.html.count("data:image/jpeg") > 2
    assert 'data-focus="inset"' in grid.html
    grid.click("add")
    assert grid.references("Ada") == 1, "the tick comes first"
    grid.click("same")
    grid.click("add")
    assert "Ada was enrolled with" in grid.line
    grid.click("add")
    assert not grid.answer, "a second press finds it done"
    assert grid.references("Ada") == 2


def test_another_name_or_closing_stores_nothing(grid: Grid) -> None:
    for action, focus in (("other_name", "typed:3"), ("close", "open:3")):
        grid.click("name:3", "Ada")
        assert "Looks like a different person" not in grid.click(action)
        assert f'data-focus="{focus}"' in grid.html
    grid.click("add")
    assert grid.references("Ada") == 1
    assert "Nothing was stored" in grid.refusal


def test_a_name_that_is_none_is_said_at_its_field(grid: Grid) -> None:
    assert "Name missing" in grid.click("name:2", "  ")
    assert "typed:2" in grid.html.split("data-field=")[1].split(">")[0]
    assert "Name missing" not in grid.click("open", 1)
    long = "x" * 150
    assert "150 characters" in grid.click("name:2", long)
    assert f'value="{long}"' in grid.html
    assert grid.desk.names() == ["Ada"]


def test_hostile_names_are_shown_and_do_nothing(grid: Grid) -> None:
    grid.click("name:2", HOSTILE.replace("\u202e", ""))
    for action, value in (("open", 2), ("name:3", HOSTILE), ("name:3", HOSTILE.replace("\u202e", ""))):
        grid.click(action, value)
        seen = Seen(grid.html)
        assert not {name for name, _ in seen.attributes} & {"onerror", "onclick"}
        assert "${" not in grid.html
        assert "{{" not in grid.html


def test_who_is_dismissed_counts_nowhere_until_it_is_undone(grid: Grid) -> None:
    grid.click("select", 2)
    assert "2 selected" in grid.click("select", 3)
    shown = grid.click("dismiss")
    assert "2 tiles dismissed: no person." in shown
    assert "Person 2" not in shown
    assert "1 of 1 person identified" in grid.answer
    times = Seen(str(grid.said[grid.tab.times])).text
    assert "1 person as a table" in times
    assert "Person 3" not in times
    assert "2 tiles dismissed" in grid.click("open", 1), "the line stays"
    shown = grid.click("restore")
    assert "Person 2" in shown
    assert "1 of 3 people identified" in grid.answer


def test_evidence_stands_after_its_tile_and_closes(grid: Grid) -> None:
    grid.click("open", 2)
    tile, inset, following = (grid.html.index(word) for word in ('"open:2"', "sl-inset", '"open:3"'))
    assert tile < inset < following
    assert "data-escape" in grid.html
    assert "sl-inset" not in grid.tab.on_grid_clicked(act("close", ""), grid.desk.request)[grid.tab.contact_sheet]
    grid.click("open", 2)
    grid.click("open", 2)
    assert "sl-inset" not in grid.html


def test_a_reload_brings_sorting_and_filter_back_and_another_clip_only_the_order(grid: Grid, clips: Clips) -> None:
    grid.click("sort", "score")
    grid.click("filter", "unknown")
    grid.click("open", 2)
    again = str(grid.tab.answer_after_edit(grid.desk.session)[grid.tab.contact_sheet])
    for key in ("sort:score", "filter:unknown"):
        assert 'aria-pressed="true"' in again.split(f'data-key="{key}"')[1].split(">")[0]
    assert "sl-inset" in again
    assert "data-focus" not in again
    grid.desk.open(grid.tab, clips["again"])
    state = grid.desk.session.grid
    assert (state.order, state.outcomes, state.opened) == ("score", set(), None)


@pytest.mark.parametrize(
    ("action", "value"),
    [
        *(("sort", "weight"), ("filter", "everybody"), ("page", "x"), ("open", "99"), ("open", ""), ("select", "-1")),
        *(("name:99", "Eve"), ("name:", "Eve"), ("add", ""), ("undo", "1"), ("format", "c")),
    ],
)
def test_what_the_page_never_sends_changes_nothing(grid: Grid, action: str, value: str) -> None:
    grid.click(action, value)
    assert grid.refusal
    assert not grid.answer, "what was answered stands"
    assert grid.desk.names() == ["Ada"]


def test_crops_that_are_gone_are_told(grid: Grid) -> None:
    observed = grid.desk.session.footage("identification").observed
    assert observed is not None
    shutil.rmtree(observed.folder)
    grid.click("name:2", "Grace")
    assert "Press Identify" in grid.refusal
    assert grid.desk.names() == ["Ada"]
