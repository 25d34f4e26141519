"""What Prometheus asks a worker: how many jobs there are, and what became of the clips that it analysed."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from biometric.entities.clip_jobs import ClipJob, JobState
from biometric.errors import BiometricError, InvalidSetting
from biometric.ports.jobs_port import JobQueue

SECONDS = (0.5, 1, 2, 5, 10, 20, 60, 120, 300, 600, 1800, 3600, 7200)
"""Borders of the histogram of how long a clip takes."""


class WorkerMetrics:
    """The metrics of the workers of one process, and of their queue. Nobody is named, nor any path."""

    def __init__(self, queue: JobQueue) -> None:
        self._queue = queue
        self.registry = CollectorRegistry()
        self.registry.register(_QueueCollector(queue))
        self._clips = Counter("sightline_clips", "Clips by how an attempt ended.", ["state"], registry=self.registry)
        self._seconds = Histogram(
            "sightline_clip_seconds", "Seconds that analysing a clip took.", buckets=SECONDS, registry=self.registry
        )
        self._footage = Counter("sightline_footage_seconds", "Seconds of footage analysed.", registry=self.registry)
        self._frames = Counter("sightline_frames", "Frames of analysed footage.", registry=self.registry)
        self._people = Counter("sightline_people", "People seen.", ["identified"], registry=self.registry)

    def note(self, job: ClipJob) -> None:
        """Count how an attempt at a job ended."""
        try:
            now = self._queue.job(job.id)
        except BiometricError:
            return  # it was removed meanwhile
        self._clips.labels(now.state.value).inc()
        if now.result is not None:
            self._seconds.observe(now.result.work_seconds)
            self._footage.inc(now.result.footage_seconds)
            self._frames.inc(now.result.frames)
            self._people.labels("yes").inc(now.result.identified)
            self._people.labels("no").inc(now.result.people - now.result.identified)

    @contextmanager
    def served(self, host: str, port: int) -> Iterator[int]:
        """Answer on http://host:port/metrics inside the block; give the port, which is chosen where 0 is asked for.

        Raises:
            InvalidSetting: the address cannot be listened on.
        """
        try:
            server, thread = start_http_server(port, host, self.registry)
        except (OSError, OverflowError) as error:
            raise InvalidSetting(
                "Metrics cannot be served on {host}, port {port}: {reason}. Choose another --metrics-port.",
                host=host,
                port=port,
                reason=error,
            ) from error
        try:
            yield int(server.server_port)
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


class _QueueCollector(Collector):
    """Counts the jobs when it is asked."""

    def __init__(self, queue: JobQueue) -> None:
        self._queue = queue

    def collect(self) -> Iterable[GaugeMetricFamily]:
        jobs = GaugeMetricFamily("sightline_jobs", "Jobs of the queue by state.", labels=["state"])
        workers = GaugeMetricFamily("sightline_workers", "Workers that the queue knows.")
        try:
            counts = self._queue.counts()
            for state in JobState:
                jobs.add_metric([state.value], counts[state])
            workers.add_metric([], len(self._queue.workers()))
        except BiometricError:
            return []  # no number is better than a wrong one
        return [jobs, workers]
