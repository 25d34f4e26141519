"""Keeps footage with its answers, and finds it again: the part of the service that the library belongs to."""

import dataclasses
import functools
import logging
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from biometric.entities import (
    AnswerKind,
    ClipOrder,
    ClipSearch,
    Enrollment,
    FrameRange,
    Identification,
    KeptAnswer,
    KeptClip,
    KeptUsage,
    NewAnswer,
    NewFootage,
    ObservedClip,
    Verification,
    VideoInfo,
    WantedObservation,
    clean_camera,
    clean_label,
    comparable_text,
)
from biometric.entities.audit import AuditAction, AuditEvent
from biometric.entities.model_cards import Role
from biometric.errors import BiometricError, UnknownClip
from biometric.ports import CropStore, FootageLibrary, Gallery, Models, VideoReader

logger = logging.getLogger(__name__)

THUMBNAIL_HEIGHT = 160
"""Pixels of a kept clip's thumbnail."""
THUMBNAIL_WITHIN = 100
"""The thumbnail is one of so many first frames: frames are counted by decoding, so later ones take long to reach."""
PAGE_SIZE = 24
SWEEP_SECONDS = 3600.0
"""How often a running server removes what is expired, whether anybody looks or not."""

Answer = Enrollment | Verification | Sequence[Identification] | NewAnswer
GalleryOf = Callable[[Path | None], Gallery]


@dataclass(frozen=True, slots=True)
class KeeperTools:
    """What the keeper works with beside the library.

    Attributes:
        gallery: the gallery in a folder, None for the configured one.
        samples: most samples embedded per track.
        linking, tracker: whether tracks of one person are put together, and what follows people.
        looking: which frames the detector looks at where it does not look at all.
        keep_sightings: what else is done with observation, answer, how it was made, and the clip's id.
    """

    reader: VideoReader
    crops: CropStore
    models: Models
    gallery: GalleryOf
    samples: int
    linking: bool = True
    tracker: str = "bytetrack"
    looking: str = ""
    keep_sightings: Callable[[ObservedClip, NewAnswer, str, str], None] | None = None


