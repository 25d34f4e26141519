"""People put together from tracks and taken apart again: the arithmetic that linking and edits by hand share.

Nothing is decoded and no model runs: samples keep their embeddings, and templates are pooled anew from them.
"""

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from biometric.domain import comparison
from biometric.domain.linking import link
from biometric.entities import (
    Detection,
    DetectionList,
    LinkedTrack,
    LinkKind,
    LinkScores,
    NoticeCode,
    Observation,
    PerhapsSame,
    Sample,
    Template,
    Tracklet,
)


def link_people(tracks: Sequence[Observation], limits: LinkScores, model_id: str) -> tuple[Observation, ...]:
    """Return the people that tracks of one clip show, numbered from 1 by first appearance.

    Args:
        tracks: people of one track each, in order of first appearance.
    """
    links = link(tracks, limits)
    people = []
    for number, indices in enumerate(links.people, start=1):
        parts = [
            LinkedTrack(tracks[index], kind, links.scores[index])
            for index in indices
            if (kind := links.kinds[index]) is not None
        ]
        people.append(of_tracks(number, parts, model_id) if parts else replace(tracks[indices[0]], person=number))
    perhaps: dict[int, list[PerhapsSame]] = {}
    for first, second, score in links.perhaps:
        perhaps.setdefault(first, []).append(PerhapsSame(second + 1, score))
        perhaps.setdefault(second, []).append(PerhapsSame(first + 1, score))
    return tuple(replace(person, perhaps=tuple(perhaps.get(place, ()))) for place, person in enumerate(people))


def of_tracks(number: int, parts: Sequence[LinkedTrack], model_id: str) -> Observation:
    """Return the person whom tracks, at least one, show; of two boxes of one frame the more confident one stays."""
    parts = sorted(parts, key=lambda part: _appearance(part.observation))
    tracks = [part.observation for part in parts]
    if len(tracks) == 1:
        return replace(tracks[0], person=number, perhaps=())
    boxes: dict[int, Detection] = {}
    for detection in itertools.chain.from_iterable(track.tracklet.detections for track in tracks):
        former = boxes.setdefault(detection.frame_index, detection)
        if _preference(detection) > _preference(former):
            boxes[detection.frame_index] = detection
    return pooled(
        number,
        Tracklet(tracks[0].tracklet.track_id, DetectionList(boxes[frame] for frame in sorted(boxes))),
        [sample for track in tracks for sample in track.samples],
        sum((track.refusals for track in tracks), Counter()),
        model_id,
        tuple(replace(part, observation=replace(part.observation, person=number)) for part in parts),
    )


def pooled(
    number: int,
    tracklet: Tracklet,
    samples: Sequence[Sample],
    refusals: Counter[NoticeCode],
    model_id: str,
    linked: tuple[LinkedTrack, ...] = (),
) -> Observation:
    """Return a person with the template pooled from their kept samples."""
    # In one order whichever way the samples came together, so that the same samples give the very same template.
    ordered = sorted(samples, key=lambda sample: (sample.detection.frame_index, sample.detection.box_index))
    vectors = [sample.embedding for sample in ordered if sample.kept and sample.embedding is not None]
    template: Template | None = comparison.pool(vectors, model_id) if vectors else None
    return Observation(number, tracklet, tuple(ordered), template, refusals, linked)


def tracks_of(person: Observation, kind: LinkKind, score: float | None) -> tuple[LinkedTrack, ...]:
    """Return the tracks of a person who is put together with somebody; one track is held by `kind` and `score`."""
    return person.linked or (LinkedTrack(replace(person, perhaps=()), kind, score),)


def cut_tracks(person: Observation, frame: int, later: bool, model_id: str) -> tuple[LinkedTrack, ...]:
    """Return the linked tracks of the part of a person before `frame`, or from it on (`later`); () where it is one."""
    parts = []
    for part in person.linked:
        track = part.observation
        inside = [item for item in track.tracklet.detections if (item.frame_index >= frame) == later]
        if len(inside) == len(track.tracklet.detections):
            parts.append(part)
        elif inside:
            parts.append(replace(part, observation=part_of(track, track.person, frame, later, model_id)))
    return tuple(parts) if len(parts) > 1 else ()


def part_of(whole: Observation, number: int, frame: int, later: bool, model_id: str) -> Observation:
    """Return what is seen of a person before `frame`, or from it on (`later`), under a number.

    Of refused samples that are only counted, not listed, the earlier part keeps the count.
    """
    seen = [item for item in whole.tracklet.detections if (item.frame_index >= frame) == later]
    samples = [item for item in whole.samples if (item.detection.frame_index >= frame) == later]
    behind = [item for item in whole.samples if item.detection.frame_index >= frame]
    refused = Counter(item.refusal.code for item in behind if item.refusal is not None)
    return pooled(
        number,
        Tracklet(whole.tracklet.track_id, DetectionList(seen)),
        samples,
        refused if later else whole.refusals - refused,
        model_id,
        cut_tracks(whole, frame, later, model_id),
    )


def without_perhaps(people: Sequence[Observation], moved: Mapping[int, int | None]) -> list[Observation]:
    """Return people whose "perhaps the same as" follows an edit.

    Args:
        moved: by former number, the number that a person has now; None where nothing is known of them any more.
    """
    settled = []
    for person in people:
        best: dict[int, float] = {}
        for other in person.perhaps:
            number = moved.get(other.person, other.person)
            if number is not None and number != person.person:
                best[number] = max(other.score, best.get(number, -1.0))
        perhaps = tuple(PerhapsSame(*item) for item in sorted(best.items(), key=lambda item: -item[1]))
        settled.append(replace(person, perhaps=perhaps))
    return settled


def _appearance(track: Observation) -> tuple[int, int]:
    return track.tracklet.first_frame, track.person


def _preference(detection: Detection) -> tuple[float, int]:
    """Which of two boxes of one frame stays: the more confident one, of equal ones that of the lower box number."""
    return detection.confidence, -detection.box_index
