"""Who is to be enrolled of several people: the contact sheet of Enrollment, what clicks on it do, and its HTML.

One person is chosen; tiles of one person are joined, and a person who is two is split, as on Identification.
"""

from dataclasses import dataclass

from markupsafe import Markup

from biometric.domain.person_edits import person_numbered
from biometric.entities import ObservedClip
from biometric.errors import BiometricError, FootageChanged, InvalidInput
from biometric.messages.translation import N_
from biometric.messages.translation import gettext as _
from biometric.service import Sightline
from biometric.ui import contact_sheets, elements
from biometric.ui.browser_input import NOT_UNDERSTOOD, parse_int
from biometric.ui.person_editing import ACTIONS as EDITS
from biometric.ui.person_editing import EditablePeople, click_on_people, edit_line, refusal_line, split_offer
from biometric.ui.picture_uris import Pictures
from biometric.ui.problems import REFUSAL
from biometric.ui.session import Footage
from biometric.ui.templating import render
from biometric.ui.text_format import people

CHANGED = N_("Nothing was stored. Press Enroll to look at them again.")


@dataclass(frozen=True, slots=True)
class SheetClick:
    """What a click did.

    Attributes:
        focus: `data-key` of the element that the keyboard goes to, "" where it stays.
        other_person: somebody else is chosen now.
        edited: who is whom was changed.
    """

    focus: str = ""
    other_person: bool = False
    edited: bool = False


def invitation(footage: Footage, observed: ObservedClip) -> str:
    """Return the banner that says how many people can be enrolled, and how to choose."""
    count = len(observed.usable)
    text = _("Look through the samples, then press Enroll.")
    if count > 1:
        text = _(
            "Person {person} takes up most of the footage and is chosen. Choose another tile if that is not the one "
            "you mean, then press Enroll."
        ).format(person=footage.person)
        if footage.picked:
            text = _("Person {person} is chosen. Look through the samples, then press Enroll.").format(
                person=footage.person
            )
    return elements.banner("info", _("{people} can be enrolled from these frames").format(people=people(count)), text)


def sheet(footage: Footage, pictures: Pictures, focus: str = "") -> str:
    """Return the people to choose from, with the chosen one's samples; "" where the footage was not looked at.

    Actions: `person`, `sample` (drops or restores one), `select`, `deselect`, and those of `person_editing`.

    Args:
        focus: `data-key` of the element that the keyboard goes to, once; "" leaves it where it is.
    """
    observed, state = footage.observed, footage.editing
    if observed is None:
        return ""
    selected = state.selected & {person.person for person in observed.observations}
    choices = contact_sheets.choices(observed, footage.person, pictures, _("Who is to be enrolled?"), selected)
    samples = contact_sheets.samples(observed, footage.person, footage.dropped, pictures, droppable=True)
    chosen = next((person for person in observed.usable if person.person == footage.person), None)
    if chosen is not None:
        samples += split_offer(chosen, pictures)
    return render(
        "enrollment_sheet.html",
        edits=edit_line(footage, state, "enrollment"),
        selected=len(selected),
        refusal=refusal_line(state),
        choices=Markup(choices),  # noqa: S704 - escaped where it is made
        samples=Markup(samples),  # noqa: S704 - escaped where it is made
        focus=focus,
        turn=state.clicks,
    )


def click_on_sheet(service: Sightline, footage: Footage, action: str, value: str) -> SheetClick:
    """Do what a click asks for; where that is refused, nothing has changed and the sheet says why.

    Raises:
        FootageChanged: there is no sheet any more.
    """
    if footage.observed is None:
        raise FootageChanged(CHANGED)
    footage.editing.note_click()
    try:
        return _do(service, footage, footage.observed, action, value)
    except BiometricError as error:
        footage.editing.refusal = error
        return SheetClick(REFUSAL)


def _do(service: Sightline, footage: Footage, observed: ObservedClip, action: str, value: str) -> SheetClick:
    state = footage.editing
    if action in EDITS:
        return _edit(service, footage, observed, action, value)
    if action == "sample":
        names = {sample.detection.crop_name for person in observed.observations for sample in person.kept}
        footage.dropped ^= {value} & names
        return SheetClick()
    if action == "deselect":
        first = min(state.selected, default=None)
        state.selected = set()
        return SheetClick("" if first is None else f"select:{first}")
    person = parse_int(value, _("The person's number"))
    if action == "select":
        state.selected ^= {person_numbered(observed, person).person}
        return SheetClick()
    if action != "person":
        raise InvalidInput(NOT_UNDERSTOOD)
    if person not in {observation.person for observation in observed.usable}:
        raise InvalidInput("Person {person} cannot be enrolled from these frames.", person=person)
    other = person != footage.person
    if other:
        footage.person, footage.dropped = person, set()
    footage.picked = True
    return SheetClick(other_person=other)


def _edit(service: Sightline, footage: Footage, observed: ObservedClip, action: str, value: str) -> SheetClick:
    former = footage.person
    people_shown = EditablePeople(footage, observed, footage.editing, footage.gallery)
    click = click_on_people(service, people_shown, action, value)
    if not click.edited:
        return SheetClick(click.focus)
    footage.people_shown = True
    usable = {} if footage.observed is None else {person.person for person in footage.observed.usable}
    wanted = next((person for person in (click.person, former) if person in usable), None)
    if wanted is not None:
        footage.person, footage.picked = wanted, True
    return SheetClick(click.focus if click.person is None else f"person:{click.person}", True, True)
