"""The contact sheet of an observed clip, one tile a person to choose from, and the banner above the people found."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from biometric.entities import Decision, Identification, ObservedClip
from biometric.messages.translation import gettext as _
from biometric.ui import elements, presenters
from biometric.ui.answers import is_near_miss
from biometric.ui.picture_uris import Pictures
from biometric.ui.templating import render
from biometric.ui.text_format import people

LEFT_OUT = 3
"""Most people who cannot be enrolled that are told one by one."""


@dataclass(frozen=True, slots=True)
class _Choice:
    """One person's tile, in words and pictures."""

    person: int
    name: str
    chosen: bool
    usable: bool
    selected: bool
    picture: str
    span: str
    samples: str


def choices(
    observed: ObservedClip,
    chosen: int | None,
    pictures: Pictures,
    title: str,
    selected: Collection[int] | None = None,
) -> str:
    """Return the people of a clip as radio tiles (action `person`); those without a usable sample cannot be chosen.

    Args:
        selected: numbers of people whose tiles are selected (action `select`); None: tiles cannot be selected.
    """
    tiles = [
        _Choice(
            person=observation.person,
            name=_("Person {person}").format(person=observation.person),
            chosen=observation.person == chosen,
            usable=observation.template is not None,
            selected=selected is not None and observation.person in selected,
            picture=pictures.crop(None if observation.best is None else observation.best.crop, 200),
            span=presenters.span(observation),
            samples=presenters.samples_line(observation),
        )
        for observation in observed.observations
    ]
    return render(
        "contact_sheet.html",
        title=title,
        tiles=tiles,
        any_chosen=chosen is not None,
        selectable=selected is not None and len(tiles) > 1,
    )


def left_out(observed: ObservedClip) -> str:
    """Return that one person alone can be enrolled of several who were seen, and why; "" where that is not so."""
    others = [observation for observation in observed.observations if observation.template is None]
    if len(observed.usable) != 1 or not others:
        return ""
    title = _("Only person {person} of these frames can be enrolled").format(person=observed.usable[0].person)
    reasons = [
        _("Person {person}: {samples}").format(person=other.person, samples=presenters.samples_line(other))
        for other in others[:LEFT_OUT]
    ]
    if len(others) > LEFT_OUT:
        reasons.append(_("{people} more.").format(people=people(len(others) - LEFT_OUT)))
    return elements.banner("info", title, " · ".join(reasons))


def samples(
    observed: ObservedClip, chosen: int | None, dropped: set[str], pictures: Pictures, *, droppable: bool
) -> str:
    """Return the chosen person's samples (action `sample` drops or restores one), and the refused ones."""
    observation = next((answer for answer in observed.observations if answer.person == chosen), None)
    if observation is None:
        return ""
    kept_samples = observation.kept
    used_count = sum(sample.detection.crop_name not in dropped for sample in kept_samples)
    title = _("Person {person}: {used} of {n} samples will be used").format(
        person=observation.person, used=used_count, n=len(kept_samples)
    )
    html = f"<h4>{title}</h4>"
    if droppable:
        text = _("Click a sample that is not this person, or is bad, to leave it out.")
        html += f'<p class="sl-quiet">{text}</p>'
    html += presenters.sample_grid(kept_samples, pictures, dropped, "sample" if droppable else None)
    return html + presenters.refused(observation, pictures)


def summary(identifications: Sequence[Identification]) -> str:
    """Return the banner "2 of 3 people identified", or what to do when nobody is known."""
    known = sum(answer.decision is Decision.IDENTIFIED for answer in identifications)
    unsure = sum(is_near_miss(answer) for answer in identifications)
    total = len(identifications)
    title = _("{known} of {people} identified").format(known=known, people=people(total)) + (
        _(", {unsure} unsure").format(unsure=unsure) if unsure else ""
    )
    if known == 0:
        text = _("Nobody here is identified. Open a tile to see the closest ones, or enroll somebody.")
        return elements.banner("unsure", title, text)
    return elements.banner("good", title, _("Open a tile for the evidence behind it."))
