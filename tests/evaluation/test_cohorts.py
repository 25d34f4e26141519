"""People set apart to learn cameras from: who is judged, what scores become, what cannot be used."""

from pathlib import Path

import numpy as np
import pytest

from biometric.domain.camera_adaptation import LEAST_COHORT, SCORE_LIMIT, learn_camera_means
from biometric.domain.comparison import unit
from biometric.errors import DatasetInvalid, InvalidSetting
from biometric.evaluation.blocks import collect_scores
from biometric.evaluation.cohorts import Adaptation, Cohort, CohortPlan, learn_cohort
from biometric.evaluation.comparisons import DISTRACTOR, JUNK, Samples, Trial, blocks
from biometric.evaluation.datasets.dataset import Dataset, Source
from biometric.evaluation.evaluating import make_trial
from biometric.evaluation.protocols import Measured, measure

Vectors = np.ndarray


def dataset(identities: list[int], cameras: list[int]) -> Dataset:
    """Pictures that are never read, each probe and reference."""
    everything = np.arange(len(identities), dtype=np.int64)
    people = tuple(str(number) for number in range(max(identities) + 1))
    sources = tuple(Source(Path(f"{number}.jpg")) for number in everything)
    return Dataset(
        "Made",
        "all",
        sources,
        np.array(identities, np.int64),
        np.array(cameras, np.int64),
        everything,
        everything,
        people,
    )


def shifted(people: int, seed: int = 0, shift: float = 1.3) -> tuple[Dataset, Vectors]:
    """People seen twice by each of two cameras, of which each shifts all vectors alike."""
    generator = np.random.default_rng(seed)
    identities = np.repeat(np.arange(people), 4)
    cameras = np.tile([0, 0, 1, 1], people)
    looks = unit(generator.normal(size=(people, 32)))[identities]
    shifts = shift * unit(generator.normal(size=(2, 32)))[cameras]
    noise = 0.12 * generator.normal(size=(len(identities), 32))
    return dataset(identities.tolist(), cameras.tolist()), unit(looks + shifts + noise)


def learn(made: tuple[Dataset, Vectors], adaptation: str, share: float = 0.5, most: int | None = None) -> Cohort:
    return learn_cohort(made[0], made[1], CohortPlan(Adaptation(adaptation), share, most))


def measured(made: tuple[Dataset, Vectors], cohort: Cohort) -> Measured:
    return measure(cohort.restrict(make_trial(made[0], made[1], made[1])), {}, adapt=cohort.adapt)


def test_people_of_the_cohort_are_apart_from_those_judged() -> None:
    made = shifted(20)
    cohort = learn(made, "centre", 0.3)
    assert (cohort.people, len(cohort.judged), len(cohort.templates)) == (6, 14, 12)
    assert not np.isin(cohort.templates.identities, cohort.judged).any()
    trial = cohort.restrict(make_trial(made[0], made[1], made[1]))
    assert trial.people.tolist() == cohort.judged.tolist()
    assert len(trial.probes) == 14 * 4


def test_the_seed_draws_the_cohort_and_a_smaller_one_is_part_of_it() -> None:
    made = shifted(20)
    first, again = learn(made, "centre"), learn(made, "centre")
    assert first.judged.tolist() == again.judged.tolist()
    other = learn_cohort(*made, CohortPlan(Adaptation.CENTRE), seed=1)
    assert other.judged.tolist() != first.judged.tolist()
    few = learn(made, "centre", most=3)
    assert (few.people, few.judged.tolist()) == (3, first.judged.tolist())
    assert set(few.templates.identities) < set(first.templates.identities)
    assert learn(made, "centre", most=99).people == 10


def test_junk_and_distractors_teach_nothing_and_stay_in_the_trial() -> None:
    made, vectors = shifted(8)
    identities = np.append(made.identities, [JUNK, DISTRACTOR])
    mixed = dataset(identities.tolist(), [*made.cameras.tolist(), 5, 5])
    strange = np.concatenate([vectors, vectors[:2]])
    cohort = learn((mixed, strange), "centre")
    assert set(cohort.templates.cameras) == {0, 1}
    probes = cohort.restrict(make_trial(mixed, strange, strange)).probes
    assert {JUNK, DISTRACTOR} < set(probes.identities)


def test_centring_takes_the_shift_of_cameras_out() -> None:
    made = shifted(60)
    without, centred = (measured(made, learn(made, name)) for name in ("none", "centre"))
    assert centred.verification.at(1e-2).fnmr.value < 0.5 * without.verification.at(1e-2).fnmr.value
    assert centred.ranking.ranks[1].value > without.ranking.ranks[1].value
    assert without.template is not None
    assert centred.template is not None
    assert centred.template.d_prime > without.template.d_prime


