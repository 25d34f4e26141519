"""Observes clips with the models in use, and keeps the latest observations with their crops."""

import dataclasses
import shutil
import uuid
from collections.abc import Generator
from pathlib import Path

from biometric.domain.linked_people import link_people
from biometric.domain.selection import Rules
from biometric.entities import ObservedClip, Progress, clean_label
from biometric.pipeline import observing
from biometric.pipeline.observation_cache import ObservationCache, ObservationKey
from biometric.pipeline.sparse_detection import LookIntervals
from biometric.pipeline.streaming import FrameSource
from biometric.ports import CropStore, Models, SharpnessOf, SmallGreyOf, TrackerFactory


class ClipObserver:
    """Observes a frame range, or gives the kept observation of the same range with the same models.

    Args:
        small_grey, intervals: as of `observing.Tools`.
        workspace: folder of the crops; each observation has a folder of its own in it.
        rules: which samples are used.
        linking: put tracks of one person together; else each track is a person.
    """

    def __init__(
        self,
        crops: CropStore,
        new_tracker: TrackerFactory,
        sharpness: SharpnessOf,
        small_grey: SmallGreyOf | None,
        workspace: Path,
        rules: Rules,
        linking: bool = True,
        intervals: LookIntervals | None = None,
    ) -> None:
        self._crops = crops
        self._new_tracker = new_tracker
        self._sharpness = sharpness
        self._small_grey = small_grey
        self._workspace = workspace
        self._rules = rules
        self._linking = linking
        self._intervals = LookIntervals() if intervals is None else intervals
        self._cache = ObservationCache()

    @property
    def looks_everywhere(self) -> bool:
        """Whether people are always looked for in each analysed frame."""
        return self._small_grey is None

    def observe(
        self, footage: FrameSource, label: str, models: Models, thorough: bool = False
    ) -> Generator[Progress, None, ObservedClip]:
        """Find and describe the people in the footage; the return value is the result.

        Closing the generator stops the work and removes its crops.

        Args:
            label: the clip's name for people.
            thorough: the detector looks at each analysed frame.

        Raises:
            ClipError: the clip cannot be read over the range.
            ModelError: weights are missing or do not fit.
            StorageFull: crops cannot be written.
        """
        yield Progress("Loading models", 0, 0)
        detector, embedder = models.detector(), models.embedder()
        grey = None if thorough else self._small_grey
        key = ObservationKey(
            footage.video.digest,
            footage.frames,
            detector.name,
            embedder.model_id,
            self._rules.samples,
            self._linking,
            "" if grey is None else str(self._intervals),
        )
        observed = self._cache.get(key)
        if observed is None:
            folder = self._workspace / uuid.uuid4().hex
            tools = observing.Tools(
                detector, self._new_tracker, embedder, self._crops, self._sharpness, grey, self._intervals
            )
            sampling = observing.Sampling(folder, self._rules, models.min_track_similarity())
            folder.mkdir(parents=True, mode=0o700)
            try:
                result = yield from observing.observe(footage, tools, sampling)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
            people = result.observations
            if self._linking:
                people = link_people(people, models.link_scores(), embedder.model_id)
            observed = ObservedClip(
                path=footage.clip,
                label=clean_label(label),
                video=footage.video,
                frames=footage.frames,
                observations=people,
                model_id=embedder.model_id,
                folder=folder,
                analysed_frames=result.analysed_frames,
                warnings=result.warnings,
                timings=result.timings,
                looks=result.looks,
            )
            observed = self._cache.put(key, observed)
        return dataclasses.replace(observed, path=footage.clip, label=clean_label(label))

    def forget_incomplete(self) -> None:
        """Drop the kept observations some of whose crops were deleted."""
        self._cache.forget_incomplete()

    def forget(self) -> None:
        """Drop all kept observations and their crops; the next `observe` starts anew."""
        self._cache.clear()
