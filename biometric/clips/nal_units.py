"""Read the units and numbers of which H.264 and H.265 streams are made (ITU-T H.264 and H.265, 7.3.1 and annex B)."""

from collections.abc import Iterator


def units(data: bytes, length_size: int) -> Iterator[bytes]:
    """Yield the NAL units of a packet: behind their lengths, or behind start codes where `length_size` is 0."""
    position = 0
    if length_size:
        while position + length_size < len(data):
            length = int.from_bytes(data[position : position + length_size], "big")
            position += length_size
            if length:
                yield data[position : position + length]
            position += length
        return
    position = data.find(b"\x00\x00\x01")
    while 0 <= position < len(data) - 3:
        following = data.find(b"\x00\x00\x01", position + 3)
        # Between start codes one behind the other there is no unit.
        if following != position + 3:
            yield data[position + 3 : following if following >= 0 else len(data)]
        position = following


class BitReader:
    """Reads the numbers of a unit, without its emulation prevention bytes. Behind the end, IndexError is raised."""

    def __init__(self, data: bytes) -> None:
        self._data = data.replace(b"\x00\x00\x03", b"\x00\x00")
        self._at = 0

    def u(self, width: int) -> int:
        """Read an unsigned number of so many bits."""
        value = 0
        for _ in range(width):
            value = value << 1 | self._data[self._at >> 3] >> (7 - (self._at & 7)) & 1
            self._at += 1
        return value

    def skip(self, width: int) -> None:
        """Pass over so many bits."""
        self._at += width

    def ue(self) -> int:
        """Read an Exp-Golomb number (ITU-T H.264, 9.1)."""
        zeros = 0
        while not self.u(1):
            zeros += 1
        return (1 << zeros) - 1 + self.u(zeros)

    def se(self) -> int:
        """Read a signed Exp-Golomb number."""
        value = self.ue()
        return (value + 1) // 2 if value % 2 else -(value // 2)
