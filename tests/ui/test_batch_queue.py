"""The queue of several clips, the work on it, and what a restarted server knows of it."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from biometric.entities.progress import finish
from biometric.errors import InvalidCamera, InvalidInput
from biometric.ui.batch_queue import MOST_CLIPS, BatchQueue, ClipState, QueuedClip
from biometric.ui.batch_records import BatchRecords
from biometric.ui.batch_runner import BatchRunner
from biometric.ui.batch_view import queue_html
from biometric.ui.page import Page
from biometric.ui.session import Session
from biometric.ui.turns import Place
from tests.ui.scenery import make_service, write_people
from tests.waiting import wait_for


def clips(*names: str) -> list[QueuedClip]:
    return [QueuedClip(name, Path(name), uploaded=True) for name in names]


def states(queue: BatchQueue) -> list[str]:
    return [str(clip.state) for clip in queue.clips]


def test_one_clip_runs_at_a_time_in_order_and_can_be_cancelled() -> None:
    queue = BatchQueue()
    queue.add(clips("a", "b", "c"))
    first = queue.take_next()
    assert first is not None
    assert queue.take_next() is None
    assert not queue.cancel(queue.clips[1].key)
    queue.finish(first, first.attempt, ClipState.DONE)
    assert states(queue) == ["done", "cancelled", "waiting"]
    third = queue.take_next()
    assert third is queue.clips[2]
    assert queue.cancel()
    assert third is not None
    queue.finish(third, third.attempt, ClipState.DONE)
    assert states(queue) == ["done", "cancelled", "cancelled"]
    assert not queue.is_active


def test_an_end_of_an_attempt_that_was_cancelled_says_nothing_of_the_next() -> None:
    queue = BatchQueue()
    queue.add(clips("a"))
    clip = queue.take_next()
    assert clip is not None
    attempt = clip.attempt
    queue.cancel()
    queue.retry(clip.key)
    assert queue.take_next() is clip
    queue.finish(clip, attempt, ClipState.FAILED, "late")
    assert states(queue) == ["running"]


def test_times_left_follow_what_former_clips_took() -> None:
    queue = BatchQueue()
    queue.add(clips("a", "b", "c", "d"))
    for seconds in (10.0, 20.0):
        clip = queue.take_next()
        assert clip is not None
        assert queue.seconds_until(None, 3.0) is None or clip.label == "b"
        clip.seconds = seconds
        queue.finish(clip, clip.attempt, ClipState.DONE)
    queue.take_next()
    assert queue.seconds_until(queue.clips[3], 4.0) == 4.0
    assert queue.seconds_until(None, 4.0) == 19.0
    assert queue.seconds_until(None, None) is None


def test_the_list_has_an_end_and_is_cleared() -> None:
    queue = BatchQueue()
    queue.add(clips(*map(str, range(MOST_CLIPS))))
    with pytest.raises(InvalidInput, match="at most 500 clips"):
        queue.add(clips("more"))
    queue.cancel(queue.clips[0].key)
    assert [clip.label for clip in queue.clear()] == ["0"]
    queue.close()
    assert queue.take_next() is None


def test_what_a_former_server_did_not_finish_is_told_until_it_is_put_away(tmp_path: Path) -> None:
    queue, records = BatchQueue(), BatchRecords(tmp_path / "queues")
    queue.add(clips("a", "b", "c"))
    clip = queue.take_next()
    assert clip is not None
    queue.finish(clip, clip.attempt, ClipState.DONE)
    records.note(1, "2026-12-04T09:12:00+00:00", queue.clips)
    other = BatchRecords(tmp_path / "queues")
    assert other.cut_off() == [], "its process runs"
    records.close()
    (left,) = other.cut_off()
    assert (left.missing, left.total) == (("b", "c"), 3)
    html = queue_html(Session(tmp_path), {}, [left])
    assert "2 of 3 clips of a list of 4 December 2026" in html
    (tmp_path / "queues" / "0123456789abcdef-1.json").write_text("no note")
    other.forget("../secret")
    other.forget(left.key)
    assert other.cut_off() == []


def test_a_queue_that_is_through_leaves_no_note(tmp_path: Path) -> None:
    queue, records = BatchQueue(), BatchRecords(tmp_path / "queues")
    queue.add(clips("a"))
    records.note(1, "2026-12-04T09:12:00+00:00", queue.clips)
    queue.cancel()
    records.note(1, "2026-12-04T09:12:00+00:00", queue.clips)
    records.close()
    assert BatchRecords(tmp_path / "queues").cut_off() == []


class Desk:
    """A page's parts without a server, on drawn people."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "uploads").mkdir(parents=True)
        self.cameras = root / "cameras"
        self.cameras.mkdir()
        self.service = make_service(root, footage=(self.cameras,))
        self.page = Page(self.service, root / "uploads")
        self.runner = BatchRunner(self.page)
        self.session = self.page.sessions.of("a page")

    def upload(self, clip: Path) -> Path:
        place = self.root / "uploads" / clip.stem
        place.mkdir()
        return clip.rename(place / clip.name)

    def through(self) -> None:
        wait_for(lambda: not self.session.batch.is_active, seconds=20)

    def html(self) -> str:
        return queue_html(self.session, self.service.library.names(), [])


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path / "desk")
    yield desk
    desk.page.sessions.close()
    desk.runner.records.close()
    desk.service.close()


