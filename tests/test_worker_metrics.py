"""What Prometheus is told."""

import urllib.request
from pathlib import Path

import pytest

from biometric.entities.clip_jobs import JobResult
from biometric.errors import InvalidSetting
from biometric.job_queue.sqlite_queue import SQLiteJobQueue
from biometric.worker_metrics import WorkerMetrics
from tests.job_queue.test_sqlite_queue import BAD, NEEDS, new


def test_a_worker_tells_its_queue_and_what_it_did_and_names_nobody(tmp_path: Path) -> None:
    queue = SQLiteJobQueue(tmp_path)
    metrics = WorkerMetrics(queue)
    queue.defer([new(number) for number in range(4)])
    worker = queue.register(NEEDS, "here")
    for number in range(2):
        job = queue.fetch(worker)
        assert job is not None
        if number:
            queue.fail(job, BAD)
        else:
            queue.finish(job, JobResult(3, 1, 250, 10.0, 2.5, "a", "b"))
        metrics.note(job)
    with metrics.served("127.0.0.1", 0) as port:
        text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()
        with pytest.raises(InvalidSetting, match="Choose another --metrics-port"), metrics.served("127.0.0.1", port):
            pass
    lines = set(text.splitlines())
    assert {
        'sightline_jobs{state="waiting"} 2.0',
        'sightline_jobs{state="done"} 1.0',
        "sightline_workers 1.0",
        'sightline_clips_total{state="done"} 1.0',
        'sightline_clips_total{state="failed"} 1.0',
        'sightline_clip_seconds_bucket{le="5.0"} 1.0',
        "sightline_clip_seconds_sum 2.5",
        "sightline_footage_seconds_total 10.0",
        "sightline_frames_total 250.0",
        'sightline_people_total{identified="yes"} 1.0',
        'sightline_people_total{identified="no"} 2.0',
    } <= lines
    assert "/clips/" not in text
    queue._database.path.write_bytes(b"damaged" * 1000)
    with metrics.served("127.0.0.1", 0) as port:
        text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()
    assert "sightline_jobs{" not in text, "no number is better than a wrong one"
    assert "sightline_frames_total 250.0" in text


def test_a_job_that_was_removed_meanwhile_is_not_counted(tmp_path: Path) -> None:
    queue = SQLiteJobQueue(tmp_path)
    metrics = WorkerMetrics(queue)
    [(job, _)] = queue.defer([new(1)])
    queue.remove([job.id])
    metrics.note(job)
    assert metrics.registry.get_sample_value("sightline_clips_total", {"state": "done"}) is None
