"""The contact sheet of an observed clip, one tile a person to choose from, and the banner above the people found."""

from collections.abc import Sequence

from biometric.entities import Decision, Identification, Observation, ObservedClip
from biometric.messages.translation import gettext as _
from biometric.ui import elements, presenters
from biometric.ui.answers import is_near_miss
from biometric.ui.picture_uris import Pictures
from biometric.ui.text_format import escape, people

LEFT_OUT = 3
"""Most people who cannot be enrolled that are told one by one."""


def choices(observed: ObservedClip, chosen: int | None, pictures: Pictures, title: str) -> str:
    """Return the people of a clip as radio tiles (action `person`); those without a usable sample cannot be chosen."""
    tiles = "".join(_choice(observation, chosen, pictures) for observation in observed.observations)
    label = escape(title)
    return f'<h4>{label}</h4><div class="sl-sheet" role="radiogroup" aria-label="{label}">{tiles}</div>'


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


def _choice(observation: Observation, chosen: int | None, pictures: Pictures) -> str:
    picked = observation.person == chosen
    usable = observation.template is not None
    mark = "▣" if picked else "▢" if usable else "–"
    disabled = "" if usable else ' aria-disabled="true" disabled'
    name = _("Person {person}").format(person=observation.person)
    return (
        f'<button type="button" role="radio" class="sl-tile" aria-checked="{"true" if picked else "false"}"{disabled} '
        f'tabindex="{0 if picked or chosen is None else -1}" data-action="person" data-value="{observation.person}" '
        f'data-key="person:{observation.person}">{_shot(observation, pictures)}'
        f'<span class="sl-name"><span aria-hidden="true">{mark}</span> {name}</span>'
        f"<small>{presenters.span(observation)}</small>"
        f"<small>{escape(presenters.samples_line(observation))}</small></button>"
    )


def _shot(observation: Observation, pictures: Pictures) -> str:
    best = observation.best
    return elements.picture(pictures.crop(best.crop if best is not None else None, 200), "", "sl-shot")
