"""CMC, mAP and mINP against cases worked by hand and an independent slow reference."""

import itertools

import numpy as np
import pytest

from biometric.evaluation.comparisons import DISTRACTOR, JUNK, Samples, Trial, blocks
from biometric.evaluation.ranking import rank, right_ranks, single_shot
from tests.evaluation.made_samples import trial


def by_scores(scores: list[float], identities: list[int], cameras: list[int], probe: tuple[int, int] = (0, 0)) -> Trial:
    """One probe that has these scores with references: (cos, sin) against the x axis."""
    vectors = np.array([[score, np.sqrt(1 - score**2)] for score in scores], np.float32)
    references = Samples(vectors, np.array(identities), np.array(cameras))
    return Trial(Samples(np.array([[1, 0]], np.float32), np.array([probe[0]]), np.array([probe[1]])), references)


def test_a_list_by_hand() -> None:
    # order: wrong, right, wrong, right -> ranks 2 and 4
    found = rank(by_scores([0.9, 0.8, 0.7, 0.6], [1, 0, 2, 0], [1, 1, 1, 1]))
    assert found.first_ranks.tolist() == [2]
    assert found.mean_average_precision == pytest.approx((1 / 2 + 2 / 4) / 2)
    assert found.mean_inverse_negative_penalty == pytest.approx(2 / 4)
    assert found.cmc(4).tolist() == [0.0, 1.0, 1.0, 1.0]


def test_the_same_camera_proves_nothing() -> None:
    found = rank(by_scores([0.9, 0.8, 0.7], [0, 1, 0], [0, 0, 1]))
    assert found.first_ranks.tolist() == [2]  # the right one at .9 is the probe's own camera; the wrong one counts


def test_junk_is_left_out_and_distractors_are_wrong_answers() -> None:
    found = rank(by_scores([0.9, 0.8, 0.7], [JUNK, DISTRACTOR, 0], [1, 1, 1]))
    assert found.first_ranks.tolist() == [2]


def test_probes_without_a_right_reference_and_junk_probes_are_not_counted() -> None:
    assert rank(by_scores([0.9], [1], [1])).uncounted == 1
    found = rank(by_scores([0.9], [JUNK], [1], probe=(JUNK, 0)))
    assert (len(found.probes), found.uncounted) == (0, 0)
    with pytest.raises(ValueError, match="got none"):
        found.cmc()
    with pytest.raises(ValueError, match="got none"):
        _ = found.mean_average_precision
    with pytest.raises(ValueError, match="got none"):
        single_shot(by_scores([0.9], [1], [1]))


def test_ties_keep_the_order_of_the_references_and_are_counted() -> None:
    first = rank(by_scores([0.5, 0.5, 0.5], [0, 1, 2], [1, 1, 1]))
    last = rank(by_scores([0.5, 0.5, 0.5], [1, 2, 0], [1, 1, 1]))
    assert (first.first_ranks.tolist(), last.first_ranks.tolist()) == ([1], [3])
    assert (first.tied, last.tied) == (1, 1)
    assert rank(by_scores([0.5, 0.5, 0.4], [0, 0, 2], [1, 1, 1])).tied == 0


def test_no_references() -> None:
    assert rank(by_scores([0.5], [0], [1]).restrict_to(np.array([7]))).probes.size == 0


def slow(trial: Trial) -> tuple[np.ndarray, float, float]:
    """The definitions as published, one probe and one reference at a time: stable order of distances."""
    curves, precisions, penalties = [], [], []
    references = list(zip(trial.references.vectors, trial.references.identities, trial.references.cameras, strict=True))
    probes = zip(trial.probes.vectors, trial.probes.identities, trial.probes.cameras, strict=True)
    for vector, person, camera in probes:
        listed = [
            (1.0 - float(np.dot(vector, other)), index, who == person)
            for index, (other, who, where) in enumerate(references)
            if who != JUNK and not (who == person and where == camera)
        ]
        hits = [right for _, _, right in sorted(listed)]
        if not any(hits):
            continue
        curves.append([float(any(hits[: k + 1])) for k in range(10)])
        positions = [position for position, right in enumerate(hits, start=1) if right]
        precisions.append(sum(sum(hits[:position]) / position for position in positions) / len(positions))
        penalties.append(len(positions) / positions[-1])
    return np.mean(curves, axis=0), float(np.mean(precisions)), float(np.mean(penalties))


@pytest.mark.parametrize("seed", range(6))
def test_equal_to_the_definitions_of_torchreid_and_fast_reid_with_ties(seed: int) -> None:
    made = trial(seed, probes=12, references=40, junk=seed % 2 == 1)
    found = rank(made, size=100)
    curve, precision, penalty = slow(made)
    assert np.abs(found.cmc(10) - curve).max() < 1e-9
    assert found.mean_average_precision == pytest.approx(precision, abs=1e-9)
    assert found.mean_inverse_negative_penalty == pytest.approx(penalty, abs=1e-9)
    assert found.tied > 0


def test_blocks_do_not_change_the_result() -> None:
    made = trial(9, probes=30, references=50)
    whole, parts = rank(made), rank(made, size=1)
    assert whole.first_ranks.tolist() == parts.first_ranks.tolist()
    assert whole.average_precision.tolist() == parts.average_precision.tolist()
    assert [block.start for block in blocks(made, 100)] == list(range(0, 30, 2))


@pytest.mark.parametrize("seed", range(4))
def test_ranks_equal_a_stable_sort(seed: int) -> None:
    generator = np.random.default_rng(seed)
    scores = np.round(generator.random(200), 1).astype(np.float32)
    right = generator.random(200) < 0.1
    expected = np.nonzero(right[np.argsort(-scores, kind="stable")])[0] + 1
    assert right_ranks(scores, right)[0].tolist() == expected.tolist()


def test_single_shot_is_the_mean_over_every_way_to_draw_one_reference_a_person() -> None:
    scores = [0.9, 0.8, 0.8, 0.7, 0.6, 0.5, 0.4]
    people = [1, 0, 2, 0, 1, 2, 2]
    found = single_shot(by_scores(scores, people, [1] * 7), highest=3)
    choices = [[index for index, person in enumerate(people) if person == who] for who in (0, 1, 2)]
    counts, ways = np.zeros(3), 0
    for drawn in itertools.product(*choices):
        order = sorted(drawn, key=lambda index: (-scores[index], index))
        counts[order.index(drawn[0])] += 1
        ways += 1
    assert np.abs(found - np.cumsum(counts) / ways).max() < 1e-12
