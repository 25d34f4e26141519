import errno
import itertools
import math
import resource
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from biometric.clips.video import PyAVReader
from biometric.clips.video_writing import PROXY_WIDTH, H264Writer
from biometric.entities import Frame, FrameRange, Image
from biometric.errors import NotAVideo, StorageFull
from tests import made_clips as clips


@pytest.fixture
def writer() -> H264Writer:
    return H264Writer(PyAVReader(), report_every=0.0)


def pictures(count: int, size: tuple[int, int] = clips.SIZE, fps: float = 25.0) -> Iterator[Frame]:
    return (Frame(number, clips.numbered(number, size), number / fps) for number in range(count))


def timed(*images: Image) -> Iterator[Frame]:
    return (Frame(number, image, number / 25) for number, image in enumerate(images))


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def numbers(clip: Path, count: int) -> list[int]:
    return [clips.number_of(frame.image) for frame in PyAVReader().read(clip, FrameRange(0, count))]


def test_a_written_clip_holds_its_frames_and_plays_in_browsers(tmp_path: Path, writer: H264Writer) -> None:
    path = tmp_path / "a.mp4"
    writer.write(path, pictures(40, fps=12.5))
    info = PyAVReader().probe(path)
    assert (info.frame_count, info.fps, info.codec, info.damage) == (40, 12.5, "h264", None)
    assert info.browser_playable
    assert numbers(path, 40) == list(range(40))
    assert names(tmp_path) == ["a.mp4"]
    # The index stands before the pictures, so that playing starts before all is loaded.
    assert path.read_bytes().index(b"moov") < path.read_bytes().index(b"mdat")


@pytest.mark.parametrize("fps", [30000 / 1001, 10, 59.94, 0.5, 7.3])
def test_any_frame_rate_is_kept(tmp_path: Path, writer: H264Writer, fps: float) -> None:
    writer.write(tmp_path / "a.mp4", pictures(30, fps=fps))
    assert PyAVReader().probe(tmp_path / "a.mp4").fps == pytest.approx(fps, rel=1e-3)


@pytest.mark.parametrize(
    ("size", "expected"), [((195, 129), (194, 128)), ((1, 1), (2, 2)), ((64, 64), (64, 64))], ids=["odd", "dot", "even"]
)
def test_odd_sizes_become_even(
    tmp_path: Path, writer: H264Writer, size: tuple[int, int], expected: tuple[int, int]
) -> None:
    writer.write(tmp_path / "a.mp4", timed(*[np.zeros((size[1], size[0], 3), np.uint8)] * 2))
    info = PyAVReader().probe(tmp_path / "a.mp4")
    assert (info.width, info.height) == expected


def test_colours_survive(tmp_path: Path, writer: H264Writer) -> None:
    image = np.full((64, 64, 3), (200, 90, 40), np.uint8)
    writer.write(tmp_path / "a.mp4", timed(image))
    (frame,) = PyAVReader().read(tmp_path / "a.mp4", FrameRange(0, 1))
    assert np.abs(frame.image.astype(int) - image).mean() < 4


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([], "at least one frame"),
        ([*timed(np.zeros((64, 64, 3), np.uint8), np.zeros((32, 64, 3), np.uint8))], "expected frames of shape"),
        ([Frame(0, np.zeros((64, 64, 3), np.uint8), math.nan)], "a finite time"),
    ],
    ids=["none", "two sizes", "nan"],
)
def test_what_cannot_be_written_is_refused_and_leaves_nothing(
    tmp_path: Path, writer: H264Writer, frames: list[Frame], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        writer.write(tmp_path / "a.mp4", iter(frames))
    assert names(tmp_path) == []


def test_promise_20_a_failing_source_leaves_the_old_clip_and_nothing_else(tmp_path: Path, writer: H264Writer) -> None:
    def broken() -> Iterator[Frame]:
        yield from pictures(20)
        raise RuntimeError("the source failed")

    (tmp_path / "a.mp4").write_text("old")
    with pytest.raises(RuntimeError):
        writer.write(tmp_path / "a.mp4", broken())
    assert (tmp_path / "a.mp4").read_text() == "old"
    assert names(tmp_path) == ["a.mp4"]


def test_a_folder_that_is_not_there_is_storage_full(tmp_path: Path, writer: H264Writer) -> None:
    (tmp_path / "no").write_text("a file")
    with pytest.raises(StorageFull, match="could not be written"):
        writer.write(tmp_path / "no" / "a.mp4", pictures(3))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_promise_20_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path, writer: H264Writer) -> None:
    """A file size limit makes a write fail for real, in the middle of the clip."""
    noise = np.random.default_rng(0)
    frames = timed(*(noise.integers(0, 256, (256, 256, 3)).astype(np.uint8) for _ in range(60)))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(StorageFull):
            writer.write(tmp_path / "a.mp4", frames)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert names(tmp_path) == []


