"""Real weights on photographs: frames of clips saved as pictures, and bad pictures through the whole service."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from biometric.entities import Decision, NoticeCode
from biometric.errors import NobodyFound, NoUsableSample

pytestmark = pytest.mark.real


def photograph(service, clip: Path, frame: int, path: Path, **options: object) -> Path:
    """Save one frame of a clip as a picture."""
    pixels = service.preview(clip, [frame])[frame].image
    Image.fromarray(np.ascontiguousarray(pixels[:, :, ::-1])).save(path, **options)  # type: ignore[arg-type]
    return path


def test_photographs_serve_as_references_and_as_probes(service, observe, shared: Path, tmp_path: Path) -> None:
    clip, gallery = shared / "clips" / "one-by-one.mp4", tmp_path / "gallery"
    first = photograph(service, clip, 100, tmp_path / "first.jpg", quality=92)
    enrollment = service.enroll(observe(first), "A", gallery=gallery)
    assert enrollment.reference.template.sample_count == 1
    assert NoticeCode.SINGLE_PICTURE in {warning.code for warning in enrollment.warnings}

    later = photograph(service, clip, 160, tmp_path / "later.png")
    assert service.verify(observe(later), "A", gallery=gallery).decision is Decision.MATCH
    assert service.verify(observe(clip, 131, 190), "A", gallery=gallery).decision is Decision.MATCH
    stranger = photograph(service, clip, 380, tmp_path / "stranger.webp")
    assert service.verify(observe(stranger), "A", gallery=gallery).decision is Decision.NO_MATCH
    (person,) = service.identify(observe(later), gallery=gallery)
    assert person.identity is not None
    assert person.identity.name == "A"


def test_a_sideways_photograph_is_turned_before_anybody_is_looked_for(service, observe, shared, tmp_path: Path) -> None:
    clip = shared / "clips" / "one-by-one.mp4"
    upright = photograph(service, clip, 100, tmp_path / "upright.png")
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by 90° clockwise
    with Image.open(upright) as picture:
        picture.transpose(Image.Transpose.ROTATE_90).save(tmp_path / "sideways.jpg", quality=95, exif=exif.tobytes())
    observed = observe(tmp_path / "sideways.jpg")
    assert (observed.video.width, observed.video.height, observed.video.rotation) == (768, 432, 90)
    box, wanted = (item.observations[0].tracklet.detections[0].box for item in (observed, observe(upright)))
    assert np.abs(np.array(box) - np.array(wanted)).max() < 25


@pytest.mark.parametrize("size", [(1, 1), (3, 900), (640, 480)])
def test_a_picture_without_people_says_so(service, observe, tmp_path: Path, size: tuple[int, int]) -> None:
    Image.new("RGB", size, (90, 120, 60)).save(tmp_path / "empty.png")
    with pytest.raises((NobodyFound, NoUsableSample), match="this photograph"):
        service.enroll(observe(tmp_path / "empty.png"), "Nobody", gallery=tmp_path / "gallery")
