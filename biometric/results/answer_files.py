"""What an identification leaves on disk: new crops, a CSV, a JSON, a timeline picture and an annotated clip."""

import csv
import io
import json
import re
import shutil
from bisect import bisect_left
from collections.abc import Generator, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from biometric.entities import Box, Decision, FrameRange, Identification, Image, ObservedClip, Progress, Tracklet
from biometric.errors import StorageFull
from biometric.ports import Annotator, Bar, Mark, VideoReader, VideoWriter
from biometric.results.answer_json import identification_json

CSV_COLUMNS = (
    "person",
    "from_frame",
    "to_frame",
    "from_seconds",
    "to_seconds",
    "decision",
    "identity",
    "score",
    "threshold",
    "threshold_source",
    "margin",
    "samples_kept",
    "samples_refused",
    "second_identity",
    "second_score",
    "reason",
)


@dataclass(frozen=True, slots=True)
class Outputs:
    """The files of one identification."""

    clip: Path
    csv: Path
    json: Path
    timeline: Path

    def as_dict(self) -> dict[str, str | None]:
        """Return the paths as text, by kind."""
        return {kind: str(path) for kind, path in asdict(self).items()}


def clip_folder_name(observed: ObservedClip) -> str:
    """Name the query folder of a clip: a harmless form of its name, and its digest so that two never meet."""
    stem = re.sub(r"[^a-z0-9]+", "-", Path(observed.label).stem.lower()).strip("-")[:40] or "clip"
    return f"{stem}-{observed.video.digest[:8]}"


class OutputWriter:
    """Writes the outputs of identifications."""

    def __init__(self, reader: VideoReader, writer: VideoWriter, annotator: Annotator) -> None:
        self._reader = reader
        self._writer = writer
        self._annotator = annotator

    def write(
        self, observed: ObservedClip, identifications: Sequence[Identification], folder: Path
    ) -> Generator[Progress, None, Outputs]:
        """Write everything into `folder`; the small files first, the annotated clip last.

        Raises:
            StorageFull: the disk is full or the folder not writable.
        """
        stem = f"{observed.frames.first:08d}-{observed.frames.last:08d}"
        outputs = Outputs(
            clip=folder / f"{stem}.mp4",
            csv=folder / f"{stem}.csv",
            json=folder / f"{stem}.json",
            timeline=folder / f"{stem}.png",
        )
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            _copy_crops(identifications, folder)
            _write_text(outputs.csv, csv_text(observed, identifications))
            _write_text(outputs.json, json_text(observed, identifications, outputs))
        except OSError as error:
            raise StorageFull(f"The results could not be written to {folder}: {error.strerror}.") from error
        video = observed.video
        bars = [_bar(identification, video.fps) for identification in identifications]
        start, stop = video.seconds(observed.frames.start), video.seconds(observed.frames.stop)
        self._annotator.timeline(bars, start, stop, outputs.timeline)
        yield from self._annotated_clip(observed, identifications, outputs.clip)
        return outputs

    def _annotated_clip(
        self, observed: ObservedClip, identifications: Sequence[Identification], destination: Path
    ) -> Generator[Progress, None, None]:
        frames = FrameRange(observed.frames.start, observed.frames.stop)
        reach = 2 * observed.frames.step + round(observed.video.fps)
        labels = [(item.observation.tracklet, _label(item), item.identity is not None) for item in identifications]

        def drawn() -> Iterator[Image]:
            for frame in self._reader.read(observed.path, frames):
                marks = [
                    Mark(box, label, known)
                    for tracklet, label, known in labels
                    if (box := box_at(tracklet, frame.index, reach)) is not None
                ]
                yield self._annotator.draw(frame.image, marks)

        for done in self._writer.writing(destination, drawn(), observed.video.fps):
            yield Progress("Writing annotated frame", done, len(frames))


def box_at(tracklet: Tracklet, frame_index: int, reach: int) -> Box | None:
    """Return a person's box at any frame: between two analysed frames at most `reach` apart, interpolated."""
    if not tracklet.first_frame <= frame_index <= tracklet.last_frame:
        return None
    detections = tracklet.detections
    after = bisect_left(detections, frame_index, key=lambda detection: detection.frame_index)
    if detections[after].frame_index == frame_index:
        return detections[after].box
    before, following = detections[after - 1], detections[after]
    gap = following.frame_index - before.frame_index
    if gap > reach:
        return None
    share = (frame_index - before.frame_index) / gap
    x1, y1, x2, y2 = (a + (b - a) * share for a, b in zip(before.box, following.box, strict=True))
    return (x1, y1, x2, y2)


def csv_text(observed: ObservedClip, identifications: Sequence[Identification]) -> str:
    """Return one CSV row a person; text cells cannot start a spreadsheet formula."""
    stream = io.StringIO()
    table = csv.DictWriter(stream, CSV_COLUMNS)
    table.writeheader()
    for item in identifications:
        track, second = item.observation.tracklet, item.candidates[1] if len(item.candidates) > 1 else None
        table.writerow(
            {
                "person": item.observation.person,
                "from_frame": track.first_frame,
                "to_frame": track.last_frame,
                "from_seconds": f"{observed.video.seconds(track.first_frame):.2f}",
                "to_seconds": f"{observed.video.seconds(track.last_frame):.2f}",
                "decision": str(item.decision),
                "identity": harmless(item.identity.name) if item.identity is not None else "",
                "score": _number(item.score),
                "threshold": _number(item.threshold.value),
                "threshold_source": str(item.threshold.source),
                "margin": _number(item.margin),
                "samples_kept": len(item.observation.kept),
                "samples_refused": len(item.observation.refused),
                "second_identity": harmless(second.identity.name) if second is not None else "",
                "second_score": _number(second.score if second is not None else None),
                "reason": item.reason,
            }
        )
    return stream.getvalue()


def json_text(observed: ObservedClip, identifications: Sequence[Identification], outputs: Outputs) -> str:
    """Return the identification with what it was made from, as JSON."""
    made_from = {
        "clip": observed.label,
        "clip_sha256": observed.video.digest,
        "from": observed.frames.first,
        "to": observed.frames.last,
        "model": observed.model_id,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "warnings": list(observed.warnings),
    }
    files = {kind: Path(path).name if path else None for kind, path in outputs.as_dict().items()}
    result = {**identification_json(identifications, files), "made_from": made_from}
    return json.dumps(result, indent=2, ensure_ascii=False) + "\n"


def harmless(text: str) -> str:
    """Return text that a spreadsheet shows instead of running: a quote goes before `=`, `+`, `-`, `@` and tabs."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@", "\t", "\r"} else text


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _label(item: Identification) -> str:
    name = item.identity.name if item.identity is not None else f"unknown {item.observation.person}"
    return name if item.score is None else f"{name} {item.score:.2f}"


def _bar(item: Identification, fps: float) -> Bar:
    track = item.observation.tracklet
    known = item.decision is Decision.IDENTIFIED
    return Bar(_label(item), track.first_frame / fps, (track.last_frame + 1) / fps, known)


def _copy_crops(identifications: Sequence[Identification], folder: Path) -> None:
    for item in identifications:
        for sample in item.observation.kept:
            if sample.crop is not None:
                temporary = folder / f".{sample.crop.name}.part"
                shutil.copyfile(sample.crop, temporary)
                temporary.chmod(0o600)
                temporary.replace(folder / sample.crop.name)


def _write_text(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.part")
    temporary.write_text(text, encoding="utf-8", newline="")
    temporary.chmod(0o600)
    temporary.replace(path)
