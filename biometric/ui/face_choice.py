"""A choice by face, with the score of each: who is the same person, or whose a reference is; as HTML."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from biometric.domain.comparison import decide
from biometric.domain.resemblance import Resemblance, SharedFrames
from biometric.entities import NAME_LIMIT, BiometricReference, Identity, Threshold
from biometric.messages import decimals_apart
from biometric.messages.translation import N_
from biometric.messages.translation import gettext as _
from biometric.ui import elements
from biometric.ui.people_pages import refused_name
from biometric.ui.people_state import PeopleState
from biometric.ui.picture_uris import Pictures
from biometric.ui.sized_pictures import LAST_WORD, with_size
from biometric.ui.templating import render
from biometric.ui.text_format import count, decimal, threshold_text

FACES = 60
"""Most faces offered at once; a part of a name finds others."""
DIFFERENT = N_("Looks like a different person")
ALIKE = N_("Looks alike")


@dataclass(frozen=True, slots=True)
class Face:
    """One face to choose, with how much it looks like the person in question."""

    id: str
    name: str
    cover: str
    score: str
    alike: bool
    words: str


@dataclass(frozen=True, slots=True)
class Caution:
    """Something that speaks against taking two identities for one person."""

    title: str
    text: str


@dataclass(frozen=True, slots=True)
class Side:
    """One of two pictures beside each other."""

    uri: str
    name: str
    note: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One button that gives the last word."""

    action: str
    value: str
    text: str


@dataclass(frozen=True, slots=True)
class LastWord:
    """Both pictures, the score and every warning, before two identities become one or a reference moves."""

    title: str
    warnings: tuple[Caution, ...]
    sides: tuple[Side, Side]
    scale: Markup
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class FaceChoice:
    """What a choice of faces is about.

    Attributes:
        person: whose reference or identity it is.
        title, intro: what is asked, and how to answer.
        new_person: whether a name that is not enrolled yet may be given instead.
    """

    person: Identity
    title: str
    intro: str
    new_person: bool = False


def faces(
    choice: FaceChoice,
    found: Sequence[Resemblance],
    more: int,
    threshold: Threshold,
    state: PeopleState,
    pictures: Pictures,
) -> str:
    """Return faces to choose from, with the score of each; `more` are not shown."""
    shown = [
        Face(
            item.identity.id,
            item.identity.name,
            pictures.crop(item.identity.thumbnail, 200),
            decimal(item.score, decimals_apart(item.score, threshold.value)),
            decide(item.score, threshold),
            _(ALIKE) if decide(item.score, threshold) else _(DIFFERENT),
        )
        for item in found
    ]
    return _faces(choice, state, faces=shown, more=more, query=state.query.strip(), chosen=None)


def last_word(choice: FaceChoice, word: LastWord, state: PeopleState) -> str:
    """Return the question that comes before two identities become one, or a reference moves."""
    return _faces(choice, state, faces=(), more=0, query="", chosen=word)


def _faces(choice: FaceChoice, state: PeopleState, **values: object) -> str:
    return render(
        "faces.html",
        person_id=choice.person.id,
        person_name=choice.person.name,
        title=choice.title,
        intro=choice.intro,
        new_person=choice.new_person,
        **refused_name(state, "#people-new-person"),
        name_limit=NAME_LIMIT,
        **values,
    )


def cautions(
    name: str, other: str, score: float, threshold: Threshold, shared: Sequence[SharedFrames], said: str = ""
) -> tuple[Caution, ...]:
    """Return what speaks against two identities being one person; `said` is what a verdict says, as a sentence."""
    found = []
    if not decide(score, threshold):
        decimals = decimals_apart(score, threshold.value)
        text = _("{name} and {other} score {score}, below the threshold of {threshold}.").format(
            name=name, other=other, score=decimal(score, decimals), threshold=threshold_text(threshold.value, decimals)
        )
        found.append(Caution(_(DIFFERENT), text))
    if shared:
        first = shared[0]
        text = _("Both are in frames {first}–{last} of {clip}").format(
            first=first.first_frame, last=first.last_frame, clip=first.clip_name
        )
        if len(shared) > 1:
            text += _(", and together in {places}").format(places=count(len(shared) - 1, "other place"))
        found.append(
            Caution(_("Seen together"), _("{text}. One person cannot be in two places of one frame.").format(text=text))
        )
    if said:
        found.append(Caution(_("You said so"), said))
    return tuple(found)


def sides(
    pair: tuple[tuple[str, str], tuple[str, str]], crops: tuple[Path | None, Path | None], pictures: Pictures
) -> tuple[Side, Side]:
    """Return two pictures beside each other from (name, note) and the path of each."""
    left, right = (
        Side(pictures.crop(crop, 260), name, with_size(note, pictures, crop, LAST_WORD))
        for (name, note), crop in zip(pair, crops, strict=True)
    )
    return left, right


def best_crop(references: Iterable[BiometricReference], reference_id: str) -> Path | None:
    """Return the best picture of one of these references."""
    for reference in references:
        if reference.id == reference_id:
            return reference.best_crop or next(iter(reference.crops), None)
    return None


def scale(score: float, threshold: Threshold) -> Markup:
    """Return a score on its line with the threshold."""
    return Markup(elements.scale(score, threshold))  # noqa: S704 - made of numbers and escaped words
