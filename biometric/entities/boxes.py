"""How far boxes overlap. Boxes are (x1, y1, x2, y2) in pixels with x2 > x1, y2 > y1."""

import numpy as np
from numpy.typing import NDArray

from biometric.entities.footage import Box


def box_area(box: Box) -> float:
    """Area of a box in square pixels; 0 for a box without area."""
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def intersection_area(first: Box, second: Box) -> float:
    """Area that two boxes share, in square pixels, 0 where they are apart."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    return width * height if width > 0 and height > 0 else 0.0


def iou(first: Box, second: Box) -> float:
    """Intersection over union of two boxes, in [0, 1]; 0 for boxes without area."""
    shared = intersection_area(first, second)
    return shared / (box_area(first) + box_area(second) - shared) if shared > 0 else 0.0


def iou_matrix(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union of (N, 4) with (M, 4) boxes, as (N, M) in [0, 1]; 0 for boxes without area."""
    top_left = np.maximum(first[:, None, :2], second[None, :, :2])
    bottom_right = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = np.clip(bottom_right - top_left, 0.0, None).prod(axis=2)
    areas = [np.clip(boxes[:, 2:] - boxes[:, :2], 0.0, None).prod(axis=1) for boxes in (first, second)]
    union = areas[0][:, None] + areas[1][None, :] - shared
    matrix: NDArray[np.float64] = np.divide(shared, union, out=np.zeros(shared.shape), where=union > 0)
    return matrix
