"""Sound clips of every kind of container and codec, each of `COUNT` numbered frames."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from tests import made_clips
from tests.trust.field_coded import write_field_coded

COUNT = 24
"""Frames of each sound clip."""

SIZE = (96, 64)

VFR = [index * 40 + (index * index) % 13 * 3 for index in range(COUNT)]
"""Milliseconds at which the frames of a clip of variable frame rate are shown."""

_HEVC: dict[str, Any] = {"codec": "libx265", "options": {"x265-params": "log-level=none:bframes=3:keyint=12:pools=1"}}
_MPEG2: dict[str, Any] = {"codec": "mpeg2video", "options": {"bf": "2", "g": "12"}}
_MPEG4: dict[str, Any] = {"codec": "mpeg4", "options": {"bf": "2", "g": "12"}}
_VPX: dict[str, Any] = {"options": {"deadline": "realtime", "cpu-used": "8", "g": "12"}}
_ALTREF = {"deadline": "good", "cpu-used": "5", "auto-alt-ref": "1", "lag-in-frames": "12", "g": "24", "b": "100k"}

_OPTIONS: dict[str, dict[str, Any]] = {
    "b-frames.mp4": {},
    "faststart.mp4": {"movflags": "faststart"},
    "fragments.mp4": {"movflags": "frag_keyframe+empty_moov"},
    "every-frame-a-fragment.mp4": {"movflags": "frag_every_frame+empty_moov+default_base_moof"},
    "variable.mp4": {"times": VFR},
    "interlaced.mp4": {"options": {"preset": "veryfast", "bf": "2", "g": "12", "x264-params": "interlaced=1"}},
    "sound.mp4": {"audio": 1.0},
    "hevc.mp4": _HEVC,
    "mpeg4.mp4": _MPEG4,
    "b-frames.mov": {},
    "hevc.mov": _HEVC,
    "mjpeg.mov": {"codec": "mjpeg", "pix_fmt": "yuvj420p"},
    "h264.mkv": {},
    "hevc.mkv": _HEVC,
    "variable.mkv": {"times": VFR},
    "mpeg4.mkv": _MPEG4,
    "vp9.mkv": {"codec": "libvpx-vp9", **_VPX},
    "sound.mkv": {"audio": 1.0},
    "vp8.webm": {"codec": "libvpx", **_VPX},
    "hidden.webm": {"codec": "libvpx", "options": _ALTREF},
    "vp9.webm": {"codec": "libvpx-vp9", **_VPX},
    "vp9-hidden.webm": {"codec": "libvpx-vp9", "options": _ALTREF},
    "mpeg4.avi": _MPEG4,
    "h264.avi": {},
    "mjpeg.avi": {"codec": "mjpeg", "pix_fmt": "yuvj420p"},
    "sound.avi": {**_MPEG4, "audio": 1.0},
    "h264.ts": {},
    "hevc.ts": _HEVC,
    "mpeg2.ts": _MPEG2,
    "sound.ts": {"audio": 1.0},
    "a.mpg": _MPEG2,
    "raw.h264": {},
    "raw.h265": _HEVC,
    "raw.m4v": {**_MPEG4, "container": "m4v"},
    "raw.m2v": {**_MPEG2, "container": "mpeg2video"},
    "vp9.ivf": {"codec": "libvpx-vp9", **_VPX},
    "a.flv": {},
    "a.wmv": {"codec": "wmv2"},
    "a.mxf": {**_MPEG2, "size": (720, 576)},
}


@dataclass(frozen=True)
class SoundClip:
    """A sound clip.

    Attributes:
        frames: that it shows.
        numbered: whether each frame shows its number, from 0.
        packets: of which the frames are made.
    """

    path: Path
    frames: int = COUNT
    numbered: bool = True
    packets: int = COUNT


def write_option(path: Path, options: dict[str, Any]) -> SoundClip:
    return SoundClip(made_clips.write_clip(path, COUNT, **{"size": SIZE, "grain": 30, **options}))


def write_edit_list(path: Path) -> SoundClip:
    """An MP4 of 24 frames of which an edit list shows 14, from the 6th on; all durations of its headers agree."""
    made_clips.write_clip(path, COUNT, size=SIZE, options={"bf": "0", "g": "6", "preset": "veryfast"})
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as opened:
        ticks = int(opened.streams.video[0].time_base.denominator)  # type: ignore[union-attr]
    entry = data.index(b"elst") + 12
    data[entry : entry + 8] = (14 * 40).to_bytes(4, "big") + (6 * ticks // 25).to_bytes(4, "big")
    for box, offset in ((b"mvhd", 20), (b"tkhd", 24)):
        at = data.index(box) + offset
        data[at : at + 4] = (14 * 40).to_bytes(4, "big")
    path.write_bytes(data)
    return SoundClip(path, 14, numbered=False)


def remux(source: Path, destination: Path, skip: int = 0, shift: float = 0.0, **options: str) -> Path:
    """Copy the video packets of a clip into another container, without the first `skip`, `shift` seconds later."""
    with av.open(str(source)) as opened, av.open(str(destination), "w", options=options) as output:
        stream = output.add_stream_from_template(opened.streams.video[0])
        for index, packet in enumerate(opened.demux(video=0)):
            if index < skip or packet.dts is None or packet.time_base is None:
                continue
            ticks = round(shift / packet.time_base)
            packet.stream, packet.dts = stream, packet.dts + ticks
            packet.pts = None if packet.pts is None else packet.pts + ticks
            output.mux(packet)
    return destination


def write_late(path: Path) -> SoundClip:
    """A clip whose clock begins at 20 s, as of a longer recording."""
    whole = made_clips.write_clip(path.with_name("whole-" + path.stem + ".mp4"), COUNT, size=SIZE)
    return SoundClip(remux(whole, path, shift=20.0))


def write_live(path: Path) -> SoundClip:
    """A Matroska file without lengths, duration and index, as it is sent while it is recorded."""
    whole = made_clips.write_clip(path.with_name("whole-" + path.stem + ".mp4"), COUNT, size=SIZE)
    return SoundClip(remux(whole, path, live="1"))


def write_resized(path: Path) -> SoundClip:
    """Two recordings of different sizes in one stream."""
    parts = [
        made_clips.write_clip(
            path.with_name(f"part{n}-{path.name}"), COUNT // 2, size=size, first_number=n * COUNT // 2
        )
        for n, size in enumerate((SIZE, (192, 128)))
    ]
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return SoundClip(path)


def write_two_tracks(path: Path) -> SoundClip:
    """Two video tracks, of which the first is the default one."""
    with av.open(str(path), "w") as output:
        tracks = [output.add_stream("mpeg4", rate=25, options={"g": "12"}) for _ in range(2)]
        for track in tracks:
            track.width, track.height, track.pix_fmt = *SIZE, "yuv420p"
        for index in range(COUNT):
            for track in tracks:
                frame = av.VideoFrame.from_ndarray(made_clips.numbered(index, SIZE), format="bgr24")
                frame.pts = index
                frame.time_base = Fraction(1, 25)
                output.mux(track.encode(frame))
        for track in tracks:
            output.mux(track.encode(None))
    return SoundClip(path)


def write_cover(path: Path) -> SoundClip:
    """A film with sound and an attached picture."""
    with av.open(str(path), "w") as output:
        film = output.add_stream("libx264", rate=25, options={"bf": "2", "g": "12", "preset": "veryfast"})
        cover = output.add_stream("mjpeg", rate=1)
        film.width, film.height, film.pix_fmt = *SIZE, "yuv420p"
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        output.mux(cover.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="bgr24")))
        for index in range(COUNT):
            frame = av.VideoFrame.from_ndarray(made_clips.numbered(index, SIZE), format="bgr24")
            frame.pts, frame.time_base = index, Fraction(1, 25)
            output.mux(film.encode(frame))
        output.mux(film.encode(None))
    return SoundClip(path)


def write_fields(path: Path) -> SoundClip:
    return SoundClip(write_field_coded(path, COUNT), numbered=False, packets=2 * COUNT)


_WRITERS: dict[str, Callable[[Path], SoundClip]] = {
    "edit-list.mp4": write_edit_list,
    "late.mkv": write_late,
    "late.ts": write_late,
    "live.mkv": write_live,
    "live.webm": lambda path: SoundClip(
        remux(
            made_clips.write_clip(path.with_name("whole-live.webm"), COUNT, size=SIZE, codec="libvpx", **_VPX),
            path,
            live="1",
        )
    ),
    "resized.h264": write_resized,
    "two-tracks.mkv": write_two_tracks,
    "two-tracks.mp4": write_two_tracks,
    "cover.mp4": write_cover,
    "fields.h264": write_fields,
    "fields.mp4": write_fields,
    "fields.mkv": write_fields,
    "fields.ts": write_fields,
}

NAMES: Sequence[str] = (*_OPTIONS, *_WRITERS)


def write_sound_clip(folder: Path, name: str) -> SoundClip:
    """Write the sound clip of that name into a folder."""
    writer = _WRITERS.get(name)
    return write_option(folder / name, _OPTIONS[name]) if writer is None else writer(folder / name)
