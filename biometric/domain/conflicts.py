"""One name in two places: answers for people who are seen in the same frames are compared with each other.

One person cannot be in two places at once. Where two people of the same frames get one name, the answer with the lower
score becomes undecided and does not get its second candidate. Two boxes that lie on each other in most of their common
frames are one person, detected twice; both may keep the name.
"""

from collections.abc import Sequence
from dataclasses import replace

from biometric.entities import Decision, Identification, Notice, NoticeCode, Tracklet
from biometric.entities.boxes import iou

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
