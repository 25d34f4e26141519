"""The one service behind the page, the API and the command line.

Observing is slow and happens once a clip and range; enrolling, verifying and identifying are arithmetic on the
result. Nothing here knows a vendor library: adapters come in through the Protocols of `ports`.
"""

import dataclasses
import functools
import shutil
from collections.abc import Collection, Generator, Mapping, Sequence
from pathlib import Path

from biometric.adapters import Adapters
from biometric.calibration.gallery_calibration import GalleryCalibration
from biometric.domain import audit_events, recognition, search_loading
from biometric.domain.person_editor import PersonEditor
from biometric.domain.selection import Rules
from biometric.domain.thresholds import for_camera, threshold_in_force
from biometric.domain.verdict_desk import VerdictDesk
from biometric.entities import (
    Calibration,
    Enrollment,
    Frame,
    FrameRange,
    Identification,
    ObservedClip,
    Progress,
    Purpose,
    Threshold,
    Verification,
    VideoInfo,
    clean_camera,
)
from biometric.entities.calibration_footage import TargetRate
from biometric.entities.life_cycle import NOTHING_GIVEN, GivenBasis
from biometric.erasing.derivative_register import DerivativeRegister
from biometric.erasing.people_eraser import PeopleEraser
from biometric.footage_keeper import FootageKeeper, KeeperTools
from biometric.open_galleries import OpenGalleries
from biometric.pipeline.answer_pictures import AnswerPictures
from biometric.pipeline.clip_observer import ClipObserver
from biometric.pipeline.frame_ranges import checked_range
from biometric.pipeline.probed_clips import ProbedClips
from biometric.pipeline.sparse_detection import LookIntervals
from biometric.pipeline.streaming import FrameSource
from biometric.ports import Gallery
from biometric.redactor import Redactor
from biometric.results.answer_files import Outputs, clip_folder_name
from biometric.results.report_content import ReportSources, report_of
from biometric.results.report_files import check_report_file, write_report
from biometric.settings import Settings
from biometric.sighting_desk import DeskTools, SightingDesk, SightingRules


