"""Finds and follows everybody in each frame of footage, and describes them where that is wanted; nobody is left out."""

import dataclasses
import shutil
import uuid
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from biometric.domain.hidden_regions import SeenPeople
from biometric.domain.selection import Rules
from biometric.entities import ObservedClip, Progress
from biometric.pipeline.clip_observer import ClipObserver
from biometric.pipeline.look_recording import LookRecorder
from biometric.pipeline.streaming import FrameSource, Stopwatch, in_each_frame, tracked_frames
from biometric.ports import CropStore, Detector, Models, SharpnessOf, TrackerFactory


@dataclass(frozen=True, slots=True)
class Describing:
    """What people are described with.

    Attributes:
        workspace: folder for the crops, which are removed at the end.
        rules: which samples are used.
    """

    crops: CropStore
    new_tracker: TrackerFactory
    sharpness: SharpnessOf
    models: Models
    workspace: Path
    rules: Rules


def look_at_everybody(
    source: FrameSource, detector: Detector, new_tracker: TrackerFactory
) -> Generator[Progress, None, SeenPeople]:
    """Find and follow everybody, without asking who they are; the return value is the result.

    Raises:
        ClipError: the clip cannot be read over the range.
    """
    recorder = LookRecorder(new_tracker)
    tracker = recorder.new_tracker(source.analysed_fps)
    chunks = tracked_frames(source, in_each_frame(detector), tracker, Stopwatch())
    try:
        for chunk in chunks:
            done = chunk[-1].frame.index - source.frames.start + 1
            yield Progress("Reading frame", done, _frame_count(source))
    finally:
        chunks.close()
    return recorder.seen()


def describe_everybody(
    source: FrameSource, describing: Describing, *, linking: bool
) -> Generator[Progress, None, tuple[SeenPeople, ObservedClip]]:
    """Find, follow and describe everybody; the return value is who was seen, and the observation without its crops.

    Args:
        linking: put tracks of one person together; else each track is a person.

    Raises:
        ClipError: the clip cannot be read over the range.
        ModelError: weights are missing or do not fit.
        StorageFull: crops cannot be written.
    """
    recorder = LookRecorder(describing.new_tracker)
    folder = describing.workspace / uuid.uuid4().hex
    observer = ClipObserver(
        describing.crops, recorder.new_tracker, describing.sharpness, None, folder, describing.rules, linking
    )
    try:
        work = observer.observe(source, source.clip.name, describing.models, thorough=True)
        observed = yield from _counted(work, source)
        return recorder.seen(), observed
    finally:
        observer.forget()
        shutil.rmtree(folder, ignore_errors=True)


def _frame_count(source: FrameSource) -> int:
    return min(len(source.frames), max(1, source.video.frame_count - source.frames.start))


def _counted(
    work: Generator[Progress, None, ObservedClip], source: FrameSource
) -> Generator[Progress, None, ObservedClip]:
    """Pass on progress with the number of frames that the clip claims, where the range has no end."""
    try:
        while True:
            progress = next(work)
            total = min(progress.total, _frame_count(source)) if progress.stage == "Reading frame" else progress.total
            yield dataclasses.replace(progress, total=total)
    except StopIteration as ended:
        result: ObservedClip = ended.value
        return result
    finally:
        work.close()
