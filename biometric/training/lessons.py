"""What a student of a large embedder (the teacher) is shown, and what the teacher answers.

Two ways. `FixedLessons`: the teacher has embedded a few views of every crop once; the student sees these, made worse,
and is asked for the answer to the clean view: cheap on a CPU. `LiveLessons`: the teacher looks at exactly the picture
that the student sees, worsened and blended as it is, at every step, so that no two pictures are alike and nothing can
be learnt by heart. That costs a run of the teacher a picture, and is for long runs (Beyer et al., "Knowledge
distillation: A good teacher is patient and consistent", CVPR 2022, arXiv 2106.05237).
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
from biometric.errors import InvalidSetting, RunConflict
from biometric.models.cards import InputFormat
from biometric.models.embedding import resize, scaling
from biometric.ports import Embedder
from biometric.training import images
from biometric.training.crops.store import Crops
from biometric.training.images import Augmentation
from biometric.training.runs import RunFolder

VIEW_SIZE = (256, 128)
"""Height and width of a view, in pixels: what re-identification networks take."""

_TEACHER_BATCH = 32
_VIEWS_SEED = 7_919
Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a student learns.

    Attributes:
        form: how crops become the student's input.
        views: fixed views of each crop, 1 or more; of no account where the teacher looks at every picture.
        batch: crops a step.
        relation: weight of the comparison scores within a batch beside the embeddings themselves.
        mix: share of pictures that are blended with another of the batch, in [0, 1]; only where the teacher sees them.
        passes: how often an epoch shows each crop.
        average: decay of the moving average a step, in [0, 1); the average is what is kept.
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
    strength: Augmentation = images.STRONG

    def __post_init__(self) -> None:
        if self.views < 1 or self.batch < 2 or not 0 <= self.average < 1 or self.passes < 1 or not 0 <= self.mix <= 1:
            raise InvalidSetting(
                "Distillation needs 1 or more views and passes, batches of 2 or more, a share to blend in [0, 1], and "
                "an average in [0, 1)."
            )


class Lessons(Protocol):
    """Pictures for the student, and the teacher's answers."""

    @property
    def dimension(self) -> int:
        """Length of an answer."""

    def sample(self, index: int, draw: np.random.Generator) -> tuple[Tensor, ...]:
        """Crop `index` as tensors; made in other processes, too."""

    def asked(self, batch: list[Tensor], device: torch.device) -> tuple[Tensor, Tensor]:
        """Student's input (N, 3, H, W) float32 and the answers (N, D) of a batch of samples, on the device."""


def view(crop: Image, recipe: Recipe, index: int, number: int, size: tuple[int, int] = VIEW_SIZE) -> Image:
    """Fixed view `number` of crop `index` as (height, width, 3) uint8 BGR; view 0 is the whole crop as it is."""
    if number == 0:
        return resize(crop, *size)
    draw = np.random.default_rng((recipe.seed, _VIEWS_SEED, index, number))
    return images.geometry(crop, recipe.strength, draw, size)


class FixedLessons:
    """Lessons of fixed views.

    Args:
        answers: (N, views, D) of `crops`, see `teach`.
    """

    def __init__(self, crops: Crops, answers: Vectors, recipe: Recipe) -> None:
        self._crops, self._answers, self._recipe = crops, answers, recipe

    @property
    def dimension(self) -> int:
        """Length of an answer."""
        return int(self._answers.shape[2])

    def sample(self, index: int, draw: np.random.Generator) -> tuple[Tensor, ...]:
        """Input, and answer to the view that it was before it was worsened."""
        recipe, form = self._recipe, self._recipe.form
        number = int(draw.integers(recipe.views))
        clean = view(self._crops.load(index), recipe, index, number, (form.height, form.width))
        worse = images.appearance(clean, recipe.strength, draw)
        return images.network_input(worse, form), torch.from_numpy(self._answers[index, number])

    def asked(self, batch: list[Tensor], device: torch.device) -> tuple[Tensor, Tensor]:
        """Input and answers."""
        pixels, answers = (part.to(device, non_blocking=True) for part in batch)
        return pixels, answers


