"""Small pictures are made once, for as long as somebody holds the frame's picture."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from biometric.entities import GreyPicture, Image
from biometric.pipeline.small_pictures import SmallPictures


class Counting:
    def __init__(self) -> None:
        self.made = 0

    def __call__(self, image: Image) -> GreyPicture:
        self.made += 1
        return image[:, :, 0]


def pictures(count: int) -> list[Image]:
    return [np.full((4, 6, 3), number, np.uint8) for number in range(count)]


def test_each_picture_is_made_small_once_whoever_asks() -> None:
    make = Counting()
    small, images = SmallPictures(make), pictures(50)
    with ThreadPoolExecutor(2) as threads:
        for _ in range(2):
            cells = list(threads.map(small.cells, images))
    assert make.made == 50
    assert [(part.shape, float(part.mean())) for part in cells] == [((2, 3), float(n)) for n in range(50)]


def test_nothing_is_held_of_pictures_that_are_gone() -> None:
    make = Counting()
    small = SmallPictures(make)
    for image in pictures(100):
        small.cells(image)
    del image
    assert len(small) == 0
    for number in range(100):  # memory of the pictures before is used again
        assert small.cells(np.full((4, 6, 3), number, np.uint8)).mean() == number
    assert make.made == 200
