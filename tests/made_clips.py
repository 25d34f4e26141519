"""Synthetic clips whose frames carry their own number, in blocks of black and white that survive any codec.

write_clip(path, 90)                          # 90 frames of MP4, H.264 with B-frames
write_clip(path, 90, container="avi", codec="mpeg4")
number_of(frame.image)                        # → the number painted into that frame
"""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

BITS = 12
SIZE = (192, 128)
"""Width and height of the clips: 4 × 3 blocks of 48 × 42 pixels, most significant bit first."""


def numbered(number: int, size: tuple[int, int] = SIZE, white: tuple[int, int, int] = (255, 255, 255)) -> np.ndarray:
    """An (H, W, 3) uint8 BGR picture that shows `number` in binary: black 0, white 1 (or another BGR colour)."""
    width, height = size
    image = np.zeros((height, width, 3), np.uint8)
    for bit in range(BITS):
        if number >> (BITS - 1 - bit) & 1:
            x, y = bit % 4 * (width // 4), bit // 4 * (height // 3)
            image[y : y + height // 3, x : x + width // 4] = white
    return image


def number_of(image: np.ndarray) -> int:
    """Read the number back from the middles of the blocks."""
    height, width = image.shape[:2]
    number = 0
    for bit in range(BITS):
        x, y = bit % 4 * (width // 4) + width // 8, bit // 4 * (height // 3) + height // 6
        middle = image[y - height // 12 : y + height // 12 + 1, x - width // 16 : x + width // 16 + 1]
        number = number * 2 + int(middle.mean() > 127)
    return number


def write_clip(
    path: Path,
    count: int = 30,
    *,
    codec: str = "libx264",
    container: str | None = None,
    fps: int = 25,
    size: tuple[int, int] = SIZE,
    pix_fmt: str = "yuv420p",
    times: Sequence[int] | None = None,
    options: dict[str, str] | None = None,
    rotation: int = 0,
    hflip: bool = False,
    audio: float = 0.0,
    movflags: str | None = None,
    first_number: int = 0,
    white: tuple[int, int, int] = (255, 255, 255),
    grain: int = 0,
) -> Path:
    """Write a clip of `count` numbered frames and return its path.

    Args:
        times: presentation times in milliseconds (a variable frame rate), otherwise 1/fps apart.
        rotation: counter-clockwise degrees of display rotation in the container's metadata.
        audio: seconds of silent sound beside the pictures.
        white: BGR colour of the blocks that stand for 1 (numbers are then not read back).
        grain: grey levels by which noise changes the pixels at most, so that frames take more bytes; up to 60.
    """
    rng = np.random.default_rng(count)
    container_options = {"movflags": movflags} if movflags else {}
    with av.open(str(path), "w", format=container, options=container_options) as output:
        stream = output.add_stream(codec, rate=fps)
        stream.width, stream.height, stream.pix_fmt = *size, pix_fmt
        stream.codec_context.time_base = Fraction(1, 1000) if times else Fraction(1, fps)
        stream.codec_context.thread_count = 1
        stream.options = options if options is not None else _options(codec)
        if rotation or hflip:
            stream.set_display_rotation(rotation, hflip=hflip)
        sound = output.add_stream("aac", rate=16000) if audio else None
        for index in range(count):
            image = numbered(first_number + index, size, white)
            if grain:
                noise = rng.integers(0, grain + 1, (*image.shape[:2], 1), np.uint8)
                image = np.where(image > 127, image - noise, image + noise)
            frame = av.VideoFrame.from_ndarray(image, format="bgr24")
            frame.pts = times[index] if times else index
            frame.time_base = stream.codec_context.time_base
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
        if sound is not None:
            write_silence(output, sound, audio)
    return path


def write_audio(path: Path, seconds: float = 1.0, codec: str = "aac") -> Path:
    """Write a file with a sound track and nothing else."""
    with av.open(str(path), "w") as output:
        write_silence(output, output.add_stream(codec, rate=16000), seconds)
    return path


def truncate(clip: Path, destination: Path, share: float) -> Path:
    """Copy the first `share` (0 … 1) of a file's bytes."""
    data = clip.read_bytes()
    destination.write_bytes(data[: int(len(data) * share)])
    return destination


def _options(codec: str) -> dict[str, str]:
    # Three B-frames in a row and a short GOP: what seeking gets wrong.
    return {"libx264": {"preset": "veryfast", "bf": "3", "g": "12", "crf": "28"}, "mpeg4": {"g": "12"}}.get(codec, {})


def write_silence(output: av.container.OutputContainer, stream: av.AudioStream, seconds: float) -> None:
    for index in range(int(seconds * 16000 / 1024) + 1):
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = 16000, index * 1024, Fraction(1, 16000)
        output.mux(stream.encode(frame))
    output.mux(stream.encode(None))
