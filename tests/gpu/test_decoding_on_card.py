"""A card's decoder gives the frames that the processor gives."""

from pathlib import Path

import numpy as np
import pytest

from biometric.clips.hardware_decoding import HardwareDecoding
from biometric.clips.video import PyAVReader
from biometric.entities import FrameRange
from tests.gpu.card import needed_card


@pytest.mark.gpu
@pytest.mark.real
@pytest.mark.parametrize("name", ["street.mp4", "one-by-one.mp4"])
def test_frames_of_the_card_are_those_of_the_processor(
    shared: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    needed_card()
    hardware = HardwareDecoding()
    if not hardware.available:
        pytest.skip("this build of PyAV, or this machine, has no hardware decoder")
    clip, frames = shared / "clips" / name, FrameRange(0, 90)
    expected = list(PyAVReader().read(clip, frames))
    read = list(PyAVReader(hardware=hardware).read(clip, frames))
    assert [(frame.index, frame.seconds) for frame in read] == [(frame.index, frame.seconds) for frame in expected]
    for mine, theirs in zip(read, expected, strict=True):
        assert np.abs(mine.image.astype(int) - theirs.image).mean() < 1
    print(f"\n{name}: {len(caplog.records)} warnings")
