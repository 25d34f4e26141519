"""`python -m biometric train crops`: person crops from videos or labelled photographs."""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biometric.cli import streams
from biometric.cli.command_support import DONE, run, show
from biometric.settings import Settings

if TYPE_CHECKING:
    from biometric.training.crops.crop_sources import CropSource
    from biometric.training.crops.cutting import Wanted
    from biometric.training.crops.making import Summary
    from biometric.training.runs import RunFolder


def add_command(subcommands: Any) -> None:
    """Add the command to the commands of `train`."""
    parser = subcommands.add_parser(
        "crops",
        help="cut people out of videos",
        description="Cut people out of videos or labelled photographs, for training. Give the same command with "
        "--resume to continue after an interruption, or to add videos to the set.",
    )
    _add_inputs(parser)
    _add_choice(parser)
    parser.add_argument("--run", type=Path, required=True, metavar="DIR", help="folder of the set, made if absent")
    parser.add_argument("--resume", action="store_true", help="continue the set that is there")
    parser.add_argument(
        "--store", choices=("folders", "lmdb"), default="folders", help="JPEG files or one LMDB file (default: folders)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=_crops)


def _add_inputs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "videos", type=Path, nargs="*", metavar="VIDEO", help="videos, or folders of videos (recursive)"
    )
    parser.add_argument(
        "--names",
        nargs="+",
        default=[],
        metavar="NAME",
        help="videos country+city+videoID, or text files with one such name a line; needs --root",
    )
    parser.add_argument(
        "--root", type=Path, metavar="DIR", help="folder that holds them, as DIR/country/city/videoID.*"
    )
    parser.add_argument(
        "--photographs", type=Path, metavar="DIR", help="photographs with YOLO labels: DIR/images/… beside DIR/labels/…"
    )
    parser.add_argument(
        "--split", nargs="+", default=["train"], metavar="NAME", help="splits of the photographs (default: train)"
    )
    parser.add_argument(
        "--detections",
        type=Path,
        metavar="PATH",
        help="boxes instead of the detector's: a JSON or CSV file for one video, or a folder of files named like "
        "the videos",
    )
    parser.add_argument("--detector", metavar="CARD", help="detector: a card's name or a file (default: the app's)")


def _add_choice(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--every",
        type=int,
        metavar="N",
        help="look at each N-th frame (default: 5; with --detections 1)",
    )
    parser.add_argument("--min-height", type=float, default=64, metavar="PIXELS", help="smallest box (default: 64)")
    parser.add_argument("--min-width", type=float, default=24, metavar="PIXELS", help="narrowest box (default: 24)")
    parser.add_argument("--min-confidence", type=float, default=0.5, metavar="P", help="of the detector (default: 0.5)")
    parser.add_argument("--min-aspect", type=float, default=1.1, metavar="R", help="height over width (default: 1.1)")
    parser.add_argument("--max-aspect", type=float, default=5.5, metavar="R", help="height over width (default: 5.5)")
    parser.add_argument(
        "--max-covered", type=float, default=0.3, metavar="SHARE", help="hidden behind one person (default: 0.3)"
    )
    parser.add_argument(
        "--min-sharpness", type=float, default=20, metavar="V", help="variance of the Laplacian (default: 20; 0: any)"
    )
    parser.add_argument(
        "--min-track", type=int, default=3, metavar="N", help="fewest looked-at frames of a track (default: 3)"
    )
    parser.add_argument("--no-tracks", action="store_true", help="do not track people: every box is a crop of its own")
    parser.add_argument("--keep-cut-off", action="store_true", help="take people cut off by the edge of the picture")
    parser.add_argument("--accept-damaged", action="store_true", help="use damaged videos as far as they can be read")


def _crops(options: argparse.Namespace) -> int:
    from biometric.errors import BiometricError
    from biometric.training.crops import making
    from biometric.training.crops.crop_sets import open_crops, open_writer, write_contact_sheet
    from biometric.training.runs import RunFolder

    wanted, sources = _wanted(options), _sources(options)
    detections = _detections(options, sources)
    folder = RunFolder(options.run.expanduser(), "crops", _settings(options, wanted), options.resume)
    try:
        tools = making.build_crop_tools(Settings.from_environment(None, detector=options.detector))
        writer = open_writer(options.store, folder.folder)
        try:
            summary = run(making.make(making.Job(sources, wanted, detections), tools, writer))
            destination = writer.complete()
        except BiometricError:
            if not any(record.crops for record in writer.records.values()):
                writer.discard()  # so that the next attempt may use other settings
                (folder.folder / "config.json").unlink(missing_ok=True)
            raise
        finally:
            writer.close()
        write_contact_sheet(open_crops(destination), folder.folder / "contact-sheet.png")
        _report(options, folder, summary, destination)
    finally:
        folder.close()
    return DONE


def _report(options: argparse.Namespace, folder: "RunFolder", summary: "Summary", destination: Path) -> None:
    from biometric.training.crops import making

    text = making.summary_lines(summary, destination)
    result = {**summary.as_dict(), "crops_path": str(destination)}
    folder.write("summary.json", (json.dumps(result, indent=2, ensure_ascii=False) + "\n").encode())
    show(options, result, "\n".join(text))
    if options.json:
        streams.say("\n".join(text[1:]))


def _sources(options: argparse.Namespace) -> "list[CropSource]":
    from biometric.errors import InvalidSetting
    from biometric.training.crops import crop_sources

    if options.names and options.root is None:
        raise InvalidSetting("--names needs --root, the folder that holds country/city/videoID.")
    sources = crop_sources.find_videos(options.videos)
    if options.names:
        sources += crop_sources.find_named_videos(crop_sources.read_names(options.names), options.root)
    if options.photographs is not None:
        sources += crop_sources.find_photographs(options.photographs, options.split)
    if not sources:
        raise InvalidSetting("There is nothing to cut from. Give videos, --names with --root, or --photographs.")
    return crop_sources.check_unique_names(sources)


def _detections(options: argparse.Namespace, sources: "list[CropSource]") -> "Mapping[str, Path]":
    if options.detections is None:
        return {}
    from biometric.training.crops.detection_files import find_detection_files

    return find_detection_files(options.detections, [source.video for source in sources if source.labels is None])


def _wanted(options: argparse.Namespace) -> "Wanted":
    from biometric.domain.selection import NO_BORDER, Rules
    from biometric.errors import InvalidSetting
    from biometric.training.crops.cutting import Wanted

    every = options.every if options.every is not None else 5 if options.detections is None else 1
    if every < 1 or options.min_track < 1:
        raise InvalidSetting("--every and --min-track must be 1 or more.")
    if options.min_height < 1 or options.min_width < 1 or options.min_aspect > options.max_aspect:
        raise InvalidSetting("--min-height and --min-width must be 1 or more, --min-aspect at most --max-aspect.")
    rules = Rules(
        min_height=options.min_height,
        min_width=options.min_width,
        min_confidence=options.min_confidence,
        min_aspect=options.min_aspect,
        max_aspect=options.max_aspect,
        max_covered=options.max_covered,
        border=NO_BORDER if options.keep_cut_off else Rules().border,
    )
    return Wanted(rules, options.min_sharpness, every, options.min_track, not options.no_tracks, options.accept_damaged)


def _settings(options: argparse.Namespace, wanted: "Wanted") -> dict[str, Any]:
    """All that decides which crops a source gives. The sources are not among it: a set may grow."""
    import dataclasses

    boxes = "detector" if options.detections is None else "files"
    return {"store": options.store, "detector": options.detector, "boxes": boxes, **dataclasses.asdict(wanted)}
