"""Of many refused samples some are listed, and all are counted: in JSON, in CSV and on the page."""

import csv
import dataclasses
import io
from collections import Counter
from pathlib import Path

import pytest

from biometric.entities import (
    BiometricReference,
    Decision,
    Enrollment,
    Identification,
    Identity,
    Notice,
    NoticeCode,
    Observation,
    Threshold,
    ThresholdSource,
)
from biometric.results.answer_csv import csv_text
from biometric.results.answer_json import enrollment_json
from biometric.ui import presenters
from biometric.ui.picture_uris import Pictures
from tests.builders import TOO_SMALL, axis, observed_clip, person
from tests.fakes import FakeCrops

TOTAL = 144_000


@pytest.fixture
def mostly_refused(tmp_path: Path) -> Observation:
    """A person with 4 kept samples, and 130 refused ones that stand for 144,000."""
    kept, refused = person(1, tmp_path, axis(0)), person(1, tmp_path, None, count=130)
    moved = [
        dataclasses.replace(sample, detection=dataclasses.replace(sample.detection, frame_index=1000 + 10 * number))
        for number, sample in enumerate(refused.samples)
    ]
    return Observation(1, kept.tracklet, (*kept.samples, *moved), kept.template, Counter({TOO_SMALL.code: TOTAL}))


def test_an_enrollments_json_lists_refused_samples_from_the_whole_time_and_counts_all(
    mostly_refused, tmp_path: Path
) -> None:
    day = "2026-01-01T00:00:00+00:00"
    identity = Identity("1", "Ada", 1, 4, day, day)
    reference = BiometricReference("r", "1", mostly_refused.template, "ab" * 32, "clip.mp4", 0, 9, day, ())
    observed = observed_clip(tmp_path, mostly_refused)
    made = enrollment_json(Enrollment(identity, reference, mostly_refused, people=1, added=False), observed)
    assert made["samples_refused_count"] == TOTAL
    frames = [entry["frame"] for entry in made["samples_refused"]]
    assert len(frames) == 50
    assert frames == sorted(set(frames))
    assert (frames[0], frames[-1] > 1000 + 10 * 125) == (1000, True)
    assert {entry["reason_code"] for entry in made["samples_refused"]} == {"too_small"}


def test_a_csv_row_counts_all_refused_samples(mostly_refused, tmp_path: Path) -> None:
    threshold = Threshold(0.5, ThresholdSource.MODEL_CARD)
    reason = Notice(NoticeCode.NOBODY_TO_COMPARE)
    answer = Identification(mostly_refused, Decision.UNKNOWN, None, None, threshold, None, (), reason)
    (row,) = csv.DictReader(io.StringIO(csv_text(observed_clip(tmp_path, mostly_refused), [answer])))
    assert (row["samples_kept"], row["samples_refused"]) == ("4", str(TOTAL))


def test_the_page_counts_all_refused_samples(mostly_refused, tmp_path: Path) -> None:
    assert presenters.samples_line(mostly_refused) == "4 of 144,004 samples kept"
    html = presenters.refused(mostly_refused, Pictures(FakeCrops()))
    assert "144,000 refused samples, and why" in html
    assert "143,940 more are not shown" in html
    nothing_kept = dataclasses.replace(mostly_refused, template=None)
    assert ": too small (8×20 pixels" in presenters.samples_line(nothing_kept)
