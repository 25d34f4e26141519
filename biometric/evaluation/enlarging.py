"""Reduced pictures that are enlarged again, so that everybody can see what that adds (OpenCV, OpenVINO)."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np

from biometric.entities import Image
from biometric.evaluation.degradations import WIDTHS_ENLARGED, Degradation, enlarge_again


def enlarging_rows(path: Path) -> tuple[Degradation, ...]:
    """Return degradations that enlarge by a super-resolution network, an ONNX file.

    Raises:
        ModelError: the file cannot be read, or is no network that enlarges pictures.
    """
    from biometric.models.enlarging_openvino import OpenVINOEnlarger

    network = OpenVINOEnlarger(path)
    return tuple(
        Degradation(
            f"width-{columns}-{path.stem}",
            f"{columns} pixels wide, enlarged by {path.name}",
            enlarge_again(columns, _to_size(network.enlarge)),
        )
        for columns in WIDTHS_ENLARGED
    )


def _to_size(enlarge: Callable[[Image], Image]) -> Callable[[Image, tuple[int, int]], Image]:
    """Bring what a network gives to a (width, height) that is not a multiple of the small picture's."""

    def resized(small: Image, size: tuple[int, int]) -> Image:
        large = enlarge(small)
        shrinks = large.shape[1] > size[0]
        way = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
        return np.asarray(cv2.resize(large, size, interpolation=way), dtype=np.uint8)

    return resized
