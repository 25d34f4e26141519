"""Verdicts, and how they compare with the thresholds in force, as sentences."""

from collections.abc import Iterable, Sequence

from biometric.entities import Notice, NoticeCode, Verdict, VerdictCounts, VerdictWord
from biometric.entities.verdict_evidence import VerdictEvidence
from biometric.messages import describe, describe_rate, shown_apart
from biometric.messages.counted import counted
from biometric.messages.local_dates import short_day
from biometric.messages.translation import N_, local_number, ngettext
from biometric.messages.translation import gettext as _

_SAID = {
    VerdictWord.CONFIRMED: N_("You said that this is {name}."),
    VerdictWord.WRONG: N_("You said that this is not {name}."),
    VerdictWord.UNDECIDED: N_("You left open whether this is {name}."),
}


_SAID_BY = {
    VerdictWord.CONFIRMED: N_("{by} said that this is {name}."),
    VerdictWord.WRONG: N_("{by} said that this is not {name}."),
    VerdictWord.UNDECIDED: N_("{by} left open whether this is {name}."),
}
"""The same where people sign in, so that "you" may be somebody else."""


def describe_verdict(verdict: Verdict) -> str:
    """Return what was said, as a sentence; by whom, where people sign in."""
    texts = _SAID_BY if verdict.by_user else _SAID
    return _(texts[verdict.word]).format(name=verdict.name, by=verdict.by)


def describe_review(verdicts: Sequence[Verdict]) -> list[str]:
    """Return what a report says of the judgement of an answer: by whom, on which day, or that nobody gave one."""
    if not verdicts:
        return [_("Nobody has judged this answer. A machine's answer alone is a proposal.")]
    lines = []
    for said in verdicts:
        account = "" if said.by_user else said.by
        given = ", ".join(filter(None, [account, short_day(said.created_at)]))
        lines.append(f"{describe_verdict(said)} ({given})")
    return lines


def describe_verdicts(verdicts: Iterable[Verdict]) -> list[str]:
    """Return what was said of one person, as sentences."""
    return [describe_verdict(verdict) for verdict in verdicts]


def describe_different(first: str, second: str, verdicts: Sequence[Verdict]) -> str:
    """Return why two identities are said to be different people; "" where no verdict says so."""
    if not verdicts:
        return ""
    text = _("You said of a person in {clip} that it is not {name}, so {first} and {second} are different people.")
    return text.format(clip=verdicts[0].probe.clip_name, name=verdicts[0].name, first=first, second=second)


def describe_confirmed(evidence: VerdictEvidence) -> str:
    """Return what answers that people confirmed say about a threshold, as selected evidence; "" where there is none.

    Example: "14 answers that people confirmed, of 5 people; the lowest score among them is 0.41. 3 are below the
    threshold of 0.53: FNMR 4 %–52 % (95 % interval). This is selected: …"
    """
    confirmed, parts = evidence.confirmed, []
    if confirmed is not None and confirmed.lowest is not None:
        lowest, threshold = shown_apart(confirmed.lowest, evidence.counts.threshold)
        answers = ngettext(
            "{count:,} answer that people confirmed", "{count:,} answers that people confirmed", confirmed.comparisons
        ).format(count=confirmed.comparisons)
        text = _(
            "{answers}, of {people}; the lowest score among them is {lowest}. Below the threshold of {threshold}: "
            "{missed:,}, FNMR {low:.0%}–{high:.0%} (95 % interval)."
        )
        parts = [
            text.format(
                answers=answers,
                people=counted(confirmed.people, "person"),
                lowest=lowest,
                threshold=threshold,
                missed=confirmed.missed,
                low=confirmed.low,
                high=confirmed.high,
            ),
            describe(Notice(NoticeCode.CONFIRMED_ARE_SELECTED)),
        ]
    if evidence.not_counted:
        text = ngettext(
            "{count:,} confirmed answer is not counted, because it compares somebody with a reference from the same "
            "footage, or with one that is gone.",
            "{count:,} confirmed answers are not counted, because they compare somebody with a reference from the same "
            "footage, or with one that is gone.",
            evidence.not_counted,
        )
        parts.append(text.format(count=evidence.not_counted))
    return " ".join(parts)


def describe_below(evidence: VerdictEvidence) -> str:
    """Return how many answers called wrong are rightly below the threshold, undecided, or not comparable; else ""."""
    counts, parts = evidence.counts, []
    if counts.told_apart:
        text = ngettext(
            "{count:,} answer that you called wrong is below the threshold.",
            "{count:,} answers that you called wrong are below the threshold.",
            counts.told_apart,
        )
        parts.append(text.format(count=counts.told_apart))
    if counts.undecided:
        text = ngettext(
            "{count:,} answer was left undecided.", "{count:,} answers were left undecided.", counts.undecided
        )
        parts.append(text.format(count=counts.undecided))
    if evidence.other_adaptation:
        text = ngettext(
            "{count:,} answer is not counted, because its score was made with another adaptation to cameras.",
            "{count:,} answers are not counted, because their scores were made with another adaptation to cameras.",
            evidence.other_adaptation,
        )
        parts.append(text.format(count=evidence.other_adaptation))
    return " ".join(parts)


def describe_wrong(evidence: VerdictEvidence, strangers: int | None) -> str:
    """Return the warning where answers called wrong reach the threshold; "" where none does.

    Args:
        strangers: see `verdict_counts.strangers_needed`.
    """
    counts = evidence.counts
    if not counts.wrong:
        return ""
    promise = describe_broken_promise(counts, strangers)
    if not promise:
        text = ngettext(
            "{count:,} answer that you called wrong reaches this threshold.",
            "{count:,} answers that you called wrong reach this threshold.",
            counts.wrong,
        )
        promise = text.format(count=counts.wrong)
    if evidence.clear_threshold is None:
        return promise + " " + _("One of them scored 1.00, so no threshold excludes all of them.")
    text = _("From {clear:.3f} on, none of the wrong answers would have been named.")
    told = f"{promise} {text.format(clear=evidence.clear_threshold)}"
    if evidence.confirmed is None:
        return told
    missed = _("Then {missed:,} of {confirmed:,} confirmed answers would be missed.")
    return f"{told} {missed.format(missed=evidence.missed_there, confirmed=evidence.confirmed.comparisons)}"


def describe_broken_promise(counts: VerdictCounts, strangers: int | None) -> str:
    """Return the warning where wrong matches occur at a threshold that promises fewer; "" where there is none.

    Args:
        strangers: see `verdict_counts.strangers_needed`.
    """
    if not counts.wrong or counts.rate is None:
        return ""
    promise = describe_rate(counts.rate, counts.rate_kind)
    text = _("You called {count} matches at this threshold wrong. It promises: {promise}.")
    if counts.wrong == 1:
        text = _("You called a match at this threshold wrong. It promises: {promise}.")
    text = text.format(count=counts.wrong, promise=promise)
    if strangers is None:
        return text + " " + _("Calibrate on more footage.")
    return (
        text
        + " "
        + _(
            "That is kept only if about {strangers} strangers were compared. If there were fewer, calibrate on more "
            "footage, or set a higher threshold."
        ).format(strangers=local_number(f"{strangers:,}"))
    )
