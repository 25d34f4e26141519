"""What waits where the people of a tab are joined and split by hand. No Gradio, no HTML."""

from dataclasses import dataclass, field

from biometric.entities import Threshold
from biometric.errors import BiometricError


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


@dataclass(slots=True)
class EditState:
    """What was clicked on the people of one tab, before it becomes an edit.

    Attributes:
        selected: numbers of people that the next step is about.
        joining: people who look different and are to be joined all the same, or None.
        edit_undone: the latest click undid a join or a split.
        refusal: why the latest click did nothing, or None.
        clicks: how many there were, so that the page tells a new wish to move the keyboard from a former one.
    """

    selected: set[int] = field(default_factory=set)
    joining: JoinQuestion | None = None
    edit_undone: bool = False
    refusal: BiometricError | None = None
    clicks: int = 0

    def note_click(self) -> None:
        """Count a click; what was refused before has been read."""
        self.clicks += 1
        self.refusal = None

    def begin_anew(self, *, undone: bool = False) -> None:
        """Forget what was selected and asked, because the people are others now; `undone` says how they became so."""
        self.selected, self.joining, self.edit_undone = set(), None, undone
