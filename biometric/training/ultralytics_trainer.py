"""The adapter to ultralytics' detection training, with two additions.

Photographs are stretched at random, so that the detector does not learn squeezed people from data sets whose pictures
were squeezed to squares; on CPUs the network can run in bfloat16, which ultralytics offers on CUDA only. Checkpoints
are ordinary ones of ultralytics, which load without this module.
"""

import logging
import math
import os
import random
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from ultralytics.data.dataset import YOLODataset
from ultralytics.models.yolo.detect import DetectionTrainer
from ultralytics.nn.tasks import DetectionModel, torch_safe_load
from ultralytics.utils import LOGGER, downloads

from biometric.errors import RunConflict


class StretchedDataset(YOLODataset):  # type: ignore[misc]  # ultralytics is not followed by mypy here
    """A YOLO data set whose training images are stretched at random by up to `stretch`, in either direction."""

    stretch = 1.0

    def load_image(self, *where: Any, **options: Any) -> tuple[NDArray[np.uint8], tuple[int, int], tuple[int, int]]:
        """The image with its sizes (height, width) on disk and here; labels are relative and stay as they are."""
        image, original, resized = super().load_image(*where, **options)
        if not self.augment or self.stretch <= 1.0:
            return image, original, resized
        height, width = resized
        ratio = math.exp(random.uniform(-math.log(self.stretch), math.log(self.stretch)))
        size = (width, max(1, round(height / ratio))) if ratio > 1 else (max(1, round(width * ratio)), height)
        image = cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)
        return image, original, (size[1], size[0])


class HalfPrecisionModel(DetectionModel):  # type: ignore[misc]
    """Trains with the network in bfloat16 and the loss in float32, on the CPU."""

    def loss(self, batch: dict[str, torch.Tensor], preds: Any = None) -> Any:
        """The loss and its parts."""
        if preds is None and self.training:
            image = batch["img"].contiguous(memory_format=torch.channels_last)
            with torch.autocast("cpu", dtype=torch.bfloat16):
                preds = self.forward(image)
            preds = _to_float32(preds)
        return super().loss(batch, preds)


class PersonTrainer(DetectionTrainer):  # type: ignore[misc]
    """ultralytics' trainer with stretched images and, where `half_on_cpu`, bfloat16 on the CPU.

    Args:
        options: ultralytics' own settings.
        stretch: largest factor of stretching, 1 for none.
        threads: of the CPU; ultralytics itself would use one.
    """

    def __init__(self, options: dict[str, Any], stretch: float, half_on_cpu: bool, threads: int = 0) -> None:
        LOGGER.setLevel(logging.ERROR)  # its progress bars, too: progress comes from the callbacks
        self._stretch, self._half_on_cpu, self._threads = stretch, half_on_cpu, threads or os.cpu_count() or 1
        super().__init__(overrides=options)

    def build_dataset(self, img_path: str, mode: str = "train", batch: int | None = None) -> Any:
        """The data set of a split; for training one that stretches."""
        dataset = super().build_dataset(img_path, mode, batch)
        if mode == "train":
            dataset.__class__ = StretchedDataset
            dataset.stretch = self._stretch
        return dataset

    def get_model(self, cfg: Any = None, weights: Any = None, verbose: bool = False) -> Any:
        """The network, from a name or a configuration, filled with `weights` where given."""
        model_class = HalfPrecisionModel if self._half_on_cpu else DetectionModel
        model = model_class(cfg, nc=self.data["nc"], ch=self.data["channels"], verbose=False)
        if weights:
            model.load(weights, verbose=False)
        return model.to(memory_format=torch.channels_last) if self._half_on_cpu else model

    def _setup_train(self) -> None:
        super()._setup_train()
        if self.device.type == "cpu":
            torch.set_num_threads(self._threads)
        if self._half_on_cpu:
            # The moving average is saved, and must load without this module.
            self.ema.ema.__class__ = DetectionModel


def _to_float32(preds: Any) -> Any:
    if isinstance(preds, torch.Tensor):
        return preds.float()
    if isinstance(preds, dict):
        return {name: _to_float32(value) for name, value in preds.items()}
    if isinstance(preds, list | tuple):
        return type(preds)(_to_float32(value) for value in preds)
    return preds


def fit_detector(
    trainer: PersonTrainer, on_batch_end: Callable[[PersonTrainer], None], on_epoch_end: Callable[[PersonTrainer], None]
) -> None:
    """Train to the end; an exception raised by a callback ends the training."""
    trainer.add_callback("on_train_batch_end", on_batch_end)
    trainer.add_callback("on_fit_epoch_end", on_epoch_end)
    trainer.train()


def is_finished(last: Path, epochs: int) -> bool:
    """Whether a training of `epochs` epochs has finished the last one. Raises `RunConflict`: damaged."""
    try:
        epoch = int(torch_safe_load(last)[0]["epoch"])
    except Exception as error:  # ultralytics and torch raise whatever a damaged file provokes
        raise RunConflict(
            f"The checkpoint {last} cannot be used ({type(error).__name__}). Delete it, or choose another --run."
        ) from error
    return epoch < 0 or epoch + 1 >= epochs  # -1: exported, without the state of the training


@contextmanager
def without_downloads() -> Generator[None, None, None]:
    """Prevent ultralytics' own downloads: a font, and a network to test mixed precision with on a GPU.

    It works without either, as it does without an internet connection.
    """

    def refuse(*_: Any, **__: Any) -> None:
        raise ConnectionError("nothing is downloaded during a training")

    def no_address(url: Any, check: bool = False) -> bool:
        return not check and is_url(url)

    is_url, fetch = downloads.is_url, downloads.safe_download
    downloads.is_url, downloads.safe_download = no_address, refuse
    try:
        yield
    finally:
        downloads.is_url, downloads.safe_download = is_url, fetch
