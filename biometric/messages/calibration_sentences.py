"""What footage supports, and how much more a target needs, as sentences."""

from collections.abc import Mapping
from typing import Final

from biometric.entities.calibration_footage import (
    POSSIBLE,
    FootageEvidence,
    FootageNeeded,
    SupportedRate,
    TargetRate,
)
from biometric.messages.translation import N_, local_number, ngettext
from biometric.messages.translation import gettext as _

GENUINE_KINDS: Final = {
    "same visit": N_("same visit"),
    "repeated references": N_("repeated references"),
    "confirmed answers": N_("answers that people confirmed"),
}
"""Kinds of `GenuineScores`, for people."""
SOURCES: Final = {
    "same time": N_("seen side by side"),
    "enrolled": N_("between two names"),
    "unlabelled": N_("of somebody in a clip with a name"),
}
"""Where comparisons of different people come from, for people."""


def one_in(rate: float) -> str:
    """Return a rate as people say it: "1 in 1,000"."""
    return _("1 in {number}").format(
        number=local_number(f"{1 / rate:,.4g}" if 1 / rate < 1000 else f"{round(1 / rate):,}")
    )


def evidence_sentences(evidence: FootageEvidence, fmr: TargetRate, fpir: TargetRate) -> list[str]:
    """Return what the footage supports, for verification and identification, and what the targets still need."""
    return [
        compared_sentence(evidence),
        verification_sentence(evidence),
        *needed_sentences(fmr, evidence.verification, _needed(evidence, fmr, searches=False)),
        identification_sentence(evidence),
        *needed_sentences(fpir, evidence.identification, _needed(evidence, fpir, searches=True)),
    ]


def compared_sentence(evidence: FootageEvidence) -> str:
    """Return how many people were compared, and how many were not."""
    text = ngettext(
        "{people} people were compared: {number} pair, as good as {independent} independent comparisons.",
        "{people} people were compared: {number} pairs, as good as {independent} independent comparisons.",
        evidence.pairs,
    ).format(
        people=local_number(f"{evidence.people:,}"),
        number=local_number(f"{evidence.pairs:,}"),
        independent=local_number(f"{evidence.independent:,}"),
    )
    if evidence.not_compared:
        text += " " + not_compared_sentence(evidence.not_compared)
    return text


def sources_words(sources: Mapping[str, int]) -> str:
    """Return how many comparisons of different people come from where: "474 seen side by side"."""
    return ", ".join(
        f"{local_number(f'{number:,}')} {_(SOURCES.get(source, source))}" for source, number in sources.items()
    )


def not_compared_sentence(people: int) -> str:
    """Return how many people of the clips nobody was compared with."""
    return ngettext(
        "{number} other person was not compared.", "{number} other people were not compared.", people
    ).format(number=local_number(f"{people:,}"))


def verification_sentence(evidence: FootageEvidence) -> str:
    """Return which false match rate can be kept now."""
    if not evidence.separable:
        return _("People who must be different score 1.00 with each other, so no threshold can tell them apart.")
    if evidence.verification is None:
        return _("Not enough footage for any rate yet: at least six independent comparisons are needed.")
    return _("You can use {rate} now: of {number} strangers, at most about 1 would pass in verification.").format(
        rate=one_in(evidence.verification.rate), number=local_number(f"{evidence.verification.one_in:,}")
    )


def identification_sentence(evidence: FootageEvidence) -> str:
    """Return which false-positive identification rate can be kept now, for the gallery's size."""
    if evidence.gallery_size == 0:
        return _("Identification needs people in the gallery: enroll them first.")
    if evidence.identification is None:
        return _("Identification keeps its threshold: not enough people were compared for a gallery of {size}.").format(
            size=local_number(f"{evidence.gallery_size:,}")
        )
    return _("Identification in a gallery of {size}: {rate} searches for a stranger would name somebody.").format(
        size=local_number(f"{evidence.gallery_size:,}"), rate=one_in(evidence.identification.rate)
    )


def needed_sentences(target: TargetRate, supported: SupportedRate | None, needed: FootageNeeded | None) -> list[str]:
    """Return what a target needs that is not supported yet; [] where it is."""
    if target == POSSIBLE or needed is None or (supported is not None and supported.rate <= float(target)):
        return []
    return [needed_sentence(float(target), needed)]


def needed_sentence(rate: float, needed: FootageNeeded) -> str:
    """Return "Not enough footage for 1 in 1,000: about 40 more people … are needed."."""
    side_by_side = ngettext(
        "about {number} more person seen side by side with others",
        "about {number} more people seen side by side",
        needed.people,
    )
    strangers = ngettext(
        "about {number} more person who is not enrolled",
        "about {number} more people who are not enrolled",
        needed.people,
    )
    people = (strangers if needed.strangers else side_by_side).format(number=local_number(f"{needed.people:,}"))
    if needed.clips is not None:
        clips = ngettext(
            "about {number} more clip like these", "about {number} more clips like these", needed.clips
        ).format(number=local_number(f"{needed.clips:,}"))
        people = _("{people} ({clips})").format(people=people, clips=clips)
    return _("Not enough footage for {rate}: {people} are needed.").format(rate=one_in(rate), people=people)


def _needed(evidence: FootageEvidence, target: TargetRate, *, searches: bool) -> FootageNeeded | None:
    if target == POSSIBLE:
        return None
    if searches:
        return evidence.needed_for_identification(float(target))
    return evidence.needed_for_verification(float(target))
