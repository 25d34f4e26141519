"""What a report for people says about a verification or an identification; how it looks is another module's matter."""

from collections.abc import Iterator, Mapping, Sequence
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
    Verdict,
    Verification,
)
from biometric.entities.picture_detail import ComparedDetail
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
from biometric.messages.calibration_sentences import not_compared_sentence
from biometric.messages.counted import counted
from biometric.messages.detail_sentences import describe_cost, describe_side
from biometric.messages.local_dates import short_day, utc_time
from biometric.messages.person_sentences import (
    answered_names,
    describe_links,
    describe_looks,
    describe_perhaps_scores,
    stretch_frames,
    stretch_times,
)
from biometric.messages.translation import gettext as _
from biometric.messages.verdict_sentences import describe_review
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
    return _report(_("Verification report"), answer.outcome, observed, (answer,), sources)


def identification_report(
    observed: ObservedClip, identifications: Sequence[Identification], sources: ReportSources
) -> AnswerReport:
    """Return the report of an identification, people in order of appearance."""
    names = answered_names(identifications)
    answers = tuple(_identification_answer(observed, item, names, sources) for item in identifications)
    known = sum(item.identity is not None for item in identifications)
    summary = _("{known} of {people} identified").format(known=known, people=counted(len(answers), "person"))
    return _report(_("Identification report"), summary, observed, answers, sources)


def report_of(
    observed: ObservedClip, answer: Verification | Sequence[Identification], sources: ReportSources
) -> AnswerReport:
    """Return the report of either answer."""
    if isinstance(answer, Verification):
        return verification_report(observed, answer, sources)
    return identification_report(observed, answer, sources)


def _report(
    title: str, summary: str, observed: ObservedClip, answers: tuple[ReportAnswer, ...], sources: ReportSources
) -> AnswerReport:
    created = utc_time(datetime.now(UTC).isoformat())
    warnings = tuple(describe_all(observed.warnings))
    return AnswerReport(title, created, summary, _source(observed, sources), answers, warnings)


def _source(observed: ObservedClip, sources: ReportSources) -> tuple[tuple[str, str], ...]:
    video, frames = observed.video, observed.frames
    size = _("{width} × {height} pixels, {codec}").format(width=video.width, height=video.height, codec=video.codec)
    searched = sources.gallery.size()
    rows = [(_("File"), observed.label), ("SHA-256", video.digest)]
    if video.photograph:
        rows.append((_("Kind"), _("photograph, {size}").format(size=size)))
    else:
        start, stop = clock(video.time_of(frames.first)), clock(video.time_of(frames.last))
        exact = video.time_is_exact(frames.last)
        times = _("{start}–{stop} since the first frame") if exact else _("about {start}–{stop} since the first frame")
        kind = _("video, {size}, {frames}, {duration}")
        looked_at = _("{first}–{last}, {n:,} of them analysed")
        rows += [
            (
                _("Kind"),
                kind.format(size=size, frames=counted(video.frame_count, "frame"), duration=clock(video.duration)),
            ),
            (
                _("Frames looked at"),
                looked_at.format(first=frames.first, last=frames.last, n=observed.analysed_frames),
            ),
            *([(_("Looked for people"), said)] if (said := describe_looks(observed.looks)) else []),
            (_("Times"), times.format(start=start, stop=stop)),
        ]
    return (
        *rows,
        (_("Compared with"), _("gallery of {people}").format(people=counted(searched, "person"))),
        (_("Person detector"), sources.detector),
        (_("Re-identification model"), observed.model_id),
        (_("Program"), f"Sightline {biometric.__version__}"),
    )


def _verification_answer(observed: ObservedClip, item: Verification, sources: ReportSources) -> ReportAnswer:
    name, other = item.identity.name, item.best_other
    mood, outcome = verification_outcome(item)
    decimals = decimals_apart(item.score, item.threshold.value, None if other is None else other.score)
    facts = [(_("Claimed identity"), name), *_score_facts(item.score, item.threshold, item.margin, decimals)]
    if item.people > 1:
        facts.append((_("Others in these frames"), not_compared_sentence(item.people - 1)))
    if other is not None:
        row = _row(other, item.threshold, decimals)
        text = _("{name}, score {score}, {band}").format(name=row.name, score=row.score, band=row.band)
        facts.append((_("Next best in the gallery"), text))
    facts += [*_detail_facts(item.detail, True), *_verdict_facts(item.verdicts)]
    reference = _reference_picture(item.identity, item.reference_id, _("best matching reference"), sources)
    return ReportAnswer(
        heading=_("Is person {person} {name}?").format(person=item.observation.person, name=name),
        outcome=outcome,
        mood=mood,
        reason=describe_reason(item),
        probe=_probe_picture(observed, item.observation, {}, sources),
        reference=reference,
        facts=tuple(facts),
        evidence=tuple(describe_evidence(item.threshold)),
        candidates=(),
        warnings=tuple(describe_all(item.warnings)),
    )


