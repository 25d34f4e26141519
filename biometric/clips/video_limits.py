"""Limits of a clip's size, checked before it is decoded (standard library only)."""

from dataclasses import dataclass

from biometric.errors import ClipTooLarge


@dataclass(frozen=True, slots=True)
class VideoLimits:
    """Limits of one clip.

    Attributes:
        max_pixels: of one frame. The default takes 8K footage (7680 × 4320 = 33 million).
        max_frames: of the clip.
        max_seconds: of footage.
        max_bytes: of the file.
    """

    max_pixels: int = 36_000_000
    max_frames: int = 1_000_000
    max_seconds: float = 4 * 3600.0
    max_bytes: int = 2_000_000_000

    def check_bytes(self, size: int) -> None:
        """Raise `ClipTooLarge` for a file of more bytes."""
        if size > self.max_bytes:
            raise ClipTooLarge(
                f"The clip has {_megabytes(size)}; at most {_megabytes(self.max_bytes)} are allowed. Cut it first."
            )

    def check_pixels(self, width: int, height: int) -> None:
        """Raise `ClipTooLarge` for a larger frame."""
        if width * height > self.max_pixels:
            raise self.pixels_exceeded(f"{width}×{height} pixels")

    def check_seconds(self, seconds: float) -> None:
        """Raise `ClipTooLarge` for a longer clip."""
        if seconds > self.max_seconds:
            raise ClipTooLarge(
                f"The clip lasts {_minutes(seconds)}; at most {_minutes(self.max_seconds)} are allowed. Cut it first."
            )

    def pixels_exceeded(self, size: str) -> ClipTooLarge:
        """The error for a frame that is too large; `size` is its size in words."""
        return ClipTooLarge(
            f"The clip's pictures are too large: {size}, at most {self.max_pixels:,} pixels are allowed."
            " Scale it down first."
        )

    def frames_exceeded(self) -> ClipTooLarge:
        """The error for too many frames."""
        return ClipTooLarge(f"The clip has more than {self.max_frames:,} frames, which is the limit. Cut it first.")


def _megabytes(size: float) -> str:
    return f"{size / 1e6:,.1f} MB"


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:,.1f} minutes"
