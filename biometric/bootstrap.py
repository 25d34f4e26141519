"""The one place that chooses concrete adapters. Imports them inside its functions: nothing heavy before first use."""

import atexit
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from biometric.models.store import ModelStore
from biometric.models.vendor import quiet_ultralytics
from biometric.ports import Gallery, Tracker
from biometric.results.answer_files import OutputWriter
from biometric.service import Adapters, Sightline
from biometric.settings import Settings
from biometric.storage import PrivateFolder

if TYPE_CHECKING:
    from biometric.clips.demo import DemoClip
    from biometric.clips.video_limits import VideoLimits
    from biometric.training.crops.cutting import Tools


def build(settings: Settings) -> Sightline:
    """Return a service with the real adapters. Cheap: models, trackers and the index load when first used."""
    return build_releasable(settings)[0]


def build_releasable(settings: Settings) -> tuple[Sightline, Callable[[], None]]:
    """Return a service as `build`, and what releases its models and temporary files before the process ends."""
    from biometric.clips.crops import JpegCropStore, sharpness
    from biometric.clips.video import PyAVReader
    from biometric.clips.video_writing import H264Writer
    from biometric.results.annotation import PillowAnnotator

    private = PrivateFolder(settings.temp)
    atexit.register(private.close)
    quiet_ultralytics(settings.cache)
    reader = PyAVReader(_limits(settings))
    writer = H264Writer(reader)
    models = ModelStore(settings)

    def release() -> None:
        models.close()
        private.close()
        atexit.unregister(private.close)

    adapters = Adapters(
        reader=reader,
        writer=writer,
        crops=JpegCropStore(),
        models=models,
        new_tracker=partial(_new_tracker, settings.cache),
        sharpness=sharpness,
        outputs=OutputWriter(reader, writer, PillowAnnotator()),
        open_gallery=_open_gallery,
    )
    return Sightline(settings, adapters, private.path / "observations"), release


def build_measured_models(settings: Settings) -> ModelStore:
    """Return the models that `build` would use; the detector reports every detection, as measuring it needs."""
    from biometric.models.loading import load_measured_detector

    quiet_ultralytics(settings.cache)
    return ModelStore(settings, load_detector=load_measured_detector)


def build_teachers(settings: Settings, in_torch: bool) -> ModelStore:
    """Return the models without a service, for a student to learn from; `in_torch`: as networks of torch."""
    from biometric.models.loading import load_in_torch

    quiet_ultralytics(settings.cache)
    return ModelStore(settings, load_embedder=load_in_torch if in_torch else None)


def build_crop_tools(settings: Settings) -> "Tools":
    """Return what crops for training are cut with. The detector loads when first needed."""
    from biometric.clips.crops import sharpness
    from biometric.clips.video import PyAVReader
    from biometric.training.crops.crop_records import read_picture
    from biometric.training.crops.cutting import Tools

    quiet_ultralytics(settings.cache)
    reader = PyAVReader(_limits(settings))
    return Tools(reader, ModelStore(settings).detector, partial(_new_tracker, settings.cache), sharpness, read_picture)


def _limits(settings: Settings) -> "VideoLimits":
    from biometric.clips.video_limits import VideoLimits

    return VideoLimits(
        max_pixels=settings.max_pixels,
        max_frames=settings.max_frames,
        max_seconds=settings.max_seconds,
        max_bytes=settings.max_upload_mb * 1_000_000,
    )


def _open_gallery(folder: Path) -> Gallery:
    from biometric.gallery.repository import SQLiteGallery

    return SQLiteGallery(folder)


def _new_tracker(cache: Path, frame_rate: float) -> Tracker:
    from biometric.models.tracking import ByteTracker

    return ByteTracker(frame_rate, cache)


def make_demo(folder: Path) -> "list[DemoClip]":
    """Make the example clips in a folder, unless they are there already."""
    from biometric.clips import demo
    from biometric.clips.video import PyAVReader
    from biometric.clips.video_writing import H264Writer

    return demo.make_demo(folder, H264Writer(PyAVReader()))
