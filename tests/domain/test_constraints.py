"""Which observations are of one probe, whom verdicts exclude, and what that changes in answers."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from biometric.domain import constraints, recognition
from biometric.domain.comparison import pool
from biometric.domain.verdict_counts import count_verdicts, strangers_needed
from biometric.domain.verdict_desk import VerdictDesk
from biometric.entities import (
    Decision,
    Detection,
    Observation,
    ObservedClip,
    Purpose,
    RateKind,
    Threshold,
    ThresholdSource,
    Tracklet,
    VerdictWord,
)
from biometric.errors import InvalidInput, LooksDifferent, NoUsableSample, UnknownIdentity, UnknownPerson
from biometric.gallery.repository import SQLiteGallery
from biometric.messages import describe, describe_reason
from tests.builders import axis, observed_clip, person
from tests.fakes import MODEL_ID, video_info

LIMIT = Threshold(0.5, ThresholdSource.USER)
WRONG, CONFIRMED, UNDECIDED = VerdictWord.WRONG, VerdictWord.CONFIRMED, VerdictWord.UNDECIDED


def limits(purpose: Purpose, value: float | None = None, gallery: Path | None = None) -> Threshold:
    return LIMIT


class People:
    """A gallery with Ada (axis 0) and Ben (axis 0 too, leaning a little), and clips of people who look like them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.gallery = SQLiteGallery(folder / "gallery")
        self.desk = VerdictDesk(lambda where: self.gallery)
        self.enroll("Ada", axis(0), "a")
        self.enroll("Ben", axis(0, 0.8), "b")

    def enroll(self, name: str, vector: np.ndarray, digest: str, **options: bool) -> None:
        clip = self.clip(person(1, self.folder / f"crops-{name}", vector), digest=digest)
        recognition.enroll(self.gallery, clip, name, None, (), limits, **options)

    def clip(self, *people: Observation, digest: str = "c") -> ObservedClip:
        clip = observed_clip(self.folder / "work", *people)
        return replace(clip, video=video_info(digest=digest * 64))

    def identify(self, clip: ObservedClip) -> list[tuple[Decision, str | None]]:
        answers = recognition.identify(self.gallery, clip, LIMIT)
        return [(answer.decision, answer.identity and answer.identity.name) for answer in answers]

    def say(self, clip: ObservedClip, word: VerdictWord, name: str | None = None, number: int = 0) -> int:
        answer = recognition.identify(self.gallery, clip, LIMIT)[number]
        return self.desk.record(clip, answer, word, name).verdict.id


@pytest.fixture
def people(tmp_path: Path) -> People:
    return People(tmp_path)


def moved(observation: Observation, by: float) -> Observation:
    """The same person with boxes that lie elsewhere."""
    detections = [
        Detection(item.frame_index, (item.box[0] + by, item.box[1], item.box[2] + by, item.box[3]), 0.9)
        for item in observation.tracklet.detections
    ]
    return replace(observation, tracklet=Tracklet(1, tuple(detections)))


PROBES: dict[str, tuple[Callable[[Path], Observation], str, bool]] = {
    "the same again": (lambda folder: person(1, folder, axis(0)), "c", True),
    "a later range": (lambda folder: person(1, folder, axis(1), first=2, count=9), "c", True),
    "another number": (lambda folder: moved(person(2, folder, axis(1)), -100), "c", True),
    "another place": (lambda folder: moved(person(1, folder, axis(1)), 60), "c", False),
    "other frames": (lambda folder: person(1, folder, axis(1), first=50), "c", False),
    "another clip": (lambda folder: person(1, folder, axis(1)), "d", False),
    "a copy of the clip": (lambda folder: person(1, folder, axis(0)), "d", True),
    "almost the same look": (lambda folder: person(1, folder, axis(0, 0.01)), "d", False),
}


@pytest.mark.parametrize("name", PROBES)
def test_a_probe_is_known_again_by_its_boxes_or_an_equal_template(people: People, name: str, tmp_path: Path) -> None:
    make, digest, same = PROBES[name]
    first = people.clip(person(1, tmp_path / "first", axis(0)))
    second = people.clip(make(tmp_path / "second"), digest=digest)
    records = [constraints.probe_record(clip, clip.observations[0]) for clip in (first, second)]
    assert constraints.same_probe(*records) is same
    assert constraints.same_probe(*reversed(records)) is same


