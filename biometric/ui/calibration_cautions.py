"""What cautions against a threshold on the Calibration tab: verdicts on answers, and being below the model card's."""

from collections.abc import Sequence
from dataclasses import dataclass

from biometric.domain.verdict_counts import strangers_needed
from biometric.entities import Calibration, Notice
from biometric.entities.verdict_evidence import WRONG_ANSWERS, VerdictEvidence
from biometric.messages import describe_all
from biometric.messages.verdict_sentences import describe_below, describe_confirmed, describe_wrong
from biometric.ui.templating import render


@dataclass(frozen=True, slots=True)
class BelowQuestion:
    """Asks whether thresholds below the model card's are to be used.

    Attributes:
        action, value: the click that says yes.
        notices: which thresholds.
    """

    action: str
    value: int
    notices: tuple[Notice, ...]

    def agrees(self, action: str, value: int) -> bool:
        """Whether a click says yes to this very question."""
        return (action, value) == (self.action, self.value)

    @property
    def sentences(self) -> list[str]:
        """Which thresholds, for people."""
        return describe_all(self.notices)


def asked(question: BelowQuestion | None, action: str) -> BelowQuestion | None:
    """Return the open question where it is that of a click, else None."""
    return question if question is not None and question.action == action else None


def verdicts(told: Sequence[tuple[str, VerdictEvidence]]) -> str:
    """Return what verdicts say about the thresholds in force, "" where there is none.

    Args:
        told: (purpose in words, evidence).
    """
    lines = [
        (
            purpose,
            [text for text in (describe_confirmed(evidence), describe_below(evidence)) if text],
            describe_wrong(evidence, strangers_needed(evidence.counts)),
        )
        for purpose, evidence in told
        if not evidence.is_empty
    ]
    return render("calibration_verdicts.html", lines=lines) if lines else ""


def wrong_answers(calibration: Calibration) -> list[str]:
    """Return what a calibration says of answers that were called wrong and reach its thresholds."""
    return describe_all(note for note in calibration.notes if note.code in WRONG_ANSWERS)
