"""Reports for people: what they say, that nothing in them runs, that they are whole or not there."""

import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pypdf
import pytest

import biometric
from biometric.clips.crops import JpegCropStore
from biometric.entities import (
    Candidate,
    Decision,
    FrameRange,
    Identification,
    Identity,
    Notice,
    NoticeCode,
    ObservedClip,
    Threshold,
    ThresholdSource,
    Verification,
)
from biometric.errors import InvalidInput, StorageFull
from biometric.results import report_files
from biometric.results.answer_report import LIMITS, AnswerReport
from biometric.results.report_content import (
    ReportSources,
    identification_report,
    verification_report,
)
from biometric.results.report_files import check_report_file, write_report
from biometric.results.report_html import report_html
from biometric.results.report_pdf import report_pdf
from tests.builders import axis, observed_clip, person
from tests.fakes import video_info

LIMIT = Threshold(0.6, ThresholdSource.MODEL_CARD, (Notice(NoticeCode.CARD_EVIDENCE, text="Made up for tests."),), 1e-3)
HOSTILE = "<script>alert(1)</script>\"' onerror=x {{7*7}} ${x} </style>"


class OneReferenceEach:
    """A gallery of two people of whom nothing but the size is known."""

    def size(self) -> int:
        return 2

    def references(self, identity_id: str) -> list[object]:
        return []


def identity(number: int, name: str, thumbnail: Path | None = None) -> Identity:
    return Identity(f"{number:032d}", name, 1, 4, "2026-01-01", "2026-01-01", thumbnail)


@pytest.fixture
def observed(tmp_path: Path) -> ObservedClip:
    """An observed clip of two people whose crops are pictures."""
    observed = observed_clip(tmp_path, person(1, tmp_path, axis(1)), person(2, tmp_path, axis(2)))
    for observation in observed.observations:
        for sample in observation.samples:
            assert sample.crop is not None
            JpegCropStore().save(np.full((200, 80, 3), 90, np.uint8), sample.crop)
    return observed


def sources() -> ReportSources:
    return ReportSources(OneReferenceEach(), JpegCropStore(), "yolo-made-up")  # type: ignore[arg-type]


def verification(observed: ObservedClip, name: str = "Ada", score: float = 0.87) -> Verification:
    other = Candidate(identity(2, "Grace"), 0.31, 2, "r2")
    decision = Decision.MATCH if score >= LIMIT.value else Decision.NO_MATCH
    code = NoticeCode.SCORE_REACHES_THRESHOLD if score >= LIMIT.value else NoticeCode.SCORE_BELOW_THRESHOLD
    chosen = observed.observations[0]
    claimed = identity(1, name, chosen.samples[0].crop)
    margin = score - other.score
    return Verification(decision, claimed, score, LIMIT, margin, other, "r1", chosen, 2, Notice(code))


def identification(observed: ObservedClip, number: int, name: str | None, score: float) -> Identification:
    closest = identity(number, name or "Zoe")
    candidates = (Candidate(closest, score, 1, "r"), Candidate(identity(9, "Grace"), 0.1, 2, "s"))
    decision = Decision.UNKNOWN if name is None else Decision.IDENTIFIED
    found = None if name is None else closest
    reason = Notice(NoticeCode.BEST_REACHES_THRESHOLD if name else NoticeCode.NOBODY_REACHES_THRESHOLD)
    return Identification(
        observed.observations[number - 1], decision, found, score, LIMIT, score - 0.1, candidates, reason
    )


