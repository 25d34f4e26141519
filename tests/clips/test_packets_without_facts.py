"""Clips whose packets tell no times or no sizes: every frame is decoded as ever, or the clip is refused in words."""

import itertools
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from biometric.clips.footage_reading import FootageReader
from biometric.clips.group_reading import GroupPass
from biometric.entities import FrameRange
from biometric.errors import BiometricError
from tests import made_clips as clips
from tests.clips.test_group_reading import CLOSED, EveryOther

PLAIN = {**CLOSED, "bf": "0"}


def without_times(folder: Path, name: str) -> Path:
    """A clip all of whose frames claim to be shown at the same time."""
    whole = clips.write_clip(folder / f"whole-{name}", 60, options=PLAIN)
    clip = folder / name
    if clip.suffix == ".mp4":
        data = bytearray(whole.read_bytes())
        table = data.index(b"stts") + 8  # version and flags, count of entries, then (frames, ticks a frame)
        (entries,) = struct.unpack_from(">I", data, table)
        for entry in range(entries):
            struct.pack_into(">I", data, table + 4 + 8 * entry + 4, 0)
        clip.write_bytes(data)
        return clip
    with av.open(str(whole)) as source, av.open(str(clip), "w") as output:
        track = source.streams.video[0]
        stream = output.add_stream_from_template(track)
        for packet in source.demux(track):
            if packet.dts is not None:
                packet.pts = packet.dts = 0
                packet.stream = stream
                output.mux(packet)
    return clip


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_frames_without_times_are_decoded_each_in_order(tmp_path: Path, name: str) -> None:
    clip, reader, choice = without_times(tmp_path, name), FootageReader(), EveryOther()
    count = reader.probe(clip).frame_count
    assert count == 60
    whole = list(reader.read(clip, FrameRange(0, count)))
    chosen = list(reader.read_chosen(clip, FrameRange(0, count), choice))
    assert [clips.number_of(frame.image) for frame in chosen] == list(range(60))
    assert [(frame.index, frame.seconds) for frame in chosen] == [(frame.index, frame.seconds) for frame in whole]
    assert all(later.seconds >= earlier.seconds for earlier, later in itertools.pairwise(chosen))
    assert choice.reason == "open groups"
    assert not choice.skipped


@pytest.mark.parametrize("first", [0, 24])
def test_packets_without_times_are_decoded_from_there_on(
    tmp_path: Path, first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip, choice = clips.write_clip(tmp_path / "a.mp4", 60, options=PLAIN), EveryOther()
    whole = list(FootageReader().read(clip, FrameRange(0, 60)))
    demux = GroupPass._demux

    def untimed(self: GroupPass) -> "Iterator[av.Packet[Any]]":
        for number, packet in enumerate(demux(self)):
            if number >= first:
                packet.pts = None
            yield packet

    monkeypatch.setattr(GroupPass, "_demux", untimed)
    chosen = list(FootageReader().read_chosen(clip, FrameRange(0, 60), choice))
    assert choice.reason == "packets"
    assert [(frame.index, frame.seconds) for frame in chosen] == [(frame.index, frame.seconds) for frame in whole]
    for one, other in zip(whole, chosen, strict=True):
        assert other.quiet or np.array_equal(one.image, other.image)


def test_an_mp4_without_the_sizes_of_its_packets_is_refused_in_words(tmp_path: Path) -> None:
    data = bytearray(clips.write_clip(tmp_path / "whole.mp4", 60, options=PLAIN).read_bytes())
    table = data.index(b"stsz") + 8  # version and flags, one size for all or 0, count, sizes
    one, count = struct.unpack_from(">II", data, table)
    assert (one, count) == (0, 60)
    data[table + 8 : table + 8 + 4 * count] = bytes(4 * count)
    clip, choice = tmp_path / "a.mp4", EveryOther()
    clip.write_bytes(data)
    with pytest.raises(BiometricError):
        FootageReader().probe(clip)
    with pytest.raises(BiometricError):
        list(FootageReader().read_chosen(clip, FrameRange(0, 60), choice))
    assert not choice.skipped