def test_frames_between_analysed_ones_are_compared(people: People, tmp_path: Path) -> None:
    """Ranges that begin elsewhere have no analysed frame in common where only every third one is analysed."""

    def walking(start: int) -> Observation:
        frames = range(start, 90, 3)
        detections = tuple(Detection(frame, (4.0 * frame, 0, 4.0 * frame + 80, 200), 0.9) for frame in frames)
        return replace(person(1, tmp_path / "walk", axis(start)), tracklet=Tracklet(1, detections))

    records = [constraints.probe_record(clip, clip.observations[0]) for clip in map(people.clip, map(walking, (0, 1)))]
    assert constraints.same_probe(*records)


def test_of_a_long_track_not_all_boxes_are_kept(people: People, tmp_path: Path) -> None:
    detections = tuple(Detection(frame, (0, 0, 80, 200), 0.9) for frame in range(0, 30_000, 3))
    observation = replace(person(1, tmp_path / "long", axis(0)), tracklet=Tracklet(1, detections))
    record = constraints.probe_record(people.clip(observation), observation)
    assert len(record.frames) <= constraints.BOXES_KEPT
    assert (record.first_frame, record.last_frame) == (0, 29_997)
    assert {0, 3} <= set(record.frames.tolist())  # of kept samples
    assert constraints.same_probe(record, record)


def test_nobody_who_cannot_be_compared_can_be_judged(people: People, tmp_path: Path) -> None:
    clip = people.clip(person(1, tmp_path / "bad", None), person(2, tmp_path / "good", axis(0)))
    with pytest.raises(NoUsableSample, match="no comparison to judge"):
        people.say(clip, WRONG, "Ada")


def test_a_wrong_match_is_no_candidate_any_more(people: People, tmp_path: Path) -> None:
    clip = people.clip(person(1, tmp_path / "p", axis(0)))
    assert people.identify(clip) == [(Decision.IDENTIFIED, "Ada")]
    people.say(clip, WRONG)
    assert people.identify(clip) == [(Decision.IDENTIFIED, "Ben")]
    people.say(clip, WRONG)
    [answer] = recognition.identify(people.gallery, clip, LIMIT)
    assert (answer.decision, answer.identity, answer.score, answer.candidates) == (Decision.UNKNOWN, None, None, ())
    assert describe_reason(answer) == (
        "You said that this is not Ada, Ben, and nobody else enrolled scores at or above the threshold."
    )
    assert [(said.word, said.name) for said in answer.verdicts] == [(WRONG, "Ben"), (WRONG, "Ada")]
    again = people.clip(person(1, tmp_path / "p", axis(0)), digest="f")
    assert people.identify(again) == [(Decision.UNKNOWN, None)]  # a copy of the clip
    other = people.clip(person(1, tmp_path / "p", axis(0, 0.1)), digest="f")
    assert people.identify(other) == [(Decision.IDENTIFIED, "Ada")]


def test_candidates_are_ranked_anew_and_still_five(people: People, tmp_path: Path) -> None:
    for number in range(6):
        people.enroll(f"Twin {number}", axis(0, 0.9 + number / 10), f"{number}")
    clip = people.clip(person(1, tmp_path / "p", axis(0)))
    people.say(clip, WRONG)
    [answer] = recognition.identify(people.gallery, clip, LIMIT)
    assert [candidate.rank for candidate in answer.candidates] == [1, 2, 3, 4, 5]
    assert answer.candidates[0].identity.name == "Ben"
    assert answer.margin == pytest.approx(answer.candidates[0].score - answer.candidates[1].score)


def test_confirmed_and_undecided_change_no_decision(people: People, tmp_path: Path) -> None:
    clip = people.clip(person(1, tmp_path / "p", axis(3)))
    assert people.identify(clip) == [(Decision.UNKNOWN, None)]
    people.say(clip, CONFIRMED, "Ada")
    [answer] = recognition.identify(people.gallery, clip, LIMIT)
    assert (answer.decision, [(said.word, said.name, said.score) for said in answer.verdicts]) == (
        *(Decision.UNKNOWN, [(CONFIRMED, "Ada", pytest.approx(0.0))]),
    )
    people.say(clip, UNDECIDED, "Ada")
    assert people.identify(clip) == [(Decision.UNKNOWN, None)]


