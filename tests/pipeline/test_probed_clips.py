"""A clip is described once while its file does not change."""

import os
from pathlib import Path

import pytest

from biometric.entities import VideoInfo
from biometric.errors import ClipNotFound
from biometric.pipeline import probed_clips
from biometric.pipeline.probed_clips import ProbedClips
from tests.fakes import FakeReader


class CountingReader(FakeReader):
    """Remembers which clips it was asked to describe."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def probe(self, clip: Path) -> VideoInfo:
        self.asked.append(clip.name)
        if not clip.exists():
            raise ClipNotFound(f"There is no file {clip}.")
        return super().probe(clip)


def test_a_clip_is_described_once_until_its_file_changes(tmp_path: Path) -> None:
    reader = CountingReader()
    clips, clip = ProbedClips(reader), tmp_path / "clip.mp4"
    clip.write_bytes(b"one")
    assert clips.probe(clip) is clips.probe(tmp_path / "." / "clip.mp4")
    assert reader.asked == ["clip.mp4"]
    clip.write_bytes(b"longer")
    clips.probe(clip)
    os.utime(clip, ns=(1, 1))
    clips.probe(clip)
    assert reader.asked == ["clip.mp4"] * 3


def test_a_clip_that_is_missing_is_told_and_not_kept(tmp_path: Path) -> None:
    clips, clip = ProbedClips(CountingReader()), tmp_path / "clip.mp4"
    with pytest.raises(ClipNotFound):
        clips.probe(clip)
    clip.write_bytes(b"one")
    clips.probe(clip)


def test_of_many_clips_the_latest_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probed_clips, "PROBES_KEPT", 2)
    reader = CountingReader()
    clips = ProbedClips(reader)
    for name in ("1.mp4", "2.mp4", "3.mp4"):
        (tmp_path / name).write_bytes(b"one")
        clips.probe(tmp_path / name)
    clips.probe(tmp_path / "3.mp4")
    clips.probe(tmp_path / "2.mp4")
    assert reader.asked == ["1.mp4", "2.mp4", "3.mp4"]
    clips.probe(tmp_path / "1.mp4")
    assert reader.asked[3:] == ["1.mp4"]
