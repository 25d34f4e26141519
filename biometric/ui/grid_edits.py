"""Joining and splitting people of an answer by hand: what the clicks do, and what the grid says of it, as HTML."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from biometric.domain.comparison import decide
from biometric.domain.person_edits import (
    JoinEdit,
    PersonEdit,
    SplitEdit,
    join_people,
    least_score,
    split_frames,
)
from biometric.entities import Notice, NoticeCode, Observation, Threshold
from biometric.errors import FootageChanged, InvalidInput
from biometric.messages import clock, describe
from biometric.messages.translation import gettext as _
from biometric.service import Sightline
from biometric.ui import elements
from biometric.ui.browser_input import NOT_UNDERSTOOD, parse_int
from biometric.ui.grid_actions import READ_AGAIN, TAB, GridClick, act
from biometric.ui.picture_uris import Pictures
from biometric.ui.session import Session
from biometric.ui.templating import render

ACTIONS = frozenset({"join", "join_anyway", "keep_apart", "split", "edit_undo"})
EDIT_CODES = (NoticeCode.JOINED_BY_HAND, NoticeCode.SPLIT_BY_HAND)
SAMPLE_HEIGHT = 96
"""Pixels of a sample's picture between the places at which a person can be split."""


@dataclass(frozen=True, slots=True)
class JoinQuestion:
    """People who look like strangers to each other, and are to be joined all the same.

    Attributes:
        people: their numbers.
        score: the lowest among them, or None where somebody has no usable sample to compare.
        threshold: the score that one person's two templates have.
    """

    people: frozenset[int]
    score: float | None
    threshold: Threshold


@dataclass(frozen=True, slots=True)
class _SplitSample:
    """One kept sample in the row of an observation: its picture and time; `splits_at` is where the next one is cut off.

    `splits_at` is None after the last one.
    """

    picture: str
    frame: int
    time: str
    splits_at: int | None


def act_or_edit(service: Sightline, session: Session, action: str, value: str) -> GridClick:
    """Do what a click on the people asks for: an edit of this module, or what `grid_actions.act` does.

    After an edit everybody is decided anew, without decoding.

    Raises:
        InvalidInput: these people cannot be joined, this person cannot be split there, or it was undone already.
        BiometricError: the gallery cannot be read. Nothing has changed.
    """
    if action not in ACTIONS:
        return act(service, session, action, value)
    state, footage = session.grid, session.footage(TAB)
    observed = footage.observed
    if observed is None:
        raise FootageChanged(READ_AGAIN)
    state.clicks += 1
    state.refused_name = None
    asked, state.joining = state.joining, None
    if action == "keep_apart":
        return GridClick("join:")
    if action == "edit_undo":
        if not footage.edits or value != str(len(footage.edits)):
            raise InvalidInput("This was undone already, or something else was joined or split since.")
        return _edit(session, footage.edits[:-1], None)
    if action == "split":
        person, _separator, frame = value.partition(":")
        split = SplitEdit(parse_int(person, _("The person's number")), parse_int(frame, _("The number of the frame")))
        return _edit(session, (*footage.edits, split), split.person)
    if action == "join_anyway":
        if asked is None:
            raise InvalidInput(NOT_UNDERSTOOD)
        return _join(session, asked.people)
    people = frozenset(state.selected)
    join_people(observed, people)  # where that is impossible, nothing is asked
    threshold = service.threshold("verification", gallery=session.gallery)
    score = least_score(observed, people)
    if not decide(score, threshold):
        state.joining = JoinQuestion(people, score, threshold)
        return GridClick("joining")
    return _join(session, people)


def _join(session: Session, people: frozenset[int]) -> GridClick:
    return _edit(session, (*session.footage(TAB).edits, JoinEdit(people)), min(people))


def _edit(session: Session, edits: Sequence[PersonEdit], person: int | None) -> GridClick:
    """Make these the edits of the footage; the keyboard goes to a person's tile, or to the line above the tiles."""
    undone = len(edits) < len(session.footage(TAB).edits)
    session.footage(TAB).edit(edits)
    state = session.grid
    state.close()
    state.selected = set()
    state.edit_undone = undone
    return GridClick("edit" if person is None else f"open:{person}", edited=True)


def untold(warnings: Sequence[Notice]) -> list[Notice]:
    """Return the warnings of an answer that `edit_line` does not tell."""
    return [warning for warning in warnings if warning.code not in EDIT_CODES]


def edit_line(session: Session) -> Markup:
    """Return the latest edit with its undo (action `edit_undo`), and the question before strangers are joined.

    The question's actions are `join_anyway` and `keep_apart`.
    """
    footage, state = session.footage(TAB), session.grid
    observed, question = footage.observed, state.joining
    if observed is None:
        return Markup()
    said = _("Undone: the people are as before.") if state.edit_undone else ""
    edits = [notice for notice in observed.warnings if notice.code in EDIT_CODES]
    if edits:  # of a kept answer they cannot be undone, only told
        said = " ".join([said, describe(edits[-1])]).strip()
    asks = question is not None and question.people == state.selected
    html = render(
        "person_edits.html",
        said=said,
        edits=len(footage.edits),
        people=sorted(question.people) if question is not None and asks else [],
        scale=Markup(  # noqa: S704 - escaped there
            elements.scale(question.score, question.threshold) if question is not None else ""
        ),
        compared=question is not None and question.score is not None,
    )
    return Markup(html)  # noqa: S704 - escaped where it is made


def split_offer(person: Observation, pictures: Pictures) -> str:
    """Return a person's samples with a button between each two (action `split`); "" where there are fewer than two."""
    places = split_frames(person)
    if not places:
        return ""
    shown = []
    kept = {sample.detection.frame_index: sample for sample in person.kept}
    for frame, splits_at in zip(sorted(kept), (*places, None), strict=True):
        sample = kept[frame]
        picture = pictures.crop(sample.crop, SAMPLE_HEIGHT)
        shown.append(_SplitSample(picture, frame, clock(sample.detection.seconds), splits_at))
    return render("person_split.html", person=person.person, samples=shown)
