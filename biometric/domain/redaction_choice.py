"""Whom a redaction shows. Whoever is not surely somebody to show is hidden: a wrong answer must expose nobody."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biometric.domain.hidden_regions import SeenPeople
from biometric.entities import Decision, Identification, Identity, Notice, NoticeCode, Observation
from biometric.entities.redaction import RedactionChoice, WhoIsHidden
from biometric.errors import InvalidInput
from biometric.ports import Gallery

_MOST_CANDIDATES = 5
"""As many candidates an identification has at most: somebody farther down may score as high."""


@dataclass(frozen=True, slots=True)
class ShownPeople:
    """Whom a redaction shows.

    Attributes:
        people: numbers of the people who are shown.
        names: their names, as enrolled, each once; without people who are shown because they are surely nobody hidden.
        unsure: how many are hidden only because it is not sure who they are.
        identity_ids: of those named.
    """

    people: frozenset[int]
    names: tuple[str, ...] = ()
    unsure: int = 0
    identity_ids: frozenset[str] = frozenset()


def shown_people(
    choice: RedactionChoice, identity_ids: Collection[str], identifications: Sequence[Identification]
) -> ShownPeople:
    """Decide for each identified person whether they are shown.

    Args:
        identity_ids: whom the names of the choice mean.
        identifications: of everybody in the footage; nobody else is shown.
    """
    if choice.who is WhoIsHidden.EVERYBODY:
        return ShownPeople(frozenset())
    named = set(identity_ids)
    shown, unsure = [], 0
    hidden_numbers = {item.observation.person for item in identifications if _is_named(item, named)}
    for item in identifications:
        if choice.who is WhoIsHidden.ONLY:
            perhaps = {same.person for same in item.observation.perhaps}
            is_shown = not _may_be_named(item, named) and not perhaps & hidden_numbers
            unsure += not is_shown and not _is_named(item, named)
        else:
            is_shown = item.decision is Decision.IDENTIFIED
            if choice.who is WhoIsHidden.ALL_BUT:
                is_shown = _is_named(item, named)
            unsure += not is_shown and _is_unsure(item, choice, named)
        if is_shown:
            shown.append(item)
    known = [item.identity for item in shown if item.identity is not None]
    names, ids = sorted({identity.name for identity in known}), frozenset(identity.id for identity in known)
    return ShownPeople(frozenset(item.observation.person for item in shown), tuple(names), unsure, ids)


def _is_named(item: Identification, named: Collection[str]) -> bool:
    return item.decision is Decision.IDENTIFIED and item.identity is not None and item.identity.id in named


def _may_be_named(item: Identification, named: Collection[str]) -> bool:
    """Whether somebody may be one of those to hide: named so, unsure, or nothing could be compared."""
    if item.decision is Decision.NO_DECISION or item.observation.template is None or item.score is None:
        return True
    close = [found for found in item.candidates if found.score >= item.threshold.unsure_from]
    return any(found.identity.id in named for found in close) or len(close) >= _MOST_CANDIDATES


def _is_unsure(item: Identification, choice: RedactionChoice, named: Collection[str]) -> bool:
    """Whether somebody is hidden who may be one of those to show."""
    if item.decision is Decision.IDENTIFIED:
        return False
    if item.decision is Decision.NO_DECISION or item.score is None:
        return True
    close = [found for found in item.candidates if found.score >= item.threshold.unsure_from]
    return any(choice.who is WhoIsHidden.UNKNOWN or found.identity.id in named for found in close)


def boxes_of_people(
    seen: SeenPeople, observations: Sequence[Observation], people: Collection[int]
) -> NDArray[np.bool_]:
    """Return which of N boxes, (N,), belong to people of these numbers."""
    frames, boxes, _ = seen.detections.columns
    theirs = {
        (detection.frame_index, detection.box_index)
        for observation in observations
        if observation.person in people
        for detection in observation.tracklet.detections
    }
    return np.array([key in theirs for key in zip(frames.tolist(), boxes.tolist(), strict=True)], np.bool_)


def require_recognised(gallery: Gallery, named: Sequence[Identity]) -> list[Notice]:
    """Return what should be known of people who are to be hidden: some of their references have expired.

    Raises:
        InvalidInput: all references of somebody have, so that they would be shown.
    """
    ids = {identity.id for identity in named}
    lifetimes = [lifetime for lifetime in gallery.lifetimes() if lifetime.identity_id in ids]
    names = ", ".join(lifetime.name for lifetime in lifetimes if lifetime.has_expired)
    if names:
        raise InvalidInput(
            "All references of {names} have expired, so nobody is recognised by them and the clip would show "
            "who should be hidden. Enroll them again, or hide everybody.",
            names=names,
        )
    code = NoticeCode.SOME_REFERENCES_EXPIRED
    return [Notice(code, name=one.name, gone=one.expired, all=one.references) for one in lifetimes if one.expired]
