"""The library of kept footage on real folders: what is kept, how long, and what crashes and others may do to it."""

import os
import random
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from biometric.domain.comparison import score
from biometric.entities import (
    AdaptationKind,
    AnswerKind,
    ClipOrder,
    ClipSearch,
    FrameRange,
    KeptAnswer,
    NewAnswer,
    NewFootage,
    ObservedClip,
    ScoreAdaptation,
    WantedObservation,
)
from biometric.errors import (
    InvalidInput,
    KeptFootageBusy,
    KeptFootageCorrupt,
    KeptFootageUnavailable,
    StorageFull,
    UnknownClip,
)
from biometric.footage_store.footage_library import SQLiteFootageLibrary
from biometric.footage_store.library_database import DATABASE_NAME
from biometric.ports import FootageLibrary
from tests.made_footage import MADE_WITH, footage, identification, observed

TESTS = Path(__file__).resolve().parent.parent
ADA, BEN = "a" * 32, "b" * 32
ALL = ClipSearch()
GIGABYTE = 10**9


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = datetime(2026, 5, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_days(self, days: float) -> None:
        self.now += timedelta(days=days)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def library(tmp_path: Path, clock: Clock) -> SQLiteFootageLibrary:
    return SQLiteFootageLibrary(tmp_path / "library", 7, GIGABYTE, clock=clock)


def again(library: SQLiteFootageLibrary, clock: Clock, days: float = 7) -> SQLiteFootageLibrary:
    """The same library in a process that has just started."""
    return SQLiteFootageLibrary(library.folder, days, GIGABYTE, clock=clock)


def kept(library: FootageLibrary, footage: NewFootage, answer: NewAnswer) -> KeptAnswer:
    found = library.keep(footage, answer)
    assert found is not None
    return found


def labels(library: FootageLibrary, search: ClipSearch = ALL) -> list[str]:
    return [clip.label for clip in library.clips(search)[0]]


def files(library: FootageLibrary) -> set[str]:
    return {
        path.relative_to(library.folder).as_posix()
        for path in library.folder.rglob("*")
        if path.is_file() and path.name != DATABASE_NAME
    }


def check(library: FootageLibrary) -> None:
    """Rows and files tell the same, every observation can be read, and nothing else lies there."""
    expected = set()
    for clip in library.clips(ClipSearch(limit=1000))[0]:
        assert clip.path.is_file()
        expected |= {clip.path, clip.thumbnail}
        for answer in clip.answers:
            seen = library.observation(answer)
            expected.add(seen.folder / "observation.npz")
            crops = {sample.crop for person in seen.observations for sample in person.samples}
            assert all(crop is not None and crop.is_file() for crop in crops)
            expected |= crops
    assert files(library) == {path.relative_to(library.folder).as_posix() for path in expected if path is not None}


def same(left: ObservedClip, right: ObservedClip) -> bool:
    """Whether two observations decide alike: all but where files lie and how long it took."""
    for mine, theirs in zip(left.observations, right.observations, strict=True):
        assert (mine.person, mine.tracklet, mine.refusals) == (theirs.person, theirs.tracklet, theirs.refusals)
        assert (mine.template is None) == (theirs.template is None)
        if mine.template is not None and theirs.template is not None:
            assert np.array_equal(mine.template.vector, theirs.template.vector)
            assert mine.template.sample_count == theirs.template.sample_count
        for sample, other in zip(mine.samples, theirs.samples, strict=True):
            assert replace(sample, crop=None) == replace(other, crop=None)
            assert (sample.embedding is None) == (other.embedding is None)
            assert sample.embedding is None or np.array_equal(sample.embedding, other.embedding)
    attributes = ("label", "video", "frames", "model_id", "analysed_frames", "warnings", "damage_accepted")
    return all(getattr(left, name) == getattr(right, name) for name in attributes)


# The empty case


def test_an_absent_library_is_empty_and_asking_creates_nothing(library: SQLiteFootageLibrary) -> None:
    port: FootageLibrary = library
    assert port.clips(ALL) == ([], 0)
    assert port.answers() == ([], 0)
    assert port.usage().size == 0
    assert port.revision() == ""
    assert port.sweep() == port.forget_identity(ADA) == 0
    assert port.find_observation(WantedObservation("ab", FrameRange(0, 100), "fake-8", MADE_WITH)) is None
    for ask in (port.clip, port.remove):
        with pytest.raises(UnknownClip):
            ask("0" * 32)
    assert not library.folder.exists()


def test_an_answer_about_nobody_is_kept(library: SQLiteFootageLibrary, tmp_path: Path) -> None:
    nobody = replace(observed(tmp_path / "in"), observations=())
    answer = kept(library, NewFootage(nobody, MADE_WITH), identification())
    assert library.observation(answer).observations == ()
    assert library.clip(answer.clip_id).thumbnail is None


# What is kept


def test_a_clip_is_kept_with_its_answer_and_all_that_was_seen(
    library: SQLiteFootageLibrary, tmp_path: Path, clock: Clock
) -> None:
    before = library.revision()
    new = footage(tmp_path / "in")
    answer = kept(library, new, identification(ADA, None))
    assert library.revision() != before
    [clip], total = again(library, clock).clips(ALL)
    assert total == 1
    assert (clip.label, clip.duration, clip.frame_count, clip.camera) == ("visit.mp4", 10.5, 100, "")
    assert clip.path.read_bytes() == b"a clip"
    assert clip.answers == (answer,)
    assert answer.threshold == identification(ADA).threshold
    assert [(person.identity_id, person.found) for person in answer.people] == [(ADA, True), (None, False)]
    assert clip.expires_at.startswith("2026-05-08")
    assert same(library.observation(answer), new.observed)
    assert (
        library.usage().size
        == clip.size
        == sum(path.stat().st_size for path in library.folder.rglob("*.*"))
        - (library.folder / DATABASE_NAME).stat().st_size
    )
    check(library)


def test_an_observation_compares_as_before_from_its_file_alone(
    library: SQLiteFootageLibrary, tmp_path: Path, clock: Clock
) -> None:
    new = footage(tmp_path / "in")
    answer = kept(library, new, identification(ADA))
    (tmp_path / "in" / "clip.mp4").unlink()
    seen = again(library, clock).observation(answer)
    ours, theirs = seen.observations[0].template, new.observed.observations[0].template
    assert ours is not None
    assert theirs is not None
    assert score(ours, theirs) == pytest.approx(1.0)


def test_the_same_file_is_kept_once_and_all_its_answers(library: SQLiteFootageLibrary, tmp_path: Path) -> None:
    kept(library, footage(tmp_path / "in"), identification(ADA))
    kept(library, footage(tmp_path / "copy", label="other name.mp4"), identification(None))
    partly = footage(tmp_path / "partly")
    partly = replace(partly, observed=replace(partly.observed, frames=FrameRange(10, 50)))
    kept(library, partly, identification(BEN))
    [clip], _ = library.clips(ALL)
    assert clip.label == "visit.mp4"
    assert len({answer.observation_id for answer in clip.answers}) == 2
    assert [answer.people[0].identity_id for answer in clip.answers] == [BEN, None, ADA]
    assert len(list(library.folder.rglob("clip.mp4"))) == 1
    check(library)


def test_an_answer_says_which_scores_it_was_decided_on(
    library: SQLiteFootageLibrary, tmp_path: Path, clock: Clock
) -> None:
    mark = ScoreAdaptation(AdaptationKind.CENTRING, "0123456789abcdef")
    plain = identification(ADA)
    assert plain.threshold is not None
    kept(library, footage(tmp_path / "in"), replace(plain, threshold=replace(plain.threshold, adaptation=mark)))
    [answer] = again(library, clock).answers()[0]
    assert answer.threshold is not None
    assert answer.threshold.adaptation == mark
    with closing(sqlite3.connect(library.folder / DATABASE_NAME)) as connection, connection:
        sql = "UPDATE answers SET threshold = json_remove(threshold, '$.adaptation')"
        connection.execute(sql)  # as versions wrote it that knew none
    [answer] = again(library, clock).answers()[0]
    assert answer.threshold == plain.threshold


def test_another_threshold_takes_the_place_of_the_answer_that_it_changes(
    library: SQLiteFootageLibrary, tmp_path: Path
) -> None:
    new = footage(tmp_path / "in")
    first = kept(library, new, identification(ADA))
    second = library.keep(new, identification(None, threshold=0.9), replaces=first.id)
    assert library.answers()[0] == [second]
    library.keep(new, replace(identification(ADA), kind=AnswerKind.ENROLLMENT), replaces=second.id if second else "")
    assert len(library.answers()[0]) == 2  # of another kind


def test_files_and_folders_are_for_the_owner_only(library: SQLiteFootageLibrary, tmp_path: Path) -> None:
    os.umask(0o022)
    kept(library, footage(tmp_path / "in"), identification(ADA))
    for path in [library.folder, *library.folder.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


def test_a_file_of_somebody_else_is_copied_and_never_changed(library: SQLiteFootageLibrary, tmp_path: Path) -> None:
    new = footage(tmp_path / "in")
    new.observed.path.chmod(0o644)
    answer = kept(library, new, identification(ADA))
    new.observed.path.write_bytes(b"edited")
    assert library.clip(answer.clip_id).path.read_bytes() == b"a clip"
    assert stat.S_IMODE(new.observed.path.stat().st_mode) == 0o644


def test_the_observation_of_the_same_footage_is_found(library: SQLiteFootageLibrary, tmp_path: Path) -> None:
    new = footage(tmp_path / "in")
    kept(library, new, identification(ADA))
    wanted = WantedObservation(new.observed.video.digest, FrameRange(0, 100), "fake-8", MADE_WITH)
    found = library.find_observation(wanted)
    assert found is not None
    assert same(found, new.observed)
    for other in (
        replace(wanted, digest="00"),
        replace(wanted, frames=FrameRange(0, 99)),
        replace(wanted, frames=FrameRange(0, 100, 2)),
        replace(wanted, model_id="other"),
        replace(wanted, made_with="other"),
    ):
        assert library.find_observation(other) is None
    edited = replace(new, observed=replace(new.observed, observations=new.observed.observations[:1]))
    kept(library, edited, identification(ADA))
    again_found = library.find_observation(wanted)
    assert again_found is not None
    assert same(again_found, new.observed)  # as it was seen, not as somebody joined or split people later
    (found.folder / "observation.npz").write_bytes(b"damaged")
    assert library.find_observation(wanted) is None


# Lists


def test_clips_are_searched_sorted_and_paged(library: SQLiteFootageLibrary, tmp_path: Path, clock: Clock) -> None:
    for number, (label, identity) in enumerate([("Éclair.mp4", ADA), ("b.mp4", None), ("a.mp4", BEN)]):
        new = footage(tmp_path / str(number), label.encode(), label=label)
        video = replace(new.observed.video, recorded_at=None if number == 0 else f"2026-01-0{3 - number}")
        answer = kept(library, replace(new, observed=replace(new.observed, video=video)), identification(identity))
        clock.pass_days(0.1)
        if label == "b.mp4":
            library.set_camera(answer.clip_id, "  Back   door ")
    assert labels(library) == ["a.mp4", "b.mp4", "Éclair.mp4"]
    assert labels(library, ClipSearch(order=ClipOrder.NAME)) == ["a.mp4", "b.mp4", "Éclair.mp4"]
    assert labels(library, ClipSearch(order=ClipOrder.RECORDED)) == ["b.mp4", "a.mp4", "Éclair.mp4"]
    assert labels(library, ClipSearch("éclair")) == ["Éclair.mp4"]
    assert labels(library, ClipSearch("back door")) == ["b.mp4"]
    assert labels(library, ClipSearch("nothing", (BEN,))) == ["a.mp4"]
    assert library.clips(ClipSearch("nothing")) == ([], 0)
    page, total = library.clips(ClipSearch(limit=1, offset=1))
    assert ([clip.label for clip in page], total) == (["b.mp4"], 3)
    assert len(library.answers(AnswerKind.IDENTIFICATION, limit=2)[0]) == 2
    assert library.answers(AnswerKind.ENROLLMENT) == ([], 0)


def test_a_camera_that_cannot_be_written_down_is_refused(library: SQLiteFootageLibrary, tmp_path: Path) -> None:
    answer = kept(library, footage(tmp_path / "in"), identification(ADA))
    for text in ("x" * 101, "a\x00b"):
        with pytest.raises(InvalidInput):
            library.set_camera(answer.clip_id, text)
    assert library.set_camera(answer.clip_id, "Lobby").camera == "Lobby"
    assert library.camera_of(library.clip(answer.clip_id).digest) == "Lobby"
    assert library.camera_of("0" * 64) is None
    with pytest.raises(UnknownClip):
        library.set_camera("0" * 32, "Lobby")


def test_a_camera_that_was_given_with_an_answer_is_the_clips(library: SQLiteFootageLibrary, tmp_path: Path) -> None:
    new = footage(tmp_path / "in")

    def camera_after(camera: str, given: bool, replaces: str | None = None) -> str:
        observed = replace(new.observed, camera=camera, camera_given=given)
        answer = library.keep(replace(new, observed=observed), identification(ADA), replaces)
        assert answer is not None
        return library.clip(answer.clip_id).camera

    assert camera_after("Yard", given=True) == "Yard"
    assert camera_after("", given=False) == "Yard"
    assert camera_after("Door", given=True) == "Door"
    [clip] = library.clips(ALL)[0]
    library.set_camera(clip.id, "Gate")
    assert camera_after("Door", given=True, replaces=clip.answers[0].id) == "Gate"  # the answer is the same one
    assert camera_after("", given=True) == ""


# What goes


def test_removing_a_clip_leaves_no_trace(library: SQLiteFootageLibrary, tmp_path: Path) -> None:
    kept(library, footage(tmp_path / "other", b"stays", label="stays.mp4"), identification(BEN))
    answer = kept(library, footage(tmp_path / "in", b"marker-7731", label="marker-7731.mp4"), identification(ADA))
    library.set_camera(answer.clip_id, "marker-7731")
    assert library.remove(answer.clip_id).label == "marker-7731.mp4"
    assert labels(library) == ["stays.mp4"]
    assert not any(b"marker-7731" in path.read_bytes() for path in library.folder.rglob("*") if path.is_file())
    with pytest.raises(UnknownClip):
        library.observation(answer)
    check(library)


def test_an_erased_identity_is_in_no_answer(library: SQLiteFootageLibrary, tmp_path: Path) -> None:
    answer = kept(library, footage(tmp_path / "in"), identification(ADA, BEN))
    assert library.forget_identity(ADA) == 1
    [first, second] = library.clip(answer.clip_id).answers[0].people
    assert (first.identity_id, first.erased, second.identity_id, second.erased) == (None, True, BEN, False)
    assert ADA.encode() not in (library.folder / DATABASE_NAME).read_bytes()
    assert library.forget_identity(ADA) == 0


def test_clips_go_some_days_after_their_latest_answer(
    library: SQLiteFootageLibrary, tmp_path: Path, clock: Clock
) -> None:
    new = footage(tmp_path / "in")
    kept(library, new, identification(ADA))
    clock.pass_days(5)
    kept(library, footage(tmp_path / "late", b"late", label="late.mp4"), identification(ADA))
    kept(library, new, identification(BEN))
    clock.pass_days(6.9)
    assert len(labels(library)) == 2
    clock.pass_days(0.2)
    expired = library.clips(ALL)
    assert expired == ([], 0)
    assert files(library) == set()


def test_sweeping_says_how_many_went(library: SQLiteFootageLibrary, tmp_path: Path, clock: Clock) -> None:
    kept(library, footage(tmp_path / "in"), identification(ADA))
    assert library.sweep() == 0
    clock.pass_days(8)
    assert library.sweep() == 1
    assert files(library) == set()


def test_with_no_days_nothing_is_kept_and_what_was_kept_goes(
    library: SQLiteFootageLibrary, tmp_path: Path, clock: Clock
) -> None:
    kept(library, footage(tmp_path / "in"), identification(ADA))
    clock.pass_days(0.001)
    closed = again(library, clock, days=0)
    assert closed.keep(footage(tmp_path / "in"), identification(ADA)) is None
    assert closed.clips(ALL) == ([], 0)
    assert files(library) == set()


def test_the_clips_used_longest_ago_make_room(tmp_path: Path, clock: Clock) -> None:
    library = SQLiteFootageLibrary(tmp_path / "library", 7, 50_000, clock=clock)
    for number in range(4):
        kept(library, footage(tmp_path / str(number), bytes([number]) * 15_000, label=f"{number}"), identification())
        clock.pass_days(0.1)
        if number == 1:
            kept(library, footage(tmp_path / "0", bytes([0]) * 15_000, label="0"), identification())
            clock.pass_days(0.1)
    assert labels(library) == ["3", "2"] or labels(library) == ["3", "2", "0"]
    assert "1" not in labels(library)
    assert library.usage().size <= 50_000
    assert library.keep(footage(tmp_path / "big", bytes(60_000)), identification()) is None
    assert "3" in labels(library)
    check(library)


# Damage, full disks, foreign files


def test_a_damaged_database_is_said(library: SQLiteFootageLibrary, tmp_path: Path, clock: Clock) -> None:
    kept(library, footage(tmp_path / "in"), identification(ADA))
    (library.folder / DATABASE_NAME).write_bytes(b"SQLite format 3\0" + b"\x17" * 5000)
    for ask in (lambda: library.clips(ALL), library.usage, library.revision, library.sweep):
        with pytest.raises(KeptFootageCorrupt, match="damaged"):
            ask()
    with pytest.raises(KeptFootageCorrupt):
        again(library, clock).keep(footage(tmp_path / "in"), identification(ADA))
    assert any(name.endswith("clip.mp4") for name in files(library))  # nothing is deleted on the word of a ruin


@pytest.mark.parametrize("version", [(7, 0), (0x51474C46, 99)])
def test_a_database_of_another_program_or_a_newer_version_is_said(
    library: SQLiteFootageLibrary, version: tuple[int, int]
) -> None:
    library.folder.mkdir()
    with closing(sqlite3.connect(library.folder / DATABASE_NAME)) as db:
        db.execute("CREATE TABLE theirs (x)")
        db.execute(f"PRAGMA application_id = {version[0]}")
        db.execute(f"PRAGMA user_version = {version[1]}")
    with pytest.raises(KeptFootageCorrupt, match=r"not a library|newer version"):
        library.clips(ALL)


def test_a_folder_that_is_a_file_is_said(tmp_path: Path, clock: Clock) -> None:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("file", "link"):
        with pytest.raises((KeptFootageUnavailable, StorageFull)):
            SQLiteFootageLibrary(tmp_path / name, 7, GIGABYTE, clock=clock).clips(ALL)
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 cut", b"not a zip"])
def test_a_damaged_observation_is_said_and_the_clip_stays(
    library: SQLiteFootageLibrary, tmp_path: Path, content: bytes
) -> None:
    answer = kept(library, footage(tmp_path / "in"), identification(ADA))
    [stored] = library.folder.rglob("observation.npz")
    stored.write_bytes(content)
    with pytest.raises(KeptFootageCorrupt, match=r"visit\.mp4"):
        library.observation(answer)
    assert library.clip(answer.clip_id).path.is_file()


def test_an_observation_with_pickles_is_refused(library: SQLiteFootageLibrary, tmp_path: Path) -> None:
    answer = kept(library, footage(tmp_path / "in"), identification(ADA))
    [stored] = library.folder.rglob("observation.npz")
    np.savez(stored, meta=np.array([print], dtype=object))
    with pytest.raises(KeptFootageCorrupt):
        library.observation(answer)


def test_a_full_disk_keeps_nothing_and_says_so(
    library: SQLiteFootageLibrary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(library, footage(tmp_path / "in"), identification(ADA))
    before = files(library)

    def full(*arguments: object, **keywords: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("biometric.footage_store.observation_files.np.savez_compressed", full)
        with pytest.raises(StorageFull, match="disk is full"):
            library.keep(footage(tmp_path / "new", b"new"), identification(BEN))
    assert files(library) == before
    assert labels(library) == ["visit.mp4"]


def test_an_error_after_the_files_are_in_place_leaves_none(
    library: SQLiteFootageLibrary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patched:
        patched.setattr("biometric.footage_store.answer_rows.insert_answer", fail)
        with pytest.raises(KeptFootageCorrupt):
            library.keep(footage(tmp_path / "in"), identification(ADA))
    assert files(library) == set()
    kept(library, footage(tmp_path / "in"), identification(ADA))
    check(library)


def test_foreign_files_stay(library: SQLiteFootageLibrary, tmp_path: Path, clock: Clock) -> None:
    answer = kept(library, footage(tmp_path / "in"), identification(ADA))
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "clip.mp4").write_text("mine")
    (library.folder / ("f" * 32)).symlink_to(outside)
    mine = [
        library.folder / "holiday.mp4",
        library.folder / "notes" / "clip.mp4",
        library.folder / ("c" * 32) / "diary.txt",
        library.folder / answer.clip_id / "diary.txt",
        library.folder / ("e" * 32),
    ]
    for path in mine:
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
    (library.folder / ("c" * 32) / "clip.mp4").write_bytes(b"orphan")
    fresh = again(library, clock)
    assert labels(fresh) == ["visit.mp4"]
    assert not (library.folder / ("c" * 32) / "clip.mp4").exists()
    fresh.remove(answer.clip_id)
    assert all(path.read_text() == "mine" for path in [*mine, outside / "clip.mp4"])
    assert files(library) == {path.relative_to(library.folder).as_posix() for path in mine}


def test_a_library_held_by_another_process_is_read_and_said(tmp_path: Path, clock: Clock) -> None:
    library = SQLiteFootageLibrary(tmp_path / "library", 7, GIGABYTE, busy_seconds=0.1, clock=clock)
    answer = kept(library, footage(tmp_path / "in"), identification(ADA))
    with closing(sqlite3.connect(library.folder / DATABASE_NAME, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert labels(library) == ["visit.mp4"]
        with pytest.raises(KeptFootageBusy):
            library.remove(answer.clip_id)
    assert library.remove(answer.clip_id)


# Crashes


DIE = """
import os, shutil, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from biometric.footage_store.footage_library import SQLiteFootageLibrary
from tests.made_footage import footage, identification
from tests.dying import die_at

root, action = Path(sys.argv[2]), sys.argv[3]
first, second = footage(root / "one", b"one", 0), footage(root / "two", b"two", 0, "two.mp4")
CALLS = ("fsync", "rename", "mkdir", "open", "unlink", "rmdir", "link")

answer = SQLiteFootageLibrary(root / "before", 7, 10**9).keep(first, identification("a" * 32))
for instant in range(1, 400):
    shutil.copytree(root / "before", root / str(instant))
    child = os.fork()
    if child == 0:
        library = SQLiteFootageLibrary(root / str(instant), 7, 10**9)
        die_at(instant, CALLS)
        if action == "keep":
            library.keep(second, identification("b" * 32))
        else:
            library.remove(answer.clip_id)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    if not os.WIFSIGNALED(status):
        assert os.WEXITSTATUS(status) == 0
        break
    print(instant, flush=True)
"""


@pytest.mark.parametrize("action", ["keep", "remove"])
def test_promise_20_kill_9_at_every_file_operation_keeps_all_or_nothing(tmp_path: Path, action: str) -> None:
    command = [sys.executable, "-c", DIE, str(TESTS.parent), str(tmp_path), action]
    done = subprocess.run(command, capture_output=True, text=True, cwd=TESTS.parent, check=True)
    instants = [int(line) for line in done.stdout.split()]
    assert len(instants) > 10
    outcomes = []
    for instant in instants:
        library = SQLiteFootageLibrary(tmp_path / str(instant), 7, GIGABYTE)
        outcomes.append(sorted(labels(library)))
        check(library)
        if instant % 8 == 0:
            kept(library, footage(tmp_path / "three", b"three", 0, "three.mp4"), identification())
            check(library)
    assert [] in outcomes or ["two.mp4", "visit.mp4"] in outcomes
    assert ["visit.mp4"] in outcomes
    assert all(outcome in ([], ["visit.mp4"], ["two.mp4", "visit.mp4"]) for outcome in outcomes)


KEEP_FOREVER = """
import itertools, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from biometric.footage_store.footage_library import SQLiteFootageLibrary
from tests.made_footage import footage, identification

root = Path(sys.argv[2])
library = SQLiteFootageLibrary(root / "library", 7, 10**9)
for number in itertools.count(int(sys.argv[3])):
    new = footage(root / "in", str(number).encode(), label=str(number))
    library.keep(new, identification())
    print(number, flush=True)
"""


def test_promise_20_kill_9_at_any_instant_loses_no_clip_that_was_acknowledged(tmp_path: Path) -> None:
    chance, acknowledged = random.Random(20), []
    for life in range(3):
        command = [sys.executable, "-c", KEEP_FOREVER, str(TESTS.parent), str(tmp_path), str(1000 * life)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=TESTS.parent) as process:
            assert process.stdout is not None
            acknowledged.append(int(process.stdout.readline()))
            time.sleep(chance.uniform(0, 0.1))
            process.send_signal(signal.SIGKILL)
            acknowledged += [int(line) for line in process.stdout if line.endswith("\n")]
        library = SQLiteFootageLibrary(tmp_path / "library", 7, GIGABYTE)
        there = {int(label) for label in labels(library, ClipSearch(limit=1000))}
        assert set(acknowledged) <= there
        assert len(there) <= len(acknowledged) + life + 1
        check(library)


def test_the_stretches_of_people_are_kept_also_in_a_library_of_the_first_version(
    library: SQLiteFootageLibrary, clock: Clock, tmp_path: Path
) -> None:
    plain = identification(ADA, None)
    old = kept(library, footage(tmp_path / "in"), plain)
    with closing(sqlite3.connect(library.folder / DATABASE_NAME)) as db:
        db.execute("ALTER TABLE answered_people DROP COLUMN stretches")
        db.execute("PRAGMA user_version = 1")
        db.commit()
    opened = again(library, clock)
    assert opened.clips(ALL)[0][0].answers[0].people == old.people
    stretches = ((0.0, 0.1), (2.0, 3.5))
    people = (replace(plain.people[0], stretches=stretches), plain.people[1])
    new = kept(opened, footage(tmp_path / "other", b"another"), replace(plain, people=people))
    assert [person.times for person in new.people] == [stretches, ((0.0, 0.3),)]
    assert again(library, clock).clip(new.clip_id).answers[0].people == new.people
