"""What the Calibration tab shows: in force, possible, listed, history."""

import dataclasses
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from biometric.entities import (
    UNADAPTED,
    AdaptationGain,
    AdaptationKind,
    AdaptationReport,
    Calibration,
    FitBasis,
    FittedThreshold,
    GenuineScores,
    Histogram,
    LikelihoodRatio,
    Notice,
    NoticeCode,
    RateKind,
    ScoreAdaptation,
    Threshold,
    ThresholdSource,
    VerdictCounts,
)
from biometric.entities.calibration import UnadaptedThresholds
from biometric.entities.calibration_footage import (
    CalibrationTrack,
    ClipSummary,
    FootageEvidence,
    StoredCalibration,
    SupportedRate,
)
from biometric.entities.verdict_evidence import VerdictEvidence
from biometric.errors import CalibrationRefused, InvalidInput
from biometric.messages.verdict_sentences import describe_wrong
from biometric.ui import calibration_cautions, calibration_input, elements, problems
from biometric.ui import calibration_views as views
from biometric.ui.calibration_histogram import histogram
from biometric.ui.calibration_state import CalibrationState
from biometric.ui.chosen_thresholds import chosen_threshold
from tests.ui.scenery import CoatEmbedder

FITTED = FittedThreshold(0.479, 0.01, 0, 376, 0.008, 0.32, 0.48, FitBasis.PAIRS)
CALIBRATION = Calibration(
    model_id=CoatEmbedder.model_id,
    created_at="2026-03-01T12:00:00+00:00",
    verification=FITTED,
    identification=None,
    gallery_size=2,
    people=34,
    pairs=376,
    independent=376,
    clips=1,
    seconds=31.4,
    sources={"same time": 474},
    genuine=(GenuineScores("same visit", 27, 35, 0, 0.0, 0.11),),
    likelihood=LikelihoodRatio(15.0, -8.0, 0.03, 376.0, Notice(NoticeCode.LIKELIHOOD_BASIS, people=27, pairs=376)),
    histogram=Histogram((0, 0, 300, 76), (0, 0, 5, 30)),
    notes=(Notice(NoticeCode.STORED_NOTE, text="Scores of one visit <flatter>."),),
)
DECIDES = Threshold(
    0.479, ThresholdSource.CALIBRATION, (), 0.01, calibrated_on="2026-03-01", likelihood=CALIBRATION.likelihood
)
CARD = Threshold(0.572, ThresholdSource.MODEL_CARD)


def shown(calibration: Calibration | None = CALIBRATION, size: int = 2, question: str = "") -> str:
    since = None if calibration is None else "2026-03-02T09:00:00+00:00"
    thresholds = [("Verification", CARD if calibration is None else DECIDES), ("Identification", CARD)]
    return views.in_force(calibration, since, thresholds, size, question)


def test_what_is_in_force_shows_what_it_rests_on() -> None:
    html = shown()
    for words in (
        *("In force: your calibration", "since 2 March 2026", "0.479", "0.32–0.48", "1 in 100", "34 people, 376 pairs"),
        *("474 seen side by side", "1 clip (0:31)", "0 of 376 reach it, FMR at most 0.80%", "from this calibration"),
        *("0 of 35 missed: FNMR 0.0%–11.0%", "from the model card, not from this calibration", "not calibrated"),
        *("&lt;flatter&gt;", "Back to the model card …"),
    ):
        assert words in html, words
    assert "<flatter" not in html
    assert 'data-action="card"' not in html
    asked = shown(question="card")
    assert ('data-action="card"' in asked, "Keep the calibration" in asked, "ask-card" in asked) == (True, True, False)


def test_without_a_calibration_the_model_card_is_named() -> None:
    html = shown(None)
    assert "In force: the model card" in html
    assert "never showed your cameras" in html
    for absent in ('<svg class="sl-histogram', "Back to the model card", "since"):
        assert absent not in html, absent


def test_a_setting_that_decides_is_named() -> None:
    setting = Threshold(0.3, ThresholdSource.SETTING)
    html = views.in_force(CALIBRATION, "2026-03-02T09:00:00+00:00", [("Verification", setting)], 2, "")
    assert "from a setting, which goes before any calibration" in html


