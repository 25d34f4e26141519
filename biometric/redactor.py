"""Hides people in footage: the part of the service that plans it, has it written, and measures what hiding leaves."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from biometric.adapters import Adapters
from biometric.domain import audit_events, recognition
from biometric.domain.hidden_regions import SeenPeople, bridged_boxes, without_duplicates
from biometric.domain.redaction_choice import ShownPeople, boxes_of_people, require_recognised, shown_people
from biometric.domain.selection import Rules
from biometric.entities import (
    FrameRange,
    Identification,
    Notice,
    ObservedClip,
    Progress,
    Purpose,
    Threshold,
    VideoInfo,
)
from biometric.entities.redaction import (
    DEFAULT_MARGIN,
    Hiding,
    Redaction,
    RedactionChoice,
    RedactionOptions,
    WhoIsHidden,
)
from biometric.entities.redaction_measure import RedactionMeasure
from biometric.erasing.derivative_register import DerivativeRegister
from biometric.errors import RedactionError
from biometric.footage_keeper import FootageKeeper
from biometric.pipeline.hiding_measure import MeasuredFootage, MeasuringTools, measure_hiding
from biometric.pipeline.people_looking import Describing, describe_everybody, look_at_everybody
from biometric.pipeline.redacting import RedactingTools, RedactionPlan, Written, write_redacted
from biometric.pipeline.redaction_requests import check_destination, every_frame, not_written
from biometric.pipeline.streaming import FrameSource
from biometric.ports import Gallery
from biometric.results.answer_files import clip_folder_name
from biometric.results.redaction_defaults import read_default, save_default
from biometric.settings import Settings
from biometric.storage import file_digest, free_file, make_private_folder


class Answering(Protocol):
    """What the redactor asks the service for (`Sightline`)."""

    @property
    def settings(self) -> Settings:
        """What the service works with."""

    @property
    def register(self) -> DerivativeRegister:
        """What writes down who is shown in which file."""

    @property
    def library(self) -> FootageKeeper:
        """What knows the cameras of clips."""

    def probe(self, clip: Path) -> VideoInfo:
        """Check and describe a clip."""

    def gallery(self, folder: Path | None = None) -> Gallery:
        """The gallery in a folder, None for the configured one."""

    def threshold(self, purpose: Purpose, value: float | None = None, gallery: Path | None = None) -> Threshold:
        """The threshold to decide by: `value` where given, else the default."""

    def identify(
        self, observed: ObservedClip, *, threshold: float | None = None, gallery: Path | None = None
    ) -> tuple[Identification, ...]:
        """Decide for each observed person who they are."""


class Redactor:
    """Writes clips and photographs in which people are hidden. Methods may be called from several threads.

    Args:
        workspace: folder for the crops of one redaction.
        answering: the service.
    """

    def __init__(self, adapters: Adapters, workspace: Path, answering: Answering) -> None:
        self._adapters, self._workspace, self._answering = adapters, workspace, answering

    def default_hiding(self) -> tuple[Hiding, bool]:
        """How people are hidden where nothing is said, and whether that was measured on this computer's footage."""
        return read_default(self._answering.settings.data, self._adapters.models.embedder_id())

    def redact(
        self,
        clip: Path,
        destination: Path | None = None,
        choice: RedactionChoice | None = None,
        options: RedactionOptions | None = None,
        frames: FrameRange | None = None,
        *,
        label: str | None = None,
        accept_damaged: bool = False,
        camera: str | None = None,
        threshold: float | None = None,
        gallery: Path | None = None,
    ) -> Generator[Progress, None, Redaction]:
        """Write footage in which people are hidden; the return value is the result.

        Every frame is looked at. Whoever is not surely to be shown is hidden. The result has the same number of frames
        at the same times and in the same size, and none of the metadata of the file. Then people are detected in it
        again: see `write_redacted`. Closing the generator leaves no file.

        Args:
            destination: the file to write, an MP4 (of a photograph a JPEG); an older one is replaced. None: a new one
                in the clip's query folder.
            choice: whom to hide; None: everybody.
            frames: None: the whole clip.
            label: the clip's name for people, where the file's own name is meaningless.
            accept_damaged: use a clip that cannot be read to its claimed end, up to where it can be read.
            camera, threshold, gallery: as of `Sightline.observe` and `Sightline.identify`, where people are chosen;
                for people to hide a threshold above the default is the default, or they would be shown.

        Raises:
            InvalidInput: the destination is the clip itself, a folder, or has another ending; nobody of a name is
                enrolled, or all references of somebody who is to be hidden have expired.
            DamagedClip: the clip is damaged, and that was not accepted.
            ClipError, InvalidFrameRange: the clip cannot be read over the range.
            EmptyGallery: nobody is enrolled, and people are to be told apart.
            PeopleRemain: somebody who should be hidden is seen in the result, and that was not allowed.
            SoundNotKept: the sound is to be kept and cannot be.
            ModelError: weights are missing or do not fit.
            StorageFull: the destination cannot be written.
        """
        choice = RedactionChoice() if choice is None else choice
        options = RedactionOptions() if options is None else options
        video = self._answering.probe(clip)
        wanted, warnings = every_frame(video, frames, accept_damaged)
        destination = destination or self._usual_file(clip.name if label is None else label, video, wanted)
        check_destination(clip, destination, video)
        named = self._named(choice, gallery, warnings)
        keep_sound = options.keep_sound and not video.photograph and self._adapters.writer.has_sound(clip)
        yield Progress("Loading models", 0, 0)
        source = FrameSource(self._adapters.reader, clip, video, wanted, accept_damaged)
        if choice.needs_gallery:
            ask = _Question(camera, threshold, gallery)
            seen, shown, rows = yield from self._look_and_identify(source, choice, named, ask)
        else:
            seen = yield from look_at_everybody(source, self._adapters.models.detector(), self._adapters.new_tracker)
            shown, rows = ShownPeople(frozenset()), np.zeros(len(seen.tracks), np.bool_)
        hiding, measured = (options.hiding, False) if options.hiding is not None else self.default_hiding()
        plan = RedactionPlan(
            clip=clip,
            video=video,
            frames=FrameRange(seen.first_frame, seen.last_frame + 1),
            hidden=bridged_boxes(seen, without_duplicates(seen, rows)),
            shown=bridged_boxes(seen, rows),
            hiding=hiding,
            margin=options.margin,
            keep_sound=keep_sound,
            allow_remaining=options.allow_remaining,
        )
        redaction = Redaction(
            path=destination,
            frames=plan.frames,
            hiding=hiding,
            measured=measured,
            choice=choice,
            margin=options.margin,
            sound_kept=plan.keep_sound,
            hidden_regions=0,
            shown=shown.names,
            unsure=shown.unsure,
            added=0,
            remaining=(),
        )
        digests = video.digest, ""

        def tell(path: Path, written: Written) -> None:
            nonlocal redaction, digests
            redaction = replace(redaction, added=written.added, remaining=written.remaining)
            digests = video.digest, file_digest(path)
            audit_events.record_redaction(self._answering.gallery(gallery), redaction, shown.identity_ids, digests)

        try:
            written = yield from write_redacted(self._tools(), plan, destination, tell)
        except OSError as error:
            raise not_written(destination, error) from error
        self._answering.register.hidden_clip(destination, shown.identity_ids, digests[0], gallery, digests[1])
        regions = sum(len(written.plan.regions(frame)) for frame in range(plan.frames.start, plan.frames.stop))
        return replace(redaction, hidden_regions=regions, warnings=(*warnings, *self._adapters.models.notices()))

    def measure(
        self,
        clip: Path,
        frames: FrameRange | None = None,
        *,
        margin: float = DEFAULT_MARGIN,
        accept_damaged: bool = False,
    ) -> Generator[Progress, None, RedactionMeasure]:
        """Measure what each way of hiding leaves of the people of a clip; the return value is the result.

        Everybody is hidden in each way, and detected and recognised again. The weakest setting under which recognising
        is no better than guessing is how people are hidden from now on where nothing else is said (`default_hiding`).

        Raises:
            TooFewPeople: fewer than two people can be compared.
            ClipError, InvalidFrameRange, ModelError: as of `redact`.
            StorageFull: the measurement cannot be stored.
        """
        options = RedactionOptions(margin=margin)
        video = self._answering.probe(clip)
        wanted, _ = every_frame(video, frames, accept_damaged)
        source = FrameSource(self._adapters.reader, clip, video, wanted, accept_damaged)
        seen, observed = yield from describe_everybody(source, self._describing(), linking=True)
        everybody = np.ones(len(seen.tracks), np.bool_)
        hidden = bridged_boxes(seen, everybody)
        models, tools = self._adapters.models, self._tools()
        measuring = MeasuringTools(tools.detector, models.embedder(), tools.hide_pixels)
        footage = MeasuredFootage(source, seen, observed.observations, hidden, options.margin)
        threshold = models.card_threshold("verification").value
        measure = yield from measure_hiding(measuring, footage, threshold)
        save_default(self._answering.settings.data, measure)
        return measure

    def chart_file(self, clip: Path) -> Path:
        """The usual file of a measurement's chart, in the clip's query folder, which is made."""
        return self._query_folder(clip.name, self._answering.probe(clip)) / "hiding.png"

    def _look_and_identify(
        self, source: FrameSource, choice: RedactionChoice, named: Sequence[str], ask: "_Question"
    ) -> Generator[Progress, None, tuple[SeenPeople, ShownPeople, NDArray[np.bool_]]]:
        """Find, follow and identify everybody; the last value says which boxes are of people who are shown, (N,)."""
        # A track that is shown must be sure by itself, so tracks are not linked; to find somebody who is to be hidden,
        # what was linked counts, too.
        only = choice.who is WhoIsHidden.ONLY
        seen, observed = yield from describe_everybody(source, self._describing(), linking=only)
        observed = self._answering.library.with_camera(observed, ask.camera)
        if not observed.usable:  # nobody can be identified, so nobody is shown
            return seen, ShownPeople(frozenset(), unsure=len(observed.observations)), np.zeros(len(seen.tracks), bool)
        above = only and ask.threshold is not None and self._is_above_default(ask)
        threshold = None if above else ask.threshold
        identifications = self._answering.identify(observed, threshold=threshold, gallery=ask.gallery)
        shown = shown_people(choice, named, identifications)
        return seen, shown, boxes_of_people(seen, observed.observations, shown.people)

    def _is_above_default(self, ask: "_Question") -> bool:
        """Whether fewer people would be taken for somebody than by default. Raises `InvalidThreshold`."""
        asked = self._answering.threshold("identification", ask.threshold, ask.gallery)
        return asked.value > self._answering.threshold("identification", None, ask.gallery).value

    def _usual_file(self, label: str, video: VideoInfo, frames: FrameRange) -> Path:
        last, ending = min(frames.last, video.frame_count - 1), "jpg" if video.photograph else "mp4"
        return free_file(self._query_folder(label, video) / f"{frames.first:08d}-{last:08d}-hidden.{ending}")

    def _query_folder(self, label: str, video: VideoInfo) -> Path:
        folder = self._answering.settings.query / clip_folder_name(label, video.digest)
        try:
            make_private_folder(folder)
        except OSError as error:
            raise not_written(folder, error) from error
        return folder

    def _named(self, choice: RedactionChoice, gallery: Path | None, warnings: list[Notice]) -> list[str]:
        """Return whom the names mean, before anything is read; `warnings` get what else should be known of them.

        Raises:
            UnknownIdentity, EmptyGallery: there is nobody of a name, or nobody at all.
            InvalidInput: people are to be hidden who cannot be recognised, so that they would be shown.
        """
        if not choice.needs_gallery:
            return []
        self._adapters.models.resolve_embedder()
        opened = self._answering.gallery(gallery)
        recognition.require_comparable(opened, self._adapters.models.embedder_id())
        named = [opened.find(name) for name in choice.names]
        if choice.who is WhoIsHidden.ONLY:
            warnings += require_recognised(opened, named)
        return [identity.id for identity in named]

    def _describing(self) -> Describing:
        adapters, rules = self._adapters, Rules(samples=self._answering.settings.samples)
        return Describing(
            adapters.crops, adapters.new_tracker, adapters.sharpness, adapters.models, self._workspace, rules
        )

    def _tools(self) -> RedactingTools:
        adapters = self._adapters
        if adapters.hide_pixels is None or adapters.save_picture is None:
            raise RedactionError("This service was made without what hides people. Make it with bootstrap.build.")
        writing = adapters.reader, adapters.writer, adapters.save_picture
        return RedactingTools(*writing, adapters.hide_pixels, adapters.models.detector())


@dataclass(frozen=True, slots=True)
class _Question:
    camera: str | None
    threshold: float | None
    gallery: Path | None
