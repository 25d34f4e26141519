"""One picture that shows what is in a set of crops (Pillow)."""

import io
from pathlib import Path

import numpy as np
from PIL import Image as Picture
from PIL import ImageOps

from biometric.training.crops.store import Crops
from biometric.training.runs import write_whole

COLUMNS, ROWS = 20, 5
CELL = (64, 128)
"""Width and height of a crop on the sheet, in pixels."""

GAP = 4
BACKGROUND = (32, 32, 32)


def write(crops: Crops, destination: Path) -> Path:
    """Write a PNG of up to `COLUMNS` × `ROWS` crops, spread evenly over the set in its order.

    Raises:
        DatasetInvalid: a crop is damaged.
        StorageFull: the file cannot be written.
    """
    count = min(len(crops), COLUMNS * ROWS)
    chosen = np.linspace(0, len(crops) - 1, count).round().astype(int)
    columns = min(count, COLUMNS)
    rows = -(-count // COLUMNS)
    size = (columns * (CELL[0] + GAP) + GAP, rows * (CELL[1] + GAP) + GAP)
    sheet = Picture.new("RGB", size, BACKGROUND)
    for place, index in enumerate(chosen):
        cell = Picture.fromarray(np.ascontiguousarray(crops.load(int(index))[:, :, ::-1]))
        cell = ImageOps.pad(cell, CELL, Picture.Resampling.LANCZOS, color=BACKGROUND)
        x, y = place % COLUMNS, place // COLUMNS
        sheet.paste(cell, (GAP + x * (CELL[0] + GAP), GAP + y * (CELL[1] + GAP)))
    content = io.BytesIO()
    sheet.quantize(256).save(content, "PNG", optimize=True)  # a third of the bytes
    path = write_whole(destination, content.getvalue())
    path.chmod(0o600)  # it shows people
    return path