class Reader(HTMLParser):
    """Collects tags, attributes and text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def pdf_text(data: bytes) -> str:
    pages = pypdf.PdfReader(io.BytesIO(data)).pages
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in pages))


def both_texts(report: AnswerReport) -> list[str]:
    return [re.sub(r"\s+", " ", Reader(report_html(report)).text), pdf_text(report_pdf(report))]


def test_a_verification_says_what_was_decided_and_on_what_it_rests(observed: ObservedClip) -> None:
    for text in both_texts(verification_report(observed, verification(observed), sources())):
        for words in (
            *("Verification report", "Match: this is Ada", "0.87", "0.600 (model card)", "Made up for tests."),
            *("of 1,000 strangers, about 1 would pass", "Margin to the next best", "0.56", "Grace, score 0.31"),
            *("1 other person was not compared", "clip.mp4", "gallery of 2 people", "yolo-made-up", observed.model_id),
            *(f"Sightline {biometric.__version__}", "0–99", "0:00.0–0:09.9", *LIMITS),
        ):
            assert words.lower() in text.lower(), words
        assert observed.video.digest in text.replace(" ", "")
        assert re.search(r"Made on \d+ \w+ 20\d\d, \d\d:\d\d UTC", text)


@pytest.mark.parametrize(("score", "words"), [(0.58, "Unsure: "), (0.2, "No match: this is not Ada")])
def test_near_misses_are_unsure_and_others_no_match(observed: ObservedClip, score: float, words: str) -> None:
    for text in both_texts(verification_report(observed, verification(observed, score=score), sources())):
        assert words in text
        assert "Match: this is Ada" not in text


def test_an_identification_lists_everybody_with_candidates(observed: ObservedClip) -> None:
    answers = [identification(observed, 1, "Ada", 0.9), identification(observed, 2, None, 0.4)]
    for text in both_texts(identification_report(observed, answers, sources())):
        assert "1 of 2 people identified" in text
        assert "Identified: Ada" in text
        assert "Unknown" in text
        assert "at or above the threshold" in text
        assert text.count("Grace") == 2
    assert "0 of 0 people identified" in both_texts(identification_report(observed, [], sources()))[0]


def test_promise_10_nothing_in_a_report_runs_or_is_fetched(observed: ObservedClip) -> None:
    observed.observations[0].samples[0].crop.unlink()  # type: ignore[union-attr]
    report = verification_report(observed, verification(observed, HOSTILE), sources())
    html = report_html(report)
    page = Reader(html)
    assert HOSTILE in page.text, "shown as it is"
    kinds = {tag for tag, _ in page.tags}
    assert not kinds & {"script", "iframe", "object", "link", "base", "form", "a"}
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    images = [attributes["src"] or "" for tag, attributes in page.tags if tag == "img"]
    assert all(source.startswith("data:image/jpeg;base64,") for source in images)
    assert not re.search(r"https?://", html)
    assert "default-src 'none'" in html
    assert "alert(1)" in pdf_text(report_pdf(report))


def test_pictures_are_inside_and_those_that_are_gone_are_named(observed: ObservedClip) -> None:
    answer = verification(observed)
    page = Reader(report_html(verification_report(observed, answer, sources())))
    images = [attributes["src"] or "" for tag, attributes in page.tags if tag == "img"]
    assert len(images) == 2
    assert all(base64.b64decode(source.partition(",")[2]).startswith(b"\xff\xd8\xff") for source in images)
    for observation in observed.observations:
        for sample in observation.samples:
            assert sample.crop is not None
            sample.crop.unlink()
    for text in both_texts(verification_report(observed, answer, sources())):
        assert text.count("The picture is no longer stored.") == 2


@pytest.mark.parametrize("name", ["Zoë Müller", "Ольга", "Ελένη", "שלום", "محمد"])
def test_names_of_many_scripts_can_be_read_out_of_the_pdf(observed: ObservedClip, name: str) -> None:
    text = pdf_text(report_pdf(verification_report(observed, verification(observed, name), sources())))
    assert name in text or name[::-1] in text, text


def test_a_name_that_no_font_has_is_written_as_numbers(observed: ObservedClip, monkeypatch: pytest.MonkeyPatch) -> None:
    from biometric.results import label_fonts
    from biometric.results import report_pdf as module

    label_fonts._font_for.cache_clear()
    monkeypatch.setattr(label_fonts, "_system_fonts", lambda: ())
    text = pdf_text(module.report_pdf(verification_report(observed, verification(observed, "李 Ada"), sources())))
    label_fonts._font_for.cache_clear()
    assert "[U+674E] Ada" in text


def test_a_photograph_is_called_one(observed: ObservedClip, tmp_path: Path) -> None:
    info = video_info(frame_count=1, fps=1.0, duration=0.0, codec="jpeg", container="jpeg", photograph=True)
    warning = Notice(NoticeCode.SINGLE_PICTURE)
    photograph = ObservedClip(
        **{
            **{name: getattr(observed, name) for name in ObservedClip.__dataclass_fields__},
            "video": info,
            "frames": FrameRange(0, 1),
            "warnings": (warning,),
        }
    )
    for text in both_texts(verification_report(photograph, verification(photograph), sources())):
        assert "photograph, 640 × 480 pixels, jpeg" in text
        assert "weak evidence" in text
        assert "Frames looked at" not in text


@pytest.mark.parametrize("many", [60])
def test_a_hundred_answers_fit_on_pages(observed: ObservedClip, many: int) -> None:
    answers = [identification(observed, 1 + number % 2, "Ada " * 20, 0.9) for number in range(many)]
    data = report_pdf(identification_report(observed, answers, sources()))
    assert many / 3 <= len(pypdf.PdfReader(io.BytesIO(data)).pages) <= many + 3
    assert len(data) < 5_000_000


@pytest.mark.parametrize("name", ["report.html", "report.PDF", "report.htm"])
def test_a_report_is_written_whole_and_private(observed: ObservedClip, tmp_path: Path, name: str) -> None:
    destination = tmp_path / name
    check_report_file(destination, tmp_path / "clip.mp4")
    write_report(verification_report(observed, verification(observed), sources()), destination)
    assert destination.read_bytes().startswith(b"%PDF" if name.endswith("PDF") else b"<!DOCTYPE html>")
    assert destination.stat().st_mode & 0o777 == 0o600


def test_promise_20_a_report_that_cannot_be_written_leaves_nothing(
    observed: ObservedClip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "reports"
    folder.mkdir()
    (folder / "a.html").write_text("former")

    def full(path: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StorageFull, match="the disk is full"):
        write_report(verification_report(observed, verification(observed), sources()), folder / "a.html")
    assert [path.name for path in folder.iterdir()] == ["a.html"]
    assert (folder / "a.html").read_text() == "former"


def test_a_bad_target_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "folder.html").mkdir()
    (tmp_path / "clip.html").write_bytes(b"clip")
    for name, error, words in (
        ("report.txt", InvalidInput, "must end in .html or .pdf"),
        ("report", InvalidInput, "must end in .html or .pdf"),
        ("folder.html", InvalidInput, "is a folder"),
        ("clip.html", InvalidInput, "would replace the footage"),
        ("missing/report.pdf", StorageFull, "there is no folder"),
        ("x" * 300 + ".pdf", InvalidInput, "too long"),
    ):
        with pytest.raises(error, match=words):
            check_report_file(tmp_path / name, tmp_path / "clip.html")
    with pytest.raises(InvalidInput, match=r"must end in"):
        report_files.write_report(None, tmp_path / "report.txt")  # type: ignore[arg-type]
