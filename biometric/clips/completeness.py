"""Measure whether a clip's file is whole, by the lengths that its container states (standard library only)."""

from collections.abc import Iterator
from typing import BinaryIO

from biometric.errors import DamagedClip

_PACKET_SIZES = (188, 192, 204)


def missing_bytes(kind: str, file: BinaryIO, head: bytes, size: int) -> int:
    """Return how many bytes a file's own lengths promise beyond its end; 0 when whole or when nothing is promised.

    Args:
        kind: name of the container, as FFmpeg's demuxer.
        head: the file's first bytes.
        size: of the file, in bytes.

    Raises:
        DamagedClip: an MP4/MOV file whose index (the "moov" box) is missing.
    """
    if kind == "mov":
        return _missing_of_mov(file, size)
    if kind == "matroska":
        return _missing_of_matroska(head, size)
    if kind == "avi":
        return _missing_of_avi(file, size)
    if kind == "mpegts":
        return _missing_of_transport_stream(head, size)
    if kind == "flv":
        return _missing_of_flash_video(file, size)
    if kind == "asf":
        return _missing_of_asf(head, size)
    return 0


def transport_packet(head: bytes) -> tuple[int, int] | None:
    """Return (offset of the first sync byte, packet size) of an MPEG transport stream (ISO/IEC 13818-1, 2.4.3.2).

    A capture may begin in the middle of a packet. Eight sync bytes in a row are asked for, or, in a shorter
    file, one at each packet, but no fewer than three.
    """
    for size in _PACKET_SIZES:
        for offset in range(min(size, len(head))):
            syncs = head[offset : offset + 8 * size : size]
            if len(syncs) >= 3 and set(syncs) == {0x47}:
                return offset, size
    return None


def _boxes(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int]]:
    """Yield (type, end) of the top-level boxes of ISO/IEC 14496-12, section 4.2; `end` may lie beyond the file."""
    position = 0
    while position + 8 <= size:
        file.seek(position)
        header = file.read(16)
        length, kind = int.from_bytes(header[:4], "big"), header[4:8]
        if length == 1:
            length = int.from_bytes(header[8:16], "big")
        elif length == 0:
            length = size - position
        # Recorders leave padding behind the last box; it is no box and claims nothing.
        if length < 8 or not kind.isascii() or b"\x00" in kind:
            return
        yield kind, position + length
        position += length


def _missing_of_mov(file: BinaryIO, size: int) -> int:
    missing, indexed = 0, False
    for kind, end in _boxes(file, size):
        if kind in {b"moov", b"moof"} and end <= size:
            indexed = True
        if kind in {b"mdat", b"moof", b"moov"}:
            missing = max(missing, end - size)
    if not indexed:
        raise DamagedClip(
            "The clip is damaged: its index is missing, because the recording was not finished or the file was not"
            " copied completely. Copy it again, or repair it with a video tool."
        )
    return missing


def _missing_of_matroska(head: bytes, size: int) -> int:
    position = 4
    for wanted in (None, b"\x18\x53\x80\x67"):  # the header's own size, then the segment (RFC 9559, section 5.1)
        if wanted is not None:
            if head[position : position + 4] != wanted:
                return 0
            position += 4
        length, width = _vint(head, position)
        position += width
        if length is None:
            return 0
        position += length
    return max(0, position - size)


def _vint(data: bytes, position: int) -> tuple[int | None, int]:
    """Return (value, bytes used) of an EBML variable-size integer (RFC 8794, section 4); None is "unknown"."""
    first = data[position] if position < len(data) else 0
    if first == 0:
        return None, 1
    width = 9 - first.bit_length()
    value = int.from_bytes(data[position : position + width], "big") & ((1 << 7 * width) - 1)
    return (None if value == (1 << 7 * width) - 1 else value), width


def _missing_of_avi(file: BinaryIO, size: int) -> int:
    """Follow the RIFF chunks: one, or in OpenDML files several in a row. Lengths of 0 or 2³² − 1 are not filled in."""
    position = 0
    while position + 8 <= size:
        file.seek(position)
        header = file.read(8)
        length = int.from_bytes(header[4:], "little")
        if header[:4] != b"RIFF" or length in {0, 0xFFFFFFFF}:
            return 0
        position += 8 + length + length % 2
    # The pad byte after the last chunk is often left out.
    return max(0, position - 1 - size)


def _missing_of_transport_stream(head: bytes, size: int) -> int:
    packet = transport_packet(head)
    if packet is None:
        return 0
    offset, length = packet
    # Packets of 192 bytes have a time stamp of four bytes before the sync byte.
    prefix = 4 if length == 192 else 0
    return -(size - offset + prefix) % length


def _missing_of_flash_video(file: BinaryIO, size: int) -> int:
    """Return 1 when the file does not end with the length of its last tag (FLV specification 10.1, annex E.3)."""
    file.seek(max(0, size - 4))
    length = int.from_bytes(file.read(4), "big")
    if length < 11 or length + 4 > size:
        return 1
    file.seek(size - 4 - length)
    tag = file.read(4)
    return int(tag[0] & 0x1F not in {8, 9, 18} or int.from_bytes(tag[1:4], "big") + 11 != length)


_ASF_FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")


def _missing_of_asf(head: bytes, size: int) -> int:
    """Compare with the file size in the file properties (ASF specification, section 3.2); live files have none."""
    position = head.find(_ASF_FILE_PROPERTIES)
    broadcast = position < 0 or (int.from_bytes(head[position + 88 : position + 92], "little") & 1)
    return 0 if broadcast else max(0, int.from_bytes(head[position + 40 : position + 48], "little") - size)
