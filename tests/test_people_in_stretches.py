"""Somebody who leaves the picture and comes back is one person in every answer, file and picture."""

import csv
import dataclasses
import io
import json
import re
from contextlib import closing
from pathlib import Path

import pytest
from markupsafe import Markup
from PIL import Image

from biometric.cli.recognition_commands import _identification_text, _identifications_text
from biometric.clips.crops import JpegCropStore
from biometric.domain.linked_people import link_people
from biometric.entities import (
    Decision,
    Identification,
    Identity,
    LinkScores,
    NewAnswer,
    Notice,
    NoticeCode,
    Threshold,
    ThresholdSource,
)
from biometric.entities.drawing import Bar
from biometric.entities.progress import finish
from biometric.gallery.repository import SQLiteGallery
from biometric.messages.person_sentences import answered_names, describe_perhaps, describe_times
from biometric.results.annotation import PillowAnnotator
from biometric.results.answer_csv import csv_text
from biometric.results.answer_json import identification_json
from biometric.results.library_json import kept_answer_json
from biometric.results.report_content import ReportSources, identification_report
from biometric.ui import answers
from biometric.ui.batch_queue import ClipState, QueuedClip
from biometric.ui.batch_view import queue_html
from biometric.ui.grid_state import GridState, arrange, track_length
from biometric.ui.library_pages import history
from biometric.ui.library_state import LibraryState
from biometric.ui.people_grid import GridContent, grid
from biometric.ui.picture_uris import Pictures
from biometric.ui.presence import presence
from biometric.ui.session import Session
from tests.builders import axis, observed_clip, person
from tests.fakes import MODEL_ID
from tests.test_service import ServiceSetup

LEFT, RIGHT = (100.0, 100.0, 200.0, 350.0), (400.0, 100.0, 500.0, 350.0)
ADA_FIRST, ADA_AGAIN, BEN = range(10, 31), range(60, 81), range(85, 100)


@pytest.fixture
def setup(tmp_path: Path):
    made: list[ServiceSetup] = []

    def make(**settings: object) -> ServiceSetup:
        setup = ServiceSetup(tmp_path, **settings)
        setup.embedder.axis_of = lambda grey: 1 if grey in BEN else 0
        script = {frame: [(LEFT if frame in ADA_FIRST else RIGHT, 0.9)] for frame in (*ADA_FIRST, *ADA_AGAIN, *BEN)}
        setup.models.detector().script = script
        made.append(setup)
        return setup

    yield make
    for setup in made:
        setup.service.close()


def test_a_person_who_comes_back_is_enrolled_with_samples_of_both_stretches(setup) -> None:
    made = setup()
    service, observed = made.service, made.observe()
    ada, ben = observed.observations
    assert [(item.first_frame, item.last_frame) for item in ada.stretches] == [(10, 30), (60, 80)]
    assert len(ben.stretches) == 1
    enrolled = service.enroll(observed, "Ada", ada.person)
    frames = {int(crop.stem.split("_")[0]) for crop in enrolled.reference.crops}
    assert frames & set(ADA_FIRST)
    assert frames & set(ADA_AGAIN)
    assert (enrolled.reference.first_frame in ADA_FIRST, enrolled.reference.last_frame in ADA_AGAIN) == (True, True)


def test_linking_can_be_switched_off(setup) -> None:
    observed = setup(linking=False).observe()
    assert [len(one.linked) for one in observed.observations] == [0, 0, 0]
    assert [one.perhaps for one in observed.observations] == [()] * 3


