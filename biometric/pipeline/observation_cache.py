"""Keeps the latest observations, so that another threshold, person or tab never runs a model again."""

import threading
from collections import OrderedDict
from dataclasses import dataclass

from biometric.entities import FrameRange, ObservedClip
from biometric.storage import remove_quietly


@dataclass(frozen=True, slots=True)
class ObservationKey:
    """What decides an observation: the same key gives the same answer.

    Attributes:
        looking: which frames the detector looks at; "": at all.
    """

    clip_digest: str
    frames: FrameRange
    detector: str
    model_id: str
    samples: int
    linking: bool = True
    looking: str = ""


class ObservationCache:
    """The latest observations by key; the oldest leaves with its crops when there are more than `size`."""

    def __init__(self, size: int = 24) -> None:
        self._size = size
        self._held: OrderedDict[ObservationKey, ObservedClip] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: ObservationKey) -> ObservedClip | None:
        """Return the observation of that key while its crops are still there."""
        with self._lock:
            observed = self._held.get(key)
            if observed is None or not observed.folder.is_dir():
                return None
            self._held.move_to_end(key)
            return observed

    def put(self, key: ObservationKey, observed: ObservedClip) -> ObservedClip:
        """Keep an observation; return the one that is kept.

        Where the same footage was observed twice at the same time, the first one stays, because somebody may be using
        its crops; those of the second are removed.
        """
        with self._lock:
            earlier = self._held.get(key)
            if earlier is not None and earlier.folder != observed.folder:
                unwanted = observed if earlier.folder.is_dir() else earlier
                remove_quietly(unwanted.folder)
                observed = earlier if unwanted is observed else observed
            self._held[key] = observed
            self._held.move_to_end(key)
            while len(self._held) > self._size:
                _, oldest = self._held.popitem(last=False)
                remove_quietly(oldest.folder)
        return observed

    def forget_incomplete(self) -> None:
        """Forget the observations some of whose crops were deleted, with the others: they show who was erased."""
        with self._lock:
            for key, observed in list(self._held.items()):
                samples = [sample for person in observed.observations for sample in person.samples]
                if any(sample.crop is not None and not sample.crop.is_file() for sample in samples):
                    del self._held[key]
                    remove_quietly(observed.folder)

    def clear(self) -> None:
        """Forget everything and remove the crops."""
        with self._lock:
            for observed in self._held.values():
                remove_quietly(observed.folder)
            self._held.clear()
