"""Opens the pictures of a data set (OpenCV; h5py for CUHK03's `.mat`)."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from biometric.clips.crops import decode_image
from biometric.entities import Image
from biometric.errors import DatasetInvalid
from biometric.evaluation.datasets.dataset import Source

MAX_PIXELS = 36_000_000
"""A crop of a person is never larger; a damaged header could claim that it is."""


class DatasetImages:
    """Reads sources; keeps HDF5 files open until it is left (`with DatasetImages() as pictures`)."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._stores: dict[Path, Any] = {}

    def __enter__(self) -> "DatasetImages":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def load(self, source: Source) -> Image:
        """Return a picture as (h, w, 3) uint8 BGR.

        Raises:
            DatasetInvalid: the file cannot be read or is no picture.
        """
        read: Callable[[Source], Image | None] = self._stored if source.inside else _decoded
        try:
            image = read(source)
        except (OSError, KeyError) as error:
            raise DatasetInvalid(f"{source} cannot be read: {error}. Copy the data set again.") from error
        if image is None or image.ndim != 3 or image.shape[2] != 3 or not 0 < image.size <= 3 * MAX_PIXELS:
            raise DatasetInvalid(f"{source} is damaged or no picture. Copy it again, or take it out of the data set.")
        return image

    def _stored(self, source: Source) -> Image | None:
        import h5py

        if source.path not in self._stores:
            self._stores[source.path] = self._stack.enter_context(h5py.File(source.path, "r"))
        # (3, W, H) RGB, MATLAB's order of axes
        stored = np.asarray(self._stores[source.path][source.inside][:], dtype=np.uint8)
        return np.ascontiguousarray(stored.T[:, :, ::-1])


def _decoded(source: Source) -> Image | None:
    return decode_image(source.path.read_bytes())
