"""What the job bar says of the jobs of a workspace."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from biometric.entities import Progress
from biometric.ui import job_pace
from biometric.ui.batch_queue import QueuedClip
from biometric.ui.job_lines import after_cancel, job_lines, summary
from biometric.ui.jobs import Job
from biometric.ui.screen import Updates
from biometric.ui.session import BATCH_JOB, FILES_JOB, Session
from biometric.ui.turns import Turns
from tests.waiting import wait_for


class Work:
    """Jobs of a workspace that report what they are told to."""

    def __init__(self, folder: Path) -> None:
        self.session = Session(folder)
        self.turns = Turns()
        self.go = threading.Event()
        self.shown: list[str] = []

    def begin(self, name: str, *reports: Progress) -> Job:
        def steps() -> Iterator[Updates]:
            for report in reports:
                job_pace.report(report)
            while not self.go.wait(0.01):
                yield {}

        job = Job(
            steps,
            self.session.screen,
            turns=self.turns,
            away_seconds=60.0,
            waiting=lambda place: {},
            stopped=lambda sentence: self.shown.append(sentence) or {},  # type: ignore[func-returns-value]
        )
        return self.session.jobs.begin(name, job)


@pytest.fixture
def work(tmp_path: Path) -> Iterator[Work]:
    work = Work(tmp_path)
    yield work
    work.go.set()
    work.session.jobs.cancel_all()
    work.session.jobs.join(10)


def test_nothing_runs_in_a_fresh_workspace(work: Work) -> None:
    assert job_lines(work.session) == []


def test_a_line_says_what_how_far_and_what_waits(work: Work) -> None:
    work.session.footage("identification").label = "hall.mp4"
    running = work.begin("identification", Progress("Reading frame", 120, 314, 5, 3.0))
    wait_for(lambda: running.progress is not None)
    work.begin("calibration")
    wait_for(lambda: job_lines(work.session)[1].detail == "next in line, about 3 s")
    first, second = job_lines(work.session)
    assert first.title == "Identification: look at the people in hall.mp4"
    assert first.detail == "Reading frame 120 of 314 · 5 people so far · about 3 s left"
    assert (first.tab, first.share, second.tab, second.title) == ("identification", 38, "calibration", "Calibration")
    assert summary([first, second]) == "2 jobs · 0:03 left"
    assert summary([second]) == "1 job · next in line, about 3 s"


def test_a_stopped_job_tells_its_tab_the_fitting_sentence(work: Work) -> None:
    job = work.begin(FILES_JOB)
    job.stop(after_cancel(FILES_JOB))
    assert work.shown == ["Cancelled. The answer stands; its files were not written."]
    assert after_cancel("enrollment") == "Cancelled. Nothing was stored."
    assert not job.running
    assert job_lines(work.session) == []


def test_several_clips_tell_the_time_of_all_and_not_of_one(work: Work) -> None:
    queue = work.session.batch
    queue.add([QueuedClip(name, Path(name), uploaded=True) for name in ("a", "b", "c")])
    queue.take_next()
    job = work.begin(BATCH_JOB, Progress("Reading frame", 10, 40, 1, 3.0))
    wait_for(lambda: job.progress is not None)
    (line,) = job_lines(work.session)
    assert (line.title, line.tab, line.seconds_left) == ("Several clips: 1 of 3", "library", None)
    assert line.detail == "Reading frame 10 of 40 · 1 person so far"
    queue.clips[0].seconds = 60.0
    (line,) = job_lines(work.session)
    assert line.detail.endswith("about 2 min left")
