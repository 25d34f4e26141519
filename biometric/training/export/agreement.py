"""Whether an exported network gives what the trained one gives: differences of embeddings, and the limit for them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biometric.entities import Detection, Image
from biometric.entities.boxes import iou
from biometric.errors import OutputsDiffer, UnsupportedModel
from biometric.ports import Embedder

LEAST_COSINE = 0.9999
"""Of an embedding by the exported to one by the trained network."""
LEAST_COSINE_HALF = 0.999
"""The same, where numbers are stored with 11 bits of mantissa on purpose."""


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
    trained: NDArray[np.float32], exported: Embedder, what: str, pictures: Sequence[Image], least: float
) -> Agreement:
    """Embed pictures with the exported network and compare with what the trained one gave.

    Args:
        trained: (N, D) unit float32 of the same pictures.
        least: lowest cosine that is accepted.

    Raises:
        OutputsDiffer: a cosine is lower, or the exported network gives vectors without direction.
    """
    try:
        found = exported.embed(pictures)
    except UnsupportedModel as error:  # such as numbers beyond what float16 holds
        raise OutputsDiffer(f"{what} gives no embeddings. Export without --half, or in the other --format.") from error
    if found.shape != trained.shape:
        raise OutputsDiffer(f"{what} gives {found.shape[1]} numbers a crop, the trained network {trained.shape[1]}.")
    # Each embedding has length 1 to seven digits only: more than 1 would be noise.
    cosine = min(1.0, float((found.astype(np.float64) * trained).sum(axis=1).min()))
    made = Agreement(what, cosine, float(np.abs(found - trained).max()))
    if not cosine >= least:  # NaN, too
        raise OutputsDiffer(
            f"The exported file does not give what was trained ({made}; at least {least} is needed). Nothing was "
            "written. Export without --half, or in the other --format."
        )
    return made


LEAST_OVERLAP = 0.9
"""Of a box by the exported with one by the trained network (intersection over union), for 19 boxes of 20.

Not for all: where two places of a network are about as sure of a person, the rounding of a device decides which one
tells the box (OpenVINO computes in bfloat16 on CPUs that have it)."""
LEAST_OVERLAP_OF_ALL = 0.5
"""The same, for every box: below it is another box."""
MOST_CONFIDENCE = 0.05
"""Greatest difference of their confidences."""
_SUREST = 10


@dataclass(frozen=True, slots=True)
class BoxAgreement:
    """How far detectors agree on the surest boxes of some pictures.

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
    """Compare the ten surest boxes of each picture with the nearest ones of the exported network.

    Raises:
        OutputsDiffer: a box lies elsewhere, or is much more or less sure.
    """
    pairs = [
        max(((iou(one.box, other.box), other) for other in others), key=lambda pair: pair[0], default=(0.0, None))
        for ones, others in zip(trained, exported, strict=True)
        for one in ones[:_SUREST]
    ]
    ones = [one for each in trained for one in each[:_SUREST]]
    overlaps = sorted(share for share, _ in pairs) or [1.0]
    changes = (
        abs(one.confidence - (other.confidence if other else 0.0)) for one, (_, other) in zip(ones, pairs, strict=True)
    )
    usual = overlaps[len(overlaps) // 20]
    made = BoxAgreement(what, len(ones), overlaps[0], usual, max(changes, default=0.0))
    if made.overlap < LEAST_OVERLAP_OF_ALL or made.usual < LEAST_OVERLAP or made.confidence > MOST_CONFIDENCE:
        raise OutputsDiffer(
            f"The exported file does not find what the trained network finds ({made}). Nothing was written."
        )
    return made
