"""Joining and splitting the people of a tab's footage by hand: what the clicks do, and what is said of it, as HTML.

Identification and Enrollment share it: they differ in where the tiles stand and what follows an edit.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from biometric.domain.person_edits import JoinEdit, PersonEdit, SplitEdit, TracksEdit, split_frames
from biometric.entities import Notice, Observation, ObservedClip
from biometric.entities.people import EDIT_CODES
from biometric.errors import InvalidInput, PeopleLookDifferent
from biometric.messages import clock, describe
from biometric.messages.translation import gettext as _
from biometric.service import Sightline
from biometric.ui import elements, problems
from biometric.ui.browser_input import NOT_UNDERSTOOD, parse_int
from biometric.ui.edit_state import EditState, JoinQuestion
from biometric.ui.picture_uris import Pictures
from biometric.ui.session import Footage
from biometric.ui.templating import render

ACTIONS = frozenset({"join", "join_anyway", "keep_apart", "split", "split_tracks", "edit_undo"})
SAMPLE_HEIGHT = 96
"""Pixels of a sample's picture between the places at which a person can be split."""


@dataclass(frozen=True, slots=True)
class EditablePeople:
    """The people that a tab shows.

    Attributes:
        observed: the people of the footage as they are now.
        gallery: folder of the gallery whose threshold tells who looks different; None: the configured one.
    """

    footage: Footage
    observed: ObservedClip
    state: EditState
    gallery: Path | None


@dataclass(frozen=True, slots=True)
class EditClick:
    """What a click did.

    Attributes:
        focus: `data-key` of the element that the keyboard goes to, where it is no person's tile.
        person: number of the person whose tile the keyboard goes to, or None.
        edited: who is whom was changed.
    """

    focus: str = ""
    person: int | None = None
    edited: bool = False


@dataclass(frozen=True, slots=True)
class _SplitSample:
    """One kept sample in the row of an observation: its picture and time; `splits_at` is where the next one is cut off.

    `splits_at` is None after the last one.
    """

    picture: str
    frame: int
    time: str
    splits_at: int | None


def click_on_people(service: Sightline, people: EditablePeople, action: str, value: str) -> EditClick:
    """Do what a click of `ACTIONS` asks for. Nothing is decoded.

    Raises:
        InvalidInput: these people cannot be joined, this person cannot be split there, or it was undone already.
        BiometricError: the gallery cannot be read. Nothing has changed.
    """
    state, edits = people.state, people.footage.edits
    asked, state.joining = state.joining, None
    if action == "keep_apart":
        return EditClick("join:")
    if action == "edit_undo":
        if not edits or value != str(len(edits)):
            raise InvalidInput("This was undone already, or something else was joined or split since.")
        return _edit(people, edits[:-1], None)
    if action == "split":
        person, _separator, frame = value.partition(":")
        number = parse_int(person, _("The person's number"))
        return _edit(people, (*edits, SplitEdit(number, parse_int(frame, _("The number of the frame")))), number)
    if action == "split_tracks":
        number = parse_int(value, _("The person's number"))
        return _edit(people, (*edits, TracksEdit(number)), number)
    if action == "join_anyway":
        if asked is None:
            raise InvalidInput(NOT_UNDERSTOOD)
        return _edit(people, (*edits, JoinEdit(asked.people, forced=True)), min(asked.people))
    selected = frozenset(state.selected)
    try:
        service.edits.join(people.observed, selected, gallery=people.gallery)
    except PeopleLookDifferent as error:
        if error.threshold is None:
            raise
        state.joining = JoinQuestion(selected, error.score, error.threshold)
        return EditClick("joining")
    return _edit(people, (*edits, JoinEdit(selected)), min(selected))


def _edit(people: EditablePeople, edits: Sequence[PersonEdit], person: int | None) -> EditClick:
    """Make these the edits of the footage; the keyboard goes to a person's tile, or to the line above the tiles."""
    undone = len(edits) < len(people.footage.edits)
    people.footage.edit(edits)
    people.state.begin_anew(undone=undone)
    return EditClick("edit" if person is None else "", person, edited=True)


def refusal_line(state: EditState) -> Markup:
    """Return why the latest click on the tiles did nothing; "" where it did something."""
    if state.refusal is None:
        return Markup()
    return Markup(problems.sheet_refusal(state.refusal))  # noqa: S704 - escaped where it is made


def untold(warnings: Sequence[Notice]) -> list[Notice]:
    """Return the warnings of an answer that `edit_line` does not tell."""
    return [warning for warning in warnings if warning.code not in EDIT_CODES]


def edit_line(footage: Footage, state: EditState, tab: str) -> Markup:
    """Return the latest edit with its undo (action `edit_undo`), and the question before strangers are joined.

    The question's actions are `join_anyway` and `keep_apart`.
    """
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
        tab=tab,
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
    """Return a person's samples with a button between each two (action `split`), and one for tracks (`split_tracks`).

    "" where there are fewer than two samples and one track.
    """
    places = split_frames(person)
    if not places and not person.linked:
        return ""
    shown = []
    kept = {sample.detection.frame_index: sample for sample in person.kept}
    for frame, splits_at in zip(sorted(kept), (*places, None), strict=False):
        sample = kept[frame]
        picture = pictures.crop(sample.crop, SAMPLE_HEIGHT)
        shown.append(_SplitSample(picture, frame, clock(sample.detection.seconds), splits_at))
    return render("person_split.html", person=person.person, samples=shown, tracks=len(person.linked))
