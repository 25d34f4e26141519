"""Scores normalised with a cohort: counted by hand, and properties that hold for all."""

import dataclasses

import numpy as np
import pytest

from biometric.domain.camera_adaptation import normalise_scores, score_against_cohort
from biometric.domain.comparison import unit
from biometric.domain.stranger_scores import (
    PEOPLE_KEPT,
    PEOPLE_NEEDED,
    SPREAD,
    describe_by_strangers,
    gather_strangers,
    most_seen,
    normalised,
)
from biometric.entities import StrangerCohort
from biometric.entities.cohort import LEAST_COHORT, check_cohort_days
from biometric.errors import InvalidInput

EXPIRES = "2026-12-01T00:00:00+00:00"


def vectors(count: int, seed: int = 0, size: int = 16) -> np.ndarray:
    return unit(np.random.default_rng(seed).normal(size=(count, size)))


def cohort(count: int = 30, seed: int = 1, same_person: float = 1.0, camera: str = "door") -> StrangerCohort:
    return StrangerCohort((camera,) * count, vectors(count, seed), same_person, EXPIRES)


def plane(*cosines: float) -> np.ndarray:
    """Unit vectors in a plane that have these cosines with (1, 0)."""
    return np.array([[cosine, np.sqrt(1 - cosine**2)] for cosine in cosines], np.float32)


def test_a_score_is_counted_by_hand() -> None:
    held = StrangerCohort(("",) * 20, plane(*[0.2] * 10, *[0.4] * 10), 1.0, EXPIRES)
    probe = plane(1.0)
    described = describe_by_strangers(held, probe)
    assert described.means == pytest.approx([0.3])
    assert described.deviations == pytest.approx([0.1])
    score = normalised(np.array([[0.8]], np.float32), described, described)
    assert score[0, 0] == pytest.approx(np.tanh(((0.8 - 0.3) / 0.1) / SPREAD), abs=1e-5)
    none = normalised(np.array([[0.3]], np.float32), described, described)
    assert none[0, 0] == pytest.approx(0.0, abs=1e-5)


def test_a_template_that_may_show_the_probe_does_not_count() -> None:
    strangers, same = plane(*[0.2] * 10, *[0.4] * 10), plane(0.9, 0.95)
    held = StrangerCohort(("",) * 22, np.concatenate([same, strangers]), 0.9, EXPIRES)
    described = describe_by_strangers(held, plane(1.0))
    assert (described.means[0], described.deviations[0]) == (pytest.approx(0.3), pytest.approx(0.1))
    with_them = describe_by_strangers(dataclasses.replace(held, same_person=1.0), plane(1.0))
    assert with_them.means[0] == pytest.approx((20 * 0.3 + 0.9 + 0.95) / 22, abs=1e-6)


def test_where_too_few_strangers_remain_all_count() -> None:
    held = StrangerCohort(("",) * 20, plane(*[0.2] * 19, 0.95), 0.9, EXPIRES)
    assert describe_by_strangers(held, plane(1.0)).means[0] == pytest.approx((19 * 0.2 + 0.95) / 20, abs=1e-6)


def test_rows_are_each_judged_by_their_own_strangers() -> None:
    held = cohort(40, same_person=0.3)
    rows = vectors(5, 7)
    together = describe_by_strangers(held, rows)
    for number in range(5):
        alone = describe_by_strangers(held, rows[number : number + 1])
        kept = np.sort((rows[number] @ held.vectors.T)[rows[number] @ held.vectors.T < 0.3])
        assert alone.means[0] == pytest.approx(together.means[number]) == pytest.approx(kept.mean(), abs=1e-5)
        assert alone.deviations[0] == pytest.approx(kept.std(), abs=1e-5)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("size", [LEAST_COHORT, 60])
def test_it_is_the_one_definition_on_the_scale_of_cosines(seed: int, size: int) -> None:
    held, probes, references = cohort(size, seed), vectors(4, seed + 1), vectors(6, seed + 2)
    scores = np.clip(probes @ references.T, -1, 1)
    sides = [describe_by_strangers(held, side) for side in (probes, references)]
    plain = [score_against_cohort(side, held.vectors) for side in (probes, references)]
    assert plain[0] is not None
    assert plain[1] is not None
    exact, bounded = normalise_scores(scores, plain[0], plain[1]), normalised(scores, sides[0], sides[1])
    assert (np.abs(bounded) <= 1).all()
    assert bounded == pytest.approx(np.tanh(exact / SPREAD), abs=1e-5)
    order = np.argsort(exact.ravel())
    assert (np.diff(bounded.ravel()[order]) >= 0).all(), "the order of scores stays"


@pytest.mark.parametrize("seed", range(10))
def test_the_order_of_the_cohort_and_of_both_sides_is_of_no_account(seed: int) -> None:
    held, probes, references = cohort(30, seed), vectors(3, seed + 1), vectors(4, seed + 2)
    order = np.random.default_rng(seed).permutation(30)
    mixed = StrangerCohort(held.cameras, held.vectors[order], held.same_person, EXPIRES)
    scores = np.clip(probes @ references.T, -1, 1)
    one, other = (
        normalised(scores, describe_by_strangers(item, probes), describe_by_strangers(item, references))
        for item in (held, mixed)
    )
    assert other == pytest.approx(one, abs=1e-5)
    swapped = normalised(scores.T, describe_by_strangers(held, references), describe_by_strangers(held, probes))
    assert pytest.approx(one, abs=1e-6) == swapped.T, "symmetric"


