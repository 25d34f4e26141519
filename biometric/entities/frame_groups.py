"""What a clip's packets tell of its frames before they are decoded."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class FrameGroup:
    """A key frame and the frames up to the next one.

    Attributes:
        first: number of the key frame.
        sizes: (n,) int64, bytes of each frame's packet, in order of presentation.
        seconds: (n,) float64, when each frame is shown.

    Raises:
        ValueError: no frames, or not one time for each size.
    """

    first: int
    sizes: NDArray[np.int64]
    seconds: NDArray[np.float64]

    def __post_init__(self) -> None:
        if len(self.sizes) == 0 or self.sizes.shape != self.seconds.shape:
            raise ValueError(f"expected sizes and times of one length, got {self.sizes.shape}, {self.seconds.shape}")

    @property
    def length(self) -> float:
        """Seconds from the key frame to the group's last frame."""
        return float(self.seconds[-1] - self.seconds[0])
