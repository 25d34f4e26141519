"""Read the boxes of which MP4 and MOV files are made (ISO/IEC 14496-12, 4.2)."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

_MOST_IN_MEMORY = 256_000_000
_BESIDE_FRAGMENTS = frozenset(
    b"ftyp styp moov moof mdat sidx ssix mfra free skip wide emsg prft uuid meta udta pdin".split()
)


class BrokenTables(Exception):  # walk_mp4 catches it
    """The structure does not hold."""


@dataclass(slots=True)
class Box:
    """A box: its four letters, and what is in it."""

    kind: bytes
    data: bytes


def top_boxes(file: BinaryIO, size: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield (letters, start, end) of the contents of the boxes that a file is made of."""
    position, fragmented = 0, False
    while position + 8 <= size:
        file.seek(position)
        header = file.read(16)
        length, kind, used = int.from_bytes(header[:4], "big"), header[4:8], 8
        if length == 1:
            length, used = int.from_bytes(header[8:16], "big"), 16
        elif length == 0:
            length = size - position
        if length < used or not _is_name(kind):
            file.seek(position)
            rest = file.read(_MOST_IN_MEMORY)
            # Padding may follow the last box, but no further index; behind fragments, only zeros.
            if b"moov" in rest or (fragmented and any(rest)):
                raise BrokenTables
            return
        fragmented = fragmented or kind == b"moof"
        if fragmented and kind not in _BESIDE_FRAGMENTS:
            raise BrokenTables
        yield kind, position + used, min(size, position + length)
        position += length


def _is_name(kind: bytes) -> bool:
    return len(kind) == 4 and all(0x20 <= byte < 0x7F or byte == 0xA9 for byte in kind)


def payload(file: BinaryIO, start: int, end: int) -> bytes:
    """Read the contents of a box."""
    if end - start > _MOST_IN_MEMORY:
        raise BrokenTables
    file.seek(start)
    return file.read(end - start)


def boxes(data: bytes) -> Iterator[Box]:
    """Yield the boxes that stand in another one."""
    position = 0
    while position + 8 <= len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        kind, used = data[position + 4 : position + 8], 8
        if length == 1:
            length, used = int.from_bytes(data[position + 8 : position + 16], "big"), 16
        elif length == 0:
            length = len(data) - position
        if length < used or position + length > len(data):
            # QuickTime ends some lists with four zero bytes.
            raise BrokenTables
        yield Box(kind, data[position + used : position + length])
        position += length


def find(data: bytes, *path: bytes) -> bytes | None:
    """Return the contents of the first box on a path of letters, None where there is none."""
    for box in boxes(data):
        if box.kind == path[0]:
            return box.data if len(path) == 1 else find(box.data, *path[1:])
    return None


def needed(data: bytes, *path: bytes) -> bytes:
    """Return the contents of a box that has to be there."""
    found = find(data, *path)
    if found is None:
        raise BrokenTables
    return found


def integer(data: bytes, at: int, width: int = 4) -> int:
    """Return the unsigned number at a place."""
    if at + width > len(data):
        raise BrokenTables
    return int.from_bytes(data[at : at + width], "big")
