"""The queue: each job is claimed once, ends once, and outlives whoever worked on it."""

import functools
import multiprocessing
import operator
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from biometric.entities.clip_jobs import (
    AnalysisRequest,
    ClipJob,
    JobFailure,
    JobResult,
    JobSearch,
    JobState,
    NewClipJob,
)
from biometric.errors import (
    InvalidCamera,
    InvalidFrameRange,
    JobLost,
    JobQueueBusy,
    JobQueueCorrupt,
    JobStateRefused,
    StorageFull,
    UnknownJob,
)
from biometric.job_queue.queue_database import DATABASE_NAME, MIGRATIONS
from biometric.job_queue.sqlite_queue import SQLiteJobQueue
from tests.conftest import PROJECT

NEEDS = "fake-8, fake-detector, 8 samples"
RESULT = JobResult(3, 1, 100, 10.0, 2.5, "ab" * 16, "cd" * 16)
BAD = JobFailure("NotAVideo", "This is not a video.", lasting=True)
FLEETING = JobFailure("StorageFull", "The disk is full.")


def new(number: int = 0, **changes: object) -> NewClipJob:
    job = NewClipJob("", f"/clips/{number}.mp4", f"{number:064x}", AnalysisRequest(), NEEDS, "ada")
    return replace(job, **changes)  # type: ignore[arg-type]


class Clock:
    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def queue(tmp_path: Path) -> SQLiteJobQueue:
    return SQLiteJobQueue(tmp_path / "library")


def added(queue: SQLiteJobQueue, *jobs: NewClipJob) -> list[ClipJob]:
    return [job for job, _ in queue.defer(jobs)]


def test_an_empty_queue_answers_and_creates_nothing(queue: SQLiteJobQueue, tmp_path: Path) -> None:
    assert queue.jobs(JobSearch()) == ([], 0)
    assert queue.counts()[JobState.WAITING] == 0
    assert queue.changes(0) == []
    assert queue.workers() == []
    assert queue.take_over(1, 1) == []
    assert queue.defer([]) == []
    with pytest.raises(UnknownJob, match="no job 7"):
        queue.job(7)
    assert list(tmp_path.iterdir()) == []


def test_a_job_goes_its_way(queue: SQLiteJobQueue) -> None:
    request = AnalysisRequest(5, 90, True, True, "Back  door")
    [first] = added(queue, new(1, request=request))
    assert (first.state, first.attempts, first.new.request.camera) == (JobState.WAITING, 0, "Back door")
    worker = queue.register(NEEDS, "here, 1")
    claimed = queue.fetch(worker)
    assert claimed is not None
    assert (claimed.id, claimed.state, claimed.attempts, claimed.worker) == (first.id, JobState.RUNNING, 1, worker)
    assert claimed.new == new(1, request=request)
    assert queue.fetch(worker) is None, "it is claimed once"
    queue.finish(claimed, RESULT)
    done = queue.job(first.id)
    assert (done.state, done.result, done.failure, done.worker) == (JobState.DONE, RESULT, None, "")
    assert done.started_at is not None
    assert done.ended_at is not None
    assert done.started_at <= done.ended_at
    with pytest.raises(JobLost):
        queue.finish(claimed, RESULT)


def test_the_next_job_is_claimed_together_with_the_end_of_the_one_before(queue: SQLiteJobQueue) -> None:
    first, second = added(queue, new(1), new(2))
    worker = queue.register(NEEDS, "here")
    claimed = queue.fetch(worker)
    assert claimed is not None
    following = queue.finish(claimed, RESULT, then_fetch=True)
    assert following is not None
    assert (following.id, following.state, following.worker) == (second.id, JobState.RUNNING, worker)
    assert queue.job(first.id).state is JobState.DONE
    assert queue.finish(following, RESULT, then_fetch=True) is None


def test_the_same_clip_analysed_in_the_same_way_is_one_job_wherever_it_lies(queue: SQLiteJobQueue) -> None:
    [(first, is_new)] = queue.defer([new(1)])
    assert is_new
    [(moved, is_new), (other, other_new)] = queue.defer(
        [new(1, path="/moved/a.mp4"), new(1, request=AnalysisRequest(1))]
    )
    assert (moved.id, is_new, moved.new.path) == (first.id, False, "/moved/a.mp4")
    assert other_new
    assert other.id != first.id
    assert new(1).key != new(1, needs="another model").key != new(2, needs="another model").key


def test_what_failed_for_good_is_not_tried_again_by_itself(queue: SQLiteJobQueue) -> None:
    lasting, fleeting, cancelled = added(queue, new(1), new(2), new(3))
    worker = queue.register(NEEDS, "here")
    for failure in (BAD, FLEETING):
        job = queue.fetch(worker)
        assert job is not None
        queue.fail(job, failure)
    queue.cancel([cancelled.id])
    assert [is_new for _, is_new in queue.defer([new(1), new(2), new(3)])] == [False, True, True]
    assert queue.job(lasting.id).failure == BAD
    assert (queue.job(fleeting.id).run, queue.job(fleeting.id).attempts) == (2, 0)
    [(anew, is_new)] = queue.defer([new(1)], again=True)
    assert is_new
    assert anew.state is JobState.WAITING
    assert anew.answer_id != lasting.answer_id