def test_a_later_verdict_replaces_the_earlier_one(people: People, tmp_path: Path) -> None:
    clip = people.clip(person(1, tmp_path / "p", axis(0)))
    people.say(clip, WRONG, "Ada")
    later = people.clip(person(1, tmp_path / "p", axis(1), first=2))  # the same person, over other frames
    people.say(later, CONFIRMED, "Ada")
    assert [(said.word, said.name) for said in people.gallery.verdicts()] == [(CONFIRMED, "Ada")]
    assert people.identify(clip) == [(Decision.IDENTIFIED, "Ada")]
    people.say(clip, CONFIRMED, "Ben")  # one person is one identity
    people.say(clip, UNDECIDED, "Ada")
    assert [(said.word, said.name) for said in people.gallery.verdicts()] == [(UNDECIDED, "Ada"), (CONFIRMED, "Ben")]


def test_an_answer_that_changes_because_of_another_person_says_so(people: People, tmp_path: Path) -> None:
    clip = people.clip(person(1, tmp_path / "p", axis(0, 0.05)), person(2, tmp_path / "q", axis(0, 0.2)))
    assert people.identify(clip) == [(Decision.IDENTIFIED, "Ada"), (Decision.NO_DECISION, None)]
    people.say(clip, WRONG, "Ada", number=0)
    first, second = recognition.identify(people.gallery, clip, LIMIT)
    assert (first.identity and first.identity.name, second.identity and second.identity.name) == ("Ben", "Ada")
    assert first.warnings == ()
    assert [describe(warning) for warning in second.warnings] == [
        "This answer would be another one if you had not said that person 1 is not Ada."
    ]


def test_a_claim_that_was_said_to_be_wrong_is_no_match(people: People, tmp_path: Path) -> None:
    clip = people.clip(person(1, tmp_path / "p", axis(0)))
    answer = recognition.verify(people.gallery, clip, "Ada", None, LIMIT)
    assert answer.decision is Decision.MATCH
    recorded = people.desk.record(clip, answer, "wrong")
    assert (recorded.verdict.purpose, recorded.verdict.decision) == ("verification", Decision.MATCH)
    answer = recognition.verify(people.gallery, clip, "Ada", None, LIMIT)
    assert (answer.decision, answer.score) == (Decision.NO_MATCH, pytest.approx(1.0))
    assert "You said that this is not Ada, so it is no match, whatever the score (1.00" in describe_reason(answer)
    answer = recognition.verify(people.gallery, clip, "Ben", None, LIMIT)
    assert (answer.decision, answer.best_other) == (Decision.MATCH, None)  # Ada, who is closer, is out


def test_a_bystander_who_was_said_not_to_be_the_claimed_one_is_none(people: People, tmp_path: Path) -> None:
    clip = people.clip(person(1, tmp_path / "p", axis(0, 0.2)), person(2, tmp_path / "q", axis(0, 0.05)))
    assert recognition.verify(people.gallery, clip, "Ada", 1, LIMIT).decision is Decision.NO_DECISION
    people.say(clip, WRONG, "Ada", number=1)
    answer = recognition.verify(people.gallery, clip, "Ada", 1, LIMIT)
    assert answer.decision is Decision.MATCH
    assert [describe(warning) for warning in answer.warnings] == [
        "This answer would be another one if you had not said that person 2 is not Ada."
    ]


def test_enrolling_them_remembers_that_they_are_different(people: People, tmp_path: Path) -> None:
    clip = people.clip(person(1, tmp_path / "p", axis(0)))
    people.say(clip, WRONG, "Ada")
    with pytest.raises(LooksDifferent) as refused:  # although the score is high
        recognition.enroll(people.gallery, clip, "Ada", None, (), limits, add=True)
    assert refused.value.conflict is not None
    assert describe(refused.value.conflict.notice) == (
        "Ada is enrolled already, and you said of this person that it is not Ada."
    )
    enrollment = recognition.enroll(people.gallery, clip, "Cleo", None, (), limits)
    said = [describe(warning) for warning in enrollment.warnings]
    assert any("Ada" in text and "You said that they are different people" in text for text in said)
    assert any("Ben" in text and "They may be one person, or look alike" in text for text in said)
    ada, ben, cleo = (people.gallery.find(name) for name in ("Ada", "Ben", "Cleo"))
    for first, second in ((ada, cleo), (cleo, ada)):
        assert [verdict.name for verdict in people.desk.between(first, second)] == ["Ada"]
    assert people.desk.between(ben, cleo) == people.desk.between(ada, ben) == []


