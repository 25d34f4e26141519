"""The descriptions of clips, kept while the files do not change."""

import threading
from pathlib import Path

from biometric.entities import VideoInfo
from biometric.ports import VideoReader

PROBES_KEPT = 256
"""Most clips whose description is kept."""


class ProbedClips:
    """Describes each clip once. May be called from several threads."""

    def __init__(self, reader: VideoReader) -> None:
        self._reader = reader
        self._probes: dict[tuple[Path, int, int], VideoInfo] = {}
        self._lock = threading.Lock()

    def remember(self, clip: Path, video: VideoInfo) -> None:
        """Take over the description of a file that is known already."""
        stat = clip.stat()
        with self._lock:
            self._probes[(clip.resolve(), stat.st_mtime_ns, stat.st_size)] = video

    def probe(self, clip: Path) -> VideoInfo:
        """Check and describe a clip, anew where its file has changed. Raises the `ClipError` family."""
        try:
            stat = clip.stat()
        except OSError:
            return self._reader.probe(clip)  # which reports what is wrong with the path
        key = (clip.resolve(), stat.st_mtime_ns, stat.st_size)
        video = self._probes.get(key)
        if video is None:
            video = self._reader.probe(clip)
            with self._lock:
                while len(self._probes) >= PROBES_KEPT:
                    self._probes.pop(next(iter(self._probes)))
                self._probes[key] = video
        return video
