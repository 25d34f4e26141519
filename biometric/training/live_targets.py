"""A living teacher: it embeds exactly the picture that the student sees, degraded and blended, at every step.

So no two pictures are alike and the student cannot memorise targets. That costs a run of the teacher for each picture,
and pays in long runs (Beyer et al., "Knowledge distillation: A good teacher is patient and consistent", CVPR 2022,
arXiv 2106.05237). Pictures are made by worker processes (`OnlineTargets`), or on the device of the training, where all
crops lie (`ResidentTargets`): on an H100 that is four times as fast, since the processes cannot keep up with it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from biometric.entities import Image
from biometric.entities.model_cards import InputFormat
from biometric.models.embedding import resize, scaling
from biometric.training import augmentation
from biometric.training.crops.crop_records import Crops
from biometric.training.device_augmentation import change_batch
from biometric.training.distillation_targets import DistillationConfig, SampledTargets

MIN_HALF_COSINE = 0.999
"""Lowest cosine between a teacher's embeddings in half and in single precision with which it teaches in half."""

_TRIAL_BATCH = 64


@dataclass(frozen=True, slots=True, eq=False)
class LiveTeacher:
    """A network that embeds the pictures of a step.

    Attributes:
        network: (N, 3, H, W) float32, prepared as `form` says → (N, dimension); on the device of the training.
        precision: what it computes in, float32 or narrower.
    """

    network: nn.Module
    form: InputFormat
    dimension: int
    precision: torch.dtype = torch.float32

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of its pictures."""
        return self.form.height, self.form.width

    def embed(self, pictures: Tensor) -> Tensor:
        """(N, D) float32 of pictures in its size, (N, 3, H, W) float32 BGR of 0…255; without gradients."""
        device, half = pictures.device.type, self.precision is not torch.float32
        with torch.no_grad(), torch.autocast(device, self.precision if half else None, enabled=half):
            embeddings: Tensor = self.network(prepare_pictures(pictures, self.form)).flatten(1).float()
        return embeddings


def choose_precision(teacher: LiveTeacher, pictures: Tensor, wanted: torch.dtype) -> LiveTeacher:
    """Return the teacher computing in `wanted` where that gives the same embeddings of some pictures, else as it is.

    Args:
        pictures: (N, 3, H, W) uint8 BGR in the teacher's size, on its device; N from 1.
    """
    half = replace(teacher, precision=wanted)
    for batch in torch.split(pictures, _TRIAL_BATCH):
        cosines = functional.cosine_similarity(teacher.embed(batch.float()), half.embed(batch.float()))
        if not float(cosines.min()) >= MIN_HALF_COSINE:  # also where it is NaN
            return teacher
    return half


class OnlineTargets(SampledTargets):
    """Targets that the teacher computes for every picture; the pictures are made one by one, from crops on disk."""

    def __init__(self, crops: Crops, teacher: LiveTeacher, config: DistillationConfig) -> None:
        super().__init__(crops, config)
        self._teacher = teacher
        self.dimension = teacher.dimension

    def sample(self, index: int, draw: np.random.Generator) -> tuple[Tensor, ...]:
        """The picture in the teacher's size, and in the student's if it differs, each (3, H, W) uint8 BGR."""
        config, form = self._config, self._config.form

        def other() -> Image:
            return self._crops.load(int(draw.integers(len(self._crops))))

        picture = augmentation.change_geometry(self._crops.load(index), config.strength, draw, self._teacher.size)
        picture = augmentation.change_appearance(picture, config.strength, draw, other)
        if (form.height, form.width) == self._teacher.size:
            return (_planes(picture),)
        return _planes(picture), _planes(resize(picture, form.height, form.width))

    def get_batch(self, batch: list[Tensor], device: torch.device) -> tuple[Tensor, Tensor]:
        """Input and targets. Draws from torch's generators, which the loop seeds anew each step."""
        pictures = blend([tensor.to(device, non_blocking=True).float() for tensor in batch], self._config.mix)
        return prepare_pictures(pictures[-1], self._config.form), self._teacher.embed(pictures[0])


class ResidentTargets:
    """Targets that the teacher computes for every picture; crops and pictures never leave the device.

    Args:
        crops: (N, 3, h, w) uint8 BGR, see `resident_crops`.
    """

    def __init__(self, crops: Tensor, teacher: LiveTeacher, config: DistillationConfig) -> None:
        self._crops, self._teacher, self._config = crops, teacher, config
        self.dimension = teacher.dimension

    def load(self, order: Sequence[list[int]], epoch: int) -> Iterable[Tensor]:
        """Numbers of the crops of each batch, (N,) int64 on the CPU."""
        return (torch.tensor(numbers) % len(self._crops) for numbers in order)

    def get_batch(self, batch: Tensor, device: torch.device) -> tuple[Tensor, Tensor]:
        """Input and targets. Draws from torch's generators, which the loop seeds anew each step."""
        form = self._config.form
        with torch.no_grad(), torch.autocast(device.type, enabled=False):
            crops = self._crops[batch.to(device, non_blocking=True)]
            pictures = change_batch(crops, self._config.strength, self._teacher.size)
            pictures = blend([pictures], self._config.mix)[0].round()
            small = pictures
            if (form.height, form.width) != self._teacher.size:
                small = functional.interpolate(
                    pictures, [form.height, form.width], mode="bilinear", antialias=True, align_corners=False
                )
        return prepare_pictures(small, form), self._teacher.embed(pictures)


def blend(pictures: Sequence[Tensor], share: float) -> list[Tensor]:
    """Blend a share of the pictures, in [0, 1], each with another of the batch; all sizes of a picture alike."""
    count, device = len(pictures[0]), pictures[0].device
    chosen = torch.rand(count, device=device) < share
    own = torch.where(chosen, torch.rand(count, device=device), 1.0).view(-1, 1, 1, 1)
    partners = torch.randperm(count, device=device)
    return [torch.lerp(pixels[partners], pixels, own) for pixels in pictures]


def prepare_pictures(pixels: Tensor, form: InputFormat) -> Tensor:
    """(N, 3, H, W) BGR of 0…255 as `embedding.prepare_crops` makes it, on the device that it is on."""
    factor, offset = _constants(form, pixels.device)
    pixels = pixels if form.colour == "BGR" else pixels.flip(1)
    if factor is not None:
        pixels = pixels * factor
    return pixels if offset is None else pixels - offset


@lru_cache
def _constants(form: InputFormat, device: torch.device) -> tuple[Tensor | None, Tensor | None]:
    """`scaling` on a device: sent once, since each sending would wait for what the device computes."""
    factor, offset = (None if values is None else torch.from_numpy(values).to(device) for values in scaling(form))
    return factor, offset


def _planes(picture: Image) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))