def test_no_space_left_has_its_own_words(tmp_path: Path, writer: H264Writer) -> None:
    def frames() -> Iterator[Frame]:
        yield from pictures(3)
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(StorageFull) as raised:
        writer.write(tmp_path / "a.mp4", frames())
    assert str(raised.value) == "The disk is full: the clip 'a.mp4' could not be written. Make room first."
    assert names(tmp_path) == []


# Proxies


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.avi", {"codec": "mpeg4"}),
        ("a.h264", {}),
        ("a.mkv", {"codec": "libx265", "options": {"x265-params": "log-level=none"}}),
        ("a.ts", {"codec": "mpeg2video"}),
        ("a.mp4", {"codec": "mpeg4"}),
    ],
)
def test_a_proxy_has_the_same_frames_and_plays_in_browsers(
    tmp_path: Path, writer: H264Writer, name: str, options: dict[str, object]
) -> None:
    clip = clips.write_clip(tmp_path / name, 50, **options)  # type: ignore[arg-type]
    proxy = tmp_path / "proxy.mp4"
    reports = list(writer.proxy(clip, proxy))
    info = PyAVReader().probe(proxy)
    assert (info.frame_count, info.damage, info.browser_playable) == (50, None, True)
    assert info.fps == pytest.approx(PyAVReader().probe(clip).fps)
    assert numbers(proxy, 50) == list(range(50))
    assert [report.done for report in reports] == [*range(51), 50]
    assert {report.total for report in reports} == {50}
    assert str(reports[0]) == "Preparing preview: frame 0 of 50"


def test_a_proxy_is_small_and_turned(tmp_path: Path, writer: H264Writer) -> None:
    clip = clips.write_clip(tmp_path / "a.mov", 3, size=(960, 1440), rotation=-90, codec="mpeg4")
    list(writer.proxy(clip, tmp_path / "proxy.mp4"))
    info = PyAVReader().probe(tmp_path / "proxy.mp4")
    assert (info.width, info.height, info.rotation) == (PROXY_WIDTH, 640, 0)


def test_a_damaged_clip_is_previewed_as_far_as_it_goes(tmp_path: Path, writer: H264Writer) -> None:
    whole = clips.write_clip(tmp_path / "whole.avi", 60, codec="mjpeg", pix_fmt="yuvj420p")
    clip = clips.truncate(whole, tmp_path / "cut.avi", 0.6)
    list(writer.proxy(clip, tmp_path / "proxy.mp4"))
    count = PyAVReader().probe(clip).frame_count
    assert numbers(tmp_path / "proxy.mp4", count) == list(range(count))


def test_a_count_that_was_only_claimed_does_not_shorten_the_proxy(tmp_path: Path) -> None:
    clip = clips.write_clip(tmp_path / "a.mkv", 40)
    writer = H264Writer(PyAVReader(count_seconds=0.0))
    list(writer.proxy(clip, tmp_path / "proxy.mp4"))
    assert PyAVReader().probe(tmp_path / "proxy.mp4").frame_count == 40


def test_promise_6_a_proxy_that_is_abandoned_leaves_nothing(tmp_path: Path, writer: H264Writer) -> None:
    clip = clips.write_clip(tmp_path / "a.avi", 50, codec="mpeg4")
    copying = writer.proxy(clip, tmp_path / "proxy.mp4")
    assert [report.done for report in itertools.islice(copying, 48)] == list(range(48))
    assert len(names(tmp_path)) > 1
    copying.close()
    assert names(tmp_path) == ["a.avi"]


def test_no_proxy_of_what_is_no_video(tmp_path: Path, writer: H264Writer) -> None:
    (tmp_path / "a.txt").write_text("hello")
    with pytest.raises(NotAVideo):
        next(writer.proxy(tmp_path / "a.txt", tmp_path / "proxy.mp4"))
    assert names(tmp_path) == ["a.txt"]


def test_no_sound_in_a_proxy(tmp_path: Path, writer: H264Writer) -> None:
    clip = clips.write_clip(tmp_path / "a.mkv", 25, audio=1.0)
    list(writer.proxy(clip, tmp_path / "proxy.mp4"))
    with av.open(str(tmp_path / "proxy.mp4")) as opened:
        assert [stream.type for stream in opened.streams] == ["video"]
