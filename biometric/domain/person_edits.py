"""People of an observation joined and split by hand: two tracks of one person, or one track of two people.

Nothing is decoded and no model runs: samples keep their embeddings, and templates are pooled anew from them. Numbers of
everybody else stay: a joined person takes the lowest number, a part that is split off the lowest one that is free. An
edited observation says so among its warnings. Numpy only.
"""

import dataclasses
import itertools
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from biometric.domain import comparison
from biometric.domain.conflicts import frames_apart
from biometric.domain.linked_people import of_tracks, part_of, tracks_of, without_perhaps
from biometric.entities import LinkKind, Notice, NoticeCode, Observation, ObservedClip
from biometric.entities.boxes import iou
from biometric.errors import InvalidInput, PeopleSeenTogether, SplitRefused, UnknownPerson


@dataclass(frozen=True, slots=True)
class JoinEdit:
    """Several people are one.

    Attributes:
        people: their numbers, at least two.
        forced: somebody said so although the people look different (`person_editor`).
    """

    people: frozenset[int]
    forced: bool = False


@dataclass(frozen=True, slots=True)
class SplitEdit:
    """One person is two: what is seen from `frame` on belongs to somebody else."""

    person: int
    frame: int


@dataclass(frozen=True, slots=True)
class TracksEdit:
    """One person who was put together from several tracks is as many people: each track is somebody."""

    person: int


PersonEdit = JoinEdit | SplitEdit | TracksEdit


def apply_edits(observed: ObservedClip, edits: Sequence[PersonEdit]) -> ObservedClip:
    """Return the observation after these edits, in their order.

    Raises:
        InvalidInput: one of them cannot be made; see `join_people`, `split_person` and `split_tracks`.
    """
    for edit in edits:
        if isinstance(edit, JoinEdit):
            observed = join_people(observed, edit.people)
        elif isinstance(edit, TracksEdit):
            observed = split_tracks(observed, edit.person)
        else:
            observed = split_person(observed, edit.person, edit.frame)
    return observed


def join_people(observed: ObservedClip, people: Collection[int]) -> ObservedClip:
    """Return the observation with these people as one, under the lowest of their numbers.

    The template is pooled from all of their kept samples. Where two boxes of one frame are one person, detected twice,
    the more confident one stays.

    Raises:
        UnknownPerson: there is nobody of one of the numbers.
        PeopleSeenTogether: two of them are seen at different places in the same frames.
        InvalidInput: fewer than two people.
    """
    joined = [person_numbered(observed, number) for number in sorted(set(people))]
    if len(joined) < 2:
        raise InvalidInput("Choose at least two people to join.")
    for first, second in itertools.combinations(joined, 2):
        apart = frames_apart(first.tracklet, second.tracklet)
        if apart:
            raise PeopleSeenTogether(
                "Person {first} and person {second} are two people: both are seen, at different places, in the same "
                "frames ({count}). Nothing was changed.",
                first=first.person,
                second=second.person,
                count=apart,
            )
    number, score = joined[0].person, least_score(observed, people)
    parts = [part for person in joined for part in tracks_of(person, LinkKind.HAND, score)]
    one = of_tracks(number, parts, observed.model_id)
    one = dataclasses.replace(one, perhaps=tuple(other for person in joined for other in person.perhaps))
    numbers = ", ".join(str(person.person) for person in joined)
    gone = {person.person for person in joined}
    rest = [person for person in observed.observations if person.person not in gone]
    people_now = without_perhaps([*rest, one], dict.fromkeys(gone, number))
    return _edited(observed, people_now, Notice(NoticeCode.JOINED_BY_HAND, person=number, people=numbers))