def test_a_list_behind_other_jobs_says_so_of_each_clip(tmp_path: Path) -> None:
    session = Session(tmp_path)
    session.batch.add(clips("a", "b", "c"))
    session.batch.take_next()

    def told(place: Place | None) -> str:
        job = SimpleNamespace(progress=None, place=place)
        session.jobs = SimpleNamespace(get=lambda name: job)  # type: ignore[assignment]
        return " ".join(re.sub(r"<[^>]+>", " ", queue_html(session, {}, [])).split())

    behind = told(Place(3))
    assert [re.findall(rf"{name} .*?(\dth|\drd|next) in line", behind)[0] for name in "abc"] == ["3rd", "4th", "5th"]
    assert "running" not in behind
    begun = told(None)
    assert "running" in begun
    assert re.findall(r"b .*?in line", begun)[0].endswith("next in line")


def test_a_clip_that_fails_is_a_row_and_not_the_end(desk: Desk, tmp_path: Path) -> None:
    red = finish(desk.service.observe(write_people(tmp_path / "red.mp4", [0])))
    ada = desk.service.enroll(red, "Ada").identity
    good = [write_people(tmp_path / f"{name}.mp4", hues) for name, hues in (("one", [0]), ("three", [0, 60, 120]))]
    bad = tmp_path / "bad.mp4"
    bad.write_text("no video\n" * 50)
    desk.runner.add_uploads(desk.session, [desk.upload(clip) for clip in (good[0], bad, good[1])])
    desk.through()
    assert states(desk.session.batch) == ["done", "failed", "done"]
    assert "is not a video" in desk.session.batch.clips[1].problem
    assert [clip.kept is not None for clip in desk.session.batch.clips] == [True, False, True]
    found = [[person.identity_id for person in clip.people if person.found] for clip in desk.session.batch.clips]
    assert found == [[ada.id], [], [ada.id]]
    html = desk.html()
    assert "2 of 3 clips are done, 1 failed" in html
    assert "Ada, 2 unknown" in html
    assert "2 clips" in html
    answers, total = desk.service.library.history()
    assert total == 2
    assert {answer.clip_label for answer in answers} == {"one.mp4", "three.mp4"}


def test_a_folder_inside_the_roots_is_worked_through_and_its_files_stay(desk: Desk, tmp_path: Path) -> None:
    write_people(desk.cameras / "a.mp4", [0])
    write_people(desk.cameras / "b.mp4", [60])
    (desk.cameras / "notes.txt").write_text("x")
    desk.service.enroll(finish(desk.service.observe(write_people(tmp_path / "red.mp4", [0]))), "Ada")
    assert desk.runner.add_folder(desk.session, "") == 1
    (desk.cameras / "b.mp4").unlink()
    (desk.cameras / "b.mp4").symlink_to(tmp_path / "red.mp4")
    desk.through()
    assert states(desk.session.batch) == ["done", "failed"]
    desk.runner.clear(desk.session)
    assert desk.session.batch.clips == []
    assert (desk.cameras / "a.mp4").is_file()


