"""Sightline: enroll, verify and identify people in video by person re-identification.

    import biometric

    with biometric.open_service() as service:
        observed = service.observe("visit-1.mp4", progress=print)
        service.enroll(observed, "Ada Lovelace", basis="consent", purpose="door of the studio")

Importing this package is cheap: each name below is loaded when it is first used, and models when they are first needed.
Everything else in the package may change without notice.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.2.0"

if TYPE_CHECKING:
    from biometric.entities import (
        BiometricReference,
        Candidate,
        Decision,
        Enrollment,
        FrameRange,
        GalleryChange,
        Identification,
        Identity,
        Observation,
        ObservedClip,
        Progress,
        Threshold,
        Verdict,
        Verification,
    )
    from biometric.errors import BiometricError, IdentityExists, LooksDifferent
    from biometric.library import RecognitionService, open_service
    from biometric.settings import Settings

_MODULES = {
    "BiometricError": "errors",
    "BiometricReference": "entities",
    "Candidate": "entities",
    "Decision": "entities",
    "Enrollment": "entities",
    "FrameRange": "entities",
    "GalleryChange": "entities",
    "Identification": "entities",
    "Identity": "entities",
    "IdentityExists": "errors",
    "LooksDifferent": "errors",
    "Observation": "entities",
    "ObservedClip": "entities",
    "Progress": "entities",
    "RecognitionService": "library",
    "Settings": "settings",
    "Threshold": "entities",
    "Verdict": "entities",
    "Verification": "entities",
    "open_service": "library",
}

__all__ = [
    "BiometricError",
    "BiometricReference",
    "Candidate",
    "Decision",
    "Enrollment",
    "FrameRange",
    "GalleryChange",
    "Identification",
    "Identity",
    "IdentityExists",
    "LooksDifferent",
    "Observation",
    "ObservedClip",
    "Progress",
    "RecognitionService",
    "Settings",
    "Threshold",
    "Verdict",
    "Verification",
    "open_service",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
