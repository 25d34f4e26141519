"""Keeps who is seen in kept footage, and finds them again: the part of the service that sightings belong to."""

import dataclasses
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from biometric.domain.constraints import probe_record
from biometric.domain.seen_together import seen_together
from biometric.entities import (
    Adapting,
    AnsweredPerson,
    NewAnswer,
    Observation,
    ObservedClip,
    Purpose,
    Template,
    Threshold,
)
from biometric.entities.audit import AuditAction, AuditEvent, AuditValue
from biometric.entities.clip_times import clip_time, with_zone
from biometric.entities.picture_detail import PictureDetail
from biometric.entities.sighting_queries import LookedBack, SightingFilter, SightingHit, SightingHits
from biometric.entities.sightings import ClipTime, NewAnalysis, NewSighting, Sighting, SightingDecision
from biometric.errors import BasisMissing, BiometricError, InvalidInput
from biometric.ports import Gallery
from biometric.settings import Settings

logger = logging.getLogger(__name__)

BOXES = 64
"""Most boxes that are kept of a sighting: enough to know the person again in the same footage."""

LOOKED_BACK = 100
"""Most older sightings that are proposed after an enrollment."""

GalleryOf = Callable[[Path | None], Gallery]


@dataclass(frozen=True, slots=True)
class SightingRules:
    """What is kept of sightings; attributes as of the settings."""

    keep_sightings: bool = True
    sighting_hours: float = 72.0
    clip_time_pattern: str = ""
    clip_time_zone: str = ""

    @classmethod
    def of(cls, settings: Settings) -> "SightingRules":
        """Return those of the settings."""
        return cls(**{field.name: getattr(settings, field.name) for field in dataclasses.fields(cls)})


@dataclass(frozen=True, slots=True)
class DeskTools:
    """What the desk works with.

    Attributes:
        gallery: the gallery in a folder, None for the configured one.
        threshold: for what, the value where one is given, and of which gallery: for scores as they are.
        detail: what crops allow; None where none of them can be read.
    """

    gallery: GalleryOf
    threshold: Callable[[Purpose, float | None, Path | None], Threshold]
    detail: Callable[[Sequence[Path]], PictureDetail | None]


