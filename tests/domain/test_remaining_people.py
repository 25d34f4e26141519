"""Who is seen in a redacted frame: a hidden person may still be detected, anybody else may not."""

from biometric.domain.remaining_people import remaining_people
from biometric.entities import Detection
from biometric.entities.redaction import HiddenRegion

REGION = HiddenRegion(100, 100, 150, 250, 130.0)


def person(*box: float) -> Detection:
    return Detection(0, (box[0], box[1], box[2], box[3]), 0.8)


def test_a_person_inside_a_hidden_region_is_the_hidden_one() -> None:
    assert remaining_people([person(105, 105, 145, 245), person(98, 95, 152, 255)], [REGION], []) == []


def test_a_person_outside_and_one_who_reaches_out_are_seen() -> None:
    outside, half = person(300, 100, 350, 250), person(130, 100, 180, 250)
    assert remaining_people([outside, half], [REGION], []) == [outside, half]
    assert remaining_people([outside], [], []) == [outside]


def test_a_person_who_is_shown_may_be_seen() -> None:
    assert remaining_people([person(302, 98, 349, 252)], [REGION], [(300, 100, 350, 250)]) == []


def test_what_is_left_visible_of_a_shown_person_is_that_person() -> None:
    shown = (120.0, 100.0, 220.0, 250.0)  # the left third is hidden
    assert remaining_people([person(152, 100, 220, 250)], [REGION], [shown]) == []


def test_a_child_before_a_shown_person_is_somebody_else() -> None:
    child = person(310, 190, 335, 250)
    assert remaining_people([child], [], [(300, 100, 350, 250)]) == [child]


def test_boxes_that_several_regions_hide_together_are_hidden() -> None:
    regions = [HiddenRegion(100, 100, 150, 180, 80.0), HiddenRegion(100, 180, 150, 260, 80.0)]
    assert remaining_people([person(105, 105, 145, 250)], regions, []) == []
