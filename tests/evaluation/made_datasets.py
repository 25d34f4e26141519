"""Small data sets in the published layouts: every person has a colour, every camera a brightness."""

from pathlib import Path

import cv2
import h5py
import numpy as np
from scipy.io import savemat

from biometric.entities import Image


def picture(person: int, camera: int = 0, height: int = 64, width: int = 32) -> Image:
    """A flat picture, (h, w, 3) uint8 BGR."""
    shade = np.array([(37 * person) % 256, (91 * person + 40) % 256, 10 * camera + 20], np.uint8)
    return np.broadcast_to(shade, (height, width, 3)).copy()


def write(path: Path, person: int = 1, camera: int = 0) -> Path:
    """Write a picture, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), picture(person, camera))
    return path


def market(root: Path, people: int = 4, junk: bool = True) -> Path:
    """Market-1501: each person once in the query, twice in the gallery."""
    for person in range(1, people + 1):
        write(root / "query" / f"{person:04d}_c1s1_000001_00.jpg", person, 1)
        write(root / "bounding_box_test" / f"{person:04d}_c1s1_000002_01.jpg", person, 1)
        write(root / "bounding_box_test" / f"{person:04d}_c2s1_000003_01.jpg", person, 2)
    if junk:
        write(root / "bounding_box_test" / "-1_c3s1_000004_02.jpg", 90)
        write(root / "bounding_box_test" / "0000_c3s1_000005_02.jpg", 26)
    (root / "bounding_box_test" / "Thumbs.db").write_bytes(b"x")
    return root


def cuhk03(root: Path, people: int = 3) -> Path:
    """CUHK03's two kinds of `.mat`: two camera pairs, test set 0 is persons 1 and 2 of pair 1, and 1 of pair 2."""
    root.mkdir(parents=True, exist_ok=True)
    with h5py.File(root / "cuhk-03.mat", "w") as mat:
        for boxes in ("labeled", "detected"):
            pairs = mat.create_dataset(boxes, (1, 2), h5py.ref_dtype)
            for pair in range(2):
                cells = mat.create_dataset(f"#refs#/{boxes}{pair}", (10, people), h5py.ref_dtype)
                for person in range(people):
                    for index in range(10):
                        name = f"#refs#/{boxes}_{pair}_{person}_{index}"
                        image = picture(10 * pair + person, index // 5, 40, 20)[:, :, ::-1].T
                        empty = index in (4, 9)
                        cells[index, person] = mat.create_dataset(name, data=np.zeros(2) if empty else image).ref
                pairs[0, pair] = cells.ref
        sets = mat.create_dataset("testsets", (1, 20), h5py.ref_dtype)
        for number in range(20):
            data = np.array([[1, 1], [1, 2], [2, 1]] if number == 0 else [[1, 1]], float).T
            sets[0, number] = mat.create_dataset(f"#refs#/set{number}", data=data).ref
    names = [
        f"{pair}_{person:03d}_{1 + index // 5}_{index + 1:02d}.png"
        for pair in (1, 2)
        for person in range(1, people + 1)
        for index in (0, 1, 5, 6)
    ]
    labels = [int(name.split("_")[0]) * 100 + int(name.split("_")[1]) for name in names]
    filelist = np.empty((len(names), 1), object)
    filelist[:, 0] = names
    for boxes in ("labeled", "detected"):
        lists = {
            "filelist": filelist,
            "labels": np.array(labels)[:, None],
            "train_idx": np.array([[1]]),
            "query_idx": np.array([[1], [5]]),
            "gallery_idx": np.array([[3], [4], [7], [8]]),
        }
        savemat(root / f"cuhk03_new_protocol_config_{boxes}.mat", lists)
    return root
