"""Short demo clips, made at run time from photographs inside the installed ultralytics package.

A virtual camera pans and zooms over a photograph of a street (`bus.jpg`), in two "visits" that differ in framing,
light and side (the second is mirrored). So trying the program needs no footage, and the package holds none of people.
"""

import importlib.util
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from biometric.clips.crops import decode_image
from biometric.entities import Frame, Image
from biometric.errors import WeightsMissing
from biometric.ports import VideoWriter

VERSION = 2
"""Part of the stamp beside the clips; raise it when their content changes, and they are made again."""

FPS = 25
FRAMES = 80

_MARGIN = 60
"""Pixels of blurred surroundings around the photograph, so that the camera may look past its edge."""


@dataclass(frozen=True, slots=True)
class DemoClip:
    """A clip to try: where it is, what it shows, what to do with it, and a name to type for each person in it."""

    path: Path
    title: str
    suggestion: str
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CameraView:
    """What the camera sees: the window's middle (x, y) and height, in pixels of the photograph."""

    x: float
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class DemoScript:
    """One clip of a photograph: the camera travels from `start` to `end`; `gain` and `gamma` set the light.

    Columns of the photograph outside `sharp` are blurred, so that bystanders are not in view.
    """

    name: str
    title: str
    suggestion: str
    names: tuple[str, ...]
    start: CameraView
    end: CameraView
    size: tuple[int, int] = (480, 640)
    sharp: tuple[int, int] | None = None
    gain: float = 1.0
    gamma: float = 1.0
    mirrored: bool = False
    photograph: str = "bus.jpg"


BEIGE, DARK = "Beige coat", "Dark coat"
_BEIGE_COLUMNS, _DARK_COLUMNS = (70, 226), (226, 640)
"""Where in the photograph each of the two men stands alone, in pixels from the left."""

SCRIPTS = (
    DemoScript(
        "visit-1-beige-coat",
        "Visit 1: the man in the beige coat",
        f"Enrollment: type the name “{BEIGE}” and press Enroll.",
        (BEIGE,),
        CameraView(190, 655, 560),
        CameraView(170, 650, 540),
        sharp=_BEIGE_COLUMNS,
    ),
    DemoScript(
        "visit-1-dark-coat",
        "Visit 1: the man in the dark coat",
        f"Enrollment: type the name “{DARK}” and press Enroll.",
        (DARK,),
        CameraView(400, 640, 560),
        CameraView(380, 630, 520),
        sharp=_DARK_COLUMNS,
    ),
    DemoScript(
        "visit-2-beige-coat",
        "Visit 2: the man in the beige coat",
        f"Verification: claim “{BEIGE}” (match), then “{DARK}” (no match).",
        (BEIGE,),
        CameraView(200, 640, 600),
        CameraView(215, 665, 570),
        sharp=_BEIGE_COLUMNS,
        gain=0.85,
        gamma=1.1,
        mirrored=True,
    ),
    DemoScript(
        "visit-2-dark-coat",
        "Visit 2: the man in the dark coat",
        f"Verification: claim “{DARK}” (match), then “{BEIGE}” (no match).",
        (DARK,),
        CameraView(395, 620, 640),
        CameraView(405, 650, 600),
        sharp=_DARK_COLUMNS,
        gain=1.15,
        gamma=0.95,
        mirrored=True,
    ),
    DemoScript(
        "visit-2-everybody",
        "Visit 2: everybody on the street",
        "Identification: the two men that you enrolled are recognised, the passers-by stay unknown.",
        (BEIGE, DARK),
        CameraView(300, 660, 620),
        CameraView(545, 660, 640),
        size=(640, 480),
        gain=0.92,
        gamma=1.05,
    ),
    DemoScript(
        "visit-1-two-at-once",
        "Visit 1: two men at once",
        f"Enrollment: press Enroll, then choose whom you mean. Verification: claim “{BEIGE}”, then choose who it is.",
        (BEIGE, DARK),
        CameraView(235, 650, 600),
        CameraView(225, 640, 580),
        size=(560, 640),
        sharp=(_BEIGE_COLUMNS[0], 345),
    ),
)


