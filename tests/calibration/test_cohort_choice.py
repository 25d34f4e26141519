"""Whether a calibration normalises scores with a cohort: cross-validated, on people of whom some look like many."""

import dataclasses
import functools

import numpy as np
import pytest

from biometric.calibration import procedure
from biometric.calibration.adaptation_choice import choose_adaptation
from biometric.calibration.collection import collect_scores
from biometric.calibration.compared_people import ComparedPeople, IdentitySummary, compare_people
from biometric.calibration.crossed_scores import CohortTerms, CrossNormalisedScores, PeopleByCamera
from biometric.domain.comparison import unit
from biometric.domain.stranger_scores import describe_by_strangers, normalised
from biometric.entities import UNADAPTED, AdaptationKind, Calibration, NoticeCode, StrangerCohort
from biometric.entities.calibration_footage import CalibrationTrack, ClipSummary
from biometric.errors import InvalidInput
from biometric.messages import describe_all
from biometric.messages.adaptation_sentences import adaptation_sentence

SIZE = 64
BOUND = 0.98
NAMES, STRANGERS = 60, 200
NOISE = 0.9
EXPIRES = "2030-01-01T00:00:00+00:00"
TERMS = CohortTerms(BOUND, EXPIRES)


@functools.cache
def views(alike: float, count: int = NAMES + STRANGERS, seed: int = 5) -> np.ndarray:
    """(2, N, D): what two cameras see of people, of whom some look like many others, in one of two opposite ways."""
    generator = np.random.default_rng(seed)
    faces, common = unit(generator.normal(size=(count, SIZE))), unit(generator.normal(size=(1, SIZE)))
    shares = alike * generator.uniform(-1, 1, size=(count, 1))
    return np.stack(
        [unit(faces + shares * common + NOISE * unit(generator.normal(size=(count, SIZE)))) for _ in range(2)]
    )


def enrolled(alike: float, count: int = NAMES) -> list[IdentitySummary]:
    return [
        IdentitySummary(views(alike)[:, number], (f"a{number}", f"b{number}"), ("door", "yard"))
        for number in range(count)
    ]


def footage(alike: float, count: int = STRANGERS) -> list[ClipSummary]:
    """A clip of each camera in which strangers are seen one after the other."""
    clips = []
    for place, camera in enumerate(("Door", "Yard")):
        seen = views(alike)[place, NAMES : NAMES + count]
        tracks = [CalibrationTrack(view, float(view @ view), {}, (view, view)) for view in seen]
        clips.append(ClipSummary(camera, "m", tuple(tracks), 60.0, camera=camera))
    return clips


@functools.cache
def compared(alike: float, strangers: int = STRANGERS) -> ComparedPeople:
    return compare_people(footage(alike, strangers), enrolled(alike), BOUND)


@functools.cache
def fitted(alike: float, days: int | None, strangers: int = STRANGERS) -> procedure.FittedCalibration:
    people = compared(alike, strangers)
    clips = tuple(footage(alike, strangers))
    comparison = procedure.Comparison(clips, people, collect_scores(people), NAMES, 2 * NAMES, BOUND)
    return procedure.fit(comparison, procedure.Targets(0.01, cohort_days=days), "m")


def test_a_certain_gain_keeps_a_cohort_of_strangers_for_a_time() -> None:
    made = fitted(1.2, 30)
    calibration, cohort = made.calibration, made.learnt
    assert isinstance(cohort, StrangerCohort)
    assert cohort.counts == {"door": STRANGERS, "yard": STRANGERS}
    assert calibration.adaptation == cohort.mark
    report = calibration.report
    assert report is not None
    assert (report.cameras, report.expires) == (2, cohort.expires)
    gain = report.gain
    assert gain is not None
    assert (gain.kind, gain.over) == (AdaptationKind.NORMALISATION, AdaptationKind.NONE)
    assert gain.low > 0
    assert gain.after < gain.before
    assert calibration.unadapted is not None
    assert calibration.unadapted.verification == fitted(1.2, None).calibration.without_adaptation().verification
    assert all(-1 <= item.value <= 1 for item in (calibration.verification, calibration.unadapted.verification))
    assert "Scores are normalised with a cohort of" in adaptation_sentence(report)
    assert "with normalisation" in adaptation_sentence(report)
    assert Calibration.from_dict(calibration.as_dict()) == calibration


