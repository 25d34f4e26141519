"""What the People tab shows in one workspace: everybody, one person, a choice of faces, or the history."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from biometric.entities import Retention
from biometric.entities.erasure import ErasureCertificate
from biometric.errors import BiometricError

Place = Literal["everybody", "person", "same person", "move", "history"]
Question = Literal["", "rename", "erase", "empty trash"]

PEOPLE_AT_ONCE = 60
"""Tiles shown at first, and more of them at each press of "Show more"."""


@dataclass(frozen=True, slots=True)
class RefusedName:
    """A name that was typed, and why it cannot be given."""

    text: str
    error: BiometricError


@dataclass(slots=True)
class PeopleState:
    """Where somebody is on the People tab; the gallery itself is asked anew each time.

    Attributes:
        place: what is shown.
        query: text that names must contain.
        shown: most tiles shown.
        identity: id of the person whose page is open.
        reference: id of the reference that is to be moved.
        other: id of the identity that was chosen by face, before the last word.
        sample: the chosen picture, as "reference id/crop name".
        unfolded: ids of references whose pictures are shown although they are not among the latest.
        question: what the page waits for: a new name, or a yes.
        refused: the name that the latest click could not give.
        focus: `data-key` of the element to which the latest click takes the keyboard, "" where it stays.
        clicks: how many there were, so that the page tells a new click from another rendering of the same.
        noted: number of the change that the undo line is about, or None.
        user: who is signed in, "" where nobody is asked to.
        erased, told: the certificate of the erasure that the latest click made, or None; what the page says of it, or
            of the report that the latest click wrote.
        new_folder: makes a folder whose files the page may serve; None where nothing is served.
        waiting_import: an uploaded export, until somebody says whether and how it is imported.
        asked_retention: for whom ("": everybody) which days were shown and wait for a yes; no days: as everybody.
        resurrecting: whether those who were erased are to come back with it.
    """

    place: Place = "everybody"
    query: str = ""
    shown: int = PEOPLE_AT_ONCE
    identity: str | None = None
    reference: str | None = None
    other: str | None = None
    sample: str | None = None
    unfolded: set[str] = field(default_factory=set)
    question: Question = ""
    refused: RefusedName | None = None
    focus: str = ""
    clicks: int = 0
    noted: int | None = None
    user: str = ""
    erased: ErasureCertificate | None = None
    told: str = ""
    new_folder: Callable[[str], Path] | None = field(default=None, compare=False)
    waiting_import: Path | None = None
    resurrecting: bool = False
    asked_retention: tuple[str, Retention | None] | None = None

    def go(self, place: Place, *, identity: str | None = None, focus: str = "") -> None:
        """Open another place; what was typed or chosen in the former one is left behind."""
        self.place, self.identity, self.focus = place, identity, focus
        self.query, self.shown = "", PEOPLE_AT_ONCE
        self.reference = self.other = self.sample = None
        self.question, self.refused = "", None
