"""A detector's network for pictures of any size, made for each where the export is of one, in the faster precision.

Frames of 16:9 in a square picture are two fifths of padding. So an export of one size is made anew for the size that a
clip's frames fill, and used for it where it finds the same.
"""

import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator

import numpy as np
import openvino
from numpy.typing import NDArray
from openvino.preprocess import ColorFormat, PrePostProcessor

from biometric.entities import Image
from biometric.models.exported_detectors import Letterbox
from biometric.models.measured_choices import MeasuredChoices
from biometric.models.network_shapes import fitted, in_float32, is_quantized, place_centres
from biometric.models.parallel_inference import ParallelNetwork, usable_cores

CONFIGURATION = {"INFERENCE_PRECISION_HINT": "f32"}
"""Full precision where weights are float32, so that all processors find the same boxes: bfloat16, which OpenVINO
chooses on newer ones, moves them by up to a pixel and their confidence by 0.01. INT8 networks stay INT8, except on
processors where float32 is clearly faster."""

AT_ONCE = 8
"""Most pictures that are computed at the same time: as many as are decoded together."""

CLEARLY_FASTER = 0.8
"""An INT8 network computes in float32 where that takes less than this share of the time, because boxes differ a little:
a measurement that was disturbed must not decide."""

NEAR_PLACE = 4.0
"""Distance of a box's centre from its place in the grid, in steps of the grid, that nine in ten boxes of a network made
anew keep; YOLOv8n keeps 2. Where places were mixed up it is dozens."""

_KEPT = 4
"""Networks that stay compiled for their sizes: for two shapes of clips, and coarse ones."""


