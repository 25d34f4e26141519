"""Limits of a clip's size, checked before it is decoded (standard library only)."""

from dataclasses import dataclass

from biometric.errors import ClipTooLarge
from biometric.errors.phrases import Phrase


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
                "The clip has {size}; at most {most} are allowed. Cut it first.",
                size=_megabytes(size),
                most=_megabytes(self.max_bytes),
            )

    def check_pixels(self, width: int, height: int) -> None:
        """Raise `ClipTooLarge` for a larger frame."""
        if width * height > self.max_pixels:
            raise self.pixels_exceeded(Phrase("{width}×{height} pixels", width=width, height=height))

    def check_seconds(self, seconds: float) -> None:
        """Raise `ClipTooLarge` for a longer clip."""
        if seconds > self.max_seconds:
            raise ClipTooLarge(
                "The clip lasts {length}; at most {most} are allowed. Cut it first.",
                length=_minutes(seconds),
                most=_minutes(self.max_seconds),
            )

    def pixels_exceeded(self, size: str) -> ClipTooLarge:
        """The error for a frame that is too large; `size` is its size in words."""
        return ClipTooLarge(
            "The clip's pictures are too large: {size}, at most {most:,} pixels are allowed. Scale it down first.",
            size=size,
            most=self.max_pixels,
        )

    def frames_exceeded(self) -> ClipTooLarge:
        """The error for too many frames."""
        return ClipTooLarge(
            "The clip has more than {most:,} frames, which is the limit. Cut it first.", most=self.max_frames
        )


def _megabytes(size: float) -> str:
    return Phrase("{megabytes:,.1f} MB", megabytes=size / 1000000.0)


def _minutes(seconds: float) -> str:
    return Phrase("{minutes:,.1f} minutes", minutes=seconds / 60)
