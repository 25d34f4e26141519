"""What the headers of H.264 slices say of pictures: fields, and the order of showing (ITU-T H.264, 7.3.2 and 7.3.3)."""

from dataclasses import dataclass

from biometric.clips.nal_units import BitReader, units
from biometric.clips.picture_order import PictureOrder

_SLICES = frozenset({1, 2, 5})
_PROFILES_WITH_CHROMA = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})


@dataclass(frozen=True, slots=True)
class _Sequence:
    frame_bits: int
    order_bits: int  # 0: the order is not written
    planes: bool
    with_fields: bool
    gaps_allowed: bool


class H264Pictures:
    """Follows the packets of one track, in order of decoding.

    Args:
        extradata: parameters from the container, as an avcC record or with start codes; may be empty.

    Attributes:
        order: numbers of the pictures so far.
        gaps: reference pictures that are missing by their own count.
    """

    def __init__(self, extradata: bytes) -> None:
        self.order = PictureOrder()
        self.gaps = 0
        self._sequences: dict[int, _Sequence] = {}
        self._pictures: dict[int, int] = {}
        self._first_field: tuple[int, int] | None = None
        self._frame: int | None = None
        self._length_size = 0
        if len(extradata) > 6 and extradata[0] == 1:
            self._length_size = (extradata[4] & 3) + 1
            for unit in _units_of_record(extradata):
                self._learn(unit)
        else:
            for unit in units(extradata, 0):
                self._learn(unit)

    @property
    def lacks_parameters(self) -> bool:
        """Whether no sequence parameter set was seen yet."""
        return not self._sequences

    def is_second_field(self, data: bytes) -> bool:
        """Note a packet's beginning; whether it holds the second field of the frame that the packet before began."""
        for unit in units(data, self._length_size):
            if unit[0] & 0x1F in _SLICES:
                first, self._first_field = self._first_field, None
                try:
                    return self._picture(unit, first)
                except (IndexError, KeyError):
                    return False
            self._learn(unit)
        return False

    def _picture(self, unit: bytes, first_field: tuple[int, int] | None) -> bool:
        bits, key = BitReader(unit[1:64]), unit[0] & 0x1F == 5
        bits.ue()
        bits.ue()
        sequence = self._sequences[self._pictures[bits.ue()]]
        bits.skip(2 if sequence.planes else 0)
        frame = bits.u(sequence.frame_bits)
        field = sequence.with_fields and bool(bits.u(1))
        bottom = bits.u(1) if field else 0
        second = field and first_field == (frame, 1 - bottom)
        if field and not second:
            self._first_field = (frame, bottom)
        if key and not second:
            self.order.begin()
            self._frame = None
        self._count(frame, 1 << sequence.frame_bits, sequence.gaps_allowed, kept=unit[0] & 0x60 > 0)
        if key:
            bits.ue()
        if sequence.order_bits and not sequence.with_fields:
            self.order.add(bits.u(sequence.order_bits), 1 << sequence.order_bits)
        return second

    def _count(self, frame: int, modulus: int, gaps_allowed: bool, kept: bool) -> None:
        """Compare the number of a frame with that of the last reference frame, which it follows or shares."""
        if self._frame is not None and not gaps_allowed:
            self.gaps += (frame - self._frame) % modulus > 1
        if kept or self._frame is None:
            self._frame = frame

    def _learn(self, unit: bytes) -> None:
        if not unit or unit[0] & 0x1F not in {7, 8}:
            return
        bits = BitReader(unit[1:])
        try:
            if unit[0] & 0x1F == 8:
                self._pictures[bits.ue()] = bits.ue()
            else:
                number, sequence = _sequence(bits)
                self._sequences[number] = sequence
        except IndexError:
            return  # cut off; the decoder will not understand it, either


def _units_of_record(record: bytes) -> list[bytes]:
    """The parameter sets of an avcC record (ISO/IEC 14496-15, 5.3.3.1)."""
    found: list[bytes] = []
    position = 5
    for mask in (0x1F, 0xFF):
        count = record[position] & mask if position < len(record) else 0
        position += 1
        for _ in range(count):
            length = int.from_bytes(record[position : position + 2], "big")
            found.append(record[position + 2 : position + 2 + length])
            position += 2 + length
    return found


def _sequence(bits: BitReader) -> tuple[int, _Sequence]:
    """Read a sequence parameter set (7.3.2.1.1) up to the flag of fields."""
    profile = bits.u(8)
    bits.skip(16)
    number, planes = bits.ue(), False
    if profile in _PROFILES_WITH_CHROMA:
        chroma = bits.ue()
        planes = chroma == 3 and bool(bits.u(1))
        bits.ue()
        bits.ue()
        bits.skip(1)
        if bits.u(1):
            for index in range(8 if chroma != 3 else 12):
                if bits.u(1):
                    _skip_scaling_list(bits, 16 if index < 6 else 64)
    frame_bits, kind, order_bits = bits.ue() + 4, bits.ue(), 0
    if kind == 0:
        order_bits = bits.ue() + 4
    elif kind == 1:
        bits.skip(1)
        bits.se()
        bits.se()
        for _ in range(bits.ue()):
            bits.se()
    bits.ue()
    gaps_allowed = bool(bits.u(1))
    bits.ue()
    bits.ue()
    return number, _Sequence(frame_bits, order_bits, planes, not bits.u(1), gaps_allowed)


def _skip_scaling_list(bits: BitReader, size: int) -> None:
    last, following = 8, 8
    for _ in range(size):
        if following:
            following = (last + bits.se()) % 256
        last = following or last
