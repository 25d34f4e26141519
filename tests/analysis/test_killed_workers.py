"""Workers killed at random moments: no clip is lost, and none is kept twice."""

import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from biometric.analysis.clip_deferring import ClipDeferring, needs_of
from biometric.entities import AnswerKind
from biometric.entities.clip_jobs import AnalysisRequest, JobSearch, JobState
from tests.analysis.fake_analysts import clip, fake_service, queue_of
from tests.analysis.killing import WorkerProgram
from tests.waiting import wait_for


def kill_workers(folder: Path, kills: int, clips: int) -> None:
    """Let two programs analyse clips, kill one or the other (or its process) again and again, and count answers."""
    chance = random.Random(7)
    queue, service = queue_of(folder), fake_service(folder)
    needs = needs_of(service)
    paths = [clip(folder / "clips", f"{number}.mp4", f"slow {number}") for number in range(clips)]
    for _ in ClipDeferring(queue, needs, ()).defer(dict.fromkeys(paths), AnalysisRequest()):
        pass
    programs = [WorkerProgram(folder, needs) for _ in range(2)]
    try:
        wait_for(lambda: queue.counts()[JobState.RUNNING], 60)
        for number in range(kills):
            time.sleep(chance.uniform(0.0, 1.5))  # the moment is what is tested
            if queue.counts()[JobState.DONE] == clips:
                for job, _ in [queue.defer([job.new], again=True)[0] for job in queue.jobs(JobSearch())[0]]:
                    assert job.state is JobState.WAITING
            which = number % 2
            analysts = programs[which].analysts()
            if analysts and chance.random() < 0.3:
                programs[which].kill_one(analysts[0])
            else:
                programs[which].kill(signal.SIGKILL)
                programs[which] = WorkerProgram(folder, needs)
        wait_for(lambda: queue.counts()[JobState.DONE] == clips, 60 + 2 * clips)
    finally:
        for program in programs:
            program.kill(signal.SIGKILL)
    jobs = queue.jobs(JobSearch())[0]
    answers, _ = service.library.history(AnswerKind.IDENTIFICATION, limit=10_000)
    kept = Counter(answer.id for answer in answers)
    assert {job.answer_id for job in jobs} <= kept.keys(), "a clip was lost"
    assert len(answers) == len(kept) == sum(job.run for job in jobs), "a clip was kept twice, or not at all"
    assert service.library.clips()[1] == clips
    service.close()


def test_a_handful_of_kills_loses_no_clip_and_keeps_none_twice(tmp_path: Path) -> None:
    kill_workers(tmp_path, kills=5, clips=8)


@pytest.mark.slow
def test_fifty_kills_lose_no_clip_and_keep_none_twice(tmp_path: Path) -> None:
    kill_workers(tmp_path, kills=50, clips=40)
