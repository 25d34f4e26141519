"""What verdicts mean for later answers: which of them are about the same probe, and whom they exclude. Numpy only.

Two observations are of the same probe where they come from the same footage and their boxes lie on each other in most
of the frames in which both are known, or where their templates are equal, as those of a copy of the footage are.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from biometric.domain.comparison import score
from biometric.entities import (
    BiometricReference,
    Observation,
    ObservedClip,
    ProbeRecord,
    Template,
    Verdict,
    VerdictWord,
)
from biometric.entities.boxes import iou
from biometric.errors import NoUsableSample

BOXES_KEPT = 1024
"""Most boxes that are kept of a probe: all of 100 seconds at ten analysed frames a second, some of longer tracks."""
COINCIDING = 0.5
"""Boxes whose intersection over union is higher are taken for boxes of one person."""
LONGEST_STEP = 8
"""Two kept boxes of a probe that lie more than so many times the usual step apart have a gap in view between them."""
EQUAL_TEMPLATES = 0.99999
"""Templates of one model that score so high are of the same pixels; what is left of 1 is the rounding of float32."""
SAME_VISIT = 0.7
"""Templates of one clip that score at least this, over frames that overlap, are taken for one person where no common
crop says more. Two ranges of one track score about 0.9 with the embedders at hand."""


def probe_record(observed: ObservedClip, observation: Observation, most: int = BOXES_KEPT) -> ProbeRecord:
    """Return what is kept of an observed person for a verdict. Raises `NoUsableSample`: nothing of them is comparable.

    Of a track of more than `most` boxes not all are kept, but those of the kept samples, and others spread evenly.
    """
    if observation.template is None:
        raise NoUsableSample(
            "Person {person} has no sample that is good enough, so there is no comparison to judge.",
            observation.refusals,
            person=observation.person,
        )
    detections = observation.tracklet.detections
    if len(detections) > most:
        wanted = {sample.detection.frame_index for sample in observation.kept[: most // 2]}
        rest = most - len(wanted)
        wanted |= {detections[place * (len(detections) - 1) // (rest - 1)].frame_index for place in range(rest)}
        detections = [detection for detection in detections if detection.frame_index in wanted]
    return ProbeRecord(
        clip_digest=observed.video.digest,
        clip_name=observed.label,
        person=observation.person,
        frames=np.array([detection.frame_index for detection in detections], np.int32),
        box_indices=np.array([detection.box_index for detection in detections], np.int32),
        boxes=np.array([detection.box for detection in detections], np.float32),
        template=observation.template,
    )


def same_probe(first: ProbeRecord, second: ProbeRecord) -> bool:
    """Return whether two records are of the same person in the same footage."""
    if equal_templates(first.template, second.template):
        return True
    if first.clip_digest != second.clip_digest:
        return False
    start, end = max(first.first_frame, second.first_frame), min(first.last_frame, second.last_frame)
    frames = np.union1d(first.frames, second.frames)
    frames = frames[(frames >= start) & (frames <= end)]
    frames = frames[_in_view(first, frames) & _in_view(second, frames)]
    if not len(frames):
        return False
    pairs = zip(_boxes_at(first, frames), _boxes_at(second, frames), strict=True)
    coinciding = sum(iou(one, other) > COINCIDING for one, other in pairs)
    return coinciding > len(frames) / 2


def _in_view(probe: ProbeRecord, frames: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Return for frames between a probe's first and last whether it is in view: not between two of its stretches."""
    steps = np.diff(probe.frames)
    if not len(steps):
        return np.ones(len(frames), bool)
    later = np.searchsorted(probe.frames, frames)
    in_view: NDArray[np.bool_] = steps[np.maximum(later, 1) - 1] <= LONGEST_STEP * np.median(steps)
    in_view[probe.frames[later] == frames] = True
    return in_view


def _boxes_at(probe: ProbeRecord, frames: NDArray[np.int32]) -> list[tuple[float, float, float, float]]:
    """Return a probe's boxes in frames between its first and last; between two kept ones they move evenly."""
    columns = [np.interp(frames, probe.frames, probe.boxes[:, column]).tolist() for column in range(4)]
    return list(zip(*columns, strict=True))


def equal_templates(first: Template, second: Template) -> bool:
    """Return whether two templates were made of the same pixels by one model."""
    return (
        first.model_id == second.model_id
        and first.vector.shape == second.vector.shape
        and score(first, second) >= EQUAL_TEMPLATES
    )


