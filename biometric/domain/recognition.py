"""Enroll, verify and identify observed people: arithmetic and gallery calls, no model and no vendor library."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

from biometric.domain import comparison, constraints
from biometric.domain.conflicts import find_bystanders, mark_changed_answers, resolve_name_conflicts
from biometric.domain.existing_identity import find_conflict, require_consent
from biometric.domain.expired_references import expired_reason, mark_expired
from biometric.domain.person_choice import one_person, require_usable
from biometric.entities import (
    NOTHING_GIVEN,
    Adapting,
    Candidate,
    Decision,
    Enrollment,
    GivenBasis,
    Identification,
    NameConflict,
    NewReference,
    NewSample,
    Notice,
    NoticeCode,
    Observation,
    ObservedClip,
    Purpose,
    Sample,
    Threshold,
    Verdict,
    VerdictWord,
    Verification,
    clean_name,
    name_key,
)
from biometric.entities.enrollment_basis import require_basis
from biometric.errors import (
    DamagedClip,
    EmptyGallery,
    NameTaken,
    NoUsableSample,
    UnknownIdentity,
)
from biometric.errors.phrases import Phrase
from biometric.ports import Gallery

CANDIDATES = 5
"""How many identities an identification lists."""

ENROLL_ATTEMPTS = 5
"""How often an enrollment is tried while other processes enroll or remove the same name."""


def enroll(
    gallery: Gallery,
    observed: ObservedClip,
    name: str,
    person: int | None,
    dropped: Collection[str],
    threshold: Callable[[Purpose], Threshold],
    *,
    add: bool = False,
    force: bool = False,
    given: GivenBasis = NOTHING_GIVEN,
) -> Enrollment:
    """Store one observed person under a name; an existing name gets another reference only where the caller says so.

    Args:
        person: the person's number; None when there is only one usable person.
        dropped: crop names (`NumFrame_BB.jpg`) of kept samples to leave out.
        threshold: gives the default threshold for "verification" and "identification".
        add: an existing name gets another reference; a new name is enrolled as without.
        force: with `add`, also where the reference looks like a different person.
        given: on which basis; without one on the gallery's default.

    Raises:
        BasisMissing: there is no basis.
        DamagedClip: the clip is damaged and its use was not accepted when observing.
        SeveralPeople, NobodyFound, NoUsableSample, UnknownPerson: there is not exactly one person to enroll.
        IdentityExists: somebody has the name, also since a moment ago in another process, and `add` was not said.
        LooksDifferent: the score against their references is below the verification threshold, or there is none, and
            `force` was not said.
        InvalidName, ModelMismatch, StorageFull: nothing was stored.
    """
    name = clean_name(name)
    if observed.video.damage is not None and not observed.damage_accepted:
        raise DamagedClip(
            "Nothing was enrolled from this damaged clip. Choose another clip, or say that this one may be used "
            "although it is damaged.",
            observed.video.frame_count,
            observed.video.claimed_frames,
            observed.video.damage,
        )
    require_basis(given.basis or gallery.default_basis())
    observation = one_person(observed, person, Phrase("enroll"))
    samples = [sample for sample in observation.kept if sample.detection.crop_name not in dropped]
    if not samples:
        raise NoUsableSample("Every sample of this person was dropped. Keep at least one to enroll.")
    gallery.check_model(observed.model_id)
    reference = _new_reference(observed, samples, given)
    attempts = 0
    while True:
        attempts += 1
        try:
            told_apart = constraints.told_apart(gallery.verdicts(), observed, observation)
            conflict = find_conflict(gallery, name, reference, threshold("verification"), told_apart)
            require_consent(conflict, add, force)
            limit = threshold("identification")
            lookalikes, warnings = _resemblance(gallery, reference, name, limit, conflict, told_apart)
            owner = None if conflict is None else conflict.identity.id
            identity, stored, added, change = gallery.enroll(name, reference, owner=owner)
        except (NameTaken, UnknownIdentity):  # enrolled, renamed or removed by another process meanwhile
            if attempts >= ENROLL_ATTEMPTS:
                raise
            continue
        return Enrollment(
            identity=identity,
            reference=stored,
            observation=observation,
            people=len(observed.usable),
            added=added,
            change=change,
            told_apart=told_apart,
            compared_reference_id=None if conflict is None else conflict.reference_id,
            lookalikes=lookalikes,
            warnings=(*observed.warnings, *warnings),
        )


def verify(
    gallery: Gallery, observed: ObservedClip, name: str, person: int | None, threshold: Threshold
) -> Verification:
    """Decide whether one observed person is who they claim to be.

    There is no decision where all references of the claimed identity have expired; the reason says since when. Where
    somebody said before that this person is not the claimed identity, the answer is "no match", and whom the person was
    said not to be is no better candidate. The score and what was said stand in the answer.

    Raises:
        EmptyGallery, UnknownIdentity, ModelMismatch: there is nothing to compare with.
        SeveralPeople: several usable people are in range and none was chosen: a bystander must not be verified by
            mistake.
        NobodyFound, NoUsableSample, UnknownPerson: there is no such person to compare.
    """
    require_comparable(gallery, observed.model_id)
    identity = gallery.find(name)
    observation = one_person(observed, person, Phrase("verify"))
    template = observation.template
    if template is None:  # for the type checker: one_person chooses among usable people
        raise NoUsableSample("Person {person} has no usable sample.", person=observation.person)
    adapting = Adapting(threshold.adaptation, observed.camera)
    scores = gallery.scores(template, identity.id, adapting)
    score = scores[0][1] if scores else None
    given = constraints.verdicts_of_people(gallery.verdicts(), observed, observed.usable)
    verdicts = given.get(observation.person, ())
    excluded = constraints.excluded(verdicts)
    found = gallery.search(template, 2 + len(excluded - {identity.id}), adapting)
    others = [item for item in found if item.identity.id not in excluded | {identity.id}]
    best_other = others[0] if others else None
    decision, reason = comparison.verification_decision(
        score, best_other.score if best_other is not None else None, threshold
    )
    if score is None:
        decision, reason = Decision.NO_DECISION, expired_reason(gallery, identity)
    warnings, bystander = tuple[Notice, ...](), NoticeCode.BYSTANDER_ALSO_REACHES
    if identity.id in excluded and score is not None:
        values = {"score": score, "threshold": threshold.value}
        decision, reason = Decision.NO_MATCH, Notice(NoticeCode.SAID_NOT_TO_BE, name=identity.name, **values)
    if decision is Decision.MATCH and score is not None:
        warnings = find_bystanders(gallery, observed, observation, identity, score, threshold, given)
        if warnings and warnings[0].code is bystander and float(warnings[0]["score"]) > score:
            decision, reason = Decision.NO_DECISION, Notice(NoticeCode.BYSTANDER_CLOSER, **dict(warnings[0].values))
            warnings = ()
    return Verification(
        decision=decision,
        identity=identity,
        score=score,
        threshold=threshold,
        margin=score - best_other.score if score is not None and best_other is not None else None,
        best_other=best_other,
        reference_id=scores[0][0] if scores else None,
        observation=observation,
        people=len(observed.usable),
        reason=reason,
        warnings=warnings,
        verdicts=verdicts,
    )


def identify(gallery: Gallery, observed: ObservedClip, threshold: Threshold) -> tuple[Identification, ...]:
    """Decide for each observed person who they are, or that they are unknown; one name is in one place at a time.

    Whom a person was said not to be before is no candidate of theirs; where that changes somebody else's answer, that
    answer has a warning which says so.

    Raises:
        EmptyGallery, ModelMismatch: there is nothing to compare with.
        NobodyFound, NoUsableSample: there is nobody to identify.
    """
    require_comparable(gallery, observed.model_id)
    require_usable(observed)
    given = constraints.verdicts_of_people(gallery.verdicts(), observed, observed.observations)
    answers = resolve_name_conflicts(
        [
            _identify_one(gallery, observation, observed.camera, threshold, given.get(observation.person, ()))
            for observation in observed.observations
        ]
    )
    if not any(constraints.excluded(verdicts) for verdicts in given.values()):
        return mark_expired(gallery, answers)
    camera = observed.camera
    unconstrained = [_identify_one(gallery, observation, camera, threshold) for observation in observed.observations]
    return mark_expired(gallery, mark_changed_answers(answers, resolve_name_conflicts(unconstrained)))


def require_comparable(gallery: Gallery, model_id: str) -> None:
    """Raise `EmptyGallery` or `ModelMismatch` unless probes of this model can be compared with somebody."""
    if gallery.is_empty():
        raise EmptyGallery("Nobody is enrolled in this gallery yet. Enroll somebody first.")
    gallery.check_model(model_id)


def _identify_one(
    gallery: Gallery, observation: Observation, camera: str, threshold: Threshold, verdicts: tuple[Verdict, ...] = ()
) -> Identification:
    if observation.template is None:
        reason = Notice(NoticeCode.NO_GOOD_SAMPLE)
        return Identification(observation, Decision.UNKNOWN, None, None, threshold, None, (), reason)
    excluded = constraints.excluded(verdicts)
    adapting = Adapting(threshold.adaptation, camera)
    found = gallery.search(observation.template, CANDIDATES + len(excluded), adapting)
    remaining = [item for item in found if item.identity.id not in excluded][:CANDIDATES]
    candidates = tuple(replace(item, rank=rank) for rank, item in enumerate(remaining, start=1))
    decision, reason = comparison.identification_decision(candidates, threshold)
    if excluded and decision is Decision.UNKNOWN:
        names = ", ".join(sorted(constraints.names_of(verdicts, VerdictWord.WRONG)))
        reason = Notice(NoticeCode.NOBODY_ELSE_REACHES_THRESHOLD, names=names)
    return Identification(
        observation=observation,
        decision=decision,
        identity=candidates[0].identity if decision is Decision.IDENTIFIED else None,
        score=candidates[0].score if candidates else None,
        threshold=threshold,
        margin=comparison.margin(candidates),
        candidates=candidates,
        reason=reason,
        verdicts=verdicts,
    )


def _resemblance(
    gallery: Gallery,
    reference: NewReference,
    name: str,
    limit: Threshold,
    conflict: NameConflict | None,
    told_apart: Collection[str],
) -> tuple[tuple[Candidate, ...], list[Notice]]:
    """Who else enrolled looks like the new reference, and whether it looks like its own name's references."""
    own = name_key(name)
    lookalikes = tuple(
        item
        for item in gallery.search(reference.template, CANDIDATES, Adapting(limit.adaptation, reference.camera))
        if name_key(item.identity.name) != own and comparison.decide(item.score, limit)
    )
    warnings = [
        Notice(
            NoticeCode.LOOKS_LIKE_SAID_NOT_TO_BE if item.identity.id in told_apart else NoticeCode.LOOKS_LIKE,
            name=name,
            other=item.identity.name,
            score=item.score,
            threshold=limit.value,
        )
        for item in lookalikes
    ]
    if conflict is not None and conflict.score is not None and not conflict.reaches_threshold:
        values = {"score": conflict.score, "threshold": conflict.threshold.value}
        warnings.append(Notice(NoticeCode.UNLIKE_OWN_REFERENCES, name=conflict.identity.name, **values))
    return lookalikes, warnings


def _new_reference(observed: ObservedClip, samples: Sequence[Sample], given: GivenBasis) -> NewReference:
    stored = tuple(
        NewSample(item.detection.crop_name, item.crop, item.quality, item.detection.frame_index, item.embedding)
        for item in samples
        if item.crop is not None and item.embedding is not None
    )
    template = comparison.pool([sample.embedding for sample in stored], observed.model_id)
    frames = [sample.frame_index for sample in stored]
    source = (observed.video.digest, observed.label, min(frames), max(frames), observed.camera)
    return NewReference(template, stored, *source, given)
