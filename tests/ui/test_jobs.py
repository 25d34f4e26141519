"""Jobs that outlive their page's connection."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import gradio as gr
import pytest

from biometric.errors import InvalidInput, TooManyJobs
from biometric.ui.jobs import LEFT, Job
from biometric.ui.screen import Screen, Updates
from biometric.ui.turns import JOBS, Turns
from biometric.ui.workspace_jobs import Jobs
from tests.own_loop import run_coroutine
from tests.waiting import wait_for

STATUS, ANSWER = "status", "answer"  # stand in for components


class Bench:
    """Makes jobs whose steps wait for `go`."""

    def __init__(self) -> None:
        self.screen = Screen()
        self.turns = Turns()
        self.go = threading.Semaphore(0)
        self.closed = threading.Event()
        self.jobs: list[Job] = []

    def steps(self, count: int = 3) -> Iterator[Updates]:
        try:
            for number in range(count):
                yield {STATUS: f"step {number}"}
                self.go.acquire()
            yield {STATUS: "", ANSWER: "done"}
        finally:
            self.closed.set()

    def job(self, make: Callable[[], Any] | None = None, away_seconds: float = 60.0, **options: Any) -> Job:
        job = Job(
            make or self.steps,
            self.screen,
            turns=self.turns,
            away_seconds=away_seconds,
            waiting=lambda place: {STATUS: f"place {place.number}"},
            stopped=lambda sentence: {STATUS: sentence},
            **options,
        )
        self.jobs.append(job)
        return job

    def shown(self, component: str = STATUS) -> object:
        return self.screen.updates().get(component, {}).get("value")


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    for job in bench.jobs:
        job.cancel()
    bench.go.release(100)
    for job in bench.jobs:
        job.join(10)


def follow(job: Job, until: Callable[[Updates], bool] = lambda updates: False) -> list[Updates]:
    """Follow a job to its end, or until an update fits."""

    async def run() -> list[Updates]:
        seen = []
        shown = job.follow()
        async for updates in shown:
            seen.append(updates)
            if until(updates):
                break
        await shown.aclose()
        return seen

    return run_coroutine(run)


def last(updates: list[Updates], component: str) -> object:
    return [update[component]["value"] for update in updates if "value" in update.get(component, {})][-1]


def test_a_job_goes_on_unseen_and_shows_its_end_to_whoever_follows_later(bench: Bench) -> None:
    job = bench.job().start()
    first = follow(job, lambda updates: True)
    assert last(first, STATUS) == "step 0"
    bench.go.release(3)
    job.join(10)
    assert not job.running
    assert bench.shown(ANSWER) == "done"
    seen = follow(job)
    assert last(seen, ANSWER) == "done"
    assert last(seen, STATUS) == ""


def test_two_pages_may_follow_one_job(bench: Bench) -> None:
    job = bench.job().start()

    async def run() -> list[list[Updates]]:
        async def one() -> list[Updates]:
            return [updates async for updates in job.follow()]

        followers = [asyncio.ensure_future(one()) for _ in range(2)]
        await asyncio.sleep(0.1)
        bench.go.release(3)
        return [await follower for follower in followers]

    for seen in run_coroutine(run):
        assert last(seen, ANSWER) == "done"


def test_a_follower_ends_with_an_update_that_changes_nothing(bench: Bench) -> None:
    """Gradio sends the last update of a handler twice."""
    job = bench.job().start()
    bench.go.release(3)
    end = follow(job)[-1]
    assert end
    assert all("value" not in update for update in end.values())


def test_cancelling_stops_at_the_next_step_and_shows_the_cancellers_words_last(bench: Bench) -> None:
    job = bench.job().start()
    wait_for(lambda: bench.shown() == "step 0")
    job.cancel({STATUS: "cancelled"})
    assert not job.running
    bench.go.release()
    assert bench.closed.wait(10)
    job.join(10)
    assert bench.shown() == "cancelled"
    assert bench.shown(ANSWER) is None
    assert last(follow(job), STATUS) == "cancelled"


def test_a_job_whose_page_does_not_come_back_stops(bench: Bench) -> None:
    now = [0.0]
    job = bench.job(away_seconds=60.0, clock=lambda: now[0]).start()
    follow(job, lambda updates: True)
    now[0] = 59.0
    assert job.unseen
    bench.go.release()
    wait_for(lambda: bench.shown() == "step 1")
    follow(job, lambda updates: True)  # it came back
    now[0] = 118.0
    bench.go.release()
    wait_for(lambda: bench.shown() == "step 2")
    now[0] = 119.0
    bench.go.release()
    job.join(10)
    assert bench.closed.is_set()
    assert bench.shown(ANSWER) == "done"  # the step that was under way says what it did
    assert bench.shown() == LEFT


def test_a_job_that_is_followed_is_not_away(bench: Bench) -> None:
    now = [0.0]
    job = bench.job(away_seconds=60.0, clock=lambda: now[0]).start()

    async def run() -> object:
        seen = []
        async for updates in job.follow():
            seen.append(updates)
            now[0] += 1000
            bench.go.release()
        return last(seen, ANSWER)

    assert run_coroutine(run) == "done"
    assert not job.unseen


def test_jobs_take_turns_in_order_and_are_told_their_place(bench: Bench) -> None:
    first = bench.job().start()
    wait_for(lambda: bench.shown() == "step 0")
    done: list[int] = []

    def make(number: int) -> Callable[[], Iterator[Updates]]:
        def steps() -> Iterator[Updates]:
            done.append(number)
            yield {ANSWER: str(number)}

        return steps

    others = [bench.job(make(number)) for number in range(2)]
    others[0].start()
    wait_for(lambda: bench.shown() == "place 1")
    others[1].start()
    wait_for(lambda: bench.shown() == "place 2")
    assert done == []
    bench.go.release(3)
    for job in (first, *others):
        job.join(10)
    assert done == [0, 1]


def test_a_waiting_job_can_be_cancelled_and_gives_its_place_up(bench: Bench) -> None:
    first = bench.job().start()
    wait_for(lambda: bench.shown() == "step 0")
    second = bench.job().start()
    wait_for(lambda: bench.shown() == "place 1")
    second.cancel({STATUS: "cancelled"})
    second.join(10)
    third = bench.job().start()
    wait_for(lambda: bench.shown() == "place 1")
    first.cancel()
    bench.go.release()
    wait_for(lambda: bench.shown() == "step 0")
    assert third.running


def test_more_jobs_than_may_wait_are_refused(bench: Bench) -> None:
    turns = Turns(2)
    tickets = [turns.turn(lambda: True) for _ in range(2 + JOBS)]
    for ticket in tickets:
        ticket.__enter__()
    with pytest.raises(TooManyJobs), turns.turn():
        pass
    bench.turns = turns
    job = bench.job().start()
    job.join(10)
    assert "Too many jobs are waiting" in str(bench.shown())
    for ticket in tickets:
        ticket.__exit__(None, None, None)
    with turns.turn() as granted:
        assert granted


def test_an_error_that_the_steps_do_not_tell_ends_the_job_and_frees_its_turn(bench: Bench) -> None:
    def refused() -> Iterator[Updates]:
        raise InvalidInput("No.")
        yield {}

    def broken() -> Iterator[Updates]:
        raise RuntimeError("a defect")
        yield {}

    for make, words in ((refused, "No."), (broken, "No.")):
        job = bench.job(make).start()
        job.join(10)
        assert not job.running
        assert bench.shown() == words
    with bench.turns.turn() as granted:
        assert granted


def test_one_job_of_each_name_runs(bench: Bench) -> None:
    jobs = Jobs()
    first = jobs.begin("enrollment", bench.job())
    assert jobs.get("enrollment") is first
    second = jobs.begin("enrollment", bench.job())
    assert not first.running
    assert jobs.get("enrollment") is second
    other = jobs.begin("calibration", bench.job())
    jobs.cancel()  # nobody
    jobs.cancel("verification")
    assert second.running
    jobs.cancel_all()
    assert not other.running
    assert jobs.get("enrollment") is None
    bench.go.release(20)
    jobs.join(10)


def test_a_job_that_no_page_follows_is_named_as_unseen(bench: Bench) -> None:
    now = [0.0]
    jobs = Jobs()
    job = jobs.begin("enrollment", bench.job(clock=lambda: now[0]))
    assert jobs.unseen() == ()  # its own page is about to follow it
    now[0] = 1.0
    assert jobs.unseen() == ("enrollment",)
    bench.go.release(3)
    job.join(10)
    assert jobs.unseen() == ("enrollment",)  # it ended, and no page shows how
    latest = jobs.latest("enrollment")
    assert latest is not None
    follow(latest)
    assert jobs.unseen() == ()


def test_a_cancelled_job_and_one_whose_end_is_shown_are_not_unseen(bench: Bench) -> None:
    now = [0.0]
    jobs = Jobs()
    first = jobs.begin("enrollment", bench.job(clock=lambda: now[0]))
    jobs.mark_seen()  # it has not ended
    now[0] = 2.0
    assert jobs.unseen() == ("enrollment",)
    first.cancel()
    assert jobs.unseen() == ()
    second = jobs.begin("calibration", bench.job(clock=lambda: now[0]))
    bench.go.release(10)
    second.join(10)
    jobs.mark_seen()
    now[0] = 4.0
    assert jobs.unseen() == ()


def test_the_end_of_a_job_that_was_stopped_is_shown_to_a_page_that_comes_back(bench: Bench) -> None:
    now = [0.0]
    jobs = Jobs()
    job = jobs.begin("enrollment", bench.job(clock=lambda: now[0]))
    job.stop("Cancelled.")  # by the job bar, while the page is being loaded
    bench.go.release(10)
    job.join(10)
    now[0] = 2.0
    assert jobs.unseen() == ("enrollment",)
    jobs.note_shown({job.serial})
    assert jobs.unseen() == ()


def test_an_end_counts_as_shown_once_the_page_says_that_it_received_it(bench: Bench) -> None:
    now = [0.0]
    jobs = Jobs()
    job = jobs.begin("enrollment", bench.job(clock=lambda: now[0]))
    bench.go.release(10)
    job.join(10)
    part = object()

    async def sent() -> list[Any]:
        return [updates async for updates in job.follow({part: "receipt"})]

    messages = run_coroutine(sent)
    assert messages[-1][part] == "receipt"
    assert messages[-1][ANSWER] == gr.skip(), "sent again, it would undo what somebody typed meanwhile"
    assert all(part not in updates for updates in messages[:-1]), "a page with the receipt has the rest"
    assert jobs.unseen() == ()  # the page is about to say so
    now[0] = 5.0
    assert jobs.unseen() == ("enrollment",)  # it did not: what was sent got lost
    jobs.note_shown({job.serial + 1})
    assert jobs.unseen() == ("enrollment",)
    jobs.note_shown({job.serial})
    assert jobs.unseen() == ()


def test_what_was_pressed_while_an_update_waited_to_be_sent_is_not_undone_by_it(bench: Bench) -> None:
    job = bench.job()

    async def sent() -> list[Updates]:
        shown = job.start().follow()
        first = await anext(shown)
        bench.go.release(10)
        job.join(10)
        bench.screen.record({ANSWER: "closed by a press"})  # the job's answer waits for its turn to be sent
        return [first, await anext(shown), *[updates async for updates in shown]]

    messages = run_coroutine(sent)
    assert messages[0][STATUS]["value"] == "step 0"
    assert messages[1] == {STATUS: gr.update(value=""), ANSWER: gr.update(value="closed by a press")}
