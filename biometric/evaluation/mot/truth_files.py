"""Reads who is where in a clip from a file as MOTChallenge writes it, and checks that it fits the clip.

Each line is `frame, id, x, y, w, h[, confidence[, class[, visibility]]]`, or ten columns whose last three are world
coordinates, as in older sets. x, y is the upper left corner of the box, in pixels. Lines that begin with # are
comments, and one line of column names may come first.

Boxes with confidence 0, or of another class than 1 (pedestrian), are not judged: whether they are found or not counts
neither for nor against, as in MOTChallenge. So people who are too small to be told apart can be marked instead of
being left out, where each of their boxes would be an error.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from biometric.entities import VideoInfo
from biometric.errors import TruthInvalid
from biometric.evaluation.mot.box_tracks import BoxTracks

_COLUMNS = "frame, id, x, y, w, h[, confidence[, class[, visibility]]]"
_MIN_COLUMNS, _MAX_COLUMNS, _WITH_WORLD = 6, 10, 10
_PERSON, _UNSAID = 1, -1


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """Who is where in a clip.

    Attributes:
        people: boxes of the people who are to be found, at least one, cut at the border of the picture.
        passed_over: boxes that are not judged; an identity may occur in both.
        first_frame: number of the clip's first frame in the file, 0 or 1.
    """

    people: BoxTracks
    passed_over: BoxTracks
    first_frame: int

    @property
    def labelled(self) -> tuple[int, int]:
        """First and last frame with a label, 0-based."""
        frames = [part.frames for part in (self.people, self.passed_over) if len(part)]
        return int(min(part[0] for part in frames)), int(max(part[-1] for part in frames))


@dataclass(frozen=True, slots=True)
class _Label:
    line: int
    frame: int
    identity: int
    box: tuple[float, float, float, float]
    judged: bool


def read_truth(path: Path, video: VideoInfo, first_frame: int = 1) -> Truth:
    """Read a file of labels for a clip.

    Args:
        first_frame: number that the file gives to the clip's first frame: 1 in MOTChallenge, or 0.

    Raises:
        TruthInvalid: the file cannot be read, is not of this form, or does not fit the clip; says the line.
    """
    labels = [_cut(label, path, video) for label in _read(path, video, first_frame)]
    if not labels:
        raise TruthInvalid(f"{path} holds no labels. Each line is {_COLUMNS}.")
    if not any(label.judged for label in labels):
        raise TruthInvalid(
            f"Nobody in {path} is to be found: all boxes have confidence 0 or another class than 1. Set the seventh "
            "column to 1 for people who count."
        )
    parts = [
        BoxTracks.of_rows((label.frame, label.identity, label.box) for label in labels if label.judged is judged)
        for judged in (True, False)
    ]
    return Truth(parts[0], parts[1], first_frame)


def _read(path: Path, video: VideoInfo, first_frame: int) -> Iterator[_Label]:
    columns, seen = 0, dict[tuple[int, int], int]()
    for line, fields in _lines(path):
        if columns == 0 and fields[0].lower() == "frame":
            columns = _checked_count(len(fields), line, path)
            continue
        columns = columns or _checked_count(len(fields), line, path)
        if len(fields) != columns:
            raise TruthInvalid(
                f"{path}, line {line}, has {len(fields)} columns, the lines before it {columns}. Give all lines the "
                f"same columns: {_COLUMNS}.",
                line=line,
            )
        label = _label(fields, line, path, video, first_frame)
        before = seen.setdefault((label.frame, label.identity), line)
        if before != line:
            raise TruthInvalid(
                f"{path}, line {line}: id {label.identity} has a second box in frame {fields[0]} (the first is in line "
                f"{before}). Give each person one box a frame.",
                line=line,
            )
        yield label


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TruthInvalid(f"{path} is no text file. Give a CSV with the columns {_COLUMNS}.") from error
    except OSError as error:
        raise TruthInvalid(f"{path} cannot be read: {error.strerror}. Give a CSV with labels.") from error
    for line, row in enumerate(text.splitlines(), start=1):
        if row.strip() and not row.lstrip().startswith("#"):
            yield line, [field.strip() for field in row.split(",")]


def _checked_count(count: int, line: int, path: Path) -> int:
    if not _MIN_COLUMNS <= count <= _MAX_COLUMNS:
        raise TruthInvalid(
            f"{path}, line {line}, has {count} column{'' if count == 1 else 's'} between commas. Expected "
            f"{_MIN_COLUMNS} to {_MAX_COLUMNS}: {_COLUMNS}.",
            line=line,
        )
    return count


def _label(fields: list[str], line: int, path: Path, video: VideoInfo, first_frame: int) -> _Label:
    numbers = [_number(field, line, path) for field in fields]
    frame, identity = (_whole(number, name, line, path) for number, name in zip(numbers, ("frame", "id"), strict=False))
    if identity < 0:
        raise TruthInvalid(
            f"{path}, line {line}: the id is {identity}. Ids are 0 or more; -1 stands in files of detections, which "
            "say nothing of who it is. Give the file of the truth (gt.txt).",
            line=line,
        )
    _check_frame(frame, line, path, video, first_frame)
    x, y, width, height = numbers[2:6]
    if not (width > 0 and height > 0):
        raise TruthInvalid(
            f"{path}, line {line}: the box is {width:g} wide and {height:g} high. Both must be above 0 (columns are "
            f"{_COLUMNS}).",
            line=line,
        )
    named = len(fields) > 7 and len(fields) != _WITH_WORLD
    of_people = not named or numbers[7] in (_PERSON, _UNSAID)
    judged = of_people and (len(fields) < 7 or numbers[6] != 0)
    return _Label(line, frame - first_frame, identity, (x, y, x + width, y + height), judged)


def _check_frame(frame: int, line: int, path: Path, video: VideoInfo, first_frame: int) -> None:
    if first_frame <= frame < first_frame + video.frame_count:
        return
    hint = ""
    if frame == 0:
        hint = " If the file counts from 0, say --first-frame 0."
    elif first_frame == 0 and frame == video.frame_count:
        hint = " If the file counts from 1, say --first-frame 1."
    raise TruthInvalid(
        f"{path}, line {line}: the clip has no frame {frame}. Counted from {first_frame}, its frames are {first_frame} "
        f"to {first_frame + video.frame_count - 1}.{hint or ' Is it the file of another clip?'}",
        line=line,
    )


def _cut(label: _Label, path: Path, video: VideoInfo) -> _Label:
    """Cut a box at the border of the picture, as the detector's boxes are."""
    x1, y1, x2, y2 = label.box
    box = (max(0.0, x1), max(0.0, y1), min(float(video.width), x2), min(float(video.height), y2))
    if not (box[2] > box[0] and box[3] > box[1]):
        raise TruthInvalid(
            f"{path}, line {label.line}: the box lies outside the picture, which is {video.width}×{video.height} "
            "pixels. Boxes are x, y, w, h in pixels of the clip as it is shown. Is it the file of another clip?",
            line=label.line,
        )
    return _Label(label.line, label.frame, label.identity, box, label.judged)


def _number(field: str, line: int, path: Path) -> float:
    try:
        number = float(field)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise TruthInvalid(f"{path}, line {line}: “{field[:40]}” is not a number. Columns are {_COLUMNS}.", line=line)
    return number


def _whole(number: float, name: str, line: int, path: Path) -> int:
    if not number.is_integer() or abs(number) > 2**53:
        raise TruthInvalid(f"{path}, line {line}: the {name} {number:g} is not a whole number. Correct it.", line=line)
    return int(number)