@pytest.mark.parametrize(("factor", "shift"), [(1.5, 0.0), (0.5, 0.0), (1.0, 0.2), (0.7, -0.1)])
@pytest.mark.parametrize("seed", range(5))
def test_stretching_and_shifting_all_cosines_changes_nothing(seed: int, factor: float, shift: float) -> None:
    """A camera that makes all cosines higher or more alike makes no other normalised scores."""
    generator = np.random.default_rng(seed)
    theirs = generator.uniform(-0.5, 0.5, (2, 200))
    score = generator.uniform(-0.5, 0.9)

    def of(cosines: np.ndarray, value: float) -> float:
        sides = []
        for side in cosines:
            held = StrangerCohort(("",) * len(side), plane(*side), 1.0, EXPIRES)
            sides.append(describe_by_strangers(held, plane(1.0)))
        return float(normalised(np.array([[value]], np.float32), sides[0], sides[1])[0, 0])

    assert of(theirs * factor + shift, score * factor + shift) == pytest.approx(of(theirs, score), abs=2e-3)


def test_only_cameras_that_saw_enough_people_are_kept() -> None:
    seen = vectors(25, 3)
    cameras = ["door"] * 21 + ["yard"] * 4
    held = gather_strangers(seen, cameras, list(range(25)), 0.9, EXPIRES, needed=21)
    assert held is not None
    assert held.counts == {"door": 21}
    assert held.knows("DOOR")
    assert not held.knows("yard")
    assert not held.knows("")
    assert gather_strangers(seen, cameras, list(range(25)), 0.9, EXPIRES, needed=22) is None
    assert gather_strangers(seen[:0], [], [], 0.9, EXPIRES, needed=1) is None
    assert PEOPLE_NEEDED == 200
    assert most_seen(cameras, list(range(25))) == 21
    assert most_seen(["door"] * 3, [1, 1, 2]) == 2
    assert most_seen([], []) == 0


def test_a_person_counts_once_with_each_camera_and_the_order_is_of_no_account() -> None:
    seen = vectors(44, 4)
    cameras = ["door", "yard"] * 22
    people = [number // 4 for number in range(44)]  # eleven people, twice by each camera
    assert gather_strangers(seen, cameras, people, 0.9, EXPIRES, needed=12) is None
    held = gather_strangers(seen, cameras, people, 0.9, EXPIRES, needed=11)
    assert held is not None
    assert held.counts == {"door": 11, "yard": 11}
    order = np.random.default_rng(0).permutation(44)
    mixed = gather_strangers(
        seen[order], [cameras[row] for row in order], [people[row] for row in order], 0.9, EXPIRES, needed=11
    )
    assert mixed is not None
    assert mixed.cameras == held.cameras
    assert np.sort(mixed.vectors, axis=0) == pytest.approx(np.sort(held.vectors, axis=0), abs=1e-6)


def test_most_people_of_a_camera_are_enough() -> None:
    seen = vectors(PEOPLE_KEPT + 5, 5, size=4)
    held = gather_strangers(seen, ["door"] * len(seen), list(range(len(seen))), 1.0, EXPIRES)
    assert held is not None
    assert len(held.cameras) == PEOPLE_KEPT


def test_marks_differ_by_templates_and_by_what_counts_but_not_by_the_time_they_are_kept() -> None:
    held = cohort()
    assert held.mark.kind.value == "normalisation"
    assert dataclasses.replace(held, expires="2027-01-01T00:00:00+00:00").id == held.id
    assert len({held.id, cohort(seed=2).id, cohort(same_person=0.9).id, cohort(camera="yard").id}) == 4


@pytest.mark.parametrize(
    "changes",
    [
        {"cameras": ("door",)},
        {"cameras": ("door",) * 19, "vectors": vectors(19)},
        {"cameras": ("door",) * 29},
        {"vectors": np.zeros((30, 16), np.float32)},
        {"vectors": np.full((30, 16), np.nan, np.float32)},
        {"vectors": np.ones(30, np.float32)},
        {"same_person": -1.0},
        {"same_person": 1.5},
        {"same_person": float("nan")},
        {"expires": "tomorrow"},
        {"expires": "2026-12-01T00:00:00"},
    ],
)
def test_a_cohort_checks_itself(changes: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"expected|Invalid isoformat"):
        dataclasses.replace(cohort(), **changes)


@pytest.mark.parametrize("days", [0, -1, 366, 1.5, True, "30", None, float("nan")])
def test_a_time_that_a_cohort_cannot_be_kept_for_is_refused(days: object) -> None:
    with pytest.raises(InvalidInput, match="kept for 1 to 365 days, got"):
        check_cohort_days(days)
    assert (check_cohort_days(1), check_cohort_days(365)) == (1, 365)
