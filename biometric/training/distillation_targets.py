"""The pictures that a student sees, and its targets: the embeddings by a large embedder, the teacher.

Two kinds. `FixedTargets`: the teacher embeds a few views of every crop once, before the training; the student sees
degraded versions of them, and its target is the embedding of the clean view. This is cheap on a CPU.
`OnlineTargets`:
the teacher embeds exactly the picture that the student sees, degraded and blended, at every step, so that no two
pictures are alike and the student cannot memorise targets. That costs a run of the teacher for each picture, and pays
in long runs (Beyer et al., "Knowledge distillation: A good teacher is patient and consistent", CVPR 2022,
arXiv 2106.05237).
"""

from collections.abc import Generator
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from biometric.entities import Image, Progress
from biometric.entities.model_cards import InputFormat
from biometric.errors import InvalidSetting, RunConflict, StorageFull
from biometric.models.embedding import resize, scaling
from biometric.ports import Embedder
from biometric.storage import atomic_path, describe_os_error
from biometric.training import augmentation
from biometric.training.augmentation import Augmentation
from biometric.training.crops.crop_records import Crops
from biometric.training.runs import RunFolder

VIEW_SIZE = (256, 128)
"""Height and width of a view, in pixels: what re-identification networks take."""

_TEACHER_BATCH = 32
_VIEWS_SEED = 7_919
Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class DistillationConfig:
    """How a student is trained.

    Attributes:
        form: how crops become the student's input.
        views: fixed views of each crop, 1 or more; not used with an online teacher.
        batch: crops a step.
        relation: weight of the comparison scores within a batch beside the embeddings themselves.
        mix: share of pictures that are blended with another of the batch, in [0, 1]; only with an online teacher.
        passes: how often an epoch shows each crop.
        average: decay of the moving average a step, in [0, 1); the average is exported.
        workers: processes that make batches; 0 for none.
    """

    form: InputFormat
    views: int = 4
    batch: int = 64
    relation: float = 1.0
    mix: float = 0.5
    passes: int = 1
    average: float = 0.998
    seed: int = 0
    workers: int = 0
    strength: Augmentation = augmentation.STRONG

    def __post_init__(self) -> None:
        if self.views < 1 or self.batch < 2 or not 0 <= self.average < 1 or self.passes < 1 or not 0 <= self.mix <= 1:
            raise InvalidSetting(
                "Distillation needs 1 or more views and passes, batches of 2 or more, a share to blend in [0, 1], and "
                "an average in [0, 1)."
            )


class DistillationTargets(Protocol):
    """Inputs of the student, and its targets."""

    @property
    def dimension(self) -> int:
        """Length of a target."""

    def sample(self, index: int, draw: np.random.Generator) -> tuple[Tensor, ...]:
        """Crop `index` as tensors; may be called in worker processes."""

    def get_batch(self, batch: list[Tensor], device: torch.device) -> tuple[Tensor, Tensor]:
        """The student's input (N, 3, H, W) float32 and the targets (N, D) of a batch of samples, on the device."""


def make_view(
    crop: Image, config: DistillationConfig, index: int, number: int, size: tuple[int, int] = VIEW_SIZE
) -> Image:
    """Fixed view `number` of crop `index` as (height, width, 3) uint8 BGR; view 0 is the whole crop as it is."""
    if number == 0:
        return resize(crop, *size)
    draw = np.random.default_rng((config.seed, _VIEWS_SEED, index, number))
    return augmentation.change_geometry(crop, config.strength, draw, size)


class FixedTargets:
    """Targets that were computed once, for fixed views.

    Args:
        targets: (N, views, D) of `crops`, see `embed_teacher`.
    """

    def __init__(self, crops: Crops, targets: Vectors, config: DistillationConfig) -> None:
        self._crops, self._targets, self._config = crops, targets, config

    @property
    def dimension(self) -> int:
        """Length of a target."""
        return int(self._targets.shape[2])

    def sample(self, index: int, draw: np.random.Generator) -> tuple[Tensor, ...]:
        """Degraded view, and the target of the clean one."""
        config, form = self._config, self._config.form
        number = int(draw.integers(config.views))
        clean = make_view(self._crops.load(index), config, index, number, (form.height, form.width))
        degraded = augmentation.change_appearance(clean, config.strength, draw)
        return augmentation.network_input(degraded, form), torch.from_numpy(self._targets[index, number])

    def get_batch(self, batch: list[Tensor], device: torch.device) -> tuple[Tensor, Tensor]:
        """Input and targets."""
        pixels, targets = (tensor.to(device, non_blocking=True) for tensor in batch)
        return pixels, targets