def test_templates_are_pooled_before_they_are_centred() -> None:
    made = shifted(12)
    cohort = learn(made, "centre")
    trial = cohort.restrict(make_trial(made[0], made[1], made[1]))
    first = trial.probes.select((trial.probes.identities == cohort.judged[0]) & (trial.probes.cameras == 1))
    learnt = learn_camera_means(cohort.templates.vectors, cohort.templates.cameras)
    pooled = unit(first.vectors.mean(axis=0, keepdims=True))
    expected = learnt.centre(pooled, np.array([1]))
    seen: list[Trial] = []

    def keep(each: Trial) -> Trial:
        seen.append(cohort.adapt(each))
        return seen[-1]

    measure(trial, {}, adapt=keep)
    templates = seen[1].probes
    row = (templates.identities == cohort.judged[0]) & (templates.cameras == 1)
    assert templates.vectors[row] == pytest.approx(expected, abs=1e-6)


def test_normalised_scores_are_counted_ranked_and_searched() -> None:
    made = shifted(50, shift=0.3)
    cohort = learn(made, "snorm")
    assert cohort.is_applied
    trial = cohort.adapt(cohort.restrict(make_trial(made[0], made[1], made[1])))
    assert trial.score_limit == SCORE_LIMIT
    scores = np.concatenate([block.scores.ravel() for block in blocks(trial, 500)])
    assert scores.max() > 2.0
    counted = collect_scores(trial)
    assert counted.genuine.mean > 2.0 > abs(counted.impostor.mean)
    found = measured(made, cohort)
    point = found.verification.at(1e-2)
    assert point.reachable
    assert point.threshold > 1.0
    assert point.fmr.value <= 1e-2
    assert found.searches[-1].threshold > 1.0
    assert found.largest is not None
    assert found.largest.curve()[2][-1] > found.largest.unmated_best.max()
    assert found.ranking.ranks[1].value > 0.5


def test_a_small_cohort_normalises_nothing() -> None:
    made = shifted(30)
    plain = measured(made, learn(made, "none"))
    cohort = learn(made, "snorm", most=LEAST_COHORT // 2 - 1)
    assert not cohort.is_applied
    assert measured(made, cohort).verification.points == plain.verification.points


def test_centring_without_cameras_of_its_own_uses_the_mean_of_all() -> None:
    made = shifted(12)
    cohort = learn(made, "centre")
    assert cohort.means is not None
    elsewhere = Samples(made[1][:1], np.array([cohort.judged[0]]), np.array([77]))
    centred = cohort.adapt(Trial(elsewhere, elsewhere, symmetric=True)).probes.vectors
    assert centred == pytest.approx(unit(made[1][:1] - cohort.means.everywhere), abs=1e-6)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5, 1.5, float("nan"), float("inf")])
def test_a_share_outside_0_and_1_is_refused(share: float) -> None:
    with pytest.raises(InvalidSetting, match="above 0 and below 1"):
        CohortPlan(Adaptation.CENTRE, share)


def test_what_cannot_be_learnt_from_is_told() -> None:
    with pytest.raises(InvalidSetting, match="2 people or more, got 1"):
        CohortPlan(Adaptation.CENTRE, 0.5, 1)
    one_camera = dataset([0, 0, 1, 1, 2, 2, 3, 3], [0] * 8)
    with pytest.raises(DatasetInvalid, match="one camera"):
        learn((one_camera, shifted(2)[1]), "centre")
    with pytest.raises(DatasetInvalid, match="a cohort of 1 and leaves 3"):
        learn(shifted(4), "centre", 0.25)
    with pytest.raises(DatasetInvalid, match="leaves 1 to judge"):
        learn(shifted(4), "none", 0.7)
    own_cameras = dataset([0, 0, 1, 1, 2, 2, 3, 3], list(range(8)))
    with pytest.raises(DatasetInvalid, match="No camera of the people judged"):
        learn((own_cameras, shifted(2)[1]), "snorm")


def test_samples_with_and_without_cohort_scores_are_not_compared() -> None:
    made = shifted(40)
    cohort = learn(made, "snorm")
    trial = cohort.restrict(make_trial(made[0], made[1], made[1]))
    adapted = cohort.adapt(trial)
    with pytest.raises(ValueError, match="both sides or of neither"):
        Trial(trial.probes, adapted.references)
    with pytest.raises(ValueError, match="cohort scores of"):
        Samples(trial.probes.vectors[:1], np.array([0]), np.array([0]), adapted.probes.cohort)
