"""Answers of the page are kept once each, in the background, and never at the answer's cost."""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from biometric.entities import AnswerKind, Decision, ObservedClip
from biometric.entities.progress import finish
from biometric.errors import StorageFull
from biometric.ui import library_pages
from biometric.ui.answer_keeping import AnswerKeeping
from biometric.ui.library_state import LibraryState
from biometric.ui.picture_uris import Pictures
from biometric.ui.session import Session
from tests.fakes import FakeCrops
from tests.test_service import ServiceSetup

TAB = "identification"


@dataclass
class Desk:
    """A workspace whose clip was observed, with Ada enrolled."""

    setup: ServiceSetup
    keeping: AnswerKeeping
    session: Session
    observed: ObservedClip

    def identify(self, threshold: float | None = None) -> None:
        answers = self.setup.service.identify(self.observed, threshold=threshold)
        self.keeping.note(self.session, TAB, self.observed, answers, None)
        assert self.keeping.wait(20)

    def thresholds(self) -> list[float]:
        answers, _ = self.setup.service.library.history()
        return [answer.threshold.value for answer in answers if answer.threshold is not None]


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    setup = ServiceSetup(tmp_path)
    root = tmp_path / "uploads"
    root.mkdir()
    observed = finish(setup.service.observe(setup.clip))
    setup.service.enroll(observed, "Ada")
    yield Desk(setup, AnswerKeeping(setup.service.library, root), Session(root / "session"), observed)
    setup.service.close()


def test_the_same_answer_is_kept_once_and_another_threshold_takes_its_place(desk: Desk) -> None:
    desk.identify()
    desk.identify()
    assert desk.thresholds() == [0.6]
    desk.identify(0.7)
    desk.identify(0.8)
    assert desk.thresholds() == [0.8]
    assert desk.setup.service.library.usage().clips == 1


def test_answers_to_different_questions_all_stay(desk: Desk) -> None:
    desk.identify()
    service = desk.setup.service
    desk.keeping.note(desk.session, "verification", desk.observed, service.verify(desk.observed, "Ada"), None)
    for name in ("Ben", "Cy"):
        desk.keeping.note(desk.session, "enrollment", desk.observed, service.enroll(desk.observed, name), None)
    desk.keeping.note(desk.session, "verification", desk.observed, service.verify(desk.observed, "Ben"), None)
    assert desk.keeping.wait(20)
    kinds = [answer.kind for answer in service.library.history()[0]]
    assert sorted(kinds) == ["enrollment", "enrollment", "identification", "verification", "verification"]


def test_a_verification_without_a_match_is_listed_as_one_not_as_a_clip_of_nobody(desk: Desk, tmp_path: Path) -> None:
    service, state = desk.setup.service, LibraryState()
    answer = dataclasses.replace(service.verify(desk.observed, "Ada"), decision=Decision.NO_MATCH, score=0.1)
    desk.keeping.note(desk.session, "verification", desk.observed, answer, None)
    assert desk.keeping.wait(20)
    (kept, total), pictures = service.library.clips(), Pictures(FakeCrops())
    names = service.library.names([None])
    html = library_pages.clips(kept, total, service.library.usage(), names, state, pictures, None)
    assert "Verified as Ada: no match" in html
    assert "Nobody was found" not in html


def test_the_clip_may_be_replaced_at_once(desk: Desk) -> None:
    answers = desk.setup.service.identify(desk.observed)
    desk.keeping.note(desk.session, TAB, desk.observed, answers, None)
    desk.setup.clip.unlink()
    assert desk.keeping.wait(20)
    [clip], _ = desk.setup.service.library.clips()
    assert clip.path.read_bytes() == b"clip"
    assert list((desk.session.folder.parent).glob("keep-*")) == []


def test_what_comes_from_the_library_is_kept_anew_only_after_a_change(desk: Desk) -> None:
    desk.identify()
    desk.session.kept.clear()
    with desk.keeping.quiet(desk.session):
        desk.identify()
    assert desk.thresholds() == [0.6]
    desk.identify(0.7)
    desk.identify(0.8)
    assert sorted(desk.thresholds()) == [0.6, 0.8]  # the old answer stays as it was


def test_a_full_disk_is_told_and_spoils_no_answer(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object, **keywords: object) -> None:
        raise StorageFull("The disk is full. Free some space.")

    with monkeypatch.context() as patched:
        patched.setattr(desk.setup.service.library, "keep", full)
        desk.identify()
    assert isinstance(desk.keeping.problem, StorageFull)
    desk.identify(0.7)
    assert desk.keeping.problem is None
    assert desk.thresholds() == [0.7]


def test_a_defect_does_not_end_the_thread(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object, **keywords: object) -> None:
        raise RuntimeError("a defect")

    with monkeypatch.context() as patched:
        patched.setattr(desk.setup.service.library, "keep", broken)
        desk.identify()
    desk.identify(0.7)
    assert [answer.kind for answer in desk.setup.service.library.history()[0]] == [AnswerKind.IDENTIFICATION]