class DetectorNetworks:
    """Runs a detector's network, compiled when a size is first used.

    Args:
        model: one input of (N, 3, H, W) float32 RGB pictures from 0 to 1; any of N, H and W may be free.
        stride: heights and widths are multiples of it.
        size: (height, width) for which a network of free size was trained.
        end_to_end: its answers are rows of people, in no order of places.
        must_be_fixed: OpenVINO cannot run it with free sizes.
        choices: what was measured of it on this machine.
        exact: compute in float32, also a quantized network, so that every processor gives the same boxes.
    """

    def __init__(
        self,
        model: openvino.Model,
        stride: int,
        size: tuple[int, int],
        end_to_end: bool,
        must_be_fixed: bool,
        choices: MeasuredChoices,
        exact: bool = False,
    ) -> None:
        shape = model.inputs[0].partial_shape
        self._fixed = None if shape.is_dynamic else (int(shape[2].get_length()), int(shape[3].get_length()))
        self._count = 1 if shape[0].is_dynamic else int(shape[0].get_length())
        self._model, self._stride, self._size, self._choices = model, stride, self._fixed or size, choices
        self._end_to_end, self._must_be_fixed = end_to_end, must_be_fixed
        self._compiled: OrderedDict[tuple[int, int] | None, ParallelNetwork] = OrderedDict()
        self._precision = "INT8" if is_quantized(model) and not exact else "float32"
        self._exact = exact

    def prepare(self) -> None:
        """Compile what serves every size, or the size of the export. Raises `RuntimeError`."""
        if self._fixed is None and not self._must_be_fixed:
            self._network(*self._size)

    @property
    def precision(self) -> str:
        """In which it computed last: "float32" or "INT8"."""
        return self._precision

    def letterbox(self, height: int, width: int, shrink: int = 1) -> Letterbox:
        """Return how frames of height × width are placed in pictures for the network; in smaller ones if possible."""
        size = [-(-full // shrink // self._stride) * self._stride for full in self._size]
        box = Letterbox.of(height, width, (size[0], size[1]), self._stride)
        if self._fixed is None or self._fits(box.height, box.width):
            return box
        return Letterbox.of(height, width, self._size, None) if shrink == 1 else self.letterbox(height, width)

    def run(self, pictures: Iterable[Image], height: int, width: int) -> Iterator[NDArray[np.float32]]:
        """Yield the network's answer for each (height, width, 3) uint8 BGR picture, in order.

        Raises:
            RuntimeError: OpenVINO cannot compile or run the network.
        """
        network = self._network(height, width)
        count = self._count if (height, width) == self._fixed else 1
        for answer in network.run(np.repeat(picture[None], count, axis=0) for picture in pictures):
            yield answer[0]

    def _network(self, height: int, width: int) -> ParallelNetwork:
        size = None if self._fixed is None and not self._must_be_fixed else (height, width)
        if size in self._compiled:
            self._compiled.move_to_end(size)
            return self._compiled[size]
        model = self._model_for(size)
        if is_quantized(model) and not (self._exact or self._is_coarse(height, width)):
            self._precision = self._choices.get(
                f"precision {height}x{width}", lambda: _faster_precision(model, height, width)
            )
        network = compiled(in_float32(model) if is_quantized(model) and self._precision == "float32" else model)
        self._compiled[size] = network
        while len(self._compiled) > _KEPT:
            self._compiled.popitem(last=False)
        return network

    def _is_coarse(self, height: int, width: int) -> bool:
        """Whether no frame is looked at in full in such a size; the precision of the latest full one serves it."""
        return max(height, width) < max(self._size)

    def _model_for(self, size: tuple[int, int] | None) -> openvino.Model:
        if size is None or size == self._fixed:
            return self._model
        if self._fixed is None:
            model = self._model.clone()
            model.reshape([1, 3, *size])
            return model
        smaller = fitted(self._model, *size)
        return self._model if smaller is None else smaller

    def _fits(self, height: int, width: int) -> bool:
        """Whether the export can be made anew for a smaller size, and then finds people where they are."""
        if (height, width) == self._fixed:
            return True
        if self._end_to_end:
            return False
        return (
            self._choices.get(f"fits {height}x{width}", lambda: str(self._answers_for_its_places(height, width)))
            == "True"
        )

    def _answers_for_its_places(self, height: int, width: int) -> bool:
        smaller = fitted(self._model, height, width)
        if smaller is None:
            return False
        try:
            answer = next(compiled(smaller).run([trial_picture(height, width)[None]]))[0]
        except RuntimeError:
            return False
        places = place_centres(answer.shape[1], height, width)
        if places is None:
            return False
        centres, steps = places
        distances = np.abs(answer[:2] - centres).max(axis=0) / steps
        return bool(np.quantile(distances, 0.9) <= NEAR_PLACE)


def _faster_precision(model: openvino.Model, height: int, width: int) -> str:
    """Return "float32" where an INT8 network is clearly faster in it on this machine, else "INT8"."""
    seconds = {}
    pictures = [trial_picture(height, width)[None]] * min(AT_ONCE, 2 * usable_cores())
    count = model.inputs[0].partial_shape
    repeated = 1 if count[0].is_dynamic else int(count[0].get_length())
    for name, candidate in (("INT8", model), ("float32", in_float32(model))):
        try:
            network = compiled(candidate)
            times = []
            for _ in range(4):
                started = time.perf_counter()
                for _ in network.run(np.repeat(picture, repeated, axis=0) for picture in pictures):
                    pass
                times.append(time.perf_counter() - started)
            seconds[name] = min(times)
        except RuntimeError:
            seconds[name] = float("inf")
    return "float32" if seconds["float32"] < CLEARLY_FASTER * seconds["INT8"] else "INT8"


def compiled(model: openvino.Model) -> ParallelNetwork:
    """Compile a network of (N, H, W, 3) uint8 BGR pictures. Raises `RuntimeError`."""
    return ParallelNetwork(_taking_pictures(model), CONFIGURATION, min(AT_ONCE, usable_cores()))


def trial_picture(height: int, width: int) -> Image:
    """A made-up (height, width, 3) uint8 picture with contrast in the large and in the small."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (height // 32 + 1, width // 32 + 1, 3), np.uint8)
    large = coarse.repeat(32, axis=0).repeat(32, axis=1)[:height, :width]
    return np.asarray(large // 2 + rng.integers(0, 128, (height, width, 3), np.uint8), np.uint8)


def _taking_pictures(model: openvino.Model) -> openvino.Model:
    """The network with (N, H, W, 3) uint8 BGR as its input instead of (N, 3, H, W) float32 RGB from 0 to 1."""
    steps = PrePostProcessor(model.clone())
    given = steps.input()
    given.tensor().set_element_type(openvino.Type.u8).set_layout(openvino.Layout("NHWC"))
    given.tensor().set_color_format(ColorFormat.BGR)
    given.model().set_layout(openvino.Layout("NCHW"))
    given.preprocess().convert_element_type(openvino.Type.f32).convert_color(ColorFormat.RGB).scale(255.0)
    return steps.build()
