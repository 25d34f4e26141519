import itertools
import random

import numpy as np
import pytest

from biometric.domain.linking import link
from biometric.entities import Detection, DetectionList, LinkKind, LinkScores, Observation, Template, Tracklet

RULES = LinkScores(same=0.6, perhaps=0.4)


def track(first, last, template, *, x=0.0, speed=0.0):
    """A track at 10 frames/s with a box of 50×100 pixels, that begins at `x` and moves `speed` pixels a frame."""
    boxes = [(x + speed * step, 0.0, x + speed * step + 50.0, 100.0) for step in range(last - first + 1)]
    detections = DetectionList(
        Detection(frame_index=first + step, box=box, confidence=0.9, seconds=(first + step) / 10)
        for step, box in enumerate(boxes)
    )
    vector = None if template is None else Template(np.array(template, np.float32), "fake", 1)
    return Observation(1, Tracklet(1, detections), (), vector)


def at_score(score):
    """A template that has this comparison score with (1, 0, 0)."""
    return (score, (1 - score**2) ** 0.5, 0.0)


ADA = (1.0, 0.0, 0.0)
BEN = (0.0, 1.0, 0.0)


def test_somebody_who_comes_back_is_one_person_with_the_score_that_says_so():
    links = link([track(0, 9, ADA), track(10, 19, BEN, x=500), track(60, 69, at_score(0.9))], RULES)
    assert links.people == ((0, 2), (1,))
    assert links.scores == (pytest.approx(0.9), None, pytest.approx(0.9))
    assert links.kinds == (LinkKind.SCORE, None, LinkKind.SCORE)
    assert links.perhaps == ()


def test_two_who_are_seen_at_once_are_never_one_person_even_through_a_third_track():
    twins = [track(0, 9, ADA), track(5, 14, ADA, x=500), track(60, 69, ADA)]
    links = link(twins, RULES)
    assert not any({0, 1} <= set(person) for person in links.people)


def test_where_two_people_in_view_look_alike_likeness_says_less():
    tracks = [track(0, 9, ADA), track(0, 9, at_score(0.8), x=500), track(60, 69, at_score(0.75))]
    assert link(tracks, RULES).people == ((0,), (1, 2)), "the scores of 0 with 2 are below what strangers here reach"
    alone = [tracks[0], tracks[2]]
    assert link(alone, RULES).people == ((0, 1),)


def test_boxes_that_cover_each_other_are_one_person_detected_twice():
    assert link([track(0, 9, ADA), track(2, 9, at_score(0.8), x=5)], RULES).people == ((0, 1),)
    assert link([track(0, 9, ADA), track(2, 9, None, x=5)], RULES).people == ((0, 1),)


def test_somebody_who_stands_behind_another_is_no_double_detection():
    assert link([track(0, 9, ADA), track(2, 9, BEN, x=5)], RULES).people == ((0,), (1,))


def test_an_uncertain_link_stays_two_people_and_is_told():
    links = link([track(0, 9, ADA), track(60, 69, at_score(0.5), x=500)], RULES)
    assert links.people == ((0,), (1,))
    assert links.perhaps == ((0, 1, pytest.approx(0.5)),)


def test_motion_over_a_short_gap_decides_an_uncertain_link():
    walking = track(0, 9, ADA, speed=10)
    arrives, elsewhere = (track(15, 24, at_score(0.5), x=x) for x in (150, 700))
    assert link([walking, arrives], RULES).people == ((0, 1),)
    assert link([walking, elsewhere], RULES).people == ((0,), (1,))
    late = track(9 + 21, 40, at_score(0.5), x=300)
    assert link([walking, late], RULES).people == ((0,), (1,)), "a way is not predicted over more than two seconds"
    assert link([walking, track(15, 24, at_score(0.3), x=150)], RULES).people == ((0,), (1,))


def test_a_track_without_a_template_stays_alone():
    assert link([track(0, 9, ADA), track(11, 20, None, x=300)], RULES).people == ((0,), (1,))
    assert link([track(0, 9, None)], RULES).people == ((0,),)
    assert link([], RULES).people == ()


def test_where_a_template_is_missing_somebody_goes_on_who_is_alone_there():
    before, after = track(0, 9, None, speed=10), track(13, 22, ADA, x=130, speed=10)
    links = link([before, after], RULES)
    assert links.people == ((0, 1),)
    assert (links.kinds, links.scores) == ((LinkKind.MOTION,) * 2, (None, None))
    beside = track(13, 22, BEN, x=140, speed=10)
    assert link([before, after, beside], RULES).people == ((0,), (1,), (2,)), "either may be the one who goes on"
    late = track(20, 29, ADA, x=200, speed=10)
    assert link([before, late], RULES).people == ((0,), (1,)), "more than a second"


def test_somebody_goes_on_as_one_person_only():
    less, more = track(12, 20, at_score(0.5), x=100), track(12, 20, (0.55, -0.8352, 0.0), x=140)
    walking = track(0, 9, ADA, speed=10)
    assert link([walking, less], RULES).people == ((0, 1),)
    assert link([walking, less, more], RULES).people == ((0, 2), (1,)), "the one who looks more alike"


def test_motion_joins_a_track_that_looks_unlike_the_persons_earlier_ones():
    first, again = track(0, 9, ADA), track(100, 109, at_score(0.8), x=300)
    goes_on = track(112, 120, (0.45, 0.4, 0.7984), x=300)
    assert link([first, again, goes_on], RULES).people == ((0, 1, 2),)
    assert link([first, goes_on], RULES).people == ((0,), (1,))


def test_the_order_of_tracks_does_not_matter():
    rng = np.random.default_rng(3)
    base = rng.normal(size=(6, 16))
    rows = [centre + 0.3 * rng.normal(size=16) for centre in base for _ in range(3)]
    tracks = [track(20 * k, 20 * k + 9, row / np.linalg.norm(row), x=100 * k) for k, row in enumerate(rows)]
    expected = {frozenset(person) for person in link(tracks, RULES).people}
    order = list(range(len(tracks)))
    for seed in range(5):
        random.Random(seed).shuffle(order)
        shuffled = link([tracks[index] for index in order], RULES).people
        assert {frozenset(order[index] for index in person) for person in shuffled} == expected


def test_every_track_belongs_to_one_person():
    tracks = [track(5 * k, 5 * k + 9, at_score(0.3 + 0.06 * k), x=70 * k) for k in range(10)]
    people = link(tracks, RULES).people
    assert sorted(itertools.chain(*people)) == list(range(10))


@pytest.mark.parametrize("rules", [{"same": 0.4, "perhaps": 0.6}, {"same": 1.1}])
def test_rules_that_say_nothing_are_refused(rules):
    with pytest.raises(ValueError, match="expected"):
        LinkScores(**{"same": 0.6, "perhaps": 0.4, **rules})
