"""What a card decodes is what the processor decodes, frame by frame; where it is not, the processor goes on.

The card is the processor here, made to go wrong in the ways that a card may; tests/gpu has those that need one.
"""

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from biometric.clips import hardware_decoding
from biometric.clips.hardware_decoding import HardwareDecoding, HardwarePass
from biometric.clips.video import PyAVReader
from biometric.entities import FrameRange
from biometric.errors import DamagedClip, InvalidFrameRange
from tests import made_clips as clips

ALL = FrameRange(0, 30)


def reader(**more: Any) -> PyAVReader:
    return PyAVReader(hardware=HardwareDecoding(lambda: None), **more)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[HardwarePass]:
    """The passes that were opened on the card."""
    passes: list[HardwarePass] = []
    original = HardwareDecoding.open

    def remember(self: HardwareDecoding, *arguments: Any) -> HardwarePass | None:
        made = original(self, *arguments)
        if made is not None:
            passes.append(made)
        return made

    monkeypatch.setattr(HardwareDecoding, "open", remember)
    return passes


def numbers(frames: Iterator[Any]) -> list[tuple[int, int, float]]:
    return [(frame.index, clips.number_of(frame.image), frame.seconds) for frame in frames]


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi", "a.ts", "a.h264"])
@pytest.mark.parametrize("turn", [0, 90])
def test_every_clip_is_read_as_without_a_card(
    tmp_path: Path, name: str, turn: int, opened: list[HardwarePass], caplog: pytest.LogCaptureFixture
) -> None:
    clip = clips.write_clip(tmp_path / name, 30, rotation=turn if name == "a.mp4" else 0)
    for frames in (ALL, FrameRange(5, 29, 3), FrameRange(0, 30, 1, 0.1)):
        expected, read = list(PyAVReader().read(clip, frames)), list(reader().read(clip, frames))
        assert [(frame.index, frame.seconds) for frame in read] == [(frame.index, frame.seconds) for frame in expected]
        for mine, theirs in zip(read, expected, strict=True):
            np.testing.assert_array_equal(mine.image, theirs.image)
    assert list(reader().grab(clip, [7, 3])) == [3, 7]
    if name in ("a.mp4", "a.mkv"):
        assert len(opened) == 4
        assert caplog.records == []


def going_wrong(monkeypatch: pytest.MonkeyPatch, change: Callable[[list[Any]], list[Any]]) -> None:
    """Have the card change what it gives for a packet."""
    original = HardwarePass._frames_of
    given = 0

    def changed(self: HardwarePass, packet: Any) -> Iterator[Any]:
        nonlocal given
        stream, self.stream = self.stream, _Stream(self.stream, lambda frames: change_from_tenth(frames))
        try:
            yield from list(original(self, packet))
        finally:
            self.stream = stream

    def change_from_tenth(frames: list[Any]) -> list[Any]:
        nonlocal given
        given += len(frames)
        return change(frames) if given > 10 else frames

    monkeypatch.setattr(HardwarePass, "_frames_of", changed)


class _Stream:
    def __init__(self, stream: Any, change: Callable[[list[Any]], list[Any]]) -> None:
        self._stream, self._change = stream, change

    def decode(self, packet: Any) -> list[Any]:
        return self._change(list(self._stream.decode(packet)))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def fail(frames: list[Any]) -> list[Any]:
    raise av.error.ExternalError(1, "the decoder failed")


def renumber(frames: list[Any]) -> list[Any]:
    for frame in frames:
        frame.pts += 1
    return frames


WRONG = {
    "loses frames": lambda frames: frames[1:],
    "gives frames twice": lambda frames: [*frames, *frames],
    "gives other times": renumber,
    "fails": fail,
}


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("threads", [1, 4])
def test_the_processor_goes_on_at_the_same_frame(
    tmp_path: Path, wrong: str, threads: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("biometric.clips.decoding.THREADS", threads)
    clip = clips.write_clip(tmp_path / "a.mp4", 30)
    expected = numbers(PyAVReader().read(clip, ALL))
    going_wrong(monkeypatch, WRONG[wrong])
    with caplog.at_level(logging.WARNING):
        assert numbers(reader().read(clip, ALL)) == expected
        assert numbers(reader().read(clip, FrameRange(0, 30, 7, 0.2))) == numbers(
            PyAVReader().read(clip, FrameRange(0, 30, 7, 0.2))
        )
    assert "the processor decodes from frame" in caplog.text


def test_a_card_that_shows_another_picture_is_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clip = clips.write_clip(tmp_path / "a.mp4", 30, first_number=100)
    original = HardwarePass.picture
    monkeypatch.setattr(HardwarePass, "picture", lambda self, frame: original(self, frame)[:, ::-1])
    assert [number for _, number, _ in numbers(reader().read(clip, FrameRange(3, 9)))] == [103, 104, 105, 106, 107, 108]
    assert "the first picture is another one" in caplog.text


def test_a_machine_without_a_decoder_says_so_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    clip = clips.write_clip(tmp_path / "a.mp4", 10)

    def none() -> None:
        raise PermissionError(1, "Operation not permitted")

    decoding = HardwareDecoding(none)
    both = PyAVReader(hardware=decoding)
    assert len(numbers(both.read(clip, FrameRange(0, 10)))) == 10
    assert len(numbers(both.read(clip, FrameRange(0, 10)))) == 10
    assert [record.message for record in caplog.records if "hardware decoder" in record.message] == [
        "Clips are decoded by the processor: no hardware decoder was found ([Errno 1] Operation not permitted)"
    ]
    assert not decoding.available


def test_without_a_driver_the_real_accelerator_says_so() -> None:
    try:
        accelerator = hardware_decoding.cuda_accelerator()
    except (av.FFmpegError, OSError, RuntimeError, NotImplementedError, ValueError):
        assert not HardwareDecoding().available
    else:
        assert accelerator is not None


def test_damaged_and_short_clips_are_judged_by_the_processor(tmp_path: Path) -> None:
    clip = clips.write_clip(tmp_path / "a.mkv", 30)
    cut = clips.truncate(clip, tmp_path / "cut.mkv", 0.5)
    expected: list[Any] = []
    with pytest.raises(DamagedClip) as theirs:
        expected += PyAVReader().read(cut, ALL)
    read: list[Any] = []
    with pytest.raises(DamagedClip) as mine:
        read += reader().read(cut, ALL)
    assert str(mine.value) == str(theirs.value)
    assert len(read) == len(expected)
    with pytest.raises(InvalidFrameRange, match="last frame is 29"):
        list(reader().read(clip, FrameRange(0, 40)))


def test_closing_an_iterator_releases_the_clip(tmp_path: Path, opened: list[HardwarePass]) -> None:
    frames = reader().read(clips.write_clip(tmp_path / "a.mp4", 10), FrameRange(0, 10))
    next(frames)
    frames.close()  # type: ignore[attr-defined]
    assert len(opened) == 1
