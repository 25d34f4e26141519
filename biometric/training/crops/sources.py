"""What crops are cut from: videos, footage by name, labelled photographs; and the name that each has in the set."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from biometric.errors import ClipNotFound, InvalidInput, InvalidName
from biometric.training.crops import photographs

_VIDEOS = "mp4 m4v mov 3gp mkv webm avi ts m2ts mts mpg mpeg flv wmv asf ogv ogg ivf mxf dv h264 264 h265 265 hevc"
SUFFIXES = frozenset(f".{name}" for name in _VIDEOS.split())
"""Names of files in folders that are taken for videos; what they are is decided by their contents."""

LONGEST = 200
"""Most bytes of a name within the set: file systems take 255, LMDB's keys 511."""


@dataclass(frozen=True, slots=True)
class Source:
    """A video, or a photograph where `photograph`; `path` need not exist. `video` is its name within the set."""

    video: str
    path: Path
    photograph: bool = False


def videos(paths: Sequence[Path]) -> list[Source]:
    """Return the videos that are named, and all videos below the folders that are, by name.

    A video is called by its file's name without suffix, one in a folder by its way there, joined by "+":
    `country/city/video.mp4` is `country+city+video`.

    Raises:
        ClipNotFound: a folder without videos.
        InvalidInput: two would have the same name.
    """
    found: list[tuple[tuple[str, ...], Path]] = []
    for path in paths:
        if not path.is_dir():
            found.append(((path.stem, path.name), path))
            continue
        files = _below(path)
        if not files:
            raise ClipNotFound(f"There is no video in the folder {path}. Name a folder that holds videos.")
        for file in files:
            way = file.relative_to(path).parts[:-1]
            found.append((("+".join((*way, file.stem)), "+".join((*way, file.name))), file))
    return _named(found)


def by_names(names: Sequence[str], root: Path) -> list[Source]:
    """Return the videos of names `country+city+videoID`, which lie at `root/country/city/videoID.*`.

    A name whose video is not there keeps the path where it should be: it is reported when its turn comes.

    Raises:
        InvalidName: a name of another form.
        InvalidInput: one name twice.
    """
    found: list[tuple[tuple[str, ...], Path]] = []
    for name in names:
        parts = name.split("+", 2)
        if len(parts) < 3 or any(not part or part.startswith(".") or "/" in part for part in parts):
            raise InvalidName(f"The video name {name!r} has another form than country+city+videoID.")
        folder = root / parts[0] / parts[1]
        files = [file for file in _below(folder, deep=False) if parts[2] in (file.stem, file.name)]
        found.append(((name,), files[0] if files else folder / f"{parts[2]}.mp4"))
    return _named(found)


def names_in(texts: Sequence[str]) -> list[str]:
    """Return names as typed; a text that is a file stands for the names in it, one a line, "#" begins a remark."""
    names: list[str] = []
    for text in texts:
        file = Path(text)
        if "+" in text or not file.is_file():
            names.append(text)
            continue
        lines = (line.partition("#")[0].strip() for line in file.read_text("utf-8", errors="replace").splitlines())
        names += [line for line in lines if line]
    return names


def labelled(folder: Path, splits: Sequence[str]) -> list[Source]:
    """Return the photographs of a YOLO-format data set, called by their file names without suffix.

    Raises:
        DatasetInvalid: a split is missing or empty, or has no labels.
        InvalidInput: two would have the same name.
    """
    files = photographs.find(folder, splits)
    return _named([((file.stem, f"{file.parent.name}+{file.stem}"), file) for file in files], photograph=True)


def unique(sources: Sequence[Source]) -> list[Source]:
    """Return the sources of several kinds together. Raises `InvalidInput` where two have the same name."""
    counts = Counter(source.video for source in sources)
    for source in sources:
        if counts[source.video] > 1:
            paths = " and ".join(str(other.path) for other in sources if other.video == source.video)
            raise InvalidInput(f"{paths} would both be called {source.video}. Rename one, or make two sets.")
    return list(sources)


def _named(found: Sequence[tuple[tuple[str, ...], Path]], photograph: bool = False) -> list[Source]:
    """Give each the first of its possible names, and all that would share it the last."""
    counts = Counter(names[0] for names, _ in found)
    return unique(
        [Source(_tame(names[0] if counts[names[0]] == 1 else names[-1]), path, photograph) for names, path in found]
    )


def _tame(name: str) -> str:
    """A name that is fit for a folder and a key: printable, no leading dot, not too long."""
    tame = "".join(letter if letter.isprintable() else "_" for letter in name)
    tame = f"_{tame[1:]}" if tame.startswith(".") else tame
    if len(tame.encode()) <= LONGEST:
        return tame
    start = tame.encode()[: LONGEST - 9].decode(errors="ignore")
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
        and not any(part.startswith(".") for part in file.relative_to(folder).parts)
    )
