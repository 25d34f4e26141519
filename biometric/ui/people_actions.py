"""What a click on the People tab does: it moves within the tab, or makes one change of the gallery."""

from collections.abc import Callable

from biometric.entities import GalleryChange, Identity, clean_name
from biometric.errors import InvalidInput
from biometric.ui import people_pages
from biometric.ui.browser_input import NOT_UNDERSTOOD
from biometric.ui.people_desk import PeopleDesk
from biometric.ui.people_state import PEOPLE_AT_ONCE, PeopleState


def act(desk: PeopleDesk, state: PeopleState, action: str, value: str) -> GalleryChange | None:
    """Do what a click asks for; return the change that it made, None when it only moved within the tab.

    Raises:
        InvalidInput: there is no such action, or what it is about is gone.
        BiometricError: the gallery refused; nothing has changed.
    """
    state.clicks, state.focus, state.refused, state.erased = state.clicks + 1, "", None, None
    state.told = ""
    step = _STEPS.get(action)
    if step is not None:
        step(desk, state, value)
        return None
    edit = _EDITS.get(action)
    if edit is None:
        raise InvalidInput(NOT_UNDERSTOOD)
    change = edit(desk, state, value)
    state.noted, state.question = change.id, ""
    desk.settle(state)
    return change


def open_person(desk: PeopleDesk, state: PeopleState, identity_id: str) -> None:
    """Open somebody's page."""
    state.go("person", identity=desk.identity(identity_id).id, focus="person")


def open_everybody(desk: PeopleDesk, state: PeopleState, _: str) -> None:
    """Go back to everybody; the keyboard goes to the tile of the person who was shown."""
    shown = state.identity
    state.go("everybody", focus=f"open:{shown}" if shown else "people")


def open_history(desk: PeopleDesk, state: PeopleState, _: str) -> None:
    """Open the history with the trash."""
    state.go("history", focus="history")


def open_same_person(desk: PeopleDesk, state: PeopleState, _: str) -> None:
    """Offer faces of whom the person may be the same."""
    state.go("same person", identity=desk.person(state).id, focus="faces")


def open_move(desk: PeopleDesk, state: PeopleState, reference_id: str) -> None:
    """Offer faces to whom a reference may belong."""
    identity, reference = desk.person(state), desk.reference(state, reference_id)
    state.go("move", identity=identity.id, focus="faces")
    state.reference = reference.id


def show_more(desk: PeopleDesk, state: PeopleState, _: str) -> None:
    """Show more tiles."""
    shown = state.shown
    state.shown += PEOPLE_AT_ONCE
    found = people_pages.matching(desk.gallery().identities(), state.query)
    state.focus = f"open:{found[shown].id}" if shown < len(found) else "people"


def choose_face(desk: PeopleDesk, state: PeopleState, identity_id: str) -> None:
    """Ask for the last word on a face."""
    state.other, state.focus = desk.identity(identity_id).id, "last-word"


def other_face(desk: PeopleDesk, state: PeopleState, _: str) -> None:
    """Go back to the faces."""
    state.focus, state.other = f"face:{state.other}", None


def choose_picture(desk: PeopleDesk, state: PeopleState, key: str) -> None:
    """Choose a picture, or the chosen one no more."""
    desk.sample(state, key)
    state.sample = None if state.sample == key else key


def unfold(desk: PeopleDesk, state: PeopleState, reference_id: str) -> None:
    """Show the pictures of an older reference."""
    state.unfolded.add(desk.reference(state, reference_id).id)
    state.focus = f"visit:{reference_id}"


def ask_name(desk: PeopleDesk, state: PeopleState, _: str) -> None:
    """Offer a field for another name."""
    state.question, state.focus = "rename", "new-name"


def ask_erase(desk: PeopleDesk, state: PeopleState, _: str) -> None:
    """Ask before a person is erased."""
    state.question, state.focus = "erase", "erase-question"


def report_person(desk: PeopleDesk, state: PeopleState, identity_id: str) -> None:
    """Write the report of the person, whose page stays open; see `PeopleDesk.report`."""
    state.told = desk.report(desk.shown_person(state, identity_id).id, state)
    state.focus = f"subject-report:{identity_id}"


def ask_empty(desk: PeopleDesk, state: PeopleState, _: str) -> None:
    """Ask before the trash is emptied."""
    state.question, state.focus = "empty trash", "empty-question"


def never_mind(desk: PeopleDesk, state: PeopleState, asked: str) -> None:
    """Take a question back; the keyboard goes to the button that asked it."""
    keys = {"rename": "ask-name:", "erase": "ask-erase:", "empty": "ask-empty:"}
    state.question, state.focus = "", keys.get(asked, "person")


def rename(desk: PeopleDesk, state: PeopleState, name: str) -> GalleryChange:
    """Give the person another name."""
    change = desk.gallery().rename(desk.person(state).id, clean_name(name))
    state.focus = "ask-name:"
    return change


def remove(desk: PeopleDesk, state: PeopleState, identity_id: str) -> GalleryChange:
    """Put the person into the trash."""
    change = desk.gallery().remove(desk.shown_person(state, identity_id).id)
    state.go("everybody", focus="people")
    return change


