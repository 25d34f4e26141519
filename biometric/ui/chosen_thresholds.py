"""The thresholds that people set on a page, each for scores of the adaptation that was in use when they set it."""

from pathlib import Path

from biometric.entities import Purpose
from biometric.service import Sightline
from biometric.ui.session import Session


def chosen_threshold(
    service: Sightline, session: Session, purpose: Purpose, gallery: Path | None = None
) -> float | None:
    """Return the threshold that a person set, None where they set none.

    One that was set for scores of another adaptation to cameras than are made now is dropped: it says nothing of these.
    """
    chosen = session.thresholds.get(purpose)
    if chosen is None:
        return None
    if chosen.adaptation != service.threshold(purpose, None, gallery).adaptation:
        session.thresholds.pop(purpose)
        return None
    return chosen.value
