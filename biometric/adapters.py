"""The adapters that a service works with."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from biometric.entities import Image
from biometric.ports import (
    CropStore,
    FootageLibrary,
    Gallery,
    Models,
    PixelHider,
    SharpnessOf,
    SmallGreyOf,
    TrackerFactory,
    VideoReader,
    VideoWriter,
)
from biometric.results.answer_files import OutputWriter


@dataclass(frozen=True, slots=True)
class Adapters:
    """What `bootstrap` chose for each port."""

    reader: VideoReader
    writer: VideoWriter
    crops: CropStore
    models: Models
    new_tracker: TrackerFactory
    sharpness: SharpnessOf
    outputs: OutputWriter
    open_gallery: Callable[[Path], Gallery]
    open_library: Callable[[], FootageLibrary]
    small_grey: SmallGreyOf | None = None
    hide_pixels: PixelHider | None = None
    save_picture: Callable[[Image, Path], None] | None = None
