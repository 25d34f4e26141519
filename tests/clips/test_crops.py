import errno
import os
import stat
from pathlib import Path

import cv2
import numpy as np
import pytest

from biometric.clips.crops import JpegCropStore, decode_image, sharpness
from biometric.errors import GalleryCorrupt, StorageFull


def picture(height: int = 120, width: int = 50) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    return np.stack([rows * 255 // height, columns * 255 // width, rows * 0 + 40], axis=2).astype(np.uint8)


def test_a_crop_comes_back_nearly_as_it_was_in_bgr(tmp_path: Path) -> None:
    store, path = JpegCropStore(), tmp_path / "00000012_03.jpg"
    store.save(picture(), path)
    back = store.load(path)
    assert back.shape == (120, 50, 3)
    assert back.dtype == np.uint8
    assert np.abs(back.astype(int) - picture()).mean() < 2


def test_files_are_for_the_owner_only_and_so_are_all_folders_made(tmp_path: Path) -> None:
    previous = os.umask(0)
    try:
        path = tmp_path / "a" / "b" / "00000000_00.jpg"
        JpegCropStore().save(picture(), path)
    finally:
        os.umask(previous)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in (path.parent, path.parent.parent)] == [0o700, 0o700]


def test_saving_again_replaces_and_leaves_nothing_beside(tmp_path: Path) -> None:
    path = tmp_path / "00000000_00.jpg"
    JpegCropStore().save(picture(), path)
    JpegCropStore().save(picture(60, 30), path)
    assert JpegCropStore().load(path).shape == (60, 30, 3)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_promise_20_a_full_disk_leaves_neither_a_crop_nor_a_partial_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(StorageFull, match="the disk is full"):
        JpegCropStore().save(picture(), tmp_path / "00000000_00.jpg")
    assert list(tmp_path.iterdir()) == []


def test_nothing_waits_for_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def wait(_: int) -> None:
        raise AssertionError("crops of an observation end with the process")

    monkeypatch.setattr(os, "fsync", wait)
    JpegCropStore().save(picture(), tmp_path / "00000000_00.jpg")


def test_a_folder_that_cannot_be_is_storage_full(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageFull, match="could not be stored"):
        JpegCropStore().save(picture(), tmp_path / "file" / "00000000_00.jpg")


@pytest.mark.parametrize(
    "crop",
    [np.zeros((0, 5, 3), np.uint8), np.zeros((5, 5), np.uint8), np.zeros((5, 5, 3), np.float32)],
    ids=["empty", "grey", "float"],
)
def test_only_bgr_pictures_are_taken(tmp_path: Path, crop: np.ndarray) -> None:
    with pytest.raises(ValueError, match="expected a crop of shape"):
        JpegCropStore().save(crop, tmp_path / "x.jpg")
    with pytest.raises(ValueError, match="expected a crop of shape"):
        sharpness(crop)


@pytest.mark.parametrize("content", [None, b"", b"no picture"], ids=["missing", "empty", "text"])
def test_a_stored_picture_that_is_none_is_a_typed_error(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "x.jpg"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(GalleryCorrupt, match=r"x\.jpg"):
        JpegCropStore().load(path)


@pytest.mark.parametrize(("height", "expected"), [(60, (60, 25, 3)), (500, (120, 50, 3)), (1, (1, 1, 3))])
def test_thumbnails_keep_their_aspect_and_never_grow(
    tmp_path: Path, height: int, expected: tuple[int, int, int]
) -> None:
    path = tmp_path / "x.jpg"
    JpegCropStore().save(picture(), path)
    data = JpegCropStore().thumbnail(path, height)
    assert data.startswith(b"\xff\xd8")
    assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).shape == expected


def test_a_thumbnail_of_no_height_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        JpegCropStore().shrunken(picture(), 0)


def test_sharpness_falls_with_blur_and_is_nothing_for_a_plain_crop() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (160, 80, 3)).astype(np.uint8)
    blurred = cv2.GaussianBlur(noise, (0, 0), 2)
    assert sharpness(noise) > 4 * sharpness(blurred) > 0
    assert sharpness(np.full((10, 10, 3), 90, np.uint8)) == 0.0


def test_sharpness_does_not_depend_on_the_size_in_pixels() -> None:
    small = cv2.GaussianBlur(np.random.default_rng(1).integers(0, 255, (128, 64, 3)).astype(np.uint8), (0, 0), 3)
    large = cv2.resize(small, (256, 512), interpolation=cv2.INTER_LINEAR)
    assert sharpness(large) == pytest.approx(sharpness(small), rel=0.15)


def test_one_decoder_reads_every_kind_of_picture_and_nothing_else() -> None:
    image = np.full((4, 6, 3), (10, 200, 30), np.uint8)
    for extension in (".png", ".webp", ".bmp"):
        data = cv2.imencode(extension, image, [cv2.IMWRITE_WEBP_QUALITY, 101])[1].tobytes()
        decoded = decode_image(data)
        assert decoded is not None
        assert np.array_equal(decoded, image)
    grey = decode_image(cv2.imencode(".png", image[:, :, 1])[1].tobytes())
    assert grey is not None
    assert grey.shape == (4, 6, 3)
    for broken in (b"", b"no picture", cv2.imencode(".png", image)[1].tobytes()[:20]):
        assert decode_image(broken) is None
