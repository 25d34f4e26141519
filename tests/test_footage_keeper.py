"""Keeping answers and finding them again, on fakes: nothing is decoded or looked at twice."""

import dataclasses
import json
import time
from pathlib import Path

import pytest

from biometric.entities import AnswerKind, FrameRange
from biometric.entities.progress import finish
from biometric.errors import ClipNotFound, OnLegalHold, UnknownClip
from biometric.footage_keeper import FootageKeeper, KeeperTools
from biometric.footage_store.footage_library import SQLiteFootageLibrary
from tests.fakes import FakeReader
from tests.made_galleries import reference
from tests.test_service import ServiceSetup


class BrokenReader(FakeReader):
    """Cannot decode anything any more."""

    def read(self, clip, frames):
        raise AssertionError("decoded")

    def grab(self, clip, indices):
        raise AssertionError("decoded")


@pytest.fixture
def setup(tmp_path: Path):
    made = ServiceSetup(tmp_path)
    yield made
    made.service.close()


def restarted(setup: ServiceSetup) -> ServiceSetup:
    """The same folders in another process, whose decoder and embedder fail when they are used."""
    folder = setup.clip.parent
    after = ServiceSetup(folder, BrokenReader())
    after.embedder.embed = None  # type: ignore[assignment,method-assign]
    return after


def test_deciding_again_after_a_restart_decodes_nothing(setup: ServiceSetup) -> None:
    observed = finish(setup.service.observe(setup.clip))
    setup.service.enroll(observed, "Ada")
    setup.service.library.keep(observed, setup.service.identify(observed))
    setup.service.close()
    after = restarted(setup)
    answer = after.service.library.answer(after.service.library.clips()[0][0].id)
    seen = after.service.library.observation(answer)
    assert after.service.library.is_current(answer)
    assert after.service.identify(seen)[0].identity is not None
    assert after.service.identify(seen, threshold=1.0)[0].threshold.value == 1.0
    again = finish(after.service.observe(setup.clip))  # the same file: found by its digest
    assert [person.person for person in again.observations] == [person.person for person in observed.observations]
    assert again.path == setup.clip
    with pytest.raises(AssertionError, match="decoded"):
        finish(after.service.observe(setup.clip, FrameRange.inclusive(0, 50)))  # other frames are looked at
    after.service.close()


def test_people_are_found_by_the_names_that_they_have_now(setup: ServiceSetup) -> None:
    observed = finish(setup.service.observe(setup.clip))
    enrolled = setup.service.enroll(observed, "Ada")
    setup.service.library.keep(observed, enrolled)
    library, gallery = setup.service.library, setup.service.gallery()
    assert library.clips("ada")[1] == 1
    gallery.rename(enrolled.identity.id, "Grace")
    assert (library.clips("ada")[1], library.clips("grace")[1]) == (0, 1)
    setup.service.eraser.erase(enrolled.identity.id)
    assert library.clips("grace")[1] == 0
    assert library.history()[0][0].people[0].erased
    assert gallery.is_empty()


def test_who_is_under_a_legal_hold_is_not_forgotten_by_the_library(setup: ServiceSetup) -> None:
    observed = finish(setup.service.observe(setup.clip))
    identity = setup.service.enroll(observed, "Ada").identity
    answer = setup.service.library.keep(observed, setup.service.identify(observed))
    assert answer is not None
    setup.service.gallery().hold(identity.id, "a claim")
    with pytest.raises(OnLegalHold):
        setup.service.eraser.erase(identity.id)
    assert any(person.samples for person in setup.service.library.observation(answer).observations)
    assert setup.service.library.clips("ada")[1] == 1


def test_results_about_whoever_has_a_name_now_stay_when_its_former_owner_is_erased(setup: ServiceSetup) -> None:
    gallery = setup.service.gallery()
    made = setup.clip.parent / "made"
    ada = gallery.enroll("Ben", reference(made, 1)).identity
    gallery.rename(ada.id, "Ada Lovelace")
    gallery.enroll("Ben", reference(made, 2))
    folder = setup.service.settings.query / "clip"
    folder.mkdir(parents=True)
    for stem, name in (("00000000-00000009", "Ben"), ("00000010-00000019", "Ada Lovelace")):
        (folder / f"{stem}.json").write_text(json.dumps({"people": [{"identity": name}]}))
        (folder / f"{stem}.txt").write_text("notes of my own")
    setup.service.eraser.erase(ada.id)
    left = sorted(path.name for path in folder.iterdir())
    assert left == ["00000000-00000009.json", "00000000-00000009.txt", "00000010-00000019.txt"]