def test_a_gallery_that_has_grown_is_told() -> None:
    made = dataclasses.replace(CALIBRATION, identification=FITTED)
    assert "calibrate again" not in shown(made, 2)
    assert "it has 3 now, so a higher threshold of the model card may decide" in shown(made, 3)


def test_comparisons_in_doubt_are_shown() -> None:
    assert "7 comparisons, counted as errors" in shown(dataclasses.replace(CALIBRATION, doubtful=7))
    assert "In doubt" not in shown()


def test_the_histogram_has_a_bar_a_bin_and_the_threshold_in_its_place() -> None:
    svg = histogram(CALIBRATION.histogram, 0.5)
    assert svg.count('class="sl-different" ') == svg.count('class="sl-same" ') == 2
    # Bins of 0.5 from 0 to 1 are left, so 0.5 is in the middle of 300 units.
    assert 'class="sl-threshold" x1="150.0"' in svg
    assert "376 pairs of different people, 35 scores of one person" in svg
    empty = histogram(Histogram((0, 0), (0, 0)), -0.5)
    assert "<rect" not in empty
    assert 'x1="0.0"' in empty


def test_promise_27_the_evidence_stands_beside_the_score() -> None:
    html = elements.scale(0.9, DECIDES)
    assert "calibrated here on 1 March 2026: of 100 strangers, about 1 would pass" in html
    assert "likelihood ratio 245: moderately strong support for the same person" in html
    assert "calibrated on your footage on 1 March 2026" in elements.threshold_evidence(DECIDES)
    assert "likelihood" not in elements.scale(0.9, Threshold(0.5, ThresholdSource.MODEL_CARD))
    assert "likelihood" not in elements.scale(None, DECIDES)


def test_a_refusal_has_its_own_title() -> None:
    assert "Not enough footage" in problems.problem(CalibrationRefused("More is needed."))


def summary(digest: str = "a", people: int = 3, **values: object) -> ClipSummary:
    tracks = (CalibrationTrack(np.ones(1, np.float32), None, {}),) * people
    return ClipSummary(digest, "m", tracks, 10.0, **{"comparisons": 3, **values})  # type: ignore[arg-type]


def listing(*summaries: ClipSummary | None) -> CalibrationState:
    state = CalibrationState()
    for number, item in enumerate(summaries):
        state.add(Path(f"/nowhere/{number}/clip.mp4"), f"<{number}>.mp4")
        list(state.clips.values())[-1].summary = item
    return state


def test_each_listed_clip_says_what_was_found() -> None:
    state = listing(
        summary("a"),
        summary("b", 1, comparisons=0),
        summary("c", 0, comparisons=0),
        summary("d", 0, comparisons=0, unusable=2),
        summary("a"),
        None,
        summary("e", damaged=True),
        None,
    )
    state.clips[8].problem = "Not a video."
    html = views.footage(state)
    for words in (
        *("8 clips", "3 people · 3 comparisons side by side", "1 person · nobody side by side", "nobody was found"),
        *("nobody can be seen well enough", "it counts once", "not analysed yet", "read in part", "Not a video."),
        *("&lt;0&gt;.mp4", 'data-action="take-out" data-value="8"', "Take all out", "sl-cal-problem"),
    ):
        assert words in html, words
    assert html.count("sl-cal-problem") == 1
    assert views.footage(CalibrationState()).strip() == ""
    assert "Take all out" not in views.footage(listing(None))


def test_a_listed_clip_says_its_camera_where_it_was_named() -> None:
    state = listing(summary("a"), None)
    state.clips[1].camera = "<Door>"
    html = views.footage(state)
    assert "camera &lt;Door&gt; · 3 people" in html
    assert html.count("camera ") == 1


def test_cameras_of_the_gallery_and_of_listed_clips_are_suggested_once() -> None:
    state = listing(summary("a"), None, None)
    state.clips[1].camera, state.clips[2].camera = "Yard", "door"
    assert state.suggest_cameras(["Door", "Hall"]) == ["Door", "Hall", "Yard"]
    assert CalibrationState().suggest_cameras([]) == []


