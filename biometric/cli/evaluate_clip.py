"""`python -m biometric evaluate-clip CLIP TRUTH`: do the people found in a clip agree with the people who are in it."""

import argparse
import shlex
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biometric.cli.command_support import DONE, run, show
from biometric.entities import FrameRange
from biometric.entities.model_cards import Role
from biometric.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from biometric.entities.model_reports import ModelStatus
    from biometric.evaluation.mot.box_tracks import BoxTracks
    from biometric.evaluation.mot.clip_judging import ClipJudged
    from biometric.evaluation.mot.truth_files import Truth
    from biometric.ports import VideoReader

    Found = tuple[BoxTracks, NDArray[np.int64], Sequence[ModelStatus]]


def add_commands(commands: Any) -> None:
    """Add the command to a parser's commands."""
    parser = commands.add_parser(
        "evaluate-clip",
        help="measure how well the people of a clip are told apart and counted",
        description="Compare the people found in a clip with labels in MOTChallenge's form (frame, id, x, y, w, h): "
        "IDF1, HOTA, MOTA, people counted twice or joined (see docs/evaluation.md).",
    )
    parser.add_argument("clip", type=Path, metavar="CLIP", help="the video")
    parser.add_argument("truth", type=Path, metavar="TRUTH", help="CSV of its labels")
    parser.add_argument(
        "--first-frame",
        type=int,
        choices=(0, 1),
        default=1,
        help="number of the clip's first frame in TRUTH (default: 1, as in MOTChallenge)",
    )
    parser.add_argument(
        "--from",
        dest="first",
        type=int,
        metavar="F",
        help="first frame, counted from 0 (default: the first labelled one)",
    )
    parser.add_argument(
        "--to", dest="last", type=int, metavar="F", help="last frame, inclusive (default: the last labelled one)"
    )
    parser.add_argument(
        "--tracks",
        action="store_true",
        help="judge what the tracker gives, before it becomes people; needs no embedder",
    )
    parser.add_argument("--output", type=Path, metavar="DIR", help="write JSON, CSV and the people found here")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=_evaluate)


def _evaluate(options: argparse.Namespace) -> int:
    from biometric.bootstrap import build_crop_adapters, build_models
    from biometric.evaluation.mot.clip_judging import judge
    from biometric.evaluation.mot.tracked_boxes import footage_of, tracked_boxes
    from biometric.evaluation.mot.truth_files import read_truth

    with tempfile.TemporaryDirectory() as empty:  # what a library keeps may be the work of an older version
        settings = Settings.from_environment(None, library=empty)
        reader, detector, new_tracker, _ = build_crop_adapters(settings)
        video = reader.probe(options.clip)
        truth = read_truth(options.truth.expanduser(), video, options.first_frame)
        wanted = _wanted_frames(options, truth)
        if options.tracks:
            footage = footage_of(reader, options.clip, video, wanted, settings.analysis_fps)
            found, frames = run(tracked_boxes(footage, detector(), new_tracker))
            models: Sequence[ModelStatus] = build_models(settings).status()
        else:
            found, frames, models = _people(settings, reader, options.clip, wanted)
    judged = judge(truth, found, frames)
    result = _as_json(judged, models, settings, options)
    if options.output is not None:
        result["files"] = _write(judged, result, options)
    show(options, result, _text(result))
    return DONE


def _wanted_frames(options: argparse.Namespace, truth: "Truth") -> FrameRange:
    first, last = truth.labelled
    return FrameRange.inclusive(
        first if options.first is None else options.first, last if options.last is None else options.last
    )


def _people(settings: Settings, reader: "VideoReader", clip: Path, wanted: FrameRange) -> "Found":
    """The people that an answer would be about."""
    from biometric.bootstrap import build
    from biometric.evaluation.mot.box_tracks import BoxTracks
    from biometric.evaluation.mot.tracked_boxes import analysed_frames

    service = build(settings)
    try:
        service.models.resolve_embedder()
        observed = run(service.observe(clip, wanted))
        people = [(person.person, person.tracklet.detections) for person in observed.observations]
        frames = analysed_frames(reader, clip, observed.frames)
        return BoxTracks.of_detections(people), frames, service.models.status()
    finally:
        service.close()


def _as_json(
    judged: "ClipJudged", models: "Sequence[ModelStatus]", settings: Settings, options: argparse.Namespace
) -> dict[str, Any]:
    from biometric.evaluation.mot.clip_result import judged_json

    roles = (Role.DETECTOR,) if options.tracks else (Role.DETECTOR, Role.EMBEDDER)
    return {
        "clip": options.clip.name,
        "truth": {"file": options.truth.name, "first_frame": options.first_frame},
        "judged": _judged(settings, options),
        "models": {status.role: status.card for status in models if status.role in roles}
        | {"tracker": settings.tracker},
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": _command(options),
        **judged_json(judged),
    }


def _judged(settings: Settings, options: argparse.Namespace) -> str:
    if options.tracks:
        return "tracks"
    return "people" if settings.linking else "people, not linked"


def _command(options: argparse.Namespace) -> str:
    """The command that repeats the evaluation."""
    words = ["python", "-m", "biometric", "evaluate-clip", str(options.clip), str(options.truth)]
    words += ["--first-frame", str(options.first_frame)]
    for name, value in (("from", options.first), ("to", options.last), ("output", options.output)):
        words += [] if value is None else [f"--{name}", str(value)]
    return shlex.join([*words, *(["--tracks"] if options.tracks else [])])


def _write(judged: "ClipJudged", result: dict[str, Any], options: argparse.Namespace) -> list[str]:
    from biometric.evaluation import result_files
    from biometric.evaluation.mot.clip_result import judged_files

    files: dict[str, bytes | str] = {"evaluation.json": result_files.json_text(result)}
    files |= judged_files(judged, options.first_frame)
    return [str(path) for path in result_files.write_files(options.output.expanduser(), files).values()]


def _text(result: dict[str, Any]) -> str:
    from biometric.evaluation.mot.clip_result import judged_text

    models = ", ".join(f"{role} {card}" for role, card in result["models"].items())
    return "\n".join(
        [f"{result['clip']}, {result['judged']} ({models}).", *judged_text(result), *result.get("files", [])]
    )
