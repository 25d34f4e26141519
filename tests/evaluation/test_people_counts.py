"""Who is whom: cases that are counted by hand, and the same cases through TrackEval."""

import dataclasses

import numpy as np
import pytest

from biometric.errors import TruthInvalid
from biometric.evaluation.mot.box_tracks import BoxTracks
from biometric.evaluation.mot.clip_judging import ClipJudged, judge
from biometric.evaluation.mot.people_counts import FoundPerson, TruePerson
from biometric.evaluation.mot.truth_files import Truth

Row = tuple[int, int, tuple[float, float, float, float]]


def at(frame: int, identity: int, place: float, shift: float = 0.0) -> Row:
    """A box of 10×20 pixels at a place of its own."""
    left = 100 * place + shift
    return frame, identity, (left, 50.0, left + 10, 70.0)


def judged(true: list[Row], found: list[Row], frames: int = 10, passed_over: list[Row] | None = None) -> ClipJudged:
    truth = Truth(BoxTracks.of_rows(true), BoxTracks.of_rows(passed_over or []), 1)
    return judge(truth, BoxTracks.of_rows(found), np.arange(frames))


TWO = [at(frame, identity, identity) for frame in range(10) for identity in (1, 2)]
"""Two people in ten frames."""


def test_perfect() -> None:
    result = judged(TWO, [(frame, identity + 40, box) for frame, identity, box in TWO])
    scores = dataclasses.asdict(result.scores)
    errors = ("switches", "missed", "false", "fragments")
    assert {name: value for name, value in scores.items() if name not in errors} == pytest.approx(
        {name: 1.0 for name in scores if name not in errors}
    )
    assert [scores[name] for name in errors] == [0, 0, 0, 0]
    assert result.counts.true == (TruePerson(1, 10, 10, (41,)), TruePerson(2, 10, 10, (42,)))
    assert result.counts.found == (FoundPerson(41, 10, 10, (1,)), FoundPerson(42, 10, 10, (2,)))
    counts = result.counts
    assert [*counts.missed, *counts.double_counted, *counts.joined, *counts.nobody] == []
    assert (result.labelled, len(result.found), result.passed_over) == (20, 20, 0)


def test_one_switch_counts_a_person_again() -> None:
    """Somebody is 7 in four frames and 8 in six: IDF1 = 2·6 / (10 + 10), MOTA = 1 - 1/10; of the 10 boxes, 4 agree with
    4 of the person's 10 and 6 with 6 of them, so association is (4·4/10 + 6·6/10) / 10 = 0.52 and HOTA its root."""
    result = judged(
        [at(frame, 1, 1) for frame in range(10)], [at(frame, 7 if frame < 4 else 8, 1) for frame in range(10)]
    )
    scores = result.scores
    assert (scores.idf1, scores.mota, scores.switches) == (pytest.approx(0.6), pytest.approx(0.9), 1)
    assert (scores.assa, scores.hota) == (pytest.approx(0.52), pytest.approx(0.52**0.5))
    assert result.counts.true[0].found_as == (8, 7)
    assert (result.counts.counted_again, len(result.counts.found), len(result.counts.true)) == (1, 2, 1)
    assert not result.counts.joined


def test_a_double_detection_counts_a_person_again() -> None:
    """Two boxes at once: one is the person, the other one is false, and who is made of such boxes is no new person."""
    double = [at(frame, 2, 1, shift=3) for frame in range(4)]
    result = judged([at(frame, 1, 1) for frame in range(10)], [*(at(frame, 1, 1) for frame in range(10)), *double])
    assert (result.scores.false, result.scores.mota) == (4, pytest.approx(0.6))
    assert result.counts.true == (TruePerson(1, 10, 10, (1, 2)),)
    assert (result.counts.counted_again, result.counts.nobody) == (1, ())


def test_two_people_joined() -> None:
    """One found person is 1 in five frames and 2 in the other five, a switch of nobody: each was found once only."""
    true = [at(frame, 1 if frame < 5 else 2, 1) for frame in range(10)]
    result = judged(true, [at(frame, 9, 1) for frame in range(10)])
    assert result.scores.idf1 == pytest.approx(0.5)
    assert result.scores.switches == 0
    assert result.counts.joined == (FoundPerson(9, 10, 10, (1, 2)),)
    assert [person.identity for person in result.counts.missed] == [2]


@pytest.mark.parametrize(("strange", "joined"), [(1, False), (2, True), (0, False)])
def test_one_box_of_another_person_is_an_overlap_and_two_are_a_joining(strange: int, joined: bool) -> None:
    true = [at(frame, 2 if frame < strange else 1, 1) for frame in range(10)]
    assert bool(judged(true, [at(frame, 9, 1) for frame in range(10)]).counts.joined) is joined


