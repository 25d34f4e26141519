"""Who is where in the demo clips: known exactly, because the camera that makes them travels over one photograph."""

from pathlib import Path

from biometric.clips import demo
from biometric.entities.boxes import box_area, intersection_area
from biometric.entities.footage import Box
from biometric.errors import StorageFull
from biometric.storage import write_atomically

PEOPLE: dict[int, Box] = {
    1: (50, 398, 243, 904),
    2: (222, 406, 341, 858),
    3: (669, 392, 810, 881),
}
"""Identity → x1, y1, x2, y2 in pixels of the photograph: beige coat, dark coat, the man who leaves it on the right."""

CUT_OFF: dict[int, Box] = {4: (0, 550, 78, 870)}
"""Somebody of whom the photograph shows an arm."""

JUDGED_SHARE = 0.5
"""Least share of a person's box that is in view and not blurred; with less they are labelled as not judged."""

SEEN_SHARE = 0.05
"""Below this share nobody is labelled."""


def truth_text(script: demo.DemoScript) -> str:
    """Return the labels of one clip as MOTChallenge writes them: frame from 1, id, x, y, w, h, 1 or 0 (not judged)."""
    lines = [f"# {script.name}.mp4, all {demo.FRAMES} frames, counted from 1", "# frame,id,x,y,w,h,judged"]
    for index in range(demo.FRAMES):
        for identity, box in {**PEOPLE, **CUT_OFF}.items():
            seen = _in_view(script, index, box)
            share = 0.0 if seen is None else box_area(seen) / (box_area(box) * demo.camera(script, index)[0] ** 2)
            if seen is not None and share >= SEEN_SHARE:
                judged = int(identity in PEOPLE and share >= JUDGED_SHARE)
                x1, y1, x2, y2 = seen
                lines.append(f"{index + 1},{identity},{x1:.2f},{y1:.2f},{x2 - x1:.2f},{y2 - y1:.2f},{judged}")
    return "\n".join(lines) + "\n"


def write_truth(folder: Path) -> list[Path]:
    """Write the labels of each demo clip beside it, as NAME.csv.

    Raises:
        StorageFull: the folder cannot be written.
    """
    paths = [folder / f"{script.name}.csv" for script in demo.SCRIPTS]
    try:
        for path, script in zip(paths, demo.SCRIPTS, strict=True):
            write_atomically(path, truth_text(script).encode(), 0o644)
    except OSError as error:
        raise StorageFull(
            "The folder {folder} cannot be written: {reason}. Choose another one.", folder=folder, reason=error.strerror
        ) from error
    return paths


def _in_view(script: demo.DemoScript, index: int, box: Box) -> Box | None:
    """Return the part of a box that a frame shows and that is not blurred, in the frame's pixels; None for none."""
    x1, y1, x2, y2 = box
    if script.sharp is not None:
        x1, x2 = max(x1, script.sharp[0]), min(x2, script.sharp[1])
    scale, x, y = demo.camera(script, index)
    width, height = script.size
    x1, x2 = (width / 2 + scale * (edge - x) for edge in (x1, x2))
    y1, y2 = (height / 2 + scale * (edge - y) for edge in (y1, y2))
    if script.mirrored:
        x1, x2 = width - x2, width - x1
    if x2 <= x1 or not intersection_area((x1, y1, x2, y2), (0, 0, width, height)):
        return None
    return max(0.0, x1), max(0.0, y1), min(float(width), x2), min(float(height), y2)
