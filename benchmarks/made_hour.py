"""Composes footage of a quiet place: nobody most of the time, and people who come at known times.

The place is the empty room of `one-by-one.mp4`, enlarged, with a sensor's noise, flickering lamps, light that changes
slowly and a part that sways as leaves do. The people are cut out of the same clip.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from biometric.clips.video import PyAVReader
from biometric.entities import Box, FrameRange

WIDTH, HEIGHT, FPS = 1280, 720, 25
KEY_FRAMES = 50
"""Frames from one key frame to the next: two seconds, as network cameras are set when they are delivered."""

SOURCES = {"A": (100, 150), "B": (340, 374)}
"""Frames of `one-by-one.mp4` in which a person stands in full view, from head to shoes."""

STANDING = {"A": (379, 10, 147, 384), "B": (377, 2, 174, 384)}
"""Part of these frames in which they stand: left, top, width and height in pixels."""

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Visit:
    """Somebody who is in the picture for some time.

    Attributes:
        begin, end: seconds.
        height: of the person in pixels; `start` and `stop` are where the middle of the feet is, in pixels.
    """

    who: str
    begin: float
    end: float
    height: float
    start: tuple[float, float]
    stop: tuple[float, float]

    def feet(self, seconds: float) -> tuple[float, float]:
        """Where the middle of the feet is."""
        share = (seconds - self.begin) / (self.end - self.begin)
        return tuple(a + (b - a) * share for a, b in zip(self.start, self.stop, strict=True))  # type: ignore[return-value]


@dataclass(frozen=True)
class Cutout:
    """A person's picture, (1.5 h, w) uint8 as `yuv` gives it, and how much of each pixel it covers.

    `cover` is (h, w) and `cover_of_colours` (h / 2, w / 2), float32 in [0, 1].
    """

    image: Picture
    cover: NDArray[np.float32]
    cover_of_colours: NDArray[np.float32]


def yuv(picture: Picture) -> Picture:
    """Return a BGR picture of even width and height as luminance and two small planes of colour, (1.5 h, w) uint8."""
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420), np.uint8)


def planes(picture: Picture) -> tuple[Picture, Picture, Picture]:
    """Return the three planes of a picture as `yuv` gives it, as views."""
    height, width = picture.shape[0] * 2 // 3, picture.shape[1]
    colours = picture[height:].reshape(2, height // 2, width // 2)
    return picture[:height], colours[0], colours[1]


def visits(seconds: float, seed: int = 3) -> list[Visit]:
    """Return who comes when: 3 % of the time somebody passes, near and far, fast and slow; one stands for a sixth."""
    random = np.random.default_rng(seed)
    passing, found = 0.03 * seconds, []
    number = 0
    while passing > 0:
        length = float(random.choice([1.0, 1.5, 2.5, 4.0, 7.0]))
        height = float(random.choice([160, 220, 320, 440, 560]))
        speed = float(random.uniform(0.3, 1.2)) * height
        across = min(speed * length, WIDTH - height / 2)
        left = float(random.uniform(height / 4, WIDTH - across - height / 4))
        down = float(HEIGHT * (0.55 + 0.43 * height / 560))
        ends = [(left, down), (left + across, down)]
        if number % 2:
            ends.reverse()
        found.append(("AB"[number % 2], length, height, ends))
        passing -= length
        number += 1
    stand = seconds / 6
    free = (seconds - stand - 20.0) / (len(found) + 1)
    begin, result = 20.0, []
    for number, (who, length, height, (start, stop)) in enumerate(found):
        if number == len(found) // 2:
            place = (0.7 * WIDTH, 0.9 * HEIGHT)
            result.append(Visit("A", begin, begin + stand, 300.0, place, place))
            begin += stand + free / 2
        at = begin + float(random.uniform(0, max(0.0, free - length - 1)))
        result.append(Visit(who, at, at + length, height, start, stop))
        begin += free
    return result


class Scene:
    """The place and its people; draws any frame."""

    def __init__(self, clip: Path) -> None:
        pictures = [frame.image for frame in PyAVReader().read(clip, FrameRange(0, 700))]
        room = np.median(np.stack(pictures[0:60:4]), axis=0).astype(np.uint8)
        self.cutouts = {
            who: [_cut(pictures[index], STANDING[who]) for index in range(*frames)] for who, frames in SOURCES.items()
        }
        self.room = yuv(np.asarray(cv2.resize(room, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), np.uint8))
        random = np.random.default_rng(1)
        noise = random.normal(128, 2.0, (12, HEIGHT + 32, WIDTH + 32))
        self.noise = np.clip(np.rint(noise), 0, 255).astype(np.uint8)
        leaves = random.integers(40, 160, (20, 24)).astype(np.uint8)
        self.leaves = cv2.GaussianBlur(cv2.resize(leaves, (240, 200), interpolation=cv2.INTER_NEAREST), (5, 5), 0)
        self._random = np.random.default_rng(2)
        self._scaled: dict[tuple[str, int, int], Cutout] = {}

    def draw(self, number: int, people: list[Visit]) -> tuple[Picture, list[Box]]:
        """Return a frame, as `yuv` gives it, and the boxes of the people in it."""
        seconds = number / FPS
        picture = self.room.copy()
        grey = picture[:HEIGHT]
        self._sway(grey, seconds)
        boxes = [self._place(picture, visit, seconds) for visit in people]
        light = 1 + 0.12 * math.sin(seconds / 200) + 0.004 * math.sin(seconds * 9)
        right, down = self._random.integers(0, 32, 2)
        layer = self.noise[number % len(self.noise), down : down + HEIGHT, right : right + WIDTH]
        cv2.addWeighted(grey, light, layer, 1, -128, dst=grey)
        return picture, boxes

    def _sway(self, grey: Picture, seconds: float) -> None:
        gust = 0.5 + 0.5 * math.sin(seconds / 37)
        right = 4 + 3 * gust * math.sin(seconds * 2.3)
        down = 4 + 2 * gust * math.sin(seconds * 3.1 + 1)
        move = np.array([[1, 0, right - 8], [0, 1, down - 8]], np.float32)
        part = np.asarray(cv2.warpAffine(self.leaves, move, (220, 180)), np.uint8)
        grey[20:200, 30:250] = cv2.addWeighted(grey[20:200, 30:250], 0.6, part, 0.4, 0)

    def _place(self, picture: Picture, visit: Visit, seconds: float) -> Box:
        played = self.cutouts[visit.who]
        frame = int((seconds - visit.begin) * 10) % (2 * len(played) - 2)
        frame = min(frame, 2 * len(played) - 2 - frame)  # to the end and back
        cutout = self._cutout(visit.who, frame, round(visit.height))
        height, width = cutout.cover.shape
        x, y = visit.feet(seconds)
        left, top = round(x - width / 2) // 2 * 2, round(y - height) // 2 * 2
        x1, y1, x2, y2 = max(0, left), max(0, top), min(WIDTH, left + width), min(HEIGHT, top + height)
        for behind, image, scale in zip(planes(picture), planes(cutout.image), (1, 2, 2), strict=True):
            inner = slice((y1 - top) // scale, (y2 - top) // scale), slice((x1 - left) // scale, (x2 - left) // scale)
            cover = (cutout.cover if scale == 1 else cutout.cover_of_colours)[inner]
            part = behind[y1 // scale : y2 // scale, x1 // scale : x2 // scale]
            part[:] = (part * (1 - cover) + image[inner] * cover).astype(np.uint8)
        return float(x1), float(y1), float(x2), float(y2)

    def _cutout(self, who: str, frame: int, height: int) -> Cutout:
        key = (who, frame, height)
        if key not in self._scaled:
            if len(self._scaled) > 400:
                self._scaled.clear()
            image, cover = self.cutouts[who][frame]
            size = (max(2, round(cover.shape[1] * height / cover.shape[0] / 2) * 2), height // 2 * 2)
            way = cv2.INTER_AREA if height < cover.shape[0] else cv2.INTER_LINEAR
            cover = np.asarray(cv2.resize(cover, size, interpolation=way), np.float32)
            half = np.asarray(cv2.resize(cover, (size[0] // 2, size[1] // 2), interpolation=cv2.INTER_AREA), np.float32)
            scaled = np.asarray(cv2.resize(image, size, interpolation=way), np.uint8)
            self._scaled[key] = Cutout(yuv(scaled), cover, half)
        return self._scaled[key]


def _cut(picture: Picture, standing: tuple[int, int, int, int]) -> tuple[Picture, NDArray[np.float32]]:
    """Cut the person out of a frame: picture and how much of each pixel is covered."""
    left, top, width, height = standing
    wide = np.ascontiguousarray(picture[: top + height + 24, left - 40 : left + width + 40])
    mask = np.zeros(wide.shape[:2], np.uint8)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    cv2.grabCut(wide, mask, (40, top, width, height), *models, 3, cv2.GC_INIT_WITH_RECT)
    inside = np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.uint8)
    # Without what hangs on the person by a thread, such as the edge of the wall behind.
    inside = cv2.morphologyEx(inside, cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    _, labels, facts, _ = cv2.connectedComponentsWithStats(inside)
    largest = 1 + int(facts[1:, cv2.CC_STAT_AREA].argmax())
    x, y, across, down = (int(value) for value in facts[largest, :4])
    cover = cv2.GaussianBlur((labels == largest).astype(np.float32), (3, 3), 0)
    return wide[y : y + down, x : x + across].copy(), cover[y : y + down, x : x + across].copy()


def compose(clip: Path, destination: Path, seconds: float) -> list[tuple[Visit, list[tuple[int, Box]]]]:
    """Write the footage; return each visit with the frames and boxes in which the person is seen."""
    scene, planned = Scene(clip), visits(seconds)
    seen: dict[int, list[tuple[int, Box]]] = {number: [] for number in range(len(planned))}

    def pictures() -> Iterator[Picture]:
        for number in range(round(seconds * FPS)):
            there = [index for index, visit in enumerate(planned) if visit.begin <= number / FPS < visit.end]
            picture, boxes = scene.draw(number, [planned[index] for index in there])
            for index, box in zip(there, boxes, strict=True):
                seen[index].append((number, box))
            yield picture

    with av.open(str(destination), "w") as file:
        options = {"preset": "veryfast", "crf": "25", "bf": "0", "g": str(KEY_FRAMES), "sc_threshold": "0"}
        stream = file.add_stream("libx264", rate=FPS, options=options)
        stream.width, stream.height, stream.pix_fmt, stream.time_base = WIDTH, HEIGHT, "yuv420p", Fraction(1, FPS)
        for number, picture in enumerate(pictures()):
            frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
            frame.pts = number
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return [(visit, seen[number]) for number, visit in enumerate(planned)]
