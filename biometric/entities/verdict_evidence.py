"""What verdicts say about a threshold. It is selected evidence: only answers that were shown can be judged."""

from dataclasses import dataclass

from biometric.entities.calibration import GenuineScores
from biometric.entities.calibration_footage import StoredCalibration
from biometric.entities.cohort import KeptCohort
from biometric.entities.decisions import Threshold
from biometric.entities.notices import NoticeCode
from biometric.entities.verdicts import VerdictCounts

WRONG_ANSWERS = (NoticeCode.WRONG_ANSWERS_REACH, NoticeCode.WRONG_ANSWERS_SCORE_ONE)
"""What a calibration says of answers that were called wrong and reach its thresholds."""


@dataclass(frozen=True, slots=True)
class VerdictEvidence:
    """What the verdicts of one model say about a threshold for one purpose.

    Attributes:
        counts: the verdicts on answers of that purpose against the threshold; of these, `wrong` reach it.
        confirmed: answers of either purpose that people confirmed, against the threshold; None where there is none.
            Its rate is no estimate of the FNMR of everybody: whom nobody noticed, nobody confirmed.
        not_counted: confirmed answers that are not among them, because the probe comes from the footage of the
            reference, or the reference is gone.
        highest_wrong: highest score of the answers called wrong, None where there is none.
        clear_threshold: lowest threshold of three decimals that no answer called wrong reaches; None where there is
            none, or one that scored 1.00.
        missed_there: confirmed answers below `clear_threshold`.
        other_adaptation: verdicts of that purpose on scores of another adaptation to cameras, which cannot be compared.
    """

    counts: VerdictCounts
    confirmed: GenuineScores | None
    not_counted: int
    highest_wrong: float | None = None
    clear_threshold: float | None = None
    missed_there: int = 0
    other_adaptation: int = 0

    @property
    def is_empty(self) -> bool:
        """Whether there is no verdict to tell of."""
        told = self.not_counted or self.other_adaptation or self.counts.total
        return self.confirmed is None and not told


@dataclass(frozen=True, slots=True)
class CalibrationStatus:
    """What decides in a gallery now, and what verdicts say about it.

    Attributes:
        stored: the calibration in force with the model in use, None where it is the model card.
        verification, identification: the thresholds in force.
        verification_verdicts, identification_verdicts: what verdicts say about each.
        cohorts: of strangers that are kept.
    """

    stored: StoredCalibration | None
    verification: Threshold
    identification: Threshold
    verification_verdicts: VerdictEvidence
    identification_verdicts: VerdictEvidence
    cohorts: tuple[KeptCohort, ...] = ()
