"""What people said of answers as evidence about a threshold. Numpy only.

Verdicts are selected: only answers that were shown could be judged, and people judge what strikes them. So ISO/IEC
19795-1 would not call their shares error rates of the system, and they never enter a fit:

    confirmed   A comparison of one person with themselves, of a kind of its own beside those of `collection`. The share
                below the threshold is told with an interval and called selected. Of answers of either purpose, because
                a verdict on the same comparison replaces an earlier one. Comparisons of a probe with a reference from
                the same footage are not counted, nor those whose reference is gone, so that nobody can tell.
    wrong       Two people who certainly differ, and who were named because they score high: any rate of these would be
                far too high for a comparison with a stranger, and leaving them out of a rate makes none lower. They
                warn, and tell the lowest threshold that none of them reaches. Of answers of one purpose, because a
                search names the most alike of all who are enrolled.

A confirmation takes nothing out of the errors of a fit either (see the doubtful comparisons of `collection`): whoever
confirms high scores only would lower the threshold.
"""

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

from biometric.domain.constraints import equal_templates
from biometric.domain.verdict_counts import count_verdicts
from biometric.entities import (
    Calibration,
    GenuineScores,
    Notice,
    NoticeCode,
    Purpose,
    ScoreAdaptation,
    Threshold,
    ThresholdSource,
    Verdict,
    VerdictWord,
)
from biometric.entities.verdict_evidence import VerdictEvidence
from biometric.ports import Gallery
from biometric.statistics import intervals

CONFIRMED_ANSWERS = "confirmed answers"
"""The kind of `GenuineScores` that verdicts give."""


@dataclass(frozen=True, slots=True, eq=False)
class VerdictScores:
    """The verdicts of a gallery that were made with one model.

    Attributes:
        model_id: the model.
        verdicts: all of them.
        confirmed: the confirmed answers that count.
        not_counted: those that do not.
    """

    model_id: str
    verdicts: tuple[Verdict, ...]
    confirmed: tuple[Verdict, ...]
    not_counted: tuple[Verdict, ...]

    def at(self, purpose: Purpose, threshold: Threshold) -> VerdictEvidence:
        """Return what the verdicts on scores of a threshold's adaptation say about it; others cannot be compared."""
        made_alike, counted, left_out = (
            tuple(verdict for verdict in verdicts if verdict.adaptation == threshold.adaptation)
            for verdicts in (self.verdicts, self.confirmed, self.not_counted)
        )
        own_scores = [(verdict.identity_id, verdict.score) for verdict in counted]
        counts = count_verdicts(made_alike, self.model_id, purpose, threshold)
        wrong = [
            verdict.score for verdict in made_alike if verdict.purpose == purpose and verdict.word is VerdictWord.WRONG
        ]
        clear = lowest_threshold_above(max(wrong)) if wrong else None
        return VerdictEvidence(
            counts=counts,
            confirmed=genuine_scores(CONFIRMED_ANSWERS, own_scores, threshold.value) if own_scores else None,
            not_counted=len(left_out),
            highest_wrong=max(wrong, default=None),
            clear_threshold=clear,
            missed_there=0 if clear is None else sum(score < clear for _, score in own_scores),
            other_adaptation=sum(
                verdict.purpose == purpose and verdict.adaptation != threshold.adaptation for verdict in self.verdicts
            ),
        )


def read_verdict_scores(gallery: Gallery, model_id: str) -> VerdictScores:
    """Read the verdicts of a gallery that were made with a model. Raises `GalleryError`."""
    verdicts = tuple(verdict for verdict in gallery.verdicts() if verdict.probe.template.model_id == model_id)
    confirmed = [verdict for verdict in verdicts if verdict.word is VerdictWord.CONFIRMED]
    references = {
        reference.id: reference
        for identity_id in {verdict.identity_id for verdict in confirmed}
        for reference in gallery.references(identity_id)
    }
    counted, left_out = [], []
    for verdict in confirmed:
        reference = references.get(verdict.reference_id or "")
        if (
            reference is not None
            and reference.clip_digest != verdict.probe.clip_digest
            and not equal_templates(reference.template, verdict.probe.template)  # a copy of the footage
        ):
            counted.append(verdict)
        else:
            left_out.append(verdict)
    return VerdictScores(model_id, verdicts, tuple(counted), tuple(left_out))


def genuine_scores(kind: str, scores: Sequence[tuple[Hashable, float]], threshold: float) -> GenuineScores:
    """Return how many scores of people with themselves are below a threshold, with an interval of the rate.

    Scores of one person are not independent. n scores count for (Σn)² / Σn² trials, n being a person's scores: what
    they are worth where a person is always or never missed (Kish's design effect). For one person that is one trial,
    where a bootstrap over people would say that the rate is known exactly.

    Args:
        scores: (person, score), at least one.
    """
    per_person = Counter(person for person, _ in scores)
    missed, total = sum(score < threshold for _, score in scores), len(scores)
    trials = total**2 // sum(count**2 for count in per_person.values())
    if missed:
        low = intervals.clopper_pearson(missed * trials // total, trials).low
        high = intervals.clopper_pearson(-(-missed * trials // total), trials).high
    else:
        low, high = 0.0, intervals.rule_of_three(trials)
    lowest = min(score for _, score in scores)
    return GenuineScores(kind, len(per_person), total, missed, low, high, lowest)


def lowest_threshold_above(score: float) -> float | None:
    """Return the lowest threshold of three decimals that a score in [-1, 1] does not reach; None above 1."""
    thousandths = math.floor(score * 1000)
    while thousandths / 1000 <= score:
        thousandths += 1
    return None if thousandths > 1000 else thousandths / 1000


def wrong_answers_notice(evidence: VerdictEvidence) -> Notice | None:
    """Return what a calibration says of answers that were called wrong and reach its threshold, None where none do."""
    counts = evidence.counts
    if not counts.wrong:
        return None
    values = {"purpose": counts.purpose, "answers": counts.wrong, "value": counts.threshold}
    if evidence.clear_threshold is None:
        return Notice(NoticeCode.WRONG_ANSWERS_SCORE_ONE, **values)
    return Notice(NoticeCode.WRONG_ANSWERS_REACH, **values, clear=evidence.clear_threshold)


def with_verdicts(calibration: Calibration, scores: VerdictScores, default: Threshold) -> Calibration:
    """Return a calibration with what verdicts say about its thresholds; no threshold and no rate of it changes.

    Args:
        default: threshold of identification where the calibration has none.
    """
    found, adaptation = calibration.identification, calibration.adaptation
    verification = scores.at("verification", _fitted(calibration.verification.value, adaptation))
    identification = scores.at("identification", default if found is None else _fitted(found.value, adaptation))
    told = [wrong_answers_notice(evidence) for evidence in (verification, identification)]
    notes = [notice for notice in told if notice is not None]
    genuine = calibration.genuine
    if verification.confirmed is not None:
        genuine = (*genuine, verification.confirmed)
        notes.append(Notice(NoticeCode.CONFIRMED_ARE_SELECTED))
    return replace(calibration, genuine=genuine, notes=(*notes, *calibration.notes))


def _fitted(value: float, adaptation: ScoreAdaptation) -> Threshold:
    return Threshold(value, ThresholdSource.CALIBRATION, adaptation=adaptation)