def test_another_model_is_told(setup: ServiceSetup) -> None:
    observed = finish(setup.service.observe(setup.clip))
    setup.service.enroll(observed, "Ada")
    answer = setup.service.library.keep(observed, setup.service.verify(observed, "Ada"))
    assert answer is not None
    assert answer.kind is AnswerKind.VERIFICATION
    setup.embedder.model_id = "another"
    assert not setup.service.library.is_current(answer)
    assert setup.service.library.find(setup.clip, None, observed.video, observed.frames, False, True) is None


def test_crops_that_somebody_deleted_are_not_named(setup: ServiceSetup) -> None:
    observed = finish(setup.service.observe(setup.clip))
    setup.service.enroll(observed, "Ada")
    answer = setup.service.library.keep(observed, setup.service.identify(observed))
    assert answer is not None
    seen = setup.service.library.observation(answer)
    gone = next(seen.folder.glob("*.jpg"))
    gone.unlink()
    crops = [s.crop for person in setup.service.library.observation(answer).observations for s in person.samples]
    assert gone not in crops
    assert any(crops)
    setup.service.forget_observations()
    reads = setup.reader.reads
    finish(setup.service.observe(setup.clip))
    assert setup.reader.reads == reads + 1  # looked at anew, because reports and references need the crops


def test_a_clip_without_a_readable_beginning_is_kept_without_a_picture(
    setup: ServiceSetup, monkeypatch: pytest.MonkeyPatch
) -> None:
    observed = finish(setup.service.observe(setup.clip))

    def fail(*arguments: object) -> None:
        raise ClipNotFound("gone")

    monkeypatch.setattr(setup.reader, "grab", fail)
    setup.service.library.keep(observed, [])
    assert setup.service.library.clips()[0][0].thumbnail is None


def test_nothing_is_kept_where_the_settings_say_so(setup: ServiceSetup, tmp_path: Path) -> None:
    observed = finish(setup.service.observe(setup.clip))
    tools = KeeperTools(setup.reader, setup.service.crops, setup.models, setup.service.gallery, 8)
    keeper = FootageKeeper(lambda: SQLiteFootageLibrary(tmp_path / "none", 0, 10**9), tools)
    assert keeper.keep(observed, []) is None
    assert not (tmp_path / "none").exists()


def test_what_another_tracker_followed_is_looked_at_anew(setup: ServiceSetup, tmp_path: Path) -> None:
    observed = finish(setup.service.observe(setup.clip))
    tools = KeeperTools(setup.reader, setup.service.crops, setup.models, setup.service.gallery, 8)
    library = SQLiteFootageLibrary(tmp_path / "kept", 7, 10**9)
    FootageKeeper(lambda: library, tools).keep(observed, [])
    for tracker, found in (("bytetrack", True), ("botsort", False)):
        keeper = FootageKeeper(lambda: library, dataclasses.replace(tools, tracker=tracker))
        kept = keeper.find(setup.clip, None, observed.video, observed.frames, False, True)
        assert (kept is not None) is found


def test_an_answer_that_is_gone_is_said(setup: ServiceSetup) -> None:
    observed = finish(setup.service.observe(setup.clip))
    kept = setup.service.library.keep(observed, [])
    assert kept is not None
    with pytest.raises(UnknownClip, match="no longer in the library"):
        setup.service.library.answer(kept.clip_id, "0" * 32)


def test_expired_clips_go_while_nobody_looks(tmp_path: Path, setup: ServiceSetup) -> None:
    observed = finish(setup.service.observe(setup.clip))
    tools = KeeperTools(setup.reader, setup.service.crops, setup.models, setup.service.gallery, 8)
    library = SQLiteFootageLibrary(tmp_path / "swept", 1e-6, 10**9)
    keeper = FootageKeeper(lambda: library, tools)
    keeper.keep(observed, [])
    keeper.start_sweeping(0.05)
    try:
        for _ in range(100):
            if not list(library.folder.rglob("clip.mp4")):
                break
            time.sleep(0.05)
        assert not list(library.folder.rglob("clip.mp4"))
    finally:
        keeper.close()
