"""Walk through an MPEG transport stream (ISO/IEC 13818-1, 2.4.3): its sync bytes and continuity counters (numpy)."""

from collections import Counter
from typing import BinaryIO

import numpy as np

from biometric.clips.completeness import transport_packet
from biometric.clips.structure.report import BROKEN, StructureReport

_CHUNK_PACKETS = 40_000
_PROGRAM_TABLE, _FIRST_TRACK, _NULL = 0, 32, 0x1FFF
"""Identifiers: of the table that a stream begins with, the first that tracks may have, and that of filling."""

_Packets = np.ndarray[tuple[int, int], np.dtype[np.uint8]]


def walk_transport_stream(file: BinaryIO, size: int) -> StructureReport:
    """Walk a file of `size` bytes.

    Broken are: bytes out of step with the packets, packets that a receiver marked as faulty, and counters that jump
    without saying so. Where recordings were joined, the counters of all tracks begin at 0 behind a program table whose
    own counter does so; that is no damage.
    """
    file.seek(0)
    found = transport_packet(file.read(1 << 16))
    if found is None:
        return BROKEN
    offset, length = found
    file.seek(offset)
    counters = _Counters()
    pictures: Counter[int] = Counter()
    while data := file.read(_CHUNK_PACKETS * length):
        count = len(data) // length
        if count:
            packets = np.frombuffer(data, np.uint8, count * length).reshape(count, length)
            if not (counters.follow(packets) and _note_pictures(packets, pictures)):
                return BROKEN
    return StructureReport(pictures=pictures)


def _note_pictures(packets: _Packets, pictures: "Counter[int]") -> bool:
    """Count, by track, the packets of pictures with a time stamp, in each of which one picture, or more, begins.

    A picture may be spread over several of them; only the first has a time stamp. Returns False where a packet of
    pictures is to begin and does not.
    """
    for row in packets[(packets[:, 1] & 0x40) > 0]:
        start = 4 + (1 + int(row[4]) if row[3] & 0x20 else 0)
        head = row[start : start + 14].tobytes()
        identifier = (int(row[1]) & 0x1F) << 8 | int(row[2])
        begins = head[:3] == b"\x00\x00\x01" and len(head) == 14
        if begins and head[3] >> 4 == 0xE and head[7] & 0x80:
            pictures[identifier] += 1
        elif not begins and identifier in pictures:
            return False
    return True


class _Counters:
    """Continuity counters of all tracks, from one chunk of packets to the next."""

    def __init__(self) -> None:
        self._last: dict[int, tuple[int, int, bytes]] = {}  # number of the packet, counter, payload
        self._seen = 0
        self._restart = -1

    def follow(self, packets: _Packets) -> bool:
        """Return whether the packets, rows of bytes from the sync byte on, follow those before."""
        if (packets[:, 0] != 0x47).any() or (packets[:, 1] & 0x80).any():
            return False
        identifiers = (packets[:, 1].astype(np.int64) & 0x1F) << 8 | packets[:, 2]
        counters = packets[:, 3].astype(np.int64) & 0x0F
        loaded = (packets[:, 3] & 0x10) > 0
        announced = ((packets[:, 3] & 0x20) > 0) & (packets[:, 4] > 0) & ((packets[:, 5] & 0x80) > 0)
        jumps: list[tuple[int, int, int, int]] = []
        for identifier in map(int, np.unique(identifiers)):
            if identifier == _NULL or _PROGRAM_TABLE < identifier < _FIRST_TRACK:
                continue
            places = np.flatnonzero(identifiers == identifier)
            values = counters[places]
            number, counter, payload = self._last.get(identifier, (-1, -1, b""))
            before = np.concatenate([[counter], values[:-1]])
            wrong = (values != (before + loaded[places]) % 16) & (before >= 0) & ~announced[places]
            for at in map(int, np.flatnonzero(wrong)):
                earlier = payload if at == 0 else packets[places[at - 1]].tobytes()
                # A packet may be sent twice in a row.
                if not (values[at] == before[at] and packets[places[at]].tobytes() == earlier):
                    previous = number if at == 0 else self._seen + int(places[at - 1])
                    jumps.append((self._seen + int(places[at]), identifier, previous, int(values[at])))
            self._last[identifier] = (
                self._seen + int(places[-1]),
                int(values[-1]),
                packets[places[-1]].tobytes(),
            )
        self._seen += len(packets)
        return all(self._is_restart(*jump) for jump in sorted(jumps))

    def _is_restart(self, number: int, identifier: int, previous: int, counter: int) -> bool:
        if counter != 0:
            return False
        if identifier == _PROGRAM_TABLE:
            self._restart = number
        return previous < self._restart
