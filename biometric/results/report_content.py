"""What a report for people says about a verification or an identification; how it looks is another module's matter."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import biometric
from biometric.entities import (
    Candidate,
    Decision,
    Identification,
    Identity,
    Observation,
    ObservedClip,
    ScoreBand,
    Threshold,
    Verification,
)
from biometric.errors import BiometricError
from biometric.messages import (
    clock,
    decimal,
    decimals_apart,
    describe_all,
    describe_closeness,
    describe_evidence,
    describe_likelihood,
    describe_origin,
    describe_reason,
    verification_outcome,
)
from biometric.ports import CropStore, Gallery
from biometric.results.answer_report import AnswerReport, ReportAnswer, ReportCandidate, ReportPicture

PICTURE_HEIGHT = 320
"""Most pixels of height of a picture in a report."""


@dataclass(frozen=True, slots=True)
class ReportSources:
    """Where a report looks up what an answer only names.

    Attributes:
        detector: name of the detector in use.
    """

    gallery: Gallery
    crops: CropStore
    detector: str


def verification_report(observed: ObservedClip, verification: Verification, sources: ReportSources) -> AnswerReport:
    """Return the report of a verification."""
    answer = _verification_answer(observed, verification, sources)
    return _report("Verification report", answer.outcome, observed, (answer,), sources)


def identification_report(
    observed: ObservedClip, identifications: Sequence[Identification], sources: ReportSources
) -> AnswerReport:
    """Return the report of an identification, people in order of appearance."""
    answers = tuple(_identification_answer(observed, item, sources) for item in identifications)
    known = sum(item.identity is not None for item in identifications)
    people = "1 person" if len(answers) == 1 else f"{len(answers)} people"
    return _report("Identification report", f"{known} of {people} identified", observed, answers, sources)


def _report(
    title: str, summary: str, observed: ObservedClip, answers: tuple[ReportAnswer, ...], sources: ReportSources
) -> AnswerReport:
    created = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    warnings = tuple(describe_all(observed.warnings))
    return AnswerReport(title, created, summary, _source(observed, sources), answers, warnings)


def _source(observed: ObservedClip, sources: ReportSources) -> tuple[tuple[str, str], ...]:
    video, frames = observed.video, observed.frames
    size = f"{video.width} × {video.height} pixels, {video.codec}"
    searched = sources.gallery.size()
    rows = [("File", observed.label), ("SHA-256", video.digest)]
    if video.photograph:
        rows.append(("Kind", f"photograph, {size}"))
    else:
        start, stop = clock(video.time_of(frames.first)), clock(video.time_of(frames.last))
        about = "" if video.time_is_exact(frames.last) else "about "
        rows += [
            ("Kind", f"video, {size}, {video.frame_count:,} frames, {clock(video.duration)}"),
            ("Frames looked at", f"{frames.first}–{frames.last}, {observed.analysed_frames:,} of them analysed"),
            ("Times", f"{about}{start}–{stop} since the first frame"),
        ]
    return (
        *rows,
        ("Compared with", f"gallery of {searched:,} {'person' if searched == 1 else 'people'}"),
        ("Person detector", sources.detector),
        ("Re-identification model", observed.model_id),
        ("Program", f"Sightline {biometric.__version__}"),
    )


def _verification_answer(observed: ObservedClip, item: Verification, sources: ReportSources) -> ReportAnswer:
    name, other = item.identity.name, item.best_other
    mood, outcome = verification_outcome(item)
    decimals = decimals_apart(item.score, item.threshold.value, None if other is None else other.score)
    facts = [("Claimed identity", name), *_score_facts(item.score, item.threshold, item.margin, decimals)]
    if item.people > 1:
        facts.append(("Others in these frames", f"{item.people - 1:,}, who were not compared"))
    if other is not None:
        row = _row(other, item.threshold, decimals)
        facts.append(("Next best in the gallery", f"{row.name}, score {row.score}, {row.band}"))
    reference = _reference_picture(item.identity, item.reference_id, "best matching reference", sources)
    return ReportAnswer(
        heading=f"Is person {item.observation.person} {name}?",
        outcome=outcome,
        mood=mood,
        reason=describe_reason(item),
        probe=_probe_picture(observed, item.observation, sources),
        reference=reference,
        facts=tuple(facts),
        evidence=tuple(describe_evidence(item.threshold)),
        candidates=(),
        warnings=tuple(describe_all(item.warnings)),
    )


def _identification_answer(observed: ObservedClip, item: Identification, sources: ReportSources) -> ReportAnswer:
    scores = [candidate.score for candidate in item.candidates]
    decimals = decimals_apart(item.threshold.value, *scores)
    mood, outcome = _identification_outcome(item)
    reference = None
    if item.candidates:
        first = item.candidates[0]
        reference = _reference_picture(first.identity, first.reference_id, "closest in the gallery", sources)
    return ReportAnswer(
        heading=f"Person {item.observation.person}, {_span(observed, item.observation)}",
        outcome=outcome,
        mood=mood,
        reason=describe_reason(item),
        probe=_probe_picture(observed, item.observation, sources),
        reference=reference,
        facts=tuple(_score_facts(item.score, item.threshold, item.margin, decimals)),
        evidence=tuple(describe_evidence(item.threshold)),
        candidates=tuple(_row(candidate, item.threshold, decimals) for candidate in item.candidates),
        warnings=tuple(describe_all(item.warnings)),
    )


def _identification_outcome(item: Identification) -> tuple[str, str]:
    if item.identity is not None:
        return "good", f"Identified: {item.identity.name}"
    if item.decision is Decision.NO_DECISION:
        return "unsure", "No decision"
    if item.band is ScoreBand.UNSURE and item.candidates:
        closeness = describe_closeness(item.candidates[0].score, item.threshold)
        return "unsure", f"Unsure: {closeness} to a match with {item.candidates[0].identity.name}"
    return "bad", "Unknown"


def _score_facts(
    score: float | None, threshold: Threshold, margin: float | None, decimals: int
) -> Iterator[tuple[str, str]]:
    yield "Score", "none" if score is None else f"{decimal(score, decimals)}, on a scale from -1 to 1"
    yield "Threshold", f"{decimal(threshold.value, max(3, decimals))} ({describe_origin(threshold)})"
    if margin is not None:
        yield "Margin to the next best", decimal(margin, decimals)
    if score is not None and threshold.likelihood is not None:
        yield "Strength", describe_likelihood(threshold.likelihood, score)


def _row(candidate: Candidate, threshold: Threshold, decimals: int) -> ReportCandidate:
    words = {
        ScoreBand.MATCH: "at or above the threshold",
        ScoreBand.UNSURE: "below the threshold, but near",
        ScoreBand.NO_MATCH: "below the threshold",
    }
    band = words[threshold.band(candidate.score)]
    return ReportCandidate(candidate.rank, candidate.identity.name, decimal(candidate.score, decimals), band)


def _probe_picture(observed: ObservedClip, observation: Observation, sources: ReportSources) -> ReportPicture:
    best = observation.best
    kept = len(observation.kept)
    note = f"{_span(observed, observation)} · {kept} {'sample' if kept == 1 else 'samples'} kept"
    crop = None if best is None else best.crop
    return ReportPicture(f"Person {observation.person}", note, _jpeg(crop, sources.crops))


def _reference_picture(
    identity: Identity, reference_id: str | None, words: str, sources: ReportSources
) -> ReportPicture:
    try:
        references = sources.gallery.references(identity.id)
    except BiometricError:  # removed since
        references = []
    reference = next((item for item in references if item.id == reference_id), None)
    if reference is None:
        return ReportPicture(identity.name, words, _jpeg(identity.thumbnail, sources.crops))
    crop = reference.best_crop or (reference.crops[0] if reference.crops else None)
    first, last = reference.first_frame, reference.last_frame
    where = f"frame {first}" if first == last else f"frames {first}–{last}"
    note = f"{words}: {reference.clip_name}, {where}, enrolled {reference.created_at[:10]}"
    return ReportPicture(identity.name, note, _jpeg(crop, sources.crops))


def _jpeg(path: Path | None, crops: CropStore) -> bytes | None:
    if path is None:
        return None
    try:
        return crops.thumbnail(path, PICTURE_HEIGHT)
    except (BiometricError, OSError):
        return None


def _span(observed: ObservedClip, observation: Observation) -> str:
    track = observation.tracklet
    if observed.video.photograph:
        return "in the photograph"
    when = f"{clock(track.first_seconds)}–{clock(track.last_seconds)}"
    if track.first_frame == track.last_frame:
        return f"frame {track.first_frame}, {clock(track.first_seconds)}"
    return f"frames {track.first_frame}–{track.last_frame}, {when}"
