"""How the people of an answer are listed: sorted, filtered, short tracks folded away, in pages. No Gradio, no HTML."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any, Literal, get_args

from biometric.entities import Decision, Identification, ScoreBand
from biometric.errors import InvalidName
from biometric.messages.translation import N_
from biometric.ui.edit_state import EditState

if TYPE_CHECKING:
    from biometric.ui.addition_question import Addition

Order = Literal["time", "name", "score", "size"]
Outcome = Literal["identified", "unsure", "unknown", "no decision"]
ORDERS: tuple[Order, ...] = get_args(Order)
_WORDS = (N_("time"), N_("name"), N_("score"), N_("size"))
"""The orders, which are looked up where people read them."""
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)

TILES_A_PAGE = 24
SHORT_TRACK = 10
"""Tracks of fewer frames are short; in ranges of fewer than ten times as many frames, those below a tenth of it."""
FOLDED_FROM = 8
"""Short tracks are folded away where there are at least so many people; fewer are overlooked at once."""


@dataclass(slots=True)
class GridState(EditState):
    """How one workspace looks at the people of its answer, and what it joins and splits there.

    Attributes:
        order: what tiles are sorted by.
        outcomes: those shown; none means all.
        page: 0-based number of the page shown.
        short_shown: short tracks are among the tiles.
        opened: number of the person whose evidence is shown, or None.
        dismissed: numbers of tracks that are no person; they count nowhere.
        addition: the reference that waits for an answer, because somebody has its name already, or None.
        added_person: the person whom `addition` is about, or None.
        named: who was named last, and the gallery's revision since; None where nobody was.
        lookalikes: who else enrolled looks like the person who was named last, as a sentence; "" where nobody does.
        refused_name: (person, what was typed, why it cannot be a name), or None.
    """

    order: Order = "time"
    outcomes: set[Outcome] = field(default_factory=set)
    page: int = 0
    short_shown: bool = False
    opened: int | None = None
    dismissed: set[int] = field(default_factory=set)
    addition: "Addition | None" = None
    added_person: int | None = None
    named: tuple[object, ...] | None = None
    lookalikes: str = ""
    refused_name: tuple[int, str, InvalidName] | None = None

    def close(self) -> None:
        """Show neither evidence nor a question nor what is wrong with a name."""
        self.opened = self.addition = self.added_person = self.refused_name = None

    def keep(self, people: set[int]) -> None:
        """Forget everybody else, because they are not in the answer any more."""
        self.selected &= people
        self.dismissed &= people
        if self.opened not in people:
            self.opened = None
        if self.added_person not in people:
            self.addition = self.added_person = None


@dataclass(frozen=True, slots=True)
class GridPage:
    """One page of tiles.

    Attributes:
        tiles: identifications in the order shown, at most `TILES_A_PAGE`.
        first: 0-based place of the first tile among all that are listed.
        listed: how many are listed on all pages.
        page, pages: 0-based number of this page, and how many there are (at least 1).
        counts: people by outcome, without those dismissed.
        short: how many short tracks fit the filter, shown or folded away.
        total: people in all, without those dismissed.
    """

    tiles: tuple[Identification, ...]
    first: int
    listed: int
    page: int
    pages: int
    counts: Counter[Outcome]
    short: int
    total: int


def outcome(answer: Identification) -> Outcome:
    """Return how an answer counts; only a near miss is unsure."""
    if answer.decision is Decision.IDENTIFIED:
        return "identified"
    if answer.decision is Decision.NO_DECISION:
        return "no decision"
    return "unsure" if answer.band is ScoreBand.UNSURE else "unknown"


def number(answer: Identification) -> int:
    """Return the person's number in the clip."""
    return answer.observation.person


def pixel_height(answer: Identification) -> float:
    """Return how large the person is: the median height of their boxes, in pixels of the clip."""
    return median(detection.height for detection in answer.observation.tracklet.detections)


def track_length(answer: Identification) -> int:
    """Return for how many frames the person is in view: those between first and last of each stretch, included."""
    return sum(item.last_frame - item.first_frame + 1 for item in answer.observation.stretches)


def short_below(frame_count: int) -> int:
    """Return the number of frames below which a track is short, for a range of `frame_count` frames."""
    return min(SHORT_TRACK, frame_count // 10)


def not_dismissed(answers: Sequence[Identification], state: GridState) -> tuple[Identification, ...]:
    """Return the answers about people: without what was dismissed as no person."""
    return tuple(answer for answer in answers if number(answer) not in state.dismissed)


def sort(answers: Sequence[Identification], order: Order) -> list[Identification]:
    """Return answers in an order; equal ones by their number.

    By name: those with a name first, then near misses, unknown people, and those without a decision. By score and
    size: the highest first, those without a score last.
    """
    return sorted(answers, key=lambda answer: (*_sort_key(answer, order), number(answer)))


def _sort_key(answer: Identification, order: Order) -> tuple[Any, ...]:
    if order == "name":
        name = "" if answer.identity is None else answer.identity.name.casefold()
        return OUTCOMES.index(outcome(answer)), name
    if order == "score":
        return answer.score is None, 0.0 if answer.score is None else -answer.score
    if order == "size":
        return (-pixel_height(answer),)
    return (answer.observation.tracklet.first_seconds,)


def is_short(answer: Identification, limit: int) -> bool:
    """Return whether a track is folded away: shorter than `limit` frames, and nobody was recognised on it."""
    return track_length(answer) < limit and outcome(answer) in ("unknown", "no decision")


def arrange(answers: Sequence[Identification], state: GridState, frame_count: int) -> GridPage:
    """Return the page of tiles that a state asks for; a page after the last one gives the last one.

    Args:
        frame_count: length of the range that the people were found in.
    """
    people = not_dismissed(answers, state)
    limit = short_below(frame_count) if len(people) >= FOLDED_FROM else 0
    wanted = [answer for answer in people if not state.outcomes or outcome(answer) in state.outcomes]
    short = [answer for answer in wanted if is_short(answer, limit)]
    if not state.short_shown:
        wanted = [answer for answer in wanted if not is_short(answer, limit)]
    listed = sort(wanted, state.order)
    pages = max(1, -(-len(listed) // TILES_A_PAGE))
    page = min(max(0, state.page), pages - 1)
    first = page * TILES_A_PAGE
    return GridPage(
        tiles=tuple(listed[first : first + TILES_A_PAGE]),
        first=first,
        listed=len(listed),
        page=page,
        pages=pages,
        counts=Counter(outcome(answer) for answer in people),
        short=len(short),
        total=len(people),
    )


def answer_facts(answers: Sequence[Identification]) -> list[tuple[object, ...]]:
    """Return what answers say, to tell whether they became others."""
    return [
        (
            number(answer),
            answer.decision,
            answer.score,
            answer.threshold.value,
            *((candidate.identity.id, candidate.identity.name) for candidate in answer.candidates),
            *((verdict.id, verdict.name) for verdict in answer.verdicts),
        )
        for answer in answers
    ]
