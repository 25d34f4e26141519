"""Detections kept in columns of numbers, so that somebody who is in view for hours takes little memory."""

import dataclasses
from array import array
from collections.abc import Iterable, Sequence
from typing import overload

import numpy as np
from numpy.typing import NDArray

from biometric.entities.footage import Detection

_MEASURES = tuple(
    field.name for field in dataclasses.fields(Detection) if field.name not in {"frame_index", "box", "box_index"}
)
"""The attributes of a detection that are one float each."""

_NUMBERS = 4 + len(_MEASURES)


class DetectionList(Sequence[Detection]):
    """A growing sequence of detections, about 60 bytes each; each access builds a `Detection`.

    Equal to any sequence (such as a tuple) of equal detections.
    """

    __slots__ = ("_box_indices", "_frames", "_numbers")

    def __init__(self, detections: Iterable[Detection] = ()) -> None:
        self._frames, self._box_indices, self._numbers = array("q"), array("q"), array("d")
        for detection in detections:
            self.append(detection)

    @property
    def frames(self) -> Sequence[int]:
        """Frame numbers of the detections."""
        return self._frames

    @classmethod
    def from_columns(
        cls, frames: NDArray[np.int64], box_indices: NDArray[np.int64], numbers: NDArray[np.float64]
    ) -> "DetectionList":
        """Return the detections of (N,), (N,) and (N, 6) columns, as `columns` gives them.

        Raises:
            ValueError: other shapes, or a number that is not finite.
        """
        if frames.ndim != 1 or box_indices.shape != frames.shape or numbers.shape != (len(frames), _NUMBERS):
            shapes = (frames.shape, box_indices.shape, numbers.shape)
            raise ValueError(f"expected columns of shape (N,), (N,) and (N, {_NUMBERS}), got {shapes}")
        if not np.isfinite(numbers).all():
            raise ValueError("expected finite numbers of detections")
        made = cls()
        made._frames.frombytes(np.ascontiguousarray(frames, np.int64).tobytes())
        made._box_indices.frombytes(np.ascontiguousarray(box_indices, np.int64).tobytes())
        made._numbers.frombytes(np.ascontiguousarray(numbers, np.float64).tobytes())
        return made

    @property
    def columns(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
        """Frame numbers (N,), box numbers (N,), and (N, 6) of x1, y1, x2, y2, confidence, seconds."""
        numbers = np.array(self._numbers, np.float64).reshape(-1, _NUMBERS)
        return np.array(self._frames, np.int64), np.array(self._box_indices, np.int64), numbers

    def append(self, detection: Detection) -> None:
        """Add a detection at the end."""
        self._frames.append(detection.frame_index)
        self._box_indices.append(detection.box_index)
        self._numbers.extend((*detection.box, *(getattr(detection, name) for name in _MEASURES)))

    def where(self, chosen: NDArray[np.bool_]) -> "DetectionList":
        """Return the detections for which `chosen`, (N,), is true."""
        chosen_detections = DetectionList()
        chosen_detections._frames.frombytes(np.array(self._frames)[chosen].tobytes())
        chosen_detections._box_indices.frombytes(np.array(self._box_indices)[chosen].tobytes())
        chosen_detections._numbers.frombytes(np.array(self._numbers).reshape(-1, _NUMBERS)[chosen].tobytes())
        return chosen_detections

    def __len__(self) -> int:
        return len(self._frames)

    @overload
    def __getitem__(self, index: int) -> Detection: ...

    @overload
    def __getitem__(self, index: slice) -> "DetectionList": ...

    def __getitem__(self, index: int | slice) -> "Detection | DetectionList":
        if isinstance(index, slice):
            return DetectionList(self[number] for number in range(len(self))[index])
        number = range(len(self))[index]
        x1, y1, x2, y2, *measures = self._numbers[number * _NUMBERS : (number + 1) * _NUMBERS]
        return Detection(
            frame_index=self._frames[number],
            box=(x1, y1, x2, y2),
            box_index=self._box_indices[number],
            **dict(zip(_MEASURES, measures, strict=True)),
        )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or len(other) != len(self):
            return NotImplemented
        return all(mine == theirs for mine, theirs in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]  # it grows

    def __repr__(self) -> str:
        return f"DetectionList({list(self)!r})"
