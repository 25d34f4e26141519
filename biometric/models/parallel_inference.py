"""Runs a network of OpenVINO on pictures one by one, several at a time, so that every processor core is busy.

One request that uses all cores loses time wherever a layer cannot be divided evenly: requests of one thread each need
about four fifths of it. With a stream a core for both networks a street ran at 116 frames/s on two cores, with one
stream of all cores for either at 110 and for both at 100 (`python -m benchmarks.thread_choices`); where other programs
keep the cores busy, the order changes. Since no two pictures share a request, an answer does not depend on what else is
asked.
"""

import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import openvino
from numpy.typing import NDArray

from biometric.models.signal_stack import signal_stack_kept


def usable_cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) or 1
    return os.cpu_count() or 1


class ParallelNetwork:
    """A network that is compiled for one shape of input. Several threads may use it; they wait for each other.

    Args:
        model: of one input, of fixed shape.
        configuration: properties of OpenVINO's CPU plugin, beside those that say what runs at the same time.
        streams: inputs that are computed at the same time; the cores are divided among them.

    Raises:
        RuntimeError: OpenVINO cannot compile the network.
    """

    @signal_stack_kept()
    def __init__(self, model: openvino.Model, configuration: Mapping[str, str], streams: int | None = None) -> None:
        cores = usable_cores()
        streams = max(1, min(streams or cores, cores))
        options = {
            **configuration,
            "NUM_STREAMS": str(streams),
            "INFERENCE_NUM_THREADS": str(cores),
            "PERFORMANCE_HINT": "LATENCY" if streams == 1 else "THROUGHPUT",
        }
        network = openvino.Core().compile_model(model, "CPU", options)
        self._requests = [network.create_infer_request() for _ in range(streams)]
        self._lock = threading.Lock()

    def run(self, inputs: Iterable[NDArray[Any]]) -> Iterator[NDArray[np.float32]]:
        """Yield the first output, float32, for each input, in order; while they are computed, further inputs are made.

        Raises:
            RuntimeError: the network fails.
        """
        with self._lock:
            running: deque[tuple[Any, NDArray[Any]]] = deque()
            free = deque(self._requests)
            try:
                for given in inputs:
                    if not free:
                        yield self._answer(running, free)
                    request = free.popleft()
                    request.start_async([given], share_inputs=True)
                    running.append((request, given))  # OpenVINO reads the array until it has answered
                while running:
                    yield self._answer(running, free)
            finally:
                for request, _ in running:
                    request.wait()

    @staticmethod
    def _answer(running: deque[tuple[Any, NDArray[Any]]], free: deque[Any]) -> NDArray[np.float32]:
        request, _ = running.popleft()
        free.append(request)
        request.wait()
        return np.array(request.get_output_tensor(0).data, np.float32)