def test_a_kept_observation_opens_with_its_links(setup) -> None:
    made = setup()
    service, observed = made.service, made.observe()
    service.enroll(observed, "Ada", 1)
    service.library.keep(observed, service.identify(observed))
    service.forget_observations()
    embedded = len(made.embedder.batches)
    again = made.observe()
    assert len(made.embedder.batches) == embedded, "nothing is looked at again"
    for first, second in zip(observed.observations, again.observations, strict=True):
        assert first.stretches == second.stretches
        assert [(part.kind, part.score) for part in first.linked] == [(part.kind, part.score) for part in second.linked]
    parts = zip(observed.observations[0].linked, again.observations[0].linked, strict=True)
    for first, second in parts:
        assert [item.detection for item in first.observation.samples] == [
            item.detection for item in second.observation.samples
        ]


def test_what_was_kept_without_linking_is_not_taken_for_linked_people(setup) -> None:
    made = setup(linking=False)
    observed = made.observe()
    made.service.enroll(observed, "Ada", 1)
    made.service.library.keep(observed, made.service.identify(observed))
    assert len(setup().observe().observations) == 2


def test_calibration_takes_the_stretches_for_one_person(setup) -> None:
    made = setup()
    summaries, _ = finish(made.service.calibrations().read_clips([made.clip]))
    assert len(summaries[0].tracks) == 2


LIMIT = Threshold(0.5, ThresholdSource.MODEL_CARD, (), None)


@pytest.fixture
def answer(tmp_path: Path):
    """Person 1 in frames 10–13 and 60–63; person 2, who may be person 1, in frames 80–83."""
    tracks = [
        person(1, tmp_path, axis(0), 10),
        person(2, tmp_path, axis(0, 0.75), 60),
        person(3, tmp_path, axis(0, 1.6, 6), 80),
    ]
    observed = observed_clip(tmp_path, *link_people(tracks, LinkScores(0.75, 0.45), MODEL_ID))
    reason = Notice(NoticeCode.NOBODY_REACHES_THRESHOLD)
    people = [
        Identification(one, Decision.UNKNOWN, None, 0.1, LIMIT, None, (), reason) for one in observed.observations
    ]
    assert [len(one.observation.linked) for one in people] == [2, 0]
    return observed, people


def test_json_lists_stretches_links_and_who_may_be_the_same(answer) -> None:
    observed, people = answer
    first, second = json.loads(json.dumps(identification_json(people, None, observed)))["people"]
    assert first["stretches"] == [
        {"from": 10, "to": 13, "from_seconds": 1.0, "to_seconds": 1.3},
        {"from": 60, "to": 63, "from_seconds": 6.0, "to_seconds": 6.3},
    ]
    assert [(track["from"], track["to"], track["linked_by"]) for track in first["tracks"]] == [
        (10, 13, "score"),
        (60, 63, "score"),
    ]
    assert first["link_score"] == first["tracks"][0]["score"] == pytest.approx(0.8)
    assert [other["person"] for other in first["perhaps_same"]] == [2]
    assert (second["tracks"], second["link_score"]) == ([], None)
    assert second["perhaps_same"] == [{"person": 1, "score": first["perhaps_same"][0]["score"]}]


def test_csv_has_a_column_for_each(answer) -> None:
    first, second = csv.DictReader(io.StringIO(csv_text(*answer)))
    assert (first["stretches"], first["tracks"], first["link_score"], first["perhaps_same_as"]) == (
        "1.000-1.300; 6.000-6.300",
        "2",
        "0.8000",
        "2",
    )
    assert (second["stretches"], second["tracks"], second["link_score"]) == ("8.000-8.300", "1", "")


def test_the_bar_of_a_person_has_gaps(answer) -> None:
    observed, people = answer
    html = presence(people, observed)
    assert re.findall(r'data-seek="([\d.]+)"', html) == ["1.000", "6.000", "8.000"]
    assert html.count("sl-row") == 3, "two people and the axis"


def test_the_timeline_picture_leaves_the_gap_empty(tmp_path: Path) -> None:
    PillowAnnotator().timeline([Bar("Ada", ((0.0, 2.0), (8.0, 10.0)), True)], 0.0, 10.0, tmp_path / "t.png")
    picture = Image.open(tmp_path / "t.png").convert("RGB")
    row = [picture.getpixel((260 + place, 32)) for place in range(900)]
    known = (15, 118, 110)
    assert [row[place] == known for place in (90, 450, 810)] == [True, False, True]


