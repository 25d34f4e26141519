"""The people of an answer as small tiles in pages, with the evidence of one of them in place, as HTML."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from biometric.entities import Identification, Sample
from biometric.entities.names import NAME_LIMIT
from biometric.messages import decimals_apart
from biometric.messages.person_sentences import answered_names, brief_times, describe_perhaps
from biometric.messages.translation import gettext as _
from biometric.ports import Gallery
from biometric.ui import answers, elements, problems
from biometric.ui.addition_question import question
from biometric.ui.grid_state import (
    FOLDED_FROM,
    ORDERS,
    OUTCOMES,
    GridPage,
    GridState,
    Outcome,
    arrange,
    number,
    outcome,
    pixel_height,
)
from biometric.ui.person_editing import refusal_line, split_offer
from biometric.ui.picture_uris import Pictures
from biometric.ui.presenters import References
from biometric.ui.templating import render
from biometric.ui.text_format import decimal
from biometric.ui.verdict_bar import said_briefly, verdict_icons

TILE_HEIGHT = 112
"""Pixels of a tile's picture; what a page of tiles weighs goes with its square."""
FRAMES_PLAYED = 4
"""Most further pictures of a tile."""
SUGGESTIONS = 300
"""Most names that are suggested; any other can be typed."""
_MOODS: dict[Outcome, elements.Mood] = {
    "identified": "good",
    "unsure": "warning",
    "unknown": "unsure",
    "no decision": "info",
}


class EnrolledNames:
    """The names of a gallery, listed anew only where the gallery has changed; for the last gallery asked about."""

    def __init__(self) -> None:
        self._listed: tuple[tuple[str, str], list[str]] = (("", ""), [])

    def of(self, gallery: Gallery) -> list[str]:
        """Return the names of everybody enrolled, in order. Raises the `GalleryError` family."""
        state = str(gallery.folder), gallery.revision()
        listed_state, names = self._listed
        if state != listed_state:
            names = [identity.name for identity in gallery.identities()]
            self._listed = state, names
        return names


@dataclass(frozen=True, slots=True)
class GridContent:
    """What a grid is made of.

    Attributes:
        answers: all of the answer, those dismissed among them.
        frame_count: length of the range that the people were found in.
        names: enrolled names, to suggest.
        pictures, references: where crops and references are looked up.
        edits: what was joined and split by hand (`person_editing.edit_line`).
    """

    answers: Sequence[Identification]
    frame_count: int
    names: Sequence[str]
    pictures: Pictures
    references: References
    edits: Markup


@dataclass(frozen=True, slots=True)
class Tile:
    """One person's tile, in words and pictures."""

    person: int
    title: str
    badge: str
    mood: elements.Mood
    detail: str
    picture: str
    frames: tuple[str, ...]
    opened: bool
    selected: bool
    nameable: bool
    typed: str
    problem: Markup
    verdict: Markup
    said: str
    perhaps: str


def grid(content: GridContent, state: GridState, focus: str = "") -> str:
    """Return a page of tiles with its tools.

    Actions: `open` and `close` (evidence), `sort`, `filter`, `page`, `short`, `select`, `deselect`, `dismiss`,
    `restore`, `name:N` (the text names person N), `enroll`, those of the question, and those of `verdict_bar`.

    Args:
        focus: `data-key` of the element that the keyboard goes to, once; "" leaves it where it is.
    """
    if not content.answers:
        return ""
    page, named = arrange(content.answers, state, content.frame_count), answered_names(content.answers)
    return render(
        "grid.html",
        page=page,
        edits=content.edits,
        refusal=refusal_line(state),
        tiles=[_tile(answer, content, state, named) for answer in page.tiles],
        inset=_inset(content, state, page, named),
        inset_person=state.opened if state.addition is None else state.added_person,
        asked=state.addition is not None,
        state=state,
        orders=ORDERS,
        outcomes=[word for word in OUTCOMES if page.counts[word] or word in state.outcomes],
        has_tools=page.total >= FOLDED_FROM or bool(state.outcomes),
        last=page.first + len(page.tiles),
        moods=_MOODS,
        names=content.names[:SUGGESTIONS],
        name_limit=NAME_LIMIT,
        focus=focus,
        turn=state.clicks,
    )


def _tile(answer: Identification, content: GridContent, state: GridState, named: Mapping[int, str]) -> Tile:
    person, word, best = number(answer), outcome(answer), answer.observation.best
    title = answer.identity.name if answer.identity is not None else _("Person {person}").format(person=person)
    badge = _("unsure: {closeness}").format(closeness=answers.near_miss(answer)) if word == "unsure" else _(word)
    detail = _detail(answer, state, content.frame_count)
    typed, problem = "", ""
    if state.refused_name is not None and state.refused_name[0] == person:
        typed = state.refused_name[1]
        problem = problems.field_problem(state.refused_name[2], f'[data-key="typed:{person}"]')
    return Tile(
        person=person,
        title=title,
        badge=badge,
        mood=_MOODS[word],
        detail=detail,
        picture=content.pictures.crop(best.crop if best is not None else None, TILE_HEIGHT),
        frames=tuple(content.pictures.crop(sample.crop, TILE_HEIGHT) for sample in played(answer.observation.kept)),
        opened=person == state.opened,
        selected=person in state.selected,
        nameable=word in ("unsure", "unknown") and answer.observation.template is not None,
        typed=typed,
        problem=Markup(problem),  # noqa: S704 - escaped where it is made
        verdict=verdict_icons(answer),
        said=said_briefly(answer),
        perhaps=describe_perhaps(answer.observation, named),
    )


def played(samples: Sequence[Sample], most: int = FRAMES_PLAYED) -> list[Sample]:
    """Return the samples that a tile plays: at most so many, spread evenly, in frame order; none of fewer than two."""
    saved = [sample for sample in samples if sample.crop is not None]
    if len(saved) < 2:
        return []
    most = min(most, len(saved))
    return [saved[place * (len(saved) - 1) // (most - 1)] for place in range(most)]


def _detail(answer: Identification, state: GridState, frame_count: int) -> str:
    """Return when the person is seen, or what the tiles are sorted by."""
    if state.order == "score" and answer.score is not None:
        return _("score {score}").format(
            score=decimal(answer.score, decimals_apart(answer.score, answer.threshold.value))
        )
    if state.order == "size" or frame_count == 1:
        return _("{height:.0f} pixels high").format(height=pixel_height(answer))
    return brief_times(answer.observation)


def _inset(content: GridContent, state: GridState, page: GridPage, named: Mapping[int, str]) -> Markup:
    """Return what stands below the row of one tile: the question on a name, or the evidence."""
    html = ""
    if state.addition is not None:
        html = question(state.addition, content.pictures)
    elif state.opened is not None:
        shown = next((answer for answer in page.tiles if number(answer) == state.opened), None)
        if shown is not None:
            html = answers.evidence(shown, content.pictures, content.references, named)
            html += split_offer(shown.observation, content.pictures)
    return Markup(html)  # noqa: S704 - escaped where it is made