def _identification_answer(
    observed: ObservedClip, item: Identification, names: Mapping[int, str], sources: ReportSources
) -> ReportAnswer:
    scores = [candidate.score for candidate in item.candidates]
    decimals = decimals_apart(item.threshold.value, *scores)
    mood, outcome = _identification_outcome(item)
    reference = None
    if item.candidates:
        first = item.candidates[0]
        reference = _reference_picture(first.identity, first.reference_id, _("closest in the gallery"), sources)
    return ReportAnswer(
        heading=_("Person {person}, {when}").format(
            person=item.observation.person, when=_span(observed, item.observation)
        ),
        outcome=outcome,
        mood=mood,
        reason=describe_reason(item),
        probe=_probe_picture(observed, item.observation, names, sources),
        reference=reference,
        facts=(
            *_score_facts(item.score, item.threshold, item.margin, decimals),
            *_detail_facts(item.detail, bool(item.candidates)),
            *_verdict_facts(item.verdicts),
        ),
        evidence=tuple(describe_evidence(item.threshold)),
        candidates=tuple(_row(candidate, item.threshold, decimals) for candidate in item.candidates),
        warnings=tuple(describe_all(item.warnings)),
    )


def _identification_outcome(item: Identification) -> tuple[str, str]:
    if item.identity is not None:
        return "good", _("Identified: {name}").format(name=item.identity.name)
    if item.decision is Decision.NO_DECISION:
        return "unsure", _("No decision")
    if item.band is ScoreBand.UNSURE and item.candidates:
        first = item.candidates[0]
        closeness = describe_closeness(first.score, item.threshold)
        text = _("Unsure: {closeness} to a match with {name}")
        return "unsure", text.format(closeness=closeness, name=first.identity.name)
    return "bad", _("Unknown")


def _score_facts(
    score: float | None, threshold: Threshold, margin: float | None, decimals: int
) -> Iterator[tuple[str, str]]:
    if score is None:
        yield _("Score"), _("none")
    else:
        yield _("Score"), _("{score}, on a scale from -1 to 1").format(score=decimal(score, decimals))
    yield _("Threshold"), f"{decimal(threshold.value, max(3, decimals))} ({describe_origin(threshold)})"
    if margin is not None:
        yield _("Margin to the next best"), decimal(margin, decimals)
    if score is not None and threshold.likelihood is not None:
        yield _("Strength"), describe_likelihood(threshold.likelihood, score)


def _detail_facts(detail: ComparedDetail | None, compared: bool) -> Iterator[tuple[str, str]]:
    """The pixels behind the answer."""
    if detail is None:
        return
    yield _("Person in this footage"), describe_side(detail.probe)
    if compared:
        yield _("Person in the reference"), describe_side(detail.reference)
    cost = describe_cost(detail)
    if cost:
        yield _("What few pixels cost"), cost


def _verdict_facts(verdicts: Sequence[Verdict]) -> list[tuple[str, str]]:
    """What was said of this person, by whom, with the day; or that nobody has judged the answer."""
    return [(_("Verdict"), text) for text in describe_review(verdicts)]


def _row(candidate: Candidate, threshold: Threshold, decimals: int) -> ReportCandidate:
    words = {
        ScoreBand.MATCH: _("at or above the threshold"),
        ScoreBand.UNSURE: _("below the threshold, but near"),
        ScoreBand.NO_MATCH: _("below the threshold"),
    }
    band = words[threshold.band(candidate.score)]
    return ReportCandidate(candidate.rank, candidate.identity.name, decimal(candidate.score, decimals), band)


def _probe_picture(
    observed: ObservedClip, observation: Observation, names: Mapping[int, str], sources: ReportSources
) -> ReportPicture:
    best = observation.best
    samples = _("{samples} kept").format(samples=counted(len(observation.kept), "sample"))
    note = f"{_span(observed, observation)} · {samples}"
    told = " ".join(filter(None, (describe_links(observation), describe_perhaps_scores(observation, names))))
    note += f" · {told}" if told else ""
    crop = None if best is None else best.crop
    caption = _("Person {person}").format(person=observation.person)
    return ReportPicture(caption, note, *shrunken_jpeg(crop, sources.crops))


def _reference_picture(
    identity: Identity, reference_id: str | None, words: str, sources: ReportSources
) -> ReportPicture:
    try:
        references = sources.gallery.references(identity.id)
    except BiometricError:  # removed since
        references = []
    reference = next((item for item in references if item.id == reference_id), None)
    if reference is None:
        return ReportPicture(identity.name, words, *shrunken_jpeg(identity.thumbnail, sources.crops))
    crop = reference.best_crop or (reference.crops[0] if reference.crops else None)
    first, last = reference.first_frame, reference.last_frame
    where = _("frame {first}") if first == last else _("frames {first}–{last}")
    note = _("{what}: {clip}, {frames}, enrolled {day}").format(
        what=words,
        clip=reference.clip_name,
        frames=where.format(first=first, last=last),
        day=short_day(reference.created_at),
    )
    return ReportPicture(identity.name, note, *shrunken_jpeg(crop, sources.crops))


def shrunken_jpeg(path: Path | None, crops: CropStore) -> tuple[bytes | None, tuple[int, int] | None]:
    """Return a stored picture, made smaller where it is very large, and its own width and height."""
    if path is None:
        return None, None
    try:
        image = crops.load(path)
        return crops.shrunken(image, PICTURE_HEIGHT), (image.shape[1], image.shape[0])
    except (BiometricError, OSError):
        return None, None


def _span(observed: ObservedClip, observation: Observation) -> str:
    if observed.video.photograph:
        return _("in the photograph")
    if len(observation.tracklet.detections) == 1:
        first = observation.tracklet.detections[0]
        return _("frame {first}, {when}").format(first=first.frame_index, when=clock(first.seconds))
    return _("{frames}, {when}").format(frames=stretch_frames(observation), when=stretch_times(observation))
