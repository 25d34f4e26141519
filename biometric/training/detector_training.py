"""Training of a person detector: from a data set in YOLO's layout to a checkpoint with one class."""

import math
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from biometric.entities import Progress
from biometric.errors import DataTooSmall, InvalidSetting, LossNotFinite, OutOfMemory
from biometric.training.labelled_photographs import (
    LAYOUT,
    PERSON,
    LabelledPhotograph,
    RelativeBox,
    find_labelled,
    read_labels,
)
from biometric.training.loop import memory_is_full
from biometric.training.runs import RunFolder
from biometric.training.schedule import check_limit

SPLITS = ("train", "val")

Report = Callable[[Progress], object]


@dataclass(frozen=True, slots=True)
class DetectorConfig:
    """How a detector is trained.

    Attributes:
        architecture: ultralytics' name, such as "yolo26n".
        begin: "scratch" or a `.pt`.
        size: side of the square that pictures are fitted into, in pixels, a multiple of 32.
        rate: learning rate after the warm-up; decays along a half cosine.
        optimizer: ultralytics' name: "MuSGD", "SGD", "AdamW", …
        mosaic: share of pictures that are composed of four, in [0, 1]; none in the last epochs.
        stretch: pictures are stretched by up to this factor in either direction; 1 for none.
        half: half precision: bfloat16 on a CPU, mixed precision on a GPU.
        minutes: time limit, 0 for none; with a limit the rate decays with the time.
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


@dataclass(frozen=True, slots=True)
class DetectorDataset:
    """Photographs to train and validate with, by split ("train", "val"), each with the people in it."""

    splits: Mapping[str, Sequence[tuple[LabelledPhotograph, Sequence[RelativeBox]]]]

    def counts(self) -> dict[str, int]:
        """Return the number of photographs by split, and of people as "people"."""
        people = sum(len(boxes) for photographs in self.splits.values() for _, boxes in photographs)
        return {**{split: len(photographs) for split, photographs in self.splits.items()}, "people": people}


def read_dataset(data: Path) -> DetectorDataset:
    """Read a data set and check every label of it.

    Raises:
        DatasetInvalid: names the first bad path, what is wrong with it, and the expected layout.
        DataTooSmall: nobody is labelled.
    """
    dataset = DetectorDataset(
        {
            split: [(photograph, read_labels(photograph.labels)) for photograph in find_labelled(data, [split])]
            for split in SPLITS
        }
    )
    if not dataset.counts()["people"]:
        raise DataTooSmall(f"Nobody is labelled in {data} (class {PERSON}). Expected layout: {LAYOUT}.")
    return dataset


def link_dataset(dataset: DetectorDataset, folder: Path) -> Path:
    """Link each picture into `folder` and write its labels beside; return the file to train with.

    ultralytics keeps a pickled cache beside the labels it reads. Here, that is a file that this run wrote: nothing is
    written into the data set, and no pickle in it is loaded. The labels are those that were read and checked. Links
    have numbers for names: ultralytics looks for labels beside the last "images" of a path, wherever that stands.
    """
    shutil.rmtree(folder, ignore_errors=True)
    for split, photographs in dataset.splits.items():
        images, labels = folder / "images" / split, folder / "labels" / split
        images.mkdir(parents=True)
        labels.mkdir(parents=True)
        for number, (photograph, boxes) in enumerate(photographs):
            picture = photograph.picture.resolve()
            (images / f"{number:07}{photograph.picture.suffix}").symlink_to(picture)
            lines = [" ".join(map(str, (PERSON, *box))) for box in boxes]
            (labels / f"{number:07}.txt").write_text("".join(f"{line}\n" for line in lines), "utf-8")
    file = folder / "data.yaml"
    file.write_text(
        f"path: {folder.resolve()}\ntrain: images/train\nval: images/val\nnames:\n  {PERSON}: person\n", "utf-8"
    )
    return file


def train_detector(dataset: DetectorDataset, config: DetectorConfig, run: RunFolder, report: Report) -> Path:
    """Train to the end, from the run's last checkpoint where there is one; return the best checkpoint.

    Resuming continues after the last whole epoch, with other random numbers than those of an uninterrupted run.

    Raises:
        LossNotFinite: the last good checkpoint is kept.
        OutOfMemory: says which setting to lower.
        InvalidSetting: ultralytics does not know the architecture or the optimizer.
        RunConflict: the last checkpoint is damaged.
    """
    from biometric.training import ultralytics_trainer

    last, best = (run.folder / "yolo" / "weights" / name for name in ("last.pt", "best.pt"))
    if last.is_file() and best.is_file() and ultralytics_trainer.is_finished(last, config.epochs):
        return best  # interrupted after its last epoch: ultralytics would refuse to continue
    file = link_dataset(dataset, run.folder / "dataset")
    options = _options(config, file, run.folder.resolve(), last.resolve() if last.is_file() else None)
    monitor = _Monitor(run, config, report)
    try:
        with ultralytics_trainer.without_downloads():
            half = config.half and config.device == "cpu"
            ultralytics_trainer.fit_detector(
                ultralytics_trainer.PersonTrainer(options, config.stretch, half, config.threads),
                monitor.on_batch_end,
                monitor.on_epoch_end,
            )
        return best
    except (FileNotFoundError, NotImplementedError, SyntaxError) as error:
        raise InvalidSetting(f"ultralytics cannot train this: {_first_line(error)}") from error
    except (RuntimeError, MemoryError) as error:
        if memory_is_full(error):
            raise OutOfMemory(
                f"The memory of {config.device} is full. Lower --batch (now {config.batch}) or --size (now "
                f"{config.size}); then repeat the command with --resume."
            ) from error
        raise


def _options(config: DetectorConfig, file: Path, folder: Path, last: Path | None) -> dict[str, Any]:
    """ultralytics' settings. Settings not named here keep their defaults; `folder` is absolute."""
    initial = None if config.begin == "scratch" else Path(config.begin).expanduser()
    if initial is not None and not initial.is_file():
        raise InvalidSetting(
            f"--from names {config.begin}, which is not a file. Name a .pt of ultralytics, or scratch."
        )
    return {
        "model": str(last or initial or f"{config.architecture}.yaml"),
        "resume": str(last) if last else False,
        "pretrained": initial is not None,
        "data": str(file),
        "imgsz": config.size,
        "epochs": config.epochs,
        "batch": config.batch,
        "nbs": config.batch,  # one step of the optimizer a batch, not one in 64 pictures
        "optimizer": config.optimizer,
        "lr0": config.rate,
        "lrf": 0.02,
        "momentum": 0.9,
        "cos_lr": True,
        "time": config.minutes / 60 or None,
        "warmup_epochs": 1.0,
        "mosaic": config.mosaic,
        "close_mosaic": min(8, config.epochs // 3),  # the last epochs see pictures as they are
        "amp": config.half and config.device != "cpu",
        "device": config.device.removeprefix("cuda:") if config.device != "cuda" else "0",
        "workers": config.workers,
        "cache": "ram",
        "seed": config.seed,
        "deterministic": False,
        "plots": False,
        "verbose": False,
        "patience": config.epochs,
        "project": str(folder),
        "name": "yolo",
        "save_dir": str(folder / "yolo"),  # also for a run that was moved since its last epoch
        "exist_ok": True,
    }


class _Monitor:
    """Reports progress, records the rows of the run, and stops the training where the loss is not finite."""

    def __init__(self, run: RunFolder, config: DetectorConfig, report: Report) -> None:
        self._run, self._config, self._report = run, config, report
        self._epoch = -1

    def on_batch_end(self, trainer: Any) -> None:
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

    def on_epoch_end(self, trainer: Any) -> None:
        epoch = trainer.epoch + 1
        if epoch > trainer.epochs or any(row["epoch"] == epoch for row in self._run.rows):
            return  # ultralytics calls this once more, for the final validation of the best checkpoint
        losses = {name: float(value) for name, value in trainer.label_loss_items(trainer.tloss, prefix="train").items()}
        metrics = {name: value for name, value in trainer.metrics.items() if isinstance(value, int | float)}
        self._run.record({"epoch": epoch, **losses, **metrics, "rate": trainer.lr["lr/pg0"]})


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].strip()


__all__ = ["DetectorConfig", "DetectorDataset", "link_dataset", "read_dataset", "train_detector"]
