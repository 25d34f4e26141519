"""The pictures that a student sees, and its targets: the embeddings by a large embedder, the teacher.

`FixedTargets`: the teacher embeds a few views of every crop once, before the training; the student sees degraded
versions of them, and its target is the embedding of the clean view. This is cheap on a CPU. Targets of a teacher that
embeds every picture stand in `live_targets`.
"""

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from biometric.entities import Image, Progress
from biometric.entities.model_cards import InputFormat
from biometric.errors import InvalidSetting, RunConflict, StorageFull
from biometric.models.embedding import resize
from biometric.ports import Embedder
from biometric.storage import atomic_path, describe_os_error
from biometric.training import augmentation
from biometric.training.augmentation_ranges import STRONG, Augmentation
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
    strength: Augmentation = STRONG

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

    def load(self, order: Sequence[list[int]], epoch: int) -> Iterable[Any]:
        """Make the batches of an epoch: each holds the samples of these numbers; number i shows crop i modulo N."""

    def get_batch(self, batch: Any, device: torch.device) -> tuple[Tensor, Tensor]:
        """The student's input (N, 3, H, W) float32 and the targets (N, D) of a batch, on the device."""


class SampledTargets:
    """Base of targets whose pictures are made one by one, by worker processes where there are some."""

    def __init__(self, crops: Crops, config: DistillationConfig) -> None:
        self._crops, self._config = crops, config

    def sample(self, index: int, draw: np.random.Generator) -> tuple[Tensor, ...]:
        """Crop `index` as tensors; may be called in worker processes."""
        raise NotImplementedError

    def load(self, order: Sequence[list[int]], epoch: int) -> Iterable[list[Tensor]]:
        """Batches of samples, each drawn by the generator of (seed, epoch, number)."""
        config, count = self._config, len(self._crops) * self._config.passes
        samples = augmentation.EpochSamples(self._numbered, count, config.seed, epoch)
        return augmentation.load_batches(samples, order, config.workers)

    def _numbered(self, number: int, draw: np.random.Generator) -> tuple[Tensor, ...]:
        return self.sample(number % len(self._crops), draw)


def make_view(
    crop: Image, config: DistillationConfig, index: int, number: int, size: tuple[int, int] = VIEW_SIZE
) -> Image:
    """Fixed view `number` of crop `index` as (height, width, 3) uint8 BGR; view 0 is the whole crop as it is."""
    if number == 0:
        return resize(crop, *size)
    draw = np.random.default_rng((config.seed, _VIEWS_SEED, index, number))
    return augmentation.change_geometry(crop, config.strength, draw, size)


class FixedTargets(SampledTargets):
    """Targets that were computed once, for fixed views.

    Args:
        targets: (N, views, D) of `crops`, see `embed_teacher`.
    """

    def __init__(self, crops: Crops, targets: Vectors, config: DistillationConfig) -> None:
        super().__init__(crops, config)
        self._targets = targets
        self.dimension = int(targets.shape[2])

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
    crops_a_batch = max(1, _TEACHER_BATCH // views)
    for first in range(0, len(crops), crops_a_batch):
        indices = range(first, min(len(crops), first + crops_a_batch))
        pictures = []
        for index in indices:
            crop = crops.load(index)
            pictures += [make_view(crop, config, index, number) for number in range(views)]
        targets[first : indices.stop] = teacher.embed(pictures).reshape(len(indices), views, -1)
        yield Progress("The teacher embeds crop", indices.stop, len(crops))
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
