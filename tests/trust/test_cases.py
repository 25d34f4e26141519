"""Cases of an examiner: what is in one cannot be changed unnoticed, and whoever has it gets the same numbers again."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from biometric import cli
from biometric.cases import examination as examination_module
from biometric.cli import case, case_outcomes, case_support
from biometric.entities import Calibration, FitBasis, FittedThreshold, Histogram, LikelihoodRatio, Notice, NoticeCode
from biometric.entities.audit import fingerprint
from biometric.entities.likelihood_ratios import LikelihoodSpread
from biometric.entities.model_cards import CardFile
from biometric.entities.model_reports import ModelStatus
from biometric.gallery.audit_chain import canonical, digest
from biometric.gallery.protection import GalleryProtection
from biometric.gallery.repository import SQLiteGallery
from biometric.gallery.signed_log import SignedLogFile
from biometric.gallery.signing_key import KeyFile
from biometric.messages.translation import activate
from biometric.service import Sightline
from biometric.settings import Settings
from tests.conftest import PROJECT
from tests.painted_people import ColourEmbedder, PaintedService, walking, write_people

BASIS = ("--basis", "legal-claim", "--purpose", "Who took the bag")


class Examiner:
    """The command line of somebody who examines painted people.

    Attributes:
        checksum: of the embedder's file.
        services: those that commands built.
    """

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], patch: pytest.MonkeyPatch) -> None:
        self.folder, self.capsys = folder, capsys
        self.case = folder / "case"
        self.checksum = "ab" * 32
        self.embedder = ColourEmbedder
        self.options: tuple[object, ...] = ()
        patch.setenv("SIGHTLINE_DATA", str(folder / "data"))
        for module in (case, case_outcomes, case_support):
            patch.setattr(module, "build", self._build)

    def _build(self, settings: Settings) -> Sightline:
        self.full_precision = settings.full_precision
        scratch = self.folder / "services"
        scratch.mkdir(exist_ok=True)
        own = scratch / str(len(list(scratch.iterdir())))
        own.mkdir()
        made = PaintedService(own, **{name: getattr(settings, name) for name in ("samples", "analysis_fps")})
        models = made.service.models
        models._embedder = self.embedder()  # type: ignore[attr-defined]
        files = {role: (CardFile(f"{role}.xml", 9, "sha256", self.checksum),) for role in ("detector", "embedder")}
        cards = {"detector": "colour-detector", "embedder": "fake-8"}
        models.status = lambda: [  # type: ignore[method-assign]
            ModelStatus(role, cards[role], "loaded", "test", None, "MIT", files=files[role]) for role in cards
        ]
        return made.service

    def __call__(self, action: str, *arguments: object) -> tuple[int, str, str]:
        self.capsys.readouterr()
        status = cli.main(["case", action, str(self.case), *map(str, arguments)])
        captured = self.capsys.readouterr()
        return status, captured.out, captured.err

    def json(self, action: str, *arguments: object) -> dict[str, object]:
        status, out, err = self(action, *arguments, "--json")
        assert status in (0, 1), err
        return dict(json.loads(out))

    def clip(self, name: str, *people: str) -> Path:
        """A clip of painted people, one above the other."""
        path = self.folder / name
        if not path.exists():
            write_people(path, {one: walking(30, start=20 + 100 * place) for place, one in enumerate(people)})
        return path

    def calibrated(self, likelihood: LikelihoodRatio | None) -> None:
        """Open cases with the calibration of a gallery from now on."""
        folder = self.folder / "data" / "gallery"
        SQLiteGallery(folder).save_calibration(calibration(likelihood))
        self.options = ("--calibration", folder)

    def compared(self) -> None:
        """A case in which Ruby and Jade are compared with Ruby."""
        assert self("new", "--number", "7", "--examiner", "Grace", *BASIS, *self.options)[0] == 0
        assert self("add", self.clip("scene.mp4", "Ruby", "Jade"))[0] == 0
        assert self("add", self.clip("known.mp4", "Ruby"), "--as", "known", "--name", "Ruby")[0] == 0
        status, _, err = self("compare")
        assert status == 0, err


@pytest.fixture
def examiner(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Examiner]:
    yield Examiner(tmp_path, capsys, monkeypatch)
    activate("en")


def scores(examiner: Examiner) -> list[dict[str, object]]:
    [latest] = sorted(examiner.case.glob("results-*.json"))[-1:]
    return list(json.loads(latest.read_text("utf-8"))["scores"])


def calibration(likelihood: LikelihoodRatio | None) -> Calibration:
    fitted = FittedThreshold(0.6, 0.01, 0, 435, 0.007, 0.55, 0.6, FitBasis.PAIRS)
    counts = Histogram((0, 435), (0, 60))
    return Calibration(
        *("fake-8", "2026-11-01T00:00:00+00:00", fitted, None, 30, 30, 435, 435, 2, 60.0, {"enrolled": 435}, ()),
        likelihood=likelihood,
        histogram=counts,
    )


LIKELIHOOD = LikelihoodRatio(
    *(12.0, -6.0, 1 / 30, 435.0, Notice(NoticeCode.LIKELIHOOD_BASIS, people=30, pairs=435)),
    spread=LikelihoodSpread(1.0, 0.3, -0.5, 200),
)


def test_a_case_is_compared_reported_checked_and_repeated(examiner: Examiner) -> None:
    examiner.compared()
    alike, unlike = scores(examiner)
    assert (alike["name"], alike["reaches"], unlike["reaches"]) == ("Ruby", True, False)
    assert float(alike["score"]) > 0.99 > float(unlike["score"])  # type: ignore[arg-type]
    assert (alike["ratio"], alike["no_ratio"]) == (None, "no calibration")
    assert examiner("report")[0] == 0
    html = (examiner.case / "report-001.html").read_text("utf-8")
    assert (examiner.case / "report-001.pdf").read_bytes().startswith(b"%PDF")
    for words in ("cannot be said", "Legal claim", "Who took the bag", "ab" * 32, "python -m biometric case repeat"):
        assert words in html, words
    for item in examiner.json("show")["inputs"]:  # type: ignore[attr-defined]
        assert item["digest"] in html
    checked = examiner.json("verify")
    assert (checked["intact"], checked["own_key"], checked["notes"]) == (True, True, [])
    repeated = examiner.json("repeat")
    assert examiner.full_precision, "what is faster on a machine decides nothing"
    assert (repeated["same"], repeated["differences"], repeated["largest_difference"]) == ("identical", [], 0.0)
    assert not (examiner.folder / "data" / "gallery").exists(), "a case leaves the user's gallery alone"


def test_inputs_are_read_only_copies_whose_original_may_go(examiner: Examiner) -> None:
    examiner.compared()
    (examiner.folder / "scene.mp4").unlink()
    for path in (examiner.case / "inputs").iterdir():
        assert path.stat().st_mode & 0o777 == 0o400
    assert examiner("repeat")[0] == 0


def altered(path: Path, change: Callable[[bytes], bytes]) -> None:
    """Change a file as somebody would who may write into the folder."""
    data = change(path.read_bytes())
    path.unlink()
    path.write_bytes(data)


def more(data: bytes) -> bytes:
    return data + b"\n"


ATTACKS: dict[str, Callable[[Path], object]] = {
    "an input": lambda folder: altered(folder / "inputs" / "0001.mp4", more),
    "an input exchanged": lambda folder: shutil.copy(folder / "inputs/0002.mp4", folder / "inputs/0001.mp4"),
    "an input missing": lambda folder: (folder / "inputs" / "0002.mp4").unlink(),
    "the manifest": lambda folder: altered(folder / "manifest.json", lambda data: data.replace(b"0.5", b"0.4")),
    "a template": lambda folder: altered(folder / "people/0001/people.json", lambda data: data.replace(b"0", b"1", 1)),
    "a picture": lambda folder: altered(next((folder / "people/0001").glob("*.jpg")), more),
    "a score": lambda folder: altered(folder / "results-001.json", lambda data: data.replace(b"0.9", b"0.8")),
    "the report": lambda folder: altered(
        folder / "report-001.html", lambda data: data.replace(b"does not reach", b"reaches")
    ),
    "the PDF": lambda folder: altered(folder / "report-001.pdf", more),
    "a record": lambda folder: altered(folder / "log.jsonl", lambda data: data.replace(b"Ruby", b"Jade")),
    "a record left out": lambda folder: altered(
        folder / "log.jsonl", lambda data: b"".join(line for line in data.splitlines(True) if b"0002.mp4" not in line)
    ),
    "records cut off": lambda folder: altered(
        folder / "log.jsonl", lambda data: b"".join(data.splitlines(True)[:-2] + data.splitlines(True)[-1:])
    ),
    "the signature": lambda folder: altered(
        folder / "log.jsonl", lambda data: data.replace(b'"signature":"', b'"signature":"00')
    ),
    "a link": lambda folder: (
        (folder / "inputs/0001.mp4").rename(folder.parent / "moved.mp4"),
        (folder / "inputs/0001.mp4").symlink_to(folder.parent / "moved.mp4"),
    ),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_was_changed_is_named_and_nothing_goes_on(examiner: Examiner, attack: str) -> None:
    examiner.compared()
    assert examiner("report")[0] == 0
    ATTACKS[attack](examiner.case)
    status, out, err = examiner("verify")
    assert (status, "The case is not as it was recorded." in out or status == 2) in {(1, True), (2, True)}, out + err
    before = sorted(path.name for path in examiner.case.iterdir())
    for action in ("report", "compare", "repeat"):
        assert examiner(action)[0] == 2, action
    assert sorted(path.name for path in examiner.case.iterdir()) == before


def test_a_record_written_anew_with_another_key_shows_by_the_fingerprint(examiner: Examiner) -> None:
    examiner.compared()
    mine = str(examiner.json("verify")["key"])
    forger = KeyFile(GalleryProtection(examiner.folder / "forger"))
    forger.path.parent.mkdir()
    forger.make()
    log = SignedLogFile(examiner.case / "log.jsonl", forger.path.parent)
    text = (examiner.case / "log.jsonl").read_text("utf-8")
    own = KeyFile(GalleryProtection(examiner.folder / "data" / "case-key")).key()
    other = forger.key()
    assert own is not None
    assert other is not None
    lines = [line.replace(own.public, other.public) for line in text.splitlines()[:-1]]
    chained: list[str] = []
    for line in lines:
        values = json.loads(line)
        values["previous"] = digest(chained[-1]) if chained else "0" * 64
        chained.append(canonical(values))
    log._write(chained, json.loads(chained[0])["details"]["gallery"], other, [])
    assert examiner.json("verify")["intact"] is True, "by itself it holds"
    told = examiner.json("verify", "--key", mine)
    assert told["intact"] is False
    assert fingerprint(other.public) in str(told["problems"])
    assert told["own_key"] is False
    assert examiner("withdraw", 1, "--reason", "x")[0] == 2, "and nothing is added to it here"


def test_a_record_written_anew_with_the_examiners_key_shows_by_a_head(examiner: Examiner) -> None:
    examiner.compared()
    head = examiner.folder / "head.json"
    assert examiner("head", head)[0] == 0
    text = (examiner.case / "log.jsonl").read_text("utf-8").splitlines()
    key = KeyFile(GalleryProtection(examiner.folder / "data" / "case-key")).key()
    assert key is not None
    log = SignedLogFile(examiner.case / "log.jsonl", examiner.folder / "data" / "case-key")
    log._write(text[:3], json.loads(text[0])["details"]["gallery"], key, [])
    assert not any("was cut off" in str(problem) for problem in examiner.json("verify")["problems"])  # type: ignore[attr-defined]
    assert any("was cut off" in str(problem) for problem in examiner.json("verify", head)["problems"])  # type: ignore[attr-defined]


def test_a_second_person_repeats_but_does_not_go_on(examiner: Examiner, monkeypatch: pytest.MonkeyPatch) -> None:
    examiner.compared()
    monkeypatch.setenv("SIGHTLINE_DATA", str(examiner.folder / "second"))
    assert examiner.json("repeat")["same"] == "identical"
    assert examiner.json("verify")["own_key"] is False
    for arguments in (("add", examiner.clip("more.mp4", "Azur")), ("compare",), ("report",)):
        status, _, err = examiner(*arguments)  # type: ignore[arg-type]
        assert (status, "which is not here" in err) == (2, True), err
    assert len(examiner.json("show")["inputs"]) == 2  # type: ignore[arg-type]


def test_another_model_is_refused(examiner: Examiner) -> None:
    examiner.compared()
    examiner.checksum = "cd" * 32
    for action in ("repeat", "compare"):
        status, _, err = examiner(action)
        assert (status, "ab" * 32 in err) == (2, True), err


class ShakyEmbedder(ColourEmbedder):
    """Rounds a little otherwise, as another processor does."""

    shake = 1e-4

    def embed(self, crops):  # type: ignore[no-untyped-def]
        vectors = super().embed(crops) + np.float32(self.shake) * np.arange(8, dtype=np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize(
    ("shake", "same", "status"), [(1e-4, "within tolerance", 0), (0.2, "different", 1)], ids=["little", "much"]
)
def test_a_repetition_names_every_difference(
    examiner: Examiner, monkeypatch: pytest.MonkeyPatch, shake: float, same: str, status: int
) -> None:
    examiner.compared()
    monkeypatch.setattr(ShakyEmbedder, "shake", shake)
    examiner.embedder = ShakyEmbedder
    result = examiner.folder / "repetition.json"
    assert examiner("repeat", "--output", result)[0] == status
    told = json.loads(result.read_text("utf-8"))
    assert told["same"] == same
    for place in (examiner.folder, examiner.folder / "none" / "out.json"):
        assert examiner("repeat", "--output", place)[0] == 2, "before the work, with a sentence"
    assert any("the template is not the same" in text for text in told["differences"])
    assert any("score" in text and "again" in text for text in told["differences"])
    assert examiner.json("verify")["intact"] is True


def test_a_likelihood_ratio_comes_with_interval_words_and_source(examiner: Examiner) -> None:
    examiner.calibrated(LIKELIHOOD)
    examiner.compared()
    alike = scores(examiner)[0]
    score = float(alike["score"])  # type: ignore[arg-type]
    assert alike["ratio"] == pytest.approx(LIKELIHOOD.ratio(score))
    assert (alike["low"], alike["high"]) == pytest.approx(LIKELIHOOD.interval(score))
    assert examiner("report")[0] == 0
    html = (examiner.case / "report-001.html").read_text("utf-8")
    for words in ("95 % interval", "ENFSI Guideline for Evaluative Reporting", "0 of 435", "in other clothes"):
        assert words in html, words
    assert "cannot be said" not in html
    assert examiner.json("repeat")["same"] == "identical"


def test_a_gallery_without_calibration_is_refused_as_its_source(examiner: Examiner) -> None:
    status, _, err = examiner(
        "new", "--number", "7", "--examiner", "Grace", *BASIS, "--calibration", examiner.folder / "empty"
    )
    assert (status, examiner.case.exists(), "no calibration in force" in err) == (2, False, True)


def test_a_calibration_without_ratio_gives_none(examiner: Examiner) -> None:
    examiner.calibrated(None)
    examiner.compared()
    assert {(score["ratio"], score["no_ratio"]) for score in scores(examiner)} == {
        (None, "too few people in the calibration")
    }


def test_who_a_known_person_is_has_to_be_said(examiner: Examiner) -> None:
    assert examiner("new", "--number", "7", "--examiner", "Grace", *BASIS)[0] == 0
    assert examiner("compare")[2].startswith("The case has no questioned footage yet")
    assert examiner("add", examiner.clip("scene.mp4", "Ruby"))[0] == 0
    two = examiner.clip("two.mp4", "Jade", "Ruby")
    known = ("--as", "known", "--name", "Ruby")
    assert examiner("add", two, *known)[0] == 0
    status, _, err = examiner("compare")
    assert (status, "--person N" in err) == (2, True)
    assert examiner("add", two, *known)[0] == 2, "it is here already"
    assert examiner("add", two, *known, "--person", 9)[0] == 0
    assert "no person 9" in examiner("compare")[2]
    assert examiner("add", two, *known, "--person", 2)[0] == 0
    assert examiner("compare")[0] == 0
    assert [score["known"] for score in scores(examiner)] == [[2, 2]]


def test_what_cannot_be_used_leaves_nothing(examiner: Examiner, monkeypatch: pytest.MonkeyPatch) -> None:
    status, _, err = examiner("new", "--number", "7", "--examiner", "Grace")
    assert (status, examiner.case.exists(), "legal basis" in err) == (2, False, True)
    examiner.case.mkdir()
    (examiner.case / "notes.txt").write_text("mine")
    assert examiner("new", "--number", "7", "--examiner", "Grace", *BASIS)[0] == 2
    assert [path.name for path in examiner.case.iterdir()] == ["notes.txt"]
    assert "no case" in examiner("verify")[2]
    (examiner.case / "notes.txt").unlink()
    assert examiner("new", "--number", "7", "--examiner", "Grace", *BASIS)[0] == 0
    damaged = examiner.folder / "damaged.mp4"
    whole = examiner.clip("scene.mp4", "Ruby").read_bytes()
    damaged.write_bytes(b"")
    for arguments in ((damaged,), (examiner.folder / "none.mp4",), (examiner.folder / "scene.mp4", "--name", "Ruby")):
        assert examiner("add", *arguments)[0] == 2, arguments
    damaged.write_bytes(whole[: len(whole) // 2])
    assert examiner("add", damaged)[0] == 2
    assert list((examiner.case / "inputs").iterdir()) == []
    assert examiner.json("show")["inputs"] == []


def test_nobody_to_compare_is_said(examiner: Examiner) -> None:
    assert examiner("new", "--number", "7", "--examiner", "Grace", *BASIS)[0] == 0
    empty = write_people(examiner.folder / "empty.mp4", {"Ruby": [None] * 30})
    assert examiner("add", empty)[0] == 0
    assert examiner("add", examiner.clip("known.mp4", "Ruby"), "--as", "known", "--name", "Ruby")[0] == 0
    status, _, err = examiner("compare")
    assert (status, "Nobody can be compared: 0 questioned and 1 known" in err) == (2, True)
    assert examiner("report")[0] == 2
    assert examiner("add", examiner.clip("scene.mp4", "Jade"))[0] == 0
    assert examiner("compare")[0] == 0
    assert examiner("report")[0] == 0
    assert "nobody was found in empty.mp4" in (examiner.case / "report-001.html").read_text("utf-8")


def test_an_input_is_withdrawn_with_a_reason_and_stays_in_the_report(examiner: Examiner) -> None:
    examiner.compared()
    assert examiner("add", examiner.clip("wrong.mp4", "Azur"))[0] == 0
    assert examiner("withdraw", 3, "--reason", "Another street")[0] == 0
    assert examiner("withdraw", 3, "--reason", "again")[0] == 2
    assert examiner("compare")[0] == 0
    assert examiner("report")[0] == 0
    assert "not used: Another street" in (examiner.case / "report-001.html").read_text("utf-8")
    assert {score["questioned"][0] for score in scores(examiner)} == {1}  # type: ignore[index]


def test_a_comparison_that_was_ended_goes_on_after_the_last_complete_input(
    examiner: Examiner, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert examiner("new", "--number", "7", "--examiner", "Grace", *BASIS)[0] == 0
    assert examiner("add", examiner.clip("scene.mp4", "Jade"))[0] == 0
    assert examiner("add", examiner.clip("known.mp4", "Ruby"), "--as", "known", "--name", "Ruby")[0] == 0
    looked: list[int] = []
    described = examination_module.Examination._described

    def once(self, item, *arguments):  # type: ignore[no-untyped-def]
        looked.append(item.number)
        if looked == [1, 2]:
            raise KeyboardInterrupt
        return (yield from described(self, item, *arguments))

    monkeypatch.setattr(examination_module.Examination, "_described", once)
    assert examiner("compare")[0] == 130
    assert [path.name for path in (examiner.case / "people").iterdir()] == ["0001"]
    assert examiner.json("verify")["intact"] is True
    (examiner.case / "results-001.json").write_text("left by a killed process")
    assert "not in the record" in str(examiner.json("verify")["notes"])
    assert examiner("compare")[0] == 0
    assert looked == [1, 2, 2]
    assert (examiner.json("verify")["intact"], examiner.json("verify")["notes"]) == (True, [])


def test_the_report_is_told_in_german(examiner: Examiner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_LANGUAGE", "de")
    examiner.calibrated(LIKELIHOOD)
    examiner.compared()
    assert examiner("report")[0] == 0
    html = (examiner.case / "report-001.html").read_text("utf-8")
    for words in ("Fallbericht", "Likelihood-Quotient", "95-%-Intervall"):
        assert words in html, words


def test_a_killed_comparison_leaves_the_case_whole(tmp_path: Path) -> None:
    """With the models that come with the program, in processes of their own."""
    settings = {"SIGHTLINE_DATA": str(tmp_path / "data"), "SIGHTLINE_OFFLINE": "1", "SIGHTLINE_DEVICE": "cpu"}
    environment = {**os.environ, **settings}

    def sightline(*arguments: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "biometric", *map(str, arguments)]
        return subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False)

    demo, folder = tmp_path / "demo", tmp_path / "case"
    assert sightline("demo", demo).returncode == 0
    assert sightline("case", "new", folder, "--number", "7", "--examiner", "Grace", *BASIS).returncode == 0
    assert sightline("case", "add", folder, demo / "visit-2-everybody.mp4").returncode == 0
    known = ("--as", "known", "--name", "Beige")
    assert sightline("case", "add", folder, demo / "visit-1-beige-coat.mp4", *known).returncode == 0
    command = [sys.executable, "-m", "biometric", "case", "compare", str(folder)]
    process = subprocess.Popen(command, cwd=PROJECT, env=environment)
    while not (folder / "people" / "0001").exists():
        assert process.poll() is None, "it ended before it could be killed"
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert sightline("case", "verify", folder).returncode == 0
    compared = sightline("case", "compare", folder, "--json")
    assert compared.returncode == 0, compared.stderr
    best = max(json.loads(compared.stdout)["scores"], key=lambda score: score["score"])
    assert best["reaches"] is True
    assert sightline("case", "report", folder).returncode == 0
    repeated = sightline("case", "repeat", folder, "--json")
    assert json.loads(repeated.stdout)["same"] == "identical", repeated.stdout + repeated.stderr
    assert sightline("case", "verify", folder).returncode == 0