GAIN = AdaptationGain(AdaptationKind.CENTRING, 0.01, 0.091, 0.075, 0.004, 0.028, 40, 120, True)
MARK = ScoreAdaptation(AdaptationKind.CENTRING, "0123456789abcdef")


def test_what_centring_gains_is_told() -> None:
    unadapted = UnadaptedThresholds(FITTED, None, None)
    for report, words in (
        (AdaptationReport(MARK, 2, 50, (GAIN,)), "centred by camera, as learnt from 50 people and 2 cameras"),
        (AdaptationReport(UNADAPTED, 2, 50, (GAIN,)), "gain of centring by camera is not certain"),
        (AdaptationReport(UNADAPTED, 0, 0), "too few people were compared"),
    ):
        plain = report.chosen == UNADAPTED
        made = dataclasses.replace(CALIBRATION, report=report, unadapted=None if plain else unadapted)
        for html in (views.in_force(made, None, [("Verification", DECIDES)], 2, ""), views.outcome(made, "the clip")):
            assert words in html
            assert ("FNMR at a false match rate of 1 in 100 9.1%, with centring 7.5%" in html) is bool(report.tried)
    assert "amera" not in views.outcome(CALIBRATION, "the clip"), "a calibration of before tried none"


def test_a_threshold_that_was_set_for_other_scores_is_dropped() -> None:
    session = SimpleNamespace(thresholds={"verification": Threshold(0.7, ThresholdSource.USER)})
    service = SimpleNamespace(threshold=lambda *_: CARD)
    assert chosen_threshold(service, session, "verification") == 0.7  # type: ignore[arg-type]
    service.threshold = lambda *_: dataclasses.replace(DECIDES, adaptation=MARK)
    assert chosen_threshold(service, session, "verification") is None  # type: ignore[arg-type]
    assert session.thresholds == {}


EVIDENCE = FootageEvidence(
    clips=2,
    people=30,
    not_compared=47,
    pairs=435,
    independent=414,
    seen=30,
    side_by_side=435,
    strangers=0,
    gallery_size=3,
    verification=SupportedRate(138, FitBasis.PAIRS),
    identification=SupportedRate(46, FitBasis.PAIRS_FOR_SEARCHES),
)


def promised(target: float = 0.001, **values: object) -> str:
    state = listing(summary("a"), summary("b"))
    state.target = target
    state.evidence = dataclasses.replace(EVIDENCE, **values)  # type: ignore[arg-type]
    return views.promise(state)


def test_what_can_be_promised_is_offered_and_what_is_missing_said() -> None:
    html = promised()
    for words in (
        *("What you can promise now", "<strong>1 in 138</strong>", "of 138 strangers, at most about 1 would pass"),
        *("Use 1 in 138 now", 'data-value="138"', "Not enough footage for 1 in 1,000: about 188 more people"),
        *("about 13 more clips like these", "For identification: Not enough footage for 1 in 100"),
        *("a gallery of 3 people: 1 in 46 searches", "47 other people were not compared"),
        "the 2 clips listed: 30 people, 435 pairs (with 3 people of the gallery)",
    ):
        assert words in html, words


def test_a_target_that_is_supported_is_offered_first() -> None:
    html = promised(0.01)
    assert html.index("Use 1 in 100<") < html.index("Use 1 in 138 now<")
    assert "Not enough footage for 1 in 100: about 188" not in html


def test_what_is_in_force_is_not_offered() -> None:
    state = listing(summary("a"), summary("b"))
    state.target, state.evidence = 0.01, EVIDENCE
    assert "is in force" not in views.promise(state, 7)
    state.note_used(138, 7)
    html = views.promise(state, 7)
    assert ("1 in 138 is in force" in html, "Use 1 in 138 now" in html, "Use 1 in 100<" in html) == (True, False, True)
    for number in (None, 6):  # taken back, or another one
        assert "Use 1 in 138 now" in views.promise(state, number)
    state.note_used(100, 8)
    html = views.promise(state, 8)
    assert ("1 in 100 is in force" in html, "Use 1 in 138 now" in html, "Use 1 in 100<" in html) == (True, True, False)
    assert "1 in 138 is in force" in views.promise(state, 7), "used again from the history"
    state.evidence = dataclasses.replace(EVIDENCE, gallery_size=4)
    assert "is in force" not in views.promise(state, 8)
    state.evidence = EVIDENCE
    assert "is in force" in views.promise(state, 8)
    state.add(Path("c.mp4"), "c.mp4")
    state.evidence = EVIDENCE
    assert "is in force" not in views.promise(state, 8), "other clips with the same numbers"


