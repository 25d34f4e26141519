"""What a walk through a clip's file has seen."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class StructureReport:
    """What a file's own lengths and counts say, whatever a demuxer makes of them.

    Attributes:
        broken: the structure does not hold: unknown or overlapping elements, lost packets, tables that contradict each
            other. Demuxers pass over such places in silence.
        packets: of each track that the file holds, by the track's place in the file from 0; what is missing is unknown.
        pictures: how many pictures at least begin in each track, by its identifier in the file.
        seconds: for which each track is shown according to the headers, by the track's place.
    """

    broken: bool = False
    packets: Mapping[int, int] = field(default_factory=dict)
    pictures: Mapping[int, int] = field(default_factory=dict)
    seconds: Mapping[int, float] = field(default_factory=dict)


WHOLE = StructureReport()
BROKEN = StructureReport(broken=True)
