"""Workers: what they analyse is kept once; what fails, crashes or hangs ends nothing else."""

import os
import signal
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from biometric.analysis.clip_deferring import ClipDeferring, needs_of
from biometric.analysis.job_runs import RunTimes
from biometric.analysis.retrying import RetryRules
from biometric.analysis.worker_pool import PoolTimes, WorkerPool
from biometric.entities import AnswerKind
from biometric.entities.clip_jobs import AnalysisRequest, ClipJob, JobState
from biometric.errors import ClipNotFound, DamagedClip, EmptyClip, WorkersFailed
from tests.analysis.fake_analysts import (
    be_analyst_without_weights,
    be_broken_analyst,
    be_fake_analyst,
    clip,
    fake_service,
    queue_of,
)
from tests.analysis.killing import WorkerProgram
from tests.waiting import wait_for

QUICK = PoolTimes(beat=0.05, sweep=0.1, silent=30, idle=0.02, runs=RunTimes(look=0.02, leave=5, silent=30, settle=0.05))


class Fleet:
    """A folder with clips, gallery and queue, and workers on fake models."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clips = folder / "clips"
        self.queue = queue_of(folder)
        self.service = fake_service(folder)
        self.needs = needs_of(self.service)
        self.pools: list[WorkerPool] = []

    def pool(self, count: int = 1, start: Callable[..., None] | None = None, **options: object) -> WorkerPool:
        rules = RetryRules(attempts=2, first_delay=0.05)
        run = partial(be_fake_analyst, self.folder) if start is None else start
        pool = WorkerPool(
            self.queue,
            run,
            self.needs,
            "here",
            count,
            **{"rules": rules, "times": QUICK, **options},  # type: ignore[arg-type]
        )
        self.pools.append(pool)
        pool.start()
        return pool

    def defer(self, *clips: Path, **request: object) -> list[ClipJob]:
        wanted = AnalysisRequest(**request)  # type: ignore[arg-type]
        deferred = list(ClipDeferring(self.queue, self.needs, ()).defer(dict.fromkeys(clips), wanted))
        assert [item.error for item in deferred] == [None] * len(clips)
        return [item.job for item in deferred if item.job is not None]

    def ended(self, *jobs: ClipJob) -> list[ClipJob]:
        wait_for(lambda: all(self.queue.job(job.id).state.is_final for job in jobs), 60)
        return [self.queue.job(job.id) for job in jobs]

    def answers(self) -> int:
        return self.service.library.history(AnswerKind.IDENTIFICATION, limit=1000)[1]


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    fleet = Fleet(tmp_path)
    yield fleet
    for pool in fleet.pools:
        pool.stop()
    fleet.service.close()


def test_clips_are_analysed_once_and_kept(fleet: Fleet) -> None:
    jobs = fleet.defer(*[clip(fleet.clips, f"{number}.mp4") for number in range(6)], camera="Hall")
    fleet.pool(2)
    ended = fleet.ended(*jobs)
    assert [job.state for job in ended] == [JobState.DONE] * 6
    for job in ended:
        assert job.result is not None
        assert (job.result.people, job.result.frames) == (1, 20)
        kept = fleet.service.library.answer(job.result.clip_id, job.result.answer_id)
        assert kept.id == job.answer_id
    clips, total = fleet.service.library.clips()
    assert total == fleet.answers() == 6
    assert {kept.camera for kept in clips} == {"Hall"}
    assert fleet.defer(fleet.clips / "0.mp4", camera="Hall")[0].state is JobState.DONE, "it is known"


def test_a_clip_that_crashes_its_process_is_marked_and_the_others_go_on(fleet: Fleet) -> None:
    jobs = fleet.defer(
        clip(fleet.clips, "a.mp4"),
        clip(fleet.clips, "b.mp4", "crash"),
        clip(fleet.clips, "c.mp4", "crash-once"),
        clip(fleet.clips, "d.mp4", "text"),
        clip(fleet.clips, "e.mp4"),
    )
    fleet.pool()
    good, crashed, once, text, last = fleet.ended(*jobs)
    assert [job.state for job in (good, once, last)] == [JobState.DONE] * 3
    assert (crashed.state, crashed.attempts) == (JobState.FAILED, 2)
    assert crashed.failure is not None
    assert crashed.failure.lasting
    assert crashed.failure.words == "The process that analysed this clip ended by SIGSEGV."
    assert (text.state, text.attempts) == (JobState.FAILED, 1), "what can get no better is not tried again"
    assert text.failure is not None
    assert text.failure.words == "d.mp4 is not a video."
    assert (once.attempts, good.attempts) == (2, 1)
    assert fleet.answers() == 3


def test_a_full_disk_is_waited_for(fleet: Fleet) -> None:
    full = clip(fleet.clips, "a.mp4", "full")
    [job] = fleet.defer(full)
    fleet.pool(rules=RetryRules(attempts=50, first_delay=0.05))
    wait_for(lambda: fleet.queue.job(job.id).failure is not None, 60)
    assert fleet.queue.job(job.id).failure.kind == "StorageFull"  # type: ignore[union-attr]
    full.with_suffix(".free").touch()
    assert fleet.ended(job)[0].state is JobState.DONE


def test_a_clip_that_vanishes_or_changes_is_a_row_with_its_reason(fleet: Fleet) -> None:
    gone, changed = clip(fleet.clips, "a.mp4"), clip(fleet.clips, "b.mp4")
    jobs = fleet.defer(gone, changed)
    gone.unlink()
    changed.write_text("another clip")
    fleet.pool()
    first, second = fleet.ended(*jobs)
    assert first.failure is not None
    assert (first.failure.kind, first.attempts) == ("ClipNotFound", 2)
    assert second.failure is not None
    assert (second.failure.kind, second.attempts) == ("FootageChanged", 1)
    assert fleet.answers() == 0


def test_a_damaged_clip_is_analysed_only_where_that_is_accepted(fleet: Fleet) -> None:
    path = clip(fleet.clips, "a.mp4", "damaged")
    refused, accepted = fleet.defer(path)[0], fleet.defer(path, accept_damaged=True)[0]
    fleet.pool()
    first, second = fleet.ended(refused, accepted)
    assert first.failure is not None
    assert (first.failure.kind, first.attempts) == ("DamagedClip", 1)
    assert first.failure.words.endswith("Say --accept-damaged to analyse it as far as it can be read.")
    assert second.state is JobState.DONE


def test_a_running_job_is_cancelled_at_its_next_step_and_nothing_is_kept(fleet: Fleet) -> None:
    slow, other = fleet.defer(clip(fleet.clips, "a.mp4", "slow a"), clip(fleet.clips, "b.mp4"))
    pool = fleet.pool()
    wait_for(lambda: fleet.queue.job(slow.id).state is JobState.RUNNING, 60)
    wait_for(lambda: pool.analyst_pids, 60)
    fleet.queue.cancel([slow.id])
    assert [job.state for job in fleet.ended(slow, other)] == [JobState.CANCELLED, JobState.DONE]
    assert fleet.answers() == 1


def test_a_pool_that_stops_gives_its_clip_back(fleet: Fleet) -> None:
    [job] = fleet.defer(clip(fleet.clips, "a.mp4", "slow a"))
    pool = fleet.pool()
    wait_for(lambda: fleet.queue.job(job.id).state is JobState.RUNNING and pool.analyst_pids, 60)
    pids = pool.analyst_pids
    pool.stop()
    back = fleet.queue.job(job.id)
    assert (back.state, back.attempts, fleet.queue.workers()) == (JobState.WAITING, 0, [])
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    fleet.pool()
    assert fleet.ended(job)[0].state is JobState.DONE


def test_a_clip_that_hangs_is_ended(fleet: Fleet) -> None:
    [job] = fleet.defer(clip(fleet.clips, "a.mp4", "slow a"))
    times = PoolTimes(beat=0.05, idle=0.02, runs=RunTimes(look=0.02, silent=0.15))
    fleet.pool(times=times)
    [ended] = fleet.ended(job)
    assert ended.failure is not None
    assert "because it hung" in ended.failure.words


@pytest.mark.parametrize(
    ("start", "words"),
    [
        (be_broken_analyst, "ended with status 3 before it was ready"),
        (be_analyst_without_weights, "weights are missing"),
    ],
)
def test_workers_that_can_analyse_nothing_end_and_leave_their_clips(fleet: Fleet, start, words: str) -> None:
    [job] = fleet.defer(clip(fleet.clips, "a.mp4"))
    pool = fleet.pool(start=start)
    wait_for(lambda: pool.failure is not None, 60)
    pool.stop()
    assert isinstance(pool.failure, WorkersFailed)
    assert words in str(pool.failure)
    left = fleet.queue.job(job.id)
    assert (left.state, left.attempts) == (JobState.WAITING, 0)


def test_an_answer_that_was_kept_before_its_worker_ended_is_not_kept_twice(fleet: Fleet) -> None:
    [job] = fleet.defer(clip(fleet.clips, "a.mp4"))
    fleet.pool()
    [done] = fleet.ended(job)
    assert fleet.answers() == 1
    with fleet.queue._database.writing() as db:  # as if the worker had been killed before it said that it was done
        db.execute("UPDATE jobs SET state = 'waiting', result = NULL, ended_at = NULL")
    [again] = fleet.ended(job)
    assert again.state is JobState.DONE
    assert again.result is not None
    assert done.result is not None
    assert again.result.answer_id == done.result.answer_id
    assert fleet.answers() == 1


def test_clips_that_cannot_be_read_become_no_job(fleet: Fleet, tmp_path: Path) -> None:
    empty = fleet.clips / "empty.mp4"
    fleet.clips.mkdir()
    empty.touch()
    paths = {empty: None, fleet.clips / "none.mp4": None, fleet.clips: None, clip(fleet.clips, "a.mp4"): "Hall"}
    deferred = list(ClipDeferring(fleet.queue, fleet.needs, ()).defer(paths, AnalysisRequest()))
    errors = {item.path: type(item.error) for item in deferred}
    assert errors[empty] is EmptyClip
    assert errors[fleet.clips / "none.mp4"] is ClipNotFound
    assert errors[fleet.clips] is DamagedClip
    assert [item.job.new.request.camera for item in deferred if item.job is not None] == ["Hall"]


def test_a_worker_killed_with_its_process_leaves_its_clip_to_others(fleet: Fleet, tmp_path: Path) -> None:
    [job] = fleet.defer(clip(fleet.clips, "a.mp4", "slow a"))
    with WorkerProgram(tmp_path, fleet.needs) as program:
        wait_for(lambda: fleet.queue.job(job.id).state is JobState.RUNNING, 60)
        program.kill(signal.SIGKILL)
    fleet.pool()
    [done] = fleet.ended(job)
    assert (done.state, done.attempts) == (JobState.DONE, 1)
    assert fleet.answers() == 1
