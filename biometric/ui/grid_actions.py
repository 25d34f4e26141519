"""What a click on the people of an answer does: it looks at them differently, or enrolls one of them under a name."""

from collections.abc import Callable
from dataclasses import dataclass

from biometric.entities import Enrollment, GalleryChange, Identification, ObservedClip, clean_name, name_key
from biometric.entities.life_cycle import ON_PAGE
from biometric.errors import BiometricError, FootageChanged, IdentityExists, InvalidInput, InvalidName, LooksDifferent
from biometric.messages.translation import N_
from biometric.messages.translation import gettext as _
from biometric.service import Sightline
from biometric.ui.addition_question import Addition
from biometric.ui.browser_input import NOT_UNDERSTOOD, parse_int
from biometric.ui.grid_state import ORDERS, OUTCOMES, GridPage, GridState, arrange, number
from biometric.ui.person_editing import ACTIONS as EDITS
from biometric.ui.person_editing import EditablePeople, click_on_people
from biometric.ui.problems import REFUSAL
from biometric.ui.session import Session
from biometric.ui.verdict_actions import WORDS, is_verdict, take_verdict

TAB = "identification"
READ_AGAIN = N_("Nothing was stored. Press Identify to look at them again.")


@dataclass(frozen=True, slots=True)
class GridClick:
    """What a click did.

    Attributes:
        focus: `data-key` of the element that the keyboard goes to, "" where it stays.
        recounted: other people count, so that banner, timeline and table are rendered anew.
        edited: the gallery or who is whom was changed, so that everybody is decided anew.
        change: what was changed in the gallery, or None.
        enrollment: what was enrolled by it, or None.
    """

    focus: str = ""
    recounted: bool = False
    edited: bool = False
    change: GalleryChange | None = None
    enrollment: Enrollment | None = None


def act(service: Sightline, session: Session, action: str, value: str) -> GridClick:
    """Do what a click asks for; where that is refused, nothing has changed and the people's place says why.

    Raises:
        BiometricError: it was refused, and there are no people shown.
    """
    session.grid.note_click()
    try:
        return _do(service, session, action, value)
    except BiometricError as error:
        if not session.identifications:
            raise
        session.grid.refusal = error
        return GridClick(REFUSAL)


def _do(service: Sightline, session: Session, action: str, value: str) -> GridClick:
    state = session.grid
    state.refused_name = None
    if action.startswith("name:"):
        return _name(service, session, person_of(session, action.removeprefix("name:")), value)
    if action in ("add", "other_name", "same"):
        return _answered(service, session, action)
    if is_verdict(action):
        return _judge(service, session, action, value)
    if action in EDITS:
        return _edit(service, session, action, value)
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
    observed = _readable(session)
    if state.named == _named(service, session, observed, person, name):  # Enter was pressed twice
        return GridClick(f"open:{person}")
    return _enroll(service, session, observed, person, name)


def _named(service: Sightline, session: Session, observed: ObservedClip, person: int, name: str) -> tuple[object, ...]:
    """Return what tells a name that was just given from one that is given again after something has changed."""
    return (*_token(session, observed, person, name), service.gallery(session.gallery).revision())


def _enroll(
    service: Sightline, session: Session, observed: ObservedClip, person: int, name: str, consent: bool = False
) -> GridClick:
    """Enroll a person of this clip; a name that somebody has is asked about, as in Enrollment."""
    state, asked = session.grid, session.grid.addition
    force = consent and asked is not None and asked.same_person
    try:
        enrollment = service.enroll(
            observed, name, person, gallery=session.gallery, add=consent, force=force, given=ON_PAGE
        )
    except (IdentityExists, LooksDifferent) as error:
        if error.conflict is None:
            raise
        token = _token(session, observed, person, name)
        state.addition, state.added_person = Addition(token, name, error.conflict, observed.label), person
        return GridClick("inset")
    state.close()
    state.named = _named(service, session, observed, person, name)
    state.lookalikes = _lookalikes(enrollment)
    return GridClick(f"open:{person}", edited=True, change=enrollment.change, enrollment=enrollment)


def _lookalikes(enrollment: Enrollment) -> str:
    """Return who else enrolled looks like the person who was just enrolled; "" where nobody does."""
    names = [twin.identity.name for twin in enrollment.lookalikes if twin.identity.id not in enrollment.told_apart]
    return " ".join(
        _("{name} looks like {other}, who is enrolled, too; the People tab can join them.").format(
            name=enrollment.identity.name, other=name
        )
        for name in names
    )


def _answered(service: Sightline, session: Session, action: str) -> GridClick:
    state = session.grid
    asked, person = state.addition, state.added_person
    if asked is None or person is None:
        if state.named is not None and state.named[-1] == service.gallery(session.gallery).revision():
            return GridClick()  # the button was pressed twice
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


def _edit(service: Sightline, session: Session, action: str, value: str) -> GridClick:
    """Join or split people, or undo that; then everybody is decided anew, without decoding."""
    footage = session.footage(TAB)
    if footage.observed is None:
        raise FootageChanged(READ_AGAIN)
    people = EditablePeople(footage, footage.observed, session.grid, session.gallery)
    click = click_on_people(service, people, action, value)
    if click.edited:
        session.grid.close()
    return GridClick(click.focus if click.person is None else f"open:{click.person}", edited=click.edited)


def _judge(service: Sightline, session: Session, action: str, value: str) -> GridClick:
    observed = session.footage(TAB).observed
    if observed is None:
        raise FootageChanged(READ_AGAIN)
    change, person = take_verdict(service, observed, session.identifications, (action, value), session.gallery)
    # Whom the buttons are about may be somebody else now, but the tile is the same one.
    return GridClick(f"open:{person}" if action not in WORDS else "", edited=True, change=change)


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
