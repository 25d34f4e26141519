"""The buttons by which people say whether an answer is right, and what was said so far, as HTML."""

from dataclasses import dataclass

from markupsafe import Markup

from biometric.entities import Decision, Identification, Identity, ScoreBand, VerdictWord, Verification
from biometric.entities.names import NAME_LIMIT
from biometric.messages.translation import gettext as _
from biometric.messages.verdict_sentences import describe_verdict
from biometric.ui.templating import render

Answer = Verification | Identification


@dataclass(frozen=True, slots=True)
class VerdictButton:
    """One of the three buttons; `label` says all of it where only the icon is seen."""

    word: str
    icon: str
    text: str
    label: str
    pressed: bool


@dataclass(frozen=True, slots=True)
class SaidLine:
    """A verdict in words, with its number, by which it is taken back."""

    id: int
    text: str


def judged(answer: Answer) -> Identity | None:
    """Return the identity that an answer is about: the claimed or the answered one, else the one that is near."""
    if isinstance(answer, Verification):
        return answer.identity
    if answer.identity is not None:
        return answer.identity
    near = answer.decision is Decision.NO_DECISION or answer.band is ScoreBand.UNSURE
    return answer.candidates[0].identity if near and answer.candidates else None


def verdict_bar(answer: Answer, *, choose: bool = False) -> str:
    """Return the question whether the answer is right, with its three buttons, and what was said of this person.

    Actions: `confirmed`, `wrong` and `undecided` (value: the person's number and the identity's id; pressing the one
    that is pressed takes it back), `withdraw` (value: the verdict's number), `is:N` (the text says who person N is).

    Args:
        choose: also offer to say that the person is somebody else who is enrolled.
    """
    identity = judged(answer)
    if answer.observation.template is None:
        return ""
    said = [verdict for verdict in answer.verdicts if identity is None or verdict.identity_id != identity.id]
    return render(
        "verdict.html",
        person=answer.observation.person,
        identity=identity,
        buttons=() if identity is None else _buttons(answer, identity),
        said=[SaidLine(verdict.id, describe_verdict(verdict)) for verdict in said],
        choose=choose,
        name_limit=NAME_LIMIT,
    )


def verdict_icons(answer: Answer) -> Markup:
    """Return the three buttons as icons, for a tile; nothing where the answer is about nobody."""
    identity = judged(answer)
    if identity is None or answer.observation.template is None:
        return Markup("")
    html = render(
        "verdict_icons.html",
        person=answer.observation.person,
        identity=identity,
        buttons=_buttons(answer, identity),
    )
    return Markup(html)  # noqa: S704 - escaped by the template


def said_briefly(answer: Answer) -> str:
    """Return what was said of a person beyond what the buttons show: "not Ada", "Ada, you said"; "" for nothing."""
    identity = judged(answer)
    said = [verdict for verdict in answer.verdicts if identity is None or verdict.identity_id != identity.id]
    confirmed = [_("{name}, you said").format(name=item.name) for item in said if item.word is VerdictWord.CONFIRMED]
    wrong = [_("not {name}").format(name=item.name) for item in said if item.word is VerdictWord.WRONG]
    return " · ".join([*confirmed, *wrong])


def _buttons(answer: Answer, identity: Identity) -> tuple[VerdictButton, ...]:
    given = next((item.word for item in answer.verdicts if item.identity_id == identity.id), None)
    names = {"person": answer.observation.person, "name": identity.name}
    texts = {
        VerdictWord.CONFIRMED: ("good", _("Confirm"), _("Confirm: person {person} is {name}")),
        VerdictWord.WRONG: ("bad", _("Wrong"), _("Wrong: person {person} is not {name}")),
        VerdictWord.UNDECIDED: ("unsure", _("Undecided"), _("Undecided whether person {person} is {name}")),
    }
    return tuple(
        VerdictButton(word.value, icon, text, label.format(**names), word is given)
        for word, (icon, text, label) in texts.items()
    )
