"""Reads pickles of plain data: containers, numbers, text and numeric numpy arrays. Nothing in the file is ever run.

A pickle is a program that may call any function of Python. Here the few names that plain data need stand for
functions of this module, which take numbers out of bytes and can do nothing else; every other name is refused.
"""

import pickle
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from biometric.errors import DatasetInvalid

LARGEST = 1_000_000_000
"""Most bytes of a file."""

_NUMBER = re.compile(r"b1|[iu][1248]|f[248]")


def read(path: Path) -> Any:
    """Return the content of a pickle; arrays are `numpy.ndarray` of numbers.

    Raises:
        DatasetInvalid: it is missing, damaged or too large, or needs a name that is refused; the message says which.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise DatasetInvalid(f"{path} has more than {LARGEST:,} bytes, which is the limit.")
        with path.open("rb") as file:
            return _plain(_Unpickler(file, encoding="latin1").load())
    except OSError as error:
        raise DatasetInvalid(f"{path} cannot be read: {error.strerror}.") from error
    except _Refused as error:
        raise DatasetInvalid(
            f"{path} is refused: it wants to call {error}, and a pickle may hold plain data only. Save it as JSON or "
            "CSV."
        ) from error
    except _BROKEN as error:
        raise DatasetInvalid(f"{path} is no pickle of plain data: {error}. Save it as JSON or CSV.") from error


class _Refused(pickle.UnpicklingError):
    """A name that is not on the list."""


_BROKEN = (
    pickle.UnpicklingError,
    EOFError,
    ValueError,
    TypeError,
    IndexError,
    KeyError,
    AttributeError,
    OverflowError,
    MemoryError,
    RecursionError,
)
"""What unpickling damaged bytes raises."""


class _Unpickler(pickle.Unpickler):
    """Looks no module up: names are those of `_NAMES` or refused."""

    def find_class(self, module: str, name: str) -> Any:
        found = _NAMES.get((_MOVED.get(module, module), name))
        if found is None:
            raise _Refused(f"{module}.{name}")
        return found

    def persistent_load(self, pid: Any) -> Any:
        raise _Refused("an object outside the file")


class _Type:
    """Stands for `numpy.dtype`: a kind of number and its byte order."""

    def __init__(self, code: str, *_: Any) -> None:
        if not isinstance(code, str) or _NUMBER.fullmatch(code) is None:
            raise ValueError(f"an array of type {code!r} holds no plain numbers")
        self._code, self._order = code, "="

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        if state[1] not in ("<", ">", "|", "="):
            raise ValueError("an array's type is damaged")
        self._order = state[1]

    @property
    def dtype(self) -> np.dtype[Any]:
        return np.dtype(self._order + self._code)


class _Array:
    """Stands for a `numpy.ndarray` while it is put together."""

    def __init__(self, *_: Any) -> None:
        self.value = np.zeros(0)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, kind, fortran, data = state
        self.value = _numbers(data, kind, shape, "F" if fortran else "C")


def _numbers(data: Any, kind: Any, shape: Any, order: Any = "C") -> Any:
    if isinstance(data, str):
        data = data.encode("latin1")  # as Python 2 wrote it
    if not isinstance(kind, _Type) or order not in ("C", "F"):
        raise ValueError("an array is damaged")
    sizes = tuple(int(size) for size in shape)
    return np.frombuffer(bytes(data), kind.dtype).reshape(sizes, order=order)


def _from_buffer(data: Any, kind: Any, shape: Any, order: Any) -> _Array:
    array = _Array()
    array.value = _numbers(data, kind, shape, order)
    return array


def _scalar(kind: Any, data: Any) -> Any:
    return _numbers(data, kind, (1,))[0].item()


def _encoded(text: str, *_: Any) -> bytes:
    return text.encode("latin1")


def _empty(*_: Any) -> dict[Any, Any]:
    return {}


def _marker(*_: Any) -> None:
    raise ValueError("an array is put together in an unknown way")


_NAMES: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy.core.multiarray", "scalar"): _scalar,
    ("numpy.core.numeric", "_frombuffer"): _from_buffer,
    ("numpy", "ndarray"): _marker,
    ("numpy", "dtype"): _Type,
    ("_codecs", "encode"): _encoded,
    ("collections", "OrderedDict"): dict,
    ("collections", "defaultdict"): _empty,
    **{("builtins", each.__name__): each for each in (list, dict, tuple, set, frozenset, int, float)},
}


_MOVED = {
    "__builtin__": "builtins",  # of Python 2, and what Python 3 writes for it
    "numpy._core.multiarray": "numpy.core.multiarray",
    "numpy._core.numeric": "numpy.core.numeric",
}


def _plain(value: Any) -> Any:
    """Put the arrays in for what stands for them."""
    if isinstance(value, _Array):
        return value.value
    if isinstance(value, dict):
        return {_plain(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return _sequence(value)
    return value


def _sequence(values: Iterable[Any]) -> list[Any]:
    return [_plain(each) for each in values]
