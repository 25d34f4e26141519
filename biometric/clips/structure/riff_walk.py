"""Walk through an AVI file (RIFF, with the OpenDML extensions): its chunks, and what its index says of them."""

import re
from typing import BinaryIO

from biometric.clips.structure.report import BROKEN, StructureReport

_DATA = re.compile(rb"(\d\d)(dc|db|wb|tx|sb|pc|iv)")
_OTHER = re.compile(rb"ix\d\d|JUNK|junk|idx1|[A-Za-z0-9 _]{4}")


def walk_avi(file: BinaryIO, size: int) -> StructureReport:
    """Walk a file of `size` bytes. What lies behind the chunks of the pictures, as a lost index, breaks nothing."""
    walk = _Walk(file, size)
    if not walk.run():
        return BROKEN
    return StructureReport(packets={int(stream): count for stream, count in walk.filled.items()})


class _Walk:
    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file, self._size = file, size
        self.filled: dict[bytes, int] = {}
        self._chunks: dict[bytes, int] = {}
        self._claims: list[int] = []
        self._kinds: list[bytes] = []
        self._indexed = False

    def run(self) -> bool:
        """Return whether the structure holds."""
        position = 0
        while position + 12 <= self._size:
            name, length = self._header(position)
            if name != b"RIFF":
                # Behind the last RIFF chunk anything may stand but chunks of a lost one.
                return not self._holds_chunks(position)
            # Recorders that were stopped leave the length 0 or 2³² − 1.
            end = self._size if length in {0, 0xFFFFFFFF} else min(self._size, position + 8 + length)
            if not self._list(position + 12, end, first=position == 0):
                return False
            position = end + end % 2
        return self._counts_agree()

    def _counts_agree(self) -> bool:
        """Without an index only the headers say how many frames there were."""
        if self._indexed:
            return True
        for stream, (kind, claimed) in enumerate(zip(self._kinds, self._claims, strict=True)):
            # A place that was never filled in counts more than the file could hold.
            if kind == b"vids" and self._size >= claimed > self._chunks.get(b"%02d" % stream, 0):
                return False
        return True

    def _list(self, position: int, end: int, first: bool) -> bool:
        while position + 8 <= end:
            name, length = self._header(position)
            data = position + 8
            if name == b"LIST":
                stop = end if length in {0, 0xFFFFFFFF} else data + length
                if stop > end + 1 and stop > self._size and self._file_kind(data) != b"movi":
                    return False
                if not self._list(data + 4, min(stop, end), first):
                    return False
                position = stop + stop % 2
                continue
            if data + length > end:
                return self._cut(name, data, end)
            match = _DATA.fullmatch(name)
            if match is not None:
                stream = match[1]
                self._chunks[stream] = self._chunks.get(stream, 0) + 1
                self.filled[stream] = self.filled.get(stream, 0) + (length > 0)
            elif name == b"strh":
                self._stream(data, length)
            elif name == b"idx1" and first:
                if not self._index(data, length):
                    return False
            elif _OTHER.fullmatch(name) is None:
                return False
            position = data + length + length % 2
        return True

    def _cut(self, name: bytes, data: int, end: int) -> bool:
        """A chunk longer than the list around it: only an index may be cut off by the end of the file."""
        return name == b"idx1" and end >= self._size - 1 and data <= end

    def _stream(self, data: int, length: int) -> None:
        header = self._read(data, min(length, 48))
        self._kinds.append(header[:4])
        self._claims.append(int.from_bytes(header[32:36], "little"))

    def _index(self, data: int, length: int) -> bool:
        """Count the index's entries; the pictures met so far are to be no fewer."""
        entries: dict[bytes, int] = {}
        table = self._read(data, length)
        for at in range(0, len(table) - 15, 16):
            match = _DATA.fullmatch(table[at : at + 4])
            if match is not None:
                entries[match[1]] = entries.get(match[1], 0) + 1
            elif table[at : at + 4] not in {b"rec ", b"JUNK"}:
                return False
        self._indexed = True
        return all(entries.get(stream, 0) == count for stream, count in self._chunks.items()) and all(
            self._chunks.get(stream, 0) == count for stream, count in entries.items()
        )

    def _holds_chunks(self, position: int) -> bool:
        self._file.seek(position)
        return re.search(rb"\d\dd[cb]", self._file.read(1 << 24)) is not None

    def _file_kind(self, data: int) -> bytes:
        return self._read(data, 4)

    def _header(self, position: int) -> tuple[bytes, int]:
        head = self._read(position, 8)
        return head[:4], int.from_bytes(head[4:], "little")

    def _read(self, position: int, count: int) -> bytes:
        self._file.seek(position)
        return self._file.read(count)
