"""One table over several clips."""

import csv
import io
from dataclasses import replace

from biometric.entities import AnsweredPerson, Decision, ScoreBand
from biometric.results.occurrences import AnsweredClip, occurrences_csv, occurrences_json, occurrences_table

ADA = AnsweredPerson(1, Decision.IDENTIFIED, ScoreBand.MATCH, "a", 0.8, 0.2, 3, 40, 0.3, 4.0)
BEN = replace(ADA, person=2, identity_id="b", first_seconds=60.0, last_seconds=75.5)
NOBODY = replace(ADA, person=3, decision=Decision.UNKNOWN, band=ScoreBand.NO_MATCH, identity_id=None)
NAMES = {"a": "Ada", "b": "=Ben"}


def clip(key: str, *people: AnsweredPerson, at: str | None = None) -> AnsweredClip:
    return AnsweredClip(key, f"{key}.mp4", at, people)


def test_a_row_says_in_how_many_clips_and_when_somebody_is_seen_by_the_clock() -> None:
    clips = [
        clip("evening", ADA, at="2026-12-04T17:40:00"),
        clip("morning", ADA, BEN, at="2026-12-04T09:12:00"),
        clip("noon", ADA, replace(ADA, person=4, last_seconds=20.0), at="2026-12-04T12:00:00"),
    ]
    ada = next(row for row in occurrences_table(clips, NAMES) if row.name == "Ada")
    assert ada.clip_count == 3
    assert (ada.first_words(), ada.last_words()) == ("09:12", "17:40")
    assert [occurrence.clip.key for occurrence in ada.occurrences] == ["morning", "noon", "noon", "evening"]


def test_several_days_have_their_dates() -> None:
    clips = [clip("a", ADA, at="2026-12-04T09:12:00"), clip("b", ADA, at="2026-12-05T08:00:00")]
    (row,) = occurrences_table(clips, NAMES)
    assert (row.first_words(), row.last_words()) == ("2026-12-04 09:12", "2026-12-05 08:00")


def test_without_a_date_the_clip_and_its_own_time_are_told() -> None:
    clips = [clip("x", BEN), clip("y", ADA, BEN, at="2026-12-04T09:12:00"), clip("z", at="no date")]
    ada, ben = occurrences_table(clips, {"a": "Ada", "b": "Ben"})
    assert ada.first_words() == "09:12"
    assert (ben.first_words(), ben.last_words()) == ("x.mp4, 1:00.0", "y.mp4, 1:15.5")
    (undated,) = occurrences_table([clip("z", ADA, at="no date")], NAMES)
    assert undated.first_words() == "z.mp4, 0:00.3"


def test_who_is_unknown_is_counted_and_stands_last() -> None:
    rows = occurrences_table([clip("x", NOBODY, ADA), clip("y", NOBODY, replace(NOBODY, person=5))], NAMES)
    assert [row.name for row in rows] == ["Ada", ""]
    assert rows[1].identity_id is None
    assert (len(rows[1].occurrences), rows[1].clip_count) == (3, 2)
    assert occurrences_table([clip("x")], NAMES) == []


def test_the_csv_is_safe_in_a_spreadsheet() -> None:
    text = occurrences_csv(occurrences_table([clip("@sum", BEN, at="2026-12-04T09:12:00")], NAMES))
    (row,) = csv.DictReader(io.StringIO(text))
    assert row["identity"] == "'=Ben"
    assert row["first_clip"] == "'@sum.mp4"
    assert row["first_seen"].startswith("2026-12-04T09:13:00")
    assert (row["clips"], row["times_seen"], row["first_seconds"], row["last_seconds"]) == (
        "1",
        "1",
        "60.000",
        "75.500",
    )


def test_json_has_no_time_of_day_where_it_is_not_known() -> None:
    (row,) = occurrences_table([clip("x", ADA)], NAMES)
    data = occurrences_json(row)
    assert (data["identity"], data["clips"], data["first_seen"]) == ("Ada", 1, None)
    assert data["occurrences"][0] == {
        "clip": "x.mp4",
        "person": 1,
        "from_seconds": 0.3,
        "to_seconds": 4.0,
        "stretches": [{"from_seconds": 0.3, "to_seconds": 4.0}],
        "seen_from": None,
        "seen_to": None,
    }


def test_each_stretch_counts_and_is_told() -> None:
    stretches = ((0.3, 1.0), (3.0, 4.0))
    rows = occurrences_table([clip("x", replace(ADA, stretches=stretches)), clip("y", ADA)], NAMES)
    told = [occurrence["stretches"] for occurrence in occurrences_json(rows[0])["occurrences"]]
    assert told == [
        [{"from_seconds": 0.3, "to_seconds": 1.0}, {"from_seconds": 3.0, "to_seconds": 4.0}],
        [{"from_seconds": 0.3, "to_seconds": 4.0}],
    ]
    assert next(csv.DictReader(io.StringIO(occurrences_csv(rows))))["times_seen"] == "3"
