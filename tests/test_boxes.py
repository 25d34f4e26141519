"""Overlap of boxes: single pairs and the matrix agree, and degenerate boxes give 0."""

import numpy as np
import pytest

from biometric.entities.boxes import box_area, intersection_area, iou, iou_matrix

A, SHIFTED, APART, FLAT = (0.0, 0.0, 10.0, 20.0), (5.0, 0.0, 15.0, 20.0), (10.0, 0.0, 20.0, 20.0), (3.0, 3.0, 3.0, 9.0)


@pytest.mark.parametrize(
    ("other", "shared", "ratio"), [(A, 200.0, 1.0), (SHIFTED, 100.0, 1 / 3), (APART, 0.0, 0.0), (FLAT, 0.0, 0.0)]
)
def test_intersection_over_union(other, shared: float, ratio: float) -> None:
    assert intersection_area(A, other) == shared
    assert iou(A, other) == iou(other, A) == pytest.approx(ratio)


def test_boxes_without_area_overlap_nothing() -> None:
    assert box_area(FLAT) == iou(FLAT, FLAT) == 0.0


def test_the_matrix_agrees_with_single_pairs() -> None:
    boxes = [A, SHIFTED, APART, FLAT]
    matrix = iou_matrix(np.array(boxes), np.array(boxes[:3]))
    assert matrix.shape == (4, 3)
    assert matrix.tolist() == [[pytest.approx(iou(first, second)) for second in boxes[:3]] for first in boxes]
    assert iou_matrix(np.zeros((0, 4)), np.array(boxes)).shape == (0, 4)