def erase(desk: PeopleDesk, state: PeopleState, identity_id: str) -> GalleryChange:
    """Delete the person for good, after the question."""
    identity = desk.shown_person(state, identity_id)
    if state.question != "erase":
        raise InvalidInput("Nothing was erased. Press “Erase …” on the page of {name} first.", name=identity.name)
    change, state.erased = desk.erase(identity.id, state.user)
    desk.pictures.forget(desk.gallery().folder)
    state.go("everybody", focus="people")
    return change


def remove_reference(desk: PeopleDesk, state: PeopleState, reference_id: str) -> GalleryChange:
    """Put a reference into the trash."""
    change = desk.gallery().remove_reference(desk.reference(state, reference_id).id)
    state.sample, state.focus = None, "person"
    return change


def remove_picture(desk: PeopleDesk, state: PeopleState, key: str) -> GalleryChange:
    """Put one picture of a reference into the trash."""
    reference, crop = desk.sample(state, key)
    change = desk.gallery().remove_sample(reference.id, crop.name)
    state.sample, state.focus = None, f"visit:{reference.id}"
    return change


def choose_cover(desk: PeopleDesk, state: PeopleState, key: str) -> GalleryChange:
    """Let a picture stand for the person."""
    reference, crop = desk.sample(state, key)
    change = desk.gallery().set_cover(reference.identity_id, reference.id, crop.name)
    state.focus = f"picture:{key}"
    return change


def keep_own_name(desk: PeopleDesk, state: PeopleState, other_id: str) -> GalleryChange:
    """Two identities become one, under the name of the person whose page is open."""
    return _merge(desk, state, source=desk.chosen_face(state, other_id), target=desk.person(state))


def keep_other_name(desk: PeopleDesk, state: PeopleState, other_id: str) -> GalleryChange:
    """Two identities become one, under the name of the chosen face."""
    return _merge(desk, state, source=desk.person(state), target=desk.chosen_face(state, other_id))


def _merge(desk: PeopleDesk, state: PeopleState, source: Identity, target: Identity) -> GalleryChange:
    change = desk.gallery().merge(source.id, target.id)
    state.go("person", identity=target.id, focus="person")
    return change


def move(desk: PeopleDesk, state: PeopleState, other_id: str) -> GalleryChange:
    """Give the reference to the chosen face."""
    reference = desk.reference(state, state.reference or "")
    return _moved(state, desk.gallery().move_reference(reference.id, desk.chosen_face(state, other_id).id))


def move_to_new(desk: PeopleDesk, state: PeopleState, name: str) -> GalleryChange:
    """Give the reference to somebody who is not enrolled yet."""
    reference = desk.reference(state, state.reference or "")
    return _moved(state, desk.gallery().move_reference(reference.id, new_name=clean_name(name)))


def _moved(state: PeopleState, change: GalleryChange) -> GalleryChange:
    state.go("person", identity=state.identity, focus="person")
    return change


def undo(desk: PeopleDesk, state: PeopleState, change_id: str) -> GalleryChange:
    """Take a change back."""
    if not change_id.isdecimal():
        raise InvalidInput(NOT_UNDERSTOOD)
    change = desk.gallery().undo(int(change_id))
    state.sample, state.other = None, None
    state.focus = {"history": "history", "person": "person", "everybody": "people"}.get(state.place, "faces")
    return change


def empty_trash(desk: PeopleDesk, state: PeopleState, _: str) -> GalleryChange:
    """Delete what is in the trash for good, after the question."""
    if state.question != "empty trash":
        raise InvalidInput("Nothing was deleted. Press “Empty the trash …” first.")
    change = desk.gallery().empty_trash()
    desk.pictures.forget(desk.gallery().folder)
    state.focus = "history"
    return change


NAMING = ("rename", "move-to-new")
"""Clicks whose value is a name that somebody typed."""

Step = Callable[[PeopleDesk, PeopleState, str], None]
Edit = Callable[[PeopleDesk, PeopleState, str], GalleryChange]

_STEPS: dict[str, Step] = {
    "open": open_person,
    "person": open_person,
    "everybody": open_everybody,
    "history": open_history,
    "same-person": open_same_person,
    "move": open_move,
    "more": show_more,
    "face": choose_face,
    "other-face": other_face,
    "picture": choose_picture,
    "unfold": unfold,
    "ask-name": ask_name,
    "ask-erase": ask_erase,
    "subject-report": report_person,
    "ask-empty": ask_empty,
    "never-mind": never_mind,
}
"""Clicks that move within the tab."""

_EDITS: dict[str, Edit] = {
    "rename": rename,
    "remove": remove,
    "erase": erase,
    "remove-reference": remove_reference,
    "remove-picture": remove_picture,
    "cover": choose_cover,
    "keep-own-name": keep_own_name,
    "keep-other-name": keep_other_name,
    "move-to": move,
    "move-to-new": move_to_new,
    "undo": undo,
    "empty-trash": empty_trash,
}
"""Clicks that change the gallery."""
