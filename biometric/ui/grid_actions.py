"""What a click on the people of an answer does: it looks at them differently, or enrolls one of them under a name."""

from collections.abc import Callable
from dataclasses import dataclass

from biometric.entities import Enrollment, Identification, ObservedClip, clean_name, name_key
from biometric.errors import FootageChanged, IdentityExists, InvalidInput, InvalidName, LooksDifferent
from biometric.messages.translation import N_
from biometric.messages.translation import gettext as _
from biometric.service import Sightline
from biometric.ui.addition_question import Addition
from biometric.ui.browser_input import NOT_UNDERSTOOD, parse_int
from biometric.ui.grid_state import ORDERS, OUTCOMES, GridPage, GridState, arrange, number
from biometric.ui.session import Session
from biometric.ui.text_format import count

TAB = "identification"
READ_AGAIN = N_("Nothing was stored. Press Identify to look at them again.")


@dataclass(frozen=True, slots=True)
class GridClick:
    """What a click did.

    Attributes:
        focus: `data-key` of the element that the keyboard goes to, "" where it stays.
        recounted: other people count, so that banner, timeline and table are rendered anew.
        edited: the gallery was changed, so that everybody is decided anew.
        enrollment: what was enrolled by it, or None.
    """

    focus: str = ""
    recounted: bool = False
    edited: bool = False
    enrollment: Enrollment | None = None


def act(service: Sightline, session: Session, action: str, value: str) -> GridClick:
    """Do what a click asks for.

    Raises:
        InvalidInput: there is no such action, or what it is about is gone.
        BiometricError: the gallery refused; nothing has changed.
    """
    state = session.grid
    state.clicks += 1
    state.refused_name = None
    if action.startswith("name:"):
        return _name(service, session, person_of(session, action.removeprefix("name:")), value)
    if action in ("add", "other_name", "same"):
        return _answered(service, session, action)
    if action == "undo":
        return _undo(service, session, value)
    step = _STEPS.get(action)
    if step is None:
        raise InvalidInput(NOT_UNDERSTOOD)
    return step(session, state, value)


def person_of(session: Session, value: str) -> Identification:
    """Return the answer about a person, by the number that came from the browser.

    Raises:
        InvalidInput: there is no such person in the answer.
    """
    person = parse_int(value, _("The person's number"))
    for answer in session.identifications:
        if number(answer) == person:
            return answer
    raise InvalidInput(
        "There is no person {person} in this answer. Press Identify to look at the frames again.", person=person
    )


# --- looking ---------------------------------------------------------------------------------------------------------


def _open(session: Session, state: GridState, value: str) -> GridClick:
    person = number(person_of(session, value))
    is_open = state.opened == person and state.addition is None
    state.close()
    state.opened = None if is_open else person
    return GridClick(f"open:{person}" if is_open else "inset")


def _close(session: Session, state: GridState, _: str) -> GridClick:
    person = state.opened if state.addition is None else state.added_person
    state.close()
    return GridClick(f"open:{person}")


def _sort(session: Session, state: GridState, value: str) -> GridClick:
    if value not in ORDERS:
        raise InvalidInput(NOT_UNDERSTOOD)
    state.close()
    state.order, state.page = value, 0
    return GridClick()


def _filter(session: Session, state: GridState, value: str) -> GridClick:
    if value and value not in OUTCOMES:
        raise InvalidInput(NOT_UNDERSTOOD)
    state.close()
    state.outcomes = state.outcomes ^ {value} if value else set()
    state.page = 0
    return GridClick()


def _turn(session: Session, state: GridState, value: str) -> GridClick:
    state.close()
    state.page = parse_int(value, _("The number of the page"))
    page = _arranged(session)
    state.page = page.page
    return GridClick(f"open:{number(page.tiles[0])}" if page.tiles else "tiles")


def _fold(session: Session, state: GridState, _: str) -> GridClick:
    state.close()
    state.short_shown = not state.short_shown
    state.page = _arranged(session).page
    return GridClick()


def _arranged(session: Session) -> GridPage:
    observed = session.footage(TAB).observed
    return arrange(session.identifications, session.grid, 0 if observed is None else len(observed.frames))


def _select(session: Session, state: GridState, value: str) -> GridClick:
    state.selected ^= {number(person_of(session, value))}
    return GridClick()


