"""What the page says, from entities alone."""

import base64
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from markupsafe import Markup

from biometric import errors
from biometric.clips.crops import JpegCropStore
from biometric.entities import (
    Candidate,
    Decision,
    FrameRange,
    Identification,
    Identity,
    Image,
    Notice,
    NoticeCode,
    Observation,
    Progress,
    Threshold,
    ThresholdSource,
    Verification,
    clean_name,
)
from biometric.errors import BiometricError, EmptyGallery, InvalidName, NobodyFound
from biometric.ui import answers, contact_sheets, elements, presenters, problems
from biometric.ui.grid_state import GridState
from biometric.ui.people_grid import GridContent, grid
from biometric.ui.picture_uris import MISSING, Pictures
from biometric.ui.presence import presence
from tests.builders import DAMAGED, axis, observed_clip, person
from tests.fakes import FakeCrops, video_info

HOSTILE = "<b onclick=x>${7*7}</b>"
CARD = Threshold(
    0.514, ThresholdSource.MODEL_CARD, (Notice(NoticeCode.CARD_EVIDENCE, text="CUHK01, single images"),), 1e-4
)
ADA = Identity("a" * 32, HOSTILE, 1, 3, "2026-01-02T03:04:05+00:00", "2026-01-02T03:04:05+00:00")


FOLDER = Path(tempfile.mkdtemp(prefix="presenters-"))


def someone() -> Observation:
    return person(1, FOLDER, axis(1))


@pytest.fixture(scope="module", autouse=True)
def _cleared() -> Iterator[None]:
    yield
    shutil.rmtree(FOLDER)


@pytest.fixture
def pictures() -> Pictures:
    return Pictures(FakeCrops())


def verification(decision: Decision, score: float | None, people: int = 1) -> Verification:
    return Verification(
        decision, ADA, score, CARD, None, None, None, someone(), people, Notice(NoticeCode.SCORE_REACHES_THRESHOLD)
    )


def nobody(identity_id: str) -> list[object]:
    return []


def tiles(pictures: Pictures, answer: Identification) -> str:
    content = GridContent([answer], 100, [HOSTILE], pictures, nobody, Markup())  # type: ignore[arg-type]
    return grid(content, GridState(opened=answer.observation.person))


@pytest.mark.parametrize(
    ("decision", "score", "words", "mood"),
    [
        (Decision.MATCH, 0.9, "Match: this is", "good"),
        (Decision.NO_MATCH, 0.51, "Unsure: very close to a match with", "unsure"),
        (Decision.NO_MATCH, 0.47, "Unsure: close to a match with", "unsure"),
        (Decision.NO_MATCH, 0.2, "No match: this is not", "bad"),
        (Decision.NO_DECISION, 0.9, "No decision", "unsure"),
    ],
)
def test_each_outcome_has_its_words_mood_and_icon(
    pictures: Pictures, decision: Decision, score: float, words: str, mood: str
) -> None:
    html = answers.verdict(verification(decision, score), pictures, nobody)  # type: ignore[arg-type]
    assert words in html
    assert f"sl-{mood}" in html
    assert "<svg" in html
    assert "threshold 0.514 (model card)" in html


def test_a_bystander_is_always_mentioned(pictures: Pictures) -> None:
    html = answers.verdict(verification(Decision.MATCH, 0.9, people=3), pictures, nobody)  # type: ignore[arg-type]
    assert "2 other people were not compared." in html
    html = answers.verdict(verification(Decision.MATCH, 0.9, people=2), pictures, nobody)  # type: ignore[arg-type]
    assert "1 other person was not compared." in html


def test_promise_10_names_never_become_markup(pictures: Pictures) -> None:
    known = Identification(
        someone(), Decision.IDENTIFIED, ADA, 0.9, CARD, None, (), Notice(NoticeCode.NOBODY_REACHES_THRESHOLD)
    )
    observed = observed_clip(FOLDER, someone())
    for html in (
        answers.verdict(verification(Decision.MATCH, 0.9), pictures, nobody),  # type: ignore[arg-type]
        answers.evidence(known, pictures, nobody, {}),  # type: ignore[arg-type]
        answers.table([known], observed),
        presence([known], observed),
        tiles(pictures, known),
        problems.problem(InvalidName(f"{HOSTILE} is wrong.")),
    ):
        assert "onclick" in html
        assert "<b onclick" not in html
        assert "${" not in html


@pytest.mark.parametrize(("score", "word", "closeness"), [(0.5, "unsure", "very close to"), (0.3, "unknown", "")])
def test_a_near_miss_is_unsure_and_says_whom_it_is_close_to(
    pictures: Pictures, score: float, word: str, closeness: str
) -> None:
    candidates = (Candidate(ADA, score, 1, "r"),)
    reason = Notice(NoticeCode.NOBODY_REACHES_THRESHOLD)
    answer = Identification(someone(), Decision.UNKNOWN, None, score, CARD, None, candidates, reason)
    tile = tiles(pictures, answer)
    assert f">{word}: very close to" in tile if word == "unsure" else f">{word}<" in tile
    assert (closeness or "close") in tile or not closeness
    assert ("1 unsure" in contact_sheets.summary([answer])) == (word == "unsure")
    assert f">{word}<" in answers.table([answer], observed_clip(FOLDER, someone()))


