"""Walk through containers that are one chain of parts: FLV, IVF, Ogg, MXF, MPEG program streams."""

from typing import BinaryIO

from biometric.clips.structure.report import BROKEN, WHOLE, StructureReport


def walk_flash_video(file: BinaryIO, size: int) -> StructureReport:
    """Follow the tags of an FLV file; each is followed by its own length (FLV specification 10.1, annex E.3)."""
    head = _read(file, 0, 9)
    position = int.from_bytes(head[5:9], "big") + 4
    while position < size:
        tag = _read(file, position, 11)
        length = int.from_bytes(tag[1:4], "big")
        behind = _read(file, position + 11 + length, 4)
        if len(tag) < 11 or tag[0] & 0x1F not in {8, 9, 18} or tag[8:11] != bytes(3):
            return BROKEN
        # Some recorders leave the last length out, or write 0.
        if int.from_bytes(behind, "big") not in {length + 11, 0} or position + 11 + length > size:
            return BROKEN
        position += 11 + length + 4
    return WHOLE


def walk_ivf(file: BinaryIO, size: int) -> StructureReport:
    """Follow the frames of an IVF file; its header may say how many there are."""
    head = _read(file, 0, 32)
    position, frames, before = int.from_bytes(head[6:8], "little"), 0, -1
    if position != 32:
        return BROKEN
    while position < size:
        header = _read(file, position, 12)
        length, time = int.from_bytes(header[:4], "little"), int.from_bytes(header[4:12], "little")
        position += 12 + length
        if len(header) < 12 or position > size or time <= before:
            return BROKEN
        before = time
        frames += length > 0
    return StructureReport(packets={0: frames})


def walk_ogg(file: BinaryIO, size: int) -> StructureReport:
    """Follow the pages of an Ogg file, which are numbered in each of its streams (RFC 3533, section 6)."""
    position = 0
    last: dict[bytes, int] = {}
    while position < size:
        page = _read(file, position, 27)
        if len(page) < 27 or page[:4] != b"OggS":
            return BROKEN
        segments = _read(file, position + 27, page[26])
        serial, number = page[14:18], int.from_bytes(page[18:22], "little")
        if number != last.get(serial, number - 1) + 1:
            return BROKEN
        last[serial] = number
        position += 27 + page[26] + sum(segments)
        if position > size:
            return BROKEN
    return WHOLE


def walk_mxf(file: BinaryIO, size: int) -> StructureReport:
    """Follow the keys and lengths of an MXF file (SMPTE ST 336)."""
    position = 0
    while position < size:
        key = _read(file, position, 26)
        if len(key) < 17 or key[:4] != b"\x06\x0e\x2b\x34":
            return BROKEN
        width = key[16] & 0x7F if key[16] & 0x80 else 0
        length = int.from_bytes(key[17 : 17 + width], "big") if width else key[16]
        position += 17 + width + length
        if width > 8 or position > size:
            return BROKEN
    return WHOLE


def walk_program_stream(file: BinaryIO, size: int) -> StructureReport:
    """Follow the packs and packets of an MPEG program stream (ISO/IEC 13818-1, 2.5.3; ISO/IEC 11172-1, 2.4.3)."""
    position = 0
    while position < size:
        head = _read(file, position, 14)
        if head[:3] != b"\x00\x00\x01":
            # Recorders fill the last sector with zeros.
            return BROKEN if any(head) or size - position > 1 << 16 else WHOLE
        code = head[3] if len(head) > 3 else 0xB9
        if code == 0xB9:
            position += 4
        elif code == 0xBA and len(head) >= 12:
            position += 14 + (head[13] & 7) if head[4] >> 6 == 1 and len(head) == 14 else 12
        elif code >= 0xBB and len(head) >= 6:
            position += 6 + int.from_bytes(head[4:6], "big")
        else:
            return BROKEN
    return BROKEN if position > size else WHOLE


def _read(file: BinaryIO, position: int, count: int) -> bytes:
    file.seek(position)
    return file.read(count)