def _deselect(session: Session, state: GridState, _: str) -> GridClick:
    shown = [number(answer) for answer in _arranged(session).tiles if number(answer) in state.selected]
    state.selected = set()
    return GridClick(f"select:{shown[0]}" if shown else "")


def _dismiss(session: Session, state: GridState, _: str) -> GridClick:
    state.close()
    state.dismissed |= state.selected
    state.selected = set()
    return GridClick("dismissed", recounted=True)


def _restore(session: Session, state: GridState, _: str) -> GridClick:
    back = sorted(state.dismissed)
    state.dismissed = set()
    shown = [number(answer) for answer in _arranged(session).tiles]
    return GridClick(next((f"open:{person}" for person in back if person in shown), ""), recounted=True)


# --- naming ----------------------------------------------------------------------------------------------------------


def _readable(session: Session) -> ObservedClip:
    observed = session.footage(TAB).readable
    if observed is None:
        raise FootageChanged(READ_AGAIN)
    return observed


def _token(session: Session, observed: ObservedClip, person: int, name: str) -> tuple[object, ...]:
    return (observed.video.digest, observed.frames, person, name_key(name), session.gallery)


def _name(service: Sightline, session: Session, answer: Identification, typed: str) -> GridClick:
    state, person = session.grid, number(answer)
    state.close()
    try:
        name = clean_name(typed)
    except InvalidName as error:
        state.refused_name = (person, typed, error)
        return GridClick()
    return _enroll(service, session, _readable(session), person, name)


def _enroll(
    service: Sightline, session: Session, observed: ObservedClip, person: int, name: str, consent: bool = False
) -> GridClick:
    """Enroll a person of this clip; a name that somebody has is asked about, as in Enrollment."""
    state, asked = session.grid, session.grid.addition
    force = consent and asked is not None and asked.same_person
    try:
        enrollment = service.enroll(observed, name, person, gallery=session.gallery, add=consent, force=force)
    except (IdentityExists, LooksDifferent) as error:
        if error.conflict is None:
            raise
        token = _token(session, observed, person, name)
        state.addition, state.added_person = Addition(token, name, error.conflict, observed.label), person
        return GridClick("inset")
    state.close()
    change = enrollment.change
    state.enrolled, state.change = _said(enrollment, person), None if change is None else change.id
    return GridClick(f"open:{person}", edited=True, enrollment=enrollment)


def _said(enrollment: Enrollment, person: int) -> str:
    name, kept = enrollment.identity.name, count(len(enrollment.reference.crops), "sample")
    line = (
        _("{name} has another reference").format(name=name)
        if enrollment.added
        else _("{name} is enrolled").format(name=name)
    )
    line += _(": {kept} of person {person}.").format(kept=kept, person=person)
    for twin in enrollment.lookalikes:
        line += _(" Looks like {name}, who is enrolled, too; the People tab can join them.").format(
            name=twin.identity.name
        )
    return line


def _answered(service: Sightline, session: Session, action: str) -> GridClick:
    state = session.grid
    asked, person = state.addition, state.added_person
    if asked is None or person is None:
        raise FootageChanged(READ_AGAIN)
    observed = _readable(session)
    if asked.token != _token(session, observed, person, asked.name):
        state.close()
        raise FootageChanged(READ_AGAIN)
    if action == "other_name":
        state.close()
        return GridClick(f"typed:{person}")
    if action == "same":
        asked.same_person = not asked.same_person and not asked.conflict.reaches_threshold
    elif asked.allowed:
        return _enroll(service, session, observed, person, asked.name, consent=True)
    return GridClick()


def _undo(service: Sightline, session: Session, value: str) -> GridClick:
    state = session.grid
    if state.change is None or value != str(state.change):
        raise InvalidInput("This was undone already, or something else was enrolled since.")
    service.gallery(session.gallery).undo(state.change)
    state.enrolled, state.change = _("Undone: the gallery is as it was before."), None
    return GridClick("line", edited=True)


_STEPS: dict[str, Callable[[Session, GridState, str], GridClick]] = {
    "open": _open,
    "close": _close,
    "sort": _sort,
    "filter": _filter,
    "page": _turn,
    "short": _fold,
    "select": _select,
    "deselect": _deselect,
    "dismiss": _dismiss,
    "restore": _restore,
}
