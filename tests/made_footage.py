"""Made-up footage and answers that a library can keep."""

import hashlib
from dataclasses import replace
from pathlib import Path

from biometric.entities import (
    AnsweredPerson,
    AnswerKind,
    Decision,
    FrameTimes,
    NewAnswer,
    NewFootage,
    Notice,
    NoticeCode,
    ObservedClip,
    ScoreBand,
    Threshold,
    ThresholdSource,
)
from tests.builders import axis, observed_clip, person

MADE_WITH = "fake-detector, 8 samples"
THRESHOLD = Threshold(0.6, ThresholdSource.MODEL_CARD, (Notice(NoticeCode.CARD_EVIDENCE, text="made up"),), 0.001)


def observed(folder: Path, content: bytes = b"a clip", people: int = 2, label: str = "visit.mp4") -> ObservedClip:
    """An observed clip on disk whose file holds `content`; its people look like axis 0, 1, … and one is refused."""
    folder.mkdir(parents=True, exist_ok=True)
    crowd = [person(number, folder / "crops", axis(number - 1)) for number in range(1, people + 1)]
    crowd.append(person(people + 1, folder / "crops", None))
    clip = observed_clip(folder, *crowd)
    clip.path.write_bytes(content)
    times = FrameTimes([number * 0.1 + 0.01 * (number % 3) for number in range(100)], 10.5, 80)
    video = replace(clip.video, digest=hashlib.sha256(content).hexdigest(), times=times, duration=10.5)
    return replace(clip, label=label, video=video, folder=folder / "crops", warnings=(Notice("grey_footage"),))


def footage(folder: Path, content: bytes = b"a clip", people: int = 2, label: str = "visit.mp4") -> NewFootage:
    """Footage that is to be kept."""
    return NewFootage(observed(folder, content, people, label), MADE_WITH, b"\xff\xd8 small \xff\xd9")


def identification(*identity_ids: str | None, threshold: float = 0.6) -> NewAnswer:
    """An identification of people 1, 2, …; None: unknown."""
    people = tuple(
        AnsweredPerson(
            number,
            Decision.UNKNOWN if found is None else Decision.IDENTIFIED,
            ScoreBand.NO_MATCH if found is None else ScoreBand.MATCH,
            found,
            0.4 if found is None else 0.8,
            0.1,
            0,
            3,
            0.0,
            0.3,
        )
        for number, found in enumerate(identity_ids, start=1)
    )
    return NewAnswer(AnswerKind.IDENTIFICATION, people, replace(THRESHOLD, value=threshold))