def test_clips_have_the_camera_of_all_or_of_their_folder(desk: Desk, tmp_path: Path) -> None:
    def cameras() -> dict[str, str]:
        desk.through()
        kept, _total = desk.service.library.clips()
        desk.runner.clear(desk.session)
        return {clip.label: clip.camera for clip in kept}

    desk.service.enroll(finish(desk.service.observe(write_people(tmp_path / "red.mp4", [0]))), "Ada")
    desk.runner.add_uploads(desk.session, [desk.upload(write_people(tmp_path / "up.mp4", [30]))], "Gate")
    assert '<span class="sl-quiet" dir="auto">Gate</span>' in desk.html()
    assert cameras() == {"up.mp4": "Gate"}
    (desk.cameras / "hall" / "monday").mkdir(parents=True)
    for place, hue in (("top", 60), ("hall/direct", 90), ("hall/monday/deep", 120)):
        write_people(desk.cameras / f"{place}.mp4", [hue])
    desk.runner.add_folder(desk.session, "", "Yard", folders_are_cameras=True)
    by_folder = {"top.mp4": "Yard", "hall/direct.mp4": "hall", "hall/monday/deep.mp4": "hall"}
    assert cameras() == {"up.mp4": "Gate"} | by_folder
    desk.runner.add_folder(desk.session, "hall", folders_are_cameras=True)
    assert [clip.camera for clip in desk.session.batch.clips] == ["hall", "monday"]
    desk.through()
    (desk.cameras / ("x" * 101)).mkdir()
    write_people(desk.cameras / ("x" * 101) / "e.mp4", [0])
    with pytest.raises(InvalidCamera):
        desk.runner.add_folder(desk.session, "", folders_are_cameras=True)
    assert len(desk.session.batch.clips) == 2, "nothing was added"


def test_every_frame_is_looked_at_where_that_was_ticked(desk: Desk, tmp_path: Path, monkeypatch: Any) -> None:
    asked: list[tuple[str | None, bool]] = []
    observe = desk.service.observe

    def noted(path: Path, *args: Any, **options: Any) -> Any:
        asked.append((options["label"], options["thorough"]))
        return observe(path, *args, **options)

    monkeypatch.setattr(desk.service, "observe", noted)
    for name, thorough in (("a", True), ("b", False)):
        clip = desk.upload(write_people(tmp_path / f"{name}.mp4", [0]))
        desk.runner.add_uploads(desk.session, [clip], thorough=thorough)
        desk.through()
    write_people(desk.cameras / "c.mp4", [0])
    desk.runner.add_folder(desk.session, "", thorough=True)
    desk.through()
    assert asked == [("a.mp4", True), ("b.mp4", False), ("c.mp4", True)]


def test_cancelling_stops_the_work_and_another_attempt_answers(desk: Desk, tmp_path: Path) -> None:
    desk.service.enroll(finish(desk.service.observe(write_people(tmp_path / "red.mp4", [0]))), "Ada")
    desk.service.models.coats.delay = 0.1  # type: ignore[attr-defined]
    desk.runner.add_uploads(
        desk.session,
        [desk.upload(write_people(tmp_path / f"{name}.mp4", [hue], 60)) for name, hue in (("a", 0), ("b", 60))],
    )
    wait_for(lambda: desk.session.batch.current is not None, seconds=20)
    time.sleep(0.3)
    desk.runner.cancel(desk.session)
    desk.through()
    assert states(desk.session.batch) == ["cancelled", "cancelled"]
    desk.service.models.coats.delay = 0.0  # type: ignore[attr-defined]
    for clip in desk.session.batch.clips:
        desk.runner.retry(desk.session, clip.key)
    desk.through()
    assert states(desk.session.batch) == ["done", "done"]
