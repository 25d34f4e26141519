"""Which adaptation to cameras a calibration chooses: cross-validated, on made people with a known shift a camera."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from biometric.calibration import procedure
from biometric.calibration.adaptation_choice import choose_adaptation, measure_gain
from biometric.calibration.collection import REPEATED, Collected, collect_scores
from biometric.calibration.compared_people import ComparedPeople, IdentitySummary, compare_people
from biometric.calibration.crossed_scores import CrossCentredScores, PeopleByCamera
from biometric.domain.camera_means import centre_by_camera, learn_cameras
from biometric.domain.comparison import unit
from biometric.entities import UNADAPTED, AdaptationKind, Calibration
from biometric.entities.adaptation import LEAST_SEEN
from biometric.entities.calibration_footage import CalibrationTrack, ClipSummary
from biometric.messages.adaptation_sentences import adaptation_sentence

SIZE = 32
BOUND = 0.9


def made_people(count: int, shift: float, noise: float = 0.55, seed: int = 3) -> list[IdentitySummary]:
    """People seen once by each of two cameras, which shift all templates by so much."""
    generator = np.random.default_rng(seed)
    faces = unit(generator.normal(size=(count, SIZE)))
    shifts = shift * unit(generator.normal(size=(2, SIZE)))
    views = [unit(faces + noise * unit(generator.normal(size=(count, SIZE))) + shifts[camera]) for camera in range(2)]
    return [
        IdentitySummary(np.stack([view[number] for view in views]), (f"a{number}", f"b{number}"), ("door", "yard"))
        for number in range(count)
    ]


def compared(names: list[IdentitySummary]) -> ComparedPeople:
    return compare_people([], names, BOUND)


def calibrate(names: list[IdentitySummary]) -> procedure.FittedCalibration:
    people = compared(names)
    comparison = procedure.Comparison((), people, collect_scores(people), len(names), 2 * len(names), BOUND)
    return procedure.fit(comparison, procedure.Targets(0.01), "m")


def test_a_shift_of_each_camera_is_taken_out_and_thresholds_are_for_the_scores_thus_made() -> None:
    fitted = calibrate(made_people(60, shift=1.2))
    calibration, learnt = fitted.calibration, fitted.learnt
    assert learnt is not None
    assert (learnt.cameras, learnt.counts.tolist()) == (("door", "yard"), [60, 60])
    assert calibration.adaptation == learnt.mark
    gain = calibration.report.gain  # type: ignore[union-attr]
    assert gain is not None
    assert gain.low > 0
    assert gain.after < gain.before
    assert (gain.people, gain.comparisons, gain.other_visits) == (60, 120, True)
    plain = calibration.unadapted
    assert plain is not None
    assert calibration.verification.value < plain.verification.value, "strangers have no shift in common any more"
    text = adaptation_sentence(calibration.report)
    assert text.startswith("Scores are centred by camera, as learnt from 60 people and 2 cameras: FNMR at a false")
    assert Calibration.from_dict(calibration.as_dict()) == calibration


def test_without_a_certain_gain_scores_stay_as_they_are() -> None:
    names = made_people(60, shift=0.0)
    fitted = calibrate(names)
    report = fitted.calibration.report
    assert (fitted.learnt, fitted.calibration.adaptation, fitted.calibration.unadapted) == (None, UNADAPTED, None)
    assert report is not None
    assert [item.kind for item in report.tried] == [AdaptationKind.CENTRING]
    assert report.tried[0].low <= 0
    assert "not adapted to cameras, because the gain of centring by camera is not certain" in adaptation_sentence(
        report
    )


def test_too_few_people_try_nothing() -> None:
    people = compared(made_people(9, 1.2))
    choice = choose_adaptation(people, collect_scores(people))
    assert (choice.learnt, choice.report.tried) == (None, ())
    assert "too few people" in adaptation_sentence(choice.report)


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_people_is_of_no_account(seed: int) -> None:
    names = made_people(40, 1.2)
    order = np.random.default_rng(seed).permutation(len(names))
    people, mixed = compared(names), compared([names[position] for position in order])
    first, second = (CrossCentredScores(item, PeopleByCamera(item)) for item in (people, mixed))
    for position, number in enumerate(order.tolist()):
        places = np.stack([2 * order, 2 * order + 1], axis=1).reshape(-1)
        expected = first.block(2 * number, 2 * number + 2)[:, places]
        assert second.block(2 * position, 2 * position + 2) == pytest.approx(expected, abs=1e-6)
    one, other = (PeopleByCamera(item).learn() for item in (people, mixed))
    assert one is not None
    assert other is not None
    assert other.means == pytest.approx(one.means, abs=1e-7)


def test_a_score_never_rests_on_the_people_it_compares() -> None:
    """With one of them changed, all others' means must stay: so the scores of the rest with each other do."""
    names = made_people(20, 1.2)
    people = compared(names)
    seen = PeopleByCamera(people)
    folds = seen.folds()
    crossed = CrossCentredScores(people, seen)
    first, second = 0, 7
    without = np.isin(folds, (folds[2 * first], folds[2 * second]))
    learnt = seen.learn(without)
    assert learnt is not None
    one = centre_by_camera(learnt, names[first].vectors, ["door", "yard"])
    other = centre_by_camera(learnt, names[second].vectors, ["door", "yard"])
    assert crossed.block(0, 2)[:, 14:16] == pytest.approx(one @ other.T, abs=1e-6)
    assert not without.all()


