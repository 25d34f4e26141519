"""Reads custom data sets: a tree of folders, a CSV, and a gallery of this app."""

import csv
from pathlib import Path

from biometric.errors import EmptyGallery
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
from biometric.ports import Gallery

TREE_LAYOUT = "one folder a person, in it one folder a camera or visit, in it pictures: identity/camera/*.jpg."

CSV_LAYOUT = (
    "a CSV (or a folder with dataset.csv) with the columns file, id, cam and, if wanted, split: file is relative to "
    "the CSV; split is query, gallery or train (not evaluated); without it every picture is probe and reference."
)
_ROLES: dict[str, Role] = {"query": "probe", "probe": "probe", "gallery": "reference", "test": "reference", "": "both"}
_LEFT_OUT = {"train", "val"}

GALLERY_LAYOUT = "a gallery folder of this app with enrolled people."


def read_tree(root: Path, protocol: str | None = None) -> Dataset:
    """Read `identity/camera/*.jpg`: every picture is probe and reference.

    Raises:
        DatasetInvalid: no person, a person without camera folders, or a camera folder without pictures.
    """
    entries = [
        Entry(Source(picture), person.name, camera.name)
        for person in _folders(root)
        for camera in _folders(person)
        for picture in pictures(camera, TREE_LAYOUT)
    ]
    return assemble("Folders", protocol or "all against all", entries)


def _folders(path: Path) -> list[Path]:
    subfolders = sorted(
        child for child in folder(path, TREE_LAYOUT).iterdir() if child.is_dir() and not child.name.startswith(".")
    )
    if not subfolders:
        raise invalid(path, "holds no folder", TREE_LAYOUT)
    return subfolders


def read_csv(path: Path, protocol: str | None = None) -> Dataset:
    """Read a CSV (UTF-8) with a header `file,id,cam,split`; further columns are passed over.

    Raises:
        DatasetInvalid: the file or a listed picture is missing, or a line cannot be used.
    """
    listing = file(path / "dataset.csv" if path.is_dir() else path, CSV_LAYOUT)
    rows = [row for row in _csv_rows(listing) if row["split"] not in _LEFT_OUT]
    entries = [_csv_entry(listing, row) for row in rows]
    if not entries:
        raise invalid(listing, "lists no picture to evaluate", CSV_LAYOUT)
    return assemble("CSV", protocol or "as listed", entries)


def read_csv_training(path: Path, protocol: str | None = None) -> Dataset | None:
    """Read the lines whose split is train; None where no line has a split.

    Raises:
        DatasetInvalid: as `read_csv`, or there are other splits but no train, or it shares a person with the test side.
    """
    listing = file(path / "dataset.csv" if path.is_dir() else path, CSV_LAYOUT)
    rows = _csv_rows(listing)
    if not any(row["split"] for row in rows):
        return None
    entries = [_csv_entry(listing, row) for row in rows if row["split"] == "train"]
    if not entries:
        raise invalid(listing, "lists no picture of the split train", CSV_LAYOUT)
    shared = {row["id"] for row in rows if row["split"] not in _LEFT_OUT} & {entry.person for entry in entries}
    if shared:
        raise invalid(
            listing, f"has {min(shared)} in train and in other splits; test people must not be trained on", CSV_LAYOUT
        )
    return assemble("CSV", "training side", entries)


def _csv_rows(listing: Path) -> list[dict[str, str]]:
    """The lines with `file`, `id`, `cam` and a known `split` ("" for none); files are not looked for."""
    try:
        with listing.open(encoding="utf-8-sig", newline="") as opened:
            rows = list(csv.DictReader(opened))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise invalid(listing, f"cannot be read ({error})", CSV_LAYOUT) from error
    return [_checked(listing, number, row) for number, row in enumerate(rows, 2)]


def _checked(listing: Path, number: int, row: dict[str, str | None]) -> dict[str, str]:
    values = {name: (row.get(name) or "").strip() for name in ("file", "id", "cam", "split")}
    missing = [name for name in ("file", "id", "cam") if not values[name]]
    if missing:
        raise invalid(listing, f"has no {missing[0]} in line {number}", CSV_LAYOUT)
    split = values["split"].lower()
    if split not in _ROLES and split not in _LEFT_OUT:
        raise invalid(listing, f"has the split {values['split']!r} in line {number}", CSV_LAYOUT)
    return {**values, "split": split}


def _csv_entry(listing: Path, row: dict[str, str]) -> Entry:
    source = Source(file(listing.parent / row["file"], CSV_LAYOUT))
    return Entry(source, row["id"], row["cam"], _ROLES.get(row["split"], "both"))


def read_gallery(gallery: Gallery) -> Dataset:
    """Read the crops of an app's gallery: each reference is a camera of its own, so that visits are compared.

    Who has one reference only takes part as an impostor.

    Raises:
        EmptyGallery: nobody is enrolled.
        DatasetInvalid: a crop is missing.
    """
    entries = []
    for identity in gallery.identities():
        for reference in gallery.references(identity.id):
            entries += [
                Entry(Source(file(crop, GALLERY_LAYOUT)), identity.name, reference.id) for crop in reference.crops
            ]
    if not entries:
        raise EmptyGallery(
            f"Nobody is enrolled in {gallery.folder}. Enroll people first, or name another gallery folder."
        )
    return assemble("Gallery of this app", "visits against visits", entries)
