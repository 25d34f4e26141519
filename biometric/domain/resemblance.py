"""Enrolled identities compared with each other: who looks like whom, and who was seen beside whom.

An identity's score against another is that of the two references, one of each, that are closest: the same rule as for
a probe, whose score is that of the best reference.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from biometric.entities import BiometricReference, Candidate, Identity
from biometric.ports import Gallery


@dataclass(frozen=True, slots=True)
class Resemblance:
    """How much another identity looks like the given references.

    Attributes:
        score: comparison score of the two closest references, in [-1, 1].
        own_reference_id: of the given references, the one that is closest.
        reference_id: of the other identity's references, the one that is closest.
    """

    identity: Identity
    score: float
    own_reference_id: str
    reference_id: str


@dataclass(frozen=True, slots=True)
class SharedFrames:
    """Frames of one clip in which both of two identities were seen: 0-based, both ends inclusive."""

    clip_name: str
    first_frame: int
    last_frame: int


def resemblances(
    gallery: Gallery, references: Sequence[BiometricReference], count: int, *, but: Iterable[str] = ()
) -> list[Resemblance]:
    """Return the `count` identities that look most like some references, exact, highest score first.

    Args:
        references: of one identity, or one reference alone.
        but: ids of identities to leave out, such as that of the references themselves.

    Raises:
        ModelMismatch: the gallery holds templates of another model.
    """
    left_out = set(but)
    best: dict[str, Resemblance] = {}
    for reference in references:
        # Whoever is among the best of all is among the best of the reference that they are closest to.
        for candidate in gallery.search(reference.template, count + len(left_out)):
            known = best.get(candidate.identity.id)
            if candidate.identity.id not in left_out and (known is None or candidate.score > known.score):
                best[candidate.identity.id] = _resemblance(candidate, reference)
    return sorted(best.values(), key=lambda item: -item.score)[:count]


def resemblance(gallery: Gallery, references: Sequence[BiometricReference], identity: Identity) -> Resemblance | None:
    """Return how much one identity looks like some references; None where one of them has none.

    Raises:
        UnknownIdentity: the identity is no longer there.
        ModelMismatch: the gallery holds templates of another model.
    """
    best: Resemblance | None = None
    for reference in references:
        scores = gallery.scores(reference.template, identity.id)
        if scores and (best is None or scores[0][1] > best.score):
            best = Resemblance(identity, scores[0][1], reference.id, scores[0][0])
    return best


def frames_shared(
    first: Sequence[BiometricReference], second: Sequence[BiometricReference]
) -> tuple[SharedFrames, ...]:
    """Return where references of two identities come from the same frames of one clip: two people side by side.

    References that have a crop in common are one person enrolled twice, and do not count. A crop's name says its
    frame and which of the people there it shows.
    """
    shared = []
    for one in first:
        for other in second:
            frames = max(one.first_frame, other.first_frame), min(one.last_frame, other.last_frame)
            if one.clip_digest == other.clip_digest and frames[0] <= frames[1] and not _same_crops(one, other):
                shared.append(SharedFrames(one.clip_name, *frames))
    return tuple(dict.fromkeys(shared))


def _resemblance(candidate: Candidate, reference: BiometricReference) -> Resemblance:
    return Resemblance(candidate.identity, candidate.score, reference.id, candidate.reference_id)


def _same_crops(first: BiometricReference, second: BiometricReference) -> bool:
    return bool(_names(first.crops) & _names(second.crops))


def _names(crops: Iterable[Path]) -> set[str]:
    return {crop.name for crop in crops}
