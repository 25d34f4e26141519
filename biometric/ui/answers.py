"""The outcome of a verification, the evidence behind an identification, and the timeline, as HTML."""

from collections.abc import Mapping, Sequence

from biometric.domain.comparison import CLOSE_CALL
from biometric.entities import (
    Candidate,
    Decision,
    Identification,
    Identity,
    ObservedClip,
    ScoreBand,
    Verification,
)
from biometric.messages import (
    decimals_apart,
    describe_all,
    describe_closeness,
    describe_reason,
    verification_outcome,
)
from biometric.messages.calibration_sentences import not_compared_sentence
from biometric.messages.detail_sentences import describe_cost, describe_detail
from biometric.messages.person_sentences import (
    describe_links,
    describe_perhaps_scores,
    stretch_numbers,
    stretch_times,
)
from biometric.messages.translation import N_
from biometric.messages.translation import gettext as _
from biometric.ui import elements, presenters, problems
from biometric.ui.picture_uris import Pictures
from biometric.ui.presenters import References
from biometric.ui.sized_pictures import EVIDENCE, sized_figure
from biometric.ui.text_format import decimal, escape, people
from biometric.ui.verdict_bar import verdict_bar


def verdict(answer: Verification, pictures: Pictures, own: References) -> str:
    """Return the outcome of a verification: banner, score on its scale, next best, probe beside reference."""
    name = answer.identity.name
    mood, title = verification_outcome(answer)
    text = " ".join([describe_reason(answer), *describe_all(answer.warnings)])
    if answer.people > 1:
        text += " " + _("Person {n} was compared.").format(n=answer.observation.person)
        text += " " + not_compared_sentence(answer.people - 1)
    body = elements.scale(answer.score, answer.threshold) + _next_best(answer) + _detail(answer)
    html = elements.banner(mood, title, text.strip(), body=body)
    best = answer.observation.best
    probe = sized_figure(
        pictures,
        best.crop if best is not None else None,
        _("Person {n} in this footage").format(n=answer.observation.person),
        presenters.span(answer.observation),
    )
    path = presenters.reference_crop(answer.identity, answer.reference_id, own)
    reference = sized_figure(pictures, path, name, _("best matching reference"))
    return f'{html}{verdict_bar(answer)}<div class="sl-pair">{probe}{reference}</div>'


def _next_best(answer: Verification) -> str:
    other = answer.best_other
    if other is None:
        return f'<p class="sl-quiet">{_("Nobody else is in the gallery to compare with.")}</p>'
    decimals = decimals_apart(answer.score, answer.threshold.value, other.score)
    line = _("Next best in the gallery: {name}, {score}.").format(
        name=other.identity.name, score=decimal(other.score, decimals)
    )
    if answer.margin is not None:
        line += " " + describe_lead(answer.margin, answer.identity.name, other.identity.name, decimals)
    return f'<p class="sl-quiet">{escape(line)}</p>'


def _detail(answer: Verification | Identification) -> str:
    """The pixels that the score rests on."""
    pixels = describe_detail(answer.detail, answer.score is not None)
    text = " ".join(filter(None, (pixels, describe_cost(answer.detail))))
    return f'<p class="sl-quiet">{escape(text)}</p>' if text else ""


def _lead(answer: Identification) -> str:
    if answer.margin is None:
        return ""
    first, second = answer.candidates[0].identity.name, answer.candidates[1].identity.name
    decimals = decimals_apart(answer.margin, CLOSE_CALL)
    return f'<p class="sl-quiet">{escape(describe_lead(answer.margin, first, second, decimals))}</p>'


def describe_lead(margin: float, first: str, second: str, decimals: int) -> str:
    """Return what the margin between the best score and the next one means."""
    if margin < 0:
        return _("{first} is {margin} behind {second}, who is closer.").format(
            first=first, second=second, margin=decimal(-margin, decimals)
        )
    text = _("{first} is {margin} ahead of {second}, the next best: that tells them apart.")
    if margin < CLOSE_CALL:
        text = _("{first} is only {margin} ahead of {second}, the next best: below {close} it is a close call.")
    close = decimal(CLOSE_CALL, decimals)
    return text.format(first=first, second=second, margin=decimal(margin, decimals), close=close)


def claimed(identity: Identity, own: References, pictures: Pictures, limit: int = 12) -> str:
    """Return pictures of the claimed identity, newest reference first."""
    shown: list[str] = []
    for reference in reversed(list(own(identity.id))):
        note = _("{clip}, frames {first}–{last}").format(
            clip=reference.clip_name, first=reference.first_frame, last=reference.last_frame
        )
        for crop in reference.crops:
            if len(shown) < limit:
                picture = elements.picture(pictures.crop(crop, 90), "")
                shown.append(f'<div class="sl-sample" title="{escape(note)}">{picture}</div>')
    label = escape(_("Pictures of {name}").format(name=identity.name))
    return f'<div class="sl-samples sl-compact" aria-label="{label}">{"".join(shown)}</div>'


