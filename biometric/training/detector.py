"""Training of a person detector, from a data set in YOLO's layout to a checkpoint with one class."""

import math
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from biometric.entities import Progress
from biometric.errors import DatasetInvalid, DataTooSmall, InvalidSetting, LossNotFinite, OutOfMemory
from biometric.training.crops.photographs import PERSON, read_labels
from biometric.training.loop import memory_is_full
from biometric.training.runs import RunFolder
from biometric.training.schedule import check_limit

SPLITS = ("train", "val")
PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}
LAYOUT = "DIR/images/train, DIR/images/val and, with the same names, DIR/labels/train, DIR/labels/val"

Report = Callable[[Progress], object]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a detector is trained.

    Attributes:
        architecture: ultralytics' name, such as "yolo26n".
        begin: "scratch" or a `.pt`.
        size: side of the square that pictures are fitted into, in pixels, a multiple of 32.
        rate: learning rate after the warm-up; falls along a half cosine.
        optimizer: ultralytics' name: "MuSGD", "SGD", "AdamW", …
        mosaic: share of pictures that are put together of four, in [0, 1]; the last epochs see none.
        stretch: pictures are stretched by up to this factor in either direction; 1 for none.
        half: half precision: bfloat16 on a CPU, mixed precision on a GPU.
        minutes: end after so long, 0 for no limit; the rate then falls with the time.
        threads: of the CPU, 0 for all cores.
    """

    architecture: str = "yolo26n"
    begin: str = "scratch"
    size: int = 320
    epochs: int = 100
    batch: int = 16
    rate: float = 0.01
    optimizer: str = "MuSGD"
    mosaic: float = 1.0
    stretch: float = 1.8
    half: bool = False
    minutes: float = 0.0
    device: str = "cpu"
    threads: int = 0
    workers: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        check_limit(self.minutes)
        if self.epochs < 1 or self.batch < 1 or not 0 < self.rate <= 1 or self.stretch < 1 or not 0 <= self.mosaic <= 1:
            raise InvalidSetting(
                "A detector needs 1 or more epochs and pictures a batch, a rate in (0, 1], a stretch of 1 or more, "
                "a mosaic in [0, 1]."
            )
        if self.size < 32 or self.size % 32:
            raise InvalidSetting(f"--size must be a multiple of 32 pixels, got {self.size}.")


def check_dataset(data: Path) -> dict[str, int]:
    """Look at every label of a data set; return the number of pictures by split, and of people as "people".

    A picture without a label file shows nobody.

    Raises:
        DatasetInvalid: names the first bad path, what is wrong with it, and the expected layout.
        DataTooSmall: a split has no picture, or nobody is labelled.
    """
    counts, people = {}, 0
    for split in SPLITS:
        folder = data / "images" / split
        if not folder.is_dir():
            raise DatasetInvalid(f"{folder} is missing. Expected {LAYOUT}.")
        pictures = _pictures(folder)
        if not pictures:
            raise DataTooSmall(f"{folder} holds no pictures. Expected {LAYOUT}.")
        counts[split] = len(pictures)
        for picture in pictures:
            label = (data / "labels" / split / picture.relative_to(folder)).with_suffix(".txt")
            people += _people(label) if label.is_file() else 0
    if not people:
        raise DataTooSmall(f"Nobody is labelled in {data}. Expected {LAYOUT}.")
    return {**counts, "people": people}


def _people(label: Path) -> int:
    """Count a label file's boxes. Raises `DatasetInvalid`: also where one is of another class."""
    rows = read_labels(label)
    for number, kind, *_ in rows:
        if kind != PERSON:
            raise DatasetInvalid(
                f"{label}, line {number}, is of class {kind}. Take out all but people, class {PERSON}."
            )
    return len(rows)


def link_dataset(data: Path, folder: Path) -> Path:
    """Lay a link to each picture and its labels into `folder`; return the file to train with.

    ultralytics keeps a pickled cache beside the labels it reads. Beside these links, it is one that this run wrote:
    nothing is written into the data set, and no pickle that lies there is loaded. (Links to whole folders would not
    do: ultralytics follows them.)
    """
    shutil.rmtree(folder, ignore_errors=True)
    for split in SPLITS:
        source = (data / "images" / split).resolve()
        for picture in _pictures(source):
            inner = picture.relative_to(source)
            label = (data / "labels" / split / inner).with_suffix(".txt").resolve()
            for part, target in (("images", picture), ("labels", label)):
                link = (folder / part / split / inner).with_suffix(target.suffix)
                if target.is_file():
                    link.parent.mkdir(parents=True, exist_ok=True)
                    link.symlink_to(target)
    file = folder / "data.yaml"
    file.write_text(f"path: {folder.resolve()}\ntrain: images/train\nval: images/val\nnames:\n  0: person\n", "utf-8")
    return file


def _pictures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in PICTURES)