def test_table_and_evidence_tell_the_stretches(answer) -> None:
    observed, people = answer
    table = answers.table(people, observed)
    assert "10–13, 60–63" in table
    assert "0:01.0–0:01.3, 0:06.0–0:06.3" in table


def test_the_command_line_tells_stretches_and_doubts(answer) -> None:
    _, people = answer
    text = _identification_text(dataclasses.replace(people[0], score=None), {})
    assert text.startswith("Person 1, frames 10–13, 60–63: unknown")
    assert "Put together from 2 tracks; the lowest score between them is 0.80." in text
    assert re.search(r"Perhaps the same as person 2 \(score 0\.\d\d\)\.", text)


def test_who_may_be_the_same_is_told_by_the_name_that_was_found(answer, tmp_path: Path) -> None:
    observed, (first, second) = answer
    ada = Identity("a" * 32, "Ada", 1, 4, "2026-01-01T00:00:00+00:00", "2026-01-01T00:00:00+00:00")
    people = [first, dataclasses.replace(second, decision=Decision.IDENTIFIED, identity=ada)]
    names = answered_names(people)
    assert describe_perhaps(first.observation, names) == "perhaps the same as Ada"
    assert describe_perhaps(second.observation, names) == "perhaps the same as person 1"
    text = _identifications_text([dataclasses.replace(item, score=None) for item in people])
    assert re.findall(r"Perhaps the same as (.*) \(score", text) == ["Ada", "person 1"]
    content = GridContent(people, 100, [], Pictures(JpegCropStore()), lambda _: [], Markup())
    page = grid(content, GridState(opened=1))
    assert "<small>perhaps the same as Ada</small>" in page
    assert "Perhaps the same as Ada (score 0." in page
    with closing(SQLiteGallery(tmp_path / "gallery")) as gallery:
        report = identification_report(observed, people, ReportSources(gallery, JpegCropStore(), "boxes"))
    for item, name in zip(report.answers, ("Ada", "person 1"), strict=True):
        assert f"Perhaps the same as {name} (score 0." in item.probe.note


def test_frames_in_view_decide_whether_somebody_is_folded_away(answer) -> None:
    _, people = answer
    assert [track_length(item) for item in people] == [8, 4]
    assert arrange(people, GridState(), 100).total == 2


def test_the_table_over_several_clips_and_the_history_tell_the_stretches(answer, setup) -> None:
    observed, people = answer
    seen = NewAnswer.of_identifications(tuple(people)).people
    assert [describe_times(person.times) for person in seen] == ["0:01.0–0:01.3, 0:06.0–0:06.3", "0:08.0–0:08.3"]
    done = QueuedClip("hall.mp4", observed.path, uploaded=True, state=ClipState.DONE, people=seen)
    session = Session(observed.folder)
    session.batch.add([done])
    assert "Person 1, hall.mp4, 0:01.0–0:01.3, 0:06.0–0:06.3" in queue_html(session, {}, [])

    made = setup()
    ada = made.observe()
    enrollment = made.service.enroll(ada, "Ada", 1)
    made.service.library.keep(ada, enrollment)
    [kept], _ = made.service.library.history(None, 10)
    assert len(kept.people[0].times) == 2
    assert len(kept_answer_json(kept, {})["people"][0]["stretches"]) == 2
    assert f"in view {describe_times(kept.people[0].times)}" in history([kept], 1, {}, LibraryState())


def test_many_stretches_are_told_in_short() -> None:
    times = [(10.0 * number, 10.0 * number + 2) for number in range(5)]
    assert describe_times(times) == "0:00.0–0:42.0, seen 5 times"
    assert describe_times(times[:4]).count("–") == 4
