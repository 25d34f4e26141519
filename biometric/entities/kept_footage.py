"""Footage that is kept after its answer: clips, their answers, and what is asked of them.

Answers name people by the ids of their identities, never by name: whoever shows an answer looks the names up in the
gallery, so that renaming shows everywhere and erasing leaves no name behind.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from biometric.entities.decisions import Decision, Enrollment, Identification, ScoreBand, Threshold, Verification
from biometric.entities.footage import FrameRange
from biometric.entities.people import Observation, ObservedClip


class AnswerKind(StrEnum):
    """What was asked. The values stand in the database and in JSON."""

    ENROLLMENT = "enrollment"
    VERIFICATION = "verification"
    IDENTIFICATION = "identification"


class ClipOrder(StrEnum):
    """How kept clips are sorted; the values stand in JSON."""

    NEWEST = "newest"
    RECORDED = "recorded"
    NAME = "name"
    LONGEST = "longest"


@dataclass(frozen=True, slots=True)
class AnsweredPerson:
    """One person of an answer, as it is kept.

    Attributes:
        person: number from 1 within the observed range.
        decision: None for an enrollment.
        band: where the score lies; MATCH for an enrollment.
        identity_id: of the identity found, enrolled or claimed; None where nobody was found or the identity is erased.
        erased: there was an identity, and it has been erased from its gallery since.
        score, margin: as of the answer; None without a comparison.
        first_frame, last_frame: 0-based, inclusive; with their seconds since the clip's first frame.
        stretches: when the person is in view, (first, last) seconds, in order; empty where that was not kept.
    """

    person: int
    decision: Decision | None
    band: ScoreBand
    identity_id: str | None
    score: float | None
    margin: float | None
    first_frame: int
    last_frame: int
    first_seconds: float
    last_seconds: float
    erased: bool = False
    stretches: tuple[tuple[float, float], ...] = ()

    @property
    def times(self) -> tuple[tuple[float, float], ...]:
        """When the person is in view, (first, last) seconds, in order; at least one."""
        return self.stretches or ((self.first_seconds, self.last_seconds),)

    @property
    def found(self) -> bool:
        """Whether the answer says that this person is the identity: identified, verified or enrolled."""
        return self.decision in (None, Decision.IDENTIFIED, Decision.MATCH)


@dataclass(frozen=True, slots=True)
class NewAnswer:
    """An answer that is to be kept.

    Attributes:
        gallery: the gallery's folder, None for the configured one.
        threshold: what was decided by; None for an enrollment.
        id: 32 hexadecimal digits by which it is kept at most once, whoever gives it; "": it gets one of its own.
    """

    kind: AnswerKind
    people: tuple[AnsweredPerson, ...]
    threshold: Threshold | None = None
    gallery: Path | None = None
    id: str = ""

    @classmethod
    def of(
        cls, answer: Enrollment | Verification | Sequence[Identification], gallery: Path | None = None
    ) -> "NewAnswer":
        """Return any answer as it is kept."""
        if isinstance(answer, Enrollment):
            return cls.of_enrollment(answer, gallery)
        if isinstance(answer, Verification):
            return cls.of_verification(answer, gallery)
        return cls.of_identifications(tuple(answer), gallery)

    @classmethod
    def of_enrollment(cls, answer: Enrollment, gallery: Path | None = None) -> "NewAnswer":
        """Return an enrollment as it is kept."""
        person = _answered(answer.observation, None, ScoreBand.MATCH, answer.identity.id, None, None)
        return cls(AnswerKind.ENROLLMENT, (person,), None, gallery)

    @classmethod
    def of_verification(cls, answer: Verification, gallery: Path | None = None) -> "NewAnswer":
        """Return a verification as it is kept."""
        person = _answered(
            answer.observation, answer.decision, answer.band, answer.identity.id, answer.score, answer.margin
        )
        return cls(AnswerKind.VERIFICATION, (person,), answer.threshold, gallery)

    @classmethod
    def of_identifications(cls, answers: tuple[Identification, ...], gallery: Path | None = None) -> "NewAnswer":
        """Return an identification as it is kept; it may be of nobody."""
        people = tuple(
            _answered(
                answer.observation,
                answer.decision,
                answer.band,
                None if answer.identity is None else answer.identity.id,
                answer.score,
                answer.margin,
            )
            for answer in answers
        )
        return cls(AnswerKind.IDENTIFICATION, people, answers[0].threshold if answers else None, gallery)

    @classmethod
    def of_undecided(cls, people: Sequence[Observation]) -> "NewAnswer":
        """Return an identification that could decide on nobody, as it is kept."""
        undecided = Decision.NO_DECISION, ScoreBand.NO_MATCH, None, None, None
        return cls(AnswerKind.IDENTIFICATION, tuple(_answered(person, *undecided) for person in people))


def _answered(
    observation: Observation,
    decision: Decision | None,
    band: ScoreBand,
    identity_id: str | None,
    score: float | None,
    margin: float | None,
) -> AnsweredPerson:
    track = observation.tracklet
    return AnsweredPerson(
        observation.person,
        decision,
        band,
        identity_id,
        score,
        margin,
        track.first_frame,
        track.last_frame,
        track.first_seconds,
        track.last_seconds,
        stretches=tuple((item.first_seconds, item.last_seconds) for item in observation.stretches),
    )


@dataclass(frozen=True, slots=True)
class NewFootage:
    """An observed clip that is to be kept.

    Attributes:
        observed: the observation; its clip and its crops are on disk.
        thumbnail: a small JPEG, or None.
        made_with: what decided the observation besides clip, frames and embedder: detector, samples, linking.
        own_file: the clip's file is the program's own (an upload), so it may be shared with the library by a link.
    """

    observed: ObservedClip
    made_with: str
    thumbnail: bytes | None = field(default=None, repr=False)
    own_file: bool = False


@dataclass(frozen=True, slots=True)
class WantedObservation:
    """What decides an observation; `made_with` as of `NewFootage`."""

    digest: str
    frames: FrameRange
    model_id: str
    made_with: str


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """An answer in the library.

    Attributes:
        id: opaque, 32 hexadecimal digits; so are `clip_id` and `observation_id`.
        clip_label: the clip's name for people.
        when: ISO 8601, UTC.
        first_frame, last_frame: the range that was asked about, 0-based, inclusive.
        model_id: of the templates that were compared.
        gallery: the gallery's folder, None for the configured one.
    """

    id: str
    clip_id: str
    observation_id: str
    clip_label: str
    kind: AnswerKind
    when: str
    first_frame: int
    last_frame: int
    model_id: str
    people: tuple[AnsweredPerson, ...]
    threshold: Threshold | None = None
    gallery: Path | None = None


@dataclass(frozen=True, slots=True)
class KeptClip:
    """A clip in the library.

    Attributes:
        id: opaque, 32 hexadecimal digits.
        label: its name for people.
        path: the file.
        digest: SHA-256 of the file.
        size: bytes on disk, of all that is kept with the clip.
        duration: seconds; 0 for a photograph.
        camera: what somebody wrote about the camera, or the file says; "" where nothing is known.
        recorded_at: ISO 8601, when the file says that it was recorded; None where it does not say so.
        kept_at, used_at: ISO 8601, UTC: when it came, and when it was last answered.
        expires_at: ISO 8601, UTC: when it will be removed.
        thumbnail: a small JPEG, or None where there is none on disk.
        answers: all answers, newest first.
    """

    id: str
    label: str
    path: Path
    digest: str
    size: int
    duration: float
    frame_count: int
    width: int
    height: int
    photograph: bool
    camera: str
    recorded_at: str | None
    kept_at: str
    used_at: str
    expires_at: str
    thumbnail: Path | None
    answers: tuple[KeptAnswer, ...] = ()

    @property
    def latest(self) -> KeptAnswer | None:
        """The newest answer."""
        return self.answers[0] if self.answers else None

    def latest_of(self, kind: AnswerKind) -> KeptAnswer | None:
        """The newest answer of a kind."""
        return next((answer for answer in self.answers if answer.kind is kind), None)


@dataclass(frozen=True, slots=True)
class ClipSearch:
    """Which kept clips are asked for.

    Attributes:
        text: part of a clip's name or camera, compared by `comparable_text`; "" for all.
        identity_ids: clips in which one of these was found are listed, too.
        limit, offset: of the sorted list.
    """

    text: str = ""
    identity_ids: tuple[str, ...] = ()
    order: ClipOrder = ClipOrder.NEWEST
    limit: int = 24
    offset: int = 0

    def __post_init__(self) -> None:
        if self.limit < 1 or self.offset < 0:
            raise ValueError(f"expected a limit of at least 1 and an offset of at least 0, got {self}")


@dataclass(frozen=True, slots=True)
class KeptUsage:
    """How much is kept, and how much and how long may be.

    Attributes:
        size, limit: bytes.
        days: how many days a clip is kept after its latest answer; 0: nothing is kept.
    """

    clips: int
    answers: int
    size: int
    limit: int
    days: float
