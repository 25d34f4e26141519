"""One name in two places: answers for people who are seen in the same frames are compared with each other.

One person cannot be in two places at once. Where two people of the same frames get one name, the answer with the lower
score becomes undecided and does not get its second candidate. Two boxes that lie on each other in most of their common
frames are one person, detected twice; both may keep the name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from biometric.domain.comparison import decide
from biometric.domain.constraints import excluded as excluded_identities
from biometric.entities import (
    Adapting,
    Decision,
    Identification,
    Identity,
    Notice,
    NoticeCode,
    Observation,
    ObservedClip,
    Threshold,
    Tracklet,
    Verdict,
    VerdictWord,
)
from biometric.entities.boxes import iou
from biometric.ports import Gallery

COINCIDING = 0.5
"""Boxes whose intersection over union is higher may be two boxes of one person."""


def frames_apart(first: Tracklet, second: Tracklet) -> int:
    """Return in how many frames both are seen, as two people; 0 where their boxes coincide in most of these."""
    boxes = {detection.frame_index: detection.box for detection in first.detections}
    overlaps = [
        iou(boxes[detection.frame_index], detection.box)
        for detection in second.detections
        if detection.frame_index in boxes
    ]
    coinciding = sum(overlap > COINCIDING for overlap in overlaps)
    return 0 if coinciding > len(overlaps) / 2 else len(overlaps)


def resolve_name_conflicts(identifications: Sequence[Identification]) -> tuple[Identification, ...]:
    """Return the answers in their order, with at most one place for each name in the same frames.

    An answer becomes undecided where somebody with a higher score (of equal ones, with the lower person number) has
    the same name in the same frames elsewhere, also where that answer itself becomes undecided because of a third one.
    """
    resolved = {item.observation.person: item for item in identifications}
    for name in {item.identity.id for item in identifications if item.identity is not None}:
        claims = [item for item in identifications if item.identity is not None and item.identity.id == name]
        for item in _resolved(_double_detections(claims)):
            resolved[item.observation.person] = item
    return tuple(resolved[item.observation.person] for item in identifications)


def find_bystanders(
    gallery: Gallery,
    observed: ObservedClip,
    chosen: Observation,
    identity: Identity,
    score: float,
    threshold: Threshold,
    given: Mapping[int, Sequence[Verdict]],
) -> tuple[Notice, ...]:
    """Return who else, seen elsewhere in the same frames, would be identified as the claimed identity; closest first.

    Behind them stands who would be, too, but was said not to be the claimed identity.
    """
    bystanders: list[Notice] = []
    excluded: list[Notice] = []
    for other in observed.usable:
        if other.template is None or not frames_apart(chosen.tracklet, other.tracklet):
            continue
        best = gallery.search(other.template, 1, Adapting(threshold.adaptation, observed.camera))
        if not (best and best[0].identity.id == identity.id and decide(best[0].score, threshold)):
            continue
        if identity.id not in excluded_identities(given.get(other.person, ())):
            bystanders.append(
                Notice(NoticeCode.BYSTANDER_ALSO_REACHES, person=other.person, score=best[0].score, own_score=score)
            )
        elif best[0].score > score:
            excluded.append(Notice(NoticeCode.CHANGED_BY_VERDICT, name=identity.name, person=other.person))
    return (*sorted(bystanders, key=lambda notice: -float(notice["score"])), *excluded)


def mark_changed_answers(
    answers: Sequence[Identification], unconstrained: Sequence[Identification]
) -> tuple[Identification, ...]:
    """Return the answers, with a warning in each that is another one because of a verdict about somebody else.

    Args:
        answers: with what verdicts exclude.
        unconstrained: the same people in the same order, as scores alone decide.
    """
    exclusions = [
        (verdict, item.observation.person)
        for item in answers
        for verdict in item.verdicts
        if verdict.word is VerdictWord.WRONG
    ]
    marked = []
    for item, alone in zip(answers, unconstrained, strict=True):
        own = any(person == item.observation.person for _, person in exclusions)
        if not own and exclusions and (item.decision, item.identity) != (alone.decision, alone.identity):
            names = {item.candidates[0].identity.id} if item.candidates else set()
            cause, person = next((entry for entry in exclusions if entry[0].identity_id in names), exclusions[0])
            warning = Notice(NoticeCode.CHANGED_BY_VERDICT, name=cause.name, person=person)
            item = replace(item, warnings=(*item.warnings, warning))
        marked.append(item)
    return tuple(marked)


def _strength(item: Identification) -> tuple[float, int]:
    return (-1.0 if item.score is None else item.score, -item.observation.person)


def _double_detections(claims: Sequence[Identification]) -> list[list[Identification]]:
    """Group answers that are one person detected twice, the strongest group and member first."""
    groups: list[list[Identification]] = []
    for item in sorted(claims, key=_strength, reverse=True):
        doubled = [group for group in groups if any(_coincide(item, other) for other in group)]
        merged = [member for group in doubled for member in group] + [item]
        groups = [group for group in groups if group not in doubled] + [sorted(merged, key=_strength, reverse=True)]
    return sorted(groups, key=lambda group: _strength(group[0]), reverse=True)


def _coincide(first: Identification, second: Identification) -> bool:
    tracks = first.observation.tracklet, second.observation.tracklet
    frames = [{detection.frame_index for detection in track.detections} for track in tracks]
    return bool(frames[0] & frames[1]) and frames_apart(*tracks) == 0


def _resolved(groups: Sequence[Sequence[Identification]]) -> list[Identification]:
    answers: list[Identification] = []
    for rank, group in enumerate(groups):
        stronger = _first_conflict(group, groups[:rank])
        if stronger is None:
            weaker = [conflict for other in groups[rank + 1 :] if (conflict := _conflict(group, other)) is not None]
            warnings = [_notice(NoticeCode.NAME_ALSO_ELSEWHERE, group[0], *conflict) for conflict in weaker]
            answers += [replace(item, warnings=(*item.warnings, *warnings)) for item in group]
            continue
        answers += [
            replace(
                item,
                decision=Decision.NO_DECISION,
                identity=None,
                reason=_notice(NoticeCode.NAME_IN_TWO_PLACES, item, *stronger),
            )
            for item in group
        ]
    return answers


def _first_conflict(
    group: Sequence[Identification], others: Sequence[Sequence[Identification]]
) -> tuple[Identification, int] | None:
    return next((conflict for other in others if (conflict := _conflict(group, other)) is not None), None)


def _conflict(group: Sequence[Identification], other: Sequence[Identification]) -> tuple[Identification, int] | None:
    """The strongest member of another group, and in how many frames both groups are seen in two places."""
    tracks = [[item.observation.tracklet for item in items] for items in (group, other)]
    frames = max(frames_apart(first, second) for first in tracks[0] for second in tracks[1])
    return (other[0], frames) if frames else None


def _notice(code: NoticeCode, item: Identification, other: Identification, frames: int) -> Notice:
    return Notice(
        code,
        name=item.candidates[0].identity.name,
        person=other.observation.person,
        frames=frames,
        score=_strength(other)[0],
        own_score=_strength(item)[0],
    )
