"""What the Library tab shows in one workspace: kept clips, or the history of answers."""

from dataclasses import dataclass
from typing import Literal

from biometric.entities import AnswerKind, ClipOrder

CLIPS_AT_ONCE = 24
ANSWERS_AT_ONCE = 50

Place = Literal["clips", "history"]
Question = Literal["", "remove", "camera"]


@dataclass(slots=True)
class LibraryState:
    """Where somebody is on the Library tab; the library itself is asked anew each time.

    Attributes:
        place: what is shown.
        query: text that a clip's name, its camera or the name of somebody found in it must contain.
        order: how clips are sorted.
        kind: which answers the history shows, None for all.
        page: number of the page, from 0.
        unfolded: id of the clip whose answers are shown, or None.
        question: what the page waits for about the unfolded clip: a yes, or the name of a camera.
        said: what the latest click did, "" where that is plain to see.
        focus: `data-key` of the element to which the latest click takes the keyboard, "" where it stays.
        clicks: how many there were, so that the page tells a new click from another rendering of the same.
    """

    place: Place = "clips"
    query: str = ""
    order: ClipOrder = ClipOrder.NEWEST
    kind: AnswerKind | None = None
    page: int = 0
    unfolded: str | None = None
    question: Question = ""
    said: str = ""
    focus: str = ""
    clicks: int = 0

    def go(self, place: Place, focus: str) -> None:
        """Open another place, from its beginning."""
        self.place, self.page, self.unfolded, self.question, self.focus = place, 0, None, "", focus
