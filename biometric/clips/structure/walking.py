"""Choose the walk of a container."""

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from biometric.clips.structure.asf_walk import walk_asf
from biometric.clips.structure.chained_walks import (
    walk_flash_video,
    walk_ivf,
    walk_mxf,
    walk_ogg,
    walk_program_stream,
)
from biometric.clips.structure.matroska_walk import walk_matroska
from biometric.clips.structure.mp4_tables import walk_mp4
from biometric.clips.structure.report import WHOLE, StructureReport
from biometric.clips.structure.riff_walk import walk_avi
from biometric.clips.structure.transport_walk import walk_transport_stream

_WALKS: dict[str, Callable[[BinaryIO, int], StructureReport]] = {
    "mov": walk_mp4,
    "matroska": walk_matroska,
    "avi": walk_avi,
    "mpegts": walk_transport_stream,
    "mpeg": walk_program_stream,
    "flv": walk_flash_video,
    "asf": walk_asf,
    "ogg": walk_ogg,
    "ivf": walk_ivf,
    "mxf": walk_mxf,
}


def walk_structure(clip: Path, kind: str) -> StructureReport:
    """Walk through a clip's file; raw streams and DV have no structure to walk through.

    Args:
        kind: name of the container, as FFmpeg's demuxer.
    """
    walk = _WALKS.get(kind)
    if walk is None:
        return WHOLE
    with clip.open("rb") as file:
        return walk(file, clip.stat().st_size)
