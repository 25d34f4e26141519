"""What the report of a case says: comparisons with pictures, numbers with what they rest on, and how to repeat it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from biometric.entities.audit import AuditHead, AuditRecord, fingerprint
from biometric.entities.cases import (
    CaseCrop,
    CaseInput,
    CaseManifest,
    CasePerson,
    CaseResults,
    CaseRole,
    CaseScore,
    ObservedInput,
)
from biometric.messages import clock, decimal, describe_all, describe_evidence, describe_origin
from biometric.messages.case_sentences import (
    LIMITS,
    describe_pair,
    describe_ratio,
    describe_reached,
    describe_role,
    describe_score,
    describe_strength,
    describe_verbal,
)
from biometric.messages.counted import counted
from biometric.messages.life_cycle_sentences import describe_legal_basis
from biometric.messages.local_dates import utc_time
from biometric.messages.translation import gettext as _
from biometric.messages.translation import local_number
from biometric.ports import CropStore
from biometric.results.answer_report import AnswerReport, ReportAnswer, ReportPicture, ReportSection
from biometric.results.case_report_sections import closing_sections
from biometric.results.report_content import shrunken_jpeg


@dataclass(frozen=True, slots=True)
class CaseStory:
    """All that a report of a case is made of.

    Attributes:
        inputs: all of them, withdrawn ones too.
        seen: what was seen in those that took part, by number.
        records: the steps so far, and `head`, their signed end.
        picture: where a picture of a person of an input lies.
    """

    manifest: CaseManifest
    inputs: Sequence[CaseInput]
    seen: Mapping[int, ObservedInput]
    results: CaseResults
    records: Sequence[AuditRecord]
    head: AuditHead
    picture: Callable[[int, CaseCrop], Path]
    crops: CropStore

    def person(self, place: tuple[int, int]) -> CasePerson:
        """Return a person by the numbers of input and person."""
        return next(person for person in self.seen[place[0]].people if person.person == place[1])

    def input(self, number: int) -> CaseInput:
        """Return an input by its number."""
        return next(item for item in self.inputs if item.number == number)


def case_report(story: CaseStory) -> AnswerReport:
    """Return the report of a case."""
    scores, manifest = story.results.scores, story.manifest
    reached = sum(score.reaches for score in scores)
    summary = _("Case {number}: {reached} of {comparisons} reach the threshold").format(
        number=manifest.number, reached=reached, comparisons=counted(len(scores), "comparison")
    )
    return AnswerReport(
        title=_("Case report"),
        created=utc_time(datetime.now(UTC).isoformat()),
        summary=summary,
        source=_source(story),
        answers=tuple(_answer(story, score) for score in scores),
        warnings=_warnings(story),
        limits=tuple(map(_, LIMITS)),
        overview=(_propositions(), _overview(story)),
        sections=(*_people_section(story), *closing_sections(manifest, story.results, story.records, story.head)),
    )


def _propositions() -> ReportSection:
    return ReportSection(
        _("Propositions"),
        (
            _("Of each comparison: both pictures show one person; or they show two of the people who may be seen."),
            _("The examiner, or whoever reads this, decides whether these are the right propositions for the case."),
        ),
    )


def _overview(story: CaseStory) -> ReportSection:
    scores = story.results.scores
    texts = []
    rate = story.manifest.threshold.rate
    if rate is not None and len(scores) > 1:
        text = _(
            "{comparisons} were made. If all were of different people, {expected} of them would be expected to reach "
            "the threshold by chance (false match rate {rate:g})."
        )
        number = local_number(f"{len(scores) * rate:.2g}")
        texts.append(text.format(comparisons=counted(len(scores), "comparison"), expected=number, rate=rate))
    return ReportSection(
        _("Overview"), tuple(texts), tuple((describe_pair(score), describe_score(score)) for score in scores)
    )


def _answer(story: CaseStory, score: CaseScore) -> ReportAnswer:
    threshold = story.manifest.threshold
    probe, known = story.person(score.questioned), story.person(score.known)
    return ReportAnswer(
        heading=describe_pair(score),
        outcome=describe_reached(score),
        mood="good" if score.reaches else "unsure" if score.score >= threshold.unsure_from else "bad",
        reason=describe_strength(score),
        probe=_picture(story, score.questioned[0], probe, _("Questioned person {person}").format(person=probe.person)),
        reference=_picture(story, score.known[0], known, score.name),
        facts=(
            (_("Score"), _("{score}, on a scale from -1 to 1").format(score=decimal(score.score, 6))),
            (_("Threshold"), f"{decimal(threshold.value, 3)} ({describe_origin(threshold)})"),
            (_("Likelihood ratio"), describe_ratio(score)),
            (_("Verbal equivalent"), describe_verbal(score)),
            (_("Questioned"), _seen_text(story, score.questioned[0], probe)),
            (_("Known"), _seen_text(story, score.known[0], known)),
        ),
        evidence=tuple(describe_evidence(threshold)),
        candidates=(),
        warnings=_pair_warnings(story, score),
    )


def _picture(story: CaseStory, number: int, person: CasePerson, caption: str) -> ReportPicture:
    label = story.input(number).label
    if not person.crops:
        return ReportPicture(caption, label, None)
    crop = person.crops[0]
    note = _("{clip}, frame {frame}").format(clip=label, frame=crop.frame)
    jpeg, _size = shrunken_jpeg(story.picture(number, crop), story.crops)
    return ReportPicture(caption, note, jpeg, crop.size)


def _seen_text(story: CaseStory, number: int, person: CasePerson) -> str:
    text = _("input {number} ({label}), frames {first}–{last}, {start}–{stop}, {samples} kept, {refused} refused")
    return text.format(
        number=number,
        label=story.input(number).label,
        first=person.first,
        last=person.last,
        start=clock(person.first_seconds),
        stop=clock(person.last_seconds),
        samples=counted(len(person.crops), "sample"),
        refused=person.refused,
    )


def _pair_warnings(story: CaseStory, score: CaseScore) -> tuple[str, ...]:
    texts = []
    for number in (score.questioned[0], score.known[0]):
        label = story.input(number).label
        texts += [f"{label}: {text}" for text in describe_all(story.seen[number].warnings)]
    if story.input(score.known[0]).accept_damaged or story.input(score.questioned[0]).accept_damaged:
        texts.append(_("Footage that may be damaged was accepted by the examiner."))
    days = _days_apart(story.seen[score.questioned[0]], story.seen[score.known[0]])
    if days is not None and days >= 1:
        text = _("By what the files say, they were recorded {days:.0f} days apart; clothing is compared.")
        texts.append(text.format(days=days))
    return tuple(dict.fromkeys(texts))


def _days_apart(one: ObservedInput, other: ObservedInput) -> float | None:
    try:
        moments = [datetime.fromisoformat(str(seen.facts["recorded"])) for seen in (one, other)]
        return abs((moments[0].replace(tzinfo=None) - moments[1].replace(tzinfo=None)).total_seconds()) / 86400
    except (KeyError, ValueError):
        return None


def _warnings(story: CaseStory) -> tuple[str, ...]:
    texts = describe_all(story.manifest.notices)
    if story.manifest.threshold.likelihood is None:
        texts.append(_("No likelihood ratio is given anywhere in this report, because no calibration supports one."))
    if story.manifest.environment.packages != story.results.environment.packages:
        texts.append(_("Packages were changed between opening the case and comparing; both are listed."))
    return tuple(texts)


def _source(story: CaseStory) -> tuple[tuple[str, str], ...]:
    manifest = story.manifest
    basis = manifest.basis
    rows = [
        (_("Case"), manifest.number),
        (_("Examiner"), manifest.examiner),
        (_("Opened"), utc_time(manifest.created_at)),
        (_("Legal basis"), f"{describe_legal_basis(basis)} – {basis.purpose}"),
    ]
    rows += [(_("Responsible"), basis.responsible)] if basis.responsible else []
    notes = " ".join(filter(None, (manifest.note, basis.note)))
    rows += [(_("Note"), notes)] if notes else []
    for item in story.inputs:
        rows.append((_("Input {number}").format(number=item.number), _input_text(story, item)))
    return (*rows, (_("Key of the record"), fingerprint(story.head.public_key)))


def _input_text(story: CaseStory, item: CaseInput) -> str:
    parts = [f"{item.label} – {describe_role(item)}"]
    if item.withdrawn:
        parts.append(_("not used: {reason}").format(reason=item.withdrawn))
    elif item.number in story.seen:
        facts = story.seen[item.number].facts
        text = _("{width} × {height} pixels, {codec}, {frames}, {duration}; {people} seen")
        parts.append(
            text.format(
                width=facts["width"],
                height=facts["height"],
                codec=facts["codec"],
                frames=counted(int(facts["frames"] or 0), "frame"),
                duration=clock(float(facts["seconds"] or 0)),
                people=counted(len(story.seen[item.number].people), "person"),
            )
        )
    parts.append(_("{size:,} bytes").format(size=item.size))
    return "; ".join([*parts, f"SHA-256 {item.digest}"])


def _people_section(story: CaseStory) -> tuple[ReportSection, ...]:
    """Who was seen and not compared, and why."""
    rows = []
    for item in story.inputs:
        seen = story.seen.get(item.number)
        if seen is None:
            continue
        label = _("Input {number}").format(number=item.number)
        if not seen.people:
            rows.append((label, _("nobody was found in {label}").format(label=item.label)))
        for person in seen.people:
            if person.vector is None:
                text = _("person {person}, frames {first}–{last}: no sample is good enough")
                rows.append((label, text.format(person=person.person, first=person.first, last=person.last)))
        compared = {score.known for score in story.results.scores}
        if item.role is CaseRole.KNOWN:
            others = [person.person for person in seen.usable if (item.number, person.person) not in compared]
            if others:
                text = _("people {people}: not the known person")
                rows.append((label, text.format(people=", ".join(map(str, others)))))
    return (ReportSection(_("Seen, but not compared"), (), tuple(rows)),) if rows else ()