def test_where_nothing_is_possible_there_is_no_button() -> None:
    for values, words in (
        ({"independent": 4}, "Nothing yet: at least six independent comparisons of different people are needed"),
        ({"separable": False}, "no threshold can tell them apart"),
    ):
        html = promised(verification=None, identification=None, **values)
        assert words in html
        assert "data-action" not in html


def test_before_people_are_compared_the_page_says_what_to_do() -> None:
    assert "Add clips, or compare the people of the gallery" in views.promise(CalibrationState())
    assert "2 clips are not analysed yet." in views.promise(listing(None, None))
    assert "The people of these clips are not compared yet." in views.promise(listing(summary()))


def history(
    *items: tuple[int, Calibration | None, str | None], all_shown: bool = False, model: str = "coats-16"
) -> str:
    stored = [
        StoredCalibration(number, "2026-03-01T12:00:00+00:00", CoatEmbedder.model_id, made, since)
        for number, made, since in items
    ]
    return views.history(stored, model, CalibrationState(all_shown=all_shown))


def test_the_history_offers_what_can_be_used_again() -> None:
    html = history((3, CALIBRATION, "2026-03-01T12:00:00+00:00"), (2, None, None), (1, CALIBRATION, None))
    assert html.count("Use again (") == 1
    assert 'data-action="use-again" data-value="1"' in html
    assert "It cannot be read any more." in html
    assert "verification 0.479 for 1 in 100" in html
    assert html.count("in force") == 1
    other = history((1, CALIBRATION, None), model="another")
    assert ("Made with another model (coats-16)" in other, "use-again" in other) == (True, False)
    assert history().strip() == ""


def test_verdicts_stand_against_the_thresholds_in_force() -> None:
    wrong = VerdictCounts("verification", 0.5, 0.01, RateKind.FMR, wrong=2, told_apart=1, undecided=1)
    confirmed = GenuineScores("confirmed answers", 5, 14, 3, 0.04, 0.52, 0.41)
    none = VerdictEvidence(VerdictCounts("identification", 0.6, None, RateKind.FPIR), None, 0)
    told = VerdictEvidence(wrong, confirmed, 2, 0.612, 0.613, 6)
    html = calibration_cautions.verdicts([("Verification", told), ("Identification", none)])
    for words in (
        "You called 2 matches at this threshold wrong. It promises: of 100 strangers, about 1 would pass.",
        "From 0.613 on, none of the wrong answers would have been named.",
        "Then 6 of 14 confirmed answers would be missed.",
        "14 answers that people confirmed, of 5 people; the lowest score among them is 0.41. "
        "Below the threshold of 0.50: 3, FNMR 4%–52% (95 % interval).",
        "only answers that were shown could be confirmed",
        "2 confirmed answers are not counted",
        "1 answer that you called wrong is below the threshold.",
        "1 answer was left undecided.",
    ):
        assert words in html, words
    assert "Identification" not in html
    assert calibration_cautions.verdicts([("Identification", none)]) == ""
    reached = Notice(NoticeCode.WRONG_ANSWERS_REACH, purpose="verification", answers=2, value=0.5, clear=0.613)
    warned = dataclasses.replace(CALIBRATION, notes=(*CALIBRATION.notes, reached))
    assert calibration_cautions.wrong_answers(warned) == [
        "Answers of verification that you called wrong and that reach the threshold of 0.500: 2. From 0.613 on, none "
        "of the wrong answers would have been named."
    ]


