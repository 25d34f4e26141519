"""How many frames a packet of coded pictures makes: none where its picture is never shown or is a frame's second field.

A decoder passes over packets without a word, so frames are compared with packets; this says what to expect of each.
"""

from collections.abc import Iterator

_HEAD = 1 << 14
"""Bytes of a packet that are looked at; pictures begin behind a few hundred bytes of parameters at most."""

_NOT_CODED = 8
"""Bytes of the longest MPEG-4 packet that only says "as before"; encoders send them for frames that they leave out."""


class PictureCounter:
    """Follows one video track, in order of decoding.

    Args:
        codec: FFmpeg's name.
        extradata: the codec's parameters as the container holds them, empty where they are in the stream.
    """

    def __init__(self, codec: str, extradata: bytes) -> None:
        self._codec = codec
        self._fields = FieldPairs(extradata) if codec == "h264" else None
        self._length_size = _hevc_length_size(extradata) if codec == "hevc" else 0
        self._anchors = 0
        self._closed = False

    def frames_of(self, packet: memoryview) -> int:
        """Return how many frames a packet makes, 0 or 1."""
        head = packet[:_HEAD].tobytes()
        if self._fields is not None:
            return int(not self._fields.is_second_field(head))
        if self._codec == "hevc":
            return int(not self._follows_skipped_pictures(head))
        if self._codec in {"mpeg2video", "mpeg1video"}:
            return int(not self._lacks_reference(head))
        if self._codec == "vp8":
            return head[0] >> 4 & 1
        if self._codec == "vp9":
            return int(_vp9_shown(head, packet[-1]))
        if self._codec == "mpeg4":
            return int(len(packet) > _NOT_CODED)
        return 1

    def _follows_skipped_pictures(self, head: bytes) -> bool:
        """Whether a picture refers to what stood before the stream's first key frame (RASL; ITU-T H.265, 3.139)."""
        for unit in _units(head, self._length_size):
            kind = unit[0] >> 1 & 0x3F
            if kind < 32:
                self._anchors += 16 <= kind <= 23
                return self._anchors <= 1 and kind in {8, 9}
        return False

    def _lacks_reference(self, head: bytes) -> bool:
        """Whether an MPEG-2 B-picture stands behind the first key frame, but refers to what stood before it."""
        if self._anchors >= 2:
            return False
        group = head.find(b"\x00\x00\x01\xb8")
        if group >= 0 and group + 7 < len(head):
            self._closed = bool(head[group + 7] >> 6 & 1)
        picture = head.find(b"\x00\x00\x01\x00")
        if picture < 0 or picture + 5 >= len(head):
            return False
        if head[picture + 5] >> 3 & 7 != 3:
            self._anchors += 1
            return False
        return self._anchors == 1 and not self._closed


def _vp9_shown(head: bytes, last: int) -> bool:
    """Whether a VP9 packet shows a frame (VP9 bitstream specification, 6.2 and annex B)."""
    if last & 0xE0 == 0xC0:
        return True  # several frames in one packet, of which the last is shown
    bits = f"{head[0]:08b}"
    at = 5 if bits[2:4] == "11" else 4
    return bits[at] == "1" or bits[at + 2] == "1"


def _hevc_length_size(extradata: bytes) -> int:
    return (extradata[21] & 3) + 1 if len(extradata) > 22 and extradata[0] == 1 else 0


def _units(data: bytes, length_size: int) -> Iterator[bytes]:
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
        yield data[position + 3 : following if following >= 0 else len(data)]
        position = following


class FieldPairs:
    """Tells the second field of an H.264 frame from all other pictures (ITU-T H.264, 7.3.2 and 7.3.3)."""

    def __init__(self, extradata: bytes) -> None:
        self._sequences: dict[int, tuple[int, bool, bool]] = {}  # bits of frame_num, colour planes, whether with fields
        self._pictures: dict[int, int] = {}
        self._first: tuple[int, int] | None = None
        self._length_size = 0
        if len(extradata) > 6 and extradata[0] == 1:
            self._length_size = (extradata[4] & 3) + 1
            self._learn_from_record(extradata)
        else:
            for unit in _units(extradata, 0):
                self._learn(unit)

    def is_second_field(self, data: bytes) -> bool:
        """Whether a packet holds the second field of the frame whose first field the packet before held."""
        for unit in _units(data, self._length_size):
            kind = unit[0] & 0x1F
            if kind in {1, 5, 2}:
                return self._is_second(unit)
            self._learn(unit)
        return False

    def _learn_from_record(self, record: bytes) -> None:
        position, units = 6, record[5] & 0x1F
        for count in (units, None):
            if count is None:
                count = record[position] if position < len(record) else 0
                position += 1
            for _ in range(count):
                length = int.from_bytes(record[position : position + 2], "big")
                self._learn(record[position + 2 : position + 2 + length])
                position += 2 + length

    def _learn(self, unit: bytes) -> None:
        if not unit or unit[0] & 0x1F not in {7, 8}:
            return
        bits = _BitReader(unit[1:])
        try:
            if unit[0] & 0x1F == 8:
                self._pictures[bits.ue()] = bits.ue()
            else:
                self._learn_sequence(bits)
        except IndexError:
            return  # cut off; the decoder will not understand it, either

    def _learn_sequence(self, bits: "_BitReader") -> None:
        profile = bits.u(8)
        bits.u(16)
        number, planes = bits.ue(), False
        if profile in {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135}:
            chroma = bits.ue()
            planes = chroma == 3 and bool(bits.u(1))
            bits.ue()
            bits.ue()
            bits.u(1)
            if bits.u(1):
                for index in range(8 if chroma != 3 else 12):
                    if bits.u(1):
                        bits.skip_scaling_list(16 if index < 6 else 64)
        width = bits.ue() + 4
        order = bits.ue()
        if order == 0:
            bits.ue()
        elif order == 1:
            bits.u(1)
            bits.se()
            bits.se()
            for _ in range(bits.ue()):
                bits.se()
        bits.ue()
        bits.u(1)
        bits.ue()
        bits.ue()
        self._sequences[number] = (width, planes, not bits.u(1))

    def _is_second(self, unit: bytes) -> bool:
        bits = _BitReader(unit[1:64])
        first, self._first = self._first, None
        try:
            bits.ue()
            bits.ue()
            width, planes, with_fields = self._sequences.get(self._pictures.get(bits.ue(), -1), (4, False, False))
            if not with_fields:
                return False
            if planes:
                bits.u(2)
            frame = bits.u(width)
            if not bits.u(1):
                return False
            bottom = bits.u(1)
        except IndexError:
            return False
        if first == (frame, 1 - bottom):
            return True
        self._first = (frame, bottom)
        return False


class _BitReader:
    """Reads a NAL unit's numbers, without its emulation prevention bytes."""

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

    def skip_scaling_list(self, size: int) -> None:
        """Pass over a scaling list (ITU-T H.264, 7.3.2.1.1.1)."""
        last, following = 8, 8
        for _ in range(size):
            if following:
                following = (last + self.se()) % 256
            last = following or last