def test_scores_of_the_people_learnt_from_would_be_too_low() -> None:
    people = compared(made_people(20, 0.0))
    seen = PeopleByCamera(people)
    learnt = seen.learn()
    assert learnt is not None
    centred = centre_by_camera(learnt, seen.vectors, seen.cameras)
    strangers = ~np.eye(20, dtype=bool).repeat(2, 0).repeat(2, 1)
    crossed = np.concatenate([CrossCentredScores(people, seen).block(row, row + 1) for row in range(40)])
    assert (centred @ centred.T)[strangers].mean() < crossed[strangers].mean() - 0.02


def test_tracks_are_people_too_and_their_halves_are_centred() -> None:
    views = [summary.vectors for summary in made_people(30, 1.2)]
    tracks = [CalibrationTrack(view[0], float(view[0] @ view[1]), {}, (view[0], view[1])) for view in views]
    clip = ClipSummary("c", "m", tuple(tracks), 10.0, camera="Door")
    people = compare_people([clip], [], BOUND)
    assert set(people.cameras) == {"door"}
    crossed = CrossCentredScores(people, PeopleByCamera(people))
    halves = [crossed.halves(row) for row in range(30)]
    assert all(half is not None and half != track.halves for half, track in zip(halves, tracks, strict=True))


def test_the_gain_is_counted_by_hand() -> None:
    pairs = {(a, b): 0.1 for a in range(20) for b in range(a + 1, 20)}
    pairs[0, 1] = pairs[0, 2] = 0.5
    own = [(number, 0.4 if number < 5 else 0.9) for number in range(20)]
    before = Collected(pairs, genuine={REPEATED: own})
    after = dataclasses.replace(before, genuine={REPEATED: [(number, 0.9) for number in range(20)]})
    gain = measure_gain(AdaptationKind.CENTRING, before, after)
    assert gain is not None
    assert gain.fmr == pytest.approx(3 / 190)
    assert (gain.before, gain.after) == (0.0, 0.0), "two of 190 strangers may reach the threshold, so it is 0.1"
    pairs[0, 3] = pairs[0, 4] = 0.5
    gain = measure_gain(AdaptationKind.CENTRING, before, after)
    assert gain is not None
    assert (gain.before, gain.after) == (0.25, 0.0)
    assert -1 <= gain.low <= 0.25 <= gain.high


def test_learning_counts_a_person_once_with_each_camera() -> None:
    generator = np.random.default_rng(0)
    vectors = unit(generator.normal(size=(LEAST_SEEN + 1, 4)))
    people = [*range(LEAST_SEEN), 0]
    learnt = learn_cameras(vectors, ["door"] * len(people), people)
    assert learnt is not None
    pooled = unit((vectors[:1] + vectors[-1:]) / 2)
    total = (pooled[0] + vectors[1:LEAST_SEEN].sum(axis=0)) / (LEAST_SEEN + 20)
    assert learnt.means[0] == pytest.approx(total, abs=1e-6)
    assert learnt.everywhere == pytest.approx(total, abs=1e-6)
    assert learnt.counts.tolist() == [LEAST_SEEN]


def test_a_camera_of_few_people_has_no_mean_of_its_own_and_few_people_none_at_all() -> None:
    vectors = unit(np.random.default_rng(1).normal(size=(9, 4)))
    learnt = learn_cameras(vectors, ["door"] * 4 + [""] * 5, list(range(9)))
    assert learnt is not None
    assert learnt.cameras == (), "four people by the door, and nobody knows which camera the others are from"
    assert not learnt.knows("door")
    by_all = centre_by_camera(learnt, vectors[:2], ["door", ""])
    assert by_all == pytest.approx(unit(vectors[:2] - learnt.everywhere), abs=1e-6)
    assert learn_cameras(vectors[:4], ["door"] * 4, list(range(4))) is None


def test_a_clip_says_its_camera(tmp_path: Path) -> None:
    from biometric.calibration.compared_people import summarize_clip
    from tests.builders import axis, observed_clip, person

    observed = dataclasses.replace(observed_clip(tmp_path, person(1, tmp_path, axis(0), count=6)), camera="Yard")
    summary = summarize_clip(observed)
    assert summary.camera == "Yard"
    [track] = summary.tracks
    assert track.half_vectors is not None
    assert track.halves == pytest.approx(float(track.half_vectors[0] @ track.half_vectors[1]))
