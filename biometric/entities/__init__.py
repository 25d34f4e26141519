"""Frozen value types that check themselves on construction.

Conventions, everywhere in the package:
    frames   are numbered from 0 in decoding order; `FrameRange` is half-open inside the code and
             inclusive ("frames 63-130") in text for people.
    boxes    are (x1, y1, x2, y2) in pixels of the displayed (rotation applied) frame, x2 > x1, y2 > y1.
    images   are (H, W, 3) uint8 in BGR order.
    vectors  are (D,) float32 of unit length; comparison scores are cosines in [-1, 1], higher is closer.
    people   are numbered from 1 within one observed range.
"""

from biometric.entities.adaptation import (
    AS_THEY_ARE,
    UNADAPTED,
    AdaptationGain,
    AdaptationKind,
    AdaptationReport,
    Adapting,
    LearntCameras,
    ScoreAdaptation,
    camera_key,
)
from biometric.entities.calibration import (
    Calibration,
    FitBasis,
    FittedThreshold,
    GenuineScores,
    Histogram,
    LikelihoodRatio,
)
from biometric.entities.cohort import KeptCohort, LearntAdaptation, StrangerCohort
from biometric.entities.decisions import (
    PURPOSES,
    Decision,
    Enrollment,
    Identification,
    NameConflict,
    Purpose,
    RateKind,
    ScoreBand,
    Threshold,
    ThresholdSource,
    Verification,
)
from biometric.entities.detection_lists import DetectionList
from biometric.entities.enrolled import (
    BiometricReference,
    Candidate,
    Identity,
    ImportReport,
    NewReference,
    NewSample,
)
from biometric.entities.footage import (
    Box,
    Detection,
    Frame,
    FrameRange,
    GreyPicture,
    Image,
    Tracklet,
    Vector,
    VideoInfo,
)
from biometric.entities.frame_times import FrameTimes
from biometric.entities.gallery_changes import ChangeKind, GalleryChange, StoredEnrollment, TrashItem
from biometric.entities.kept_footage import (
    AnsweredPerson,
    AnswerKind,
    ClipOrder,
    ClipSearch,
    KeptAnswer,
    KeptClip,
    KeptUsage,
    NewAnswer,
    NewFootage,
    WantedObservation,
)
from biometric.entities.links import LinkKind, LinkScores, PerhapsSame, Stretch
from biometric.entities.names import (
    LABEL_LIMIT,
    NAME_LIMIT,
    clean_camera,
    clean_label,
    clean_name,
    comparable_text,
    has_unsafe_characters,
    name_key,
)
from biometric.entities.notices import REFUSALS, Notice, NoticeCode
from biometric.entities.people import (
    LinkedTrack,
    LookCounts,
    Observation,
    ObservedClip,
    Sample,
    Template,
)
from biometric.entities.progress import Progress
from biometric.entities.verdicts import (
    NewVerdict,
    ProbeRecord,
    RecordedVerdict,
    Verdict,
    VerdictCounts,
    VerdictWord,
)

__all__ = [
    "AS_THEY_ARE",
    "LABEL_LIMIT",
    "NAME_LIMIT",
    "PURPOSES",
    "REFUSALS",
    "UNADAPTED",
    "AdaptationGain",
    "AdaptationKind",
    "AdaptationReport",
    "Adapting",
    "AnswerKind",
    "AnsweredPerson",
    "BiometricReference",
    "Box",
    "Calibration",
    "Candidate",
    "ChangeKind",
    "ClipOrder",
    "ClipSearch",
    "Decision",
    "Detection",
    "DetectionList",
    "Enrollment",
    "FitBasis",
    "FittedThreshold",
    "Frame",
    "FrameRange",
    "FrameTimes",
    "GalleryChange",
    "GenuineScores",
    "GreyPicture",
    "Histogram",
    "Identification",
    "Identity",
    "Image",
    "ImportReport",
    "KeptAnswer",
    "KeptClip",
    "KeptCohort",
    "KeptUsage",
    "LearntAdaptation",
    "LearntCameras",
    "LikelihoodRatio",
    "LinkKind",
    "LinkScores",
    "LinkedTrack",
    "LookCounts",
    "NameConflict",
    "NewAnswer",
    "NewFootage",
    "NewReference",
    "NewSample",
    "NewVerdict",
    "Notice",
    "NoticeCode",
    "Observation",
    "ObservedClip",
    "PerhapsSame",
    "ProbeRecord",
    "Progress",
    "Purpose",
    "RateKind",
    "RecordedVerdict",
    "Sample",
    "ScoreAdaptation",
    "ScoreBand",
    "StoredEnrollment",
    "StrangerCohort",
    "Stretch",
    "Template",
    "Threshold",
    "ThresholdSource",
    "Tracklet",
    "TrashItem",
    "Vector",
    "Verdict",
    "VerdictCounts",
    "VerdictWord",
    "Verification",
    "VideoInfo",
    "WantedObservation",
    "camera_key",
    "clean_camera",
    "clean_label",
    "clean_name",
    "comparable_text",
    "has_unsafe_characters",
    "name_key",
]
