"""Compares how processor cores are divided: streams and threads of the networks, and threads that decode.

    python -m benchmarks.thread_choices                     street.mp4, medians of three rounds, in turn
    python -m benchmarks.thread_choices --clip my-clip.mp4

Needs SIGHTLINE_SHARED (or ../shared) for clips and weights.
"""

import argparse
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks.pipeline import SHARED, make_service, observe
from biometric.clips import decoding
from biometric.models import detector_networks, embedding_openvino
from biometric.models.parallel_inference import ParallelNetwork, usable_cores

CORES = usable_cores()
CHOICES: dict[str, tuple[int, int, int]] = {
    "a stream a core": (CORES, CORES, decoding.THREADS),
    "a stream a core, 1 thread that decodes": (CORES, CORES, 1),
    "one stream of all cores": (1, 1, decoding.THREADS),
    "detector one stream, embedder a stream a core": (1, CORES, decoding.THREADS),
    "detector a stream a core, embedder one stream": (CORES, 1, decoding.THREADS),
}
"""What is compared → streams of the detector and of the embedder, threads that decode."""


def with_streams(streams: int) -> Callable[..., ParallelNetwork]:
    """Return what compiles networks for a number of streams."""

    def make(model: Any, configuration: Any, _: int | None = None) -> ParallelNetwork:
        return ParallelNetwork(model, configuration, streams)

    return make


@contextmanager
def chosen(detecting: int, embedding: int, threads: int) -> Iterator[None]:
    """Divide the cores as asked while the block runs."""
    with ExitStack() as patches:
        patches.enter_context(patch.object(detector_networks, "ParallelNetwork", with_streams(detecting)))
        patches.enter_context(patch.object(embedding_openvino, "ParallelNetwork", with_streams(embedding)))
        patches.enter_context(patch.object(decoding, "THREADS", threads))
        yield


def main() -> None:
    """Print the frames per second of each choice."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--clip", type=Path, default=SHARED / "clips" / "street.mp4")
    options.add_argument("--rounds", type=int, default=3)
    given = options.parse_args()
    seconds: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as services:
        observers = {}
        for number, (name, choice) in enumerate(CHOICES.items()):
            with chosen(*choice):
                service = make_service(Path(folder) / str(number))
                services.callback(service.close)
                observe(service, given.clip)
            observers[name] = service
        for _ in range(given.rounds):
            for name, service in observers.items():
                service.forget_observations()
                with chosen(*CHOICES[name]):
                    started = time.perf_counter()
                    observed = observe(service, given.clip)
                    seconds[name].append(time.perf_counter() - started)
    for name, spent in seconds.items():
        print(f"{observed.video.frame_count / statistics.median(spent):6.1f} frames/s  {name}")


if __name__ == "__main__":
    main()
