"""Market-1501, MSMT17 and CUHK01, read as published.

Market-1501  Zheng and others, "Scalable person re-identification: a benchmark", ICCV 2015
MSMT17       Wei and others, "Person transfer GAN to bridge domain gap", CVPR 2018
CUHK01       Li, Zhao and Wang, "Human reidentification with transferred metric learning", ACCV 2012
"""

import re
from collections.abc import Iterator
from pathlib import Path

from biometric.evaluation.datasets.dataset import (
    Dataset,
    Entry,
    Role,
    Source,
    assemble,
    file,
    folder,
    invalid,
    pictures,
)

STANDARD = ("standard",)

MARKET_PROTOCOLS = ("standard",)
MARKET_LAYOUT = (
    "query/ and bounding_box_test/ (or one folder of pictures, all of them probes and references) with names such as "
    "0002_c1s1_000451_03.jpg: person, c, camera; -1 is junk, 0000 a distractor. Training reads bounding_box_train/."
)
_MARKET_NAME = re.compile(r"(-1|\d+)_c(\d+)(?:\D.*)?\.\w+")

CUHK01_LAYOUT = (
    "campus/ (or the folder itself) with names such as 0001003.png: four digits of person, three of picture; "
    "1 and 2 are camera A, 3 and 4 camera B."
)
_CUHK01_NAME = re.compile(r"(\d{4})(\d{3})\.\w+")

MSMT17_LAYOUT = (
    "list_query.txt and list_gallery.txt with lines such as '0000/0000_000_01_0303morning_0015_0.jpg 0' (file, person; "
    "the third part of the name is the camera), beside test/ (or mask_test_v2/); or a folder MSMT17_V1/ of these. "
    "Training reads list_train.txt beside train/ (or mask_train_v2/)."
)


def read_market(root: Path, protocol: str | None = None) -> Dataset:
    """Read Market-1501 or any folder in its naming. The training folder is not needed.

    Junk (`-1`) is compared with nobody; distractors (`0000`) are wrong answers in rankings and no part of 1:1.

    Raises:
        DatasetInvalid: a folder is missing or empty, or a picture is named otherwise.
    """
    folder(root, MARKET_LAYOUT)
    split = (root / "query").is_dir() or (root / "bounding_box_test").is_dir()
    if not split:
        return assemble("Market-1501 naming", "all against all", _market_entries(root, "both"))
    entries = [*_market_entries(root / "query", "probe"), *_market_entries(root / "bounding_box_test", "reference")]
    return assemble("Market-1501", protocol or MARKET_PROTOCOLS[0], entries)


def read_market_training(root: Path, protocol: str | None = None) -> Dataset | None:
    """Read bounding_box_train/; None for any other folder in the naming.

    Raises:
        DatasetInvalid: there are query/ or bounding_box_test/ alone, or a picture is named otherwise.
    """
    folder(root, MARKET_LAYOUT)
    names = ("query", "bounding_box_test", "bounding_box_train")
    if not any((root / name).is_dir() for name in names):
        return None
    entries = _market_entries(root / "bounding_box_train", "both")
    return assemble("Market-1501", "training side", entries)


def _market_entries(path: Path, role: Role) -> Iterator[Entry]:
    for picture in pictures(path, MARKET_LAYOUT):
        named = _MARKET_NAME.fullmatch(picture.name)
        if named is None:
            raise invalid(picture, "is not named after a person and a camera", MARKET_LAYOUT)
        person: str | None = named[1]
        if person == "-1":
            person = None
        elif int(named[1]) == 0:
            person = ""
        yield Entry(Source(picture), person, named[2].zfill(4), role)


def read_cuhk01(root: Path, protocol: str | None = None) -> Dataset:
    """Read CUHK01: camera A's pictures of all 971 people against camera B's.

    Raises:
        DatasetInvalid: no folder, no picture, or a picture is named otherwise.
    """
    folder(root, CUHK01_LAYOUT)
    entries = []
    for picture in pictures(root / "campus" if (root / "campus").is_dir() else root, CUHK01_LAYOUT):
        named = _CUHK01_NAME.fullmatch(picture.name)
        if named is None or not 1 <= int(named[2]) <= 4:
            raise invalid(picture, "is not named after a person and a picture from 1 to 4", CUHK01_LAYOUT)
        probe = int(named[2]) <= 2
        entries.append(Entry(Source(picture), named[1], "A" if probe else "B", "probe" if probe else "reference"))
    notes = ["All people, camera A against camera B; published splits of 485 or 486 people are random and differ."]
    return assemble("CUHK01", protocol or STANDARD[0], entries, notes=notes)


def read_msmt17(root: Path, protocol: str | None = None) -> Dataset:
    """Read MSMT17 (V1 or V2) by its lists.

    Raises:
        DatasetInvalid: a list, a folder or a listed picture is missing, or a line says something else.
    """
    root = _msmt17_root(root)
    masked = root / "mask_test_v2"
    test = masked if masked.is_dir() else folder(root / "test", MSMT17_LAYOUT)
    entries = [
        *_msmt17_entries(root / "list_query.txt", test, "probe"),
        *_msmt17_entries(root / "list_gallery.txt", test, "reference"),
    ]
    return assemble("MSMT17", protocol or STANDARD[0], entries)


def read_msmt17_training(root: Path, protocol: str | None = None) -> Dataset:
    """Read list_train.txt beside train/ (or mask_train_v2/).

    list_val.txt is left out, as published results leave it out: it holds further pictures of the same people.

    Raises:
        DatasetInvalid: as `read_msmt17`.
    """
    root = _msmt17_root(root)
    masked = root / "mask_train_v2"
    train = masked if masked.is_dir() else folder(root / "train", MSMT17_LAYOUT)
    return assemble("MSMT17", "training side", _msmt17_entries(root / "list_train.txt", train, "both"))


def _msmt17_root(root: Path) -> Path:
    folder(root, MSMT17_LAYOUT)
    for name in ("MSMT17_V1", "MSMT17_V2"):
        if (root / name).is_dir():
            root = root / name
    return root


def _msmt17_entries(listing: Path, test: Path, role: Role) -> Iterator[Entry]:
    try:
        lines = file(listing, MSMT17_LAYOUT).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise invalid(listing, f"cannot be read ({error})", MSMT17_LAYOUT) from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        name, _, person = line.strip().rpartition(" ")
        name_fields = Path(name).name.split("_")
        if not person.isdigit() or len(name_fields) < 3 or not name_fields[2].isdigit():
            raise invalid(listing, f"has {line!r} in line {number}", MSMT17_LAYOUT)
        yield Entry(Source(file(test / name, MSMT17_LAYOUT)), person.zfill(6), name_fields[2], role)
