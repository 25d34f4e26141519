"""Photographs are clips of one frame, whatever their name; what cannot be one is refused with a sentence."""

import builtins
import contextlib
import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from biometric.clips.footage_reading import FootageReader
from biometric.clips.photograph_kinds import photograph_kind
from biometric.clips.photograph_reading import PhotographReader
from biometric.clips.video_limits import VideoLimits
from biometric.entities import FrameRange
from biometric.errors import (
    ClipError,
    ClipNotFound,
    ClipTooLarge,
    EmptyClip,
    InvalidFrameRange,
    NotAVideo,
    PhotographUnreadable,
)
from tests import made_clips
from tests.made_photographs import BLUE, GREEN, GREY, RED, close, corners, quarters, save

UPRIGHT = (RED, GREEN, BLUE, GREY)
KINDS = {
    "jpeg": ("JPEG", {"quality": 95, "subsampling": 0}),
    "progressive jpeg": ("JPEG", {"quality": 95, "progressive": True}),
    "png": ("PNG", {}),
    "webp": ("WEBP", {"lossless": True}),
    "avif": ("AVIF", {"quality": 95}),
    "tiff": ("TIFF", {}),
    "compressed tiff": ("TIFF", {"compression": "tiff_lzw"}),
    "big tiff": ("TIFF", {"big_tiff": True}),
    "bmp": ("BMP", {}),
}


def pixels(path: Path) -> np.ndarray:
    (frame,) = FootageReader().read(path, FrameRange(0, 1))
    assert (frame.index, frame.seconds) == (0, 0.0)
    assert frame.image.dtype == np.uint8
    assert frame.image.flags["C_CONTIGUOUS"]
    return frame.image


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("ending", ["", ".mp4"])
def test_a_photograph_is_a_clip_of_one_frame_whatever_its_name(tmp_path: Path, name: str, ending: str) -> None:
    kind, options = KINDS[name]
    path = save(tmp_path / f"upload{ending}", kind=kind, **options)
    info = FootageReader().probe(path)
    assert (info.width, info.height, info.frame_count, info.duration) == (160, 96, 1, 0.0)
    assert (info.photograph, info.codec, info.damage) == (True, kind.lower(), None)
    assert len(info.digest) == 64
    assert close(corners(pixels(path)), UPRIGHT)
    assert FootageReader().grab(path, [0, 1])[0].image.shape == (96, 160, 3)


def test_heic_is_read_where_its_package_is_installed(tmp_path: Path) -> None:
    heif = pytest.importorskip("pillow_heif", reason="pillow-heif is not installed")
    heif.from_pillow(quarters()).save(tmp_path / "a.heic", quality=95)
    info = FootageReader().probe(tmp_path / "a.heic")
    assert (info.width, info.height, info.codec, info.browser_playable) == (160, 96, "heic", False)
    assert close(corners(pixels(tmp_path / "a.heic")), UPRIGHT, 25)


