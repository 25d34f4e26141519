"""Before a reference goes under a name that somebody has: how it compares with theirs, and whether it may."""

from collections.abc import Collection

from biometric.domain import comparison
from biometric.entities import Adapting, Identity, NameConflict, NewReference, Threshold
from biometric.errors import IdentityExists, LooksDifferent, ModelMismatch, UnknownIdentity
from biometric.ports import Gallery


def find_conflict(
    gallery: Gallery, name: str, reference: NewReference, threshold: Threshold, told_apart: Collection[str] = ()
) -> NameConflict | None:
    """Compare a new reference with those of the identity that has its name; None: nobody has it.

    Args:
        threshold: of verification; below it the new reference looks like a different person.
        told_apart: ids of identities that the person was said not to be.

    Raises:
        UnknownIdentity: the identity was removed meanwhile.
    """
    try:
        identity = gallery.find(name)
    except UnknownIdentity:
        return None
    references = {stored.id: stored for stored in gallery.references(identity.id)}
    adapting = Adapting(threshold.adaptation, reference.camera)
    scores = _scores(gallery, reference, identity, adapting) if references else []
    if not scores:
        sample = max(reference.samples, key=lambda item: item.quality, default=None)
        shown = None if sample is None else sample.source
        return NameConflict(identity, None, threshold, False, None, identity.thumbnail, shown)
    reference_id, score = scores[0]
    closest = references.get(reference_id)
    if closest is None:
        raise UnknownIdentity("A reference of {name} was removed just now. Try again.", name=identity.name)
    vector = closest.template.vector
    sample = max(reference.samples, key=lambda item: float(item.embedding @ vector), default=None)
    return NameConflict(
        identity=identity,
        score=score,
        threshold=threshold,
        reaches_threshold=comparison.decide(score, threshold) and identity.id not in told_apart,
        reference_id=reference_id,
        reference_crop=closest.best_crop,
        sample_crop=None if sample is None else sample.source,
        said_not_to_be=identity.id in told_apart,
        same_frames=(closest.clip_digest, closest.first_frame, closest.last_frame)
        == (reference.clip_digest, reference.first_frame, reference.last_frame),
    )


def _scores(
    gallery: Gallery, reference: NewReference, identity: Identity, adapting: Adapting
) -> list[tuple[str, float]]:
    try:
        return gallery.scores(reference.template, identity.id, adapting)
    except ModelMismatch:  # of another model: there is no score, which is no sign of one person
        return []


def require_consent(conflict: NameConflict | None, add: bool, force: bool) -> None:
    """Raise unless a reference may go under a name that somebody has: a slip must not spoil an identity.

    Args:
        add: the caller said that an existing name gets another reference.
        force: the caller said so although the reference looks like a different person.

    Raises:
        IdentityExists: somebody has the name, and `add` was not said.
        LooksDifferent: the score is below the threshold, or there is none, and `force` was not said.
    """
    if conflict is None:
        return
    name = conflict.identity.name
    if not add:
        raise IdentityExists(
            "Nothing was stored, because {name} is enrolled already. Choose another name, or say that "
            "{name} gets another reference.",
            conflict,
            name=name,
        )
    if not conflict.reaches_threshold and not force:
        raise LooksDifferent(
            "Nothing was stored, so that {name} is not mixed up with somebody else. Choose another name, "
            "or say that they are the same person although they look different.",
            conflict,
            name=name,
        )