def test_a_wrong_answer_that_no_threshold_excludes_is_said_and_so_is_one_without_a_promise() -> None:
    counts = VerdictCounts("identification", 0.6, None, RateKind.FPIR, wrong=1)
    said = describe_wrong(VerdictEvidence(counts, None, 0, 1.0, None), None)
    assert said == (
        "1 answer that you called wrong reaches this threshold. One of them scored 1.00, so no threshold excludes all "
        "of them."
    )
    said = describe_wrong(VerdictEvidence(counts, None, 0, 0.7, 0.701), None)
    assert said.endswith("From 0.701 on, none of the wrong answers would have been named.")


def test_a_threshold_below_the_card_is_asked_about_in_place_of_the_buttons() -> None:
    state = listing(summary("a"), summary("b"))
    state.evidence = EVIDENCE
    notice = Notice(NoticeCode.BELOW_MODEL_CARD, purpose="verification", value=0.479, card=0.572)
    state.below = calibration_cautions.BelowQuestion("use-anyway", 138, (notice,))
    html = views.promise(state)
    assert "The threshold of verification, 0.479, is below the model card" in html
    assert ('data-action="use-anyway" data-value="138"' in html, 'data-action="use"' in html) == (True, False)
    assert "use-anyway" not in views.history([], "m", state)
    assert (state.below.agrees("use-anyway", 138), state.below.agrees("use-anyway", 2)) == (True, False)
    state.take_out(1)
    assert state.below is None


def test_a_long_history_is_folded_but_not_what_is_in_force() -> None:
    items = [(number, CALIBRATION, "2026-03-01T12:00:00+00:00" if number == 2 else None) for number in range(30, 0, -1)]
    html = history(*items)
    assert html.count("sl-change-words") == 6
    assert ("Show all 30" in html, "in force" in html) == (True, True)
    assert history(*items, all_shown=True).count("sl-change-words") == 30


def test_clips_of_another_model_are_read_again() -> None:
    state = listing(summary("a"), None, summary("b"))
    state.clips[3].problem = "Not a video."
    assert state.unread("m") == [state.clips[2]]
    assert state.unread("another") == [state.clips[1], state.clips[2]]
    assert state.waiting == 1


def test_a_clip_that_is_taken_out_goes_with_its_file_and_the_evidence(tmp_path: Path) -> None:
    state = CalibrationState()
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "clip.mp4").write_bytes(b"clip")
        state.add(tmp_path / name / "clip.mp4", name)
    state.evidence = EVIDENCE
    state.take_out(1)
    assert (sorted(tmp_path.iterdir()), list(state.clips), state.evidence) == ([tmp_path / "b"], [2], None)
    with pytest.raises(InvalidInput, match="not in the list any more"):
        state.take_out(1)
    state.add(tmp_path / "c" / "clip.mp4", "c")
    assert list(state.clips) == [2, 3], "numbers are never given twice"


@pytest.mark.parametrize("value", ["/etc/passwd", [1], {"path": "x"}, ["x.mp4"] * 51])
def test_promise_4_hostile_clips_are_refused(value: object) -> None:
    with pytest.raises(InvalidInput):
        calibration_input.clip_paths(value)
    assert calibration_input.clip_paths(None) == []


@pytest.mark.parametrize("value", [None, True, "0.01", [0.01], 0, -1, 2, float("nan")])
def test_promise_4_hostile_targets_are_refused(value: object) -> None:
    with pytest.raises(InvalidInput):
        calibration_input.target_rate(value)
    assert calibration_input.target_rate(0.01) == 0.01


@pytest.mark.parametrize("number", [139, 1, 0, -3, 10**9])
def test_promise_4_a_rate_that_was_not_offered_is_refused(number: int) -> None:
    with pytest.raises(InvalidInput):
        calibration_input.offered_rate(EVIDENCE, number)
    assert calibration_input.offered_rate(EVIDENCE, 138) == 1 / 138
    assert calibration_input.search_target(EVIDENCE, 1 / 138) == "possible"
    enough = dataclasses.replace(EVIDENCE, identification=SupportedRate(200, FitBasis.SEARCHES))
    assert calibration_input.search_target(enough, 0.01) is None
