"""How verdicts compare with the thresholds in force."""

from collections import Counter
from collections.abc import Iterable

from biometric.domain.comparison import decide
from biometric.entities import Purpose, Threshold, Verdict, VerdictCounts, VerdictWord

_OUTCOMES = {
    (VerdictWord.CONFIRMED, True): "confirmed",
    (VerdictWord.CONFIRMED, False): "missed",
    (VerdictWord.WRONG, True): "wrong",
    (VerdictWord.WRONG, False): "told_apart",
    (VerdictWord.UNDECIDED, True): "undecided",
    (VerdictWord.UNDECIDED, False): "undecided",
}


def count_verdicts(verdicts: Iterable[Verdict], model_id: str, purpose: Purpose, threshold: Threshold) -> VerdictCounts:
    """Count the verdicts of one purpose, made with one model and adaptation, against the threshold in force now."""
    counts = Counter(
        _OUTCOMES[verdict.word, decide(verdict.score, threshold)]
        for verdict in verdicts
        if verdict.purpose == purpose
        and verdict.probe.template.model_id == model_id
        and verdict.adaptation == threshold.adaptation
    )
    return VerdictCounts(purpose, threshold.value, threshold.rate, threshold.rate_kind, **counts)


def strangers_needed(counts: VerdictCounts) -> int | None:
    """Return of how many compared strangers so many wrong matches would keep what the threshold promises.

    None: there is no wrong match, or no promise. The number of strangers that were really compared is not recorded;
    where it is lower than this, the threshold lets more pass than it promises.
    """
    if not counts.wrong or not counts.rate:
        return None
    return round(counts.wrong / counts.rate)
