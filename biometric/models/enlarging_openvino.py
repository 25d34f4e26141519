"""Super-resolution networks, ONNX files that enlarge a picture by a whole factor, through OpenVINO."""

from pathlib import Path

import cv2
import numpy as np
import openvino
from numpy.typing import NDArray

from biometric.entities import Image
from biometric.errors import InvalidSetting, UnsupportedModel, WeightsCorrupt
from biometric.models.signal_stack import signal_stack_kept

_TRIAL = (24, 16)
"""Height and width of the grey picture by which a network is tried."""

_TOLERANCE = 0.2
"""How far from the grey that went in, as a share of it, what comes out may be."""


class OpenVINOEnlarger:
    """A network of (1, C, h, w) → (1, C, s·h, s·w), C = 3 (RGB) or 1 (brightness; colours are then interpolated).

    Values are 0…1 or 0…255: a grey picture must come back in the same grey, which tells.

    Args:
        path: an `.onnx` file.

    Raises:
        InvalidSetting: there is no such file.
        WeightsCorrupt: it does not load.
        UnsupportedModel: it does not enlarge pictures of any size.
    """

    def __init__(self, path: Path) -> None:
        self._name = path.name
        if not path.is_file() or path.suffix.lower() != ".onnx":
            raise InvalidSetting(
                "{path} is no ONNX file. Name a super-resolution network that ends in .onnx.", path=path
            )
        self._network, self._channels = self._load(path)
        self._scale, self._peak = self._try()

    @property
    def scale(self) -> int:
        """By how much it enlarges, 2 or more."""
        return self._scale

    def enlarge(self, image: Image) -> Image:
        """Return a picture, (h, w, 3) uint8 BGR, `scale` times as large."""
        height, width = (size * self._scale for size in image.shape[:2])
        if self._channels == 3:
            return np.ascontiguousarray(self._run(image[:, :, ::-1])[:, :, ::-1])
        parts = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2YCrCb), dtype=np.uint8)
        large = np.asarray(cv2.resize(parts, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
        large[:, :, 0] = self._run(parts[:, :, :1])[:, :, 0]
        return np.asarray(cv2.cvtColor(large, cv2.COLOR_YCrCb2BGR), dtype=np.uint8)

    def _run(self, pixels: Image) -> Image:
        values = self._raw(pixels.astype(np.float32) * np.float32(self._peak / 255.0))
        return np.asarray(np.clip(np.rint(values * (255.0 / self._peak)), 0, 255), dtype=np.uint8)

    def _raw(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Values of (h, w, C) through the network."""
        batch = np.ascontiguousarray(values.transpose(2, 0, 1)[None])
        try:
            output = np.array(self._network(batch)[0], np.float32)
        except RuntimeError as error:
            raise self._refusal() from error
        if output.ndim != 4 or output.shape[:2] != batch.shape[:2]:
            raise self._refusal()
        large: NDArray[np.float32] = output[0].transpose(1, 2, 0)
        return large

    @signal_stack_kept()
    def _load(self, path: Path) -> tuple[openvino.CompiledModel, int]:
        core = openvino.Core()
        try:
            model = core.read_model(path)
        except RuntimeError as error:
            raise WeightsCorrupt("{file} cannot be loaded: it is damaged or no ONNX model.", file=path.name) from error
        shape = model.inputs[0].partial_shape if len(model.inputs) == 1 and len(model.outputs) == 1 else None
        if shape is None or shape.rank.is_dynamic or len(shape) != 4 or shape[1].is_dynamic:
            raise self._refusal()
        channels = int(shape[1].get_length())
        if channels not in (1, 3):
            raise self._refusal()
        try:
            model.reshape(openvino.PartialShape([1, channels, -1, -1]))
            return core.compile_model(model, "CPU", {"INFERENCE_PRECISION_HINT": "f32"}), channels
        except RuntimeError as error:
            raise self._refusal() from error

    def _try(self) -> tuple[int, float]:
        """Find by a grey picture by how much the network enlarges, and which value is white."""
        for peak in (1.0, 255.0):
            output = self._raw(np.full((*_TRIAL, self._channels), peak / 2, np.float32))
            factors = {output.shape[0] / _TRIAL[0], output.shape[1] / _TRIAL[1]}
            scale = int(min(factors))
            if factors != {scale} or scale < 2:
                raise self._refusal()
            # borders are left out: networks pad them with black
            top, left = (size // 4 for size in output.shape[:2])
            inner = output[top:-top, left:-left]
            if bool((np.abs(inner - peak / 2) <= _TOLERANCE * peak / 2).all()):
                return scale, peak
        raise self._refusal()

    def _refusal(self) -> UnsupportedModel:
        return UnsupportedModel(
            "{file} does not enlarge pictures: expected one input of (1, 3 or 1, height, width) for any size, and the "
            "same picture two or more times as large. Name a super-resolution network.",
            file=self._name,
        )
