"""Walk through a Matroska or WebM file (RFC 8794 and RFC 9559): every element, block and checksum of the clusters."""

import zlib
from collections.abc import Iterator
from typing import BinaryIO

from biometric.clips.structure.report import BROKEN, StructureReport

_EBML, _SEGMENT, _CLUSTER, _TRACKS, _CUES, _CRC = 0x1A45DFA3, 0x18538067, 0x1F43B675, 0x1654AE6B, 0x1C53BB6B, 0xBF
_VOID = 0xEC
_IN_SEGMENT = {_CLUSTER, _TRACKS, _CUES, _CRC, _VOID, 0x1549A966, 0x114D9B74, 0x1254C367, 0x1043A770, 0x1941A469}
_SIMPLE_BLOCK, _BLOCK_GROUP, _BLOCK = 0xA3, 0xA0, 0xA1
_IN_CLUSTER = {_SIMPLE_BLOCK, _BLOCK_GROUP, _CRC, _VOID, 0xE7, 0xA7, 0xAB, 0xAF, 0x5854}
_TRACK_ENTRY, _TRACK_NUMBER, _TRACK_TYPE = 0xAE, 0xD7, 0x83
_CUE_POINT, _CUE_POSITIONS, _CUE_CLUSTER = 0xBB, 0xB7, 0xF1
_STREAM_TYPES = {1, 2, 17, 33}
"""Types of tracks of which FFmpeg makes streams: video, audio, subtitles, metadata."""

_UNKNOWN = -1
_MOST_IN_MEMORY = 64_000_000


class _Broken(Exception):  # never leaves this module
    """The structure does not hold."""


def walk_matroska(file: BinaryIO, size: int) -> StructureReport:
    """Walk a file of `size` bytes; an element cut off by the file's end is broken."""
    walk = _Walk(file, size)
    try:
        walk.run()
    except _Broken:
        return BROKEN
    return StructureReport(packets={place: walk.blocks.get(number, 0) for place, number in enumerate(walk.tracks)})