class Sightline:
    """Observe clips; enroll, verify and identify the people in them.

    Observations stay in memory and their crops in `workspace` while they are among the latest, so repeating one is
    instant. Methods may be called from several threads. `verdicts` takes what people say of answers, `edits` joins and
    splits the people of an observation, `redactor` hides people in footage, `register` writes down what was written
    about whom, `eraser` deletes people, `sightings` finds who was seen where and when.
    """

    def __init__(self, settings: Settings, adapters: Adapters, workspace: Path) -> None:
        self.settings = settings
        self.models, self.crops = adapters.models, adapters.crops
        self._adapters, self._workspace = adapters, workspace
        skips = not settings.thorough and settings.analysis_fps > 0
        seeing = adapters.crops, adapters.new_tracker, adapters.sharpness, adapters.small_grey if skips else None
        intervals = LookIntervals(settings.quiet_seconds, settings.bridged_seconds)
        self._observer = ClipObserver(*seeing, workspace, Rules(samples=settings.samples), settings.linking, intervals)
        self._pictures = AnswerPictures(adapters.crops, adapters.sharpness, adapters.models.robustness)
        self._galleries, self._clips = OpenGalleries(adapters.open_gallery), ProbedClips(adapters.reader)
        unadapted = functools.partial(self.threshold, adapted=False)
        desk = DeskTools(self.gallery, unadapted, self._pictures.of_crops)
        self.sightings = SightingDesk(SightingRules.of(settings), desk)
        seen_with = adapters.reader, adapters.crops, adapters.models, self.gallery, settings.samples, settings.linking
        keeping = settings.tracker, str(intervals), self.sightings.keep_quietly
        self.library = FootageKeeper(adapters.open_library, KeeperTools(*seen_with, *keeping))
        self.edits = PersonEditor(unadapted)
        self.verdicts = VerdictDesk(self.gallery)
        self.redactor = Redactor(adapters, workspace, self)
        self.register = DerivativeRegister(self.gallery)
        folders = settings.query, settings.temp
        self.eraser = PeopleEraser(self.gallery, self.library, folders, self._observer.forget_incomplete)

    def probe(self, clip: Path) -> VideoInfo:
        """Check and describe a clip; kept while the file does not change. Raises the `ClipError` family."""
        return self._clips.probe(clip)

    def remember(self, clip: Path, video: VideoInfo) -> None:
        """Take over the description of a clip that the library has kept, so that it need not be probed."""
        self._clips.remember(clip, video)

    def preview(self, clip: Path, indices: Sequence[int]) -> dict[int, Frame]:
        """Return single frames by number."""
        return self._adapters.reader.grab(clip, indices)

    def proxy(self, clip: Path, destination: Path) -> Generator[Progress, None, None]:
        """Write a small copy of the clip that browsers play."""
        return self._adapters.writer.proxy(clip, destination)

    def observe(
        self,
        clip: Path,
        frames: FrameRange | None = None,
        *,
        label: str | None = None,
        accept_damaged: bool = False,
        camera: str | None = None,
        thorough: bool = False,
    ) -> Generator[Progress, None, ObservedClip]:
        """Find and describe the people in a frame range (None: the whole clip); the return value is the result.

        Exactly the frames of the range are read; of those, about `settings.analysis_fps` per second are analysed.
        A range observed recently, or kept in the library, is answered at once. Closing the generator stops the work.

        Args:
            label: the clip's name for people, where the file's own name is meaningless.
            accept_damaged: use a clip that cannot be read to its claimed end, up to where it can be read.
            camera: which one it is from, "" for the unknown one; None: as the library or the file says.
            thorough: people are looked for in each analysed frame, as always with `settings.thorough` and exact mode.

        Raises:
            InvalidCamera, ClipError: its name cannot be used; the clip cannot be read over the range.
            InvalidFrameRange: the range is outside the clip.
            ModelError: weights are missing or do not fit.
        """
        clean_camera(camera or "")
        video = self.probe(clip)
        frames, warnings = checked_range(video, frames, accept_damaged, self.settings.analysis_fps)
        yield from search_loading.load_searches(self.gallery(), self.threshold)
        thorough = thorough or video.photograph or self._observer.looks_everywhere
        kept = self.library.find(clip, label, video, frames, accept_damaged, thorough)
        if kept is not None:
            return self.library.with_camera(kept, camera)
        footage = FrameSource(self._adapters.reader, clip, video, frames)
        observed = yield from self._observer.observe(footage, label or clip.name, self.models, thorough)
        said = (*warnings, *observed.warnings, *self.models.notices())
        observed = dataclasses.replace(observed, warnings=said, damage_accepted=accept_damaged)
        return self.library.with_camera(observed, camera)

    def reload_models(self) -> None:
        """Release models and observations, while none is made; the best weights here serve from the next use on."""
        self.models.close()
        self.forget_observations()

    def forget_observations(self) -> None:
        """Drop all kept observations and their crops; the next `observe` starts anew."""
        self._observer.forget()

    def enroll(
        self,
        observed: ObservedClip,
        name: str,
        person: int | None = None,
        *,
        dropped: Collection[str] = (),
        gallery: Path | None = None,
        add: bool = False,
        force: bool = False,
        given: GivenBasis = NOTHING_GIVEN,
    ) -> Enrollment:
        """Store one observed person under a name: see `recognition.enroll`."""
        opened, threshold = self.gallery(gallery), functools.partial(self.threshold, gallery=gallery)
        store = functools.partial(recognition.enroll, add=add, force=force, given=given)
        enrolled = store(opened, observed, name, person, dropped, threshold)
        return self._pictures.checked_enrollment(opened, enrolled)

    def verify(
        self,
        observed: ObservedClip,
        name: str,
        person: int | None = None,
        *,
        threshold: float | None = None,
        gallery: Path | None = None,
    ) -> Verification:
        """Decide whether one observed person is who they claim to be: see `recognition.verify`."""
        opened = self.gallery(gallery)
        limit = for_camera(self.threshold("verification", threshold, gallery), opened, observed.camera)
        verification = recognition.verify(opened, observed, name, person, limit)
        audit_events.record_verification(opened, observed, verification)
        return self._pictures.checked_verification(opened, verification)

    def identify(
        self, observed: ObservedClip, *, threshold: float | None = None, gallery: Path | None = None
    ) -> tuple[Identification, ...]:
        """Decide for each observed person on their own who they are: see `recognition.identify`."""
        opened = self.gallery(gallery)
        limit = for_camera(self.threshold("identification", threshold, gallery), opened, observed.camera)
        identifications = recognition.identify(opened, observed, limit)
        audit_events.record_identification(opened, observed, identifications)
        return tuple(self._pictures.checked_identification(opened, item) for item in identifications)

    def check_outputs(
        self, clip: Path, frames: FrameRange | None = None, folder: Path | None = None, *, label: str | None = None
    ) -> None:
        """Find out before `observe` whether `write_outputs` can write. Raises `StorageFull`, `ClipError`."""
        video = self.probe(clip)
        target = self._output_folder(label or clip.name, video, folder)
        self._adapters.outputs.check(target, video, frames or FrameRange(0, max(1, video.frame_count)))

    def write_outputs(
        self,
        observed: ObservedClip,
        identifications: Sequence[Identification],
        folder: Path | None = None,
        gallery: Path | None = None,
    ) -> Generator[Progress, None, Outputs]:
        """Write crops, CSV, JSON, timeline and annotated clip under `folder` (default: the query folder).

        They appear together when all are complete; where that fails or is stopped, no file is left.
        """
        target = self._output_folder(observed.label, observed.video, folder)
        written = yield from self._adapters.outputs.write(observed, identifications, target)
        self.register.results(observed, identifications, written, gallery)
        return written

    def check_report(self, clip: Path, destination: Path) -> None:
        """Find out before `observe` whether a report can be written; see `report_files.check_report_file`."""
        check_report_file(destination, clip)

    def write_report(
        self,
        observed: ObservedClip,
        answer: Verification | Sequence[Identification],
        destination: Path,
        gallery: Path | None = None,
    ) -> None:
        """Write an answer as a report for people: HTML or PDF, by the ending; an older file there is replaced.

        Raises `InvalidInput`: the ending is neither; `StorageFull`, `GalleryError`: it cannot be written, or made.
        """
        sources = ReportSources(self.gallery(gallery), self.crops, self.models.detector().name)
        write_report(report_of(observed, answer, sources), destination)
        self.register.report(answer, destination, gallery)

    def _output_folder(self, label: str, video: VideoInfo, folder: Path | None) -> Path:
        return (folder or self.settings.query) / clip_folder_name(label, video.digest)

    def threshold(
        self, purpose: Purpose, value: float | None = None, gallery: Path | None = None, *, adapted: bool = True
    ) -> Threshold:
        """The threshold to decide by: `value` where given, else the default; see `threshold_in_force`.

        Raises `InvalidThreshold`: not a number in [-1, 1]; `GalleryError`: the gallery cannot be read.
        """
        return threshold_in_force(self.models, self.gallery(gallery), purpose, value, adapted=adapted)

    def calibrations(self, gallery: Path | None = None) -> GalleryCalibration:
        """What calibrates a gallery step by step, and knows its history."""
        return GalleryCalibration(self.gallery(gallery), self.models, self.observe)

    def calibration(self, gallery: Path | None = None) -> Calibration | None:
        """The gallery's calibration in force with the model in use, or None. Raises the `GalleryError` family."""
        return self.calibrations(gallery).in_force()

    def calibrate(
        self,
        clips: Sequence[Path] = (),
        *,
        target_fmr: TargetRate,
        target_fpir: TargetRate | None = None,
        gallery: Path | None = None,
        force: bool = False,
        cameras: Mapping[Path, str] | None = None,
        keep_cohort: int | None = None,
    ) -> Generator[Progress, None, Calibration]:
        """Read whole, unlabelled clips, fit thresholds to them and the gallery, and put these in force.

        Closing the generator stops the work. Then, and when it is refused, the former ones stay.

        Args:
            target_fmr, target_fpir, keep_cohort: as of `GalleryCalibration.propose`.
            force, cameras: also use thresholds below the model card's; cameras of clips, where the caller knows them.

        Raises:
            CalibrationRefused: too little data for the targets; the message says how much more is needed.
            InvalidInput: a target is no rate; `ThresholdBelowCard`: it takes `force`.
            ClipError, ModelError, GalleryError: the work cannot be done.
        """
        calibrations = self.calibrations(gallery)
        read, notes = yield from calibrations.read_clips(clips, cameras)
        fit = functools.partial(calibrations.fit, read, notes=notes, force=force)
        return (yield from fit(target_fmr=target_fmr, target_fpir=target_fpir, keep_cohort=keep_cohort))[0]

    # --- gallery -------------------------------------------------------------------------------------------------

    def gallery(self, folder: Path | None = None) -> Gallery:
        """The gallery in a folder (default: the configured one), opened once."""
        return self._galleries.get(folder or self.settings.gallery)

    def close(self) -> None:
        """Release galleries and remove the crops of kept observations."""
        self.library.close()
        self._galleries.close()
        self._observer.forget()
        shutil.rmtree(self._workspace, ignore_errors=True)