def test_two_boxes_of_many_are_no_joining() -> None:
    true = [at(frame, 2 if frame < 2 else 1, 1) for frame in range(30)]
    assert not judged(true, [at(frame, 9, 1) for frame in range(30)], 30).counts.joined


def test_people_found_are_true_ones_less_missed_plus_again_and_nobody() -> None:
    true = [*TWO, *(at(frame, 3, 3) for frame in range(10))]
    found = [at(frame, 10 + frame // 4, 1) for frame in range(10)] + [at(frame, 20, 2) for frame in range(10)]
    found += [at(frame, 30, 7) for frame in range(3)]
    counts = judged(true, found).counts
    assert len(counts.found) == 5
    assert len(counts.found) == len(counts.true) - len(counts.missed) + counts.counted_again + len(counts.nobody)
    assert (len(counts.missed), counts.counted_again, len(counts.nobody)) == (1, 2, 1)


def test_nobody_found_at_all() -> None:
    result = judged(TWO, [])
    scores = result.scores
    assert (scores.idf1, scores.hota, scores.mota, scores.recall, scores.missed) == (0, 0, 0, 0, 20)
    assert [person.identity for person in result.counts.missed] == [1, 2]


def test_errors_can_be_more_than_labels() -> None:
    crowd = [at(frame, identity, 5 + identity) for frame in range(10) for identity in range(4)]
    assert judged(TWO, crowd).scores.mota == pytest.approx(-2.0)


def test_only_frames_that_were_analysed_count() -> None:
    truth = Truth(BoxTracks.of_rows(TWO), BoxTracks.of_rows([]), 1)
    found = BoxTracks.of_rows(row for row in TWO if row[0] in (0, 3, 6, 9))
    result = judge(truth, found, np.array([0, 3, 6, 9]))
    assert (result.scores.mota, result.labelled, len(result.frames)) == (1.0, 8, 4)
    everything = BoxTracks.of_rows([*TWO, *(at(frame, 5, 5) for frame in range(20, 30))])
    assert judge(truth, everything, np.arange(10)).scores.false == 0


def test_labels_that_do_not_count_are_neither_for_nor_against() -> None:
    small = [at(frame, 3, 3) for frame in range(10)]
    found = [*TWO, *small, at(0, 9, 8)]
    result = judged(TWO, found, passed_over=small)
    assert (result.scores.false, result.passed_over, result.scores.idf1) == (1, 10, pytest.approx(40 / 41))
    assert [person.identity for person in result.counts.nobody] == [9]
    assert judged(TWO, TWO, passed_over=small).scores.mota == 1.0
    beside = [at(frame, 3, 2, shift=2) for frame in range(10)]
    assert judged(TWO, TWO, passed_over=beside).scores.recall == 1.0, "the nearer label is the person's own"


def test_frames_without_labels_say_what_to_do() -> None:
    truth = Truth(BoxTracks.of_rows(TWO), BoxTracks.of_rows([]), 1)
    with pytest.raises(TruthInvalid, match="--from and --to"):
        judge(truth, BoxTracks.of_rows([]), np.array([30, 31]))


def test_numbers_of_identities_mean_nothing() -> None:
    rng = np.random.default_rng(0)
    true = [at(frame, identity, identity, rng.uniform(-2, 2)) for frame in range(20) for identity in range(4)]
    found = [at(frame, (identity + frame // 7) % 4, identity, rng.uniform(-2, 2)) for frame, identity, _ in true]
    names = {0: 900, 1: 3, 2: 17, 3: 0}
    renamed = [(frame, names[identity], box) for frame, identity, box in found]
    rng.shuffle(renamed)  # type: ignore[arg-type]
    first, second = judged(true, found, 20), judged(true, renamed, 20)
    assert dataclasses.asdict(first.scores) == pytest.approx(dataclasses.asdict(second.scores))
    assert sorted(len(person.shows) for person in first.counts.found) == sorted(
        len(person.shows) for person in second.counts.found
    )


def test_two_boxes_of_one_identity_in_a_frame_are_refused() -> None:
    with pytest.raises(ValueError, match="at most one box"):
        BoxTracks.of_rows([at(0, 1, 1), at(0, 1, 2)])
    with pytest.raises(ValueError, match=r"\(N, 4\) boxes"):
        BoxTracks(np.zeros(2, np.int64), np.zeros(2, np.int64), np.zeros((1, 4)))
