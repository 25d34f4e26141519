"""Data sets as published: the person and the camera of each picture, and which are probes and references.

Reading one opens no picture (CUHK03's `.mat` apart); `DatasetImages` does, and reports one that is damaged.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from biometric.errors import InvalidSetting
from biometric.evaluation.datasets.dataset import Dataset, Source

Read = Callable[[Path, str | None], Dataset]
"""Read a folder (or file) under a protocol (None: the first one). Raises `DatasetInvalid`, `InvalidSetting`."""
ReadTraining = Callable[[Path, str | None], Dataset | None]
"""The same of what the protocol trains on; None where nothing is set apart for training."""


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of data set: its protocols, the default first, and its layout in words."""

    name: str
    protocols: tuple[str, ...]
    layout: str
    read: Read
    read_training: ReadTraining


def families() -> dict[str, Family]:
    """All kinds that are read from a folder or a file, by name; a gallery of the app is read by `gallery_samples`."""
    from biometric.evaluation.datasets import cuhk03, folders, published

    def undivided(path: Path, protocol: str | None) -> None:
        return None

    standard = published.STANDARD
    kinds = (
        Family(
            "market1501",
            published.MARKET_PROTOCOLS,
            published.MARKET_LAYOUT,
            published.read_market,
            published.read_market_training,
        ),
        Family("cuhk03", cuhk03.PROTOCOLS, cuhk03.LAYOUT, cuhk03.read_cuhk03, cuhk03.read_cuhk03_training),
        Family("cuhk01", standard, published.CUHK01_LAYOUT, published.read_cuhk01, undivided),
        Family("msmt17", standard, published.MSMT17_LAYOUT, published.read_msmt17, published.read_msmt17_training),
        Family("tree", standard, folders.TREE_LAYOUT, folders.read_tree, undivided),
        Family("csv", standard, folders.CSV_LAYOUT, folders.read_csv, folders.read_csv_training),
    )
    return {family.name: family for family in kinds}


def read(name: str, path: Path, protocol: str | None = None) -> Dataset:
    """Read a data set.

    Raises:
        InvalidSetting: no such kind of data set, or no such protocol.
        DatasetInvalid: missing or malformed; names the first bad path and the expected layout.
    """
    return _family(name, protocol).read(path, protocol)


def read_training(name: str, path: Path, protocol: str | None = None) -> Dataset | None:
    """Read what the data set's protocol trains on, each picture as probe and reference.

    None where nothing is set apart for training: the data set is not divided.

    Raises: as `read`; also where there is a test side without a training side.
    """
    return _family(name, protocol).read_training(path, protocol)


def _family(name: str, protocol: str | None) -> Family:
    known = families()
    if name not in known:
        raise InvalidSetting(f"There is no kind of data set {name!r}. Known: {', '.join(known)}, gallery.")
    family = known[name]
    if protocol is not None and protocol.partition(":")[0] not in family.protocols:
        raise InvalidSetting(
            f"The data set {name} has no protocol {protocol!r}. Its protocols: {', '.join(family.protocols)}."
        )
    return family


__all__ = ["Dataset", "Family", "Source", "families", "read", "read_training"]
