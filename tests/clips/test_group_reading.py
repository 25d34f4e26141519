"""Frames keep number, time and picture where groups of frames are passed over; other clips are decoded as ever."""

from pathlib import Path

import av
import numpy as np
import pytest

from biometric.clips.footage_reading import FootageReader
from biometric.entities import Frame, FrameRange
from biometric.entities.frame_groups import FrameGroup
from biometric.errors import BiometricError
from tests import made_clips as clips

CLOSED = {"g": "12", "sc_threshold": "0"}
OPEN = "open-gop=1:keyint=12:min-keyint=12:bframes=3:b-adapt=0:scenecut=0"


class EveryOther:
    """Passes over every other group, and notes what it is told."""

    def __init__(self, none: bool = False) -> None:
        self.groups: list[FrameGroup] = []
        self.taken: list[int] = []
        self.skipped, self.reason, self.none = 0, "", none

    def needs(self, group: FrameGroup, first: Frame, following: Frame | None) -> bool:
        assert group.first <= first.index < group.first + len(group.sizes)
        assert following is None or following.index >= group.first + len(group.sizes)
        self.groups.append(group)
        return not self.none and len(self.groups) % 2 == 1

    def take(self, frame: Frame) -> None:
        self.taken.append(frame.index)

    def skip(self, count: int) -> None:
        self.skipped += count

    def give_up(self, reason: str) -> None:
        self.reason = reason


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("a.mp4", "libx264", CLOSED),
        ("a.mkv", "libx264", {**CLOSED, "bf": "0"}),
        ("b.mp4", "libx264", {**CLOSED, "bf": "3", "refs": "3"}),
        ("a.mov", "mpeg4", {"g": "12"}),
        ("a.webm", "libvpx", {"g": "12"}),
    ],
    ids=str,
)
@pytest.mark.parametrize(
    "frames", [FrameRange(0, 90), FrameRange(0, 90, 2), FrameRange(7, 71, 2), FrameRange(30, 31)], ids=str
)
def test_frames_keep_numbers_times_and_pictures(tmp_path: Path, name: str, codec: str, options, frames) -> None:
    clip = clips.write_clip(tmp_path / name, 90, codec=codec, options=options)
    choice = EveryOther()
    whole, chosen = list(FootageReader().read(clip, frames)), list(FootageReader().read_chosen(clip, frames, choice))
    assert [(frame.index, frame.seconds) for frame in chosen] == [(frame.index, frame.seconds) for frame in whole]
    if codec == "mpeg4":  # its key frames may be referred to from before them
        return
    assert choice.reason == ""
    begins = [group.first for group in choice.groups]
    asked = set(range(frames.start, frames.stop, frames.step))
    assert begins == [first for first in range(0, 90, 12) if asked & set(range(first, first + 12))]
    for one, other in zip(whole, chosen, strict=True):
        begin = one.index // 12 * 12
        if begins.index(begin) % 2 == 0:
            assert not other.quiet
            assert np.array_equal(one.image, other.image)
            assert one.index in choice.taken
        else:
            assert other.quiet
            first = next(frame for frame in chosen if frame.index >= begin)
            assert other.image is first.image
            assert clips.number_of(other.image) == first.index
    quiet = [frame.index // 12 for frame in chosen if frame.quiet]
    assert choice.skipped == len(quiet) - len(set(quiet))


def test_frames_of_a_variable_rate_keep_their_spacing(tmp_path: Path) -> None:
    when = [40 * number + 900 * (number // 20) for number in range(80)]
    clip = clips.write_clip(tmp_path / "a.mp4", 80, times=when, options=CLOSED)
    frames = FrameRange(0, 80, 1, 0.1)
    choice = EveryOther()
    chosen = [(frame.index, frame.seconds) for frame in FootageReader().read_chosen(clip, frames, choice)]
    assert chosen == [(frame.index, frame.seconds) for frame in FootageReader().read(clip, frames)]
    assert choice.groups


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("raw.h264", "libx264", CLOSED),
        ("a.ts", "libx264", CLOSED),
        ("a.avi", "mpeg4", {"g": "12"}),
        (
            "a.mp4",
            "libx264",
            {"x264-params": OPEN},
        ),
        ("all-key.mov", "mjpeg", {}),
        ("short.mp4", "libx264", {"g": "3", "sc_threshold": "0"}),
    ],
    ids=str,
)
def test_clips_that_do_not_come_in_groups_are_decoded(tmp_path: Path, name: str, codec: str, options) -> None:
    pixels = {"pix_fmt": "yuvj420p"} if codec == "mjpeg" else {}
    clip = clips.write_clip(tmp_path / name, 60, codec=codec, options=options, **pixels)
    choice = EveryOther(none=True)
    reader = FootageReader()
    whole = list(reader.read(clip, FrameRange(0, 60)))
    chosen = list(reader.read_chosen(clip, FrameRange(0, 60), choice))
    assert [(frame.index, frame.seconds) for frame in chosen] == [(frame.index, frame.seconds) for frame in whole]
    assert choice.reason
    if not choice.skipped:
        assert all(np.array_equal(one.image, other.image) for one, other in zip(whole, chosen, strict=True))


def test_a_stream_that_changes_its_size_is_decoded(tmp_path: Path) -> None:
    small = clips.write_clip(tmp_path / "small.ts", 24, options=CLOSED)
    large = clips.write_clip(tmp_path / "large.ts", 24, size=(384, 256), options=CLOSED, first_number=24)
    clip = tmp_path / "both.ts"
    clip.write_bytes(small.read_bytes() + large.read_bytes())
    reader, choice = FootageReader(), EveryOther(none=True)
    count = reader.probe(clip).frame_count
    whole = list(reader.read(clip, FrameRange(0, count)))
    chosen = list(reader.read_chosen(clip, FrameRange(0, count), choice))
    assert [frame.index for frame in chosen] == [frame.index for frame in whole]
    assert {frame.image.shape for frame in chosen} == {whole[0].image.shape}
    assert choice.reason == "container"


def test_a_picture_that_changes_its_size_within_its_groups_is_read_as_ever(tmp_path: Path) -> None:
    clip = tmp_path / "both.webm"
    with av.open(str(clip), "w") as output:
        stream, shift = None, 0
        for number, size in enumerate([clips.SIZE, (384, 256), clips.SIZE]):
            part = clips.write_clip(
                tmp_path / f"{number}.webm", 24, codec="libvpx", options={"g": "12"}, size=size, first_number=shift
            )
            with av.open(str(part)) as source:
                track = source.streams.video[0]
                stream = stream or output.add_stream_from_template(track)
                for packet in source.demux(track):
                    if packet.pts is None:
                        continue
                    packet.pts = packet.dts = packet.pts + round(shift / 25 / packet.time_base)
                    packet.stream = stream
                    output.mux(packet)
            shift += 24
    reader, choice = FootageReader(), EveryOther()
    whole = list(reader.read(clip, FrameRange(0, 72)))
    chosen = list(reader.read_chosen(clip, FrameRange(0, 72), choice))
    assert [(frame.index, frame.seconds) for frame in chosen] == [(frame.index, frame.seconds) for frame in whole]
    assert {frame.image.shape for frame in chosen} == {whole[0].image.shape}
    assert choice.skipped
    for one, other in zip(whole, chosen, strict=True):
        assert other.quiet or np.array_equal(one.image, other.image)


@pytest.mark.parametrize("share", [0.4, 0.8])
@pytest.mark.parametrize("name", ["a.mkv", "fragments.mp4"])
def test_a_clip_that_is_cut_off_ends_as_ever(tmp_path: Path, name: str, share: float) -> None:
    movflags = "frag_keyframe+empty_moov" if name.endswith("mp4") else None
    clip = clips.write_clip(tmp_path / name, 90, options=CLOSED, movflags=movflags)
    cut = clips.truncate(clip, tmp_path / f"cut-{name}", share)
    ends = []
    for read in (FootageReader().read, lambda *what: FootageReader().read_chosen(*what, EveryOther())):
        seen: list[int] = []
        try:
            seen += [frame.index for frame in read(cut, FrameRange(0, 90))]
        except BiometricError as error:
            ends.append((type(error), str(error)))
        ends.append(seen)
    assert ends[: len(ends) // 2] == ends[len(ends) // 2 :]


def test_closing_releases_the_clip(tmp_path: Path) -> None:
    clip = clips.write_clip(tmp_path / "a.mp4", 90, options=CLOSED)
    frames = FootageReader().read_chosen(clip, FrameRange(0, 90), EveryOther())
    assert next(frames).index == 0
    frames.close()
    with av.open(str(clip)) as again:
        assert again.streams.video