class SightingDesk:
    """Keeps and finds sightings. Methods may be called from several threads."""

    def __init__(self, rules: SightingRules, tools: DeskTools) -> None:
        self.rules = rules
        self._tools = tools

    # --- keeping -------------------------------------------------------------------------------------------------

    def keep(
        self,
        observed: ObservedClip,
        answer: NewAnswer,
        made_with: str,
        clip_id: str = "",
        *,
        recorded_at: datetime | None = None,
    ) -> tuple[Sighting, ...]:
        """Keep the people of an answered clip as sightings; nothing where the settings say so.

        Args:
            made_with: what decided the observation besides clip, frames and embedder.
            clip_id: of the library of footage; "" where it is not kept there.
            recorded_at: when the first frame was recorded, where the caller knows better than the file.

        Raises:
            BasisMissing: the gallery has no default basis, so nothing is kept.
            GalleryError, StorageFull: they could not be kept.
        """
        if not self.rules.keep_sightings:
            return ()
        gallery = self._tools.gallery(answer.gallery)
        usable = observed.usable
        together = seen_together([person.tracklet.detections for person in usable]).clear
        answered = {person.person: person for person in answer.people}
        people = []
        for place, person in enumerate(usable):
            others = [other.person for other, count in zip(usable, together[place], strict=True) if count]
            decision = self._decision(gallery, observed, person, answered.get(person.person), answer.threshold)
            people.append(
                self._new(observed, person, decision, tuple(other for other in others if other != person.person))
            )
        analysis = NewAnalysis(
            clip_digest=observed.video.digest,
            clip_name=observed.label,
            clip_id=clip_id,
            camera=observed.camera,
            time=self.time_of(observed, recorded_at),
            frames=observed.frames,
            model_id=observed.model_id,
            made_with=made_with,
            people=tuple(people),
        )
        return gallery.sightings.keep(analysis, self.rules.sighting_hours)

    def keep_quietly(self, observed: ObservedClip, answer: NewAnswer, made_with: str, clip_id: str) -> None:
        """Keep sightings beside an answer that stands whatever becomes of them: what fails is logged."""
        try:
            self.keep(observed, answer, made_with, clip_id)
        except BasisMissing:
            logger.warning("No sightings were kept: the gallery has no default legal basis (gallery basis).")
        except BiometricError as error:
            logger.warning("Sightings of %s could not be kept: %s", observed.label, error)

    def time_of(self, observed: ObservedClip, given: datetime | None = None) -> ClipTime:
        """Return when a clip was recorded, by the settings."""
        rules, video = self.rules, observed.video
        pattern, zone = rules.clip_time_pattern, rules.clip_time_zone
        return clip_time(observed.label, video.recorded_at, given=given, pattern=pattern, zone=zone)

    def _decision(
        self,
        gallery: Gallery,
        observed: ObservedClip,
        person: Observation,
        answered: AnsweredPerson | None,
        threshold: Threshold | None,
    ) -> SightingDecision | None:
        if answered is None or answered.decision is None or threshold is None or person.template is None:
            return None
        found, candidate = answered.identity_id if answered.found else None, answered.identity_id
        if candidate is None and answered.score is not None:
            best = gallery.search(person.template, 1, Adapting(threshold.adaptation, observed.camera))
            candidate = best[0].identity.id if best else None
        return SightingDecision(answered.decision, found, candidate, answered.score, answered.margin, threshold)

    def _new(
        self, observed: ObservedClip, person: Observation, decision: SightingDecision | None, others: tuple[int, ...]
    ) -> NewSighting:
        best, crop = person.best, b""
        if best is not None and best.crop is not None and best.crop.is_file():
            crop = best.crop.read_bytes()
        name = best.detection.crop_name if best is not None and crop else ""
        probe = probe_record(observed, person, BOXES)
        detail = self._tools.detail(tuple(sample.crop for sample in person.kept if sample.crop is not None))
        return NewSighting(probe, person.stretches, decision, detail, name, crop, others)

    # --- finding -------------------------------------------------------------------------------------------------

    def find(self, wanted: SightingFilter, gallery: Path | None = None) -> tuple[list[Sighting], int]:
        """Return sightings by person, time and camera, the latest first, and how many there are in all.

        Raises `UnknownIdentity`, `GalleryError`.
        """
        return self._tools.gallery(gallery).sightings.find(wanted)

    def get(self, sighting_id: str, gallery: Path | None = None) -> Sighting:
        """Return a sighting. Raises `UnknownSighting`, `GalleryError`."""
        return self._tools.gallery(gallery).sightings.get(sighting_id)

    def like(
        self, sighting_id: str, wanted: SightingFilter, least_score: float = -1.0, gallery: Path | None = None
    ) -> SightingHits:
        """Return the sightings that are most like one of them, without itself. Raises `UnknownSighting`."""
        template = self.get(sighting_id, gallery).template
        wanted = dataclasses.replace(wanted, without=(*wanted.without, sighting_id))
        return self.search(template, wanted, least_score, gallery)

    def search(
        self, template: Template, wanted: SightingFilter, least_score: float = -1.0, gallery: Path | None = None
    ) -> SightingHits:
        """Return the sightings that score highest with a template, of those that pass a filter; recorded as a search.

        Raises:
            InvalidInput: the score is out of range; `UnknownIdentity`, `GalleryError`.
        """
        if not -1.0 <= least_score <= 1.0:
            raise InvalidInput("The least score must be a number from -1 to 1, got {score}.", score=least_score)
        opened = self._tools.gallery(gallery)
        found = opened.sightings.search(template, wanted, least_score)
        details: dict[str, AuditValue] = {"model": template.model_id, "sightings": len(found.hits)}
        opened.audit.record(AuditEvent(AuditAction.SIGHTINGS_SEARCHED, details=details))
        return found

    def threshold(self, gallery: Path | None = None) -> Threshold:
        """Return from which score on two sightings count as one person: the verification threshold in force."""
        return self._tools.threshold("verification", None, gallery)

    def look_back(self, identity_id: str, gallery: Path | None = None, limit: int = LOOKED_BACK) -> LookedBack:
        """Return older sightings of nobody that may be an enrolled person: proposals, which name nobody.

        Whom a person said a sighting not to be is not proposed for it. Raises `UnknownIdentity`, `GalleryError`.
        """
        opened, threshold = self._tools.gallery(gallery), self._tools.threshold("identification", None, gallery)
        best: dict[str, SightingHit] = {}
        compared = 0
        references = opened.references(identity_id)
        for reference in references:
            wanted = SightingFilter(unnamed=True, limit=limit)
            found = opened.sightings.search(reference.template, wanted, threshold.value)
            compared = max(compared, found.compared)
            for hit in found.hits:
                refused = identity_id in hit.sighting.not_people
                if not refused and hit.score > best.get(hit.sighting.id, SightingHit(hit.sighting, -2.0)).score:
                    best[hit.sighting.id] = hit
        hits = tuple(sorted(best.values(), key=lambda hit: -hit.score)[:limit])
        return LookedBack(hits, threshold, compared, len(references))

    def last_seen(self, name: str, camera: str | None = None, gallery: Path | None = None) -> Sighting | None:
        """Return the latest sighting of somebody enrolled, at one camera or anywhere. Raises `UnknownIdentity`."""
        identity = self._tools.gallery(gallery).find(name)
        found, _ = self.find(SightingFilter(identity_id=identity.id, camera=camera, limit=1), gallery)
        return found[0] if found else None

    def moment(self, text: str) -> datetime:
        """Return a time that somebody wrote, ISO 8601, of the zone of the settings where it names none.

        Raises `InvalidInput`: it is none.
        """
        try:
            return with_zone(datetime.fromisoformat(text.strip()), self.rules.clip_time_zone)
        except (ValueError, OverflowError, OSError) as error:
            raise InvalidInput(
                "{text!r:.40} is no time. Write it as 2026-04-12 15:30, with +02:00 behind it for another zone.",
                text=text,
            ) from error

    # --- removing ------------------------------------------------------------------------------------------------

    def remove(self, sighting_ids: Sequence[str], gallery: Path | None = None) -> int:
        """Delete sightings at once and for good; returns how many. Raises `UnknownSighting`, `OnLegalHold`."""
        opened = self._tools.gallery(gallery)
        for sighting_id in sighting_ids:
            opened.sightings.get(sighting_id)
        return opened.sightings.remove(sighting_ids)
