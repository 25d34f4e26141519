"""Many short clips through the workers of `analyze`: throughput, what the queue costs, and whether memory stays flat.

    python -m benchmarks.fleet                       # 300 clips through 1 and 2 workers
    python -m benchmarks.fleet --clips 60 --workers 1 2 4 --output fleet.json

Clips are made: the example clips, each with other bytes at its end, so that each is a clip of its own. They are
analysed by real models in the processes that `analyze` uses; a gallery with one person makes identifying real, too.

Queue overhead is the share of a worker's time, from its first clip's begin to its last one's end, in which its process
had no clip. Memory is the resident size of that process after each clip; of the first tenth, models and buffers grow to
their working size, so it is left out. Flat means: a line through the rest rises by less than 5 % over all clips.
"""

import argparse
import json
import os
import tempfile
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

import biometric
from biometric.analysis.clip_deferring import ClipDeferring, needs_of
from biometric.analysis.worker_pool import WorkerPool
from biometric.bootstrap import build, make_demo
from biometric.bootstrap_jobs import analyst_of, open_job_queue
from biometric.entities.clip_jobs import AnalysisRequest, ClipJob, JobSearch, JobState
from biometric.settings import Settings

MOST_OVERHEAD = 0.02
MOST_GROWTH = 0.05
WARMING = 0.1
"""Share of clips after which memory is looked at."""


def make_clips(folder: Path, count: int) -> list[Path]:
    """Write so many clips that differ by a few bytes behind their end, which no reader looks at ("free" boxes)."""
    demo = [clip.path for clip in make_demo(folder / "demo")]
    clips = []
    for number in range(count):
        content = demo[number % len(demo)].read_bytes()
        text = f"clip {number}".encode()
        path = folder / "clips" / f"{number:04d}.mp4"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content + (8 + len(text)).to_bytes(4, "big") + b"free" + text)
        clips.append(path)
    return clips


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process, in 1e6 bytes (Linux)."""
    fields = Path(f"/proc/{pid}/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


class Watched:
    """Notes memory after each clip of each process."""

    def __init__(self) -> None:
        self.memory: dict[int, list[float]] = defaultdict(list)
        self.pool: WorkerPool | None = None
        self._lock = threading.Lock()

    def note(self, job: ClipJob) -> None:
        """Note the memory of all processes; of the one that has just ended a clip among them."""
        with self._lock:
            for pid in self.pool.analyst_pids if self.pool is not None else ():
                self.memory[pid].append(resident_mb(pid))


def growth(memory: list[float]) -> float:
    """Return by what share a line through memory rises from the end of warming to the last clip."""
    rest = memory[int(len(memory) * WARMING) :]
    if len(rest) < 3:
        return 0.0
    slope, start = np.polyfit(np.arange(len(rest)), rest, 1)
    return float(slope * (len(rest) - 1) / start)


def measure(settings: Settings, clips: list[Path], workers: int) -> dict[str, Any]:
    """Analyse all clips; return clips a second, queue overhead and memory."""
    service, queue, watched = build(settings), open_job_queue(settings), Watched()
    needs = needs_of(service)
    started = time.perf_counter()
    for _ in ClipDeferring(queue, needs, ()).defer(dict.fromkeys(clips), AnalysisRequest()):
        pass
    deferring = time.perf_counter() - started
    pool = watched.pool = WorkerPool(queue, analyst_of(settings), needs, "benchmark", workers, ended=watched.note)
    pool.start()
    while queue.counts()[JobState.DONE] + queue.counts()[JobState.FAILED] < len(clips) and pool.failure is None:
        time.sleep(0.5)
    pool.stop()
    jobs = queue.jobs(JobSearch(limit=len(clips)))[0]
    done = [job for job in jobs if job.result is not None]
    begins = sorted(job.started_at for job in done if job.started_at is not None)
    # The first clip of each worker also starts its process and loads its models.
    rest = [job for job in done if job.started_at in begins[workers:]]
    span = max(job.ended_at or 0 for job in rest) - begins[workers]
    work = sum(job.result.work_seconds for job in rest if job.result is not None)
    memory = [values for values in watched.memory.values() if len(values) > len(clips) / workers / 4]
    service.close()
    return {
        "workers": workers,
        "clips": len(done),
        "failed": len(jobs) - len(done),
        "deferring_ms_a_clip": deferring / len(clips) * 1000,
        "clips_a_second": len(rest) / span,
        "footage_seconds_a_second": sum(job.result.footage_seconds for job in rest if job.result) / span,
        "queue_overhead": max(0.0, 1 - work / (span * workers)),
        "memory_mb": [[round(values[int(len(values) * WARMING)]), round(values[-1])] for values in memory],
        "memory_growth": [round(growth(values), 4) for values in memory],
    }


def main() -> int:
    """Run the benchmark; status 1 where overhead or growth is above its limit."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--clips", type=int, default=300)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--output", type=Path)
    options = parser.parse_args()
    results = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clips = make_clips(folder, options.clips)
        for workers in options.workers:
            place = folder / f"data-{workers}"
            settings = Settings.from_environment(None, data=place, library=place / "library", gallery=place / "gallery")
            with biometric.open_service(settings) as opened:
                observed = opened.observe(folder / "demo" / "visit-1-beige-coat.mp4")
                opened.enroll(observed, "Grace Hopper", basis="consent", purpose="benchmark")
            results.append(measure(settings, clips, workers))
            print(json.dumps(results[-1]), flush=True)
    if options.output is not None:
        options.output.write_text(json.dumps(results, indent=2))
    failed = [
        result
        for result in results
        if result["queue_overhead"] > MOST_OVERHEAD or max(result["memory_growth"], default=0) > MOST_GROWTH
    ]
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
