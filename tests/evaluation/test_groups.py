"""FMR and FNMR by group."""

import numpy as np
import pytest

from biometric.evaluation.comparisons import Samples, Trial
from biometric.evaluation.groups import audit
from tests.evaluation.made_samples import one_hot, symmetric


def test_two_groups_by_hand() -> None:
    # a: 0 and 1 look the same (all impostors match); b: 2 looks different to its second camera
    side = Samples(one_hot(0, 0, 0, 0, 2, 3, 4, 4), np.repeat([0, 1, 2, 3], 2), np.tile([0, 1], 4))
    found = audit(Trial(side, side, symmetric=True), "coat", {0: "a", 1: "a", 2: "b", 3: "b"}, 0.5)
    a, b = found.rates
    assert (a.group, a.people, b.group, b.people) == ("a", 2, "b", 2)
    assert a.fmr is not None
    assert b.fmr is not None
    assert a.fnmr is not None
    assert b.fnmr is not None
    assert (a.fmr.value, b.fmr.value, a.fnmr.value, b.fnmr.value) == (1.0, 0.0, 0.0, 0.5)
    assert (a.fmr.trials, a.fnmr.trials) == (4, 2)
    assert [(each.metric, each.group, each.against, each.ratio) for each in found.ratios] == [
        ("FMR", "a", "b", None),
        ("FNMR", "b", "a", None),
    ]


def test_ratios_have_intervals_and_the_higher_rate_comes_first() -> None:
    found = audit(symmetric(1, 80), "coat", {0: "a", 1: "a", 2: "a", 3: "b", 4: "b", 5: "b"}, 0.2)
    for each in found.ratios:
        assert each.ratio is not None
        assert each.interval is not None
        assert each.ratio >= 1.0
        assert each.interval.low <= each.ratio <= each.interval.high


def test_people_without_label_or_data_take_no_part() -> None:
    found = audit(symmetric(1), "coat", {0: "a", 1: "a", 99: "z"}, 0.2)
    assert [each.group for each in found.rates] == ["a"]
    assert found.ratios == ()
    with pytest.raises(ValueError, match="label"):
        audit(symmetric(1), "coat", {99: "z"}, 0.2)


def test_a_group_of_one_has_no_impostors() -> None:
    (only,) = audit(symmetric(1), "coat", {0: "a"}, 0.2).rates
    assert only.fmr is None
    assert only.fnmr is not None


def test_a_ratio_to_a_rate_that_may_be_zero_has_no_upper_end_and_too_few_data() -> None:
    # 40 people a group, each seen by two cameras: 10 of a, and 1 of b, look different to the second.
    people = 80
    different = {*range(10), 40}
    axes = [axis for person in range(people) for axis in (person, person + (people if person in different else 0))]
    side = Samples(np.eye(2 * people, dtype=np.float32)[axes], np.repeat(np.arange(people), 2), np.tile([0, 1], people))
    labels = {person: "a" if person < 40 else "b" for person in range(people)}
    found = audit(Trial(side, side, symmetric=True), "coat", labels, 0.5)
    (ratio,) = [each for each in found.ratios if each.metric == "FNMR"]
    assert ratio.ratio == pytest.approx(10.0)
    assert ratio.interval is not None
    assert 1.0 < ratio.interval.low < 10.0
    assert ratio.interval.high == np.inf
    assert ratio.support == "too few data"
