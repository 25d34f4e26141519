"""Sightings for tests: people of made clips, with templates that are `unit(seed)`."""

from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np

from biometric.entities import FrameRange, ProbeRecord, Template, Threshold, ThresholdSource
from biometric.entities.decisions import Decision
from biometric.entities.links import Stretch
from biometric.entities.picture_detail import PictureDetail
from biometric.entities.sightings import ClipTime, NewAnalysis, NewSighting, SightingDecision, TimeSource
from tests.made_galleries import JPEG, MODEL, unit

NOON = datetime(2026, 4, 12, 12, tzinfo=UTC)
THRESHOLD = Threshold(0.5, ThresholdSource.CALIBRATION, rate=0.001, calibrated_on="2026-04-01")


def decided(identity_id: str | None, candidate_id: str | None = None, score: float = 0.75) -> SightingDecision:
    decision = Decision.UNKNOWN if identity_id is None else Decision.IDENTIFIED
    return SightingDecision(decision, identity_id, candidate_id or identity_id, score, 0.1, THRESHOLD)


def person(
    number: int,
    seed: int,
    *,
    digest: str,
    first: int = 0,
    decision: SightingDecision | None = None,
    with_: Sequence[int] = (),
    model_id: str = MODEL,
) -> NewSighting:
    """Somebody in ten frames from `first` on, in box `number - 1`, which no other number's box touches."""
    frames = np.arange(first, first + 10, dtype=np.int32)
    boxes = np.tile(np.array([200 * number, 0, 200 * number + 80, 200], np.float32), (10, 1))
    indices = np.full(10, number - 1, np.int32)
    probe = ProbeRecord(digest, "clip.mp4", number, frames, indices, boxes, Template(unit(seed), model_id, 2))
    stretches = (Stretch(first, first + 9, first / 10, (first + 9) / 10),)
    name = f"{first:08d}_{number - 1:02d}.jpg"
    detail = PictureDetail(180, 300.0, 2)
    return NewSighting(probe, stretches, decision, detail, name, JPEG + f"{seed}".encode(), tuple(with_))


def analysis(
    seed: int,
    people: Sequence[NewSighting],
    *,
    camera: str = "door",
    begins: datetime | None = NOON,
    frames: tuple[int, int] = (0, 99),
    made_with: str = "made",
    digest: str | None = None,
) -> NewAnalysis:
    time = ClipTime() if begins is None else ClipTime(begins, TimeSource.FILE)
    return NewAnalysis(
        clip_digest=digest or clip_digest(seed),
        clip_name="clip.mp4",
        clip_id="",
        camera=camera,
        time=time,
        frames=FrameRange.inclusive(*frames),
        model_id=people[0].probe.template.model_id if people else MODEL,
        made_with=made_with,
        people=tuple(people),
    )


def clip_digest(seed: int) -> str:
    """As of the references of `made_galleries`."""
    return f"{seed:064x}"
