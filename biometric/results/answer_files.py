"""The files of an identification: new crops, a CSV, a JSON, a timeline picture and an annotated clip."""

import dataclasses
import errno
import json
import re
import shutil
from bisect import bisect_left
from collections.abc import Generator, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from biometric.entities import (
    Box,
    Decision,
    Frame,
    FrameRange,
    Identification,
    ObservedClip,
    Progress,
    Tracklet,
    VideoInfo,
)
from biometric.entities.drawing import Bar, Mark
from biometric.errors import StorageFull
from biometric.errors.phrases import Phrase
from biometric.messages import shown_apart
from biometric.ports import Annotator, VideoReader, VideoWriter
from biometric.results.answer_csv import csv_text
from biometric.results.answer_json import identification_json, warnings_json
from biometric.storage import atomic_files, check_writable, describe_os_error

ANNOTATED_WIDTH = 1280
"""Widest annotated frame, in pixels; larger footage is scaled down."""
_LEAST_BYTES = 1_000_000
_LEAST_BYTES_PER_PIXEL = 0.001
"""H.264 of a scene with little motion; much motion needs ten times as much. An estimate that is too high would refuse
what fits."""

REACH_SECONDS = 1.0
"""How long a person may be out of sight of the detector and still have a box in the annotated clip."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """The files of one identification.

    Attributes:
        clip: the annotated clip; of a photograph the annotated photograph, a JPEG.
        timeline: None for a photograph.
    """

    clip: Path
    csv: Path
    json: Path
    timeline: Path | None

    def as_dict(self) -> dict[str, str | None]:
        """Return the paths as text, by kind."""
        return {kind: None if path is None else str(path) for kind, path in asdict(self).items()}

    def file_names(self) -> dict[str, str | None]:
        """Return the names of the files without their folder, by kind."""
        return {kind: None if path is None else Path(path).name for kind, path in self.as_dict().items()}


def clip_folder_name(label: str, digest: str) -> str:
    """Name the query folder of a clip: its name in plain letters, and its digest so that two never meet."""
    stem = re.sub(r"[^a-z0-9]+", "-", Path(label).stem.lower()).strip("-")[:40] or "clip"
    return f"{stem}-{digest[:8]}"


class OutputWriter:
    """Writes the outputs of identifications."""

    def __init__(self, reader: VideoReader, writer: VideoWriter, annotator: Annotator) -> None:
        self._reader = reader
        self._writer = writer
        self._annotator = annotator

    def check(self, folder: Path, video: VideoInfo, frames: FrameRange) -> None:
        """Find out whether `folder` can take the outputs of a frame range, before anything is analysed.

        Raises:
            StorageFull: it cannot be written, or its disk surely has too little room.
        """
        pixels = video.width * video.height * min(1.0, ANNOTATED_WIDTH / video.width) ** 2
        needed = _LEAST_BYTES + round((frames.stop - frames.start) * pixels * _LEAST_BYTES_PER_PIXEL)
        try:
            check_writable(folder.parent, needed)
            if folder.exists():
                check_writable(folder)
        except OSError as error:
            room = Phrase(" About {size:.0f} MB are needed.", size=needed / 1e6) if error.errno == errno.ENOSPC else ""
            raise StorageFull(
                "The results cannot be written to {folder}: {reason}.{room} Choose another folder, or ask "
                "for the answer without files.",
                folder=folder,
                reason=describe_os_error(error),
                room=room,
            ) from error

    def write(
        self, observed: ObservedClip, identifications: Sequence[Identification], folder: Path
    ) -> Generator[Progress, None, Outputs]:
        """Write all files; they appear in `folder` as one when the last is complete, else none does.

        Raises:
            StorageFull: the disk is full or the folder not writable.
        """
        stem = f"{observed.frames.first:08d}-{observed.frames.last:08d}"
        video = observed.video
        outputs = _outputs(folder, stem, video.photograph)
        bars = [_bar(identification, video) for identification in identifications]
        start, stop = video.time_of(observed.frames.start), video.time_of(observed.frames.stop)
        try:
            with atomic_files(folder, last=outputs.json.name) as partial:
                _copy_crops(identifications, partial)
                files = _outputs(partial, stem, video.photograph)
                files.csv.write_bytes(csv_text(observed, identifications).encode("utf-8"))
                if files.timeline is not None:
                    self._annotator.timeline(bars, start, stop, files.timeline)
                if video.photograph:
                    (frame,) = self._annotated_frames(observed, identifications)
                    self._annotator.save(frame.image, files.clip)
                else:
                    yield from self._annotated_clip(observed, identifications, files.clip)
                files.json.write_bytes(answer_json_text(observed, identifications, outputs).encode("utf-8"))
                for path in partial.iterdir():
                    path.chmod(0o600)
        except OSError as error:
            raise StorageFull(
                "The results could not be written to {folder}: {reason}.",
                folder=folder,
                reason=describe_os_error(error),
            ) from error
        return outputs

    def _annotated_clip(
        self, observed: ObservedClip, identifications: Sequence[Identification], destination: Path
    ) -> Generator[Progress, None, None]:
        drawn = self._annotated_frames(observed, identifications)
        for done in self._writer.writing(destination, drawn, observed.video.times.longest_gap):
            yield Progress("Writing annotated frame", done, len(observed.frames))

    def _annotated_frames(self, observed: ObservedClip, identifications: Sequence[Identification]) -> Iterator[Frame]:
        frames = FrameRange(observed.frames.start, observed.frames.stop)
        reach = REACH_SECONDS + 2 * _analysed_spacing(observed)
        labels = [
            (item.observation.tracklet, _label(item), _plain_label(item), item.identity is not None)
            for item in identifications
        ]
        for frame in self._reader.read(observed.path, frames):
            marks = [
                Mark(box, label, known, plain)
                for tracklet, label, plain, known in labels
                if (box := box_at(tracklet, frame, reach)) is not None
            ]
            yield dataclasses.replace(frame, image=self._annotator.draw(frame.image, marks))


def _analysed_spacing(observed: ObservedClip) -> float:
    """Seconds between two analysed frames, on average."""
    video, frames = observed.video, observed.frames
    return (video.time_of(frames.stop) - video.time_of(frames.start)) / max(1, observed.analysed_frames)


def box_at(tracklet: Tracklet, frame: Frame, reach: float) -> Box | None:
    """Return a person's box in any frame, interpolated between analysed frames at most `reach` seconds apart."""
    if not tracklet.first_frame <= frame.index <= tracklet.last_frame:
        return None
    detections = tracklet.detections
    after = bisect_left(detections, frame.index, key=lambda detection: detection.frame_index)
    if detections[after].frame_index == frame.index:
        return detections[after].box
    before, following = detections[after - 1], detections[after]
    gap = following.seconds - before.seconds
    if gap > reach:
        return None
    share = (frame.seconds - before.seconds) / gap if gap > 0 else 0.0
    x1, y1, x2, y2 = (a + (b - a) * share for a, b in zip(before.box, following.box, strict=True))
    return (x1, y1, x2, y2)


