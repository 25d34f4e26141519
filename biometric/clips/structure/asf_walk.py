"""Walk through an ASF (WMV) file (ASF specification, revision 1.20.05): its data packets and the pictures in them."""

from typing import BinaryIO

from biometric.clips.structure.report import BROKEN, WHOLE, StructureReport

_DATA_OBJECT = bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c")
_FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_WIDTHS = (0, 1, 2, 4)
"""Bytes of a field, by the two bits that say so."""


def walk_asf(file: BinaryIO, size: int) -> StructureReport:
    """Walk a file of `size` bytes."""
    header = _read(file, 0, 30)
    head = _read(file, 0, min(size, int.from_bytes(header[16:24], "little"), 1 << 22))
    properties = head.find(_FILE_PROPERTIES)
    data = _read(file, len(head), 50)
    if not 0 <= properties <= len(head) - 104 or data[:16] != _DATA_OBJECT or len(data) < 50:
        return BROKEN
    broadcast = head[properties + 88] & 1
    length = int.from_bytes(head[properties + 92 : properties + 96], "little")
    count = int.from_bytes(data[40:48], "little")
    # The shortest and the longest packet are of one length.
    if not 0 < length < 1 << 20 or head[properties + 92 : properties + 96] != head[properties + 96 : properties + 100]:
        return BROKEN
    position = len(head) + 50
    end = size if broadcast or count == 0 else position + count * length
    if end > size:
        return BROKEN
    objects = _MediaObjects()
    while position + length <= end:
        packet = _Fields(_read(file, position, length))
        try:
            objects.follow(packet)
        except ValueError:
            return BROKEN
        position += length
    return WHOLE


class _Fields:
    """The numbers of a packet, little-endian, in order."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def number(self, width: int) -> int:
        if self.at + width > len(self.data):
            raise ValueError("the packet is too short")
        self.at += width
        return int.from_bytes(self.data[self.at - width : self.at], "little")


class _MediaObjects:
    """The media objects (pictures, stretches of sound) of each stream: numbered, and sent piece by piece."""

    def __init__(self) -> None:
        self._last: dict[int, tuple[int, int, int]] = {}  # by stream: number, bytes so far, whole size

    def follow(self, packet: _Fields) -> None:
        """Note a packet's payloads (section 5.2). Raises ValueError where they do not follow those before."""
        first = packet.number(1)
        if first & 0x80:
            packet.number(first & 0x0F)
            first = packet.number(1)
        properties = packet.number(1)
        length = packet.number(_WIDTHS[first >> 5 & 3]) or len(packet.data)
        packet.number(_WIDTHS[first >> 1 & 3])
        end = min(length, len(packet.data)) - packet.number(_WIDTHS[first >> 3 & 3])
        packet.number(6)
        if not first & 1:
            self._payload(packet, properties, end, 0)
            return
        flags = packet.number(1)
        for _ in range(flags & 0x3F):
            self._payload(packet, properties, end, _WIDTHS[flags >> 6 & 3])

    def _payload(self, packet: _Fields, properties: int, end: int, length_width: int) -> None:
        stream = packet.number(1) & 0x7F
        width = _WIDTHS[properties >> 4 & 3]
        number = packet.number(width)
        offset = packet.number(_WIDTHS[properties >> 2 & 3])
        replicated = packet.number(_WIDTHS[properties & 3])
        if replicated == 1:
            # Several whole objects; the offset field holds their time.
            packet.number(1)
            packet.number(packet.number(length_width) if length_width else end - packet.at)
            self._last.pop(stream, None)
            return
        whole = packet.number(4) if replicated >= 4 else 0
        packet.number(max(0, replicated - 4))
        length = packet.number(length_width) if length_width else end - packet.at
        if length < 0 or packet.at + length > end:
            raise ValueError("the payload is too long")
        packet.number(length)
        self._check(stream, number, offset, length, whole, 1 << 8 * width)

    def _check(self, stream: int, number: int, offset: int, length: int, whole: int, numbers: int) -> None:
        last = self._last.get(stream)
        if last is not None:
            before, done, size = last
            fits = (number, offset) == (before, done) if done < size else number == (before + 1) % numbers
            if not fits or (done >= size and offset):
                raise ValueError("a piece is missing")
        self._last[stream] = (number, offset + length, whole)


def _read(file: BinaryIO, position: int, count: int) -> bytes:
    file.seek(position)
    return file.read(count)
