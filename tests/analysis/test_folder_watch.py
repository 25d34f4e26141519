"""Watched folders: a clip is taken once it is written, whatever happens to it and to its folder before."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from biometric.analysis.clip_arrivals import ArrivalRules, ClipArrivals, Stamp
from biometric.analysis.folder_watch import FolderWatch
from biometric.clips.wholeness import looks_whole
from biometric.errors import JobQueueCorrupt, StorageFull
from biometric.watched_files import changes_below
from tests.made_clips import truncate, write_clip
from tests.waiting import wait_for


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Looking:
    """Arrivals in a folder, with a clock and files whose words say whether they are whole."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clock = folder, Clock()
        self.known: set[Path] = set()
        self.asked: list[Path] = []
        self.arrivals = ClipArrivals(
            lambda path: path.read_bytes().endswith(b"end"),
            self._was_whole,
            ArrivalRules(rest=3, patience=60),
            self.clock,
        )

    def _was_whole(self, path: Path, stamp: Stamp) -> bool:
        self.asked.append(path)
        return path in self.known

    def write(self, name: str, content: str = "a clip, end") -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
        self.arrivals.note([path], self.folder)
        return path

    def after(self, seconds: float) -> list[str]:
        self.clock.now += seconds
        return [path.name for path in self.arrivals.ready()]


@pytest.fixture
def looking(tmp_path: Path) -> Looking:
    return Looking(tmp_path)


def test_a_file_is_taken_once_when_it_is_at_rest_and_whole(looking: Looking) -> None:
    path = looking.write("a.mp4")
    assert looking.after(2) == []
    assert looking.after(1) == ["a.mp4"]
    looking.arrivals.note([path], looking.folder)
    assert looking.after(10) == []
    path.write_text("written anew, end")
    looking.arrivals.note([path], looking.folder)
    assert looking.after(2) == []
    assert looking.after(1) == ["a.mp4"]


def test_whether_a_file_was_taken_before_is_asked_once_until_it_changes(looking: Looking) -> None:
    path = looking.write("a.mp4", "half")
    for _ in range(3):
        looking.after(0.5)
    assert looking.asked == [path]
    looking.known.add(path)
    path.write_text("more of it")
    assert looking.after(0.5) == []
    assert looking.after(0.5) == ["a.mp4"]
    assert looking.asked == [path, path]


def test_a_file_that_still_grows_is_left_alone(looking: Looking) -> None:
    path = looking.write("a.mp4", "a")
    for number in range(5):
        path.write_text("a" * number + "end")
        assert looking.after(2.9) == []
    assert looking.after(0) == []
    assert looking.after(3) == ["a.mp4"]


def test_a_file_written_anew_at_the_same_size_is_left_alone(looking: Looking) -> None:
    path = looking.write("a.mp4")
    looking.after(2)
    os.utime(path, ns=(1, 1))
    assert looking.after(2) == []
    assert looking.after(3) == ["a.mp4"]


def test_half_a_file_is_waited_for_and_taken_at_last(looking: Looking) -> None:
    looking.write("a.mp4", "half")
    assert looking.after(30) == []
    assert looking.after(29) == []
    assert looking.after(1) == ["a.mp4"], "then a job says what is wrong with it"


def test_files_that_vanish_or_are_no_clips_are_left_out(looking: Looking) -> None:
    looking.write("a.mp4").unlink()
    looking.write("notes.txt")
    looking.write(".hidden.mp4")
    looking.write(".cache/b.mp4")
    (looking.folder / "link.mp4").symlink_to(looking.folder / "notes.txt")
    looking.arrivals.note([looking.folder / "link.mp4"], looking.folder)
    assert looking.after(10) == []
    assert looking.arrivals.waiting == 0


def test_a_file_that_was_taken_by_an_earlier_run_is_taken_at_once(looking: Looking) -> None:
    looking.known.add(looking.folder / "a.mp4")
    looking.write("a.mp4", "half")
    assert looking.after(0) == ["a.mp4"]
    looking.arrivals.take_back([looking.folder / "a.mp4"])
    assert looking.after(0) == ["a.mp4"]
    (looking.folder / "a.mp4").unlink()
    assert [path.name for path in looking.arrivals.forget_gone()] == ["a.mp4"]


def test_clips_are_whole_or_not_by_their_own_counts(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "whole.mp4", 30)
    assert looks_whole(clip)
    assert looks_whole(write_clip(tmp_path / "whole.mkv", 30))
    assert not looks_whole(truncate(clip, tmp_path / "half.mp4", 0.5))
    (tmp_path / "empty.mp4").touch()
    assert not looks_whole(tmp_path / "empty.mp4")
    (tmp_path / "text.mp4").write_text("no video at all, but complete")
    assert looks_whole(tmp_path / "text.mp4")
    assert looks_whole(tmp_path / "none.mp4")


class Watching:
    """A watch of a folder, and what it told."""

    def __init__(self, *folders: Path) -> None:
        self.found: list[str] = []
        self.told: list[tuple[str, bool]] = []
        self.error: Exception | None = None
        rules = ArrivalRules(rest=0.05, patience=60)
        self.watch = FolderWatch(
            folders,
            lambda: ClipArrivals(looks_whole, lambda path, stamp: False, rules),
            changes_below,
            self._ready,
            lambda folder, there: self.told.append((folder.name, there)),
            retry=0.05,
        )

    def _ready(self, folder: Path, clips: list[Path]) -> None:
        if self.error is not None:
            error, self.error = self.error, None
            raise error
        self.found += [clip.relative_to(folder).as_posix() for clip in clips]


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[Watching]:
    watching = Watching(tmp_path / "in")
    yield watching
    watching.watch.stop()


def test_what_was_there_and_what_comes_is_found_once(watching: Watching, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    clip = write_clip(folder / "before.mp4", 10)
    watching.watch.start()
    wait_for(lambda: watching.found == ["before.mp4"], 20)
    (folder / "hall").mkdir()
    shutil.copy(clip, folder / "hall" / "new.mp4")
    shutil.copy(clip, folder / "part.tmp")
    (folder / "part.tmp").rename(folder / "moved.mp4")
    wait_for(lambda: sorted(watching.found) == ["before.mp4", "hall/new.mp4", "moved.mp4"], 20)


def test_a_folder_that_vanishes_is_watched_again_once_it_is_back(watching: Watching, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    watching.watch.start()
    wait_for(lambda: watching.told == [("in", False)], 20)
    folder.mkdir()
    clip = write_clip(folder / "a.mp4", 10)
    wait_for(lambda: watching.found == ["a.mp4"], 20)
    clip.rename(tmp_path / "a.mp4")
    folder.rmdir()
    wait_for(lambda: watching.told == [("in", False), ("in", True), ("in", False)], 20)
    folder.mkdir()
    shutil.copy(tmp_path / "a.mp4", folder / "b.mp4")
    wait_for(lambda: watching.found == ["a.mp4", "b.mp4"], 20)


def test_a_full_disk_is_waited_for_and_a_damaged_queue_ends_the_watch(watching: Watching, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    write_clip(folder / "a.mp4", 10)
    watching.error = StorageFull("The disk is full.")
    watching.watch.start()
    wait_for(lambda: watching.found == ["a.mp4"], 20)
    watching.error = JobQueueCorrupt("The queue is damaged.")
    shutil.copy(folder / "a.mp4", folder / "b.mp4")
    wait_for(lambda: isinstance(watching.watch.failure, JobQueueCorrupt), 20)
