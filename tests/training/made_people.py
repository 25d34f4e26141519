"""People to learn from: each wears a coat and trousers of their own colours, two cameras see them differently."""

import colorsys
from pathlib import Path

import cv2
import numpy as np

from biometric.entities import Image
from biometric.entities.model_cards import IMAGENET, InputFormat
from biometric.evaluation.datasets import Dataset, Source
from biometric.evaluation.datasets.dataset import Entry, assemble

SMALL = InputFormat(64, 32, "RGB", IMAGENET.scale, IMAGENET.mean, IMAGENET.std)


def picture(person: int, camera: int, number: int, height: int = 64, width: int = 32) -> Image:
    """A person who stands a little elsewhere in each picture, (h, w, 3) uint8 BGR."""
    draw = np.random.default_rng((person, camera, number))
    image = np.full((height, width, 3), (150, 140, 130) if camera == 1 else (70, 80, 95), np.uint8)
    left, top = width // 4 + int(draw.integers(-2, 3)), height // 8 + int(draw.integers(-2, 3))
    right, hips = left + width // 2, top + height * 2 // 5
    light = 1.0 if camera == 1 else 0.75
    cv2.rectangle(image, (left, top), (right, hips), _colour(person * 0.29, light), -1)
    cv2.rectangle(image, (left, hips), (right, height - 4), _colour(person * 0.47 + 0.2, 0.7 * light), -1)
    cv2.circle(image, (width // 2, top - 2), width // 8, (150, 170, 200), -1)
    noise = draw.integers(-12, 13, image.shape)
    return np.clip(image.astype(int) + noise, 0, 255).astype(np.uint8)


def _colour(hue: float, value: float) -> tuple[int, int, int]:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1.0, 0.8, value)
    return round(255 * blue), round(255 * green), round(255 * red)


def tree(root: Path, people: int = 8, each: int = 4) -> Path:
    """`identity/camera/*.png`: `each` pictures of each person by each of two cameras."""
    for person in range(people):
        for camera in (1, 2):
            folder = root / f"person{person:02d}" / f"camera{camera}"
            folder.mkdir(parents=True, exist_ok=True)
            for number in range(each):
                assert cv2.imwrite(str(folder / f"{number}.png"), picture(person, camera, number))
    return root


def dataset(*entries: tuple[str | None, str]) -> Dataset:
    """A data set of (person, camera) without files."""
    found = [Entry(Source(Path(f"{number}.png")), person, camera) for number, (person, camera) in enumerate(entries)]
    return assemble("Made", "all against all", found)