class LiveLessons:
    """Lessons in which the teacher looks at every picture.

    Args:
        teacher: (N, 3, H, W) float32, prepared as `form` says → (N, dimension); on the device of the training.
    """

    def __init__(self, crops: Crops, teacher: nn.Module, form: InputFormat, dimension: int, recipe: Recipe) -> None:
        self._crops, self._teacher, self._form, self._recipe = crops, teacher, form, recipe
        self.dimension = dimension

    def sample(self, index: int, draw: np.random.Generator) -> tuple[Tensor, ...]:
        """The picture in the teacher's size, and in the student's if it differs, each (3, H, W) uint8 BGR."""
        recipe, form = self._recipe, self._recipe.form
        size, own = (self._form.height, self._form.width), (form.height, form.width)
        picture = images.geometry(self._crops.load(index), recipe.strength, draw, size)
        picture = images.appearance(picture, recipe.strength, draw)
        return (_planes(picture),) if own == size else (_planes(picture), _planes(resize(picture, *own)))

    def asked(self, batch: list[Tensor], device: torch.device) -> tuple[Tensor, Tensor]:
        """Input and answers. Draws from torch's generator of the device, which the loop seeds anew each epoch."""
        shown = [part.to(device, non_blocking=True).float() for part in batch]
        count = len(shown[0])
        chosen = torch.rand(count, device=device) < self._recipe.mix
        share = torch.where(chosen, torch.rand(count, device=device), 1.0).view(-1, 1, 1, 1)
        others = torch.randperm(count, device=device)
        blended = [torch.lerp(part[others], part, share) for part in shown]
        with torch.no_grad():
            answers = self._teacher(_prepared(blended[0], self._form)).flatten(1).float()
        return _prepared(blended[-1], self._recipe.form), answers


def _planes(picture: Image) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))


def _prepared(pixels: Tensor, form: InputFormat) -> Tensor:
    """(N, 3, H, W) BGR of 0…255 as `embedding.prepare` makes it, on the device where it is."""
    factor, offset = scaling(form)
    pixels = pixels if form.colour == "BGR" else pixels.flip(1)
    if factor is not None:
        pixels = pixels * torch.from_numpy(factor).to(pixels.device)
    return pixels if offset is None else pixels - torch.from_numpy(offset).to(pixels.device)


def teach(
    crops: Crops, teacher: Embedder, recipe: Recipe, run: RunFolder, name: str, views: int
) -> Generator[Progress, None, Vectors]:
    """Embed all views with the teacher: (N, views, D) float32, kept in the run as `name`.….npy for a resumed run.

    Raises:
        RunConflict: the run has learnt from another teacher or from other crops.
    """
    file = run.folder / f"{name}.{_taught(crops, teacher, recipe, views)}.npy"
    if file.is_file():
        kept: Vectors = np.load(file, allow_pickle=False)
        return kept.astype(np.float32)
    if run.checkpoint.is_file() and any(run.folder.glob(f"{name}.*.npy")):
        raise RunConflict(
            f"The run in {run.folder} has learnt from another teacher than {teacher.model_id}, or from other crops "
            "than are there now. Restore what it was begun with, or choose another --run."
        )
    targets = np.empty((len(crops), views, teacher.dimension), np.float32)
    for index in range(len(crops)):
        crop = crops.load(index)
        for start in range(0, views, _TEACHER_BATCH):
            numbers = range(start, min(views, start + _TEACHER_BATCH))
            targets[index, start : start + len(numbers)] = teacher.embed(
                [view(crop, recipe, index, number) for number in numbers]
            )
        if index % 50 == 49:
            yield Progress("The teacher embeds crop", index + 1, len(crops))
    temporary = run.folder / f".{name}.partial.npy"
    np.save(temporary, targets.astype(np.float16), allow_pickle=False)
    temporary.replace(file)
    return targets.astype(np.float16).astype(np.float32)  # as a resumed run will read it


def _taught(crops: Crops, teacher: Embedder, recipe: Recipe, views: int) -> str:
    """A name for what decides the targets: which embedder and crops serve may change where no option does."""
    found = sha256(f"{teacher.model_id}\n{views} {recipe.seed}\n".encode())
    for index in range(len(crops)):
        found.update(f"{crops.video(index)}/{crops.name(index)}\n".encode())
    return found.hexdigest()[:16]