def evidence(answer: Identification, pictures: Pictures, own: References, names: Mapping[int, str]) -> str:
    """Return the evidence of one identification: probe and best reference, the top candidates, the next step.

    Args:
        names: of all who were identified, by the number of the person.
    """
    person = answer.observation.person
    best = answer.observation.best
    probe = sized_figure(
        pictures,
        best.crop if best is not None else None,
        _("Person {n} in this footage").format(n=person),
        presenters.span(answer.observation),
        EVIDENCE,
    )
    known = answer.decision is Decision.IDENTIFIED and answer.identity is not None
    title = (
        _("Person {person} is {name}").format(person=person, name=answer.identity.name)
        if answer.identity is not None and known
        else _("Person {person}").format(person=person)
    )
    html = f'<div class="sl-head"><h4>{escape(title)}{_outcome(answer)}</h4>'
    if not known and answer.observation.template is not None:
        html += elements.button("enroll", person, _("Enroll this person"), css="sl-button sl-primary")
    html += f'</div>{verdict_bar(answer, choose=True)}<p class="sl-quiet">{escape(describe_reason(answer))}</p>'
    tracks = (describe_links(answer.observation), describe_perhaps_scores(answer.observation, names))
    told = " ".join(filter(None, tracks))
    html += f'<p class="sl-quiet">{escape(told)}</p>' if told else ""
    html += problems.notes(answer.warnings)
    if not answer.candidates:
        return f'{html}<div class="sl-pair">{probe}</div>'
    first = answer.candidates[0]
    path, note = presenters.matched(first, own), _("closest in the gallery")
    reference = sized_figure(pictures, path, first.identity.name, note, EVIDENCE)
    html += f'<div class="sl-pair">{probe}{reference}</div>{elements.scale(answer.score, answer.threshold)}'
    html += _lead(answer) + _detail(answer)
    rows = "".join(_candidate(candidate, answer, pictures, own) for candidate in answer.candidates)
    caption = _("Closest in the gallery")
    head = "".join(f"<th>{word}</th>" for word in (_("Rank"), _("Picture"), _("Name"), _("Score"), _("Outcome")))
    return (
        f'{html}<div class="sl-scroll" tabindex="0" role="region" aria-label="{caption}"><table>'
        f"<caption>{caption}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _outcome(answer: Identification) -> str:
    if is_near_miss(answer):
        return escape(_(": unsure, {closeness}").format(closeness=near_miss(answer)))
    return {Decision.UNKNOWN: _(" is unknown"), Decision.NO_DECISION: _(": no decision")}.get(answer.decision, "")


def is_near_miss(answer: Identification) -> bool:
    """Return whether nobody reaches the threshold, but the closest one nearly does."""
    return answer.decision is Decision.UNKNOWN and answer.band is ScoreBand.UNSURE


def near_miss(answer: Identification) -> str:
    """Return "very close to Ada" of a near miss."""
    closest = answer.candidates[0]
    return _("{closeness} to {name}").format(
        closeness=describe_closeness(closest.score, answer.threshold), name=closest.identity.name
    )


OUTCOMES = (N_("identified"), N_("unsure"), N_("unknown"), N_("no decision"))
"""What `outcome_word` returns, which is looked up where people read it."""


def outcome_word(answer: Identification) -> str:
    """Return "identified", "unsure", "unknown" or "no decision"."""
    return "unsure" if is_near_miss(answer) else str(answer.decision)


def _candidate(candidate: Candidate, answer: Identification, pictures: Pictures, own: References) -> str:
    decimals = decimals_apart(candidate.score, answer.threshold.value)
    word = {
        ScoreBand.MATCH: elements.badge("good", _("above")),
        ScoreBand.UNSURE: elements.badge("unsure", _("close")),
        ScoreBand.NO_MATCH: elements.badge("info", _("below")),
    }[answer.threshold.band(candidate.score)]
    shot = elements.picture(pictures.crop(presenters.matched(candidate, own), 72), "", "sl-thumb")
    return (
        f'<tr><td>{candidate.rank}</td><td>{shot}</td><td dir="auto">{escape(candidate.identity.name)}</td>'
        f"<td>{decimal(candidate.score, decimals)}</td><td>{word}</td></tr>"
    )


def table(identifications: Sequence[Identification], observed: ObservedClip) -> str:
    """Return the answers as a table: person, name, when, score, margin, threshold."""
    rows = ""
    for answer in identifications:
        name = answer.identity.name if answer.identity is not None else _(outcome_word(answer))
        decimals = decimals_apart(answer.score, answer.threshold.value)
        rows += (
            f'<tr><td>{answer.observation.person}</td><td dir="auto">{escape(name)}</td>'
            f"<td>{stretch_numbers(answer.observation)}</td>"
            f"<td>{stretch_times(answer.observation)}</td>"
            f"<td>{decimal(answer.score, decimals)}</td><td>{decimal(answer.margin, decimals)}</td>"
            f"<td>{decimal(answer.threshold.value, decimals)}</td></tr>"
        )
    summary = _("{people} as a table").format(people=people(len(identifications)))
    head = "".join(
        f"<th>{word}</th>"
        for word in (_("Person"), _("Name"), _("Frames"), _("Time"), _("Score"), _("Margin"), _("Threshold"))
    )
    return (
        f"<details><summary>{summary}</summary>"
        f'<div class="sl-scroll sl-bounded" tabindex="0" role="region" aria-label="{_("Table of people")}">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div></details>"
    )
