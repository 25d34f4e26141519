"""Cases in words: steps, comparisons, likelihood ratios and their limits, checks and repetitions."""

from collections.abc import Mapping
from typing import Final

from biometric.entities.cases import (
    CaseInput,
    CaseRole,
    CaseScore,
    CaseStep,
    NoRatio,
    Repetition,
    Sameness,
)
from biometric.messages import decimal, describe_support, ratio_number
from biometric.messages.counted import counted
from biometric.messages.translation import N_
from biometric.messages.translation import gettext as _

STEPS: Final[Mapping[str, str]] = {
    CaseStep.OPENED.value: N_("Opened the case"),
    CaseStep.INPUT_ADDED.value: N_("Added input {number}"),
    CaseStep.PERSON_CHOSEN.value: N_("Chose person {person} of input {number}"),
    CaseStep.INPUT_WITHDRAWN.value: N_("Withdrew input {number}: {reason}"),
    CaseStep.OBSERVED.value: N_("Looked at input {number}: {people} seen"),
    CaseStep.COMPARED.value: N_("Compared: {scores}"),
    CaseStep.REPORTED.value: N_("Wrote the report"),
    "audit_started": N_("The record begins"),
}

NO_RATIO: Final[Mapping[NoRatio, str]] = {
    NoRatio.NO_CALIBRATION: N_(
        "It cannot be said how strong this evidence is: the case has no calibration on footage like this, and without "
        "one a score has no likelihood ratio."
    ),
    NoRatio.TOO_FEW_PEOPLE: N_(
        "It cannot be said how strong this evidence is: the calibration has too few people with references from "
        "different clips for a likelihood ratio."
    ),
}

SAME: Final[Mapping[Sameness, str]] = {
    Sameness.IDENTICAL: N_("The same, bit for bit: {n:,} numbers were compared."),
    Sameness.WITHIN_TOLERANCE: N_(
        "The same within the tolerance: {n:,} numbers were compared; the largest difference of two scores is "
        "{largest:.6f}, and {tolerance:g} is allowed."
    ),
    Sameness.DIFFERENT: N_(
        "Not the same: {n:,} numbers were compared, and some differ by more than is allowed (scores: {tolerance:g})."
    ),
}

LIMITS: Final = (
    N_(
        "This is research software. The method compares clothing and build as a network sees them, not faces. It was "
        "not validated for casework by anybody."
    ),
    N_(
        "A likelihood ratio here says how much likelier such a score is when both pictures show one person than when "
        "they show two, in footage like that of the calibration. It is about appearance at that time. It is not the "
        "probability that somebody is the person, and it says nothing about the same person in other clothes or on "
        "another day."
    ),
    N_(
        "Two people in the same clothes, a uniform above all, score high. Whether the people who come into question "
        "dress like those of the calibration has to be judged by a person."
    ),
    N_(
        "The 95 % interval of a ratio says how much it depends on which people the calibration saw. It does not say "
        "whether their footage (camera, light, distance, time between two sights) is like that of this case."
    ),
    N_(
        "Every questioned person was compared with every known one. The more comparisons, the more of them reach a "
        "threshold by chance. Ratios of several comparisons must not be multiplied: they are not independent."
    ),
    N_("People were found and followed by a detector and a tracker, which miss people and mix people up at times."),
    N_("A replayed video, a picture of a screen and manipulated footage are not detected."),
    N_("The record shows what was not changed since. It does not show that the footage is what it is said to be."),
)
"""What a report of a case says of its limits."""


def describe_role(item: CaseInput) -> str:
    """Return what an input is: "questioned", or "known: Ada"."""
    if item.role is CaseRole.QUESTIONED:
        return _("questioned")
    return _("known: {name}").format(name=item.name)


def describe_step(action: str, details: Mapping[str, object]) -> str:
    """Return what a record of a case says; an action of a later version as it is."""
    if action not in STEPS:
        return action.replace("_", " ")
    known = {name: details.get(name, "?") for name in ("number", "person", "reason")}
    for name, noun in (("people", "person"), ("scores", "comparison")):
        count = details.get(name)
        known[name] = counted(count, noun) if isinstance(count, int) else "?"
    return _(STEPS[action]).format(**known)


def describe_pair(score: CaseScore) -> str:
    """Return who is compared with whom."""
    text = _("Input {input}, person {person} – {name} (input {known}, person {known_person})")
    return text.format(
        input=score.questioned[0],
        person=score.questioned[1],
        name=score.name,
        known=score.known[0],
        known_person=score.known[1],
    )


def describe_reached(score: CaseScore) -> str:
    """Return whether a score reaches the threshold."""
    return _("The score reaches the threshold") if score.reaches else _("The score does not reach the threshold")


def describe_ratio(score: CaseScore) -> str:
    """Return the likelihood ratio with its interval, or "cannot be said"."""
    if score.ratio is None:
        return _("cannot be said")
    number = ratio_number(score.ratio)
    if score.low is None or score.high is None:
        text = _("{number} (how sure it is was not measured: calibrate again)").format(number=number)
    else:
        words = {"number": number, "low": ratio_number(score.low), "high": ratio_number(score.high)}
        text = _("{number} (95 % interval {low}–{high})").format(**words)
    if score.limited:
        text += _("; at the limit of what the people of the calibration are evidence for")
    return text


def describe_strength(score: CaseScore) -> str:
    """Return in a sentence what a comparison is worth, or why that cannot be said."""
    if score.ratio is None:
        return _(NO_RATIO[score.no_ratio or NoRatio.NO_CALIBRATION])
    if score.ratio >= 1:
        text = _("Such a score is {number} times as likely if both show one person as if they show two: {support}.")
    else:
        text = _("Such a score is {number} times as likely if they show two people as if both show one: {support}.")
    told = text.format(number=ratio_number(max(score.ratio, 1 / score.ratio)), support=describe_support(score.ratio))
    if score.low is not None and score.high is not None and score.low <= 1 <= score.high:
        told += " " + _("The interval holds 1: it may as well support the other proposition.")
    return told


def describe_verbal(score: CaseScore) -> str:
    """Return the verbal equivalent with its source, or that there is none."""
    if score.ratio is None:
        return _("none without a likelihood ratio")
    support = describe_support(score.ratio)
    weakest = score.ratio if score.low is None or score.high is None else score.low if score.ratio >= 1 else score.high
    text = _("{support} (scale of the ENFSI Guideline for Evaluative Reporting in Forensic Science, 2015)")
    told = text.format(support=support)
    cautious = describe_support(1.0 if (weakest < 1) != (score.ratio < 1) else weakest)
    if cautious != support:
        told += _("; at the end of the interval nearer to 1: {support}").format(support=cautious)
    return told


def describe_score(score: CaseScore) -> str:
    """Return a comparison in one line."""
    text = _("score {score}, {reached}; likelihood ratio: {ratio}")
    reached = _("reaches the threshold") if score.reaches else _("below the threshold")
    return text.format(score=decimal(score.score, 3), reached=reached, ratio=describe_ratio(score))


def describe_repetition(repetition: Repetition, tolerance: float) -> str:
    """Return whether a repetition gave the same."""
    words = {"n": repetition.compared, "largest": repetition.largest, "tolerance": tolerance}
    return _(SAME[repetition.sameness]).format(**words)
