"""CUHK03 (Li and others, "DeepReID", CVPR 2014), read from its `.mat` as published, or from a plain folder.

The `.mat` is HDF5: `labeled` and `detected` hold five camera pairs, each (10, people) references to pictures of
(3, W, H) uint8 RGB, of which 0–4 are by the pair's first camera and 5–9 by its second; `testsets` holds 20 lists of 100
test people as (camera pair, person), counted from 1. The new protocol (Zhong and others, "Re-ranking person
re-identification with k-reciprocal encoding", CVPR 2017; 767 people to train, 700 to test) is a second `.mat` of names
and indices.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from biometric.errors import DatasetInvalid, InvalidSetting
from biometric.evaluation.datasets.dataset import (
    Dataset,
    Entry,
    Role,
    Source,
    assemble,
    file,
    folder,
    invalid,
    is_picture,
)

PROTOCOLS = ("new-labeled", "new-detected", "classic-labeled", "classic-detected", "plain")
LAYOUT = (
    "cuhk-03.mat (or cuhk03_release/cuhk-03.mat) and, for the new protocol, cuhk03_new_protocol_config_labeled.mat "
    "(or _detected.mat); or a plain folder of pictures named person_index.jpg, index 0-4 camera 1, 5-9 camera 2."
)
SPLITS = 20

_PLAIN_NAME = re.compile(r"(\d+)_(\d)\.\w+")
_NEW_NAME = re.compile(r"(\d+)_(\d+)_([12])_(\d+)\.\w+")


def read_cuhk03(root: Path, protocol: str | None = None) -> Dataset:
    """Read CUHK03. `classic-…:N` chooses one of the 20 published test sets, counted from 0 (default: 0).

    Without a protocol: the new one on labelled boxes where the `.mat` is there, else a plain folder.

    Raises:
        DatasetInvalid: something is missing or malformed.
        InvalidSetting: no such test set.
    """
    folder(root, LAYOUT)
    stored, name, number = _chosen(root, protocol)
    if name == "plain":
        return assemble("CUHK03", "plain: camera 1 against camera 2", _plain_entries(root))
    kind, _, boxes = name.partition("-")
    if kind == "new":
        sides: dict[Role, str] = {"probe": "query_idx", "reference": "gallery_idx"}
        return assemble("CUHK03", f"new (767/700), {boxes}", _new_entries(root, stored, boxes, sides))
    entries = _classic_entries(stored, boxes, number)
    return assemble("CUHK03", f"classic, {boxes}, test set {number}", entries, single_shot=True)


def read_cuhk03_training(root: Path, protocol: str | None = None) -> Dataset | None:
    """Read what a protocol trains on: its list, or all people outside the classic test set; None for plain folders.

    Raises: as `read_cuhk03`.
    """
    folder(root, LAYOUT)
    stored, name, number = _chosen(root, protocol)
    if name == "plain":
        return None
    kind, _, boxes = name.partition("-")
    if kind == "new":
        entries = _new_entries(root, stored, boxes, {"both": "train_idx"})
    else:
        entries = _classic_entries(stored, boxes, number, tested=False)
    return assemble("CUHK03", f"training side of {name}", entries)


def _chosen(root: Path, protocol: str | None) -> tuple[Path, str, int]:
    """The `.mat`, the protocol's name and the number of its test set."""
    stored = next(
        (path for path in (root / "cuhk-03.mat", root / "cuhk03_release" / "cuhk-03.mat") if path.is_file()), None
    )
    name, _, number = (protocol or ("plain" if stored is None else PROTOCOLS[0])).partition(":")
    if stored is None and name != "plain":
        raise invalid(root / "cuhk-03.mat", "does not exist", LAYOUT)
    if name.startswith("classic") and (not (number or "0").isdigit() or int(number or "0") >= SPLITS):
        raise InvalidSetting(f"CUHK03 has the test sets 0 to {SPLITS - 1}, got {number!r}.")
    return stored or root, name, int(number) if number.isdigit() else 0


