"""The adapter to ultralytics' detection training: what it lacks for this job is added here, and nowhere else.

Photographs are stretched at random, so that data sets squeezed to squares do not teach squeezed people; on CPUs the
network can run in bfloat16, which ultralytics offers on CUDA only. What is saved is an ordinary checkpoint of
ultralytics, which loads without this module.
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
        """The image with its sizes (height, width) on disk and here; labels are relative, so they fit as they are."""
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
            preds = _widened(preds)
        return super().loss(batch, preds)


class PersonTrainer(DetectionTrainer):  # type: ignore[misc]
    """ultralytics' trainer with stretched images and, where `half_on_cpu`, bfloat16 on the CPU.

    Args:
        options: ultralytics' own settings.
        stretch: largest factor of stretching, 1 for none.
        threads: of the CPU; ultralytics itself would use one.
    """

    def __init__(self, options: dict[str, Any], stretch: float, half_on_cpu: bool, threads: int = 0) -> None:
        LOGGER.setLevel(logging.ERROR)  # its progress bars, too: progress is told by the callbacks
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
        kind = HalfPrecisionModel if self._half_on_cpu else DetectionModel
        model = kind(cfg, nc=self.data["nc"], ch=self.data["channels"], verbose=False)
        if weights:
            model.load(weights, verbose=False)
        return model.to(memory_format=torch.channels_last) if self._half_on_cpu else model

    def _setup_train(self) -> None:
        super()._setup_train()
        if self.device.type == "cpu":
            torch.set_num_threads(self._threads)
        if self._half_on_cpu:
            # What is saved is the moving average: it must load wherever ultralytics is, without this module.
            self.ema.ema.__class__ = DetectionModel


def _widened(preds: Any) -> Any:
    if isinstance(preds, torch.Tensor):
        return preds.float()
    if isinstance(preds, dict):
        return {name: _widened(value) for name, value in preds.items()}
    if isinstance(preds, list | tuple):
        return type(preds)(_widened(value) for value in preds)
    return preds


def fit(
    trainer: PersonTrainer, each_batch: Callable[[PersonTrainer], None], each_epoch: Callable[[PersonTrainer], None]
) -> None:
    """Train to the end; what the callbacks raise ends the training."""
    trainer.add_callback("on_train_batch_end", each_batch)
    trainer.add_callback("on_fit_epoch_end", each_epoch)
    trainer.train()


def finished(last: Path, epochs: int) -> bool:
    """Whether a training of so many epochs came to the end of the last one. Raises `RunConflict`: damaged."""
    try:
        epoch = int(torch_safe_load(last)[0]["epoch"])
    except Exception as error:  # ultralytics and torch raise whatever a damaged file provokes
        raise RunConflict(
            f"The checkpoint {last} cannot be used ({type(error).__name__}). Delete it, or choose another --run."
        ) from error
    return epoch < 0 or epoch + 1 >= epochs  # -1: ready for use, with no state of the training left


@contextmanager
def without_downloads() -> Generator[None, None, None]:
    """Keep ultralytics from fetching what nobody asked for: a font, a network to try mixed precision with on a GPU.

    It does without either, as where there is no network.
    """

    def refused(*_: Any, **__: Any) -> None:
        raise ConnectionError("nothing is downloaded during a training")

    def no_address(url: Any, check: bool = False) -> bool:
        return not check and is_url(url)

    is_url, fetch = downloads.is_url, downloads.safe_download
    downloads.is_url, downloads.safe_download = no_address, refused
    try:
        yield
    finally:
        downloads.is_url, downloads.safe_download = is_url, fetch
