"""Each frame keeps its own time, whatever the file claims about its rate."""

import os
import stat
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from biometric.clips.video import PyAVReader
from biometric.clips.video_limits import VideoLimits
from biometric.clips.video_writing import H264Writer
from biometric.entities import Frame, FrameRange
from biometric.errors import BiometricError, ClipNotFound, ClipTooLarge, InvalidFrameRange
from biometric.pipeline.frame_ranges import checked_range
from tests import made_clips as clips

UNEVEN = [0, 40, 80, 120, 1000, 1040, 1080, 9000, 9500, 10000, 10040, 10080, 20040, 20080]
"""Milliseconds: bursts and pauses of seconds."""


def remux(source: Path, destination: Path, shift: int = 0, **options: str) -> Path:
    """Copy packets, `shift` ticks of the source's clock earlier."""
    with av.open(str(source)) as opened, av.open(str(destination), "w", options=options) as output:
        track = opened.streams.video[0]
        stream = output.add_stream_from_template(track)
        for packet in opened.demux(track):
            if packet.dts is not None:
                packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
                packet.stream = stream
                output.mux(packet)
    return destination


def times(clip: Path, count: int) -> list[float]:
    reader = PyAVReader(VideoLimits(max_seconds=1e9))
    return [frame.seconds for frame in reader.read(clip, FrameRange(0, count))]


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.flv", "a.mov"])
def test_a_variable_rate_keeps_each_frames_time(tmp_path: Path, name: str) -> None:
    clip = clips.write_clip(tmp_path / name, len(UNEVEN), times=UNEVEN)
    expected = pytest.approx([time / 1000 for time in UNEVEN], abs=1e-3)
    assert times(clip, len(UNEVEN)) == expected
    info = PyAVReader().probe(clip)
    assert [info.time_of(index) for index in range(len(UNEVEN))] == expected
    assert info.duration >= 20.08
    assert info.time_is_exact(len(UNEVEN) - 1)
    proxy = tmp_path / "proxy.mp4"
    list(H264Writer(PyAVReader()).proxy(clip, proxy))
    assert times(proxy, len(UNEVEN)) == expected


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_counted_packets_give_estimates_of_the_times(tmp_path: Path, name: str) -> None:
    when = [40 * index + 700 * (index // 30) for index in range(60)]
    info = PyAVReader(count_seconds=0.0).probe(clips.write_clip(tmp_path / name, 60, times=when))
    assert info.frame_count_source == "claimed"
    assert [info.time_of(index) for index in range(60)] == pytest.approx([time / 1000 for time in when], abs=1e-3)
    assert not info.time_is_exact(59)


def test_an_avi_that_claims_twice_the_rate_takes_the_time_of_its_packets(tmp_path: Path) -> None:
    clip = tmp_path / "a.avi"
    with av.open(str(clip), "w") as output:
        stream = output.add_stream("mjpeg", rate=50)
        stream.width, stream.height, stream.pix_fmt = *clips.SIZE, "yuvj420p"
        for index in range(40):
            frame = av.VideoFrame.from_ndarray(clips.numbered(index), format="bgr24")
            frame.pts, frame.time_base = 2 * index, Fraction(1, 50)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    info = PyAVReader().probe(clip)
    assert info.frame_count == 40
    assert (info.duration, info.fps) == (pytest.approx(1.6), pytest.approx(25))
    assert times(clip, 40) == pytest.approx([index * 0.04 for index in range(40)])
    list(H264Writer(PyAVReader()).proxy(clip, tmp_path / "proxy.mp4"))
    assert PyAVReader().probe(tmp_path / "proxy.mp4").duration == pytest.approx(1.6, abs=0.01)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
@pytest.mark.parametrize("gap", [1, 3_000_000, 3_500_000])
def test_any_distance_between_frames_is_kept(tmp_path: Path, name: str, gap: int) -> None:
    clip = clips.write_clip(tmp_path / name, 4, times=[gap * index for index in range(4)])
    info = PyAVReader().probe(clip)
    assert times(clip, 4) == pytest.approx([gap / 1000 * index for index in range(4)], abs=1e-3)
    frames, _ = checked_range(info, None, False, 10.0)
    assert len(list(PyAVReader().read(clip, frames))) == (1 if gap == 1 else 4)
    list(H264Writer(PyAVReader()).proxy(clip, tmp_path / "proxy.mp4"))
    assert times(tmp_path / "proxy.mp4", 4) == pytest.approx([gap / 1000 * index for index in range(4)], abs=1e-3)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi", "a.ts"])
def test_a_single_frame_has_a_duration(tmp_path: Path, name: str) -> None:
    info = PyAVReader().probe(clips.write_clip(tmp_path / name, 1))
    assert (info.frame_count, info.time_of(0)) == (1, 0.0)
    assert 0 < info.duration <= 1


def test_too_much_footage_is_refused_with_words(tmp_path: Path) -> None:
    clip = clips.write_clip(tmp_path / "a.mp4", 8, times=[3_000_000 * index for index in range(8)])
    with pytest.raises(ClipTooLarge, match="lasts"):
        PyAVReader().probe(clip)


DAY = 86_400


@pytest.mark.parametrize(
    "seconds",
    [
        *([gap * index for index in range(12)] for gap in (1, 100, 3000, DAY, 10 * DAY)),
        [0, 0.04, 0.08, DAY, DAY + 0.04, 2 * DAY, 30 * DAY / 2],
    ],
    ids=["1 s", "100 s", "3,000 s", "a day", "10 days", "bursts"],
)
def test_time_lapses_are_written_and_previewed_with_their_times(tmp_path: Path, seconds: list[float]) -> None:
    """MP4 holds gaps as 32-bit numbers of ticks."""
    writer, longest = H264Writer(PyAVReader(VideoLimits(max_seconds=1e9))), float(np.diff(seconds).max())
    frames = (Frame(index, clips.numbered(index), when) for index, when in enumerate(seconds))
    writer.write(tmp_path / "a.mp4", frames, longest)
    list(writer.proxy(tmp_path / "a.mp4", tmp_path / "proxy.mp4"))
    for path in (tmp_path / "a.mp4", tmp_path / "proxy.mp4"):
        assert times(path, len(seconds)) == pytest.approx(seconds, abs=1e-3), path.name


def test_a_gap_that_nobody_announced_is_shortened(tmp_path: Path) -> None:
    frames = (Frame(index, clips.numbered(index), float(DAY * index)) for index in range(12))
    H264Writer(PyAVReader()).write(tmp_path / "a.mp4", frames)
    assert 3600 < times(tmp_path / "a.mp4", 2)[1] < 4000


def test_equal_times_are_written_a_tick_apart(tmp_path: Path) -> None:
    frames = (Frame(index, clips.numbered(index), 1.0) for index in range(5))
    H264Writer(PyAVReader()).write(tmp_path / "a.mp4", frames)
    assert PyAVReader().probe(tmp_path / "a.mp4").frame_count == 5


def test_promise_11_analysed_frames_are_evenly_spread_over_time(tmp_path: Path) -> None:
    """30 frames in each second, then 1 in each: both seconds' worth are looked at ten times a second at most."""
    when = [round(index * 1000 / 30) for index in range(60)] + [3000 + 1000 * index for index in range(20)]
    clip = clips.write_clip(tmp_path / "a.mkv", 80, times=when)
    frames, _ = checked_range(PyAVReader().probe(clip), FrameRange(3, 75), False, 10.0)
    analysed = list(PyAVReader().read(clip, frames))
    assert analysed[0].index == 3
    assert analysed[-1].index == 74
    seconds = np.array([frame.seconds for frame in analysed])
    assert np.diff(seconds).min() > 0.06
    assert 18 <= (seconds < 2).sum() <= 20, "ten a second, less the three frames before the range"
    assert (seconds > 2.5).sum() == 15, "every frame where they are rare"


def test_a_constant_rate_is_analysed_in_steps(tmp_path: Path) -> None:
    info = PyAVReader().probe(clips.write_clip(tmp_path / "a.mp4", 60))
    assert checked_range(info, FrameRange(5, 50), False, 8.0)[0] == FrameRange(5, 50, 3)


@pytest.mark.parametrize("count_seconds", [0.0, 15.0])
def test_an_edit_list_counts_the_frames_that_are_shown(tmp_path: Path, count_seconds: float) -> None:
    source = clips.write_clip(tmp_path / "source.mp4", 200, options={"preset": "veryfast", "bf": "2", "g": "250"})
    with av.open(str(source)) as opened:
        ticks = round(30 / 25 / opened.streams.video[0].time_base)
    clip = remux(source, tmp_path / "a.mp4", ticks, use_editlist="1")
    info = PyAVReader(count_seconds=count_seconds).probe(clip)
    whole = PyAVReader().probe(clip)
    assert (info.frame_count, whole.frame_count) == (170, 170)
    frames = list(PyAVReader().read(clip, FrameRange(0, info.frame_count)))
    assert clips.number_of(frames[0].image) == 30
    assert clips.number_of(frames[-1].image) == 199
    assert [info.time_of(index) for index in (0, 100, 169)] == pytest.approx([0.0, 4.0, 6.76], abs=1e-3)
    with pytest.raises(InvalidFrameRange):
        list(PyAVReader().read(clip, FrameRange(0, 171)))


# Tracks and pixels


def write_tracks(path: Path, tracks: list[tuple[int, bool]], codec: str = "mpeg4") -> Path:
    """Video tracks of so many frames, numbered from 1000 × (track + 1); the flag makes a track the default one."""
    with av.open(str(path), "w") as output:
        streams = []
        for _, default in tracks:
            stream = output.add_stream(codec, rate=25)
            stream.width, stream.height, stream.pix_fmt = *clips.SIZE, "yuv420p"
            stream.disposition = av.stream.Disposition.default if default else av.stream.Disposition(0)
            streams.append(stream)
        for number, (stream, (count, _)) in enumerate(zip(streams, tracks, strict=True)):
            for index in range(count):
                frame = av.VideoFrame.from_ndarray(clips.numbered(1000 * (number + 1) + index), format="bgr24")
                frame.pts, frame.time_base = index, Fraction(1, 25)
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4"])
@pytest.mark.parametrize(
    ("tracks", "chosen"),
    [
        ([(10, False), (6, True)], 1),
        ([(3, False), (10, False)], 1),
        ([(3, True), (10, True)], 1),
        ([(10, True), (10, True)], 0),
    ],
    ids=["default", "longest", "longest default", "first"],
)
def test_the_default_track_is_taken_else_the_longest(
    tmp_path: Path, name: str, tracks: list[tuple[int, bool]], chosen: int
) -> None:
    if name == "a.mp4" and not any(default for _, default in tracks):
        pytest.skip("an MP4 without a default track is written with the first one as default")
    clip = write_tracks(tmp_path / name, tracks)
    info = PyAVReader().probe(clip)
    assert info.frame_count == tracks[chosen][0]
    (frame,) = PyAVReader().read(clip, FrameRange(2, 3))
    assert clips.number_of(frame.image) == 1000 * (chosen + 1) + 2
    assert not info.browser_playable


def test_a_matroska_track_is_as_long_as_its_tag_says(tmp_path: Path) -> None:
    """FFmpeg gives the first track the duration of the whole file here: the longest one would never be taken."""
    clip = write_tracks(tmp_path / "a.mkv", [(3, True), (10, True)], "libx264")
    with av.open(str(clip)) as file:
        assert file.streams.video[0].duration is not None
    assert PyAVReader().probe(clip).frame_count == 10


def write_pixels(path: Path, aspect: Fraction, rotation: int = 0) -> Path:
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=25, options={"preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = *clips.SIZE, "yuv420p"
        stream.codec_context.sample_aspect_ratio = aspect
        if rotation:
            stream.set_display_rotation(rotation)
        for index in range(5):
            output.mux(stream.encode(av.VideoFrame.from_ndarray(clips.numbered(index + 1234), format="bgr24")))
        output.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
@pytest.mark.parametrize(("aspect", "width"), [((2, 1), 384), ((4, 3), 256), ((1, 2), 96), ((50, 1), 192)])
def test_pixels_that_are_not_square_are_made_square(
    tmp_path: Path, name: str, aspect: tuple[int, int], width: int
) -> None:
    clip = write_pixels(tmp_path / name, Fraction(*aspect))
    info = PyAVReader().probe(clip)
    frames = list(PyAVReader().read(clip, FrameRange(0, 5)))
    assert (info.width, info.height) == (width, 128)
    assert {frame.image.shape for frame in frames} == {(128, width, 3)}
    assert [clips.number_of(frame.image) for frame in frames] == list(range(1234, 1239))
    list(H264Writer(PyAVReader()).proxy(clip, tmp_path / "proxy.mp4"))
    assert PyAVReader().probe(tmp_path / "proxy.mp4").width == width


def test_stored_pixels_are_made_square_before_the_picture_is_turned(tmp_path: Path) -> None:
    clip = write_pixels(tmp_path / "a.mp4", Fraction(2, 1), rotation=-90)
    info = PyAVReader().probe(clip)
    (frame,) = PyAVReader().read(clip, FrameRange(0, 1))
    assert (info.width, info.height, info.rotation) == (128, 384, 90)
    assert clips.number_of(np.rot90(frame.image, 1)) == 1234


# What is no file


def test_what_is_no_file_is_named_without_waiting(tmp_path: Path) -> None:
    (tmp_path / "folder.mp4").mkdir()
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "loop.mp4").symlink_to("loop.mp4")
    (tmp_path / "dangling.mp4").symlink_to("nothing.mp4")
    for name, words in {
        "folder.mp4": "is a folder, no clip. Choose a clip in it",
        "pipe.mp4": "is a pipe",
        "loop.mp4": "loop of symbolic links",
        "dangling.mp4": "symbolic link to a file that is not there",
        "missing.mp4": "There is no file 'missing.mp4'",
        "/dev/zero": "is a device",
        "x" * 300: "the name is too long",
        "a\0b.mp4": "cannot be the name of a file",
    }.items():
        with pytest.raises(ClipNotFound, match=words) as raised:
            PyAVReader().probe(tmp_path / name)
        str(raised.value).encode("utf-8")


def test_a_name_that_is_not_utf_8_is_read_and_told(tmp_path: Path) -> None:
    name = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.mp4"))
    with pytest.raises(ClipNotFound) as raised:
        PyAVReader().probe(name)
    assert "caf\\udce9.mp4" in str(raised.value).encode("utf-8").decode("utf-8")
    clips.write_clip(tmp_path / "plain.mp4", 3).rename(name)
    try:
        assert PyAVReader().probe(name).frame_count == 3
    except BiometricError as error:
        str(error).encode("utf-8")
    assert stat.S_ISREG(name.stat().st_mode)
