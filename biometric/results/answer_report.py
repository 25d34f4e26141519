"""A report for people on a verification or an identification, as text and pictures without a look."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from biometric.messages.detail_sentences import with_size
from biometric.messages.translation import N_
from biometric.messages.translation import gettext as _

LIMITS = (
    N_("Compares clothing and build, not faces. Two people in the same clothes look alike."),
    N_("References age within days: after a change of clothes the scores say nothing."),
    N_("Does not detect replayed video or photographs of screens."),
    N_(
        "A score is evidence, not proof. A person has to look at the pictures before anything is decided about anybody."
    ),
)


@dataclass(frozen=True, slots=True)
class ReportPicture:
    """A picture with its words; `jpeg` is None where the stored picture is gone.

    `size` is width and height in pixels of the stored picture, of which `jpeg` may be a smaller copy.
    """

    caption: str
    note: str
    jpeg: bytes | None = field(repr=False)
    size: tuple[int, int] | None = None

    def words(self, most_width: float, most_height: float) -> str:
        """Return the note with the picture's size, and whether it is larger in so many pixels of room."""
        return with_size(self.note, self.size, (most_width, most_height))


@dataclass(frozen=True, slots=True)
class ReportCandidate:
    """One row of the closest identities: `band` in words, such as "at or above the threshold"."""

    rank: int
    name: str
    score: str
    band: str


@dataclass(frozen=True, slots=True)
class ReportAnswer:
    """One person's answer.

    Attributes:
        mood: "good", "unsure" or "bad", for the look; `outcome` says it in words.
        facts: (term, value) pairs: score, threshold, margin …
        evidence: sentences on what the threshold rests on.
    """

    heading: str
    outcome: str
    mood: str
    reason: str
    probe: ReportPicture
    reference: ReportPicture | None
    facts: tuple[tuple[str, str], ...]
    evidence: tuple[str, ...]
    candidates: tuple[ReportCandidate, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReportSection:
    """Further facts of a report: sentences, then (term, value) pairs."""

    heading: str
    texts: tuple[str, ...] = ()
    rows: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class AnswerReport:
    """Everything that a report says, as text and pictures.

    Attributes:
        source: (term, value) pairs on what was compared: file, digest, frames, times, models, version.
        overview: sections before the answers.
        sections: sections after them.
    """

    title: str
    created: str
    summary: str
    source: tuple[tuple[str, str], ...]
    answers: tuple[ReportAnswer, ...]
    warnings: tuple[str, ...]
    limits: tuple[str, ...] = field(default_factory=lambda: tuple(map(_, LIMITS)))
    overview: tuple[ReportSection, ...] = ()
    sections: tuple[ReportSection, ...] = ()


def report_texts(report: AnswerReport) -> Iterator[str]:
    """Yield every text of a report, to find out which fonts it needs."""
    yield from (report.title, report.created, report.summary, *report.warnings, *report.limits)
    yield from (text for pair in report.source for text in pair)
    for section in (*report.overview, *report.sections):
        yield from (section.heading, *section.texts, *(text for pair in section.rows for text in pair))
    for answer in report.answers:
        yield from (answer.heading, answer.outcome, answer.reason, *answer.evidence, *answer.warnings)
        yield from (text for pair in answer.facts for text in pair)
        pictures = [answer.probe] if answer.reference is None else [answer.probe, answer.reference]
        yield from (text for picture in pictures for text in (picture.caption, picture.words(0, 0)))
        yield from (text for row in answer.candidates for text in (row.name, row.score, row.band))