def test_heic_says_what_to_install_where_it_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def absent(name: str, *arguments: Any) -> Any:
        if name == "pillow_heif":
            raise ImportError(name)
        return real(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", absent)
    (tmp_path / "a.heic").write_bytes(b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(100))
    with pytest.raises(PhotographUnreadable, match="pip install pillow-heif"):
        FootageReader().probe(tmp_path / "a.heic")


@pytest.mark.parametrize("major", [b"heic", b"heix", b"mif1", b"avif"])
def test_brands_tell_heic_from_avif(major: bytes) -> None:
    others = b"mif1avif" if major == b"avif" else b"mif1heic"
    kind = photograph_kind(b"\x00\x00\x00\x18ftyp" + major + b"\x00\x00\x00\x00" + others + bytes(64))
    assert str(kind) == ("avif" if major == b"avif" else "heic")
    assert photograph_kind(b"\x00\x00\x00\x18ftypisom\x00\x00\x00\x00mif1heic" + bytes(64)) is None


TURNED = {
    1: UPRIGHT,
    2: (GREEN, RED, GREY, BLUE),
    3: (GREY, BLUE, GREEN, RED),
    4: (BLUE, GREY, RED, GREEN),
    5: (RED, BLUE, GREEN, GREY),
    6: (BLUE, RED, GREY, GREEN),
    7: (GREY, GREEN, BLUE, RED),
    8: (GREEN, GREY, RED, BLUE),
}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", TURNED)
def test_exif_orientation_is_obeyed(tmp_path: Path, orientation: int, kind: str) -> None:
    path = save(tmp_path / "a", kind=kind, orientation=orientation)
    info = FootageReader().probe(path)
    assert (info.width, info.height) == ((96, 160) if orientation >= 5 else (160, 96))
    assert info.rotation == {3: 180, 4: 180, 5: 90, 6: 90, 7: 270, 8: 270}.get(orientation, 0)
    assert close(corners(pixels(path)), TURNED[orientation], 25)


def test_metadata_that_makes_no_sense_is_passed_over(tmp_path: Path) -> None:
    path = save(tmp_path / "a", exif=b"Exif\x00\x00MM\x00*\xff\xff\xff\xff" + bytes(range(200)))
    assert FootageReader().probe(path).rotation == 0
    path = save(tmp_path / "b", icc_profile=b"no profile" * 20)
    assert close(corners(pixels(path)), UPRIGHT)


def test_modes_become_bgr_of_eight_bits(tmp_path: Path) -> None:
    grey = np.linspace(0, 65535, 96 * 160).astype(np.uint16).reshape(96, 160)
    deep = Image.fromarray(grey)
    for name, kind in (("a.png", "PNG"), ("a.tif", "TIFF")):
        image = pixels(save(tmp_path / name, deep, kind))
        assert np.abs(image[:, :, 0].astype(int) - (grey >> 8)).max() <= 1
        assert (image[:, :, 0] == image[:, :, 2]).all()
    assert close(corners(pixels(save(tmp_path / "c.jpg", quarters().convert("CMYK")))), UPRIGHT, 40)
    assert close(corners(pixels(save(tmp_path / "c.tif", quarters().convert("CMYK"), "TIFF"))), UPRIGHT, 40)
    assert close(corners(pixels(save(tmp_path / "p.png", quarters().quantize(16), "PNG"))), UPRIGHT, 25)
    flat = pixels(save(tmp_path / "l.jpg", quarters().convert("L")))
    assert (flat[:, :, 0] == flat[:, :, 1]).all()
    assert set(np.unique(pixels(save(tmp_path / "1.png", quarters().convert("1"), "PNG")))) <= {0, 255}


def test_transparent_parts_are_white(tmp_path: Path) -> None:
    picture = quarters().convert("RGBA")
    picture.putalpha(Image.fromarray(np.repeat(np.uint8([[255], [0]]), (48, 48), axis=0).repeat(160, axis=1)))
    wanted = (RED, GREEN, (255, 255, 255), (255, 255, 255))
    assert close(corners(pixels(save(tmp_path / "a.png", picture, "PNG"))), wanted)
    assert close(corners(pixels(save(tmp_path / "a.webp", picture, "WEBP", lossless=True))), wanted)
    palette = quarters().quantize(8)
    gone = palette.getpixel((10, 10))
    assert close(corners(pixels(save(tmp_path / "a.gif", palette, "GIF", transparency=gone)))[:1], ((255, 255, 255),))


def test_an_embedded_profile_is_applied(tmp_path: Path) -> None:
    linear = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    assert close(corners(pixels(save(tmp_path / "lab.jpg", icc_profile=linear.tobytes()))), UPRIGHT)  # does not fit
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    swapped = bytearray(srgb.tobytes())
    red, green = swapped.find(b"rXYZ"), swapped.find(b"gXYZ")
    swapped[red : red + 4], swapped[green : green + 4] = b"gXYZ", b"rXYZ"
    found = corners(pixels(save(tmp_path / "swapped.png", kind="PNG", icc_profile=bytes(swapped))))
    assert found[0][1] > found[0][0]  # what the file calls red is green by its profile


def bomb(path: Path, width: int, height: int) -> Path:
    """A PNG whose header claims a size; its pixels are a few zero bytes."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100_000))) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    return path


@pytest.mark.parametrize(
    ("size", "match"),
    [((20_000, 20_000), "20000×20000"), ((2**31 - 1, 2**31 - 1), "pixels"), ((60_000, 100), "at most 32,000")],
)
def test_promise_14_a_picture_that_unpacks_too_large_is_refused_by_its_header(
    tmp_path: Path, size: tuple[int, int], match: str
) -> None:
    with pytest.raises(ClipTooLarge, match=match):
        FootageReader().probe(bomb(tmp_path / "bomb", *size))


def test_promise_14_a_real_picture_of_20000_by_20000_pixels_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "huge.png", Image.new("1", (20_000, 20_000)), "PNG")
    assert path.stat().st_size < 1_000_000
    with pytest.raises(ClipTooLarge, match="20000×20000"):
        FootageReader().probe(path)


def test_limits_of_bytes_hold_for_photographs(tmp_path: Path) -> None:
    with pytest.raises(ClipTooLarge, match="MB"):
        FootageReader(VideoLimits(max_bytes=100)).probe(save(tmp_path / "a.jpg"))


@pytest.mark.parametrize("name", [*KINDS, "gif", "heic"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9])
def test_promise_12_a_photograph_cut_short_is_refused(tmp_path: Path, name: str, share: float) -> None:
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 255, (96, 160, 3), np.uint8))
    if name == "heic":
        heif = pytest.importorskip("pillow_heif", reason="pillow-heif is not installed")
        heif.from_pillow(noise).save(tmp_path / "whole", format="HEIF")
    else:
        kind, options = KINDS.get(name, ("GIF", {}))
        save(tmp_path / "whole", noise, kind, **options)
    data = (tmp_path / "whole").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(data[: max(40, int(len(data) * share))])
    with pytest.raises(PhotographUnreadable, match=r"damaged.*(Copy|Save) it"):
        FootageReader().probe(tmp_path / "cut.jpg")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF", "BMP", "GIF"])
def test_damaged_bytes_never_raise_what_is_not_ours(tmp_path: Path, kind: str) -> None:
    data = bytearray(save(tmp_path / "whole", kind=kind).read_bytes())
    random = np.random.default_rng(2)
    for round_ in range(60):
        changed = bytearray(data)
        for place in random.integers(12, len(data), 8):
            changed[place] = int(random.integers(0, 256))
        path = tmp_path / str(round_)
        path.write_bytes(changed)
        with contextlib.suppress(ClipError):
            FootageReader().probe(path)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "AVIF"])
def test_animations_are_refused_with_a_way_out(tmp_path: Path, kind: str) -> None:
    more = [quarters().rotate(180)]
    path = save(tmp_path / "a", kind=kind, save_all=True, append_images=more, duration=100)
    with pytest.raises(NotAVideo, match=r"animation.*MP4"):
        FootageReader().probe(path)


def test_a_gif_of_one_picture_is_a_photograph(tmp_path: Path) -> None:
    assert FootageReader().probe(save(tmp_path / "a", kind="GIF")).photograph


def test_several_pictures_in_one_file(tmp_path: Path) -> None:
    more = [quarters().rotate(180)]
    with pytest.raises(NotAVideo, match="several pictures"):
        FootageReader().probe(save(tmp_path / "pages", kind="TIFF", save_all=True, append_images=more))
    # Telephones put a second picture (depth, gain map) behind the main one of a JPEG.
    path = save(tmp_path / "phone", kind="MPO", save_all=True, append_images=more)
    assert close(corners(pixels(path)), UPRIGHT, 25)


def test_a_raw_files_preview_is_not_taken_for_the_photograph(tmp_path: Path) -> None:
    path = save(tmp_path / "a.dng", kind="TIFF", tiffinfo={254: 1})
    with pytest.raises(PhotographUnreadable, match="raw file"):
        FootageReader().probe(path)


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1)])
def test_the_smallest_pictures_are_photographs(tmp_path: Path, size: tuple[int, int]) -> None:
    path = save(tmp_path / "a.png", Image.new("RGB", size, RED), "PNG")
    info = FootageReader().probe(path)
    assert (info.width, info.height) == size
    assert pixels(path).shape == (size[1], size[0], 3)


@pytest.mark.parametrize(
    "content", [b"BM and the rest is text, which goes on for a while", b"GIF for you", b"II", b"no"]
)
def test_text_is_neither_video_nor_photograph(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(NotAVideo, match=r"nor a photograph.*JPEG"):
        FootageReader().probe(tmp_path / "a.jpg")


def test_what_is_no_file_is_told_as_for_clips(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    with pytest.raises(EmptyClip):
        FootageReader().probe(tmp_path / "empty.jpg")
    os.mkfifo(tmp_path / "pipe.jpg")
    for name in ("missing.jpg", ".", "pipe.jpg"):
        with pytest.raises(ClipNotFound):
            FootageReader().probe(tmp_path / name)


def test_a_video_is_read_as_before(tmp_path: Path) -> None:
    clip = made_clips.write_clip(tmp_path / "a.jpg", 12, container="mp4")
    info = FootageReader().probe(clip)
    assert (info.photograph, info.frame_count) == (False, 12)
    assert made_clips.number_of(FootageReader().grab(clip, [7])[7].image) == 7
    with pytest.raises(NotAVideo, match="not a photograph"):
        PhotographReader().probe(clip)


def test_a_photograph_has_only_frame_0(tmp_path: Path) -> None:
    path = save(tmp_path / "a.jpg")
    with pytest.raises(InvalidFrameRange, match="only frame 0"):
        list(FootageReader().read(path, FrameRange(0, 2)))
    with pytest.raises(InvalidFrameRange, match="numbered from 0"):
        FootageReader().grab(path, [-1])
    assert FootageReader().grab(path, [3]) == {}


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="this system does not list open files")
def test_reading_leaves_no_file_open(tmp_path: Path) -> None:
    path = save(tmp_path / "a.jpg")
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for _ in range(5):
        FootageReader().probe(path)
    assert len(os.listdir("/proc/self/fd")) <= before  # noqa: PTH208