def test_retry_cancel_and_remove_refuse_what_does_not_fit(queue: SQLiteJobQueue) -> None:
    first, second = added(queue, new(1), new(2))
    worker = queue.register(NEEDS, "here")
    running = queue.fetch(worker)
    assert running is not None
    assert running.id == first.id
    with pytest.raises(JobStateRefused, match="being worked on"):
        queue.remove([second.id, first.id])
    assert queue.job(second.id), "all or none"
    with pytest.raises(JobStateRefused, match="has not failed"):
        queue.retry([first.id])
    assert queue.cancel([first.id])[0].cancelling
    assert queue.beat([worker]) == {first.id}
    queue.mark_cancelled(running)
    assert queue.beat([worker]) == set()
    assert [job.state for job in queue.retry([first.id])] == [JobState.WAITING]
    queue.remove([first.id, second.id])
    for call in (queue.retry, queue.cancel, queue.remove):
        with pytest.raises(UnknownJob):
            call([first.id])


def test_a_job_waits_before_it_is_tried_again_and_a_clock_put_back_does_not_hold_it(tmp_path: Path) -> None:
    clock = Clock()
    queue = SQLiteJobQueue(tmp_path, clock=clock)
    added(queue, new(1))
    worker = queue.register(NEEDS, "here")
    job = queue.fetch(worker)
    assert job is not None
    queue.retry_later(job, FLEETING, 30)
    assert queue.job(job.id).failure == FLEETING
    assert queue.fetch(worker) is None
    clock.now += 31
    again = queue.fetch(worker)
    assert again is not None
    assert again.attempts == 2
    queue.retry_later(again, FLEETING, 30)
    clock.now -= 10**6
    assert queue.fetch(worker) is not None
    queue.unregister(worker)
    assert (queue.job(job.id).state, queue.job(job.id).attempts) == (JobState.WAITING, 2)


def test_a_worker_takes_only_jobs_for_its_own_models(queue: SQLiteJobQueue) -> None:
    added(queue, new(1))
    other = queue.register("another model", "there")
    assert queue.fetch(other) is None
    assert queue.counts().waiting_by_needs == {NEEDS: 1}


def test_a_silent_worker_loses_its_job_by_its_beats_and_never_by_a_clock_that_differs(tmp_path: Path) -> None:
    steady = Clock(0.0)
    slow = SQLiteJobQueue(tmp_path, clock=Clock(0.0))
    ahead = SQLiteJobQueue(tmp_path, clock=Clock(10.0**9), steady_clock=steady)
    added(slow, new(1))
    worker = slow.register(NEEDS, "here")
    job = slow.fetch(worker)
    assert job is not None
    for _ in range(5):
        assert ahead.take_over(20, 3) == [], "the worker is alive, although its clock is years behind"
        steady.now += 15
        slow.beat([worker])
    assert ahead.take_over(20, 3) == []
    steady.now += 21
    [taken] = ahead.take_over(20, 3)
    assert (taken.id, taken.state, taken.attempts) == (job.id, JobState.WAITING, 0)
    with pytest.raises(JobLost):
        slow.finish(job, RESULT)
    with pytest.raises(JobLost):
        slow.fetch(worker)
    slow.unregister(worker)


def test_a_job_that_ends_its_workers_again_and_again_fails_at_last(tmp_path: Path) -> None:
    steady = Clock(0.0)
    queue = SQLiteJobQueue(tmp_path, steady_clock=steady)
    [job] = added(queue, new(1))
    for number in range(3):
        worker = queue.register(NEEDS, "here")
        assert queue.fetch(worker) is not None
        queue.take_over(5, 2)
        steady.now += 10
        [taken] = queue.take_over(5, 2)
        assert taken.state is (JobState.FAILED if number == 2 else JobState.WAITING)
    failed = queue.job(job.id)
    assert failed.failure is not None
    assert "3 times" in failed.failure.words


WORK = """
import sys
from pathlib import Path
from biometric.job_queue.sqlite_queue import SQLiteJobQueue
queue = SQLiteJobQueue(Path(sys.argv[1]))
worker = queue.register(sys.argv[2], "other process")
print(queue.fetch(worker).id, flush=True)
sys.stdin.read()
"""


def test_the_job_of_a_killed_process_is_taken_over_at_once(queue: SQLiteJobQueue, tmp_path: Path) -> None:
    [job] = added(queue, new(1))
    command = [sys.executable, "-c", WORK, str(tmp_path / "library"), NEEDS]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=PROJECT) as process:
        assert process.stdout is not None
        assert int(process.stdout.readline()) == job.id
        assert queue.take_over(3600, 3) == [], "it is alive"
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert [taken.id for taken in queue.take_over(3600, 3)] == [job.id]
    assert queue.workers() == []
    assert list((tmp_path / "library").glob("worker-*")) == []