class OnlineTargets:
    """Targets that the teacher computes for every picture, at each step.

    Args:
        teacher: (N, 3, H, W) float32, prepared as `form` says → (N, dimension); on the device of the training.
    """

    def __init__(
        self, crops: Crops, teacher: nn.Module, form: InputFormat, dimension: int, config: DistillationConfig
    ) -> None:
        self._crops, self._teacher, self._form, self._config = crops, teacher, form, config
        self.dimension = dimension

    def sample(self, index: int, draw: np.random.Generator) -> tuple[Tensor, ...]:
        """The picture in the teacher's size, and in the student's if it differs, each (3, H, W) uint8 BGR."""
        config, form = self._config, self._config.form
        teacher_size, student_size = (self._form.height, self._form.width), (form.height, form.width)
        picture = augmentation.change_geometry(self._crops.load(index), config.strength, draw, teacher_size)
        picture = augmentation.change_appearance(picture, config.strength, draw)
        if student_size == teacher_size:
            return (_planes(picture),)
        return _planes(picture), _planes(resize(picture, *student_size))

    def get_batch(self, batch: list[Tensor], device: torch.device) -> tuple[Tensor, Tensor]:
        """Input and targets. Draws from torch's generator of the device, which the loop seeds anew each epoch."""
        pictures = [tensor.to(device, non_blocking=True).float() for tensor in batch]
        count = len(pictures[0])
        chosen = torch.rand(count, device=device) < self._config.mix
        share = torch.where(chosen, torch.rand(count, device=device), 1.0).view(-1, 1, 1, 1)
        partners = torch.randperm(count, device=device)
        blended = [torch.lerp(pixels[partners], pixels, share) for pixels in pictures]
        with torch.no_grad():
            targets = self._teacher(_prepared(blended[0], self._form)).flatten(1).float()
        return _prepared(blended[-1], self._config.form), targets


def _planes(picture: Image) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))


def _prepared(pixels: Tensor, form: InputFormat) -> Tensor:
    """(N, 3, H, W) BGR of 0…255 as `embedding.prepare_crops` makes it, on the device that it is on."""
    factor, offset = scaling(form)
    pixels = pixels if form.colour == "BGR" else pixels.flip(1)
    if factor is not None:
        pixels = pixels * torch.from_numpy(factor).to(pixels.device)
    return pixels if offset is None else pixels - torch.from_numpy(offset).to(pixels.device)


def embed_teacher(
    crops: Crops, teacher: Embedder, config: DistillationConfig, run: RunFolder, name: str, views: int
) -> Generator[Progress, None, Vectors]:
    """Embed all views with the teacher: (N, views, D) float32, kept in the run as `name`.….npy for a resumed run.

    Raises:
        RunConflict: the run was trained with another teacher or with other crops.
        StorageFull: the targets cannot be stored.
    """
    file = run.folder / f"{name}.{_targets_key(crops, teacher, config, views)}.npy"
    if file.is_file():
        kept: Vectors = np.load(file, allow_pickle=False)
        return kept.astype(np.float32)
    if run.checkpoint.is_file() and any(run.folder.glob(f"{name}.*.npy")):
        raise RunConflict(
            f"The run in {run.folder} was trained with another teacher than {teacher.model_id}, or with other crops "
            "than there are now. Restore the teacher and the crops, or choose another --run."
        )
    targets = np.empty((len(crops), views, teacher.dimension), np.float32)
    for index in range(len(crops)):
        crop = crops.load(index)
        for start in range(0, views, _TEACHER_BATCH):
            numbers = range(start, min(views, start + _TEACHER_BATCH))
            targets[index, start : start + len(numbers)] = teacher.embed(
                [make_view(crop, config, index, number) for number in numbers]
            )
        if index % 50 == 49:
            yield Progress("The teacher embeds crop", index + 1, len(crops))
    try:
        with atomic_path(file, 0o644) as partial, partial.open("wb") as stream:
            np.save(stream, targets.astype(np.float16), allow_pickle=False)
    except OSError as error:
        raise StorageFull(
            f"{file} cannot be written: {describe_os_error(error)}. Free some space; then repeat the command with "
            "--resume."
        ) from error
    return targets.astype(np.float16).astype(np.float32)  # as a resumed run will read it


def _targets_key(crops: Crops, teacher: Embedder, config: DistillationConfig, views: int) -> str:
    """A digest of what decides the targets: the embedder and the crops may change although no option does."""
    digest = sha256(f"{teacher.model_id}\n{views} {config.seed}\n".encode())
    for index in range(len(crops)):
        digest.update(f"{crops.video(index)}/{crops.name(index)}\n".encode())
    return digest.hexdigest()[:16]