def answer_json_text(observed: ObservedClip, identifications: Sequence[Identification], outputs: Outputs) -> str:
    """Return the identification with what it was made from, as JSON."""
    made_from = {
        "clip": observed.label,
        "clip_sha256": observed.video.digest,
        "from": observed.frames.first,
        "to": observed.frames.last,
        "model": observed.model_id,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        **warnings_json(observed.warnings),
    }
    files = outputs.file_names()
    result = {**identification_json(identifications, files, observed), "made_from": made_from}
    return json.dumps(result, indent=2, ensure_ascii=False) + "\n"


def _nameless(item: Identification) -> str:
    return "undecided" if item.decision is Decision.NO_DECISION else "unknown"


def _label(item: Identification) -> str:
    name = item.identity.name if item.identity is not None else f"{_nameless(item)} {item.observation.person}"
    return name if item.score is None else f"{name} {shown_apart(item.score, item.threshold.value)[0]}"


def _plain_label(item: Identification) -> str:
    """Return the label for where no font has the name's characters."""
    number = f"person {item.observation.person}"
    return number if item.score is None else f"{number} {item.score:.2f}"


def _bar(item: Identification, video: VideoInfo) -> Bar:
    known = item.decision is Decision.IDENTIFIED
    stretches = tuple(
        (stretch.first_seconds, max(stretch.last_seconds, video.time_of(stretch.last_frame + 1)))
        for stretch in item.observation.stretches
    )
    return Bar(_label(item), stretches, known, _plain_label(item))


def _outputs(folder: Path, stem: str, photograph: bool) -> Outputs:
    annotated = folder / f"{stem}.{'jpg' if photograph else 'mp4'}"
    timeline = None if photograph else folder / f"{stem}.png"
    return Outputs(annotated, folder / f"{stem}.csv", folder / f"{stem}.json", timeline)


def _copy_crops(identifications: Sequence[Identification], folder: Path) -> None:
    for item in identifications:
        for sample in item.observation.kept:
            if sample.crop is not None:
                shutil.copyfile(sample.crop, folder / sample.crop.name)
