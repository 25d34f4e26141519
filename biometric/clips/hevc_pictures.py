"""What the headers of H.265 slices say of pictures: those never shown, and the order of showing (ITU-T H.265, 7.3)."""

from dataclasses import dataclass

from biometric.clips.nal_units import BitReader, units
from biometric.clips.picture_order import PictureOrder

_SEQUENCE, _PICTURE = 33, 34


@dataclass(frozen=True, slots=True)
class _Parameters:
    sequence: int
    output_flag: bool
    extra_bits: int


class HevcPictures:
    """Follows the packets of one track, in order of decoding.

    Args:
        extradata: parameters from the container, as an hvcC record; may be empty.

    Attributes:
        order: numbers of the pictures so far.
    """

    def __init__(self, extradata: bytes) -> None:
        self.order = PictureOrder()
        self._length_size = (extradata[21] & 3) + 1 if len(extradata) > 22 and extradata[0] == 1 else 0
        self._sequences: dict[int, tuple[int, bool]] = {}  # bits of the order, whether colour planes are apart
        self._pictures: dict[int, _Parameters] = {}
        self._key_frames = 0

    @property
    def lacks_parameters(self) -> bool:
        """Whether no sequence parameter set was seen yet."""
        return not self._sequences

    def is_skipped(self, data: bytes) -> bool:
        """Note a packet's beginning; whether its picture refers to what stood before the stream's first key frame.

        Such pictures (RASL, 3.139) cannot be decoded and are not meant to be.
        """
        for unit in units(data, self._length_size):
            if len(unit) < 3:
                continue
            kind = unit[0] >> 1 & 0x3F
            if kind < 32:
                self._key_frames += 16 <= kind <= 23
                skipped = self._key_frames <= 1 and kind in {8, 9}
                if not skipped:
                    self._note(unit, kind)
                return skipped
            self._learn(unit, kind)
        return False

    def _note(self, unit: bytes, kind: int) -> None:
        bits = BitReader(unit[2:64])
        try:
            if not bits.u(1):
                return
            bits.skip(1 if 16 <= kind <= 23 else 0)
            picture = self._pictures[bits.ue()]
            width, planes = self._sequences[picture.sequence]
            bits.skip(picture.extra_bits)
            bits.ue()
            bits.skip((1 if picture.output_flag else 0) + (2 if planes else 0))
            if 16 <= kind <= 20:
                self.order.begin()
            self.order.add(0 if kind in {19, 20} else bits.u(width), 1 << width)
        except (IndexError, KeyError):
            return

    def _learn(self, unit: bytes, kind: int) -> None:
        bits = BitReader(unit[2:])
        try:
            if kind == _PICTURE:
                number, sequence = bits.ue(), bits.ue()
                bits.skip(1)
                self._pictures[number] = _Parameters(sequence, bool(bits.u(1)), bits.u(3))
            elif kind == _SEQUENCE:
                number, order = _sequence(bits)
                self._sequences[number] = order
        except IndexError:
            return  # cut off; the decoder will not understand it, either


def _sequence(bits: BitReader) -> tuple[int, tuple[int, bool]]:
    """Read a sequence parameter set (7.3.2.2.1) up to the bits of the picture order."""
    bits.skip(4)
    layers = bits.u(3)
    bits.skip(1 + 96)
    present = [(bits.u(1), bits.u(1)) for _ in range(layers)]
    bits.skip(2 * (8 - layers) if layers else 0)
    bits.skip(sum(88 * profile + 8 * level for profile, level in present))
    number, chroma = bits.ue(), bits.ue()
    planes = chroma == 3 and bool(bits.u(1))
    bits.ue()
    bits.ue()
    if bits.u(1):
        for _ in range(4):
            bits.ue()
    bits.ue()
    bits.ue()
    return number, (bits.ue() + 4, planes)
