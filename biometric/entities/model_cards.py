"""Typed cards of models: what a weight file is, and how its input is prepared.

`models.cards` reads them from `models/manifest.toml`.
"""

import math
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from biometric.entities.decisions import PURPOSES, UNSURE_WIDTH
from biometric.entities.links import LinkScores
from biometric.entities.notices import Notice

Triple = tuple[float, float, float]
_DIGITS = {"sha256": 64, "sha384": 96}
_NOT_MEASURED = "not measured for this model; a cautious value, calibrate it on footage of your own"
CAUTIOUS_THRESHOLD = 0.8
"""Default for models without any measurement: above every impostor score seen with the measured ones but one
(OSNet x0.25 reaches 0.90 between strangers), so it errs towards "no match"."""


class Role(StrEnum):
    """What a model does."""

    DETECTOR = "detector"
    EMBEDDER = "embedder"


class Format(StrEnum):
    """How weights are stored."""

    ULTRALYTICS = "ultralytics"
    OPENVINO = "openvino"
    ONNX = "onnx"
    SAFETENSORS = "safetensors"


@dataclass(frozen=True, slots=True)
class InputFormat:
    """How a crop becomes network input: resized to `height` × `width`, then `(pixel * scale - mean) / std`.

    Attributes:
        height, width: pixels.
        colour: "BGR" or "RGB", the order of the three channels.
        scale: factor on pixels 0…255, such as 1 or 1/255.
        mean, std: per channel, in the order of `colour`, after `scale`.
    """

    height: int
    width: int
    colour: str
    scale: float
    mean: Triple
    std: Triple

    def __post_init__(self) -> None:
        if self.height < 1 or self.width < 1:
            raise ValueError(f"expected an input of at least 1×1 pixels, got {self.height}×{self.width}")
        if self.colour not in ("BGR", "RGB"):
            raise ValueError(f"expected colour BGR or RGB, got {self.colour!r}")
        numbers = (self.scale, *self.mean, *self.std)
        if not all(math.isfinite(number) for number in numbers) or self.scale == 0 or 0 in self.std:
            raise ValueError("expected finite scale, mean and std, with scale and std other than 0")


IMAGENET = InputFormat(256, 128, "RGB", 1 / 255, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""The convention of torchreid's and most other re-identification networks (mean and std of ImageNet)."""

RAW_BGR = InputFormat(256, 128, "BGR", 1.0, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
"""The convention of Open Model Zoo's IR files: pixels as they are, normalised inside the network."""


@dataclass(frozen=True, slots=True)
class CardFile:
    """One weight file: relative POSIX `name`, `size` in bytes, `checksum` in hexadecimal by `algorithm`."""

    name: str
    size: int
    algorithm: str
    checksum: str
    url: str = ""

    def __post_init__(self) -> None:
        path = PurePosixPath(self.name)
        if not self.name or path.is_absolute() or ".." in path.parts or "\\" in self.name:
            raise ValueError(f"expected a relative file name without .., got {self.name!r}")
        if self.size < 1:
            raise ValueError(f"expected a size of at least 1 byte, got {self.size}")
        if not re.fullmatch(r"[0-9a-f]+", self.checksum) or len(self.checksum) != _DIGITS.get(self.algorithm):
            raise ValueError(f"expected sha256 or sha384 as lower-case hexadecimal digits, got {self.checksum!r}")
        if self.url and not self.url.startswith("https://"):
            raise ValueError(f"expected an https address, got {self.url!r}")

    @property
    def basename(self) -> str:
        """The name without folders."""
        return PurePosixPath(self.name).name


@dataclass(frozen=True, slots=True)
class DefaultThreshold:
    """A card's threshold: `fmr` is the false match rate measured at exactly `value`, None when not measured."""

    value: float
    evidence: str
    fmr: float | None = None

    def __post_init__(self) -> None:
        if not -1.0 <= self.value <= 1.0:
            raise ValueError(f"expected a threshold in [-1, 1], got {self.value}")
        if not self.evidence:
            raise ValueError("expected a sentence of evidence, got none")
        if self.fmr is not None and not 0.0 <= self.fmr <= 1.0:
            raise ValueError(f"expected fmr in [0, 1], got {self.fmr}")


@dataclass(frozen=True, slots=True)
class LinkingThreshold:
    """A card's scores for linking: those of `LinkScores`, and what they rest on."""

    value: float
    perhaps: float
    evidence: str

    def __post_init__(self) -> None:
        LinkScores(self.value, self.perhaps)
        if not self.evidence:
            raise ValueError("expected a sentence of evidence, got none")


NOT_MEASURED = DefaultThreshold(CAUTIOUS_THRESHOLD, _NOT_MEASURED)


@dataclass(frozen=True, slots=True)
class Card:
    """One model. `id` also identifies its embeddings: it is the same on every device.

    Attributes:
        files: the first one is the file to open, the others belong to it.
        graph: files beside the first one with which OpenVINO reads it, without torch (`models/shared_weights.py`): an
            `.xml`, its `.bin`, for detectors a `.yaml`; () for none.
        input: how crops are prepared; None for detectors, which prepare frames themselves.
        dimension: length of the embedding; None for detectors and where only the network knows.
        linking: scores from which tracks of one clip are one person; None: as `link_scores` says.
        recommended: used when nothing else is said.
        starter: comes with the program and serves where the recommended weights cannot be had.
        successor: id of the card that took its place, "" for none. A card with one serves only where it is named, for
            galleries that were made with it.
        notice: what had to be assumed about it, or None.
    """

    id: str
    role: Role
    title: str
    format: Format
    architecture: str
    files: tuple[CardFile, ...]
    licence: str
    source: str
    input: InputFormat | None = None
    dimension: int | None = None
    recommended: bool = False
    starter: bool = False
    successor: str = ""
    verification: DefaultThreshold = NOT_MEASURED
    identification: DefaultThreshold = NOT_MEASURED
    linking: LinkingThreshold | None = None
    notice: Notice | None = None
    graph: tuple[CardFile, ...] = ()

    def __post_init__(self) -> None:
        if not self.files:
            raise ValueError("expected at least one file, got none")
        if self.role is Role.EMBEDDER and self.input is None:
            raise ValueError("expected an input format for an embedder, got none")
        if self.recommended and self.starter:
            raise ValueError("expected a recommended model or a starter, got one that is both")
        if self.successor and (self.recommended or self.starter):
            raise ValueError("expected a model that has a successor to be neither recommended nor a starter")
        if self.dimension is not None and self.dimension < 1:
            raise ValueError(f"expected a dimension of at least 1, got {self.dimension}")

    def threshold(self, purpose: str) -> DefaultThreshold:
        """Default for "verification" or "identification"."""
        if purpose not in PURPOSES:
            raise ValueError(f"expected verification or identification, got {purpose!r}")
        return self.verification if purpose == "verification" else self.identification

    def link_scores(self) -> LinkScores:
        """From which scores tracks of one clip are one person: the card's, else its identification threshold.

        Without scores of its own, "perhaps" begins where an identification is called unsure.
        """
        if self.linking is not None:
            return LinkScores(self.linking.value, self.linking.perhaps)
        value = self.identification.value
        return LinkScores(value, max(-1.0, value - UNSURE_WIDTH))
