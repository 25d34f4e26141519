"""Average precision: cases worked by hand, an independent slow reference, and what the interval does."""

import itertools

import numpy as np
import pytest

from biometric.evaluation.average_precision import (
    IOUS,
    Judged,
    at_confidence,
    average_precision,
    curve,
    match,
)

Box = tuple[float, float, float, float]
A, B, C = (0.0, 0.0, 10.0, 20.0), (100.0, 0.0, 110.0, 20.0), (200.0, 0.0, 210.0, 20.0)
NOWHERE = (500.0, 500.0, 510.0, 520.0)


def picture(detected: list[tuple[Box, float]], labelled: list[Box]) -> Judged:
    boxes = np.array([box for box, _ in detected], np.float64).reshape(-1, 4)
    return Judged(boxes, np.array([sure for _, sure in detected]), np.array(labelled, np.float64).reshape(-1, 4))


def ap50(*pictures: Judged) -> float:
    return average_precision(match(pictures, [0.5])).value


def test_everybody_found_and_nobody_else_is_one() -> None:
    assert ap50(picture([(A, 0.9), (B, 0.3)], [B, A]), picture([(C, 0.5)], [C]), picture([], [])) == 1.0


def test_nothing_found_is_zero() -> None:
    assert ap50(picture([], [A])) == 0.0
    assert ap50(picture([(NOWHERE, 0.9)], [A])) == 0.0


def test_a_case_worked_by_hand() -> None:
    # right, wrong, right, wrong, right of 4 people: precision 1, 1/2, 2/3, 2/4, 3/5 at recall 1/4, 1/4, 2/4, 2/4, 3/4
    pictures = [
        picture([(A, 0.9), (NOWHERE, 0.8), (B, 0.7)], [A, B]),
        picture([(NOWHERE, 0.6), (C, 0.5)], [C, A]),
    ]
    matches = match(pictures, [0.5])
    recall, precision = curve(matches)
    assert recall.tolist() == [0.25, 0.25, 0.5, 0.5, 0.75]
    assert precision.tolist() == pytest.approx([1, 1 / 2, 2 / 3, 2 / 4, 3 / 5])
    assert ap50(*pictures) == pytest.approx((1 + 2 / 3 + 3 / 5) / 4)


def test_the_envelope_raises_early_precision() -> None:
    # wrong, right, right: precision 0, 1/2, 2/3; the envelope makes both steps 2/3
    assert ap50(picture([(NOWHERE, 0.9), (A, 0.8), (B, 0.7)], [A, B])) == pytest.approx(2 / 3)


def test_a_second_box_of_one_person_is_a_mistake() -> None:
    near = (0.0, 0.0, 10.0, 19.0)
    matches = match([picture([(near, 0.9), (A, 0.8)], [A])], [0.5])
    assert matches.right.tolist() == [[True, False]]


def test_a_detection_takes_the_closest_label_that_is_free() -> None:
    # the surest box covers both labels, and takes the one that it covers better; the next one gets the other
    one, other, between = (0.0, 0.0, 10.0, 20.0), (2.0, 0.0, 12.0, 20.0), (1.5, 0.0, 11.5, 20.0)
    assert match([picture([(between, 0.9), (other, 0.5)], [one, other])], [0.5]).right.tolist() == [[True, True]]
    assert match([picture([(between, 0.9), (other, 0.5)], [one, other])], [0.75]).right.tolist() == [[True, False]]


def test_boxes_of_another_picture_do_not_count() -> None:
    assert ap50(picture([(A, 0.9)], []), picture([], [A])) == 0.0


def test_an_overlap_of_exactly_the_wanted_one_counts() -> None:
    six = (0.0, 0.0, 10.0, 12.0)
    assert match([picture([(six, 0.9)], [A])], [0.6]).right.all()
    assert not match([picture([(six, 0.9)], [A])], [0.65]).right.any()


