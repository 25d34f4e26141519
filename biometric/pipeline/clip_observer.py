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
from biometric.pipeline.streaming import FrameSource
from biometric.ports import CropStore, Models, SharpnessOf, TrackerFactory


class ClipObserver:
    """Observes a frame range, or gives the kept observation of the same range with the same models.

    Args:
        workspace: folder of the crops; each observation has a folder of its own in it.
        linking: put tracks of one person together; else each track is a person.
    """

    def __init__(
        self,
        crops: CropStore,
        new_tracker: TrackerFactory,
        sharpness: SharpnessOf,
        workspace: Path,
        linking: bool = True,
    ) -> None:
        self._crops = crops
        self._new_tracker = new_tracker
        self._sharpness = sharpness
        self._workspace = workspace
        self._linking = linking
        self._cache = ObservationCache()

    def observe(
        self, footage: FrameSource, label: str, models: Models, rules: Rules
    ) -> Generator[Progress, None, ObservedClip]:
        """Find and describe the people in the footage; the return value is the result.

        Closing the generator stops the work and removes its crops.

        Args:
            label: the clip's name for people.

        Raises:
            ClipError: the clip cannot be read over the range.
            ModelError: weights are missing or do not fit.
            StorageFull: crops cannot be written.
        """
        yield Progress("Loading models", 0, 0)
        detector, embedder = models.detector(), models.embedder()
        key = ObservationKey(
            footage.video.digest, footage.frames, detector.name, embedder.model_id, rules.samples, self._linking
        )
        observed = self._cache.get(key)
        if observed is None:
            folder = self._workspace / uuid.uuid4().hex
            tools = observing.Tools(detector, self._new_tracker, embedder, self._crops, self._sharpness)
            sampling = observing.Sampling(folder, rules, models.min_track_similarity())
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
            )
            observed = self._cache.put(key, observed)
        return dataclasses.replace(observed, path=footage.clip, label=clean_label(label))

    def forget(self) -> None:
        """Drop all kept observations and their crops; the next `observe` starts anew."""
        self._cache.clear()
