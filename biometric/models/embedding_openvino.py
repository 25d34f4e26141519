"""Embeddings on the CPU through OpenVINO: Open Model Zoo's IR files, ONNX files, and networks that were converted."""

import time
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path

import numpy as np
import openvino
from numpy.typing import NDArray

from biometric.entities import Image
from biometric.entities.model_cards import InputFormat
from biometric.errors import UnsupportedModel, WeightsCorrupt
from biometric.models.embedding import (
    HALF_AGREEMENT,
    prepare_crops,
    scale_to_unit_length,
    trial_pictures,
    vectors_agree,
)
from biometric.models.measured_choices import MeasuredChoices
from biometric.models.parallel_inference import ParallelNetwork
from biometric.models.shared_weights import read_graph
from biometric.storage import file_digest

AT_ONCE = 32
"""Most crops that are computed at the same time, each in a request of its own: on two cores that takes four fifths of
the time of eight in one request, and no embedding depends on what else is asked."""

HALF_WORTH_IT = 0.8
"""Half precision is used where it takes less than this share of full precision's time. On a processor with AVX-512
FP16 and AMX it took 1.6 times as long for 0286 and 1.5 times for the starter; elsewhere it was twice as fast."""

_TURNS = 4
"""Times that both are run to be compared; the fastest counts."""


