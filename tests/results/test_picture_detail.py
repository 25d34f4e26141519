"""The pixels behind an answer in JSON, CSV, reports and on the page."""

import csv
import dataclasses
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biometric.clips.crops import JpegCropStore
from biometric.entities import ObservedClip
from biometric.entities.picture_detail import ComparedDetail, PictureDetail
from biometric.messages.detail_sentences import describe_detail
from biometric.messages.translation import activate
from biometric.results.answer_csv import csv_text
from biometric.results.answer_json import identification_json, verification_json
from biometric.results.report_content import identification_report, verification_report
from biometric.ui import answers, face_choice
from biometric.ui.picture_uris import Pictures
from tests.builders import axis, observed_clip, person
from tests.results.test_reports import both_texts, identification, sources, verification

BOTH = ComparedDetail(PictureDetail(1128, 843.26, 8), PictureDetail(96, 120.0, 3))
OLD = ComparedDetail(PictureDetail(1128, 843.26, 8), None)


@pytest.fixture
def observed(tmp_path: Path) -> ObservedClip:
    """An observed person whose crops are small pictures."""
    observed = observed_clip(tmp_path, person(1, tmp_path, axis(1)))
    for sample in observed.observations[0].samples:
        assert sample.crop is not None
        JpegCropStore().save(np.full((96, 38, 3), 90, np.uint8), sample.crop)
    return observed


def with_detail(observed: ObservedClip, detail: ComparedDetail | None) -> tuple[Any, Any]:
    made = verification(observed), identification(observed, 1, "Ada", 0.9)
    return tuple(dataclasses.replace(answer, detail=detail) for answer in made)


def test_json_has_both_sides(observed: ObservedClip) -> None:
    claim, search = with_detail(observed, BOTH)
    expected = {
        "probe": {"height": 1128, "sharpness": 843.3, "samples": 8},
        "reference": {"height": 96, "sharpness": 120.0, "samples": 3},
        "costs": [],
    }
    assert verification_json(claim, observed)["picture_detail"] == expected
    assert identification_json([search], None, observed)["people"][0]["picture_detail"] == expected
    claim, search = with_detail(observed, OLD)
    assert verification_json(claim, observed)["picture_detail"]["reference"] is None
    assert verification_json(with_detail(observed, None)[0], observed)["picture_detail"] is None


def test_the_csv_has_a_column_for_each(observed: ObservedClip) -> None:
    columns = ("probe_height", "probe_sharpness", "reference_height", "reference_sharpness")
    for detail, cells in (
        (BOTH, ["1128", "843.3", "96", "120.0"]),
        (OLD, ["1128", "843.3", "", ""]),
        (None, [""] * 4),
    ):
        [row] = csv.DictReader(io.StringIO(csv_text(observed, [with_detail(observed, detail)[1]])))
        assert [row[name] for name in columns] == cells


def test_reports_tell_pixels_and_that_a_picture_is_enlarged(observed: ObservedClip) -> None:
    claim, search = with_detail(observed, BOTH)
    reports = verification_report(observed, claim, sources()), identification_report(observed, [search], sources())
    for report in reports:
        page, printed = both_texts(report)
        for text in (page, printed):
            assert "1,128 pixels high (sharpness 843)" in text
            assert "96 pixels high (sharpness 120)" in text
        # the page shows pictures as large as they are, the PDF fills its room
        assert "shown larger" not in page
        assert "38 × 96 pixels" in page
        assert "shown larger than it is: 38 × 96 pixels" in printed


def test_a_report_of_an_old_reference_says_not_recorded(observed: ObservedClip) -> None:
    for text in both_texts(verification_report(observed, with_detail(observed, OLD)[0], sources())):
        assert "of a size that is not recorded" in text


def test_the_page_tells_pixels_and_that_a_picture_is_enlarged(observed: ObservedClip, tmp_path: Path) -> None:
    pictures = Pictures(JpegCropStore())
    claim, search = with_detail(observed, BOTH)
    sentence = describe_detail(BOTH)
    assert sentence == (
        "The person is 1,128 pixels high (sharpness 843) in this footage and 96 pixels high (sharpness 120) in the "
        "reference."
    )
    for html in (
        answers.verdict(claim, pictures, lambda identity_id: []),
        answers.evidence(search, pictures, lambda identity_id: [], {}),
    ):
        assert sentence in html
        assert "shown larger than it is: 38 × 96 pixels" in html


@pytest.mark.parametrize(
    ("size", "note"),
    [
        ((259, 199), "shown larger than it is: 199 × 259 pixels"),
        ((260, 90), " · 90 × 260 pixels"),
        ((120, 200), " · 200 × 120 pixels"),
        ((700, 300), " · 300 × 700 pixels"),
    ],
)
def test_a_picture_that_fills_its_room_is_not_called_enlarged(
    observed: ObservedClip, tmp_path: Path, size: tuple[int, int], note: str
) -> None:
    for sample in observed.observations[0].samples:
        assert sample.crop is not None
        JpegCropStore().save(np.full((*size, 3), 90, np.uint8), sample.crop)
    pictures = Pictures(JpegCropStore())
    html = answers.verdict(with_detail(observed, BOTH)[0], pictures, lambda identity_id: [])
    assert note in html


def test_a_picture_that_is_gone_has_no_size(observed: ObservedClip, tmp_path: Path) -> None:
    for sample in observed.observations[0].samples:
        assert sample.crop is not None
        sample.crop.unlink()
    html = answers.verdict(verification(observed), Pictures(JpegCropStore()), lambda identity_id: [])
    assert not re.search(r"\d × \d+ pixels", html)


def test_german_reports_tell_pixels(observed: ObservedClip) -> None:
    activate("de")
    try:
        page, printed = both_texts(verification_report(observed, with_detail(observed, BOTH)[0], sources()))
        assert "1.128 Pixel hoch (Schärfe 843)" in page
        assert "größer gezeigt, als es ist: 38 × 96 Pixel" in printed
    finally:
        activate("en")


@pytest.mark.parametrize(("height", "larger"), [(179, True), (180, False), (202, False)])
def test_evidence_below_the_tiles_has_less_room(
    observed: ObservedClip, tmp_path: Path, height: int, larger: bool
) -> None:
    for sample in observed.observations[0].samples:
        assert sample.crop is not None
        JpegCropStore().save(np.full((height, 60, 3), 90, np.uint8), sample.crop)
    pictures = Pictures(JpegCropStore())
    html = answers.evidence(with_detail(observed, BOTH)[1], pictures, lambda identity_id: [], {})
    assert ("shown larger" in html) is larger
    assert f"60 × {height} pixels" in html


def test_both_sides_of_the_last_word_tell_their_size(observed: ObservedClip, tmp_path: Path) -> None:
    pictures = Pictures(JpegCropStore())
    crop = observed.observations[0].samples[0].crop
    left, right = face_choice.sides((("Ada", "this reference"), ("Ben", "closest")), (crop, None), pictures)
    assert left.note == "this reference · shown larger than it is: 38 × 96 pixels"
    assert right.note == "closest"
