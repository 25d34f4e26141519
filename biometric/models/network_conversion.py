"""Networks of torch as OpenVINO's IR: on processors OpenVINO runs them in a fraction of torch's time.

The network is traced, and OpenVINO's reader of traced networks is called directly. `openvino.convert_model` would call
the same reader, but takes seconds to start and reports each conversion to its maker over the internet.
"""

import warnings
from pathlib import Path
from typing import Any

import openvino
import torch
from openvino.frontend import (
    FrontEndManager,
    GeneralFailure,
    InitializationFailure,
    NotImplementedFailure,
    OpConversionFailure,
    OpValidationFailure,
)
from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder
from torch import nn

from biometric.entities.model_cards import InputFormat
from biometric.errors import UnsupportedModel

_FAILURES = (
    GeneralFailure,
    InitializationFailure,
    NotImplementedFailure,
    OpConversionFailure,
    OpValidationFailure,
    RuntimeError,
    ValueError,
    TypeError,
    AttributeError,
)
"""What OpenVINO's reader raises, whose own errors have no common type, and torch where it cannot trace."""
_EXAMPLES = 2
"""Crops in the trace. With one, a network could take the number of crops for a constant."""


def convert_traced(traced: Any) -> openvino.Model:
    """Return what `torch.jit.trace` gives as a network for OpenVINO, its numbers as they are. Raises `_FAILURES`."""
    decoder = TorchScriptPythonDecoder(traced)  # must live as long as the reader works with it
    frontend = FrontEndManager().load_by_framework("pytorch")
    return frontend.convert(frontend.load(decoder))


def convert_network(network: nn.Module, form: InputFormat, target: Path) -> Path:
    """Write a network as an IR `target` (.xml, with its .bin beside it) for any number of crops; return `target`.

    Args:
        network: (N, 3, H, W) float32 → (N, D), on the CPU, in evaluation mode. Weights stay float32.
        form: says H and W; maps of another size may need other constants, so that the IR serves this one alone.

    Raises:
        UnsupportedModel: OpenVINO cannot express the network.
        OSError: the target cannot be written.
    """
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # of deprecation, and of shapes that become constants: they may
            example = torch.zeros(_EXAMPLES, 3, form.height, form.width)
            traced: Any = torch.jit.trace(network, example, check_trace=False)  # type: ignore[no-untyped-call]
            model = convert_traced(traced)
        model.reshape(openvino.PartialShape([-1, 3, form.height, form.width]))
    except _FAILURES as error:
        reason = " ".join(str(error).split())[-300:] or type(error).__name__  # the last lines say which operation
        raise UnsupportedModel("The network cannot be converted to OpenVINO: {reason}", reason=reason) from error
    try:
        openvino.save_model(model, target, compress_to_fp16=False)
    except RuntimeError as error:
        raise OSError(f"{target} cannot be written: {error}") from error
    return target