class _Walk:
    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._size = file, size
        self.tracks: list[int] = []
        self._numbers: set[int] = set()
        self.blocks: dict[int, int] = {}
        self._clusters: set[int] = set()
        self._cues: set[int] = set()

    def run(self) -> None:
        position = 0
        while position < self._size:
            kind, start, length = self._header(position)
            if kind == _SEGMENT:
                end = self._size if length == _UNKNOWN else start + length
                self._segment(start, min(end, self._size))
                # A file that ends early is told by its length; here it counts what was inside.
                position = end
            elif kind in {_EBML, _VOID} and length != _UNKNOWN:
                position = start + length
            else:
                return self._trailing(position)
        return None

    def _trailing(self, position: int) -> None:
        """What stands behind the segment is no part of it, unless it holds clusters."""
        self._file.seek(position)
        if _CLUSTER.to_bytes(4, "big") in self._file.read(_MOST_IN_MEMORY):
            raise _Broken

    def _segment(self, start: int, end: int) -> None:
        position = start
        while position < end:
            kind, data, length = self._header(position)
            if kind in {_EBML, _SEGMENT} and position > start:
                # Recordings joined to one file; each has a header of its own.
                position = data + length if kind == _EBML and length != _UNKNOWN else data
                continue
            if kind not in _IN_SEGMENT or (length == _UNKNOWN and kind != _CLUSTER):
                raise _Broken
            stop = end if length == _UNKNOWN else data + length
            if stop > end:
                raise _Broken
            if kind == _CLUSTER:
                self._clusters.add(position - start)
                stop = self._cluster(data, stop, open_ended=length == _UNKNOWN)
            elif kind in {_TRACKS, _CUES}:
                self._table(kind, data, stop)
            position = stop
        if self._cues - self._clusters:
            raise _Broken

    def _cluster(self, start: int, end: int, open_ended: bool) -> int:
        """Walk a cluster's blocks; return where it ends."""
        position = start
        while position < end:
            kind, data, length = self._header(position)
            if open_ended and kind in (_IN_SEGMENT | {_EBML, _SEGMENT}) - {_VOID, _CRC}:
                return position
            if kind not in _IN_CLUSTER or length == _UNKNOWN or data + length > end:
                raise _Broken
            if kind == _CRC and position == start and not open_ended:
                self._check(data, length, end)
            elif kind == _SIMPLE_BLOCK:
                self._block(data, length)
            elif kind == _BLOCK_GROUP:
                for inner, inner_data, inner_length in self._children(data, data + length):
                    if inner == _BLOCK:
                        self._block(inner_data, inner_length)
            position = data + length
        return position

    def _block(self, start: int, length: int) -> None:
        head = self._read(start, min(length, 13))
        number, width = _number(head)
        if number not in self._numbers or len(head) < width + 3:
            raise _Broken
        laced = head[width + 2] & 0x06 and len(head) > width + 3
        self.blocks[number] = self.blocks.get(number, 0) + (head[width + 3] + 1 if laced else 1)

    def _table(self, kind: int, start: int, end: int) -> None:
        for child, data, length in self._children(start, end):
            if child == _CRC and data == start + 2:
                self._check(data, length, end)
            elif child == _TRACK_ENTRY and kind == _TRACKS:
                self._track(data, data + length)
            elif child == _CUE_POINT and kind == _CUES:
                for inner, inner_data, inner_length in self._children(data, data + length):
                    if inner == _CUE_POSITIONS:
                        self._cue(inner_data, inner_data + inner_length)

    def _track(self, start: int, end: int) -> None:
        values = {
            kind: int.from_bytes(self._read(data, length), "big")
            for kind, data, length in self._children(start, end)
            if kind in {_TRACK_NUMBER, _TRACK_TYPE} and length <= 8
        }
        number = values.get(_TRACK_NUMBER, 0)
        if number not in self._numbers and values.get(_TRACK_TYPE) in _STREAM_TYPES:
            self.tracks.append(number)
        self._numbers.add(number)

    def _cue(self, start: int, end: int) -> None:
        for kind, data, length in self._children(start, end):
            if kind == _CUE_CLUSTER and length <= 8:
                self._cues.add(int.from_bytes(self._read(data, length), "big"))

    def _children(self, start: int, end: int) -> Iterator[tuple[int, int, int]]:
        position = start
        while position < end:
            kind, data, length = self._header(position)
            if length == _UNKNOWN or data + length > end:
                raise _Broken
            yield kind, data, length
            position = data + length

    def _check(self, start: int, length: int, end: int) -> None:
        """Compare the checksum of the bytes behind it (RFC 8794, section 11.3.1)."""
        expected = int.from_bytes(self._read(start, length), "little")
        position, checksum = start + length, 0
        while position < end:
            data = self._read(position, min(1 << 20, end - position))
            checksum = zlib.crc32(data, checksum)
            position += len(data)
        if length != 4 or checksum != expected:
            raise _Broken

    def _header(self, position: int) -> tuple[int, int, int]:
        """Return (identifier, where the data begins, its length or `_UNKNOWN`) of the element at a position."""
        head = self._read(position, min(12, self._size - position))
        first = head[0]
        width = 9 - first.bit_length()
        if width > 4 or len(head) <= width:
            raise _Broken
        length, used = _number(head[width:])
        return int.from_bytes(head[:width], "big"), position + width + used, length

    def _read(self, position: int, count: int) -> bytes:
        self._file.seek(position)
        data = self._file.read(count)
        if len(data) < count or count < 1:
            raise _Broken
        return data


def _number(data: bytes) -> tuple[int, int]:
    """Return (value or `_UNKNOWN`, bytes used) of a variable-size integer."""
    if not data or data[0] == 0:
        raise _Broken
    width = 9 - data[0].bit_length()
    if len(data) < width:
        raise _Broken
    most = (1 << 7 * width) - 1
    value = int.from_bytes(data[:width], "big") & most
    return (_UNKNOWN if value == most else value), width
