"""Prints what each stage of observing a clip costs in processor time, and how fast the whole is.

    python -m benchmarks.stage_cost                            street.mp4, medians of three rounds
    python -m benchmarks.stage_cost --clip my-clip.mp4
    ONEDNN_MAX_CPU_ISA=AVX2 python -m benchmarks.stage_cost    as on a processor without AVX-512 and VNNI

Stages overlap and share the cores, so the time that passes in one of them says little about what it costs. Here each
round observes the clip once as always, for the frames per second, and once with one stage at a time, for the processor
time of each.

The limit covers what OpenVINO computes through oneDNN: all convolutions and products of matrices. Its own kernels for
means and normalisation (about 2 % of the default embedder's time) go on with AVX-512. Normalisation over a few
numbers crashes under the limit (OpenVINO 2026.4) and is written as products of matrices there.

Needs SIGHTLINE_SHARED (or ../shared) for clips and weights.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

from benchmarks.pipeline import SHARED, make_service, observe
from biometric.models import embedding_openvino
from biometric.pipeline import streaming
from biometric.pipeline.stages import BackgroundStage
from biometric.pipeline.streaming import Stopwatch
from biometric.service import Sightline


@contextmanager
def one_stage_at_a_time() -> Iterator[Counter[str]]:
    """Give a counter that takes each stage's seconds of processor time while the block runs."""
    costs: Counter[str] = Counter()
    original = Stopwatch.timed

    @contextmanager
    def timed(stopwatch: Stopwatch, stage: str) -> Iterator[None]:
        started = time.process_time()
        try:
            with original(stopwatch, stage):
                yield
        finally:
            costs[stage] += time.process_time() - started

    with ExitStack() as patches:
        patches.enter_context(patch.object(streaming, "ahead", lambda source, size, name: source))
        patches.enter_context(patch.object(BackgroundStage, "do", lambda stage, job: job()))
        patches.enter_context(patch.object(Stopwatch, "timed", timed))
        yield costs


def read_for_limit(*args: Any) -> Any:
    """Read a network and replace its normalisation over a few numbers, (1, N, K), which crashes under the limit."""
    from openvino import opset13

    from biometric.models.shared_weights import read_graph

    model = read_graph(*args)
    for operation in model.get_ordered_ops():
        shape = operation.input(0).get_partial_shape() if operation.get_input_size() else ()
        if operation.get_type_name() != "MVN" or len(shape) != 3:
            continue
        numbers = operation.input_value(0)
        count = int(shape[2].get_length())
        mean = opset13.constant(np.full((count, 1), 1 / count, np.float32))
        offsets = opset13.subtract(numbers, opset13.matmul(numbers, mean, False, False))
        variance = opset13.matmul(opset13.multiply(offsets, offsets), mean, False, False)
        epsilon = opset13.constant(np.float32(operation.get_attributes()["eps"]))
        result = opset13.divide(offsets, opset13.sqrt(opset13.add(variance, epsilon)))
        for reader in list(operation.output(0).get_target_inputs()):
            reader.replace_source_output(result.output(0))
    model.validate_nodes_and_infer_types()
    return model


def measure(service: Sightline, clip: Path, rounds: int) -> None:
    """Print the medians of some rounds."""
    observe(service, clip)
    seconds, costs, crops = [], [], 0
    for _ in range(rounds):
        service.forget_observations()
        started = time.perf_counter()
        observed = observe(service, clip)
        seconds.append(time.perf_counter() - started)
        service.forget_observations()
        with one_stage_at_a_time() as cost:
            observe(service, clip)
        costs.append(cost)
        crops = sum(item.embedding is not None for person in observed.observations for item in person.samples)
    count = observed.video.frame_count
    print(f"{clip.name}: {count / statistics.median(seconds):.1f} frames/s; {len(observed.observations)} people")
    print(f"  {crops} samples kept; processor time of each stage, one at a time:")
    medians = {stage: statistics.median(cost[stage] for cost in costs) for stage in costs[0]}
    for stage, cost_of_stage in medians.items():
        print(f"  {stage:8} {cost_of_stage:6.2f} s  {cost_of_stage / sum(medians.values()):4.0%}")


def main() -> None:
    """Measure the clips that are asked for."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--clip", type=Path, default=SHARED / "clips" / "street.mp4")
    options.add_argument("--rounds", type=int, default=3)
    chosen = options.parse_args()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as patches:
        if os.environ.get("ONEDNN_MAX_CPU_ISA"):
            patches.enter_context(patch.object(embedding_openvino, "read_graph", read_for_limit))
        service = make_service(Path(folder))
        measure(service, chosen.clip, chosen.rounds)
        service.close()


if __name__ == "__main__":
    main()
