import hashlib
import math
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import av
import numpy as np
import pytest

from biometric.clips.containers import Container
from biometric.clips.video import PyAVReader, VideoLimits, browser_playable
from biometric.entities import FrameRange, Notice, NoticeCode
from biometric.errors import (
    BiometricError,
    ClipNotFound,
    ClipTooLarge,
    DamagedClip,
    EmptyClip,
    InvalidFrameRange,
    NotAVideo,
    NoVideoTrack,
)
from tests import made_clips as clips
from tests.fresh_interpreter import PEAK_KB

HEVC = {"codec": "libx265", "options": {"x265-params": "log-level=none:bframes=4"}}
MPEG2 = {"codec": "mpeg2video", "options": {"bf": "2", "g": "12"}}

CLIPS: dict[str, dict[str, object]] = {
    "b-frames.mp4": {},
    "fragments.mp4": {"movflags": "frag_keyframe+empty_moov"},
    "variable.mp4": {"times": [index * 40 + (index * index) % 13 * 3 for index in range(60)]},
    "variable.mkv": {"times": [index * 40 + (index * index) % 13 * 3 for index in range(60)]},
    "sound.mp4": {"audio": 3.0},
    "hevc.mp4": HEVC,
    "av1.mp4": {"codec": "libsvtav1", "options": {"preset": "12", "svtav1-params": "rc=0"}},
    "a.mkv": {},
    "vp8.webm": {"codec": "libvpx", "options": {"deadline": "realtime", "cpu-used": "8"}},
    "vp9.webm": {"codec": "libvpx-vp9", "options": {"deadline": "realtime", "cpu-used": "8"}},
    "mpeg4.avi": {"codec": "mpeg4", "options": {"bf": "2", "g": "12"}},
    "h264.avi": {},
    "mjpeg.avi": {"codec": "mjpeg", "pix_fmt": "yuvj420p"},
    "h264.ts": {},
    "mpeg2.ts": MPEG2,
    "a.mpg": MPEG2,
    "raw.h264": {},
    "raw.h265": HEVC,
    "raw.m2v": {**MPEG2, "container": "mpeg2video"},
    "a.flv": {},
    "a.wmv": {"codec": "wmv2"},
    "a.mxf": MPEG2,
    "ten-bit.mp4": {"pix_fmt": "yuv420p10le"},
    "gray.mkv": {"codec": "ffv1", "pix_fmt": "gray"},
    "alpha.mov": {"codec": "png", "pix_fmt": "rgba"},
    "odd.mkv": {"codec": "ffv1", "pix_fmt": "yuv420p", "size": (195, 129)},
}