def make_demo(folder: Path, writer: VideoWriter) -> list[DemoClip]:
    """Make the demo clips in a folder, in the order of the first five minutes; clips already made are kept.

    The same photograph and version give the same pictures every time.

    Raises:
        WeightsMissing: the ultralytics package, or its photograph, is not installed.
        StorageFull: the disk is full or the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    clips = []
    for script in SCRIPTS:
        path = folder / f"{script.name}.mp4"
        stamp = folder / f".{script.name}.version"
        if not (path.is_file() and stamp.is_file() and stamp.read_text() == str(VERSION)):
            writer.write(path, _frames(_photograph(script.photograph), script))
            stamp.write_text(str(VERSION))
        clips.append(DemoClip(path, script.title, script.suggestion, script.names))
    return clips


def _photograph(name: str) -> Image:
    """Read a photograph, (H, W, 3) uint8 BGR, without importing ultralytics, which would take seconds."""
    package = importlib.util.find_spec("ultralytics")
    path = Path(package.origin).parent / "assets" / name if package is not None and package.origin else None
    image = decode_image(path.read_bytes()) if path is not None and path.is_file() else None
    if image is None:
        raise WeightsMissing(
            "The demo's photograph (assets/{name} of the ultralytics package) is not there. Run `make "
            "run` again, or install requirements.txt.",
            name=name,
        )
    return image


def _frames(photograph: Image, script: DemoScript) -> Iterator[Frame]:
    """Yield what the camera sees, `FRAMES` frames of the script's size, `FPS` a second."""
    scene = _adjust_brightness(_add_margin(_blur_bystanders(photograph, script.sharp)), script.gain, script.gamma)
    width, height = script.size
    for index in range(FRAMES):
        scale, x, y = camera(script, index)
        shift_x, shift_y = width / 2 - scale * (x + _MARGIN), height / 2 - scale * (y + _MARGIN)
        matrix = np.array([[scale, 0, shift_x], [0, scale, shift_y]])
        view = cv2.warpAffine(scene, matrix, script.size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        view = cv2.flip(view, 1) if script.mirrored else view
        yield Frame(index, np.asarray(view, dtype=np.uint8), index / FPS)


def camera(script: DemoScript, index: int) -> tuple[float, float, float]:
    """Return how much larger one frame shows the photograph, and the point x, y of it in the frame's middle."""
    share = index / (FRAMES - 1)
    eased = share * share * (3 - 2 * share)
    # A hand-held camera is never quite still; two unrelated periods keep the sway from repeating.
    sway_x, sway_y = 2 * math.sin(index / 9), 1.5 * math.sin(index / 6.1)
    x = script.start.x + (script.end.x - script.start.x) * eased + sway_x
    y = script.start.y + (script.end.y - script.start.y) * eased + sway_y
    scale = script.size[1] / (script.start.height + (script.end.height - script.start.height) * eased)
    return scale, x, y


def _blur_bystanders(photograph: Image, sharp: tuple[int, int] | None) -> Image:
    """Blur all columns outside `sharp` beyond recognition, with a soft edge."""
    if sharp is None:
        return photograph
    share = np.zeros((1, photograph.shape[1], 1), np.float32)
    share[:, sharp[0] : sharp[1]] = 1
    soft = cv2.blur(share, (9, 1)).reshape(share.shape)
    blurred = cv2.GaussianBlur(photograph, (0, 0), 30)
    return np.asarray(np.rint(soft * photograph + (1 - soft) * blurred), dtype=np.uint8)


def _add_margin(photograph: Image) -> Image:
    """Add a margin of blurred surroundings on all sides."""
    wide = cv2.copyMakeBorder(photograph, _MARGIN, _MARGIN, _MARGIN, _MARGIN, cv2.BORDER_REPLICATE)
    blurred = cv2.GaussianBlur(wide, (0, 0), 25)
    blurred[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN] = photograph
    return np.asarray(blurred, dtype=np.uint8)


def _adjust_brightness(image: Image, gain: float, gamma: float) -> Image:
    """Apply 255 · gain · (v / 255) ** gamma to every value v."""
    values = 255 * gain * (np.arange(256) / 255) ** gamma
    return np.asarray(cv2.LUT(image, np.clip(np.rint(values), 0, 255).astype(np.uint8)), dtype=np.uint8)
