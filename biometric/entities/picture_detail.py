"""How much detail the pictures behind a comparison hold: pixels and sharpness."""

import math
from dataclasses import dataclass

from biometric.entities.robustness import DetailCost


@dataclass(frozen=True, slots=True)
class PictureDetail:
    """Pixels and sharpness of one side of a comparison: the medians of its samples.

    Attributes:
        height: of the crops in pixels of the footage, at least 1, whatever size the model makes of them.
        sharpness: variance of the Laplacian of a crop in grey, scaled to 64 × 128 pixels, in squared grey levels
            (0…255): 0 for a plain surface, below 100 where blurred, some hundred to some thousand where sharp. No
            upper limit.
        samples: how many crops could be read, at least 1.

    Raises:
        ValueError: a value is not as described.

    Example:
        >>> detail = service.verify(observed, "Ada Lovelace").detail
        >>> detail.probe.height >= 64, detail.probe.sharpness > 0
        (True, True)
    """

    height: int
    sharpness: float
    samples: int

    def __post_init__(self) -> None:
        if self.height < 1 or self.samples < 1:
            raise ValueError(f"expected at least 1 pixel and 1 sample, got {self.height} and {self.samples}")
        if not (math.isfinite(self.sharpness) and self.sharpness >= 0.0):
            raise ValueError(f"expected a sharpness of 0 or more, got {self.sharpness}")


@dataclass(frozen=True, slots=True)
class ComparedDetail:
    """Both sides of a comparison; None where no picture of a side can be read, or there is no such side.

    Attributes:
        costs: how often the right person is missed at so many pixels and at such sharpness, where that was measured of
            the model (`evaluate --robustness --store`).
    """

    probe: PictureDetail | None
    reference: PictureDetail | None
    costs: tuple[DetailCost, ...] = ()

    @property
    def worst_cost(self) -> DetailCost | None:
        """The cost by which most is missed, the height's of equals; None where none was measured."""
        return max(self.costs, key=lambda cost: cost.share, default=None)

    @property
    def least_height(self) -> int | None:
        """Pixels of the smaller side, None where a side is not known."""
        if self.probe is None or self.reference is None:
            return None
        return min(self.probe.height, self.reference.height)

    @property
    def least_sharpness(self) -> float | None:
        """Sharpness of the more blurred side, None where a side is not known."""
        if self.probe is None or self.reference is None:
            return None
        return min(self.probe.sharpness, self.reference.sharpness)
