"""`analyze`, `worker` and `jobs`."""

import argparse
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from biometric import cli
from biometric.analysis.clip_deferring import DeferredClip
from biometric.analysis.clip_places import locate, named_clips, place_of
from biometric.cli import command_support, watch
from biometric.cli.job_following import RECHECK_LOOKS, JobFollowing
from biometric.entities.clip_jobs import AnalysisRequest, JobSearch, JobState, NewClipJob
from biometric.errors import InvalidInput, InvalidSetting, PathRefused
from biometric.service import Sightline
from tests.analysis.fake_analysts import be_fake_analyst, clip, fake_service, queue_of
from tests.waiting import wait_for

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sightline]:
    service = fake_service(tmp_path)
    monkeypatch.setattr(command_support, "build_service", lambda options: service)
    monkeypatch.setattr(command_support, "open_job_queue", lambda settings: queue_of(tmp_path))
    monkeypatch.setattr(command_support, "analyst_of", lambda settings: partial(be_fake_analyst, tmp_path))
    yield service
    service.close()


@pytest.fixture
def run(service: Sightline, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: object) -> tuple[int, str, str]:
        capsys.readouterr()
        status = cli.main([str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return status, out, err

    return run


def test_a_folder_is_analysed_failures_are_rows_and_nothing_is_done_twice(run: Run, tmp_path: Path) -> None:
    clips = tmp_path / "clips"
    for name, content in {"a.mp4": "", "b.mp4": "text", "copy.mp4": "clip a.mp4"}.items():
        clip(clips, name, content)
    (clips / "notes.txt").write_text("x")
    empty = clip(clips, "empty.mp4")
    empty.write_text("")
    status, out, err = run("analyze", clips)
    assert status == 2
    assert f"{clips / 'copy.mp4'}: Identified 1 person: 1 unknown" in out or f"{clips / 'a.mp4'}: Identified" in out
    assert "1 clip analysed, 2 not analysed, 1 person" in out
    assert f"{clips / 'b.mp4'}: b.mp4 is not a video." in err
    assert "empty.mp4 is an empty file." in err
    status, out, err = run("analyze", clips / "a.mp4", "--json")
    data = json.loads(out)
    assert (status, [job["state"] for job in data["jobs"]]) == (0, ["done"])
    status, out, _ = run("jobs", "list")
    assert status == 0
    assert "done: 1, failed: 1" in out
    status, out, _ = run("jobs", "list", "--state", "failed", "--json")
    [failed] = json.loads(out)
    assert failed["error"] == {"kind": "NotAVideo", "message": "b.mp4 is not a video."}
    status, out, _ = run("jobs", "show", failed["id"])
    assert "asked for by" in out
    assert "b.mp4 is not a video." in out


def test_patterns_ranges_and_cameras(run: Run, tmp_path: Path) -> None:
    hall, door = clip(tmp_path / "c" / "hall", "a.mp4"), clip(tmp_path / "c" / "door", "b.mp4")
    status, out, _ = run(
        "analyze", tmp_path / "c" / "**" / "*.mp4", "--camera-from-folder", "--from", 5, "--to", 9, "--json"
    )
    jobs = json.loads(out)["jobs"]
    assert status == 0
    assert {job["clip"]: job["camera"] for job in jobs} == {str(hall): "hall", str(door): "door"}
    assert {job["result"]["frames"] for job in jobs} == {5}
    status, _, err = run("analyze", tmp_path / "c" / "x*.mp4")
    assert (status, "No video, photograph or folder fits" in err) == (2, True)
    status, _, err = run("analyze", hall, "--from", 9, "--to", 5)
    assert (status, "the first must not be after the last" in err) == (2, True)


def test_what_only_waits_is_analysed_by_a_worker_and_others_are_left_alone(run: Run, tmp_path: Path) -> None:
    path = clip(tmp_path / "clips", "a.mp4")
    status, out, _ = run("analyze", path, "--only-queue")
    assert (status, out) == (0, "1 clip waits for a worker.\n")
    queue = queue_of(tmp_path)
    other = NewClipJob("", "/else.mp4", "ab" * 32, AnalysisRequest(), "another model")
    queue.defer([other])
    status, _, err = run("worker", "--once")
    assert status == 2, "clips are left that this worker cannot analyse"
    assert "1 clip waits for a worker with other models or settings, and is left alone: another model." in err
    jobs, _total = queue.jobs(JobSearch())
    assert [(job.new.path, job.state.value) for job in jobs] == [("/else.mp4", "waiting"), (str(path), "done")]
    _, out, _ = run("jobs", "cancel", "--all", "--json")
    assert [job["clip"] for job in json.loads(out)] == ["/else.mp4"]
    _, out, _ = run("jobs", "retry", 2)
    assert out == "1 job waits anew.\n"
    status, _, err = run("jobs", "remove")
    assert (status, "Name jobs by their numbers" in err) == (2, True)
    _, out, _ = run("jobs", "remove", "--all")
    assert out == "1 job is forgotten.\n"
    status, _, err = run("jobs", "show", 1)
    assert (status, "There is no job 1" in err) == (2, True)


def test_a_cancelled_clip_ends_the_command_with_its_row(run: Run, tmp_path: Path) -> None:
    path, queue = clip(tmp_path / "clips", "a.mp4", "long"), queue_of(tmp_path)

    def cancel() -> None:
        wait_for(lambda: queue.counts()[JobState.RUNNING], 60)
        queue.cancel([1])

    thread = threading.Thread(target=cancel)
    thread.start()
    status, _, err = run("analyze", path)
    thread.join()
    assert (status, err) == (2, f"{path}: cancelled\n")


def test_of_many_jobs_that_wait_only_those_that_are_gone_are_looked_up(
    service: Sightline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    queue = queue_of(tmp_path)
    new = [NewClipJob("", f"/{number}.mp4", str(number), AnalysisRequest(), "needs", "me") for number in range(4)]
    _before, *jobs = [job for job, _ in queue.defer(new)]
    following = JobFollowing(queue, service, argparse.Namespace(json=False, only_queue=True), len(jobs))
    looked_up: list[int] = []
    read_after: list[int] = []
    look_up, changes = queue.job, queue.changes
    monkeypatch.setattr(queue, "job", lambda number: looked_up.append(number) or look_up(number))
    monkeypatch.setattr(queue, "changes", lambda after: read_after.append(after) or changes(after))
    following.look()
    assert read_after == []  # nothing waits
    for job in jobs:
        following.add(DeferredClip(Path(job.new.path), job))
    queue.remove([jobs[1].id])
    for _ in range(RECHECK_LOOKS + 2):
        following.look()
    assert read_after[0] == jobs[0].changed > _before.changed
    assert looked_up == [jobs[1].id]
    assert f"There is no job {jobs[1].id} in the queue" in capsys.readouterr().err
    queue.cancel([jobs[0].id, jobs[2].id])
    following.look()
    assert not following.waits


def test_a_watched_folder_is_analysed_as_clips_come_and_once(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, queue = tmp_path / "in", queue_of(tmp_path)
    clip(folder / "hall", "a.mp4")
    clip(folder, "b.mp4", "text")
    look, expected = watch._Told.look, [{JobState.DONE: 1, JobState.FAILED: 1}]

    def look_and_end(told: watch._Told) -> None:
        look(told)
        if dict(queue.counts().by_state) == expected[0]:
            look(told)
            raise KeyboardInterrupt

    monkeypatch.setattr(watch._Told, "look", look_and_end)
    command = ("watch", folder, "--camera-from-folder", "--rest", "0.1", "--metrics-port", 0)
    status, out, err = run(*command)
    assert status == 130
    assert out == f"{folder / 'hall' / 'a.mp4'}: Identified 1 person: 1 unknown\n"
    assert f"Watching {folder}.\n" in err
    assert f"{folder / 'b.mp4'}: b.mp4 is not a video.\n" in err
    assert "What is not analysed yet is when the same command runs again." in err
    assert queue.job(1).new.request.camera in ("hall", "in")
    clip(folder, "came-meanwhile.mp4")
    (folder / "hall" / "a.mp4").rename(folder / "moved.mp4")
    expected[0] = {JobState.DONE: 3, JobState.FAILED: 1}  # moved to the folder of another camera
    status, out, _ = run(*command)
    assert sorted(line.partition(":")[0] for line in out.splitlines()) == [
        str(folder / "came-meanwhile.mp4"),
        str(folder / "moved.mp4"),
    ]
    status, _, err = run("watch", folder, folder / "hall")
    assert (status, "which is watched at any depth" in err) == (2, True)
    status, _, err = run("watch", folder / "moved.mp4")
    assert (status, "is not a folder" in err) == (2, True)


def test_nothing_is_analysed_that_would_not_be_kept(
    run: Run, service: Sightline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(service.library), "keeps_anything", property(lambda keeper: False))
    status, _, err = run("analyze", clip(tmp_path / "clips", "a.mp4"))
    assert (status, "SIGHTLINE_LIBRARY_DAYS must be above 0" in err) == (2, True)


def test_clips_are_named_once_and_by_their_folders(tmp_path: Path) -> None:
    a = clip(tmp_path / "c", "a.mp4")
    b = clip(tmp_path / "c" / "hall", "b.mp4")
    assert named_clips([tmp_path / "c", a]) == {a: "c", b: "hall"}
    assert named_clips([tmp_path / "c" / "*.mp4", b]) == {a: "c", b: "hall"}
    odd = clip(tmp_path / "c", "[1]*.mp4")
    assert named_clips([odd]) == {odd: "c"}, "a file of that name is no pattern"


def test_jobs_name_clips_below_roots_and_are_found_where_the_root_is(tmp_path: Path) -> None:
    here, there = tmp_path / "here" / "footage", tmp_path / "there" / "footage"
    path = clip(here / "hall", "a.mp4")
    root, place = place_of(path, [tmp_path / "other", here])
    assert (root, place) == ("footage", "hall/a.mp4")
    shutil.copytree(here, there)

    def job(root: str, path: str) -> NewClipJob:
        return NewClipJob(root, path, "", AnalysisRequest(), "")

    assert locate(job(root, place), [there]) == there / "hall" / "a.mp4"
    assert locate(job("", str(path)), [here]) == path
    assert locate(job("", str(path)), []) == path
    refused: list[tuple[NewClipJob, list[Path]]] = [
        (job("footage", "../../secret.mp4"), [here]),
        (job("footage", "/etc/passwd"), [here]),
        (job("elsewhere", "a.mp4"), [here]),
        (job("footage", "a.mp4"), []),
        (job("", "/etc/passwd"), [here]),
    ]
    for new, roots in refused:
        with pytest.raises(PathRefused):
            locate(new, roots)
    with pytest.raises(PathRefused, match="SIGHTLINE_ANALYSIS_ROOTS"):
        place_of(path, [there])
    (here / "link.mp4").symlink_to("/etc/passwd")
    with pytest.raises(PathRefused):
        locate(job("footage", "link.mp4"), [here])
    with pytest.raises(InvalidSetting, match="two folders that are called footage"):
        place_of(path, [here, there])
    with pytest.raises(InvalidSetting):
        locate(job("footage", "hall/a.mp4"), [here, there])
    with pytest.raises(PathRefused, match="no text in UTF-8"):
        place_of(tmp_path / "\udce9.mp4", [])
    with pytest.raises(InvalidInput):
        named_clips([tmp_path / "nothing*"])