def test_nobody_known_is_said_with_a_next_step() -> None:
    unknown = Identification(
        someone(), Decision.UNKNOWN, None, 0.1, CARD, None, (), Notice(NoticeCode.NOBODY_REACHES_THRESHOLD)
    )
    assert "0 of 1 person identified" in contact_sheets.summary([unknown])
    assert "enroll somebody" in contact_sheets.summary([unknown])


@pytest.mark.parametrize(
    ("error", "title"),
    [(EmptyGallery("x."), "Nobody is enrolled yet"), (NobodyFound("x."), "Nobody in these frames")],
)
def test_known_situations_have_their_own_title(error: Exception, title: str) -> None:
    assert title in problems.problem(error)  # type: ignore[arg-type]


def test_strangers_are_promised_only_where_there_is_evidence() -> None:
    assert "Of 10,000 strangers, about 1 would pass." in elements.threshold_evidence(CARD)
    assert "not known" in elements.threshold_evidence(Threshold(0.3, ThresholdSource.USER))


def test_the_evidence_is_said_once() -> None:
    html = elements.threshold_evidence(CARD)
    assert "CUHK01, single images." in html
    assert html.count("strangers") == 1
    assert "not known" not in html


def test_a_range_is_said_inclusively_with_times() -> None:
    assert (
        presenters.range_line(FrameRange.inclusive(63, 99), video_info()) == "frames 63–99 · 0:06.3–0:09.9 · 37 frames"
    )


def test_damage_is_said_at_upload() -> None:
    html = presenters.facts(video_info(damage=DAMAGED))
    assert "The clip is damaged: 78 of 200 frames can be read." in html
    assert "This clip is damaged" in html


def test_the_status_line_has_a_bar_where_there_is_a_number() -> None:
    assert '<progress max="40" value="8"' in presenters.working(Progress("Reading frame", 8, 40, people=2))
    assert "<progress" not in presenters.working(Progress("Loading models", 0, 0))
    assert presenters.status_message("") == ""


class CountedCrops(JpegCropStore):
    """Counts how often a picture is decoded."""

    decoded = 0

    def load(self, path: Path) -> Image:
        self.decoded += 1
        return super().load(path)


def test_a_missing_crop_is_an_empty_picture_and_a_stored_one_travels_in_the_page(tmp_path: Path) -> None:
    crops = CountedCrops()
    pictures, path = Pictures(crops), tmp_path / "crop.jpg"
    assert pictures.crop(None) == pictures.crop(path) == MISSING
    assert pictures.size(None) is pictures.size(path) is None
    crops.save(np.full((96, 38, 3), 90, np.uint8), path)
    first = pictures.crop(path)
    assert first.startswith("data:image/jpeg;base64,")
    assert (pictures.crop(path), pictures.size(path)) == (first, (38, 96))
    assert crops.decoded == 1, "once for the picture and its size"
    crops.save(np.full((80, 30, 3), 10, np.uint8), path)
    assert pictures.crop(path) != first
    assert pictures.size(path) == (30, 80)
    path.unlink()
    assert pictures.crop(path) == MISSING


def test_a_frame_becomes_a_small_picture_without_a_file(tmp_path: Path) -> None:
    uri = Pictures(JpegCropStore()).frame(np.full((400, 600, 3), 90, np.uint8), 200)
    path = tmp_path / "small.jpg"
    path.write_bytes(base64.b64decode(uri.removeprefix("data:image/jpeg;base64,")))
    assert JpegCropStore().load(path).shape == (200, 300, 3)


def kinds(kind: type[BiometricError] = BiometricError) -> Iterator[type[BiometricError]]:
    """Every error that has none below it, except those of training, which never reach the page."""
    for below in kind.__subclasses__():
        if below is not errors.TrainingError:
            yield from kinds(below)
    if not kind.__subclasses__():
        yield kind


@pytest.mark.parametrize("kind", list(kinds()), ids=lambda kind: kind.__name__)
def test_each_error_says_what_happened(kind: type[BiometricError]) -> None:
    error = kind("Words.", [1, 2]) if kind is errors.SeveralPeople else kind("Words.")  # type: ignore[call-arg]
    html = problems.problem(error)
    assert "did not work" not in html
    assert "cannot be done" not in html, "no title of its own"


def test_an_empty_name_is_missing_and_another_one_cannot_be_used() -> None:
    for name, title in (("", "Name missing"), ("\u200b", "Name missing"), ("a\0b", "This name cannot be used")):
        with pytest.raises(errors.InvalidName) as refused:
            clean_name(name)
        assert problems.title_of(refused.value) == title
    note = problems.field_problem(errors.NameMissing("<b>"), "#it")
    assert "<strong>Name missing.</strong> &lt;b&gt;" in note


def test_warnings_have_titles_that_say_what_was_found() -> None:
    unlike = Notice(NoticeCode.UNLIKE_OWN_REFERENCES, name="Ada", score=0.1, threshold=0.5)
    html = problems.notes([unlike, Notice(NoticeCode.GREY_FOOTAGE)])
    assert "<h3>Looks like a different person</h3>" in html
    assert "<h3>Footage without colour</h3>" in html
