"""Distillation: a small network learns to give the embeddings of a large one (the teacher) on unlabelled crops.

The teacher sees a few fixed views of every crop (cut, stretched, mirrored), once. The student sees the same views,
made worse each time (less detail, other colours, parts missing), and is asked for the teacher's embedding of the
clean view, and for the teacher's comparison scores between the crops of a batch (Park et al., "Relational Knowledge
Distillation", CVPR 2019, arXiv 1904.05068, with cosines in place of distances).
"""

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from biometric.entities import Image, Progress
from biometric.errors import DataTooSmall, InvalidSetting, RunConflict
from biometric.evaluation.intervals import Interval, bootstrap_mean
from biometric.models.cards import InputFormat
from biometric.models.embedding import resize
from biometric.ports import Embedder
from biometric.training import images
from biometric.training.crops.store import Crops
from biometric.training.images import Augmentation
from biometric.training.networks import averaged
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
        views: fixed views of each crop, 1 or more.
        batch: crops a step.
        relation: weight of the comparison scores within a batch beside the embeddings themselves.
        average: decay of the moving average a step, in [0, 1); the average is what is kept.
        workers: processes that make batches; 0 for none.
    """

    form: InputFormat
    views: int = 4
    batch: int = 64
    relation: float = 1.0
    average: float = 0.998
    seed: int = 0
    workers: int = 0
    strength: Augmentation = images.STRONG

    def __post_init__(self) -> None:
        if self.views < 1 or self.batch < 2 or not 0 <= self.average < 1:
            raise InvalidSetting("Distillation needs 1 or more views, batches of 2 or more, an average in [0, 1).")


def view(crop: Image, recipe: Recipe, index: int, number: int, size: tuple[int, int] = VIEW_SIZE) -> Image:
    """Fixed view `number` of crop `index` as (height, width, 3) uint8 BGR; view 0 is the whole crop as it is."""
    if number == 0:
        return resize(crop, *size)
    draw = np.random.default_rng((recipe.seed, _VIEWS_SEED, index, number))
    return images.geometry(crop, recipe.strength, draw, size)


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


class Distillation:
    """loop.Task of a student.

    Args:
        network: (N, 3, H, W) float32 → (N, D) with the teacher's D.
        targets: (N, views, D) of `crops`, see `teach`.
        held_back: crops that the student never learns from, and the teacher's (M, D) of them.

    Raises:
        DataTooSmall: fewer crops than a batch.
        InvalidSetting: student and teacher give embeddings of different length.
    """

    def __init__(
        self, network: nn.Module, crops: Crops, targets: Vectors, held_back: tuple[Crops, Vectors], recipe: Recipe
    ) -> None:
        if len(crops) < recipe.batch:
            raise DataTooSmall(
                f"{len(crops)} crops do not fill one batch of {recipe.batch}. Lower --batch or add crops."
            )
        if network.feature_dim != targets.shape[2]:
            raise InvalidSetting(
                f"The student gives {network.feature_dim} numbers a crop, the teacher {targets.shape[2]}. "
                "Choose a student of the teacher's dimension."
            )
        self.network = network.to(memory_format=torch.channels_last)
        self.average = averaged(self.network, recipe.average)
        self._crops, self._targets, self._recipe = crops, targets, recipe
        self._held_crops, self._held_targets = held_back

    @property
    def modules(self) -> Mapping[str, nn.Module]:
        """The student and its moving average."""
        return {"network": self.network, "average": self.average}

    def steps(self) -> int:
        """Whole batches an epoch."""
        return len(self._crops) // self._recipe.batch

    def batches(self, epoch: int) -> Iterable[Any]:
        """(input, target) of each batch."""
        self.network.train()
        recipe = self._recipe
        order = images.shuffled(len(self._crops), recipe.batch, recipe.seed, epoch)
        samples = images.Samples(self._sample, len(self._crops), recipe.seed, epoch)
        return images.loader(samples, [batch.tolist() for batch in order], recipe.workers)

    def _sample(self, index: int, draw: np.random.Generator) -> tuple[Tensor, Tensor]:
        recipe, form = self._recipe, self._recipe.form
        number = int(draw.integers(recipe.views))
        clean = view(self._crops.load(index), recipe, index, number, (form.height, form.width))
        worse = images.appearance(clean, recipe.strength, draw)
        return images.network_input(worse, form), torch.from_numpy(self._targets[index, number])

    def loss(self, batch: Any) -> Tensor:
        """1 - cosine to the teacher, plus the squared error of the cosines between all pairs of the batch."""
        pixels, target = (part.to(_device(self.network), non_blocking=True) for part in batch)
        found = self.network(pixels.contiguous(memory_format=torch.channels_last)).float()
        found, target = functional.normalize(found), functional.normalize(target)
        likeness = (found * target).sum(1)
        relation = (found @ found.T - target @ target.T).square().mean()
        return (1 - likeness).mean() + self._recipe.relation * relation

    def stepped(self, epoch: int) -> None:
        """Move the average."""
        self.average.update_parameters(self.network)

    def judge(self, epoch: int) -> Mapping[str, float]:
        """Mean cosine to the teacher on the held-back crops, and how far its comparison scores are followed."""
        found = self.embed_held_back()
        return {"cosine": float(self.cosines(found).mean()), "scores": _score_agreement(found, self._held_targets)}

    def embed_held_back(self) -> Vectors:
        """(M, D) unit float32 of the held-back crops by the average."""
        return embed(self.average.module, self._held_crops, self._recipe.form)

    def cosines(self, found: Vectors) -> Vectors:
        """(M,) cosine of the student's embeddings to the teacher's."""
        return np.asarray((found * self._held_targets).sum(1), np.float32)

    def interval(self, cosines: Vectors) -> Interval | None:
        """95 % interval of their mean, drawing whole pictures or videos: crops of one are not independent.

        None where all come from one.
        """
        names = [self._held_crops.video(index) for index in range(len(self._held_crops))]
        sources = np.unique(names, return_inverse=True)[1]
        return bootstrap_mean(cosines.astype(np.float64), sources) if len(set(names)) > 1 else None


def embed(network: nn.Module, crops: Crops | Sequence[Image], form: InputFormat, batch: int = 64) -> Vectors:
    """(N, D) unit float32 of crops (or of BGR pictures) by a network, as the app would make them."""
    device, rows = _device(network), []
    network.eval()
    with torch.no_grad():
        for start in range(0, len(crops), batch):
            numbers = range(start, min(len(crops), start + batch))
            pictures = [crops[number] if isinstance(crops, Sequence) else crops.load(number) for number in numbers]
            pixels = torch.stack([images.network_input(picture, form) for picture in pictures]).to(device)
            rows.append(functional.normalize(network(pixels).float()).cpu().numpy())
    return np.concatenate(rows)


def _device(network: nn.Module) -> torch.device:
    device: torch.device = next(network.parameters()).device
    return device


def _score_agreement(found: Vectors, target: Vectors) -> float:
    """Pearson correlation of the comparison scores of all pairs, student against teacher; 0 for fewer than 3 crops."""
    if len(found) < 3:
        return 0.0
    above = np.triu_indices(len(found), 1)
    return float(np.corrcoef((found @ found.T)[above], (target @ target.T)[above])[0, 1])