class FootageKeeper:
    """Keeps clips with their observations and answers; lists them, with the names that people have now.

    Methods may be called from several threads.
    """

    def __init__(self, open_library: Callable[[], FootageLibrary], tools: KeeperTools) -> None:
        self._open_library = open_library
        self._tools = tools
        self._sweeping: threading.Timer | None = None
        self._closed = False

    @functools.cached_property
    def library(self) -> FootageLibrary:
        """The library itself."""
        return self._open_library()

    @property
    def keeps_anything(self) -> bool:
        """Whether the settings let anything be kept."""
        return self.library.keeps_anything

    def keep(
        self,
        observed: ObservedClip,
        answer: Answer,
        *,
        gallery: Path | None = None,
        own_file: bool = False,
        replaces: str | None = None,
    ) -> KeptAnswer | None:
        """Keep an answer with what it was decided on: clip, observation, crops.

        Takes as long as copying the clip; nothing is decoded but the thumbnail, from the clip's beginning.

        Args:
            observed: what was answered about; its clip is on disk.
            answer: the answer, or its kept form.
            gallery: folder of the gallery that was asked (of a `NewAnswer`, its own); None: the configured one.
            own_file: the clip is an upload of this program, so that it may be linked instead of copied.
            replaces: id of the kept answer that this one corrects (another threshold, another person), which it takes
                the place of; None: a new line of the history.

        Returns:
            The kept answer; None where the settings let nothing, or nothing of this size, be kept.

        Raises:
            KeptFootageError, StorageFull: it could not be kept; the answer itself is not affected.
        """
        if not self.keeps_anything:
            return None
        new = answer if isinstance(answer, NewAnswer) else NewAnswer.of(answer, gallery)
        footage = NewFootage(observed, self.made_with(observed.looks is None), self._thumbnail(observed), own_file)
        kept = self.library.keep(footage, new, replaces)
        if kept is not None and self._tools.keep_sightings is not None:
            self._tools.keep_sightings(observed, new, footage.made_with, kept.clip_id)
        return kept

    def made_with(self, thorough: bool) -> str:
        """Return with what clips are looked at now, but for the encoder, as one line."""
        detectors = [status.card for status in self._tools.models.status() if status.role == Role.DETECTOR]
        linked = ", linked" if self._tools.linking else ""
        looking = "" if thorough else f", {self._tools.looking}"
        return f"{'/'.join(detectors)}, {self._tools.tracker}, {self._tools.samples} samples{linked}{looking}"

    def _thumbnail(self, observed: ObservedClip) -> bytes | None:
        """Return a small JPEG of the frame in which somebody is seen best, where that is soon; None where it fails."""
        best = [person.best for person in observed.observations]
        frames = sorted(sample.detection.frame_index for sample in best if sample is not None)
        index = next((frame for frame in frames if frame < THUMBNAIL_WITHIN), 0)
        try:
            frame = self._tools.reader.grab(observed.path, [index])[index]
            return self._tools.crops.shrunken(frame.image, THUMBNAIL_HEIGHT)
        except (BiometricError, KeyError, OSError) as error:
            logger.warning("No thumbnail of %s: %s", observed.label, error)
            return None

    def find(
        self, clip: Path, label: str | None, video: VideoInfo, frames: FrameRange, accept_damaged: bool, thorough: bool
    ) -> ObservedClip | None:
        """Return what was seen in these frames of the same file in the same way, if it is kept and whole."""
        try:
            model, made_with = self._tools.models.embedder_id(), self.made_with(thorough)
            wanted = WantedObservation(video.digest, frames, model, made_with)
            kept = self.library.find_observation(wanted)
        except BiometricError:
            return None  # it is looked at anew
        if kept is None or kept.edited or _missing_crops(kept):
            return None
        label = clean_label(label or clip.name)
        return dataclasses.replace(kept, path=clip, label=label, damage_accepted=accept_damaged)

    def with_camera(self, observed: ObservedClip, camera: str | None = None) -> ObservedClip:
        """Return an observation with the camera as it is given, "" for the unknown one.

        None: as the library has it where it keeps the clip, else as the file names it. Raises `InvalidCamera`.
        """
        if camera is not None:
            return dataclasses.replace(observed, camera=clean_camera(camera), camera_given=True)
        try:
            kept = self.library.camera_of(observed.video.digest)
        except BiometricError:
            kept = None
        return dataclasses.replace(observed, camera=observed.video.camera if kept is None else kept, camera_given=False)

    def clips(
        self, text: str = "", order: ClipOrder = ClipOrder.NEWEST, limit: int = PAGE_SIZE, offset: int = 0
    ) -> tuple[list[KeptClip], int]:
        """Return kept clips whose name, camera, or somebody found in them contains a text, and how many there are.

        Raises:
            KeptFootageError: the library cannot be read.
            GalleryError: names are searched, and the gallery cannot be read.
        """
        part = comparable_text(text)
        found = tuple(key for key, name in self.names().items() if part in comparable_text(name)) if part else ()
        return self.library.clips(ClipSearch(part, found, order, limit, offset))

    def clip(self, clip_id: str) -> KeptClip:
        """Return a kept clip with its answers. Raises `UnknownClip`, `KeptFootageError`."""
        return self.library.clip(clip_id)

    def answer(self, clip_id: str, answer_id: str | None = None) -> KeptAnswer:
        """Return an answer about a kept clip, None: the newest. Raises `UnknownClip`."""
        clip = self.library.clip(clip_id)
        for answer in clip.answers:
            if answer_id in (None, answer.id):
                return answer
        raise UnknownClip("This answer about {label} is no longer in the library.", label=clip.label)

    def history(
        self, kind: AnswerKind | None = None, limit: int = 100, offset: int = 0
    ) -> tuple[list[KeptAnswer], int]:
        """Return who was enrolled, verified and identified in kept clips, newest first, and how many answers there are.

        Raises `KeptFootageError`.
        """
        return self.library.answers(kind, limit, offset)

    def observation(self, answer: KeptAnswer) -> ObservedClip:
        """Return what an answer was decided on, without decoding and without a model.

        `enroll`, `verify` and `identify` decide on it anew while `is_current` says so.

        Raises:
            UnknownClip: it is not there any more.
            KeptFootageCorrupt: it cannot be read; the clip can be looked at anew.
        """
        observed = self.with_camera(self.library.observation(answer))
        missing = _missing_crops(observed)
        return _without_crops(observed, missing) if missing else observed

    def is_current(self, answer: KeptAnswer) -> bool:
        """Whether the templates are of the model in use; those of another cannot be compared, only made anew."""
        return answer.model_id == self._tools.models.embedder_id()

    def names(self, galleries: Collection[Path | None] = (None,)) -> dict[str, str]:
        """Return the names that people of these galleries have now, by identity id. Raises `GalleryError`."""
        return {
            identity.id: identity.name
            for gallery in galleries
            for identity in self._tools.gallery(gallery).identities()
        }

    def usage(self) -> KeptUsage:
        """Return how much is kept, and the limits. Raises `KeptFootageError`."""
        return self.library.usage()

    def set_camera(self, clip_id: str, camera: str) -> KeptClip:
        """Write down which camera a clip is from; "" for none. Raises `UnknownClip`, `InvalidCamera`."""
        return self.library.set_camera(clip_id, camera)

    def remove(self, clip_id: str) -> KeptClip:
        """Remove a clip with all that is kept of it, at once and for good. Raises `UnknownClip`, `KeptFootageError`."""
        removed = self.library.remove(clip_id)
        gallery = self._tools.gallery(None)
        if gallery.revision():
            gallery.audit.record(AuditEvent(AuditAction.FOOTAGE_REMOVED, details={"input": removed.digest}))
        return removed

    def forget_person(self, identity_id: str, crops: Mapping[str, Collection[str]]) -> int:
        """Let the library hold nothing measured of somebody: see `FootageLibrary.forget_person`."""
        return self.library.forget_person(identity_id, crops)

    def answered_identities(self) -> set[str]:
        """Return the ids of all identities that kept answers are about. Raises `KeptFootageError`."""
        return self.library.answered_identities()

    @property
    def folder(self) -> Path:
        """The library's folder."""
        return self.library.folder

    def start_sweeping(self, seconds: float = SWEEP_SECONDS) -> None:
        """Remove what is expired now and from time to time, until `close`."""
        try:
            self.library.sweep()
        except BiometricError as error:
            logger.warning("The library of footage could not be swept: %s", error)
        if not self._closed:
            self._sweeping = threading.Timer(seconds, self.start_sweeping, [seconds])
            self._sweeping.daemon = True
            self._sweeping.start()

    def close(self) -> None:
        """Stop sweeping."""
        self._closed = True
        if self._sweeping is not None:
            self._sweeping.cancel()


def _missing_crops(observed: ObservedClip) -> set[Path]:
    crops = {sample.crop for person in observed.observations for sample in person.samples}
    return {crop for crop in crops if crop is not None and not crop.is_file()}


def _without_crops(observed: ObservedClip, gone: Collection[Path]) -> ObservedClip:
    people = [
        dataclasses.replace(
            person,
            samples=tuple(
                dataclasses.replace(sample, crop=None) if sample.crop in gone else sample for sample in person.samples
            ),
        )
        for person in observed.observations
    ]
    return dataclasses.replace(observed, observations=tuple(people))
