import os
from pathlib import Path

import pytest

from biometric.clips.containers import ALLOWED, recognise_container
from biometric.errors import ClipNotFound, DamagedClip, EmptyClip, NotAVideo, NoVideoTrack
from tests import made_clips as clips

KINDS = {
    "a.mp4": ("mov", {}),
    "a.mov": ("mov", {}),
    "fragments.mp4": ("mov", {"movflags": "frag_keyframe+empty_moov"}),
    "a.mkv": ("matroska", {}),
    "a.webm": ("matroska", {"codec": "libvpx"}),
    "a.avi": ("avi", {"codec": "mpeg4"}),
    "a.ts": ("mpegts", {}),
    "a.m2ts": ("mpegts", {}),
    "a.mpg": ("mpeg", {"codec": "mpeg2video"}),
    "a.m2v": ("mpegvideo", {"codec": "mpeg2video", "container": "mpeg2video"}),
    "a.m4v": ("m4v", {"codec": "mpeg4", "container": "m4v"}),
    "a.h264": ("h264", {}),
    "a.h265": ("hevc", {"codec": "libx265", "options": {"x265-params": "log-level=none"}}),
    "a.flv": ("flv", {}),
    "a.wmv": ("asf", {"codec": "wmv2"}),
    "a.ivf": ("ivf", {"codec": "libvpx"}),
    "a.mxf": ("mxf", {"codec": "mpeg2video"}),
}


@pytest.mark.parametrize("name", KINDS)
def test_each_container_is_recognised_by_its_bytes_whatever_its_name(tmp_path: Path, name: str) -> None:
    kind, options = KINDS[name]
    clip = clips.write_clip(tmp_path / name, 12, **options)  # type: ignore[arg-type]
    nameless = clip.rename(tmp_path / "upload")
    container = recognise_container(nameless)
    assert (container.kind, container.webm, container.missing) == (kind, name == "a.webm", 0)


@pytest.mark.parametrize("name", ["a.mkv", "a.webm", "a.avi", "a.ts", "a.flv", "a.wmv", "fast.mp4"])
def test_a_file_cut_short_misses_bytes(tmp_path: Path, name: str) -> None:
    _, options = KINDS.get(name, ("mov", {"movflags": "faststart"}))
    clip = clips.write_clip(tmp_path / name, 60, **options)  # type: ignore[arg-type]
    assert recognise_container(clips.truncate(clip, tmp_path / "cut", 0.9)).missing > 0


def test_an_mp4_without_its_index_is_damaged_not_unknown(tmp_path: Path) -> None:
    clip = clips.write_clip(tmp_path / "a.mp4", 30)
    with pytest.raises(DamagedClip, match="its index is missing"):
        recognise_container(clips.truncate(clip, tmp_path / "cut.mp4", 0.5))


def test_padding_behind_the_last_box_misses_nothing(tmp_path: Path) -> None:
    clip = clips.write_clip(tmp_path / "a.mp4", 12)
    clip.write_bytes(clip.read_bytes() + bytes(1000))
    assert recognise_container(clip).missing == 0


def test_a_transport_stream_may_begin_in_the_middle_of_a_packet(tmp_path: Path) -> None:
    clip = clips.write_clip(tmp_path / "a.ts", 12)
    clip.write_bytes(clip.read_bytes()[100:])
    assert recognise_container(clip).kind == "mpegts"


def test_an_empty_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    with pytest.raises(EmptyClip, match="0 bytes"):
        recognise_container(tmp_path / "a.mp4")


@pytest.mark.parametrize("name", ["missing.mp4", "."])
def test_a_missing_file_or_a_folder_is_not_found(tmp_path: Path, name: str) -> None:
    with pytest.raises(ClipNotFound):
        recognise_container(tmp_path / name)


def test_promise_14_a_pipe_is_no_clip(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.mp4")
    with pytest.raises(ClipNotFound):
        recognise_container(tmp_path / "a.mp4")


SCRIPTS = {
    "ffconcat": b"ffconcat version 1.0\nfile 'neighbour.mp4'\n",
    "concat": b"file 'neighbour.mp4'\n",
    "playlist": b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:9,\nhttp://example.com/a.ts\n#EXT-X-ENDLIST\n",
    "dash": b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"></MPD>',
    "sdp": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nm=video 5004 RTP/AVP 96\n",
    "subtitles": b"1\n00:00:01,000 --> 00:00:02,000\nhello\n",
    "text": b"no video at all",
    "zeros": bytes(4096),
    "start code alone": b"\x00\x00\x01",
    "png": b"\x89PNG\r\n\x1a\n" + bytes(100),
    "jpeg": b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(100),
    "gif": b"GIF89a" + bytes(100),
    "heic": b"\x00\x00\x00\x18ftypheic" + bytes(100),
    "webp": b"RIFF\x24\x00\x00\x00WEBPVP8 " + bytes(100),
    "zip": b"PK\x03\x04" + bytes(100),
    "pdf": b"%PDF-1.7\n" + bytes(100),
    "ebml of another kind": b"\x1a\x45\xdf\xa3\x88\x42\x82\x85other" + bytes(100),
    "one G": b"G",
}


@pytest.mark.parametrize("content", SCRIPTS.values(), ids=SCRIPTS)
def test_promise_13_scripts_playlists_pictures_and_text_are_no_video(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.mp4").write_bytes(content)
    with pytest.raises(NotAVideo, match="not a video that can be read here"):
        recognise_container(tmp_path / "x.mp4")


@pytest.mark.parametrize(
    "content",
    [b"RIFF\x24\x00\x00\x00WAVEfmt ", b"ID3\x04" + bytes(20), b"fLaC" + bytes(20)],
    ids=["wav", "mp3", "flac"],
)
def test_promise_12_sound_is_told_from_no_video(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.mp4").write_bytes(content)
    with pytest.raises(NoVideoTrack, match="audio"):
        recognise_container(tmp_path / "x.mp4")


def test_promise_13_no_demuxer_that_follows_references_is_allowed() -> None:
    assert not ALLOWED & {"concat", "hls", "dash", "image2", "sdp", "rtsp", "imf", "lavfi", "tee"}


@pytest.mark.parametrize("first", [b"\x09\xf0", b"\x06\x05\x10", b"\x67\x64", b"\x27\x64"])
def test_raw_h264_is_known_by_whatever_unit_it_begins_with(tmp_path: Path, first: bytes) -> None:
    """Access unit delimiter, SEI, or a parameter set; the first two share codes with MPEG-4 Part 2."""
    stream = b"\x00\x00\x00\x01" + first + b"\x00" * 8 + b"\x00\x00\x00\x01\x67\x64\x00\x1e" + b"\xac" * 64
    clip = tmp_path / "x.h264"
    clip.write_bytes(stream)
    assert recognise_container(clip).kind == "h264"
