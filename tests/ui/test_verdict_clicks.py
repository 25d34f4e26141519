"""Saying whether answers are right by clicks, on a real service and drawn people: no browser."""

import re

from biometric.entities import VerdictWord
from biometric.ui.verdict_bar import judged
from tests.ui.test_grid_actions import Grid, grid  # noqa: F401 - a fixture
from tests.ui.test_tabs import Clips, Desk, act, desk  # noqa: F401 - fixtures
from tests.ui.test_templating import Seen

WORDS = [word.value for word in VerdictWord]


def person_called(at: Grid, name: str) -> tuple[int, str]:
    """The number of the person who is answered to be somebody, and the identity's id."""
    [found] = [item for item in at.desk.session.identifications if item.identity and item.identity.name == name]
    assert found.identity
    return found.observation.person, found.identity.id


def pressed(html: str) -> list[str]:
    return re.findall(r'aria-pressed="true"[^>]*?data-action="(\w+)"', html)


def said(at: Desk) -> list[tuple[str, str]]:
    return [(str(item.word), item.name) for item in at.service.verdicts.listed()]


def test_wrong_takes_the_name_away_at_once_and_undo_brings_it_back(grid: Grid) -> None:  # noqa: F811
    person, ada = person_called(grid, "Ada")
    shown = grid.click("wrong", f"{person}:{ada}")
    assert "0 of 3 people identified" in grid.answer
    assert "not Ada" in shown
    assert "It was said that somebody is not Ada." in grid.line
    assert "You said that this is not Ada" in grid.click("open", person)
    assert f'data-action="withdraw" data-value="{grid.desk.service.verdicts.listed()[0].id}"' in grid.html
    # The same clip again, and only a part of it.
    grid.desk.identify()
    assert [item.identity for item in grid.desk.session.identifications] == [None, None, None]
    grid.undo()
    assert "1 of 3 people identified" in grid.answer
    assert person_called(grid, "Ada")[0] == person
    assert said(grid.desk) == []


def test_a_pressed_button_is_shown_and_pressed_again_takes_it_back(grid: Grid) -> None:  # noqa: F811
    person, ada = person_called(grid, "Ada")
    assert pressed(grid.html or str(grid.first[grid.tab.contact_sheet])) == []
    for word in ("confirmed", "undecided"):
        grid.click(word, f"{person}:{ada}")
        assert pressed(grid.html) == [word]
        assert person_called(grid, "Ada")[0] == person, "the decision stays"
    assert said(grid.desk) == [("undecided", "Ada")]
    grid.click("undecided", f"{person}:{ada}")
    assert pressed(grid.html) == []
    assert "A verdict about Ada was withdrawn." in grid.line


def test_somebody_unknown_is_said_to_be_somebody_enrolled(grid: Grid) -> None:  # noqa: F811
    person = next(item.observation.person for item in grid.desk.session.identifications if judged(item) is None)
    assert "It is somebody enrolled" in grid.click("open", person)
    shown = grid.click(f"is:{person}", " ADA ")
    assert "Ada, you said" in shown
    [verdict] = grid.desk.service.verdicts.listed()
    assert (verdict.word, verdict.name, verdict.probe.person) == ("confirmed", "Ada", person)
    assert verdict.score < verdict.threshold
    assert "1 of 3 people identified" in str(grid.tab._show(grid.desk.session)[grid.tab.answer]), "by score"
    grid.click("withdraw", verdict.id)
    assert said(grid.desk) == []


def test_what_is_not_in_the_answer_is_refused(grid: Grid) -> None:  # noqa: F811
    person, ada = person_called(grid, "Ada")
    values = ("", "1", f"99:{ada}", f"{person}:{'0' * 32}", f"x:{ada}", f"{person}:")
    clicks = [(word, value) for word in WORDS for value in values]
    clicks += [("withdraw", "1"), ("withdraw", ""), ("withdraw", "-1"), ("is:99", "Ada"), ("is:x", "Ada")]
    clicks += [(f"is:{person}", "Nobody"), (f"is:{person}", ""), ("maybe", f"{person}:{ada}")]
    for action, value in clicks:
        grid.click(action, value)
        assert (bool(grid.refusal), said(grid.desk)) == (True, []), (action, value)


def test_somebody_who_was_removed_meanwhile_cannot_be_judged(grid: Grid) -> None:  # noqa: F811
    person, ada = person_called(grid, "Ada")
    gallery = grid.desk.service.gallery()
    gallery.remove(ada)
    grid.click("wrong", f"{person}:{ada}")
    assert "Nobody of that name" in grid.refusal
    gallery.undo()
    assert said(grid.desk) == []


def test_a_claim_is_judged_and_the_answer_follows(desk: Desk, clips: Clips) -> None:  # noqa: F811
    desk.enroll("Ada", clips["one"])
    tab = desk.verification
    desk.open(tab, clips["again"])
    desk.claim("Ada")
    updates = desk.verify()
    assert "Match: this is Ada" in str(updates[tab.answer])
    (value,) = set(re.findall(r'data-action="wrong" data-value="([^"]+)"', str(updates[tab.answer])))
    updates = tab.judged(act("wrong", value), desk.request)
    text = Seen(str(updates[tab.answer])).text
    assert "No match: this is not Ada" in text
    assert "You said that this is not Ada, so it is no match" in text
    assert pressed(str(updates[tab.answer])) == ["wrong"]
    line = str(updates[tab.undo.line])
    (number,) = re.findall(r'data-action="undo" data-value="(\d+)"', line)
    updates = tab.undo.pressed(act("undo", number), desk.request)
    assert "Match: this is Ada" in str(updates[tab.answer])
    assert pressed(str(updates[tab.answer])) == []
    desk.session.answered = False
    assert "sl-bad" in str(tab.judged(act("wrong", value), desk.request)[tab.answer])
    assert said(desk) == []


def test_names_cannot_escape_from_the_buttons(desk: Desk, clips: Clips) -> None:  # noqa: F811
    desk.enroll('<b>"Ada"</b>', clips["one"])
    desk.open(desk.identification, clips["again"])
    html = str(desk.identify()[desk.identification.contact_sheet])
    assert "<b>" not in html
    assert "sl-verdict-icons" in html
