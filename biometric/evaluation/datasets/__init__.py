"""Data sets as published: which pictures show whom by which camera, and which are probes and references.

Reading one opens no picture (CUHK03's `.mat` apart); `pictures.Pictures` does, and reports one that is damaged.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from biometric.errors import InvalidSetting
from biometric.evaluation.datasets.common import Dataset, Source

Read = Callable[[Path, str | None], Dataset]
"""Read a folder (or file) under a protocol (None: the first one). Raises `DatasetInvalid`, `InvalidSetting`."""


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of data set: its protocols, the default first, and its layout in words."""

    name: str
    protocols: tuple[str, ...]
    layout: str
    read: Read


def families() -> dict[str, Family]:
    """All kinds that are read from a folder or a file, by name; a gallery of the app is read by `gallery_samples`."""
    from biometric.evaluation.datasets import cuhk03, folders, published

    readers = {
        "market1501": (published.read_market, published.MARKET_PROTOCOLS, published.MARKET_LAYOUT),
        "cuhk03": (cuhk03.read_cuhk03, cuhk03.PROTOCOLS, cuhk03.LAYOUT),
        "cuhk01": (published.read_cuhk01, published.STANDARD, published.CUHK01_LAYOUT),
        "msmt17": (published.read_msmt17, published.STANDARD, published.MSMT17_LAYOUT),
        "tree": (folders.read_tree, published.STANDARD, folders.TREE_LAYOUT),
        "csv": (folders.read_csv, published.STANDARD, folders.CSV_LAYOUT),
    }
    return {name: Family(name, protocols, layout, read) for name, (read, protocols, layout) in readers.items()}


def read(name: str, path: Path, protocol: str | None = None) -> Dataset:
    """Read a data set.

    Raises:
        InvalidSetting: no such kind of data set, or no such protocol.
        DatasetInvalid: missing or malformed; names the first bad path and the expected layout.
    """
    known = families()
    if name not in known:
        raise InvalidSetting(f"There is no kind of data set {name!r}. Known: {', '.join(known)}, gallery.")
    family = known[name]
    if protocol is not None and protocol.partition(":")[0] not in family.protocols:
        raise InvalidSetting(
            f"The data set {name} has no protocol {protocol!r}. Its protocols: {', '.join(family.protocols)}."
        )
    return family.read(path, protocol)


__all__ = ["Dataset", "Family", "Source", "families", "read"]
