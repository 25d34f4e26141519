"""What crops are cut from: videos, videos by name, labelled photographs; and the name of each within the set."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from biometric.errors import ClipNotFound, InvalidInput, InvalidName
from biometric.training.labelled_photographs import find_labelled

_VIDEOS = "mp4 m4v mov 3gp mkv webm avi ts m2ts mts mpg mpeg flv wmv asf ogv ogg ivf mxf dv h264 264 h265 265 hevc"
SUFFIXES = frozenset(f".{name}" for name in _VIDEOS.split())
"""Names of files in folders that are taken for videos; what they are is decided by their contents."""

MAX_NAME_BYTES = 200
"""Most bytes of a name within the set: file systems take 255, LMDB's keys 511."""


@dataclass(frozen=True, slots=True)
class CropSource:
    """A video, or a photograph with the file of its `labels`.

    Attributes:
        video: the name within the set.
        path: need not exist.
    """

    video: str
    path: Path
    labels: Path | None = None


def find_videos(paths: Sequence[Path]) -> list[CropSource]:
    """Return the videos that are named, and all videos below the folders that are, by name.

    A video's name is its file's name without suffix; that of a video in a folder begins with the folders,
    joined by "+":
    `country/city/video.mp4` is `country+city+video`.

    Raises:
        ClipNotFound: a folder without videos.
        InvalidInput: two would have the same name.
    """
    videos: list[tuple[tuple[str, ...], Path]] = []
    for path in paths:
        if not path.is_dir():
            videos.append(((path.stem, path.name), path))
            continue
        files = _below(path)
        if not files:
            raise ClipNotFound(f"There is no video in the folder {path}. Name a folder that holds videos.")
        for file in files:
            folders = file.relative_to(path).parts[:-1]
            videos.append((("+".join((*folders, file.stem)), "+".join((*folders, file.name))), file))
    return _with_unique_names(videos)


def find_named_videos(names: Sequence[str], root: Path) -> list[CropSource]:
    """Return the videos of names `country+city+videoID`, which lie at `root/country/city/videoID.*`.

    A name whose video does not exist keeps the path where it should be; it is reported when it is to be read.

    Raises:
        InvalidName: a name of another form.
        InvalidInput: one name twice.
    """
    videos: list[tuple[tuple[str, ...], Path]] = []
    for name in names:
        words = name.split("+", 2)
        if len(words) < 3 or any(not word or word.startswith(".") or "/" in word for word in words):
            raise InvalidName(f"The video name {name!r} does not have the form country+city+videoID.")
        folder = root / words[0] / words[1]
        files = [file for file in _below(folder, deep=False) if words[2] in (file.stem, file.name)]
        videos.append(((name,), files[0] if files else folder / f"{words[2]}.mp4"))
    return _with_unique_names(videos)


def read_names(texts: Sequence[str]) -> list[str]:
    """Return names; a text that is a file stands for the names in it, one a line, "#" begins a comment."""
    names: list[str] = []
    for text in texts:
        file = Path(text)
        if "+" in text or not file.is_file():
            names.append(text)
            continue
        lines = (line.partition("#")[0].strip() for line in file.read_text("utf-8", errors="replace").splitlines())
        names += [line for line in lines if line]
    return names


def find_photographs(folder: Path, splits: Sequence[str]) -> list[CropSource]:
    """Return the photographs of a YOLO-format data set, named by their file names without suffix.

    Raises:
        DatasetInvalid: a split is missing or empty, or has no labels.
        InvalidInput: two would have the same name.
    """
    photographs = find_labelled(folder, splits)
    names = {
        photograph.picture: "+".join(photograph.picture.relative_to(folder / "images").with_suffix("").parts)
        for photograph in photographs
    }
    sources = _with_unique_names([((path.stem, name), path) for path, name in names.items()])
    labels = {photograph.picture: photograph.labels for photograph in photographs}
    return [replace(source, labels=labels[source.path]) for source in sources]


def check_unique_names(sources: Sequence[CropSource]) -> list[CropSource]:
    """Return the sources of several kinds together. Raises `InvalidInput` where two have the same name."""
    counts = Counter(source.video for source in sources)
    for source in sources:
        if counts[source.video] > 1:
            paths = " and ".join(str(other.path) for other in sources if other.video == source.video)
            raise InvalidInput(f"{paths} would both have the name {source.video}. Rename one, or make two sets.")
    return list(sources)


def _with_unique_names(files: Sequence[tuple[tuple[str, ...], Path]]) -> list[CropSource]:
    """Name each file by the first of its possible names; files that would share that one, by their last."""
    counts = Counter(names[0] for names, _ in files)
    return check_unique_names(
        [CropSource(_safe_name(names[0] if counts[names[0]] == 1 else names[-1]), path) for names, path in files]
    )


def _safe_name(name: str) -> str:
    """A name that is fit for a folder and a key: printable, no leading dot, not too long."""
    safe = "".join(letter if letter.isprintable() else "_" for letter in name)
    safe = f"_{safe[1:]}" if safe.startswith(".") else safe
    if len(safe.encode()) <= MAX_NAME_BYTES:
        return safe
    start = safe.encode()[: MAX_NAME_BYTES - 9].decode(errors="ignore")
    return f"{start}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _below(folder: Path, deep: bool = True) -> list[Path]:
    if not folder.is_dir():
        return []
    files = folder.rglob("*") if deep else folder.iterdir()
    return sorted(
        file
        for file in files
        if file.suffix.lower() in SUFFIXES
        and file.is_file()
        and not any(name.startswith(".") for name in file.relative_to(folder).parts)
    )
