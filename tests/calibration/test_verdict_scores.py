"""What verdicts say about a threshold: confirmed answers by an interval, wrong ones by a warning."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from biometric.calibration import verdict_scores
from biometric.calibration.verdict_scores import genuine_scores, lowest_threshold_above, read_verdict_scores
from biometric.entities import (
    Calibration,
    Decision,
    FitBasis,
    FittedThreshold,
    Histogram,
    NewReference,
    NewVerdict,
    NoticeCode,
    ProbeRecord,
    Purpose,
    Template,
    Threshold,
    ThresholdSource,
    VerdictWord,
)
from biometric.entities.verdict_evidence import VerdictEvidence
from biometric.gallery.repository import SQLiteGallery

MODEL = "model-a"
CONFIRMED, WRONG, UNDECIDED = VerdictWord.CONFIRMED, VerdictWord.WRONG, VerdictWord.UNDECIDED


class Judged:
    """A gallery of people whose reference i is of the clip `digest_i`, and what is said of answers about them."""

    def __init__(self, folder: Path) -> None:
        self.gallery = SQLiteGallery(folder / "gallery")
        self.said = 0

    def enroll(self, name: str, digest: str) -> str:
        template = Template(self._vector(), MODEL, 1)
        self.gallery.enroll(name, NewReference(template, (), digest, f"{name}.mp4", 0, 9))
        return self.gallery.references(self.gallery.find(name).id)[0].id

    def say(
        self,
        name: str,
        word: VerdictWord,
        score: float,
        purpose: Purpose = "identification",
        *,
        digest: str | None = None,
        model: str = MODEL,
        vector: np.ndarray | None = None,
    ) -> None:
        self.said += 1
        identity = self.gallery.find(name)
        [reference] = self.gallery.references(identity.id)
        probe = ProbeRecord(
            f"{self.said:064x}" if digest is None else digest,
            "probe.mp4",
            1,
            np.arange(3, dtype=np.int32),
            np.zeros(3, np.int32),
            np.tile(np.float32([0, 0, 10, 20]), (3, 1)),
            Template(self._vector() if vector is None else vector, model, 1),
        )
        new = NewVerdict(word, identity.id, reference.id, probe, purpose, score, 0.5, Decision.IDENTIFIED)
        self.gallery.save_verdict(new)

    def at(self, threshold: float, purpose: Purpose = "identification") -> VerdictEvidence:
        limit = Threshold(threshold, ThresholdSource.USER)
        return read_verdict_scores(self.gallery, MODEL).at(purpose, limit)

    def _vector(self) -> np.ndarray:
        vector = np.random.default_rng(self.said + 100).normal(size=16).astype(np.float32)
        return vector / np.linalg.norm(vector)


@pytest.fixture
def judged(tmp_path: Path) -> Judged:
    made = Judged(tmp_path)
    made.enroll("Ada", "a" * 64)
    made.said += 1
    made.enroll("Ben", "b" * 64)
    return made


def test_confirmed_answers_are_told_with_their_lowest_score_and_an_interval(judged: Judged) -> None:
    for score in (0.41, 0.7, 0.8):
        judged.say("Ada", CONFIRMED, score)
    judged.say("Ben", CONFIRMED, 0.9, "verification")
    confirmed = judged.at(0.5).confirmed
    assert confirmed is not None
    assert (confirmed.kind, confirmed.people, confirmed.comparisons, confirmed.missed) == ("confirmed answers", 2, 4, 1)
    assert confirmed.lowest == 0.41
    assert confirmed.low == 0
    assert confirmed.high > 0.9, "one of two people may always be missed"
    assert judged.at(0.41).confirmed.missed == 0, "a score of the threshold itself is a match"  # type: ignore[union-attr]


def test_answers_from_the_footage_of_the_reference_and_of_other_models_are_not_counted(judged: Judged) -> None:
    judged.say("Ada", CONFIRMED, 0.99, digest="a" * 64)
    [reference] = judged.gallery.references(judged.gallery.find("Ben").id)
    judged.say("Ben", CONFIRMED, 1.0, vector=reference.template.vector)  # a copy of the clip
    assert (judged.at(0.5).confirmed, judged.at(0.5).not_counted) == (None, 2)
    judged.say("Ada", CONFIRMED, 0.6)
    evidence = judged.at(0.5)
    assert (evidence.confirmed.comparisons, evidence.not_counted) == (1, 2)  # type: ignore[union-attr]
    assert read_verdict_scores(judged.gallery, "another").verdicts == ()


def test_wrong_answers_tell_the_lowest_threshold_that_none_of_them_reaches_and_change_no_rate(judged: Judged) -> None:
    judged.say("Ada", CONFIRMED, 0.6)
    before = judged.at(0.5).confirmed
    judged.say("Ada", WRONG, 0.45)
    evidence = judged.at(0.5)
    assert (evidence.counts.wrong, evidence.counts.told_apart, evidence.clear_threshold) == (0, 1, 0.451)
    assert verdict_scores.wrong_answers_notice(evidence) is None
    judged.say("Ben", WRONG, 0.6125)
    judged.say("Ben", UNDECIDED, 0.9)
    evidence = judged.at(0.5)
    assert (evidence.counts.wrong, evidence.highest_wrong, evidence.clear_threshold) == (1, 0.6125, 0.613)
    assert (evidence.missed_there, evidence.counts.undecided) == (1, 1)
    assert evidence.confirmed == before
    assert judged.at(0.5, "verification").counts.total == 0, "a search names the most alike of all"
    assert judged.at(0.613).counts.wrong == 0


def test_a_calibration_holds_what_was_said_and_its_thresholds_stay(judged: Judged) -> None:
    fitted = FittedThreshold(0.5, 0.01, 0, 376, 0.008, 0.32, 0.5, FitBasis.PAIRS)
    made = Calibration(
        *(MODEL, "2026-03-01T12:00:00+00:00", fitted, None, 2, 34, 376, 376, 1, 31.4, {}, (), None),
        Histogram((1,), (0,)),
    )
    default = Threshold(0.55, ThresholdSource.MODEL_CARD)
    nothing = verdict_scores.with_verdicts(made, read_verdict_scores(judged.gallery, MODEL), default)
    assert nothing == made
    judged.say("Ada", CONFIRMED, 0.7)
    judged.say("Ben", WRONG, 0.6)
    judged.say("Ada", WRONG, 1.0, "verification")
    told = verdict_scores.with_verdicts(made, read_verdict_scores(judged.gallery, MODEL), default)
    assert dataclasses.replace(told, genuine=(), notes=()) == made
    assert [(item.kind, item.missed, item.lowest) for item in told.genuine] == [("confirmed answers", 0, 0.7)]
    one, reached, selected = told.notes
    assert one.as_dict()["values"] == {"purpose": "verification", "answers": 1, "value": 0.5}
    assert reached.as_dict()["values"] == {"purpose": "identification", "answers": 1, "value": 0.55, "clear": 0.601}
    assert [note.code for note in told.notes] == [
        *(NoticeCode.WRONG_ANSWERS_SCORE_ONE, NoticeCode.WRONG_ANSWERS_REACH, NoticeCode.CONFIRMED_ARE_SELECTED)
    ]
    assert Calibration.from_dict(told.as_dict()) == told
    assert selected.values == ()


@pytest.mark.parametrize(
    ("score", "threshold"), [(0.6, 0.601), (0.6004, 0.601), (0.0, 0.001), (-0.5, -0.499), (0.999, 1.0), (1.0, None)]
)
def test_the_lowest_threshold_above_a_score(score: float, threshold: float | None) -> None:
    assert lowest_threshold_above(score) == threshold


def test_scores_of_one_person_are_one_trial_and_of_many_people_many() -> None:
    one = genuine_scores("k", [("ada", 0.4), *[("ada", 0.9)] * 9], 0.5)
    assert (one.low, one.high) == (0.0, 1.0), "a person who was missed once may be missed always"
    many = genuine_scores("k", [(person, 0.4 if person < 10 else 0.9) for person in range(100)], 0.5)
    assert (many.low, many.high) == (pytest.approx(0.049, abs=0.001), pytest.approx(0.176, abs=0.001))
    assert genuine_scores("k", [(person, 0.9) for person in range(100)], 0.5).high == pytest.approx(0.03)
    uneven = genuine_scores("k", [*[(0, 0.9)] * 98, (1, 0.9), (2, 0.9)], 0.5)
    assert uneven.high == 1.0
