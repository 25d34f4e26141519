"""Verdicts, and how they compare with the thresholds in force, as sentences."""

from collections.abc import Iterable, Sequence

from biometric.entities import Verdict, VerdictCounts, VerdictWord
from biometric.messages import decimal, describe_rate
from biometric.messages.translation import N_, local_number, ngettext
from biometric.messages.translation import gettext as _

_SAID = {
    VerdictWord.CONFIRMED: N_("You said that this is {name}."),
    VerdictWord.WRONG: N_("You said that this is not {name}."),
    VerdictWord.UNDECIDED: N_("You left open whether this is {name}."),
}


def describe_verdict(verdict: Verdict) -> str:
    """Return what was said, as a sentence."""
    return _(_SAID[verdict.word]).format(name=verdict.name)


def describe_verdicts(verdicts: Iterable[Verdict]) -> list[str]:
    """Return what was said of one person, as sentences."""
    return [describe_verdict(verdict) for verdict in verdicts]


def describe_different(first: str, second: str, verdicts: Sequence[Verdict]) -> str:
    """Return why two identities are said to be different people; "" where no verdict says so."""
    if not verdicts:
        return ""
    text = _("You said of a person in {clip} that it is not {name}, so {first} and {second} are different people.")
    return text.format(clip=verdicts[0].probe.clip_name, name=verdicts[0].name, first=first, second=second)


def describe_counts(counts: VerdictCounts) -> str:
    """Return how the verdicts of one purpose compare with the threshold in force; "" where there is none.

    Example: "14 confirmed, 2 wrong at or above the threshold of 0.53, 3 missed below it."
    """
    if not counts.total:
        return ""
    parts = [
        ngettext("{count} confirmed", "{count} confirmed", counts.confirmed).format(count=counts.confirmed),
        ngettext(
            "{count} wrong at or above the threshold of {threshold}",
            "{count} wrong at or above the threshold of {threshold}",
            counts.wrong,
        ).format(count=counts.wrong, threshold=decimal(counts.threshold)),
        ngettext("{count} missed below it", "{count} missed below it", counts.missed).format(count=counts.missed),
    ]
    if counts.told_apart:
        parts.append(_("{count} rightly below it").format(count=counts.told_apart))
    if counts.undecided:
        parts.append(_("{count} undecided").format(count=counts.undecided))
    return ", ".join(parts) + "."


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
