"""`train crops`: one source after another into a store, continuing where a killed run stopped."""

import time
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from biometric.bootstrap import build_crop_adapters
from biometric.entities import NoticeCode, Progress
from biometric.errors import BiometricError, ClipError, ClipNotFound, DatasetInvalid, NobodyFound, NoUsableSample
from biometric.messages import describe_error, refusal_name
from biometric.settings import Settings
from biometric.training.crops.crop_records import CropPosition, CropWriter, NewCrop, VideoRecord, read_picture
from biometric.training.crops.crop_sources import CropSource
from biometric.training.crops.cutting import Counts, CropTools, Wanted, cut_clip, cut_photograph
from biometric.training.crops.detection_files import FileDetector
from biometric.training.labelled_photographs import read_people

LOOSEN = {
    NoticeCode.TOO_SMALL: "--min-height and --min-width",
    NoticeCode.LOW_CONFIDENCE: "--min-confidence",
    NoticeCode.CUT_OFF: "--keep-cut-off",
    NoticeCode.ODD_SHAPE: "--min-aspect and --max-aspect",
    NoticeCode.COVERED: "--max-covered",
    NoticeCode.BLURRED: "--min-sharpness",
    NoticeCode.FOLLOWED_TOO_BRIEFLY: "--min-track and --every",
    NoticeCode.NOT_FOLLOWED: "--no-tracks and --every",
}
"""Which options loosen a reason for refusal."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What is in the set after a run.

    Attributes:
        videos: in the set; `present` of them were finished before this run.
        failed: path and reason of what could not be read, in this run.
        frames, tracks, crops, refused, seconds: over the whole set, whichever run did the work.
        crops_per_video: fewest, median and most.
        boxes: what found the people: detectors, files, labels.
    """

    videos: int
    present: int
    frames: int
    tracks: int
    crops: int
    seconds: float
    refused: Mapping[NoticeCode, int] = field(default_factory=dict)
    failed: tuple[tuple[str, str], ...] = ()
    crops_per_video: tuple[int, int, int] = (0, 0, 0)
    boxes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            **asdict(self),
            "refused": {str(code): count for code, count in self.refused.items()},
            "failed": [{"source": source, "reason": reason} for source, reason in self.failed],
        }


@dataclass(frozen=True, slots=True)
class Job:
    """What to cut: `detections` are the files that stand in for the detector, by the video's name."""

    sources: Sequence[CropSource]
    wanted: Wanted
    detections: Mapping[str, Path] = field(default_factory=dict)


def build_crop_tools(settings: Settings) -> CropTools:
    """Return the application's adapters for cutting crops. The detector loads when first needed."""
    return CropTools(*build_crop_adapters(settings), read_picture)


def make(job: Job, tools: CropTools, writer: CropWriter) -> Generator[Progress, None, Summary]:
    """Cut all sources into a store; the generator's return value is the summary.

    What an earlier run finished is passed over unless its file has another size since. A source that cannot be read
    is reported in the summary and the others are still processed; the next run tries it again.

    Raises:
        ClipError, DatasetInvalid: no source could be read.
        NobodyFound, NoUsableSample: there is no crop; the message says what to loosen.
        ModelError, StorageFull: the work cannot be done.
    """
    present, failed = 0, list[tuple[str, str]]()
    first: BiometricError | None = None
    for number, source in enumerate(job.sources):
        if _is_finished(source, writer.records):
            present += 1
            continue
        try:
            yield from _named(_cut(source, job, tools, writer), f"{source.video} ({number + 1} of {len(job.sources)})")
        except (ClipError, DatasetInvalid) as error:
            first = first or error
            failed.append((str(source.path), describe_error(error)))
    if first is not None and not writer.records:
        raise _nothing_readable(first, failed)
    summary = _summary(writer.records, present, failed)
    if not summary.crops:
        raise _no_crops(summary)
    return summary


def _is_finished(source: CropSource, records: Mapping[str, VideoRecord]) -> bool:
    record = records.get(source.video)
    return record is not None and source.path.is_file() and record.size == source.path.stat().st_size