def verdicts_on(verdicts: Sequence[Verdict], probe: ProbeRecord) -> tuple[Verdict, ...]:
    """Return the verdicts about a probe, the latest first, of those about one identity the latest only."""
    latest: dict[str, Verdict] = {}
    for verdict in sorted(verdicts, key=lambda item: -item.id):
        if verdict.identity_id not in latest and same_probe(verdict.probe, probe):
            latest[verdict.identity_id] = verdict
    return tuple(latest.values())


def verdicts_of_people(
    verdicts: Sequence[Verdict], observed: ObservedClip, people: Iterable[Observation]
) -> dict[int, tuple[Verdict, ...]]:
    """Return by person's number the verdicts about each of some observed people who have any."""
    if not verdicts:
        return {}
    usable = [observation for observation in people if observation.template is not None]
    by_person = {item.person: verdicts_on(verdicts, probe_record(observed, item)) for item in usable}
    return {person: given for person, given in by_person.items() if given}


def excluded(verdicts: Iterable[Verdict]) -> frozenset[str]:
    """Return the ids of the identities that a probe is not, by the verdicts about it."""
    return frozenset(verdict.identity_id for verdict in verdicts if verdict.word is VerdictWord.WRONG)


def replaced_by(verdict_word: VerdictWord, identity_id: str, earlier: Iterable[Verdict]) -> list[Verdict]:
    """Return which earlier verdicts about the same probe a new one takes the place of.

    These are those about the same identity and, as one person is one identity, confirmations of another one.
    """
    confirmed = VerdictWord.CONFIRMED
    return [
        verdict
        for verdict in earlier
        if verdict.identity_id == identity_id or (verdict_word is confirmed and verdict.word is confirmed)
    ]


def enrolled_from(probe: ProbeRecord, reference: BiometricReference) -> bool:
    """Return whether a reference shows the person of a probe, in the same footage."""
    if probe.clip_digest != reference.clip_digest:
        return equal_templates(probe.template, reference.template)
    boxes = {int(frame): int(box) for frame, box in (crop.stem.split("_") for crop in reference.crops)}
    return shown_by(probe, reference.template, boxes, (reference.first_frame, reference.last_frame))


def shown_by(probe: ProbeRecord, template: Template, box_indices: Mapping[int, int], frames: tuple[int, int]) -> bool:
    """Return whether a reference of the same clip shows the person of a probe.

    Args:
        template: of the reference.
        box_indices: by the frames of its samples, the number of the person's box in each.
        frames: its first and last frame.
    """
    if equal_templates(probe.template, template):
        return True
    certain = same_person_by_crops(probe, box_indices)
    if certain is not None:
        return certain
    overlaps = max(frames[0], probe.first_frame) <= min(frames[1], probe.last_frame)
    return overlaps and probe.template.model_id == template.model_id and score(probe.template, template) >= SAME_VISIT


def same_person_by_crops(probe: ProbeRecord, box_indices: Mapping[int, int]) -> bool | None:
    """Return whether samples of the same footage show a probe's person; None: they have no frame in common.

    Args:
        box_indices: by the samples' frames, the number of the person's box in each.
    """
    own = dict(zip(probe.frames.tolist(), probe.box_indices.tolist(), strict=True))
    common = [frame for frame in box_indices if frame in own]
    if not common:
        return None
    agreeing = sum(1 for frame in common if own[frame] == box_indices[frame])
    return agreeing > len(common) / 2


def verdicts_between(
    verdicts: Iterable[Verdict],
    first: tuple[str, Sequence[BiometricReference]],
    second: tuple[str, Sequence[BiometricReference]],
) -> list[Verdict]:
    """Return the verdicts that say of two identities that they are different people.

    These are the "wrong" ones about one of them whose probe was enrolled, then or later, as a reference of the other.

    Args:
        first, second: id and references of each identity.
    """
    between = []
    for verdict in verdicts:
        for (identity_id, _), (_, references) in ((first, second), (second, first)):
            if verdict.word is VerdictWord.WRONG and verdict.identity_id == identity_id:
                between += [verdict] * any(enrolled_from(verdict.probe, reference) for reference in references)
    return between


def names_of(verdicts: Iterable[Verdict], word: VerdictWord) -> list[str]:
    """Return the names of the identities that verdicts of one word are about, each once."""
    return list(dict.fromkeys(verdict.name for verdict in verdicts if verdict.word is word))


def told_apart(verdicts: Sequence[Verdict], observed: ObservedClip, observation: Observation) -> frozenset[str]:
    """Return the ids of the identities that an observed person is not, by earlier verdicts."""
    return excluded(verdicts_of_people(verdicts, observed, [observation]).get(observation.person, ()))
