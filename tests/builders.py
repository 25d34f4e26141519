"""Short ways to make observed people, for tests of decisions."""

from pathlib import Path

import numpy as np

from biometric.domain.comparison import pool
from biometric.entities import (
    Detection,
    FrameRange,
    Notice,
    NoticeCode,
    Observation,
    ObservedClip,
    Sample,
    Tracklet,
    Vector,
)
from tests.fakes import MODEL_ID, video_info

DIMENSION = 8
TOO_SMALL = Notice(NoticeCode.TOO_SMALL, width=8, height=20, min_width=24, min_height=64)
DAMAGED = Notice(NoticeCode.CLIP_CUT_SHORT, readable=78, claimed=200)


def axis(number: int, lean: float = 0.0, towards: int = 7) -> Vector:
    """A unit vector along one axis, leaning a little towards another."""
    vector = np.zeros(DIMENSION, np.float32)
    vector[number] = 1.0
    vector[towards] += lean
    return vector / np.linalg.norm(vector)


def person(
    number: int, folder: Path, vector: Vector | None, first: int = 0, count: int = 4, model_id: str = MODEL_ID
) -> Observation:
    """A person with `count` samples that all look like `vector`, or with refused ones only (None)."""
    folder.mkdir(parents=True, exist_ok=True)
    samples = []
    left = 100.0 * number
    for frame in range(first, first + count):
        detection = Detection(frame, (left, 100.0, left + 80, 300.0), 0.9, number, frame / 10)
        path = folder / detection.crop_name
        path.write_bytes(b"\xff\xd8\xff\xe0 crop \xff\xd9")
        refusal = None if vector is not None else TOO_SMALL
        samples.append(Sample(detection, 0.8, refusal, path, vector))
    tracklet = Tracklet(number, tuple(sample.detection for sample in samples))
    template = None if vector is None else pool([vector] * count, model_id)
    return Observation(number, tracklet, tuple(samples), template)


def observed_clip(
    folder: Path, *people: Observation, model_id: str = MODEL_ID, damage: Notice | None = None
) -> ObservedClip:
    """An observed range of a made-up clip with those people."""
    return ObservedClip(
        path=folder / "clip.mp4",
        label="clip.mp4",
        video=video_info(damage=damage, claimed_frames=200 if damage else None),
        frames=FrameRange(0, 100),
        observations=people,
        model_id=model_id,
        folder=folder,
        analysed_frames=100,
    )
