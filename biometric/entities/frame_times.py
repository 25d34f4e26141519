"""When the frames of a clip are shown."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, slots=True, eq=False)
class FrameTimes:
    """Presentation times of a clip's frames, in seconds since the first one.

    Attributes:
        seconds: (frame_count,) float64, read-only, starting at 0, never falling.
        end: when the last frame stops being shown; at or after its own time.
        exact_count: so many frames from the start were decoded and have their own times. The others are estimates,
            from the times of packets or from an even spacing.

    Raises:
        ValueError: no times, or they fall, are not finite, do not start at 0 or pass `end`.
    """

    seconds: NDArray[np.float64]
    end: float
    exact_count: int = 0

    def __init__(self, seconds: ArrayLike, end: float, exact_count: int = 0) -> None:
        times = np.array(seconds, dtype=np.float64)
        if times.ndim != 1 or len(times) == 0:
            raise ValueError(f"expected times of shape (n,), n at least 1, got {times.shape}")
        if not (np.isfinite(times).all() and times[0] == 0 and (np.diff(times) >= 0).all()):
            raise ValueError("expected finite times that start at 0 and never fall")
        if not (np.isfinite(end) and end >= times[-1]):
            raise ValueError(f"expected a finite end of at least {times[-1]}, got {end}")
        times.flags.writeable = False
        object.__setattr__(self, "seconds", times)
        object.__setattr__(self, "end", float(end))
        object.__setattr__(self, "exact_count", exact_count)

    @classmethod
    def evenly(cls, count: int, end: float) -> "FrameTimes":
        """Spread `count` frames evenly over 0 to `end` seconds: an estimate where nothing better is known."""
        return cls(np.arange(count) * (end / count), end)

    @property
    def longest_gap(self) -> float:
        """Most seconds between two frames that follow each other; 0 for a single frame."""
        return float(np.diff(self.seconds).max(initial=0.0))

    def __len__(self) -> int:
        return len(self.seconds)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, FrameTimes):
            return NotImplemented
        return (self.end, self.exact_count) == (other.end, other.exact_count) and np.array_equal(
            self.seconds, other.seconds
        )

    def __hash__(self) -> int:
        return hash((self.end, self.exact_count, len(self.seconds)))

    def __getitem__(self, frame_index: int) -> float:
        """Return a frame's time; of frames behind the last one `end`."""
        if frame_index < 0:
            raise IndexError(f"expected a frame number of at least 0, got {frame_index}")
        return float(self.seconds[frame_index]) if frame_index < len(self.seconds) else self.end
