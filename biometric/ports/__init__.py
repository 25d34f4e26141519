"""The Protocols that adapters meet. The service knows these, never the adapters.

They are apart from `service.py` so that each adapter's test can be checked against one short file. Import them from
here.
"""

from biometric.ports.audit_port import AuditTrail
from biometric.ports.case_port import OpenLog, SignedLog
from biometric.ports.footage_ports import (
    Annotator,
    CropStore,
    GroupChoice,
    PixelHider,
    SharpnessOf,
    SmallGreyOf,
    VideoReader,
    VideoWriter,
)
from biometric.ports.gallery_port import ANY_OWNER, Gallery
from biometric.ports.group_port import SightingGroups
from biometric.ports.library_port import FootageLibrary
from biometric.ports.life_cycle_port import LifeCycle
from biometric.ports.model_ports import (
    CoarseDetector,
    Detector,
    Embedder,
    ModelAdministration,
    Models,
    StartableDetector,
    Tracker,
    TrackerFactory,
)
from biometric.ports.neighbour_port import NeighbourSearch
from biometric.ports.sightings_port import SightingStore

__all__ = [
    "ANY_OWNER",
    "Annotator",
    "AuditTrail",
    "CoarseDetector",
    "CropStore",
    "Detector",
    "Embedder",
    "FootageLibrary",
    "Gallery",
    "GroupChoice",
    "LifeCycle",
    "ModelAdministration",
    "Models",
    "NeighbourSearch",
    "OpenLog",
    "PixelHider",
    "SharpnessOf",
    "SightingGroups",
    "SightingStore",
    "SignedLog",
    "SmallGreyOf",
    "StartableDetector",
    "Tracker",
    "TrackerFactory",
    "VideoReader",
    "VideoWriter",
]
