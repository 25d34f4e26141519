"""What waits where the people of a tab are joined and split by hand. No Gradio, no HTML."""

from dataclasses import dataclass, field

from biometric.entities import Threshold


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
        clicks: how many there were, so that the page tells a new wish to move the keyboard from a former one.
    """

    selected: set[int] = field(default_factory=set)
    joining: JoinQuestion | None = None
    edit_undone: bool = False
    clicks: int = 0

    def begin_anew(self, *, undone: bool = False) -> None:
        """Forget what was selected and asked, because the people are others now; `undone` says how they became so."""
        self.selected, self.joining, self.edit_undone = set(), None, undone