def test_coco_averages_ten_overlaps() -> None:
    assert IOUS == (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
    assert average_precision(match([picture([((0.0, 0.0, 10.0, 15.0), 0.9)], [A])])).value == pytest.approx(0.6)


def test_recall_and_precision_at_a_confidence() -> None:
    matches = match([picture([(A, 0.9), (NOWHERE, 0.4), (B, 0.39)], [A, B])] * 20)
    detected = at_confidence(matches, 0.4)
    assert (detected.recall.value, detected.confidence) == (0.5, 0.4)
    assert detected.precision is not None
    assert detected.precision.value == 0.5
    assert at_confidence(matches, 0.39).recall.value == 1.0
    assert at_confidence(matches, 0.95).precision is None
    assert at_confidence(matches, 0.95).recall.value == 0.0


def make_pictures(seed: int, pictures: int = 30) -> list[Judged]:
    """Random people, four of five of them found, some twice, and boxes where nobody is, of which it is less sure."""
    draw = np.random.default_rng(seed)
    result = []
    for _ in range(pictures):
        corners = draw.uniform(0, 80, (draw.integers(0, 5), 2))
        people = np.hstack([corners, corners + draw.uniform(10, 40, corners.shape)])
        detected = (people + draw.normal(0, 2, people.shape))[draw.random(len(people)) < 0.8]
        again = (people + draw.normal(0, 3, people.shape))[draw.random(len(people)) < 0.2]
        strangers = draw.uniform(0, 60, (draw.integers(0, 2), 2))
        wrong = np.concatenate([again, np.hstack([strangers, strangers + 30])])
        sure = np.concatenate([draw.beta(3, 2, len(detected)), draw.beta(2, 3, len(wrong))])
        result.append(Judged(np.concatenate([detected, wrong]), sure, people))
    return result


def slow_overlap(one: np.ndarray, other: np.ndarray) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return width * height / (areas[0] + areas[1] - width * height)


def slow_average_precision(pictures: list[Judged], iou: float) -> float:
    """Match anew for each confidence as the limit, then add up rectangles under the envelope."""
    total = sum(len(judged.labelled) for judged in pictures)
    points = []
    for limit in sorted({sure for judged in pictures for sure in judged.confidences}, reverse=True):
        right = seen = 0
        for judged in pictures:
            free = list(judged.labelled)
            for sure, box in sorted(zip(judged.confidences, judged.detected, strict=True), key=lambda pair: -pair[0]):
                if sure < limit:
                    continue
                seen += 1
                best = max(range(len(free)), key=lambda index: slow_overlap(box, free[index]), default=None)
                if best is not None and slow_overlap(box, free[best]) >= iou:
                    right += 1
                    del free[best]
        points.append((right / total, right / seen))
    area = 0.0
    for (before, _), (recall, _) in itertools.pairwise([(0.0, 1.0), *points]):
        area += (recall - before) * max(precision for reached, precision in points if reached >= recall)
    return area


@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_a_slow_reference(seed: int) -> None:
    pictures = make_pictures(seed)
    matches = match(pictures)
    for iou in (0.5, 0.75):
        detected = average_precision(matches, [iou]).value
        assert 0.05 < detected < 0.95
        assert detected == pytest.approx(slow_average_precision(pictures, iou), abs=1e-12)


def test_the_order_of_pictures_and_boxes_does_not_matter() -> None:
    pictures = make_pictures(5)
    turned = [Judged(each.detected[::-1], each.confidences[::-1], each.labelled[::-1]) for each in reversed(pictures)]
    assert average_precision(match(turned)).value == pytest.approx(average_precision(match(pictures)).value, abs=1e-12)


def test_a_draw_of_pictures_is_weighed_like_pictures_repeated() -> None:
    from biometric.evaluation.average_precision import draw_average_precisions

    pictures = make_pictures(6, 8)
    times = np.array([0, 2, 1, 0, 3, 1, 1, 0])
    repeated = [judged for judged, count in zip(pictures, times, strict=True) for _ in range(count)]
    weighed = draw_average_precisions(match(pictures, [0.5]), [0], times[None].astype(float))[0]
    assert weighed == pytest.approx(ap50(*repeated), abs=1e-2)  # copies tie, and a tie is counted one by one
    assert weighed != pytest.approx(ap50(*pictures), abs=1e-3)


def test_the_interval_holds_the_value_and_shrinks_with_pictures() -> None:
    few, many = (average_precision(match(make_pictures(7, count)), [0.5]) for count in (20, 400))
    for detected in (few, many):
        assert detected.interval is not None
        assert detected.interval.low < detected.value < detected.interval.high
        assert detected.interval.method == "bootstrap over pictures"
    assert few.interval is not None
    assert many.interval is not None
    assert many.interval.high - many.interval.low < 0.5 * (few.interval.high - few.interval.low)
    assert average_precision(match(make_pictures(7, 20)), [0.5], seed=0) == few


def test_the_interval_covers_what_many_pictures_give() -> None:
    truth = average_precision(match(make_pictures(8, 4000), [0.5])).value
    held = 0
    for seed in range(100, 130):
        interval = average_precision(match(make_pictures(seed, 150), [0.5])).interval
        assert interval is not None
        held += interval.low <= truth <= interval.high
    assert held >= 26


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one labelled person"):
        match([picture([(A, 0.9)], [])])
    with pytest.raises(ValueError, match="above 0 and at most 1"):
        match([picture([], [A])], [0.0])
    with pytest.raises(ValueError, match="IoUs among"):
        average_precision(match([picture([], [A])], [0.5]), [0.75])
    with pytest.raises(ValueError, match=r"expected \(D, 4\) boxes"):
        Judged(np.zeros((2, 4)), np.zeros(1), np.zeros((0, 4)))