def _plain_entries(root: Path) -> list[Entry]:
    files = sorted(path for path in root.iterdir() if is_picture(path))
    if not files:
        raise invalid(root, "holds neither cuhk-03.mat nor a picture", LAYOUT)
    entries = []
    for picture in files:
        named = _PLAIN_NAME.fullmatch(picture.name)
        if named is None:
            raise invalid(picture, "is not named after a person and an index from 0 to 9", LAYOUT)
        entries.append(_entry(Source(picture), named[1], 1 if int(named[2]) < 5 else 2))
    return entries


def _entry(source: Source, person: str, view: int) -> Entry:
    role: Role = "probe" if view == 1 else "reference"
    return Entry(source, person, str(view), role)


def _classic_entries(stored: Path, boxes: str, number: int, tested: bool = True) -> Iterator[Entry]:
    """All pictures of a test set's people (or of all others) are probes and references (as in torchreid)."""
    with _opened(stored) as mat:
        try:
            chosen = {(int(pair), int(person)) for pair, person in mat[mat["testsets"][0][number]][:].T}
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise invalid(stored, f"holds no test set {number}", LAYOUT) from error
        for pair, person, view, _, source in _pictures(mat, stored, boxes):
            if ((pair, person) in chosen) is tested:
                yield Entry(source, f"{pair}_{person:03d}", str(view))


def _new_entries(root: Path, stored: Path, boxes: str, wanted: Mapping[Role, str]) -> Iterator[Entry]:
    """The pictures whose numbers (from 1) stand in the wanted lists of the protocol."""
    from scipy.io import loadmat

    config = root / f"cuhk03_new_protocol_config_{boxes}.mat"
    try:
        lists = loadmat(file(config, LAYOUT))
        names = [str(name[0]) for name in lists["filelist"].ravel()]
        labels = [int(label) for label in lists["labels"].ravel()]
        sides: dict[Role, Sequence[int]] = {role: lists[key].ravel().tolist() for role, key in wanted.items()}
    except DatasetInvalid:
        raise
    except (OSError, ValueError, KeyError, TypeError, NotImplementedError) as error:
        raise invalid(config, f"is not the published list ({error})", LAYOUT) from error
    with _opened(stored) as mat:
        sources = {key: source for *key_parts, source in _pictures(mat, stored, boxes) if (key := tuple(key_parts))}
    for role, indices in sides.items():
        for index in indices:
            named = _NEW_NAME.fullmatch(names[index - 1]) if 0 < index <= len(names) else None
            key = tuple(int(digits) for digits in named.groups()) if named is not None else ()
            if named is None or key not in sources:
                raise invalid(config, f"lists picture {index}, which {stored.name} does not hold", LAYOUT)
            yield Entry(sources[key], f"{labels[index - 1]:04d}", named[3], role)


def _opened(stored: Path) -> Any:
    import h5py

    try:
        return h5py.File(stored, "r")
    except OSError as error:
        raise invalid(stored, f"is not the published HDF5 file ({error})", LAYOUT) from error


def _pictures(mat: Any, stored: Path, boxes: str) -> Iterator[tuple[int, int, int, int, Source]]:
    """Yield (pair, person, view, picture, source), all counted from 1; cells without a picture are passed over."""
    try:
        pairs = list(mat[boxes][0])
    except (KeyError, IndexError, TypeError) as error:
        raise invalid(stored, f"holds no {boxes} pictures", LAYOUT) from error
    for pair, reference in enumerate(pairs, 1):
        cells = mat[reference]
        for person in range(cells.shape[1]):
            for index in range(cells.shape[0]):
                picture = mat[cells[index][person]]
                if picture.ndim == 3 and picture.size > 0:
                    yield pair, person + 1, 1 if index < 5 else 2, index + 1, Source(stored, str(picture.name))