def claim_all(folder: Path, results: "multiprocessing.Queue[list[int]]") -> None:
    queue = SQLiteJobQueue(folder)
    worker, claimed = queue.register(NEEDS, "here"), []
    while (job := queue.fetch(worker)) is not None:
        claimed.append(job.id)
        queue.finish(job, RESULT)
    results.put(claimed)


def test_many_workers_claim_each_job_once(queue: SQLiteJobQueue, tmp_path: Path) -> None:
    jobs = added(queue, *[new(number) for number in range(60)])
    context = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue[list[int]] = context.Queue()
    processes = [context.Process(target=claim_all, args=(tmp_path / "library", results)) for _ in range(3)]
    for process in processes:
        process.start()
    claimed = sorted(functools.reduce(operator.iadd, (results.get(timeout=60) for _ in processes), []))
    for process in processes:
        process.join()
    assert claimed == [job.id for job in jobs]


def test_changes_are_told_in_their_order(queue: SQLiteJobQueue) -> None:
    first, second = added(queue, new(1), new(2))
    queue.cancel([first.id])
    changes = queue.changes(second.changed)
    assert [(job.id, job.state) for job in changes] == [(first.id, JobState.CANCELLED)]
    assert queue.changes(changes[-1].changed) == []


def test_a_search_finds_by_state_and_text(queue: SQLiteJobQueue) -> None:
    first, second, _ = added(queue, new(1), new(2, path="/Hall/2.mp4"), new(3))
    queue.cancel([first.id])
    found, total = queue.jobs(JobSearch((JobState.WAITING,), "hall"))
    assert ([job.id for job in found], total) == ([second.id], 1)
    found, total = queue.jobs(JobSearch(limit=1, offset=1))
    assert ([job.id for job in found], total) == ([second.id], 3)
    assert queue.jobs(JobSearch((JobState.FAILED,)))[1] == 0


def test_files_are_known_by_size_and_time_of_change(queue: SQLiteJobQueue) -> None:
    assert queue.known_digest("/a", 3, 5) is None
    queue.note_digest("/a", 3, 5, "d")
    assert queue.known_digest("/a", 3, 5) == "d"
    assert queue.known_digest("/a", 3, 6) is None
    assert queue.known_digest("/a", 4, 5) is None
    queue.forget_files(["/a"])
    assert queue.known_digest("/a", 3, 5) is None


def test_a_damaged_newer_or_foreign_file_is_refused_with_what_to_do(tmp_path: Path) -> None:
    queue = SQLiteJobQueue(tmp_path)
    added(queue, new(1))
    path = tmp_path / DATABASE_NAME
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + b"\xff" * (len(whole) - 100))
    with pytest.raises(JobQueueCorrupt, match="damaged"):
        queue.jobs(JobSearch())
    path.write_bytes(whole)
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    db.close()
    for call in (lambda: queue.jobs(JobSearch()), lambda: queue.defer([new(2)])):
        with pytest.raises(JobQueueCorrupt, match="newer version"):
            call()
    path.unlink()
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE t (a)")
    db.close()
    with pytest.raises(JobQueueCorrupt, match="not a queue"):
        queue.defer([new(2)])
    path.write_bytes(whole)
    assert queue.jobs(JobSearch())[1] == 1


def test_a_full_disk_changes_nothing_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    queue = SQLiteJobQueue(tmp_path)
    added(queue, new(1))
    connect = queue._database._connect

    def small() -> sqlite3.Connection:
        db = connect()
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute(f"PRAGMA max_page_count = {pages}")
        return db

    with monkeypatch.context() as patched:
        patched.setattr(queue._database, "_connect", small)
        with pytest.raises(StorageFull, match="nothing was changed"):
            queue.defer([new(number) for number in range(2, 400)])
    assert queue.jobs(JobSearch())[1] == 1


def test_a_queue_that_is_held_for_too_long_is_busy(tmp_path: Path) -> None:
    queue = SQLiteJobQueue(tmp_path, busy_seconds=0.05)
    added(queue, new(1))
    holding, done = threading.Event(), threading.Event()

    def hold() -> None:
        with SQLiteJobQueue(tmp_path)._database.writing():
            holding.set()
            done.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    holding.wait(10)
    with pytest.raises(JobQueueBusy):
        queue.defer([new(2)])
    done.set()
    thread.join()


def test_requests_are_checked() -> None:
    with pytest.raises(InvalidFrameRange):
        AnalysisRequest(5, 4)
    with pytest.raises(InvalidFrameRange):
        AnalysisRequest(-1)
    with pytest.raises(InvalidCamera):
        AnalysisRequest(camera="a\x00b")
