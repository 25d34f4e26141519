"""The contact sheet shows crops spread over the whole set, each within its cell."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from biometric.entities import Image
from biometric.training.crops.crop_sets import write_contact_sheet


class Greys:
    """Crops of the grey level of their number."""

    def __init__(self, count: int, shape: tuple[int, int] = (128, 64)) -> None:
        self.count, self.shape = count, shape

    def __len__(self) -> int:
        return self.count

    def name(self, index: int) -> str:
        return str(index)

    def video(self, index: int) -> str:
        return ""

    def track(self, index: int) -> int | None:
        return None

    def load(self, index: int) -> Image:
        return np.full((*self.shape, 3), index % 256, np.uint8)


@pytest.mark.parametrize(("count", "size"), [(1, (72, 136)), (20, (1364, 136)), (21, (1364, 268)), (900, (1364, 664))])
def test_it_has_the_size_of_its_crops(tmp_path: Path, count: int, size: tuple[int, int]) -> None:
    path = write_contact_sheet(Greys(count), tmp_path / "sheet.png")
    with Picture.open(path) as contact_sheet:
        assert contact_sheet.format == "PNG"
        assert contact_sheet.size == size
    assert path.stat().st_mode & 0o077 == 0


def test_it_spans_the_set(tmp_path: Path) -> None:
    with Picture.open(write_contact_sheet(Greys(200), tmp_path / "sheet.png")) as contact_sheet:
        pixels = np.asarray(contact_sheet.convert("RGB"))
    middles = [int(pixels[68 + row * 132, 36 + column * 68, 0]) for row in range(5) for column in range(20)]
    assert middles[0] == 0
    assert abs(middles[-1] - 199) <= 2
    assert middles == sorted(middles)


def test_crops_keep_their_shape(tmp_path: Path) -> None:
    class Blue(Greys):
        def load(self, index: int) -> Image:
            return np.full((32, 64, 3), (255, 0, 0), np.uint8)

    with Picture.open(write_contact_sheet(Blue(1), tmp_path / "sheet.png")) as contact_sheet:
        pixels = np.asarray(contact_sheet.convert("RGB")).astype(int)
    blue = (pixels[:, :, 2] > 200) & (pixels[:, :, 0] < 60)
    rows, columns = np.nonzero(blue)
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (32, 64)
