"""When and with what a file says that it was recorded, and that nonsense is not repeated."""

from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from biometric.clips.photograph_reading import PhotographReader
from biometric.clips.recording_facts import camera, clip_camera, exif_recorded_at, recorded_at
from biometric.clips.video import PyAVReader


def write_clip(path: Path, **metadata: str) -> Path:
    with av.open(str(path), "w") as file:
        file.metadata.update(metadata)
        stream = file.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for grey in range(5):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), grey * 20, np.uint8), format="bgr24")
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return path


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"creation_time": "2026-05-01T08:12:30.000000Z"}, "2026-05-01T08:12:30+00:00"),
        (
            {"creation_time": "2026-05-01T08:12:30Z", "com.apple.quicktime.creationdate": "2026-05-01T10:12:30+0200"},
            "2026-05-01T10:12:30+02:00",
        ),
        ({"DATE": "2026-05-01 08:12:30"}, "2026-05-01T08:12:30"),
        ({"creation_time": "1904-01-01T00:00:00.000000Z"}, None),
        ({"creation_time": "1970-01-01T00:00:00Z"}, None),
        ({"creation_time": "2926-01-01T00:00:00Z"}, None),
        ({"creation_time": "yesterday", "date": "2026"}, None),
        ({}, None),
    ],
)
def test_when_a_clip_was_recorded(metadata: dict[str, str], expected: str | None) -> None:
    assert recorded_at(metadata) == expected


def test_a_clip_tells_its_date_and_camera(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "clip.mov", creation_time="2026-05-01T08:12:30Z")
    assert PyAVReader().probe(clip).recorded_at == "2026-05-01T08:12:30+00:00"
    silent = PyAVReader().probe(write_clip(tmp_path / "silent.mp4"))
    assert (silent.recorded_at, silent.camera) == (None, "")
    assert clip_camera({"com.apple.quicktime.make": "Apple", "com.apple.quicktime.model": "iPhone 15"}) == (
        "Apple iPhone 15"
    )


def test_a_photograph_tells_its_date_and_camera(tmp_path: Path) -> None:
    picture = Image.new("RGB", (64, 48), "red")
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Canon", "Canon EOS R5\0"
    exif.get_ifd(0x8769)[0x9003] = "2026:05:01 10:12:30"
    picture.save(tmp_path / "photo.jpg", exif=exif)
    info = PhotographReader().probe(tmp_path / "photo.jpg")
    assert (info.recorded_at, info.camera) == ("2026-05-01T10:12:30", "Canon EOS R5")
    picture.save(tmp_path / "plain.png")
    assert PhotographReader().probe(tmp_path / "plain.png").recorded_at is None


def test_strange_metadata_says_nothing(tmp_path: Path) -> None:
    assert exif_recorded_at("0000:00:00 00:00:00", None) is None
    assert exif_recorded_at("2026:05:01 10:12:30", "nonsense") == "2026-05-01T10:12:30"
    assert exif_recorded_at(7, 7) is None
    assert camera(b"x", None) == ""
    assert camera("a\nb", "\u202e" + "x" * 300) == "a b ?" + "x" * 95
    Image.new("RGB", (64, 48)).save(tmp_path / "bad.jpg", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    assert PhotographReader().probe(tmp_path / "bad.jpg").recorded_at is None