def train(data: Path, recipe: Recipe, run: RunFolder, report: Report) -> Path:
    """Train to the end, from the run's last checkpoint where there is one; return the best checkpoint.

    Resuming goes on after the last whole epoch, but draws other random numbers than an unbroken run would.

    Args:
        data: a data set that `check_dataset` found good.

    Raises:
        LossNotFinite: the last good checkpoint is kept.
        OutOfMemory: says which setting to lower.
        InvalidSetting: ultralytics does not know the architecture or the optimizer.
        RunConflict: the last checkpoint is damaged.
    """
    from biometric.training import yolo

    last, best = (run.folder / "yolo" / "weights" / name for name in ("last.pt", "best.pt"))
    if last.is_file() and best.is_file() and yolo.finished(last, recipe.epochs):
        return best  # killed after its last epoch: ultralytics would refuse to go on
    file = link_dataset(data, run.folder / "dataset")
    options = _options(recipe, file, run.folder.resolve(), last.resolve() if last.is_file() else None)
    watch = _Watch(run, recipe, report)
    try:
        with yolo.without_downloads():
            half = recipe.half and recipe.device == "cpu"
            yolo.fit(yolo.PersonTrainer(options, recipe.stretch, half, recipe.threads), watch.batch, watch.epoch)
        return best
    except (FileNotFoundError, NotImplementedError, SyntaxError) as error:
        raise InvalidSetting(f"ultralytics cannot train this: {_first_line(error)}") from error
    except (RuntimeError, MemoryError) as error:
        if memory_is_full(error):
            raise OutOfMemory(
                f"The memory of {recipe.device} is full. Lower --batch (now {recipe.batch}) or --size (now "
                f"{recipe.size}); then go on with --resume."
            ) from error
        raise


def _options(recipe: Recipe, file: Path, folder: Path, last: Path | None) -> dict[str, Any]:
    """ultralytics' settings. What is not named keeps its default; a relative `folder` it would look for elsewhere."""
    begin = None if recipe.begin == "scratch" else Path(recipe.begin).expanduser()
    if begin is not None and not begin.is_file():
        raise InvalidSetting(f"--from names {recipe.begin}, which is no file. Name a .pt of ultralytics, or scratch.")
    return {
        "model": str(last or begin or f"{recipe.architecture}.yaml"),
        "resume": str(last) if last else False,
        "pretrained": begin is not None,
        "data": str(file),
        "imgsz": recipe.size,
        "epochs": recipe.epochs,
        "batch": recipe.batch,
        "nbs": recipe.batch,  # one step of the optimizer a batch, rather than one in 64 pictures
        "optimizer": recipe.optimizer,
        "lr0": recipe.rate,
        "lrf": 0.02,
        "momentum": 0.9,
        "cos_lr": True,
        "time": recipe.minutes / 60 or None,
        "warmup_epochs": 1.0,
        "mosaic": recipe.mosaic,
        "close_mosaic": min(8, recipe.epochs // 3),  # the last epochs see pictures as they are
        "amp": recipe.half and recipe.device != "cpu",
        "device": recipe.device.removeprefix("cuda:") if recipe.device != "cuda" else "0",
        "workers": recipe.workers,
        "cache": "ram",
        "seed": recipe.seed,
        "deterministic": False,
        "plots": False,
        "verbose": False,
        "patience": recipe.epochs,
        "project": str(folder),
        "name": "yolo",
        "save_dir": str(folder / "yolo"),  # also of a run that was moved since its last epoch
        "exist_ok": True,
    }


class _Watch:
    """Follows the training: progress, rows of the run, and an end where the loss is no number."""

    def __init__(self, run: RunFolder, recipe: Recipe, report: Report) -> None:
        self._run, self._recipe, self._report = run, recipe, report
        self._epoch = -1

    def batch(self, trainer: Any) -> None:
        if trainer.epoch != self._epoch:
            self._epoch, self._step = trainer.epoch, 0
            self._run.forget_after(trainer.epoch)
        self._step += 1
        loss = float(trainer.loss.detach())
        if not math.isfinite(loss):
            raise LossNotFinite(
                f"The loss became {loss} in epoch {trainer.epoch + 1}. The state after the last whole epoch is kept in "
                f"{self._run.folder}. Train again with a lower --rate or without --half."
            )
        stage = f"Epoch {trainer.epoch + 1} of {trainer.epochs}: step"
        self._report(Progress(stage, self._step, len(trainer.train_loader)))

    def epoch(self, trainer: Any) -> None:
        done = trainer.epoch + 1
        if done > trainer.epochs or any(row["epoch"] == done for row in self._run.rows):
            return  # the final check of the best checkpoint comes as one more epoch
        losses = {name: float(value) for name, value in trainer.label_loss_items(trainer.tloss, prefix="train").items()}
        known = {name: value for name, value in trainer.metrics.items() if isinstance(value, int | float)}
        self._run.record({"epoch": done, **losses, **known, "rate": trainer.lr["lr/pg0"]})


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].strip()


__all__ = ["LAYOUT", "Recipe", "check_dataset", "link_dataset", "train"]