@pytest.fixture(scope="module")
def make_clip(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Returns a numbered clip of 60 frames by name, made once."""
    folder = tmp_path_factory.mktemp("clips")

    def make(name: str) -> Path:
        path = folder / name
        if path.exists():
            return path
        if CLIPS[name].get("codec") != "libsvtav1":
            return clips.write_clip(path, 60, **CLIPS[name])  # type: ignore[arg-type]
        # SVT-AV1, run as root, makes the process that uses it real-time, and so all that this one starts later.
        with ProcessPoolExecutor(1, get_context("spawn")) as apart:
            return apart.submit(clips.write_clip, path, 60, **CLIPS[name]).result()  # type: ignore[arg-type]

    return make


def numbers(clip: Path, start: int, stop: int, step: int = 1) -> list[tuple[int, int]]:
    """(index, number painted into the frame) of a range."""
    return [(f.index, clips.number_of(f.image)) for f in PyAVReader().read(clip, FrameRange(start, stop, step))]


@pytest.mark.parametrize("name", CLIPS)
def test_promise_11_a_range_is_exactly_those_frames(make_clip: Callable[[str], Path], name: str) -> None:
    clip = make_clip(name)
    assert numbers(clip, 0, 60) == [(index, index) for index in range(60)]
    assert numbers(clip, 17, 44, 5) == [(index, index) for index in range(17, 44, 5)]
    assert numbers(clip, 59, 60) == [(59, 59)]


@pytest.mark.parametrize("name", CLIPS)
def test_a_whole_clip_is_described_without_damage(make_clip: Callable[[str], Path], name: str) -> None:
    clip = make_clip(name)
    info = PyAVReader().probe(clip)
    width, height = CLIPS[name].get("size", clips.SIZE)
    assert (info.frame_count, info.frame_count_source, info.damage) == (60, "decoded", None)
    assert (info.width, info.height, info.rotation) == (width, height, 0)
    assert info.fps == pytest.approx(25, rel=0.03 if name.startswith("variable") else 1e-6)
    assert info.duration == pytest.approx(60 / info.fps, rel=0.02 if name.startswith("variable") else 1e-6)
    assert info.digest == hashlib.sha256(clip.read_bytes()).hexdigest()


def test_frames_are_bgr_bytes_with_their_time(make_clip: Callable[[str], Path]) -> None:
    times = CLIPS["variable.mp4"]["times"]
    assert isinstance(times, list)
    frames = list(PyAVReader().read(make_clip("variable.mp4"), FrameRange(0, 60)))
    assert [frame.seconds for frame in frames] == pytest.approx([time / 1000 for time in times], abs=1e-3)
    image = frames[0].image
    assert (image.shape, image.dtype, image.flags.c_contiguous) == ((128, 192, 3), np.uint8, True)


@pytest.mark.parametrize("name", ["h264.avi", "raw.h264", "h264.ts", "b-frames.mp4"])
def test_times_start_at_nothing_and_rise(make_clip: Callable[[str], Path], name: str) -> None:
    seconds = [frame.seconds for frame in PyAVReader().read(make_clip(name), FrameRange(0, 60))]
    assert seconds == pytest.approx([index / 25 for index in range(60)], abs=1e-3)


def test_colours_come_out_in_bgr_order(tmp_path: Path) -> None:
    path = tmp_path / "blue.mp4"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        blue = np.zeros((64, 64, 3), np.uint8)
        blue[:, :, 0] = 255
        output.mux(stream.encode(av.VideoFrame.from_ndarray(blue, format="bgr24")))
        output.mux(stream.encode(None))
    (frame,) = PyAVReader().read(path, FrameRange(0, 1))
    assert np.abs(frame.image.reshape(-1, 3).mean(axis=0) - (255, 0, 0)).max() < 8


@pytest.mark.parametrize(
    ("counter_clockwise", "hflip", "clockwise", "turn"),
    [
        (-90, False, 90, lambda image: np.rot90(image, -1)),
        (90, False, 270, lambda image: np.rot90(image, 1)),
        (180, False, 180, lambda image: np.rot90(image, 2)),
        (0, True, 0, lambda image: image[:, ::-1]),
    ],
    ids=["90", "270", "180", "mirrored"],
)
def test_promise_15_rotation_metadata_is_honoured(
    tmp_path: Path,
    counter_clockwise: int,
    hflip: bool,
    clockwise: int,
    turn: Callable[[np.ndarray], np.ndarray],
) -> None:
    plain = clips.write_clip(tmp_path / "plain.mp4", 3, first_number=1234)
    turned = clips.write_clip(tmp_path / "turned.mp4", 3, first_number=1234, rotation=counter_clockwise, hflip=hflip)
    (as_stored,) = PyAVReader().read(plain, FrameRange(1, 2))
    (displayed,) = PyAVReader().read(turned, FrameRange(1, 2))
    assert np.array_equal(displayed.image, turn(as_stored.image))
    info = PyAVReader().probe(turned)
    assert (info.height, info.width) == displayed.image.shape[:2]
    assert info.rotation == clockwise


def test_promise_15_the_same_clip_gives_the_same_answer(make_clip: Callable[[str], Path]) -> None:
    first, second = (list(PyAVReader().read(make_clip("b-frames.mp4"), FrameRange(20, 40))) for _ in range(2))
    assert all(np.array_equal(a.image, b.image) and a.seconds == b.seconds for a, b in zip(first, second, strict=True))
    assert PyAVReader().probe(make_clip("b-frames.mp4")) == PyAVReader().probe(make_clip("b-frames.mp4"))


def test_grab_returns_the_frames_asked_for(make_clip: Callable[[str], Path]) -> None:
    frames = PyAVReader().grab(make_clip("h264.ts"), [41, 3, 41])
    assert {index: clips.number_of(frame.image) for index, frame in frames.items()} == {3: 3, 41: 41}
    assert PyAVReader().grab(make_clip("h264.ts"), []) == {}
    with pytest.raises(InvalidFrameRange, match="numbered from 0"):
        PyAVReader().grab(make_clip("h264.ts"), [-1])


@pytest.mark.parametrize("name", ["b-frames.mp4", "h264.ts", "raw.h264", "mpeg4.avi", "a.mkv"])
def test_a_range_beyond_the_end_names_the_last_frame(make_clip: Callable[[str], Path], name: str) -> None:
    frames = PyAVReader().read(make_clip(name), FrameRange(58, 62))
    assert [next(frames).index, next(frames).index] == [58, 59]
    with pytest.raises(InvalidFrameRange, match="Frame 61 is outside the clip, whose last frame is 59"):
        next(frames)


def test_closing_the_iterator_releases_the_clip(make_clip: Callable[[str], Path]) -> None:
    def open_files() -> list[str]:
        return [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]

    clip = make_clip("b-frames.mp4")
    frames = PyAVReader().read(clip, FrameRange(0, 60))
    next(frames)
    assert str(clip) in open_files()
    frames.close()  # type: ignore[attr-defined]
    assert str(clip) not in open_files()


# What is no clip


def refused(clip: Path, limits: VideoLimits | None = None) -> BiometricError:
    """The error that `probe` and `read` agree on."""
    reader = PyAVReader(limits)
    with pytest.raises(BiometricError) as probed:
        reader.probe(clip)
    with pytest.raises(BiometricError) as read:
        list(reader.read(clip, FrameRange(0, 1_000_000)))
    assert type(probed.value) is type(read.value)
    return probed.value


def test_promise_12_each_kind_of_bad_file_has_its_own_error(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("hello")
    whole = clips.write_clip(tmp_path / "whole.mp4", 30)
    assert type(refused(tmp_path / "missing.mp4")) is ClipNotFound
    assert type(refused(tmp_path / "empty.mp4")) is EmptyClip
    assert type(refused(tmp_path / "text.mp4")) is NotAVideo
    assert type(refused(clips.write_audio(tmp_path / "sound.mp4"))) is NoVideoTrack
    assert type(refused(clips.truncate(whole, tmp_path / "no-moov.mp4", 0.6))) is DamagedClip


def test_a_cover_picture_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "song.mp4"
    with av.open(str(path), "w") as output:
        cover = output.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        sound = output.add_stream("aac", rate=16000)
        output.mux(cover.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="bgr24")))
        clips.write_silence(output, sound, 0.2)
    assert type(refused(path)) is NoVideoTrack


def test_a_container_of_noise_is_damaged(tmp_path: Path, make_clip: Callable[[str], Path]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, 20_000, np.uint8).tobytes()
    for name in ("b-frames.mp4", "a.mkv", "mpeg4.avi", "h264.ts", "raw.h264", "a.flv", "a.wmv"):
        data = make_clip(name).read_bytes()
        path = tmp_path / name
        path.write_bytes(data[:400] + noise)
        error = refused(path)
        assert isinstance(error, DamagedClip | NotAVideo | NoVideoTrack | ClipTooLarge), name


def test_promise_13_a_script_does_not_open_its_neighbour(tmp_path: Path) -> None:
    clips.write_clip(tmp_path / "neighbour.mp4", 5)
    (tmp_path / "x.mp4").write_text("ffconcat version 1.0\nfile 'neighbour.mp4'\n")
    assert type(refused(tmp_path / "x.mp4")) is NotAVideo


@pytest.mark.parametrize(
    "name", ["http://127.0.0.1:9/a.mp4", "a%02d.mp4", "concat:a00.mp4|a01.mp4", "data:video/mp4,x"]
)
def test_promise_13_addresses_and_patterns_are_no_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for index in range(2):
        clips.write_clip(tmp_path / f"a0{index}.mp4", 3)
    monkeypatch.chdir(tmp_path)
    assert type(refused(Path(name))) is ClipNotFound


@pytest.mark.parametrize("name", ["a%02d.mp4", "http:a.mp4", "concat:a.mp4", "a b#?.mp4"])
def test_promise_13_a_strange_name_is_only_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    clips.write_clip(tmp_path / "plain.mp4", 3, first_number=7).rename(tmp_path / name)
    assert numbers(Path(name), 0, 1) == [(0, 7)]


# Damage


@pytest.mark.parametrize(
    "name", ["fast.mp4", "a.mkv", "vp9.webm", "mjpeg.avi", "mpeg4.avi", "h264.ts", "a.flv", "a.mxf"]
)
def test_promise_12_a_clip_cut_short_says_how_much_can_be_read(
    tmp_path: Path, make_clip: Callable[[str], Path], name: str
) -> None:
    whole = clips.write_clip(tmp_path / name, 60, movflags="faststart") if name == "fast.mp4" else make_clip(name)
    clip = clips.truncate(whole, tmp_path / f"cut-{name}", 0.7)
    info = PyAVReader().probe(clip)
    assert 3 <= info.frame_count < 60
    assert info.damage is not None
    assert info.frame_count in dict(info.damage.values).values()
    if info.claimed_frames is not None:
        assert info.damage == Notice(NoticeCode.CLIP_CUT_SHORT, readable=info.frame_count, claimed=60)
    # What lies before the damage reads as ever; the range beyond it does not end silently.
    assert numbers(clip, 0, 3) == [(0, 0), (1, 1), (2, 2)]
    with pytest.raises(DamagedClip, match=f"only frames 0 to {info.frame_count - 1} can be read") as raised:
        list(PyAVReader().read(clip, FrameRange(0, 60)))
    assert raised.value.readable == info.frame_count


@pytest.mark.parametrize("name", ["b-frames.mp4", "mpeg4.avi", "a.mkv"])
def test_promise_12_only_an_index_lost_at_the_end_is_no_damage(
    tmp_path: Path, make_clip: Callable[[str], Path], name: str
) -> None:
    data = make_clip(name).read_bytes()
    index = {"mpeg4.avi": b"idx1", "a.mkv": bytes.fromhex("1c53bb6b"), "b-frames.mp4": b"udta"}[name]
    end = data.rindex(index) if name != "b-frames.mp4" else len(data)
    (tmp_path / name).write_bytes(data[:end])
    info = PyAVReader().probe(tmp_path / name)
    assert (info.frame_count, info.damage) == (60, None)


def packets(clip: Path) -> list[tuple[int, int]]:
    """(position, size) of the pictures in a file."""
    with av.open(str(clip)) as opened:
        return [(p.pos, p.size) for p in opened.demux(video=0) if p.size and p.pos is not None]


@pytest.mark.parametrize("broken", [25, 58, 59])
def test_promise_11_a_broken_packet_never_shifts_the_numbers(tmp_path: Path, broken: int) -> None:
    clip = clips.write_clip(tmp_path / "a.mp4", 60, options={"bf": "0", "g": "60", "preset": "veryfast"})
    position, size = packets(clip)[broken]
    data = bytearray(clip.read_bytes())
    data[position : position + size] = b"\xff" * size
    clip.write_bytes(bytes(data))
    info = PyAVReader().probe(clip)
    assert info.frame_count == broken
    assert info.damage == Notice(NoticeCode.CLIP_CUT_SHORT, readable=broken, claimed=60)
    read: list[tuple[int, int]] = []
    with pytest.raises(DamagedClip):
        read.extend((f.index, clips.number_of(f.image)) for f in PyAVReader().read(clip, FrameRange(0, 60)))
    assert numbers(clip, 0, broken) == [(index, index) for index in range(broken)]


def test_a_broken_beginning_numbers_from_the_first_readable_frame_and_says_so(tmp_path: Path) -> None:
    clip = clips.write_clip(tmp_path / "a.mp4", 30, codec="mpeg4", options={"g": "10"})
    position, size = packets(clip)[0]
    data = bytearray(clip.read_bytes())
    data[position : position + size] = bytes(size)
    clip.write_bytes(bytes(data))
    assert PyAVReader().probe(clip).damage is not None


def test_nothing_readable_is_an_error(tmp_path: Path) -> None:
    clip = clips.write_clip(tmp_path / "a.mp4", 10)
    data = bytearray(clip.read_bytes())
    for position, size in packets(clip):
        data[position : position + size] = b"\xff" * size
    clip.write_bytes(bytes(data))
    error = refused(clip)
    assert isinstance(error, DamagedClip)
    assert (error.readable, error.claimed) == (0, 10)


def test_a_wrong_frame_rate_alone_is_no_damage(tmp_path: Path, make_clip: Callable[[str], Path]) -> None:
    data = bytearray(make_clip("mpeg4.avi").read_bytes())
    rate = data.index(b"strh") + 8 + 24
    assert int.from_bytes(data[rate : rate + 4], "little") == 25
    data[rate : rate + 4] = (50).to_bytes(4, "little")
    (tmp_path / "fast.avi").write_bytes(bytes(data))
    info = PyAVReader().probe(tmp_path / "fast.avi")
    assert (info.frame_count, info.damage) == (60, None)


def test_an_edit_list_is_no_damage_and_hides_its_frames(tmp_path: Path) -> None:
    clip = clips.write_clip(tmp_path / "a.mp4", 60, options={"bf": "0", "g": "10", "preset": "veryfast"})
    data = bytearray(clip.read_bytes())
    entry = data.index(b"elst") + 12
    with av.open(str(clip)) as opened:
        ticks = int(opened.streams.video[0].time_base.denominator)
    data[entry : entry + 4] = (1400).to_bytes(4, "big")  # 35 frames of 40 ms are shown …
    data[entry + 4 : entry + 8] = (ticks * 20 // 25).to_bytes(4, "big")  # … from the 20th on
    clip.write_bytes(bytes(data))
    info = PyAVReader().probe(clip)
    assert (info.frame_count, info.damage) == (35, None)
    assert numbers(clip, 0, 35) == [(index, index + 20) for index in range(35)]


def test_a_stream_joined_before_its_first_key_frame_is_readable(
    tmp_path: Path, make_clip: Callable[[str], Path]
) -> None:
    data = make_clip("raw.h264").read_bytes()
    second_key_frame = data.index(b"\x00\x00\x01\x67", 100) if data.count(b"\x00\x00\x01\x67") > 1 else None
    if second_key_frame is None:
        pytest.skip("the encoder wrote its parameters once only")
    (tmp_path / "late.h264").write_bytes(data[second_key_frame - 1 :])
    assert PyAVReader().probe(tmp_path / "late.h264").frame_count > 10


# Limits

MEMORY = f"""
import sys
from pathlib import Path
from biometric.errors import ClipTooLarge
from biometric.clips.video import PyAVReader
before = {PEAK_KB}
try:
    PyAVReader().probe(Path(sys.argv[1]))
except ClipTooLarge:
    print({PEAK_KB} - before)
"""


def write_huge(path: Path) -> Path:
    """Two grey frames of 8192 × 4608 (37.7 million pixels, more than the default allows) in some 100 kB."""
    lean = "rc-lookahead=0:sync-lookahead=0:ref=1:threads=1:keyint=1"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=25, options={"preset": "ultrafast", "x264-params": lean})
        stream.width, stream.height, stream.pix_fmt = 8192, 4608, "yuv420p"
        frame = av.VideoFrame(8192, 4608, "yuv420p")
        for plane in frame.planes:
            np.frombuffer(plane, np.uint8)[:] = 128
        for index in range(2):
            frame.pts = index
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("name", ["a.mp4", "a.ts", "a.mkv", "a.h264", "lying.mp4", "later.h264"])
def test_promise_14_a_huge_frame_is_refused_before_it_costs_memory(
    tmp_path: Path, make_clip: Callable[[str], Path], name: str
) -> None:
    clip = write_huge(tmp_path / name)
    data = clip.read_bytes()
    if name == "lying.mp4":  # the header says 64 × 64, the stream itself 8192 × 4608
        sizes = data.index(b"avc1", data.index(b"stsd")) + 28
        data = data[:sizes] + (64).to_bytes(2, "big") * 2 + data[sizes + 4 :]
    if name == "later.h264":  # small frames first
        data = make_clip("raw.h264").read_bytes() + data
    clip.write_bytes(data)
    assert len(data) < 500_000
    done = subprocess.run([sys.executable, "-c", MEMORY, str(clip)], capture_output=True, text=True, check=True)
    assert done.stdout, "it was not refused"
    # Kilobytes; one such frame is 57 MB decoded, 113 MB as a picture. A decoder that is at work already takes more
    # before it refuses a larger frame (69 MB were seen), but no second one, and no picture is made.
    assert int(done.stdout) < (90_000 if name == "later.h264" else 30_000)


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (VideoLimits(max_pixels=20_000), "192×128 pixels, at most 20,000"),
        (VideoLimits(max_frames=59), "more than 59 frames"),
        (VideoLimits(max_seconds=2.0), "0.0 minutes; at most 0.0 minutes"),
        (VideoLimits(max_bytes=100), "at most 0.0 MB"),
    ],
    ids=["pixels", "frames", "seconds", "bytes"],
)
def test_promise_14_each_limit_is_checked(make_clip: Callable[[str], Path], limits: VideoLimits, message: str) -> None:
    error = refused(make_clip("b-frames.mp4"), limits)
    assert isinstance(error, ClipTooLarge)
    assert message in str(error)


@pytest.mark.parametrize("name", ["raw.h264", "h264.ts", "a.mkv"])
def test_promise_14_frames_are_limited_where_the_file_claims_none(make_clip: Callable[[str], Path], name: str) -> None:
    assert isinstance(refused(make_clip(name), VideoLimits(max_frames=20)), ClipTooLarge)


def test_a_clip_exactly_at_its_limits_passes(make_clip: Callable[[str], Path]) -> None:
    limits = VideoLimits(max_pixels=192 * 128, max_frames=60, max_seconds=2.4)
    assert PyAVReader(limits).probe(make_clip("b-frames.mp4")).frame_count == 60


def test_frames_of_another_size_are_scaled_to_the_first(tmp_path: Path, make_clip: Callable[[str], Path]) -> None:
    larger = clips.write_clip(tmp_path / "larger.h264", 10, size=(384, 256), first_number=60)
    clip = tmp_path / "both.h264"
    clip.write_bytes(make_clip("raw.h264").read_bytes() + larger.read_bytes())
    frames = list(PyAVReader().read(clip, FrameRange(55, 70)))
    assert {frame.image.shape for frame in frames} == {(128, 192, 3)}
    assert [clips.number_of(frame.image) for frame in frames] == list(range(55, 70))


def test_a_jump_of_the_broadcast_clock_does_not_change_the_frame_rate(tmp_path: Path) -> None:
    clip = tmp_path / "joined.ts"
    later = [index * 40 + 3_000_000 for index in range(30)]
    parts = [
        clips.write_clip(tmp_path / "1.ts", 30),
        clips.write_clip(tmp_path / "2.ts", 30, times=later, first_number=30),
    ]
    clip.write_bytes(b"".join(part.read_bytes() for part in parts))
    info = PyAVReader().probe(clip)
    assert (info.frame_count, info.fps) == (60, pytest.approx(25))
    frames = list(PyAVReader().read(clip, FrameRange(0, 60)))
    assert [clips.number_of(frame.image) for frame in frames] == list(range(60))
    assert frames[-1].seconds == pytest.approx(59 / 25, abs=0.05)


def test_pyav_stumbling_over_late_tracks_behind_the_last_packet_is_no_end(
    make_clip: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether PyAV stumbles depends on what lies in memory, so it is made to."""
    real = av.open

    class Stumbling:
        def __init__(self, opened: av.container.InputContainer) -> None:
            self._opened = opened

        def __getattr__(self, name: str) -> object:
            return getattr(self._opened, name)

        def demux(self) -> Iterator[av.Packet]:
            yield from self._opened.demux()
            raise IndexError("list index out of range")

    monkeypatch.setattr(av, "open", lambda *args, **options: Stumbling(real(*args, **options)))
    info = PyAVReader().probe(make_clip("h264.ts"))
    assert (info.frame_count, info.damage) == (60, None)


def test_without_time_to_decode_packets_are_counted(make_clip: Callable[[str], Path]) -> None:
    info = PyAVReader(count_seconds=0.0).probe(make_clip("a.mkv"))
    assert (info.frame_count, info.frame_count_source) == (60, "claimed")
    assert info.fps == pytest.approx(25)


def test_promise_14_reading_takes_the_memory_of_a_few_frames(tmp_path: Path, make_clip: Callable[[str], Path]) -> None:
    frames = PyAVReader().read(make_clip("b-frames.mp4"), FrameRange(0, 60))
    assert iter(frames) is frames
    assert math.isfinite(next(frames).seconds)


@pytest.mark.parametrize(
    ("kind", "webm", "codec", "pixel_format", "playable"),
    [
        ("mov", False, "h264", "yuv420p", True),
        ("mov", False, "av1", "yuv420p", True),
        ("mov", False, "h264", "yuv420p10le", False),
        ("mov", False, "hevc", "yuv420p", False),
        ("mov", False, "mpeg4", "yuv420p", False),
        ("matroska", True, "vp9", "yuv420p", True),
        ("matroska", False, "h264", "yuv420p", False),
        ("avi", False, "h264", "yuv420p", False),
        ("h264", False, "h264", "yuv420p", False),
        ("mov", False, "h264", None, False),
    ],
)
def test_what_browsers_play(kind: str, webm: bool, codec: str, pixel_format: str | None, playable: bool) -> None:
    assert browser_playable(Container(kind, webm), codec, pixel_format) is playable


@pytest.mark.real
def test_the_real_clips_hold_what_their_readme_says(shared: Path, tmp_path: Path) -> None:
    info = PyAVReader().probe(shared / "clips" / "street.mp4")
    assert (info.width, info.height, info.frame_count, info.damage) == (1280, 720, 314, None)
    assert info.fps == pytest.approx(30000 / 1001)
    copy = shutil.copy(shared / "clips" / "one-by-one.mp4", tmp_path / "copy.mp4")
    info = PyAVReader().probe(copy)
    assert (info.width, info.height, info.frame_count, info.fps) == (768, 432, 740, 10.0)
