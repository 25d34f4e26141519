"""Whether an exported network gives the results of the trained one: differences of embeddings and boxes, and limits."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biometric.entities import Detection, Image
from biometric.entities.boxes import iou
from biometric.errors import OutputsDiffer, UnsupportedModel
from biometric.ports import Embedder

MIN_COSINE = 0.9999
"""Lowest accepted cosine between an exported and a trained network's embedding of the same picture."""
MIN_COSINE_HALF = 0.999
"""The same, for weights stored as float16."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How far outputs agree on some pictures.

    Attributes:
        what: the file and how it was run.
        cosine: the lowest one of two embeddings of the same picture.
        difference: greatest absolute difference of a number of unit embeddings.
    """

    what: str
    cosine: float
    difference: float

    def __str__(self) -> str:
        return f"{self.what}: lowest cosine {self.cosine:.7f}, greatest difference {self.difference:.1e}"


def compare(
    trained: NDArray[np.float32], exported: Embedder, what: str, pictures: Sequence[Image], min_cosine: float
) -> Agreement:
    """Embed pictures with the exported network and compare with the embeddings of the trained one.

    Args:
        trained: (N, D) unit float32 of the same pictures.
        min_cosine: lowest cosine that is accepted.

    Raises:
        OutputsDiffer: a cosine is lower, or the exported network gives vectors without direction.
    """
    try:
        embeddings = exported.embed(pictures)
    except UnsupportedModel as error:  # such as numbers beyond what float16 holds
        raise OutputsDiffer(f"{what} gives no embeddings. Export without --half, or in the other --format.") from error
    if embeddings.shape != trained.shape:
        raise OutputsDiffer(
            f"{what} gives {embeddings.shape[1]} numbers a crop, the trained network {trained.shape[1]}."
        )
    # The length of each embedding is 1 to seven digits only: a cosine above 1 is a rounding error.
    cosine = min(1.0, float((embeddings.astype(np.float64) * trained).sum(axis=1).min()))
    agreement = Agreement(what, cosine, float(np.abs(embeddings - trained).max()))
    if not cosine >= min_cosine:  # also where it is NaN
        raise OutputsDiffer(
            f"The exported file does not give the trained network's embeddings ({agreement}; at least "
            f"{min_cosine} is needed). Nothing was "
            "written. Export without --half, or in the other --format."
        )
    return agreement


MIN_USUAL_OVERLAP = 0.9
"""Of a box by the exported with one by the trained network (intersection over union), for 19 boxes of 20.

Not for all: where two positions of the network's map have nearly the same confidence, the rounding of a device decides
which one gives the box (OpenVINO computes in bfloat16 on CPUs that have it)."""
MIN_OVERLAP = 0.5
"""The same, for every box."""
MAX_CONFIDENCE_CHANGE = 0.05
"""Greatest difference of their confidences."""
_BOXES_PER_PICTURE = 10


@dataclass(frozen=True, slots=True)
class BoxAgreement:
    """How far detectors agree on the most confident boxes of some pictures.

    Attributes:
        what: the file and how it was run.
        boxes: how many were compared.
        overlap: lowest intersection over union of a box with its counterpart; 1 where there were none.
        usual: the same, without the worst twentieth of the boxes.
        confidence: greatest difference of confidences.
    """

    what: str
    boxes: int
    overlap: float
    usual: float
    confidence: float

    def __str__(self) -> str:
        return (
            f"{self.what}: {self.boxes} boxes, lowest overlap {self.overlap:.4f} ({self.usual:.4f} without the worst "
            f"twentieth), greatest difference of confidences {self.confidence:.1e}"
        )


def compare_boxes(
    trained: Sequence[Sequence[Detection]], exported: Sequence[Sequence[Detection]], what: str
) -> BoxAgreement:
    """Compare the ten most confident boxes of each picture with the nearest ones of the exported network.

    Raises:
        OutputsDiffer: a box lies elsewhere, or its confidence differs much.
    """
    overlaps, changes = [], []
    for expected, candidates in zip(trained, exported, strict=True):
        for detection in expected[:_BOXES_PER_PICTURE]:
            overlap, confidence = max(
                ((iou(detection.box, candidate.box), candidate.confidence) for candidate in candidates),
                default=(0.0, 0.0),
            )
            overlaps.append(overlap)
            changes.append(abs(detection.confidence - confidence))
    overlaps.sort()
    lowest, usual = (overlaps[0], overlaps[len(overlaps) // 20]) if overlaps else (1.0, 1.0)
    agreement = BoxAgreement(what, len(overlaps), lowest, usual, max(changes, default=0.0))
    if lowest < MIN_OVERLAP or usual < MIN_USUAL_OVERLAP or agreement.confidence > MAX_CONFIDENCE_CHANGE:
        raise OutputsDiffer(
            f"The exported file does not find what the trained network finds ({agreement}). Nothing was written."
        )
    return agreement