def _cut(source: CropSource, job: Job, tools: CropTools, writer: CropWriter) -> Generator[Progress, None, None]:
    started = time.perf_counter()
    if not source.path.is_file():
        raise ClipNotFound(f"There is no file {source.path}. Check its name.")
    writer.begin(source.video)
    places: list[CropPosition] = []

    def keep(cut: NewCrop) -> None:
        writer.add(cut)
        places.append((cut.frame, cut.box, cut.track))

    if source.labels is not None:
        image = tools.picture(source.path)
        boxes = read_people(source.labels, image.shape[1], image.shape[0])
        counts = cut_photograph(image, boxes, job.wanted, tools, keep)
        boxes_of = "labels"
        yield Progress("Reading photograph", 1, 1)
    else:
        detections_file = job.detections.get(source.video)
        detector = tools.detector() if detections_file is None else FileDetector(detections_file)
        boxes_of = detector.name
        counts = yield from cut_clip(source.path, detector, job.wanted, tools, keep)
    writer.finish(_record(source, boxes_of, counts, places, time.perf_counter() - started))


def _record(
    source: CropSource, boxes_of: str, counts: Counts, places: list[CropPosition], seconds: float
) -> VideoRecord:
    return VideoRecord(
        video=source.video,
        source=str(source.path),
        size=source.path.stat().st_size,
        boxes=boxes_of,
        frames=counts.frames,
        tracks=counts.tracks,
        seconds=round(seconds, 3),
        refused=dict(sorted(counts.refused.items())),
        crops=tuple(sorted(places, key=lambda place: place[:2])),
    )


def _named(work: Generator[Progress, None, None], name: str) -> Generator[Progress, None, None]:
    """Say in each step which video it is about."""
    for step in work:
        yield Progress(f"{name}: {step.stage.lower()}", step.done, step.total)


def _summary(records: Mapping[str, VideoRecord], present: int, failed: list[tuple[str, str]]) -> Summary:
    refused: Counter[NoticeCode] = Counter()
    for record in records.values():
        refused.update(record.refused)
    sizes = sorted(len(record.crops) for record in records.values())
    return Summary(
        videos=len(records),
        present=present,
        frames=sum(record.frames for record in records.values()),
        tracks=sum(record.tracks for record in records.values()),
        crops=sum(sizes),
        seconds=round(sum(record.seconds for record in records.values()), 3),
        refused=dict(refused.most_common()),
        failed=tuple(failed),
        crops_per_video=(sizes[0], sizes[len(sizes) // 2], sizes[-1]) if sizes else (0, 0, 0),
        boxes=tuple(sorted({record.boxes for record in records.values()})),
    )


def _nothing_readable(first: BiometricError, failed: list[tuple[str, str]]) -> BiometricError:
    if len(failed) == 1:
        return first
    return type(first)(f"None of {len(failed)} sources could be read. The first, {failed[0][0]}: {failed[0][1]}")


def _no_crops(summary: Summary) -> NobodyFound | NoUsableSample:
    if not summary.refused:
        return NobodyFound(
            f"Nobody was found in {summary.frames} frames of {summary.videos} sources. Choose other footage, or look "
            "at more frames with a smaller --every."
        )
    reason, count = next(iter(summary.refused.items()))
    return NoUsableSample(
        f"All {sum(summary.refused.values())} boxes of people were refused; the most frequent reason, {count} times: "
        f"{refusal_name(reason)}. Loosen it with {LOOSEN[reason]}."
    )


def summary_lines(summary: Summary, destination: Path) -> list[str]:
    """Return a summary in lines for people."""
    low, middle, high = summary.crops_per_video
    text = [
        f"{summary.crops:,} crops from {summary.frames:,} frames of {summary.videos:,} sources, {summary.tracks:,} "
        f"tracks, in {destination}; {low} to {high} a source, median {middle}; {summary.seconds:.0f} s of work."
    ]
    if summary.present:
        text.append(f"{summary.present:,} sources were there already and passed over.")
    text += [f"Refused, {refusal_name(reason)}: {count:,}." for reason, count in summary.refused.items()]
    return text + [f"Left out, {source}: {reason}" for source, reason in summary.failed]