def test_nobody_who_is_enrolled_is_in_the_cohort() -> None:
    cohort = fitted(1.2, 30).learnt
    assert isinstance(cohort, StrangerCohort)
    names = np.concatenate([item.vectors for item in enrolled(1.2)])
    assert (cohort.vectors @ names.T).max() < 0.999
    as_names = compare_people([], enrolled(1.2), BOUND)
    assert PeopleByCamera(as_names).gather(dataclasses.replace(TERMS, needed=1)) is None


def test_without_leave_none_is_kept_and_none_tried() -> None:
    report = fitted(1.2, None).calibration.report
    assert report is not None
    assert AdaptationKind.NORMALISATION not in {item.kind for item in report.tried}


def test_what_gains_nothing_is_not_kept_and_that_is_said() -> None:
    made = fitted(0.0, 30)
    assert not isinstance(made.learnt, StrangerCohort)
    report = made.calibration.report
    assert report is not None
    assert [item.kind for item in report.tried] == [AdaptationKind.CENTRING, AdaptationKind.NORMALISATION]
    assert report.chosen == UNADAPTED
    assert "because no gain is certain" in adaptation_sentence(report)
    assert any("has no certain gain on this footage" in text for text in describe_all(made.calibration.notes))


def test_too_few_people_of_a_camera_are_not_kept_and_that_is_said() -> None:
    made = fitted(1.2, 30, STRANGERS - 1)
    assert not isinstance(made.learnt, StrangerCohort)
    [note] = [note for note in made.calibration.notes if note.code is NoticeCode.COHORT_TOO_SMALL]
    assert (note["people"], note["needed"]) == (199, 200)


@pytest.mark.parametrize("days", [0, 366, True, "30"])
def test_a_time_that_cannot_be_kept_to_is_refused(days: object) -> None:
    with pytest.raises(InvalidInput, match="1 to 365 days"):
        procedure.Targets(0.01, cohort_days=days)  # type: ignore[arg-type]


def crossed(people: ComparedPeople) -> CrossNormalisedScores:
    seen = PeopleByCamera(people)
    cohort = seen.gather(TERMS)
    assert cohort is not None
    return CrossNormalisedScores(people, seen, TERMS, cohort)


def test_a_score_never_rests_on_strangers_of_the_groups_it_compares() -> None:
    people = compared(1.2)
    seen, scores = PeopleByCamera(people), crossed(people)
    folds = seen.folds()
    first, second = 0, 2 * 7
    others = seen.gather(TERMS, np.isin(folds, (folds[first], folds[second])), ("door", "yard"))
    assert others is not None
    assert len(others.cameras) < 2 * STRANGERS
    sides = [seen.vectors[row : row + 2] for row in (first, second)]
    described = [describe_by_strangers(others, side) for side in sides]
    expected = normalised(np.clip(sides[0] @ sides[1].T, -1, 1), described[0], described[1])
    assert scores.block(first, first + 2)[:, second : second + 2] == pytest.approx(expected, abs=1e-5)
    assert scores.block(first, first + 2, slice(second, second + 2)) == pytest.approx(expected, abs=1e-5)


def test_halves_of_a_track_are_normalised_without_its_own_group() -> None:
    people = compared(1.2)
    seen, scores = PeopleByCamera(people), crossed(people)
    row, folds = 2 * NAMES, seen.folds()
    others = seen.gather(TERMS, folds == folds[row], ("door", "yard"))
    assert others is not None
    described = describe_by_strangers(others, seen.vectors[row : row + 1])
    expected = normalised(np.ones((1, 1), np.float32), described, described)[0, 0]
    assert scores.halves(row) == pytest.approx(float(expected), abs=1e-4)


def test_the_order_of_people_is_of_no_account() -> None:
    names = enrolled(1.2)
    order = np.random.default_rng(0).permutation(len(names))
    mixed = compare_people(footage(1.2)[::-1], [names[place] for place in order], BOUND)
    one, other = crossed(compared(1.2)), crossed(mixed)
    columns = np.stack([2 * order, 2 * order + 1], axis=1).reshape(-1)
    for place, number in list(enumerate(order.tolist()))[:5]:
        expected = one.block(2 * number, 2 * number + 2)[:, columns]
        assert other.block(2 * place, 2 * place + 2)[:, : 2 * NAMES] == pytest.approx(expected, abs=1e-4)


def test_scores_of_too_few_people_with_themselves_try_nothing() -> None:
    people = compare_people(footage(1.2)[:1], enrolled(1.2)[:3], BOUND)
    few = dataclasses.replace(
        people, tracks=tuple(dataclasses.replace(item, half_vectors=None, halves=None) for item in people.tracks)
    )
    choice = choose_adaptation(few, collect_scores(few), TERMS)
    assert choice.learnt is None