def split_person(observed: ObservedClip, person: int, frame: int) -> ObservedClip:
    """Return the observation with one person as two: from `frame` on it is somebody of the lowest number that is free.

    Each template is pooled from the part's own samples; see `part_of`.

    Raises:
        UnknownPerson: there is nobody of that number.
        SplitRefused: one of the two parts has no usable sample.
    """
    whole = person_numbered(observed, person)
    if {sample.detection.frame_index >= frame for sample in whole.kept} != {False, True}:
        raise SplitRefused(
            "Person {person} cannot be split at frame {frame}: each part needs at least one usable "
            "sample. Nothing was changed.",
            person=person,
            frame=frame,
        )
    free = next(_free_numbers(observed))
    halves = [
        part_of(whole, number, frame, later, observed.model_id) for number, later in ((person, False), (free, True))
    ]
    rest = [other for other in observed.observations if other.person != person]
    notice = Notice(NoticeCode.SPLIT_BY_HAND, person=person, other=free, frame=frame)
    return _edited(observed, without_perhaps([*rest, *halves], {person: None}), notice)


def split_tracks(observed: ObservedClip, person: int) -> ObservedClip:
    """Return the observation with each track of one person as somebody of their own, as before they were put together.

    The first track keeps the person's number, the others take the lowest ones that are free, in order of appearance.
    This also takes apart what `split_person` cannot: tracks of the same frames (a double detection), and tracks of
    which one has no usable sample.

    Raises:
        UnknownPerson: there is nobody of that number.
        SplitRefused: the person is one track.
    """
    whole = person_numbered(observed, person)
    if not whole.linked:
        raise SplitRefused(
            "Person {person} is one track, so there are no tracks to split it into. Split it at a frame instead. "
            "Nothing was changed.",
            person=person,
        )
    numbers = (person, *itertools.islice(_free_numbers(observed), len(whole.linked) - 1))
    tracks = [
        dataclasses.replace(part.observation, person=number, perhaps=())
        for number, part in zip(numbers, whole.linked, strict=True)
    ]
    rest = [other for other in observed.observations if other.person != person]
    others = ", ".join(map(str, numbers[1:]))
    notice = Notice(NoticeCode.TRACKS_SPLIT_BY_HAND, person=person, others=others)
    return _edited(observed, without_perhaps([*rest, *tracks], {person: None}), notice)


def split_frames(person: Observation) -> tuple[int, ...]:
    """Return the frames at which a person can be split: one between each two neighbouring kept samples.

    Between two samples, the later part begins where the box moves most for the time that passes: somebody else comes
    into the picture elsewhere, or after a pause.
    """
    kept = sorted({sample.detection.frame_index for sample in person.kept})
    detections = person.tracklet.detections
    frames = [detection.frame_index for detection in detections]
    found = []
    for earlier, later in itertools.pairwise(kept):
        steps = [
            (iou(detections[place - 1].box, detections[place].box) / (frames[place] - frames[place - 1]), frames[place])
            for place in range(1, len(frames))
            if earlier < frames[place] <= later
        ]
        found.append(min(steps)[1] if steps else later)
    return tuple(found)


def least_score(observed: ObservedClip, people: Collection[int]) -> float | None:
    """Return the lowest comparison score among these people; None where somebody has no template to compare.

    Raises:
        UnknownPerson: there is nobody of one of the numbers.
    """
    templates = [person_numbered(observed, number).template for number in sorted(set(people))]
    usable = [template for template in templates if template is not None]
    if len(usable) < len(templates) or len(usable) < 2:
        return None
    return min(comparison.score(first, second) for first, second in itertools.combinations(usable, 2))


def kept_crop_names(observed: ObservedClip) -> list[tuple[int, list[str]]]:
    """Return everybody's number with the crop names of their kept samples: what choices of people refer to."""
    return [(one.person, [sample.detection.crop_name for sample in one.kept]) for one in observed.observations]


def _free_numbers(observed: ObservedClip) -> Iterator[int]:
    """Yield the numbers that nobody has, from the lowest."""
    used = {person.person for person in observed.observations}
    return (number for number in itertools.count(1) if number not in used)


def person_numbered(observed: ObservedClip, number: int) -> Observation:
    """Return the person of that number. Raises `UnknownPerson`: there is none."""
    for person in observed.observations:
        if person.person == number:
            return person
    raise UnknownPerson("There is no person {number} among the people who were found.", number=number)


def _edited(observed: ObservedClip, people: Sequence[Observation], notice: Notice) -> ObservedClip:
    return dataclasses.replace(
        observed,
        observations=tuple(sorted(people, key=lambda person: person.person)),
        warnings=(*observed.warnings, notice),
    )
