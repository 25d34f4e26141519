"""Named, seeded degradations of crops: what a mask, a blur or a bad box between two pictures costs (OpenCV).

Each takes a crop, (h, w, 3) uint8 BGR, and gives one of the same kind. Randomness comes from the seed and the picture's
number alone, so that a row of a table can be repeated, in any order and on any machine.

Sizes of people in a crop are those of a tight person box: head about the top 18 %, upper body to 50 % (proportions of
the human figure, Drillis and Contini, "Body segment parameters", 1966: chin at 0.87, hip at 0.53 of the height).
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from biometric.clips.crops import decode_image
from biometric.entities import Image
from biometric.errors import InvalidSetting

Change = Callable[[Image, np.random.Generator], Image]

Enlarge = Callable[[Image, tuple[int, int]], Image]
"""Enlarges a picture to (width, height)."""

WIDTHS_ENLARGED = (32, 16)
"""Pixels of width from which pictures are enlarged again."""

GREY = 127
"""The grey that covers hidden parts."""


@dataclass(frozen=True, slots=True)
class Degradation:
    """A named change of a crop; `title` is for people."""

    name: str
    title: str
    change: Change

    def apply(self, image: Image, seed: int, number: int) -> Image:
        """Degrade picture `number` of a data set.

        Raises:
            ValueError: not a (h, w, 3) uint8 picture.
        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
            raise ValueError(f"expected a (h, w, 3) uint8 picture, got {image.shape} {image.dtype}")
        return self.change(image, np.random.default_rng([seed, number]))


def degradation(name: str) -> Degradation:
    """Return a degradation by name.

    Raises:
        InvalidSetting: no degradation has that name.
    """
    selected = {known.name: known for known in DEGRADATIONS}.get(name)
    if selected is None:
        raise InvalidSetting(
            f"There is no degradation {name!r}. Known: {', '.join(item.name for item in DEGRADATIONS)}."
        )
    return selected


def _cover(top: float, bottom: float) -> Change:
    """Cover the rows between two shares of the height with grey."""

    def change(image: Image, _: np.random.Generator) -> Image:
        changed = image.copy()
        height = image.shape[0]
        changed[round(top * height) : max(round(top * height) + 1, round(bottom * height))] = GREY
        return changed

    return change


def _block(share: float) -> Change:
    """Cover a random rectangle of a share of the area, of the crop's own shape (random erasing, Zhong, AAAI 2020)."""

    def change(image: Image, generator: np.random.Generator) -> Image:
        changed = image.copy()
        height, width = (max(1, round(side * share**0.5)) for side in image.shape[:2])
        top = int(generator.integers(0, image.shape[0] - height + 1))
        left = int(generator.integers(0, image.shape[1] - width + 1))
        changed[top : top + height, left : left + width] = GREY
        return changed

    return change


def _blur(share: float) -> Change:
    """Gaussian blur with a standard deviation of a share of the crop's height."""

    def change(image: Image, _: np.random.Generator) -> Image:
        return _uint8(cv2.GaussianBlur(image, (0, 0), max(0.3, share * image.shape[0])))

    return change


def _shrink(columns: int) -> Change:
    """Scale down to so many pixels of width, as a person far away looks; never up."""

    def change(image: Image, _: np.random.Generator) -> Image:
        height, width = image.shape[:2]
        if width <= columns:
            return image
        size = (columns, max(1, round(height * columns / width)))
        return _uint8(cv2.resize(image, size, interpolation=cv2.INTER_AREA))

    return change


def enlarge_again(columns: int, enlarge: Enlarge) -> Change:
    """Scale down to so many pixels of width, and enlarge to the size before; narrower pictures stay as they are."""
    shrink = _shrink(columns)

    def change(image: Image, generator: np.random.Generator) -> Image:
        height, width = image.shape[:2]
        return image if width <= columns else enlarge(shrink(image, generator), (width, height))

    return change


def _interpolated(way: int) -> Enlarge:
    """Enlarge by interpolation."""

    def enlarge(image: Image, size: tuple[int, int]) -> Image:
        return _uint8(cv2.resize(image, size, interpolation=way))

    return enlarge


def _jpeg(quality: int) -> Change:
    """Compress as JPEG."""

    def change(image: Image, _: np.random.Generator) -> Image:
        data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        decoded = decode_image(data.tobytes())
        return image if decoded is None else decoded

    return change


def _brightness(low: float, high: float) -> Change:
    """Multiply by one random factor, evenly on a logarithmic scale, so that darker and lighter are alike."""

    def change(image: Image, generator: np.random.Generator) -> Image:
        return _scaled(image, np.exp(generator.uniform(np.log(low), np.log(high))))

    return change


def _cast(strength: float) -> Change:
    """Multiply each channel by a random factor of 1 ± strength: another white balance."""

    def change(image: Image, generator: np.random.Generator) -> Image:
        return _scaled(image, generator.uniform(1 - strength, 1 + strength, 3))

    return change


def _misalign(share: float) -> Change:
    """Cut off or add grey at each side, by up to a share of the side's length: a detector's bad box."""

    def change(image: Image, generator: np.random.Generator) -> Image:
        height, width = image.shape[:2]
        sides = np.array([height, height, width, width])
        top, bottom, left, right = np.rint(generator.uniform(-share, share, 4) * sides).astype(int).tolist()
        cropped = image[max(0, -top) : height - max(0, -bottom), max(0, -left) : width - max(0, -right)]
        if cropped.size == 0:
            return image
        borders = (max(0, top), max(0, bottom), max(0, left), max(0, right))
        return _uint8(cv2.copyMakeBorder(cropped, *borders, cv2.BORDER_CONSTANT, value=(GREY, GREY, GREY)))

    return change


def _scaled(image: Image, factor: float | np.ndarray) -> Image:
    return np.clip(np.rint(image.astype(np.float64) * factor), 0, 255).astype(np.uint8)


def _uint8(image: object) -> Image:
    return np.asarray(image, dtype=np.uint8)


DEGRADATIONS = (
    Degradation("face-mask", "lower face covered (mask)", _cover(0.09, 0.16)),
    Degradation("head", "head covered", _cover(0.0, 0.18)),
    Degradation("upper-body", "upper body covered", _cover(0.18, 0.5)),
    Degradation("lower-body", "lower body hidden", _cover(0.5, 1.0)),
    Degradation("block", "a random block of 25 % hidden", _block(0.25)),
    Degradation("blur", "blurred (2 % of the height)", _blur(0.02)),
    Degradation("width-64", "64 pixels wide", _shrink(64)),
    Degradation("width-32", "32 pixels wide", _shrink(32)),
    Degradation("width-16", "16 pixels wide", _shrink(16)),
    *(
        Degradation(
            f"width-{columns}-{name}",
            f"{columns} pixels wide, enlarged ({title})",
            enlarge_again(columns, _interpolated(way)),
        )
        for columns in WIDTHS_ENLARGED
        for name, title, way in (("bicubic", "bicubic", cv2.INTER_CUBIC), ("lanczos", "Lanczos", cv2.INTER_LANCZOS4))
    ),
    Degradation("jpeg-20", "JPEG of quality 20", _jpeg(20)),
    Degradation("jpeg-5", "JPEG of quality 5", _jpeg(5)),
    Degradation("brightness", "brightness × 0.4 to 2.5", _brightness(0.4, 2.5)),
    Degradation("colour-cast", "colour cast of ± 30 % a channel", _cast(0.3)),
    Degradation("misaligned", "box off by up to 15 % a side", _misalign(0.15)),
)
"""All degradations, in the order of tables."""