class OpenVINOEmbedder:
    """ports.Embedder over an `.xml` (with its `.bin`) or an `.onnx`.

    Args:
        path: the model.
        form: how crops are prepared.
        model_id: the card's id.
        dimension: expected length of the embedding, None to take the network's.
        exact: never use half precision, whatever the CPU offers.
        weights: the file that holds the network's numbers, where the `.bin` does not (`shared_weights`).
        cache: folder where measurements of this machine are kept; None: they are made again.

    Raises:
        WeightsCorrupt: the file does not load.
        UnsupportedModel: the network is not one of crops in, one vector a crop out.
    """

    def __init__(
        self,
        path: Path,
        form: InputFormat,
        model_id: str,
        dimension: int | None = None,
        exact: bool = False,
        weights: Path | None = None,
        cache: Path | None = None,
    ) -> None:
        self._form = form
        self._model_id = model_id
        model = _read(path, weights)
        try:
            wanted = openvino.PartialShape([1, 3, form.height, form.width])
            declared = openvino.PartialShape([1, *list(model.inputs[0].partial_shape)[1:]])
            if not declared.compatible(wanted):
                # Some networks could still be reshaped, but would not give the embeddings that they were trained for.
                raise RuntimeError(f"the network takes {declared}")
            model.reshape(wanted)
            self._network, self._precision = _compiled(
                model,
                form,
                exact,
                lambda: MeasuredChoices(cache, _digest(path, weights), f"openvino {openvino.__version__}"),
            )
        except RuntimeError as error:
            raise UnsupportedModel(
                "{file} does not take crops of 3×{height}×{width} in batches, so it cannot serve as "
                "embedder. Name another one.",
                file=path.name,
                height=form.height,
                width=form.width,
            ) from error
        length: int = self._run([np.zeros((form.height, form.width, 3), np.uint8)], path.name).shape[1]
        if dimension is not None and length != dimension:
            raise UnsupportedModel(
                "{file} gives {length} numbers a crop; its card says {dimension}.",
                file=path.name,
                length=length,
                dimension=dimension,
            )
        self._dimension = length

    @property
    def model_id(self) -> str:
        """The card's id, the same on every device."""
        return self._model_id

    @property
    def dimension(self) -> int:
        """Length of an embedding."""
        return self._dimension

    @property
    def device(self) -> str:
        """For people."""
        return "CPU · OpenVINO"

    @property
    def computes_in(self) -> str | None:
        """The precision that was measured to be faster on this processor; None where it has only float32."""
        return self._precision

    def embed(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        """Return (N, D) unit float32 for N crops ((h, w, 3) uint8 BGR); (0, D) for none.

        Raises:
            UnsupportedModel: the network gave a vector without direction.
        """
        if not crops:
            return np.empty((0, self._dimension), np.float32)
        return scale_to_unit_length(self._run(crops, self._model_id), self._model_id)

    def _run(self, crops: Sequence[Image], name: str) -> NDArray[np.float32]:
        """Return (N, D) float32 for N crops, at least one."""
        vectors = []
        for output in self._network.run(prepare_crops([crop], self._form) for crop in crops):
            if output.ndim and len(output) != 1:
                raise UnsupportedModel(
                    "{name} does not give one vector a crop, so it cannot serve as embedder.", name=name
                )
            vectors.append(output.reshape(1, -1))
        return np.concatenate(vectors)


def _compiled(
    model: openvino.Model, form: InputFormat, exact: bool, choices: Callable[[], MeasuredChoices]
) -> tuple[ParallelNetwork, str | None]:
    """Compile for the CPU, in half precision where it has that, is faster in it, and answers stay what they are.

    By default OpenVINO chooses bfloat16 on recent CPUs, which moves embeddings of 0286 to a cosine of .9985 against
    float32 on real crops: too far for one gallery on all machines. Half precision stays above .99998.

    Args:
        choices: gives what was measured of the network here; called only where there is something to choose, because
            it reads all weights to tell them apart.
    """
    if exact or "FP16" not in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        return _network(model, "f32"), None
    precision = choices().get(f"precision {form}", lambda: _better_precision(model, form))
    return _network(model, "f16" if precision == "float16" else "f32"), precision


def _network(model: openvino.Model, hint: str) -> ParallelNetwork:
    return ParallelNetwork(model, {"INFERENCE_PRECISION_HINT": hint}, AT_ONCE)


def _better_precision(model: openvino.Model, form: InputFormat) -> str:
    """Return "float16" where half precision gives the same embeddings in clearly less time, else "float32"."""
    trial = [prepare_crops([picture], form) for picture in trial_pictures(form.height, form.width)]
    vectors, seconds = [], []
    for hint in ("f32", "f16"):
        network = _network(model, hint)
        vectors.append(np.stack([row.reshape(-1) for row in network.run(trial)]))
        seconds.append(min(_seconds(network, trial) for _ in range(_TURNS)))
    faster = seconds[1] < HALF_WORTH_IT * seconds[0]
    return "float16" if faster and vectors_agree(vectors[0], vectors[1], HALF_AGREEMENT) else "float32"


def _seconds(network: ParallelNetwork, pictures: Sequence[NDArray[np.float32]]) -> float:
    started = time.perf_counter()
    for _ in network.run(pictures):
        pass
    return time.perf_counter() - started


def _digest(path: Path, weights: Path | None) -> str:
    """Names the network by the contents of all its files."""
    files = [path, path.with_suffix(".bin"), *([] if weights is None else [weights])]
    return sha256(b"".join(bytes.fromhex(file_digest(file)) for file in files if file.is_file())).hexdigest()


def _read(path: Path, weights: Path | None = None) -> openvino.Model:
    try:
        model = read_graph(path, weights)
    except (RuntimeError, OSError) as error:
        raise WeightsCorrupt(
            "{file} cannot be loaded: it is damaged or no {suffix} model.", file=path.name, suffix=path.suffix
        ) from error
    if len(model.inputs) != 1 or not model.outputs or len(model.inputs[0].partial_shape) != 4:
        raise UnsupportedModel(
            "{file} does not take one batch of pictures, so it cannot serve as embedder.", file=path.name
        )
    return model


def openvino_version() -> str:
    """The version of the library, such as "2026.4.1": what a converted network was made by."""
    return str(openvino.__version__).partition("-")[0]


def convert_to_ir(onnx: Path, target: Path) -> Path:
    """Convert an ONNX file to an IR `target` (.xml, with its .bin beside it); return `target`. Weights stay float32.

    Raises:
        WeightsCorrupt: the ONNX file does not load.
        OSError: the target cannot be written.
    """
    model = _read(onnx)
    try:
        # OpenVINO then rewrites shapes that were fixed for one crop.
        model.reshape([-1, *list(model.inputs[0].partial_shape)[1:]])
        openvino.save_model(model, target, compress_to_fp16=False)
    except RuntimeError as error:
        raise OSError(f"{target} cannot be written: {error}") from error
    return target