def test_a_reference_of_other_frames_is_taken_for_the_probe_where_it_looks_like_it(
    people: People, tmp_path: Path
) -> None:
    people.say(people.clip(person(1, tmp_path / "p", axis(0), first=0, count=20)), WRONG, "Ada")
    [verdict] = people.gallery.verdicts()
    shifted = replace(verdict.probe, frames=verdict.probe.frames * 3 + 1)  # no frame of the reference among them
    for name, vector, expected in (("Cleo", axis(0, 0.3), True), ("Dan", axis(5), False)):
        clip = people.clip(person(1, tmp_path / name, vector, first=3, count=1))
        recognition.enroll(people.gallery, clip, name, None, (), limits)
        [reference] = people.gallery.references(people.gallery.find(name).id)
        assert constraints.enrolled_from(shifted, reference) is expected


def test_what_cannot_be_said_is_refused(people: People, tmp_path: Path) -> None:
    clip = people.clip(person(1, tmp_path / "p", axis(0)))
    [answer] = recognition.identify(people.gallery, clip, LIMIT)
    for word in ("maybe", "", None, 3, "WRONG"):
        with pytest.raises(InvalidInput, match="confirmed, wrong or undecided"):
            people.desk.record(clip, answer, word)  # type: ignore[arg-type]
    with pytest.raises(UnknownPerson):
        people.desk.record(people.clip(person(1, tmp_path / "q", axis(1), first=40)), answer, "wrong")
    with pytest.raises(UnknownIdentity):
        people.desk.record(clip, answer, "wrong", "Nobody")
    people.gallery.remove(people.gallery.find("Ada").id)
    with pytest.raises(UnknownIdentity):
        people.desk.record(clip, answer, "wrong")
    people.say(clip, WRONG, "Ben")
    with pytest.raises(InvalidInput, match="Say who they are by a name"):
        people.say(clip, CONFIRMED)
    assert [said.name for said in people.gallery.verdicts()] == ["Ben"]


def test_verdicts_are_counted_against_the_threshold_in_force(people: People, tmp_path: Path) -> None:
    for number, (lean, word) in enumerate(
        ((0.1, CONFIRMED), (0.2, WRONG), (3.0, CONFIRMED), (4.0, WRONG), (0.3, UNDECIDED), (0.4, WRONG))
    ):
        clip = people.clip(person(1, tmp_path / "p", axis(0, lean, 6), first=10 * number), digest="d")
        people.say(clip, word, "Ada")
    promised = Threshold(0.5, ThresholdSource.USER, rate=0.001)
    verdicts = people.gallery.verdicts()
    counts = count_verdicts(verdicts, MODEL_ID, "identification", promised)
    assert (counts.confirmed, counts.missed, counts.wrong, counts.told_apart, counts.undecided) == (1, 1, 2, 1, 1)
    assert (counts.total, counts.rate_kind, strangers_needed(counts)) == (6, RateKind.FMR, 2000)
    assert strangers_needed(replace(counts, rate=None)) is None
    assert strangers_needed(replace(counts, rate=0.0)) is None
    assert count_verdicts(verdicts, MODEL_ID, "verification", promised).total == 0
    assert count_verdicts(verdicts, "another", "identification", promised).total == 0


def test_templates_of_different_models_are_never_equal(people: People, tmp_path: Path) -> None:
    first, second = pool([axis(0)], "a"), pool([axis(0)], "b")
    assert not constraints.equal_templates(first, second)


def test_somebody_in_the_gap_between_two_stretches_of_another_is_not_that_person(tmp_path: Path) -> None:
    seat, ben = person(1, tmp_path, axis(0), 0, 10), person(1, tmp_path, axis(1), 30, 20)
    again = person(1, tmp_path, axis(0), 80, 10)
    tracks = (*seat.tracklet.detections, *again.tracklet.detections)
    ada = replace(seat, tracklet=Tracklet(1, tracks), samples=(*seat.samples, *again.samples))
    observed = observed_clip(tmp_path, ada, ben)
    both = [constraints.probe_record(observed, one) for one in (ada, ben)]
    assert not constraints.same_probe(*both), "they sit on the same seat, one after the other"
    seen_once = constraints.probe_record(observed, seat)
    assert constraints.same_probe(both[0], replace(seen_once, template=ben.template)), "the same boxes"
